"""What every reader makes first: paragraphs and headings in order; and how they become one Document."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from index.errors import ReadingError
from index.types import Document, Dropped, Note, Reading, Span

__all__ = ["Block", "decode", "printable", "reading", "title_of_name"]

CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, or with `level` > 0 a heading; `notes` hold offsets within `text`."""

    text: str
    level: int = 0
    notes: tuple[Note, ...] = ()


def decode(data: bytes) -> str:
    """The text of a file, line ends unified, control characters gone; `ReadingError` where it is not text.

    UTF-8, or UTF-16 with a byte order mark. Binary files are known by their NUL bytes.
    """
    encoding = next((name for mark, name in MARKS if data.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in data[:65536]:
        raise ReadingError("it is not text (it holds NUL bytes)")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ReadingError(
            f"it is not {encoding.upper()} text (byte {data[error.start]:#04x} at {error.start}); save it as UTF-8"
        ) from error
    return CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


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
