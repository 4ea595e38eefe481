"""How many of the articles that were found have each value of a facet, and are about each decade."""

from collections import Counter
from collections.abc import Iterable

from index.filters import OPEN_END
from index.summaries import Facts

__all__ = ["by_decade", "counted"]

FIRST_YEAR = 100  # the earliest that a period filter can name
DECADES = 10  # latest that are offered


def counted(articles: Iterable[Facts], facet: str) -> dict[str, int]:
    """How many articles have each value."""
    return dict(Counter(value for each in articles for value in each.facets[facet]))


def by_decade(articles: Iterable[Facts], now: int) -> dict[int, int]:
    """How many articles are about years of each decade; what still goes on does so until `now`. The latest decades,
    in their order.
    """
    counts: Counter[int] = Counter()
    for each in articles:
        if each.since is None or each.until is None:
            continue
        last = now if each.until >= OPEN_END else each.until
        counts.update(range(max(each.since, FIRST_YEAR) // 10 * 10, min(last, OPEN_END) + 1, 10))
    return {decade: counts[decade] for decade in sorted(counts)[-DECADES:]}
