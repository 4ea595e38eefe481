"""Documents without their texts, for lists."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["SUMMARY", "Summary", "several", "summaries"]

SUMMARY = "SELECT doc_id, title, source, date, since, until, x, y, metadata FROM documents ORDER BY key"


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
    there = {doc_id for doc_id, *_ in rows}
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
            related=tuple(each for each in several(known, "related") if each in there and each != doc_id),
            sources=len(given) if isinstance(given := known.get("sources"), list) else 0,
            x=x,
            y=y,
        )


def several(metadata: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """An entry of a document's metadata as several values, whether it holds one, several or none."""
    values = metadata.get(name) or ()
    return tuple(map(str, values)) if isinstance(values, list) else (str(values),) if values else ()
