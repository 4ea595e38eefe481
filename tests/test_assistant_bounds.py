"""What keeps a language model in bounds, each by itself: deadlines, the one retry, the breaker, the budget."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assistant.errors import WriterError
from assistant.writing.breaker import FAILURES, REST, Breaker
from assistant.writing.budget import Budget, network_of
from assistant.writing.calling import MOMENT, LateError, read
from assistant.writing.models import LONGEST, PAUSE, Reply, reply_of, with_retry

# -- reading a source ----------------------------------------------------------------------------------------------


class Source:
    """A fake: says what it is given, each after so many seconds, and tells whether it was closed."""

    def __init__(self, *said: tuple[float, object]) -> None:
        self.said = said
        self.closed = threading.Event()

    async def __call__(self) -> AsyncIterator[object]:
        try:
            for seconds, what in self.said:
                await asyncio.sleep(seconds)
                if isinstance(what, Exception):
                    raise what
                yield what
        finally:
            self.closed.set()


def calls() -> list[threading.Thread]:
    """The threads of calls that still run."""
    return [each for each in threading.enumerate() if each.name == "backchannel-call"]


def test_a_source_is_read_to_its_end_and_nothing_of_it_is_left() -> None:
    source = Source((0, "a"), (0, "b"), (0, "c"))
    got = list(read(source, 5, 5, bool))
    assert [each for each in got if each is not None][-1] == "c", "the newest is enough"
    assert source.closed.is_set()
    assert calls() == []


def test_an_empty_source() -> None:
    assert list(read(Source(), 5, 5, bool)) == [None]


def test_a_quick_source_takes_a_turn_a_moment() -> None:
    """A hundred items a second would be as many messages to the page."""
    started = time.monotonic()
    got = list(read(Source(*[(0.01, number) for number in range(60)]), 5, 5, lambda item: True))
    assert got[-1] == 59
    assert len(got) <= (time.monotonic() - started) / MOMENT + 2


def test_nothing_comes_and_the_reader_has_its_turn_nevertheless() -> None:
    source = Source((60, "late"))
    reading = read(source, 5, 5, bool)
    started = time.monotonic()
    assert next(reading) is None
    assert time.monotonic() - started < MOMENT + 0.5
    reading.close()
    assert source.closed.is_set()
    assert calls() == []


@pytest.mark.parametrize(
    ("said", "first", "total", "why"),
    [
        ([(60, "late")], 0.1, 9.0, "it said nothing for 0.1 seconds"),
        ([(0, ""), (60, "late")], 0.1, 9.0, "it said nothing for 0.1 seconds"),
        ([(0, "a"), (60, "late")], 0.1, 0.3, "it was not done after 0.3 seconds"),
        ([(0.05, "a")] * 999, 9.0, 0.3, "it was not done after 0.3 seconds"),
    ],
    ids=["silent", "no sign of life", "stops", "goes on"],
)
def test_t21_each_deadline_ends_the_source(
    said: list[tuple[float, object]], first: float, total: float, why: str
) -> None:
    source = Source(*said)
    started = time.monotonic()
    with pytest.raises(LateError, match=why):
        list(read(source, first, total, bool))
    assert time.monotonic() - started < min(first, total) + MOMENT + 1
    assert source.closed.is_set()
    assert calls() == []


def test_what_a_source_raises_is_raised_to_its_reader() -> None:
    got = []
    with pytest.raises(ZeroDivisionError):
        got.extend(read(Source((0, "a"), (0, ZeroDivisionError())), 5, 5, bool))
    assert calls() == []


def test_a_source_that_blocks_is_left_to_itself() -> None:
    """As a llama-index object may: nothing ends a thread from outside, so that its reader goes on without it."""
    released = threading.Event()

    async def blocking() -> AsyncIterator[str]:
        released.wait(20)
        yield "late"

    started = time.monotonic()
    with pytest.raises(LateError):
        list(read(blocking, 0.1, 0.1, bool))
    assert time.monotonic() - started < 3
    (left,) = calls()
    released.set()
    left.join(5)
    assert calls() == []


# -- the one retry -------------------------------------------------------------------------------------------------


class StatusError(Exception):
    """A fake of what openai raises for an HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}, key canary-key")
        self.status_code = status


