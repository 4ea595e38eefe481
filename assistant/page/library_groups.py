"""Which group an article is drawn in on the timeline and the map: by its track, else by its region."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.page.labels import facet_label
from assistant.page.library_entries import Entry, values

__all__ = ["Group", "grouped"]

MOST = 6  # groups with a colour and a shape of their own; what is rarer goes together
OTHERS = "Other"


@dataclass(frozen=True, slots=True)
class Group:
    """`number` from 0 picks colour and shape; `name` is shown; `entries` by period."""

    number: int
    name: str
    entries: tuple[Entry, ...]


def grouped(some: Sequence[Entry]) -> list[Group]:
    """The groups, the largest first; one without a name where no article has a track or a region."""
    facet = next((name for name in ("track", "regions") if any(values(each.about, name) for each in some)), "")
    sizes = Counter(named(each, facet) for each in some)
    own = [name for name, _ in sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0])) if name != OTHERS][:MOST]
    found = []
    for number, name in enumerate([*own, OTHERS]):
        inside = [
            each for each in some if (named(each, facet) == name or (name == OTHERS and named(each, facet) not in own))
        ]
        if inside:
            found.append(Group(number, name, tuple(sorted(inside, key=by_period))))
    return found


def named(entry: Entry, facet: str) -> str:
    """The group's name: the first value of the facet, in words."""
    if not facet:
        return ""
    given = values(entry.about, facet)
    return facet_label(facet, given[0]) if given else OTHERS


def by_period(entry: Entry) -> tuple[int, int, int]:
    """Articles of no period come last."""
    since, until = entry.about.since, entry.about.until
    return (10_000 if since is None else since, 10_000 if until is None else until, entry.number)
