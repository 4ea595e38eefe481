"""FAISS: passages by vector. Exact inner product over unit rows, which is the cosine.

FAISS writes without syncing and reads without checking, so here it only ever makes and takes bytes that
`generation` writes, syncs and verifies.
"""

from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from index.embedding import Vectors
from index.errors import DamagedIndexError

__all__ = ["DenseIndex"]


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
        try:
            return cls(faiss.deserialize_index(np.frombuffer(path.read_bytes(), dtype=np.uint8)))
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
        found = [(int(key), float(score)) for key, score in zip(keys[0], scores[0], strict=True) if key >= 0]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    def similarities(self, vector: Vectors, keys: list[int]) -> list[float]:
        """Cosines of the given keys."""
        if not keys:
            return []
        rows = self.index.reconstruct_batch(np.array(keys, dtype=np.int64))
        return [float(each) for each in rows @ vector]
