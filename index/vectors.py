"""The vector cache: re-indexing embeds only what is new, and interrupted work resumes."""

import contextlib
import hashlib
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from index.embedding import Embedder, Vectors
from index.embedding.bulk import for_many
from index.progress import Progress, silent

__all__ = ["VectorCache"]

STRETCH = 512  # texts embedded between two commits: what an interruption can cost
# What SQLite says of a damaged file; where the damage is in what it would quote, Python cannot read even that.
DAMAGE = sqlite3.DatabaseError, UnicodeDecodeError
ASKED = 500  # keys a query; SQLite allows 32,766 variables


class VectorCache:
    """One SQLite file: (embedder digest, backend, text) -> float32 vector, each row with its own CRC-32."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = connect(path)

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator["VectorCache"]:
        """The cache at `path`; a file that is no database any more is set aside, since all of it can be made again."""
        path.parent.mkdir(parents=True, exist_ok=True)
        cache = cls(path)
        try:
            yield cache
        finally:
            cache.connection.close()

    @classmethod
    def missing(cls, path: Path, embedder: Embedder, texts: Sequence[str]) -> int:
        """How many different texts the cache at `path` has no vector of; nothing is written."""
        keys = {cls.key(embedder, text) for text in texts}
        if not path.is_file():
            return len(keys)
        try:
            with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
                return len(keys) - len(known(connection, sorted(keys), embedder.dimension))
        except DAMAGE:
            return len(keys)

    def embed(self, embedder: Embedder, texts: Sequence[str], progress: Progress = silent) -> tuple[Vectors, int]:
        """`(n, dimension)` float32, unit rows, in the order of `texts`; and how many had to be embedded."""
        try:
            return self.looked_up(embedder, texts, progress)
        except sqlite3.OperationalError:  # the disk is full, the file is locked: no damage
            raise
        except DAMAGE:  # damage that did not show when the file was opened
            self.connection.close()
            set_aside(self.path)
            self.connection = connect(self.path)
            return self.looked_up(embedder, texts, progress)

    def looked_up(self, embedder: Embedder, texts: Sequence[str], progress: Progress) -> tuple[Vectors, int]:
        """What `embed` gives, of a whole file."""
        keys = [self.key(embedder, text) for text in texts]
        there = known(self.connection, sorted(set(keys)), embedder.dimension)
        missing = list({key: text for key, text in zip(keys, texts, strict=True) if key not in there}.items())
        missing.sort(key=lambda pair: len(pair[1]))  # like lengths in one stretch, so that little is padded
        embedder = for_many(embedder, len(missing))
        with progress("embedding", len(missing)) as advance:
            for start in range(0, len(missing), STRETCH):
                some = missing[start : start + STRETCH]
                rows = embedder.embed_passages([text for _, text in some])
                fresh = dict(zip((key for key, _ in some), rows, strict=True))
                self.write(fresh)
                there.update(fresh)
                advance(len(some))
        found = np.stack([there[key] for key in keys]) if keys else np.empty((0, embedder.dimension), np.float32)
        return found, len(missing)

    def remember(self, embedder: Embedder, texts: Sequence[str], rows: Vectors) -> None:
        """Takes vectors that were made elsewhere: `(n, dimension)` float32 unit rows in the order of `texts`."""
        self.write({self.key(embedder, text): row for text, row in zip(texts, rows, strict=True)})

    def write(self, vectors: Mapping[bytes, Vectors]) -> None:
        """Rows by their keys, all of them or none."""
        entries = [(key, (data := row.tobytes()), zlib.crc32(data, zlib.crc32(key))) for key, row in vectors.items()]
        self.connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", entries)
        self.connection.commit()

    @staticmethod
    def key(embedder: Embedder, text: str) -> bytes:
        """SHA-256 of embedder, backend and text."""
        return hashlib.sha256(f"{embedder.digest}\n{embedder.backend}\n{text}".encode()).digest()


def set_aside(path: Path) -> None:
    """Makes room for a new cache; its journal goes, for it would be replayed into the new file."""
    path.replace(path.with_suffix(".damaged"))
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)


def connect(path: Path) -> sqlite3.Connection:
    """The open database; see `VectorCache.open`."""
    connection = sqlite3.connect(path)
    try:
        make_table(connection)
    except DAMAGE:
        connection.close()
        set_aside(path)
        connection = sqlite3.connect(path)
        make_table(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def make_table(connection: sqlite3.Connection) -> None:
    """Makes the table where there is none; older files, whose rows lie in the tree of keys itself, go on as they are.

    Rows of 1.6 kB in the order in which they come, in pages that hold ten: 1.7 kB each, where a tree of keys drawn as
    if by lot took 4.7.
    """
    connection.execute("PRAGMA page_size = 16384")  # of a new file
    connection.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB, crc INTEGER)")


def known(connection: sqlite3.Connection, keys: Sequence[bytes], dimension: int) -> dict[bytes, Vectors]:
    """The cached vectors among `keys`; a row that does not match its CRC-32 counts as unknown."""
    found: dict[bytes, Vectors] = {}
    for start in range(0, len(keys), ASKED):
        some = keys[start : start + ASKED]
        marks = ",".join("?" * len(some))
        for key, data, check in connection.execute(
            f"SELECT CAST(key AS BLOB), CAST(vector AS BLOB), CAST(crc AS INTEGER) FROM vectors WHERE key IN ({marks})",
            some,
        ):
            if data and len(data) == 4 * dimension and zlib.crc32(data, zlib.crc32(key)) == check:
                found[key] = np.frombuffer(data, dtype=np.float32)
    return found
