"""JSON lines as BEIR has them: `_id`, `title`, `text`, `metadata`; one document a line."""

import json
from collections.abc import Iterator
from typing import Any

from index.errors import ReadingError
from index.readers.blocks import Block, printable, reading
from index.readers.characters import SOFT_HYPHEN, without_hidden
from index.readers.encoding import converted
from index.types import Dropped, Reading, Skipped

__all__ = ["read_jsonlines"]


def read_jsonlines(data: bytes, doc_id: str, source: str) -> Iterator[Reading | Skipped]:
    """A document a line; a line that is none is skipped with its number. `doc_id` is not used: lines have `_id`."""
    text, said = converted(data)
    if not text.strip():
        raise ReadingError("there is no line in it")
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        place = f"{source}#L{number}"
        try:
            yield document(json.loads(line), place, () if line.isascii() else said)
        except json.JSONDecodeError as error:
            yield Skipped(place, f"the line is not JSON ({error.msg}: character {error.pos})")
        except (ValueError, RecursionError) as error:  # a number of thousands of digits, a list in a list in a list
            yield Skipped(place, f"the line cannot be read as JSON ({error})")
        except ReadingError as error:
            yield Skipped(place, str(error))


def document(entry: Any, place: str, said: tuple[Dropped, ...] = ()) -> Reading:
    """One line's object as a document; `ReadingError` says which field is missing.

    Soft hyphens stay: the program that wrote the line may count its characters.
    """
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
    text, hidden = without_hidden(entry["text"], keep=SOFT_HYPHEN)
    title, also = without_hidden(str(entry.get("title") or ""), keep=SOFT_HYPHEN)
    return reading(
        str(name),
        title or str(name),
        [Block(line.strip()) for line in text.split("\n")],
        place,
        str(metadata.get("date") or entry.get("date") or ""),
        metadata,
        [*said, *hidden, *also],
    )
