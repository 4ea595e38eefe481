"""Feedback: thumbs with an optional note and the receipt of the answer, in the home's `feedback.sqlite`.

A visitor votes of their own accord, and what is kept is in the receipt that they send: no address, and of the visitor
only a digest that cannot be turned back. At most `MOST` votes and `LARGEST` bytes are kept; beyond that those go first
that tell least: whose citations are not borne out, then those without a note, then the oldest.
"""

import hashlib
import json
import logging
import os
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assistant.conversations import answer_of, borne_out
from assistant.errors import FeedbackError, ReceiptError
from assistant.receipts import Receipt, from_json, to_json
from index.controls import CONTROLS
from index.protocol import Index

__all__ = ["FILE", "LARGEST", "LONGEST_NOTE", "MOST", "Counts", "Feedback", "FeedbackRow"]

FILE = "feedback.sqlite"
FORMAT = 1
LONGEST_NOTE = 2_000  # characters
LARGEST_RECEIPT = 100_000  # bytes; an answer of five citations takes some 6,000
MOST = 10_000  # votes
LARGEST = 200_000_000  # bytes of the file
PATIENCE = 5.0  # seconds that one vote waits for another
LOG = logging.getLogger(__name__)
TABLE = """CREATE TABLE IF NOT EXISTS feedback (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, at TEXT NOT NULL, helpful INTEGER NOT NULL,
    checked INTEGER NOT NULL, generation TEXT NOT NULL, question TEXT NOT NULL, note TEXT NOT NULL,
    receipt TEXT NOT NULL)"""
KEEP = """INSERT INTO feedback (key, at, helpful, checked, generation, question, note, receipt)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET at = excluded.at, helpful = excluded.helpful, note = excluded.note,
    checked = excluded.checked"""
LEAST = "DELETE FROM feedback WHERE id IN (SELECT id FROM feedback ORDER BY checked, note <> '', at, id LIMIT ?)"


@dataclass(frozen=True, slots=True)
class FeedbackRow:
    """One vote. `at` is ISO 8601 in UTC; `checked` says whether every citation of the receipt is borne out by the
    articles: a browser can send what it likes.
    """

    id: int
    at: str
    helpful: bool
    checked: bool
    generation: str
    question: str
    note: str
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Counts:
    """Votes by kind; `noted` are those with a note, `unchecked` those whose citations are not all borne out."""

    helpful: int
    unhelpful: int
    noted: int
    unchecked: int

    @property
    def all(self) -> int:
        """How many there are."""
        return self.helpful + self.unhelpful


