"""JSON lines as BEIR has them: `_id`, `title`, `text`, `metadata`; one document a line."""

import json
from collections.abc import Iterator
from typing import Any

from index.errors import ReadingError
from index.readers.blocks import Block, decode, printable, reading
from index.types import Reading, Skipped

__all__ = ["read_jsonlines"]


def read_jsonlines(data: bytes, doc_id: str, source: str) -> Iterator[Reading | Skipped]:
    """A document a line; a line that is none is skipped with its number. `doc_id` is not used: lines have `_id`."""
    for number, line in enumerate(decode(data).split("\n"), 1):
        if not line.strip():
            continue
        place = f"{source}#L{number}"
        try:
            yield document(json.loads(line), place)
        except json.JSONDecodeError as error:
            yield Skipped(place, f"the line is not JSON ({error.msg}: character {error.pos})")
        except (ValueError, RecursionError) as error:  # a number of thousands of digits, a list in a list in a list
            yield Skipped(place, f"the line cannot be read as JSON ({error})")
        except ReadingError as error:
            yield Skipped(place, str(error))


def document(entry: Any, place: str) -> Reading:
    """One line's object as a document; `ReadingError` says which field is missing."""
    if not isinstance(entry, dict):
        raise ReadingError(f"the line is a {type(entry).__name__}, not an object with _id and text")
    entry = printable(entry)
    name = entry.get("_id")
    if not isinstance(name, str | int) or not str(name).strip():
        raise ReadingError("the line has no _id")
    if not isinstance(entry.get("text"), str):
        raise ReadingError(f"the line of _id {name} has no text")
    metadata = entry.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise ReadingError(f"the metadata of _id {name} is a {type(metadata).__name__}, not an object")
    lines = entry["text"].split("\n")
    return reading(
        str(name),
        str(entry.get("title") or "") or str(name),
        [Block(line.strip()) for line in lines],
        place,
        str(metadata.get("date") or entry.get("date") or ""),
        metadata,
    )
