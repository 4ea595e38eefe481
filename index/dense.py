"""FAISS: passages by vector, and each passage's best sentences. Exact inner product over unit rows: the cosine.

FAISS writes without syncing and reads without checking, so here it only ever makes and takes bytes that
`generation` writes, syncs and verifies.
"""

import struct
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from index.embedding import Vectors
from index.errors import DamagedIndexError

__all__ = ["DenseIndex", "best_of", "rows_of", "widened"]

BLOCK = 256  # rows widened at a time: 384 kB at 384 dimensions, which a core's own cache holds


# What FAISS writes before the vectors of a flat index of inner products: kind, dimension, vectors, two numbers that
# mean nothing, trained, metric, numbers. A crafted one made it take 8 GB and 33 s before it refused (faiss 1.15.1).
HEADER = struct.Struct("<4siqqq?iQ")


def header_for(data: bytes) -> bytes:
    """The only header that the data may begin with, by its dimension and its length."""
    dimension = int.from_bytes(data[4:8], "little")
    numbers = (len(data) - HEADER.size) // 4
    if not 0 < dimension < 2**31 or numbers < 0:
        return b""
    return HEADER.pack(b"IxFI", dimension, numbers // dimension, 1 << 20, 1 << 20, True, 0, numbers)


class DenseIndex:
    """Keys 0 to n-1 in the order in which the vectors were given."""

    def __init__(self, index: "faiss.Index") -> None:
        self.index = index
        faiss.omp_set_num_threads(1)  # for one query, two threads can be 40 times slower on a busy machine

    @classmethod
    def build(cls, vectors: Vectors) -> "DenseIndex":
        """Over `(n, dimension)` float32 unit rows."""
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return cls(index)

    @classmethod
    def load(cls, path: Path) -> "DenseIndex":
        """From a file that has been verified."""
        data = path.read_bytes()
        if data[: HEADER.size] != header_for(data):
            raise DamagedIndexError(f"{path} is not a FAISS index: its header is not that of {len(data)} bytes")
        try:
            return cls(faiss.deserialize_index(np.frombuffer(data, dtype=np.uint8)))
        except RuntimeError as error:
            raise DamagedIndexError(f"{path} is not a FAISS index: {str(error)[:100]}") from error

    def to_bytes(self) -> bytes:
        """What `load` reads."""
        data: bytes = faiss.serialize_index(self.index).tobytes()
        return data

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self.index.d)

    def __len__(self) -> int:
        return int(self.index.ntotal)

    def search(self, vector: Vectors, k: int, within: NDArray[np.int64] | None = None) -> list[tuple[int, float]]:
        """The `k` nearest keys with their cosines, best first, ties by key; only keys of `within` where given."""
        if within is not None and not len(within):
            return []
        params = None
        if within is not None:
            params = faiss.SearchParameters(sel=faiss.IDSelectorBatch(within))  # type: ignore[call-arg]
        scores, keys = self.index.search(vector.reshape(1, -1), min(k, len(self)), params=params)
        pairs = zip(keys[0].tolist(), scores[0].tolist(), strict=True)
        return sorted((pair for pair in pairs if pair[0] >= 0), key=lambda pair: (-pair[1], pair[0]))

    def rows(self, start: int, end: int) -> Vectors:
        """`(end - start, dimension)` float32: the vectors of the keys from `start` on."""
        found: Vectors = self.index.reconstruct_n(start, end - start)
        return found

    def similarities(self, vector: Vectors, keys: list[int]) -> list[float]:
        """Cosines of the given keys."""
        if not keys:
            return []
        rows = self.index.reconstruct_batch(np.array(keys, dtype=np.int64))
        return [float(each) for each in cosines(rows, vector)]


def cosines(rows: Vectors, vector: Vectors) -> Vectors:
    """`(n,)`. Not `rows @ vector`, whose last bits depend on a row's place, so that equal passages would not tie."""
    found: Vectors = np.vecdot(rows, vector)
    return found


def widened(rows: NDArray[np.float16]) -> Vectors:
    """The same numbers as float32; `rows` are finite and contiguous.

    `astype` goes number by number. Here sign, exponent and fraction are moved to their places all at once, and a
    multiplication mends the exponent, whose zero lies 112 higher in float32: 2.3 times as fast, and exact.
    """
    bits = rows.view(np.int16).astype(np.int32)
    bits <<= 13
    bits &= ~0x70000000  # three of the four copies of the sign
    made = bits.view(np.float32)
    made *= np.float32(2.0**112)
    return made


def rows_of(ranges: NDArray[np.int32]) -> NDArray[np.int64]:
    """The whole numbers of `(n, 2)` ranges (first, end), one range after the other."""
    lengths = ranges[:, 1] - ranges[:, 0]
    before = np.cumsum(lengths) - lengths
    rows: NDArray[np.int64] = np.arange(lengths.sum()) + np.repeat(ranges[:, 0] - before, lengths)
    return rows


def best_of(rows: NDArray[np.float16], ranges: NDArray[np.int32], vector: Vectors) -> list[float]:
    """For each of the `(n, 2)` ranges of `rows` the highest cosine with the vector, of a row or of the mean of two
    neighbours; -1 for a range of none.

    Some questions are met by two sentences together: on gold dev recall@5 rose by 0.030 [0.004, 0.064] (p 0.09), on
    the collections nothing changed; with three neighbours it fell (evals/LOG.md, 2026-11-25).
    """
    wanted = rows_of(ranges)
    lengths = ranges[:, 1] - ranges[:, 0]
    ends = np.cumsum(lengths)
    scores = np.empty(len(wanted), dtype=np.float32)
    paired = np.full(len(wanted), -1.0, dtype=np.float32)  # each with the next one
    for start in range(0, len(wanted), BLOCK):
        some = widened(rows[wanted[start : start + BLOCK + 1]])
        alone = cosines(some, vector)
        scores[start : start + BLOCK] = alone[:BLOCK]
        paired[start : start + len(some) - 1] = of_neighbours(some, alone)
    held = lengths > 0
    paired[ends[held] - 1] = -1.0  # the next row is of another range
    best = np.full(len(ranges), -1.0, dtype=np.float32)
    if held.any():
        best[held] = np.maximum.reduceat(np.maximum(scores, paired), (ends - lengths)[held])
    return best.tolist()


def of_neighbours(rows: Vectors, alone: Vectors) -> Vectors:
    """`(n - 1,)`: the cosines of the means of neighbouring rows with the vector that `alone` are the cosines with."""
    sums = rows[:-1] + rows[1:]
    lengths = np.sqrt(np.vecdot(sums, sums))
    lengths[lengths == 0] = np.inf  # opposites: a mean without direction, whose cosine is 0
    found: Vectors = (alone[:-1] + alone[1:]) / lengths
    return found