class ReadError(Exception):
    """A fake of httpx's."""


def tried(*tries: list[Reply | Exception]) -> tuple[list[str], str, list[float]]:
    """What two attempts at most came to: the words, the error ("" for none), the pauses."""
    left = list(tries)
    pauses: list[float] = []

    async def speak(system: str, prompt: str) -> AsyncIterator[Reply]:
        for each in left.pop(0):
            if isinstance(each, Exception):
                raise each
            yield each

    async def wait(seconds: float) -> None:
        pauses.append(seconds)

    async def said() -> list[str]:
        return [reply.text async for reply in with_retry(speak, wait)("system", "prompt") if reply.text]

    try:
        return asyncio.run(said()), "", pauses
    except WriterError as error:
        return [], str(error), pauses


WELL: list[Reply | Exception] = [Reply(""), Reply("It "), Reply("It began.")]


def test_t21_no_retry_where_there_is_no_need() -> None:
    assert tried(WELL) == (["It ", "It began."], "", [])


@pytest.mark.parametrize(
    "failing",
    [*(StatusError(status) for status in (408, 409, 425, 429, 500, 503)), ConnectionResetError(), ValueError()],
    ids=str,
)
def test_t21_one_retry_after_a_pause(failing: Exception) -> None:
    assert tried([failing], WELL) == (["It ", "It began."], "", [PAUSE])
    assert tried([failing], [failing], WELL)[2] == [PAUSE], "one, and no more"


@pytest.mark.parametrize("silent", [[], [Reply("")], [Reply(" \n")], [Reply("", thinking=True)]])
def test_t21_an_empty_answer_is_tried_again(silent: list[Reply | Exception]) -> None:
    assert tried(silent, WELL)[0][-1] == "It began."
    assert tried(silent, silent) == ([], "it gave an empty answer", [PAUSE])


@pytest.mark.parametrize("status", [300, 307, 400, 401, 403, 404, 413, 422])
def test_t21_no_retry_of_what_the_server_says_is_wrong(status: int) -> None:
    assert tried([StatusError(status)], WELL) == ([], f"it answered with HTTP status {status}", [])


