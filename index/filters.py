"""Which documents a search may look in: by period, regions, topics, track."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from index.errors import FilterError
from index.types import Document

__all__ = ["EVERYTHING", "FACETS", "OPEN_END", "Filters", "check", "period"]

FACETS = ("regions", "topics", "track")
OPEN_END = 9999  # the year of a period without an end: it still goes on
PERIOD = re.compile(r"(\d{3,4})?(?:\s*(-|–)\s*(\d{3,4})?)?")


@dataclass(frozen=True, slots=True)
class Filters:
    """Values of one facet are alternatives; facets must all be met.

    The period filter is met when it overlaps the article's `period`, else the year of its `date`; years inclusive,
    None = open. An article with neither does not meet it.
    """

    since: int | None = None
    until: int | None = None
    regions: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    track: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.since or self.until or self.regions or self.topics or self.track)

    @classmethod
    def parse(
        cls, period: str = "", regions: Iterable[str] = (), topics: Iterable[str] = (), track: Iterable[str] = ()
    ) -> "Filters":
        """`period` is `1990-1995`, `1990-`, `-1995` or `1990`; `FilterError` for anything else."""
        since, until = parse_period(period)
        return cls(since, until, tuple(regions), tuple(topics), tuple(track))


EVERYTHING = Filters()


def check(facet: str, wanted: Sequence[str], known: Sequence[str]) -> None:
    """`FilterError` for a value that is not among those that occur."""
    if unknown := [value for value in wanted if value not in known]:
        listed = ", ".join(known) or "none at all"
        raise FilterError(f"No article has {unknown[0]!r} among its {facet}. The index has: {listed}")


def parse_period(period: str) -> tuple[int | None, int | None]:
    """The two years of a period, None = open."""
    found = PERIOD.fullmatch(period.strip())
    if not found or (period.strip() and not (found[1] or found[3])):
        raise FilterError(f"The period {period!r} is not two years. Write it as 1990-1995, 1990-, -1995 or 1990")
    since, until = (int(year) if year else None for year in (found[1], found[3]))
    if since and not found[2]:
        until = since
    if since and until and since > until:
        raise FilterError(f"The period {period!r} ends before it begins. Write the earlier year first")
    return since, until


def period(document: Document) -> tuple[int | None, int | None]:
    """The years an article is about: its `period`, else the year of its `date`; None where neither is known."""
    given = document.metadata.get("period")
    if isinstance(given, dict) and isinstance(given.get("from"), int):
        until = given.get("to")
        return given["from"], until if isinstance(until, int) else OPEN_END
    year = document.date[:4]
    return (int(year), int(year)) if year.isdigit() and len(year) == 4 else (None, None)
