"""The vector cache: what is known is not embedded again, what is damaged is not used."""

import sqlite3
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from index.embedding import Vectors
from index.progress import Progress, silent
from index.vectors import VectorCache


class FakeEmbedder:
    """Fake: a text's vector points at the remainder of its CRC-32; remembers what it was asked to embed."""

    backend = "fake"
    name = "fake"
    max_tokens = 256

    def __init__(self, digest: str = "one", dimension: int = 8) -> None:
        self.digest = digest
        self.dimension = dimension
        self.asked: list[str] = []

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [2 + len(text.split()) for text in texts]

    def embed_passages(self, texts: Sequence[str], progress: Progress = silent) -> Vectors:
        self.asked += texts
        return np.eye(self.dimension, dtype=np.float32)[[zlib.crc32(text.encode()) % self.dimension for text in texts]]

    def embed_query(self, text: str) -> Vectors:
        row: Vectors = self.embed_passages([text])[0]
        return row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "vectors.sqlite"


def embed(path: Path, texts: Sequence[str], embedder: FakeEmbedder | None = None) -> tuple[Vectors, int, list[str]]:
    """What a new opening of the cache gives, and what was embedded for it."""
    embedder = embedder or FakeEmbedder()
    with VectorCache.open(path) as cache:
        rows, new = cache.embed(embedder, texts)
    assert np.array_equal(rows, FakeEmbedder(dimension=embedder.dimension).embed_passages(texts)), "in the order given"
    assert new == len(embedder.asked)
    return rows, new, embedder.asked


def test_only_new_texts_are_embedded_each_once(path: Path) -> None:
    assert embed(path, ["b", "aa", "b"])[2] == ["b", "aa"]
    assert embed(path, ["aa", "b", "aa"])[2] == []
    assert embed(path, ["ccc", "aa"])[2] == ["ccc"]
    assert embed(path, [])[0].shape == (0, 8)


def test_more_texts_than_one_stretch_or_one_question(path: Path) -> None:
    texts = [f"text {i}" for i in range(1234)]
    assert embed(path, texts)[1] == 1234
    assert embed(path, texts[::-1])[1] == 0


def test_another_model_or_backend_shares_nothing(path: Path) -> None:
    embed(path, ["a"])
    assert embed(path, ["a"], FakeEmbedder("two"))[1] == 1
    torch = FakeEmbedder()
    torch.backend = "torch"
    assert embed(path, ["a"], torch)[1] == 1
    assert embed(path, ["a"])[1] == 0
    assert embed(path, ["a"], FakeEmbedder(dimension=4))[1] == 1, "a row of another length is not used"


def change(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute(statement).rowcount == 1
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE vectors SET vector = zeroblob(32)",
        "UPDATE vectors SET vector = substr(vector, 1, 28)",
        "UPDATE vectors SET vector = x''",
        "UPDATE vectors SET vector = NULL",
        "UPDATE vectors SET vector = 0.5",
        "UPDATE vectors SET vector = CAST(x'ff' || substr(vector, 2) AS TEXT)",
        "UPDATE vectors SET crc = crc + 1",
        "UPDATE vectors SET key = x'00' || substr(key, 2)",
    ],
)
def test_a_damaged_row_is_made_again(path: Path, statement: str) -> None:
    embed(path, ["a"])
    change(path, statement)
    assert embed(path, ["a"])[1] == 1
    assert embed(path, ["a"])[1] == 0


@pytest.mark.parametrize("bit", [1, 4, 128])
def test_one_flipped_bit_anywhere_gives_no_wrong_vector(path: Path, bit: int) -> None:
    """Every 97th byte of the file, one at a time, and all of its first 200: rows are right, or are made again."""
    texts = [f"text {i}" for i in range(40)]
    embed(path, texts)
    whole = path.read_bytes()
    for offset in [*range(200), *range(200, len(whole), 97)]:
        path.write_bytes(whole[:offset] + bytes([whole[offset] ^ bit]) + whole[offset + 1 :])
        embed(path, texts)
        path.with_suffix(".damaged").unlink(missing_ok=True)


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\0" + b"x" * 5000, b"\0" * 4096, b"short"])
def test_a_file_that_is_no_database_is_set_aside(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    assert embed(path, ["a"])[1] == 1
    assert path.with_suffix(".damaged").read_bytes() == content
    assert embed(path, ["a"])[1] == 0


def test_a_truncated_file_is_set_aside(path: Path) -> None:
    texts = [f"text {i}" for i in range(2000)]
    embed(path, texts)
    path.write_bytes(path.read_bytes()[: 3 * 4096])
    assert embed(path, texts)[1] == 2000
    assert embed(path, texts)[1] == 0
    assert not path.with_name("vectors.sqlite-journal").exists()


def test_an_interruption_costs_one_stretch(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.vectors.STRETCH", 10)

    class Stops(FakeEmbedder):
        """Fake: fails at the third stretch."""

        def embed_passages(self, texts: Sequence[str], progress: Progress = silent) -> Vectors:
            if len(self.asked) == 20:
                raise KeyboardInterrupt
            return super().embed_passages(texts)

    texts = [f"text {i:02}" for i in range(50)]
    with pytest.raises(KeyboardInterrupt), VectorCache.open(path) as cache:
        cache.embed(Stops(), texts)
    assert embed(path, texts)[1] == 30
