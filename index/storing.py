"""Writes documents, passages, sentences and words of one generation into one SQLite file, which is then only read."""

import json
import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import chain, repeat
from pathlib import Path

from index.chunking import Cut
from index.duplicates import Signature
from index.filters import FACETS, period
from index.spelling import Word
from index.summaries import several
from index.types import Document, Reading

__all__ = ["write_store"]

SCHEMA = """
CREATE TABLE documents (key INTEGER PRIMARY KEY, doc_id TEXT UNIQUE NOT NULL, version TEXT, title TEXT, text TEXT,
    source TEXT, date TEXT, metadata TEXT, notes TEXT, headings TEXT, addresses TEXT, since INTEGER, until INTEGER,
    signature BLOB, x REAL, y REAL);
CREATE TABLE facets (facet TEXT, value TEXT, document INTEGER, PRIMARY KEY (facet, value, document)) WITHOUT ROWID;
CREATE TABLE passages (key INTEGER PRIMARY KEY, passage_id TEXT UNIQUE NOT NULL, document INTEGER, start INTEGER,
    end INTEGER, heading TEXT, tokens INTEGER, first_sentence INTEGER, end_sentence INTEGER);
CREATE INDEX passages_of ON passages (document);
CREATE TABLE sentences (key INTEGER PRIMARY KEY, document INTEGER, start INTEGER, end INTEGER, passage INTEGER);
CREATE TABLE dropped (document INTEGER, reason TEXT, text TEXT);
CREATE TABLE words (word TEXT PRIMARY KEY, written TEXT, passages INTEGER) WITHOUT ROWID;
"""

Row = tuple[Reading, Cut, Signature | None]


def write_store(
    path: Path, rows: Iterable[Row], words: Iterable[Word] = (), places: Iterable[tuple[float, float]] = ()
) -> None:
    """Writes a new file; keys count from 0 in the order given, for documents, passages and sentences alike.

    `places` on the map of meaning are one a row, in [0, 1]; where there are none, all stand in its middle.
    """
    connection = sqlite3.connect(path)
    connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + SCHEMA)  # synced by generation
    next_passage = next_sentence = 0
    for key, ((reading, cut, signature), place) in enumerate(
        zip(rows, chain(places, repeat((0.5, 0.5))), strict=False)
    ):
        document, passages, sentences, dropped = reading.document, cut.passages, cut.sentences, reading.dropped
        since, until = period(document)
        fields = [document.doc_id, document.version, document.title, document.text, document.source, document.date]
        packed = [
            json.dumps(dict(document.metadata), ensure_ascii=False, sort_keys=True),
            json.dumps([[note.offset, *note.sources] for note in document.notes]),
            json.dumps([[span.start, span.end] for span in document.headings]),
            json.dumps(document.addresses),
        ]
        row = (key, *fields, *packed, since, until, None if signature is None else signature.tobytes(), *place)
        connection.execute(f"INSERT INTO documents VALUES ({','.join('?' * len(row))})", row)
        connection.executemany("INSERT INTO facets VALUES (?, ?, ?)", [(*pair, key) for pair in facets(document)])
        keys = {passage.passage_id: next_passage + i for i, passage in enumerate(passages)}
        starts, ends = [s.start for s in sentences], [s.end for s in sentences]
        for passage in passages:
            held = (next_sentence + bisect_left(starts, passage.start), next_sentence + bisect_right(ends, passage.end))
            span = (passage.start, passage.end, passage.heading, passage.tokens)
            row = (keys[passage.passage_id], passage.passage_id, key, *span, *held)
            connection.execute("INSERT INTO passages VALUES (?,?,?,?,?,?,?,?,?)", row)
        connection.executemany(
            "INSERT INTO sentences VALUES (?, ?, ?, ?, ?)",
            [(next_sentence + i, key, s.start, s.end, keys[s.passage_id]) for i, s in enumerate(sentences)],
        )
        connection.executemany("INSERT INTO dropped VALUES (?, ?, ?)", [(key, d.reason, d.text) for d in dropped])
        next_passage += len(passages)
        next_sentence += len(sentences)
    connection.executemany(
        "INSERT INTO words VALUES (?, ?, ?)", [(each.word, each.written, each.passages) for each in words]
    )
    connection.commit()
    connection.close()


def facets(document: Document) -> set[tuple[str, str]]:
    """The (facet, value) pairs of a document."""
    return {(facet, value) for facet in FACETS for value in several(document.metadata, facet)}