@dataclass(frozen=True, slots=True)
class Feedback:
    """The file of a home, which need not exist; it is opened for each use. Safe to share between threads."""

    path: Path
    most: int = MOST
    largest: int = LARGEST

    @classmethod
    def open(cls, home: Path) -> "Feedback":
        """The feedback of a home."""
        return cls(home / FILE)

    def keep(self, helpful: bool, note: str, receipt: Receipt, visitor: str, index: Index) -> None:
        """Keeps a vote, in place of an earlier one on the same receipt by the same visitor.

        Without a visitor each vote is one of its own. `FeedbackError` is for the visitor: it names no path.
        """
        note = CONTROLS.sub("", note).strip()
        if len(note) > LONGEST_NOTE:
            raise FeedbackError(f"The note has {len(note):,} characters; at most {LONGEST_NOTE:,}. Shorten it")
        text = json.dumps(to_json(receipt), ensure_ascii=False, sort_keys=True)
        text = CONTROLS.sub("", text)  # half a surrogate pair, which no file can hold
        if (size := len(text.encode())) > LARGEST_RECEIPT:
            raise FeedbackError(f"The answer has {size:,} bytes; feedback is kept on at most {LARGEST_RECEIPT:,}")
        checked = not borne_out(answer_of(receipt), index)[1]
        question = CONTROLS.sub("", receipt.question)
        generation = CONTROLS.sub("", receipt.generation["name"])
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        try:
            self.write((key_of(text, visitor), at, helpful, checked, generation, question, note, text))
        except (OSError, sqlite3.Error) as error:
            LOG.warning("Feedback cannot be kept in %s (%s)", self.path, error)
            raise FeedbackError("Your feedback could not be kept here, through no fault of yours. Thank you") from error

    def write(self, values: tuple[str | int, ...]) -> None:
        """One vote in one transaction, with what must make room for it."""
        with self.opened() as db:
            db.execute("BEGIN IMMEDIATE")
            db.execute(KEEP, values)
            (count,) = db.execute("SELECT count(*) FROM feedback").fetchone()
            if count > self.most:
                db.execute(LEAST, (count - self.most,))
            while used(db) > self.largest and db.execute(LEAST, (1,)).rowcount:
                pass
            db.execute("COMMIT")

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """The file, made for its owner's eyes only; its journal takes the same mode from it."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
        with closing(sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)) as db:
            (found,) = db.execute("PRAGMA user_version").fetchone()
            if found not in (0, FORMAT):
                raise sqlite3.DatabaseError(f"it has format {found}; this program keeps format {FORMAT}")
            if not found:
                db.execute(TABLE)
                db.execute(f"PRAGMA user_version = {FORMAT}")
            yield db

    def rows(self, limit: int | None = None, helpful: bool | None = None) -> list[FeedbackRow]:
        """The newest `limit` votes (None: all) that are `helpful` or not (None: both), newest first.

        `FeedbackError` where they cannot be read.
        """
        query = "SELECT id, at, helpful, checked, generation, question, note, receipt FROM feedback"
        kind = "WHERE :helpful IS NULL OR helpful = :helpful"
        values = {"helpful": helpful, "limit": -1 if limit is None else limit}
        found = self.read(f"{query} {kind} ORDER BY at DESC, id DESC LIMIT :limit", values)
        return [self.row(*each) for each in found]

    def row(
        self, number: int, at: str, helpful: int, checked: int, generation: str, question: str, note: str, text: str
    ) -> FeedbackRow:
        """A row of the file; `FeedbackError` for a receipt that this program does not read."""
        try:
            receipt = from_json(json.loads(text), f"The receipt of feedback {number}")
        except (ValueError, AttributeError, ReceiptError) as error:
            raise FeedbackError(f"Feedback {number} in {self.path} cannot be read: {error}") from error
        return FeedbackRow(number, at, bool(helpful), bool(checked), generation, question, note, receipt)

    def counts(self) -> Counts:
        """How many votes there are, by kind; `FeedbackError` where they cannot be read."""
        query = "SELECT coalesce(sum(helpful), 0), coalesce(sum(1 - helpful), 0), coalesce(sum(note <> ''), 0), "
        found = self.read(f"{query} coalesce(sum(1 - checked), 0) FROM feedback")
        return Counts(*found[0]) if found else Counts(0, 0, 0, 0)

    def read(self, query: str, values: Mapping[str, int | None] | None = None) -> list[Any]:
        """The rows of a query; none where nobody has voted."""
        if not self.path.exists():
            return []
        try:
            with closing(sqlite3.connect(f"{self.path.resolve().as_uri()}?mode=ro", uri=True, timeout=PATIENCE)) as db:
                return db.execute(query, values or {}).fetchall()
        except sqlite3.Error as error:
            raise FeedbackError(
                f"The feedback in {self.path} cannot be read ({error}). Move the file away, and new feedback "
                "begins another"
            ) from error


def key_of(receipt: str, visitor: str) -> str:
    """A digest of both; a vote without a visitor has one that no other has."""
    return hashlib.sha256(f"{visitor or secrets.token_hex()}\n{receipt}".encode("utf-8", "replace")).hexdigest()


def used(db: sqlite3.Connection) -> int:
    """Bytes of the file that hold something."""
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)
