"""The articles as the library lists them: in the order of their titles, to be filtered and sorted."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from assistant.page.escaping import balanced
from assistant.page.labels import facet_label, years
from index.filters import FACETS
from index.summaries import Summary

__all__ = ["COLUMNS", "Entry", "counted", "entries", "folded", "labels", "narrowed", "ordered", "values"]


@dataclass(frozen=True, slots=True)
class Entry:
    """An article; `number` is its place by title, from 0; `folded` its title, `words` what is filtered by, folded."""

    number: int
    about: Summary
    folded: str
    words: str

    @property
    def title(self) -> str:
        """What it is called."""
        return self.about.title or self.about.doc_id


def entries(summaries: Iterable[Summary]) -> list[Entry]:
    """All articles by title."""
    titled = sorted(((folded(each.title or each.doc_id), each) for each in summaries), key=by_title)
    return [Entry(number, each, title, searched(each)) for number, (title, each) in enumerate(titled)]


def by_title(pair: tuple[str, Summary]) -> tuple[str, str]:
    """What the articles are sorted by: the folded title, then the id."""
    return pair[0], pair[1].doc_id


def searched(about: Summary) -> str:
    """What the filter box looks in."""
    shown = [label for facet in FACETS for label in labels(about, facet)]
    return folded(" ".join([about.title or about.doc_id, about.summary, years(about.since, about.until), *shown]))


def folded(text: str) -> str:
    """Without case and accents, each run of white space as one space; library.js folds alike."""
    apart = unicodedata.normalize("NFKD", text)
    return " ".join("".join(mark for mark in apart if not unicodedata.category(mark).startswith("M")).lower().split())


def values(about: Summary, facet: str) -> tuple[str, ...]:
    """An article's values of a facet, each on one line and without the mark that stands between them in a row."""
    given: tuple[str, ...] = getattr(about, facet)
    return tuple(" ".join(balanced(value).replace("|", " ").split()) for value in given)


def labels(about: Summary, facet: str) -> list[str]:
    """The same in words."""
    return [facet_label(facet, value) for value in values(about, facet)]


def counted(all_: Sequence[Entry], facet: str) -> list[tuple[str, int]]:
    """The values of a facet, each with how many articles have it, by their labels."""
    found = Counter(value for entry in all_ for value in set(values(entry.about, facet)))
    return sorted(found.items(), key=lambda pair: facet_label(facet, pair[0]).lower())


def number(value: int | None) -> str:
    """A number that sorts as text; "" for none, which sorts last."""
    return "" if value is None else f"{value:06}"


# What each column sorts by, as text, which library.js compares in the same way; "" comes last, both ways.
COLUMNS: Mapping[str, tuple[str, Callable[[Entry], str]]] = {
    "title": ("Title", lambda each: each.folded),
    "period": ("Period", lambda each: number(each.about.since) and number(each.about.since) + number(each.about.until)),
    "regions": ("Regions", lambda each: folded(", ".join(labels(each.about, "regions")))),
    "topics": ("Topics", lambda each: folded(", ".join(labels(each.about, "topics")))),
    "track": ("Track", lambda each: folded(", ".join(labels(each.about, "track")))),
    "date": ("Date", lambda each: folded(each.about.date)),
    "sources": ("Sources", lambda each: number(each.about.sources)),
}


def narrowed(all_: Iterable[Entry], words: str, wanted: Mapping[str, str]) -> list[Entry]:
    """Those that have all the words, and each facet's wanted value; "" wants any."""
    parts = folded(words).split()
    facets = [(facet, value) for facet, value in wanted.items() if value]
    return [
        each
        for each in all_
        if all(part in each.words for part in parts)
        and all(value in values(each.about, facet) for facet, value in facets)
    ]


def ordered(some: Sequence[Entry], column: str, down: bool) -> list[Entry]:
    """By a column, then by title; what the column does not say comes last, both ways."""
    key = COLUMNS[column][1]
    keyed = [(key(each), each) for each in some]
    told = sorted((pair for pair in keyed if pair[0]), key=lambda pair: pair[0], reverse=down)
    return [each for _, each in told] + [each for given, each in keyed if not given]
