"""How often anybody may ask: a rate for each address and one for all, told in a sentence and a `Retry-After`.

Own code, since the `limits` library (5.8) walks through all addresses that it knows, a thread each, at every request.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from assistant.settings import PageSettings
from assistant.writing.budget import network_of

__all__ = ["Limits", "Rate", "Refusal", "remember"]

T = TypeVar("T")
KNOWN = 10_000  # addresses remembered; the one that asked longest ago is forgotten first
WINDOW = 60.0  # seconds in which an address may spend its allowance at once

OFTEN = "You have asked {often} times within a minute, as often as one address may. Ask again in {wait}."
BUSY = "Many people are asking at this moment. Ask again in {wait}."


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not served: an HTTP status, a sentence, whole seconds until it is worth another try."""

    status: int
    sentence: str
    wait: int = 0
    reason: str = "refused"  # a word for the metrics


def remember(among: OrderedDict[str, T], key: str, value: T, most: int) -> None:
    """Puts it at the end, and forgets the first where there are more than `most`."""
    among[key] = value
    among.move_to_end(key)
    while len(among) > most:
        among.popitem(last=False)


class Rate:
    """At most `most` within `seconds`, for each key: a bucket that holds `most` and fills evenly."""

    def __init__(self, most: float, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.fill = most / seconds
        self.clock = clock
        self.left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what a key had left, and when

    def take(self, key: str = "") -> float:
        """0 where the key may go on; else the seconds until it may, and nothing is taken."""
        now = self.clock()
        left, then = self.left.get(key, (self.most, now))
        left = min(self.most, left + (now - then) * self.fill)
        enough = left >= 1
        remember(self.left, key, (left - 1 if enough else left, now), KNOWN)
        return 0.0 if enough else (1 - left) / self.fill


class Limits:
    """The rates of a page. Those by address hold only where others than this machine's user can come (`by_address`)."""

    def __init__(self, settings: PageSettings, by_address: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self.settings = settings
        self.by_address = by_address
        self.questions = Rate(settings.page_address_questions, WINDOW, clock)
        self.requests = Rate(settings.page_address_requests, WINDOW, clock)
        self.all_questions = Rate(2 * settings.page_questions, 2.0, clock)  # two seconds' worth may come together

    def asked(self, address: str) -> Refusal | None:
        """One more question from there."""
        if self.by_address and (wait := self.questions.take(network_of(address))):
            return often(self.settings.page_address_questions, wait)
        return None

    def asked_by_all(self) -> Refusal | None:
        """One more question, of those that nothing else speaks against."""
        return busy(wait) if (wait := self.all_questions.take()) else None

    def requested(self, address: str) -> Refusal | None:
        """One more of the requests that cost less: an article, an export, a thumb."""
        if self.by_address and (wait := self.requests.take(network_of(address))):
            return often(self.settings.page_address_requests, wait)
        return None


def often(most: int, wait: float) -> Refusal:
    """One address has had its share."""
    seconds = math.ceil(wait)
    return Refusal(429, OFTEN.format(often=f"{most:,}", wait=in_words(seconds)), seconds, "address_rate")


def busy(wait: float = 2.0) -> Refusal:
    """All together ask more than the page can answer."""
    seconds = math.ceil(wait)
    return Refusal(503, BUSY.format(wait=in_words(seconds)), seconds, "busy")


def in_words(seconds: int) -> str:
    """A time to wait."""
    return f"{seconds} second{'' if seconds == 1 else 's'}"
