"""Documents without their texts, for lists; and how their metadata is read."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from index.filters import FACETS

__all__ = ["FACTS", "SUMMARY", "Facts", "Summary", "facts", "related", "several", "summaries"]

SUMMARY = "SELECT doc_id, title, source, date, since, until, x, y, metadata FROM documents ORDER BY key"
# Facets come from the metadata: the table `facets` is sorted by value, and with 20,000 documents its join took 170 ms
# for 150 of them, against 1.4 ms.
FACTS = "SELECT doc_id, since, until, metadata FROM documents"
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Facts:
    """What filters ask of a document: its values of each facet, each once, and its years as in `Summary`."""

    facets: Mapping[str, tuple[str, ...]]
    since: int | None
    until: int | None


@dataclass(frozen=True, slots=True)
class Summary:
    """A document without its text.

    `since` and `until` are the years it is about, None where they are not known; `until` is `filters.OPEN_END` where
    it still goes on. `related` are ids of documents of the same generation, `sources` how many it names. `x` and `y`
    are its place on the map of meaning, in [0, 1], y downwards: what is near there speaks of similar things.
    """

    doc_id: str
    title: str
    source: str
    date: str
    summary: str
    questions: tuple[str, ...]
    since: int | None = None
    until: int | None = None
    regions: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    track: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    sources: int = 0
    x: float = 0.5
    y: float = 0.5


def summaries(rows: Sequence[Any]) -> Iterator[Summary]:
    """The rows that the query `SUMMARY` finds, all of them."""
    there = {doc_id: doc_id for doc_id, *_ in rows}
    for doc_id, title, source, date, since, until, x, y, metadata in rows:
        known = json.loads(metadata)
        yield Summary(
            doc_id=doc_id,
            title=title,
            source=source,
            date=date,
            summary=str(known.get("summary") or ""),
            questions=several(known, "questions"),
            since=since,
            until=until,
            regions=several(known, "regions"),
            topics=several(known, "topics"),
            track=several(known, "track"),
            related=tuple(related(doc_id, known, there.get)),
            sources=len(given) if isinstance(given := known.get("sources"), list) else 0,
            x=x,
            y=y,
        )


def facts(rows: Sequence[Any]) -> dict[str, Facts]:
    """The rows that the query `FACTS` finds, by their ids."""
    found = {}
    for doc_id, since, until, metadata in rows:
        known = json.loads(metadata)
        values = {facet: tuple(dict.fromkeys(several(known, facet))) for facet in FACETS}
        found[doc_id] = Facts(values, since, until)
    return found


def related(
    doc_id: str, metadata: Mapping[str, Any], find: Callable[[str], Found | None], most: int | None = None
) -> Iterator[Found]:
    """What `find` has under the ids that a document names as related, of which at most `most` are looked up.

    An id may be without the folder that the two share: it is completed where nothing has it as it stands.
    """
    folder = doc_id.rpartition("/")[0]
    for name in several(metadata, "related")[:most]:
        for whole in (name, f"{folder}/{name}") if folder else (name,):
            if whole == doc_id:
                break
            if (found := find(whole)) is not None:
                yield found
                break


def several(metadata: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """An entry of a document's metadata as several values, whether it holds one, several or none."""
    values = metadata.get(name) or ()
    return tuple(map(str, values)) if isinstance(values, list) else (str(values),) if values else ()
