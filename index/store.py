"""Reads the documents, passages, sentences and words of one generation; `index.storing` writes their file."""

import json
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.chunking import Cut
from index.duplicates import Signature
from index.errors import DamagedIndexError
from index.filters import FACETS, Filters, check
from index.spelling import Word
from index.summaries import FACTS, SUMMARY, Facts, Summary, facts, summaries
from index.types import Document, Dropped, Note, Passage, Sentence, Span

__all__ = ["Store", "document_of"]

ASKED = 500  # keys in one query, the texts of whose documents are in memory at once; SQLite allows 32,766 variables
KEPT = 4_000_000  # characters of documents kept in memory, at most 16 MB
PASSAGE = """SELECT p.passage_id, d.doc_id, p.start, p.end, p.heading, p.tokens, d.title, p.key, p.document
    FROM passages p JOIN documents d ON d.key = p.document"""
SENTENCE = """SELECT d.doc_id, s.start, s.end, p.passage_id, s.key, s.document
    FROM sentences s JOIN documents d ON d.key = s.document JOIN passages p ON p.key = s.passage"""


class Store:
    """Read access. One connection, guarded by a lock: the queries are short, and threads may share it."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.Lock()
        self.path = path
        self.kept: dict[int, str] = {}  # the one read last is last
        self.room = KEPT
        try:
            uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
            self.connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
            weakref.finalize(self, self.connection.close).atexit = False  # a thread may still read then
            self.connection.execute("SELECT count(*) FROM documents").fetchall()
        except sqlite3.DatabaseError as error:
            raise DamagedIndexError(f"{path} is not a database: {error}") from error

    def close(self) -> None:
        """Lets go of the file."""
        self.connection.close()

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query."""
        with self.lock, self.read():
            return self.connection.execute(query, values).fetchall()

    @contextmanager
    def read(self) -> Iterator[None]:
        """A disk that fails while a verified file is read is an error of ours."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise DamagedIndexError(f"{self.path} cannot be read ({error})") from error

    def passages(self, keys: Sequence[int]) -> dict[int, Passage]:
        """Passages by key."""
        found: dict[int, Passage] = {}
        for start in range(0, len(keys), ASKED):
            some = list(keys[start : start + ASKED])
            rows = self.rows(f"{PASSAGE} WHERE p.key IN ({','.join('?' * len(some))})", some)
            texts = self.texts({document for *_, document in rows})
            for name, doc_id, first, end, heading, tokens, title, key, document in rows:
                text = texts[document][first:end]
                found[key] = Passage(name, doc_id, first, end, heading, tokens, text, title, key)
        return found

    def sentence_ranges(self) -> NDArray[np.int32]:
        """`(passages, 2)`, in the order of their keys: the first of the passage's sentences, and the end of them."""
        rows = self.rows("SELECT first_sentence, end_sentence FROM passages ORDER BY key")
        return np.array(rows, dtype=np.int32).reshape(-1, 2)

    def sentences(self, keys: Sequence[int]) -> dict[int, Sentence]:
        """Sentences by key."""
        rows = self.rows(f"{SENTENCE} WHERE s.key IN ({','.join('?' * len(keys))})", list(keys))
        texts = self.texts({document for *_, document in rows})
        return {
            key: Sentence(doc_id, start, end, passage_id, texts[document][start:end], key)
            for doc_id, start, end, passage_id, key, document in rows
        }

    def texts(self, documents: Iterable[int]) -> dict[int, str]:
        """Whole texts by the keys of their documents; those read last are kept.

        SQLite's `substr` reads a text from its start for every slice: 11 passages of a document of 5 million
        characters took 41 ms.
        """
        found = {}
        with self.lock, self.read():
            for key in documents:
                text = self.kept.pop(key, None)
                if text is None:
                    ((text,),) = self.connection.execute("SELECT text FROM documents WHERE key = ?", (key,))
                    self.room -= len(text)
                found[key] = self.kept[key] = text
            while self.room < 0:
                self.room += len(self.kept.pop(next(iter(self.kept))))
        return found

    def document(self, doc_id: str) -> Document | None:
        """The whole document, or None."""
        query = "SELECT title, text, source, date, metadata, notes, headings, version, addresses FROM documents"
        return next((document_of(doc_id, *row) for row in self.rows(f"{query} WHERE doc_id = ?", (doc_id,))), None)

    def summaries(self) -> Iterator[Summary]:
        """All documents without their texts, in the order of their ids."""
        return summaries(self.rows(SUMMARY))

    def facts(self, doc_ids: Sequence[str]) -> dict[str, Facts]:
        """What filters ask of documents, by their ids, as far as they are there."""
        found: dict[str, Facts] = {}
        for start in range(0, len(doc_ids), ASKED):
            some = doc_ids[start : start + ASKED]
            found |= facts(self.rows(f"{FACTS} WHERE doc_id IN ({','.join('?' * len(some))})", some))
        return found

    def versions(self) -> dict[str, str]:
        """The version of each document."""
        return dict(self.rows("SELECT doc_id, version FROM documents"))

    def signatures(self) -> dict[str, Signature]:
        """The MinHash of each document by its version."""
        rows = self.rows("SELECT version, signature FROM documents WHERE signature IS NOT NULL")
        return {version: np.frombuffer(data, dtype=np.uint32) for version, data in rows}

    def cut(self, doc_id: str) -> tuple[Cut, tuple[range, range]]:
        """How a document was cut, and the keys of its passages and sentences, both without gaps."""
        ((document,),) = self.rows("SELECT key FROM documents WHERE doc_id = ?", (doc_id,))
        passages = [
            key for (key,) in self.rows("SELECT key FROM passages WHERE document = ? ORDER BY key", (document,))
        ]
        rows = self.rows("SELECT key FROM sentences WHERE document = ? ORDER BY key", (document,))
        sentences = [key for (key,) in rows]
        found = self.passages(passages)
        told = {
            key: each
            for at in range(0, len(sentences), ASKED)
            for key, each in self.sentences(sentences[at : at + ASKED]).items()
        }
        made = Cut(
            tuple(replace(found[key], key=-1) for key in passages),
            tuple(replace(told[key], key=-1) for key in sentences),
        )
        return made, (range_of(passages), range_of(sentences))

    def words(self) -> list[Word]:
        """The vocabulary of all passages, sorted."""
        return [Word(*row) for row in self.rows("SELECT word, written, passages FROM words ORDER BY word")]

    def dropped(self, doc_id: str) -> list[Dropped]:
        """The page furniture that was left out of a document."""
        query = "SELECT x.reason, x.text FROM dropped x JOIN documents d ON d.key = x.document WHERE d.doc_id = ?"
        return [Dropped(reason, text) for reason, text in self.rows(query, (doc_id,))]

    def facet_values(self, facet: str) -> list[str]:
        """The values of a facet that occur, sorted."""
        query = "SELECT DISTINCT value FROM facets WHERE facet = ? ORDER BY value"
        return [value for (value,) in self.rows(query, (facet,))]

    def matching(self, filters: Filters) -> list[int]:
        """Keys of the documents that meet the filters; `FilterError` for a value that no document has."""
        clause, values = self.condition(filters)
        return [key for (key,) in self.rows(f"SELECT key FROM documents WHERE {clause} ORDER BY key", values)]

    def passages_matching(self, filters: Filters) -> list[int]:
        """Keys of the passages of those documents."""
        clause, values = self.condition(filters)
        query = f"SELECT key FROM passages WHERE document IN (SELECT key FROM documents WHERE {clause}) ORDER BY key"
        return [key for (key,) in self.rows(query, values)]

    def condition(self, filters: Filters) -> tuple[str, list[Any]]:
        """The filters as an SQL condition on `documents`, with its values."""
        clauses, values = ["1"], list[Any]()
        if filters.since is not None:
            clauses, values = [*clauses, "until >= ?"], [*values, filters.since]
        if filters.until is not None:
            clauses, values = [*clauses, "since <= ?"], [*values, filters.until]
        for facet in FACETS:
            wanted = getattr(filters, facet)
            if not wanted:
                continue
            check(facet, wanted, self.facet_values(facet))
            marks = ",".join("?" * len(wanted))
            clauses.append(f"key IN (SELECT document FROM facets WHERE facet = ? AND value IN ({marks}))")
            values += [facet, *wanted]
        return " AND ".join(clauses), values


def document_of(
    doc_id: str,
    title: str,
    text: str,
    source: str,
    date: str,
    metadata: str,
    notes: str,
    headings: str,
    version: str,
    addresses: str,
) -> Document:
    """A document from its columns; metadata, notes, headings and addresses are JSON."""
    return Document(
        doc_id=doc_id,
        title=title,
        text=text,
        source=source,
        date=date,
        metadata=json.loads(metadata),
        notes=tuple(Note(offset, tuple(sources)) for offset, *sources in json.loads(notes)),
        headings=tuple(Span(*span) for span in json.loads(headings)),
        version=version,
        addresses=tuple(json.loads(addresses)),
    )


def range_of(keys: Sequence[int]) -> range:
    """Keys without gaps as a range."""
    return range(keys[0], keys[-1] + 1) if keys else range(0)
