"""What an index looks like on a Milvus server.

    COLLECTION                         the alias that is the pointer; it names the live generation's passages
    COLLECTION__GENERATION             passages: vector, text, what filters ask, and their stems for BM25
    COLLECTION__GENERATION__sentences  sentences with their vectors, where the generation keeps these
    COLLECTION__GENERATION__records    everything else, as JSON in parts: documents, stems, vocabulary, the manifest

Collections never change once the alias has named them. Every primary key is a whole number that follows from what the
row holds, so a batch that is sent twice is there once.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from index.errors import MilvusError
from index.filters import FACETS, Filters, check

__all__ = [
    "FORMAT",
    "LONGEST",
    "PART",
    "Names",
    "condition",
    "is_in",
    "names_in",
    "names_of",
    "parts_of",
    "record_id",
]

FORMAT = 1
LONGEST = 65_535  # bytes of a VARCHAR
PART = 16_000  # characters of a record's part: at most 64,000 bytes
GENERATION = r"[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*"
NO_BEGINNING, NO_END = 100_000, -1  # years of a document that has none: no period filter is met


@dataclass(frozen=True, slots=True)
class Names:
    """The collections of one generation."""

    passages: str

    @property
    def sentences(self) -> str:
        """Of its sentences."""
        return f"{self.passages}__sentences"

    @property
    def records(self) -> str:
        """Of its records."""
        return f"{self.passages}__records"

    @property
    def all(self) -> tuple[str, str, str]:
        """The one with the manifest first: without it the others are known to be unfinished."""
        return self.records, self.sentences, self.passages


def names_of(collection: str, generation: str) -> Names:
    """Milvus allows letters, digits and underscores."""
    return Names(f"{collection}__{re.sub(r'[^A-Za-z0-9]+', '_', generation).strip('_')}")


def names_in(collection: str, there: Sequence[str]) -> list[Names]:
    """The generations of which any collection is there, newest first."""
    pattern = re.compile(rf"({re.escape(collection)}__{GENERATION})(?:__sentences|__records)?")
    found = {match[1] for name in there if (match := pattern.fullmatch(name))}
    return [Names(name) for name in sorted(found, reverse=True)]


def record_id(kind: str, name: str, part: int = 0) -> int:
    """A whole number of 63 bits for a part of a record."""
    digest = hashlib.sha256(f"{kind}\0{name}\0{part}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def parts_of(kind: str, name: str, place: int, body: str) -> Iterator[dict[str, Any]]:
    """The rows of a record, one for every `PART` characters of its body; `place` counts the records of a kind."""
    pieces = [body[at : at + PART] for at in range(0, len(body), PART)] or [""]
    for part, piece in enumerate(pieces):
        yield {
            "id": record_id(kind, name, part),
            "kind": kind,
            "name": fitting(name, f"name of a {kind}"),
            "place": place,
            "part": part,
            "parts": len(pieces),
            "body": piece,
            "nothing": [0.0, 1.0],  # every collection must have a vector
        }


def fitting(text: str, what: str) -> str:
    """The text, where Milvus can hold it."""
    if (length := len(text.encode())) > LONGEST:
        raise MilvusError(f"A {what} has {length:,} bytes ({text[:40]!r} …); Milvus holds {LONGEST:,}. Shorten it")
    return text


def is_in(field: str, keys: Sequence[int]) -> str:
    """The condition that a field is one of the keys."""
    return f"{field} in [{', '.join(map(str, keys))}]"


def condition(filters: Filters, facets: Sequence[tuple[str, str]]) -> str:
    """The filters as an expression over passages; "" for none. `facets` are all (facet, value) pairs of the index,
    by whose numbers passages name theirs. `FilterError` for a value that no document has.
    """
    clauses = []
    if filters.since is not None:
        clauses.append(f"until >= {filters.since}")
    if filters.until is not None:
        clauses.append(f"since <= {filters.until}")
    for facet in FACETS:
        if wanted := getattr(filters, facet):
            check(facet, wanted, [value for name, value in facets if name == facet])
            numbers = [facets.index((facet, value)) for value in wanted]
            clauses.append(f"array_contains_any(facets, {numbers})")
    return " and ".join(clauses)
