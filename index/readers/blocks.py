"""What every reader makes first: paragraphs and headings in order; and how they become one Document."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from index.controls import CONTROLS
from index.errors import ReadingError
from index.types import Document, Dropped, Note, Reading, Span

__all__ = ["LONGEST", "Block", "Line", "printable", "reading", "title_of_name"]

LONGEST = 25_000_000  # characters of one article; the longest novels have three million


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, or with `level` > 0 a heading; `notes` hold offsets within `text`."""

    text: str
    level: int = 0
    notes: tuple[Note, ...] = ()


class Line:
    """A paragraph as it is put together from pieces: white space is one blank, and notes know where they stand."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = 0  # of what is seen: without a blank at the end
        self.blank = False  # whether one is due before the next word
        self.notes: list[Note] = []

    @property
    def last(self) -> str:
        """The last character, "" of an empty line."""
        return self.parts[-1][-1] if self.parts else ""

    def add(self, text: str) -> None:
        """More text."""
        words = " ".join(text.split())
        self.blank = self.blank or text[:1].isspace()
        if words:
            words = " " + words if self.blank and self.parts else words
            self.parts.append(words)
            self.length += len(words)
            self.blank = False
        self.blank = self.blank or text[-1:].isspace()

    def glue(self, mark: str) -> None:
        """A mark that follows the last word without a blank."""
        self.blank = False
        self.add(mark)

    def note(self, name: str) -> None:
        """A footnote's mark; before the first word, it belongs to that."""
        offset = self.length or 1
        if self.notes and self.notes[-1].offset == offset:
            self.notes[-1] = Note(offset, (*self.notes[-1].sources, name))
        else:
            self.notes.append(Note(offset, (name,)))

    def take(self, level: int = 0) -> "Block":
        """The block, perhaps an empty one; the line is empty again."""
        block = Block("".join(self.parts), level, tuple(self.notes))
        self.__init__()  # type: ignore[misc]
        return block


def reading(
    doc_id: str,
    title: str,
    blocks: Iterable[Block],
    source: str,
    date: str = "",
    metadata: Mapping[str, Any] | None = None,
    dropped: Iterable[Dropped] = (),
) -> Reading:
    """The blocks as one Document, a blank line between any two; `ReadingError` when nothing is left to read."""
    parts: list[str] = []
    headings: list[Span] = []
    notes: list[Note] = []
    offset = 0
    for block in blocks:
        if not block.text:
            continue
        notes += [Note(offset + note.offset, note.sources) for note in block.notes]
        if block.level:
            headings.append(Span(offset, offset + len(block.text)))
        parts.append(block.text)
        offset += len(block.text) + 2
    if offset > LONGEST:
        raise ReadingError(f"it is longer than {LONGEST:,} characters; split it")
    if len(parts) == len(headings):
        raise ReadingError("there is no text in it")
    document = Document(
        doc_id=doc_id,
        title=" ".join(printable(title).split()),
        text="\n\n".join(parts),
        source=source,
        date=printable(date),
        metadata=printable(dict(metadata or {})),
        notes=tuple(notes),
        headings=tuple(headings),
    )
    return Reading(document, tuple(dropped))


def printable(value: Any) -> Any:
    """A JSON value without control characters and half surrogates, which escapes in JSON and YAML can bring in."""
    if isinstance(value, dict):
        return {CONTROLS.sub("", str(name)): printable(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [printable(entry) for entry in value]
    return CONTROLS.sub("", value) if isinstance(value, str) else value


def title_of_name(name: str) -> str:
    """A title from a file's name, where the file itself gives none: `oslo-channel` -> `Oslo channel`."""
    words = re.sub(r"[-_]+", " ", name.rsplit("/", 1)[-1]).strip()
    return words[:1].upper() + words[1:]