def test_t21_no_retry_once_it_has_spoken() -> None:
    assert tried([Reply("It "), ReadError()], WELL) == ([], "the connection broke off", [])


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (StatusError(429), "it answered with HTTP status 429"),
        (TimeoutError("canary-key"), "it did not answer in time"),
        (ConnectionRefusedError("canary-key"), "it could not be reached"),
        (UnicodeDecodeError("utf-8", b"canary-key", 0, 1, "canary-key"), "what it sent could not be read"),
        (KeyError("canary-key"), "it failed: KeyError"),
        (WriterError("it broke off"), "it broke off"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_an_error_is_told_without_its_own_words(error: Exception, said: str) -> None:
    assert tried([error], [error])[1] == said


class Block:
    """A fake of llama-index's block of thoughts."""

    def __init__(self, content: str) -> None:
        self.content = content


class Message:
    """A fake of llama-index's message."""

    def __init__(self, content: str, *blocks: Block) -> None:
        self.content = content
        self.blocks = blocks


class Response:
    """A fake of llama-index's response."""

    def __init__(self, text: str, thoughts: str = "") -> None:
        self.message = Message(text, *[Block(thoughts)] if thoughts else [])
        self.additional_kwargs = {"thinking_delta": thoughts} if thoughts else {}


@pytest.mark.parametrize(
    ("said", "thoughts", "text", "alive"),
    [
        ("", "", "", False),
        ("", "Hm.", "", True),
        ("\n<think>Hm. </thi", "", "", True),
        ("\n<think>Hm.</think>\n\nIt began.", "", "It began.", True),
        ("Hm. It may.\n</think>\n\nIt began. ", "", "It began. ", True),  # many a server sends only the end
        ("<think>Hm.</think>\n<think>So", "", "", True),
        (" It began.", "", " It began.", True),
    ],
)
def test_thoughts_are_a_sign_of_life_and_no_answer(said: str, thoughts: str, text: str, alive: bool) -> None:
    reply = reply_of(Response(said, thoughts), False)
    assert (reply.text, reply.thinking, reply.cut) == (text, alive, False)
    assert reply_of(Response(said, thoughts), True).cut


def test_t21_the_cap_is_kept_where_the_server_overlooks_it() -> None:
    assert len(reply_of(Response("x" * LONGEST), False).text) == 4800
    with pytest.raises(WriterError, match="it did not stop after 600 tokens"):
        reply_of(Response("x" * (LONGEST + 1)), False)


# -- the breaker -----------------------------------------------------------------------------------------------------


class Clock:
    """A fake: stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_t21_three_failures_in_a_row_open_the_breaker() -> None:
    breaker = Breaker(Clock())
    for well in (False, False, True, False, False):
        assert breaker.allows()
        breaker.tell(well)
    assert breaker.allows(), "two in a row"
    breaker.tell(False)
    assert not breaker.allows()
    assert (FAILURES, REST) == (3, 60.0)


def test_t21_after_a_rest_one_may_try_and_decides_for_all() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        breaker.tell(False)
    clock.now += 59.9
    assert not breaker.allows()
    clock.now += 0.2
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    breaker.tell(False)
    clock.now += 59.9
    assert not breaker.allows(), "the rest begins anew"
    clock.now += 0.2
    assert breaker.allows()
    breaker.tell(True)
    assert [breaker.allows() for _ in range(3)] == [True, True, True]


def test_t21_a_trial_of_which_nothing_is_told_does_not_shut_it_for_ever() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        breaker.tell(False)
    clock.now += REST
    assert breaker.allows()
    assert not breaker.allows()
    clock.now += REST
    assert breaker.allows()


# -- the budget ------------------------------------------------------------------------------------------------------


def spend(budget: Budget, most: int, spent: int, address: str = "") -> bool:
    """A call that may take `most` tokens and takes `spent`; whether it was allowed."""
    with budget.reserve(most, address) as reservation:
        if reservation is not None:
            reservation.spent = spent
        return reservation is not None


def on(day: list[str]) -> Callable[[], str]:
    """A fake of the date, which can be changed in its list."""
    return lambda: day[0]


@pytest.mark.parametrize("kept", [True, False], ids=["on disk", "in memory"])
def test_t22_what_may_be_spent_is_set_aside_and_what_was_not_comes_back(tmp_path: Path, kept: bool) -> None:
    budget = Budget(1000, 0, tmp_path / "spent.sqlite" if kept else None)
    assert spend(budget, 600, 250)
    assert budget.spent == 250
    assert spend(budget, 750, 700), "250 + 750 is the limit"
    assert budget.spent == 950
    assert not spend(budget, 51, 0)
    assert spend(budget, 50, 400), "a model may take more than it was told"
    assert budget.spent == 1350
    assert not spend(budget, 1, 0)


def test_t22_a_call_that_does_not_tell_has_taken_all() -> None:
    budget = Budget(1000, 0)
    with pytest.raises(ZeroDivisionError), budget.reserve(600):
        raise ZeroDivisionError
    assert budget.spent == 600


def test_t22_zero_is_no_limit() -> None:
    budget = Budget(0, 0)
    assert all(spend(budget, 10**9, 10**9, "192.0.2.1") for _ in range(3))


def test_t22_each_address_has_its_share() -> None:
    budget = Budget(0, 1000)
    assert spend(budget, 600, 600, "192.0.2.1")
    assert not spend(budget, 600, 600, "192.0.2.1")
    assert spend(budget, 600, 600, "192.0.2.2")
    assert spend(budget, 600, 100, "2001:db8:0:1::1")
    assert spend(budget, 600, 500, "2001:db8:0:1:ffff::2"), "100 + 600"
    assert not spend(budget, 600, 0, "2001:db8:0:1::3"), "one household"
    assert spend(budget, 600, 0, "2001:db8:0:2::1")
    assert spend(budget, 600, 600) is spend(budget, 600, 600) is True, "the command line has no address"


def test_t22_a_refused_address_takes_nothing_from_the_day() -> None:
    budget = Budget(1000, 500)
    assert not spend(budget, 501, 501, "192.0.2.1")
    assert budget.spent == 0
    assert spend(budget, 500, 500, "192.0.2.1")
    assert spend(budget, 500, 500, "192.0.2.2")
    assert not spend(budget, 1, 1, "192.0.2.3")
    assert budget.by_address == {"192.0.2.1": 500, "192.0.2.2": 500}


@pytest.mark.parametrize("kept", [True, False], ids=["on disk", "in memory"])
def test_t22_a_new_day_renews(tmp_path: Path, kept: bool) -> None:
    day = ["2026-03-01"]
    budget = Budget(1000, 1000, tmp_path / "spent.sqlite" if kept else None, on(day))
    assert spend(budget, 900, 900, "192.0.2.1")
    assert not spend(budget, 900, 900, "192.0.2.1")
    day[0] = "2026-03-02"
    assert spend(budget, 900, 800, "192.0.2.1")
    assert (budget.spent, budget.by_address) == (800, {"192.0.2.1": 800})


@pytest.mark.parametrize("kept", [True, False], ids=["on disk", "in memory"])
def test_t22_a_call_over_midnight_gives_the_new_day_nothing(tmp_path: Path, kept: bool) -> None:
    day = ["2026-03-01"]
    budget = Budget(1000, 1000, tmp_path / "spent.sqlite" if kept else None, on(day))
    with budget.reserve(900, "192.0.2.1") as reservation:
        assert reservation
        reservation.spent = 100
        day[0] = "2026-03-02"
        assert spend(budget, 900, 850, "192.0.2.1")
    assert (budget.spent, budget.by_address) == (850, {"192.0.2.1": 850}), "800 came back that it never had"


def test_t22_the_sum_is_kept_and_shared_by_processes(tmp_path: Path) -> None:
    path = tmp_path / "spent.sqlite"
    day = ["2026-03-01"]
    assert spend(Budget(1000, 0, path, on(day)), 700, 650)
    one, other = Budget(1000, 0, path, on(day)), Budget(1000, 0, path, on(day))
    assert not spend(one, 351, 0)
    assert spend(one, 200, 200)
    assert not spend(other, 151, 0)
    assert spend(other, 150, 150)
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT * FROM spent").fetchall() == [("2026-03-01", 1000)]


@pytest.mark.parametrize("what", ["a folder", "no folder", "no database"])
def test_t22_where_nothing_can_be_written_it_counts_in_memory(
    tmp_path: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "spent.sqlite"
    if what == "a folder":
        path.mkdir()
    elif what == "no folder":
        path = tmp_path / "none" / "spent.sqlite"
    else:
        path.write_bytes(b"no database, however long it is looked at" * 99)
    budget = Budget(1000, 0, path)
    assert spend(budget, 600, 600)
    assert not spend(budget, 600, 600)
    assert spend(budget, 400, 400)
    assert budget.spent == 1000
    assert len(caplog.records) == 1
    assert caplog.messages[0].startswith(f"The day's tokens are counted in memory only: {path} cannot be written (")


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("kept", [True, False], ids=["on disk", "in memory"])
def test_t22_many_at_once_spend_no_more_than_one_could(tmp_path: Path, kept: bool) -> None:
    budget = Budget(10_000, 5_000, tmp_path / "spent.sqlite" if kept else None)
    most = 0
    lock = threading.Lock()

    def call(number: int) -> bool:
        nonlocal most
        with budget.reserve(900, f"192.0.2.{number % 4}") as reservation:
            if reservation is None:
                return False
            with lock:
                most = max(most, budget.spent)
            time.sleep(0.001)
            reservation.spent = 300
            return True

    with ThreadPoolExecutor(8) as pool:
        allowed = sum(pool.map(call, range(120)))
    assert budget.spent == 300 * allowed <= 10_000
    assert most <= 10_000
    assert allowed >= 8, "as many as there are threads at least"
    assert max(budget.by_address.values()) <= 5_000
    assert sum(budget.by_address.values()) == budget.spent


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("", ""),
        ("192.0.2.7", "192.0.2.7"),
        ("127.0.0.1", "127.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("fe80::2%wlan1", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.8", "192.0.2.8"),
        ("testclient", "testclient"),
        ("192.0.2", "192.0.2"),
        ("1.2.3.4, 5.6.7.8", "1.2.3.4, 5.6.7.8"),
    ],
)
def test_t22_the_network_of_an_address(address: str, network: str) -> None:
    assert network_of(address) == network
