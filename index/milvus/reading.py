"""Records on a Milvus server: documents, facts and counts of one generation, by the numbers that their names give."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from index.errors import MilvusError
from index.milvus.connection import Connection
from index.milvus.layout import FORMAT, Names, is_in, record_id
from index.store import document_of
from index.types import Document

__all__ = ["Documents", "all_records", "manifest_of", "read_record", "read_records"]

PART = ["name", "place", "part", "parts", "body"]
ASKED = 500  # keys in one request; Milvus takes 16,384 rows back at most


def read_records(connection: Connection, names: Names, kind: str, wanted: Sequence[str]) -> dict[str, Any]:
    """What the records of a kind hold, by their names, as far as they are there."""
    rows: list[dict[str, Any]] = []
    for start in range(0, len(wanted), ASKED):
        ids = [record_id(kind, name) for name in wanted[start : start + ASKED]]
        rows += connection.rows(names.records, is_in("id", ids), PART)
    more = [record_id(kind, row["name"], part) for row in rows for part in range(1, row["parts"])]
    for start in range(0, len(more), ASKED):
        rows += connection.rows(names.records, is_in("id", more[start : start + ASKED]), PART)
    return joined(rows)


def read_record(connection: Connection, names: Names, kind: str, name: str) -> Any:
    """What one record holds; None where it is not there."""
    return read_records(connection, names, kind, [name]).get(name)


def all_records(connection: Connection, names: Names, kind: str, count: int) -> Iterator[Any]:
    """What all `count` records of a kind hold, in the order of their places."""
    for start in range(0, count, ASKED):
        where = f'kind == "{kind}" and place >= {start} and place < {start + ASKED} and part == 0'
        first = connection.rows(names.records, where, ["name", "place"])
        found = sorted((row["place"], row["name"]) for row in first)
        held = read_records(connection, names, kind, [name for _, name in found])
        yield from (held[name] for _, name in found)


def joined(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The bodies of records by name, from all their parts."""
    bodies: dict[str, list[str]] = {}
    for row in sorted(rows, key=lambda row: row["part"]):
        bodies.setdefault(row["name"], []).append(row["body"])
    return {name: json.loads("".join(parts)) for name, parts in bodies.items()}


def manifest_of(connection: Connection, names: Names) -> dict[str, Any] | None:
    """The manifest of a generation; None where it has none: it is unfinished, or not of ours."""
    try:
        found = read_record(connection.as_of(0), names, "manifest", "")
    except (ValueError, KeyError, TypeError):
        return None
    except MilvusError as error:
        if type(error) is MilvusError and "refused:" in str(error):  # not loaded, or other fields: not of ours
            return None
        raise
    return dict(found) if isinstance(found, dict) and found.get("format") == FORMAT else None


class Documents:
    """The articles of one generation, whether it is live or not."""

    def __init__(self, connection: Connection, names: Names) -> None:
        self.connection = connection
        self.names = names

    def document(self, doc_id: str) -> Document | None:
        """The whole document, or None."""
        about = read_record(self.connection, self.names, "about", doc_id)
        held = read_record(self.connection, self.names, "text", doc_id)
        if about is None or held is None:
            return None
        _, title, source, date, *_, metadata = about
        text, notes, headings, version, addresses = held
        return document_of(doc_id, title, text, source, date, metadata, notes, headings, version, addresses)
