"""The nouns that everyone shares. Offsets count characters (Unicode code points) of `Document.text`."""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Document", "Dropped", "Note", "Passage", "Reading", "ScoredPassage", "Sentence", "Skipped", "Span"]


@dataclass(frozen=True, slots=True)
class Span:
    """`text[start:end]` of one document; `0 <= start < end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Note:
    """A footnote of the article itself; `sources` are ids of `metadata["sources"]`.

    `offset` is where its mark stood: it belongs to the sentence with `start < offset <= end`.
    """

    offset: int
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One article as people read it: no markup and no footnote marks in `text`.

    Paragraphs and headings stand apart by a blank line; `headings` are the spans of the latter.
    `date` is ISO 8601, as precise as known, or empty. `version` is the SHA-256 of what a reader would see change.
    `addresses` are further sources that have the same article.
    """

    doc_id: str
    title: str
    text: str
    source: str
    date: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    headings: tuple[Span, ...] = ()
    version: str = ""
    addresses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.version:
            object.__setattr__(self, "version", self.digest())

    def digest(self) -> str:
        """SHA-256 (hex) of title, text, date, metadata, headings and notes.

        The design names title, text and metadata; a moved footnote changes what a citation says of its
        source, and a new heading changes the passages, so they count as well.
        """
        notes = [[note.offset, *note.sources] for note in self.notes]
        headings = [[span.start, span.end] for span in self.headings]
        seen = [self.title, self.text, self.date, dict(self.metadata), headings, notes]
        return hashlib.sha256(json.dumps(seen, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def onward(self, span: Span) -> list[dict[str, Any]]:
        """The sources that the article itself gives for `span`, in the order of their notes, none twice.

        Last come those that it gives for the whole of itself: entries with `whole`.
        """
        known = {source["id"]: source for source in self.metadata.get("sources", ()) if "id" in source}
        ids = [name for note in self.notes if span.start < note.offset <= span.end for name in note.sources]
        ids += [name for name, source in known.items() if source.get("whole")]
        return [dict(known.get(name, {"id": name})) for name in dict.fromkeys(ids)]

    def page(self, span: Span) -> int:
        """The page on which `span` begins, counted from 1; 0 where the file has no pages.

        `metadata["pages"]` holds the offset in `text` at which each page begins.
        """
        pages = self.metadata.get("pages") or ()
        return bisect_right(pages, span.start) if isinstance(pages, list) else 0


@dataclass(frozen=True, slots=True)
class Passage:
    """What is embedded and found: `document.text[start:end] == text`, always.

    `passage_id` is `doc_id#start-end`; `key` is its whole number inside one generation (0, 1, 2 …);
    `heading` is the heading it stands under; `tokens` its tiktoken (o200k_base) count in a language model's context.
    """

    passage_id: str
    doc_id: str
    start: int
    end: int
    heading: str
    tokens: int
    text: str
    title: str = ""
    key: int = -1


@dataclass(frozen=True, slots=True)
class Sentence:
    """An exact span of one document, and the first passage that holds it whole."""

    doc_id: str
    start: int
    end: int
    passage_id: str
    text: str
    key: int = -1


@dataclass(frozen=True, slots=True)
class ScoredPassage:
    """A passage with its scores; higher is better; comparable only within one list.

    `dense` is the cosine of question and passage in [-1, 1]; `lexical` is BM25, at least 0 (0 = not found by words).
    """

    passage: Passage
    score: float
    dense: float
    lexical: float


@dataclass(frozen=True, slots=True)
class Dropped:
    """Page furniture that cleaning took out of a document, and why."""

    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file, or a line of one, that was not indexed, and why."""

    source: str
    reason: str
    damaged: bool = True  # False where nothing is wrong with it: there is no reader for its kind


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader made of one article: the document and the furniture left out of it."""

    document: Document
    dropped: tuple[Dropped, ...] = ()
