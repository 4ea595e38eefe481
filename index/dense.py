"""FAISS: passages by vector. Inner product over unit rows: the cosine.

FAISS writes without syncing, so here it only ever makes bytes that `generation` writes, syncs and verifies. What it
reads has been verified; lest somebody has made the manifest fit a crafted file, its header is compared first, and no
vector in it may be longer than the file.
"""

import os
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from index.embedding import Vectors
from index.errors import DamagedIndexError
from index.kinds import CODE_BITS, LINKS, NAMES, Kind, lists_for
from index.sentence_scores import cosines

__all__ = ["DenseIndex"]

FEWEST = 100  # candidates that are asked for at least; with fewer, the ten best are found less often
AGAIN = 4  # times as many candidates by codes are compared in 16 bits
PROBED = 4  # one of so many lists is searched
BUILT_WITH, BREADTH = 40, 600  # candidates that the graph keeps while it is built and while it is searched
TURNS, POINTS = 8, 64  # of k-means, and the vectors of each list that it learns from: more find no more
BLOCK_OF_CODES = 32  # codes that are compared at once
INNER = faiss.METRIC_INNER_PRODUCT

Find = Callable[[Vectors, int], Iterable[tuple[int, float]]]  # a vector and k -> keys and cosines


# What FAISS writes before the vectors of a flat index of inner products: kind, dimension, vectors, two numbers that
# mean nothing, trained, metric, numbers. A crafted one made it take 8 GB and 33 s before it refused (faiss 1.15.1).
HEADER = struct.Struct("<4siqqq?iQ")
COMMON = struct.Struct("<4siqqq?i")  # of all kinds of index
FOURS = {"half": b"IxSQ", "hnsw": b"IHNs", "codes": b"IxRF", "lists": b"IxRF"}
SLACK = 200_000  # bytes beside the vectors: tables, and the blocks of lists that are not full


def header_for(data: bytes, size: int) -> bytes:
    """The only header that an exact index of so many bytes may begin with, by its dimension."""
    dimension = int.from_bytes(data[4:8], "little")
    numbers = (size - HEADER.size) // 4
    if not 0 < dimension < 2**31 or numbers < 0:
        return b""
    return HEADER.pack(b"IxFI", dimension, numbers // dimension, 1 << 20, 1 << 20, True, 0, numbers)


def begins_well(data: bytes, kind: Kind, size: int) -> bool:
    """Whether a file of so many bytes may begin like this: what is not exact names a number of vectors that fits."""
    if kind.name == "exact":
        return data == header_for(data, size)
    if len(data) < COMMON.size:
        return False
    dimension, count = COMMON.unpack_from(data)[1:3]
    if not 0 < dimension < 2**20 or not 0 < count < size:
        return False
    expected = COMMON.pack(FOURS[kind.name], dimension, count, 1 << 20, 1 << 20, True, INNER)
    return data[: COMMON.size] == expected and abs(size - kind.size(count, dimension)) <= size // 5 + SLACK


class DenseIndex:
    """Keys 0 to n-1 in the order in which the vectors were given.

    `flat` has each vector, `index` finds candidates and compares them; in the exact kinds they are the same.
    """

    def __init__(self, index: "faiss.Index", kind: Kind) -> None:
        self.index = index
        self.kind = kind
        self.flat = rows_in(index, kind)
        self.params = parameters(index, kind)
        faiss.omp_set_num_threads(1)  # for one query, two threads can be 40 times slower on a busy machine

    @classmethod
    def build(cls, vectors: Vectors, kind: Kind = NAMES["exact"]) -> "DenseIndex":
        """Over `(n, dimension)` float32 unit rows."""
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        with all_threads():
            return cls(made(vectors, kind), kind)

    @classmethod
    def load(cls, path: Path, kind: Kind = NAMES["exact"]) -> "DenseIndex":
        """From a file that has been verified."""
        size = path.stat().st_size
        with path.open("rb") as file:
            if not begins_well(file.read(HEADER.size), kind, size):
                raise DamagedIndexError(f"{path} is not a FAISS index: its header is not that of {size} bytes")
        faiss.set_deserialization_vector_byte_limit(size + 1)
        try:
            index = faiss.read_index(str(path))
            if not sound(index, kind):
                raise DamagedIndexError(f"{path} is not a FAISS index of the kind {kind.name}: its parts disagree")
            return cls(index, kind)
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
        """The `k` nearest keys with their cosines, best first, ties by key; only keys of `within` where given, among
        which every kind compares each.
        """
        if not len(self) or (within is not None and not len(within)):
            return []
        query, k = vector.reshape(1, -1), min(k, len(self))
        if within is None:
            scores, keys = self.index.search(query, min(max(k, FEWEST), len(self)), params=self.params)
        else:
            chosen = np.zeros(len(self), dtype=bool)
            chosen[within] = True
            bits = np.packbits(chosen, bitorder="little")  # the selector looks into it: it must outlive the search
            params = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))
            scores, keys = self.flat.search(query, k, params=params)
        pairs = zip(keys[0].tolist(), scores[0].tolist(), strict=True)
        return sorted((pair for pair in pairs if pair[0] >= 0), key=lambda pair: (-pair[1], pair[0]))[:k]

    def rows(self, start: int, end: int) -> Vectors:
        """`(end - start, dimension)` float32: the vectors of the keys from `start` on, in 16 bits what they hold."""
        found: Vectors = self.flat.reconstruct_n(start, end - start)
        return found

    def similarities(self, vector: Vectors, keys: list[int]) -> list[float]:
        """Cosines of the given keys."""
        if not keys:
            return []
        rows = self.flat.reconstruct_batch(np.array(keys, dtype=np.int64))
        return [float(each) for each in cosines(rows, vector)]

    def spread(self, most: int) -> Vectors:
        """Up to so many of its vectors, evenly spread: they stand for questions."""
        keys = np.linspace(0, len(self) - 1, min(most, len(self))).astype(np.int64)
        found: Vectors = self.flat.reconstruct_batch(keys)
        return found

    def recall(self, queries: Vectors, k: int = 10, find: Find | None = None) -> float:
        """The share of the `k` nearest of each query, all vectors compared, that `find` finds, in [0, 1]; without it
        `search`.
        """
        if (self.flat is self.index and find is None) or not len(queries):
            return 1.0
        k, find = min(k, len(self)), find or self.search
        exact = self.flat.search(queries, k)[1].tolist()
        shares = [len({key for key, _ in find(q, k)} & set(best)) / k for q, best in zip(queries, exact, strict=True)]
        return round(float(np.mean(shares)), 4)


@contextmanager
def all_threads() -> Iterator[None]:
    """As many threads as there are processors, for what is built."""
    faiss.omp_set_num_threads(os.cpu_count() or 1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(1)


def made(vectors: Vectors, kind: Kind) -> "faiss.Index":
    """The vectors in an index of a kind."""
    count, dimension = vectors.shape
    if kind.name == "exact":
        return filled(faiss.IndexFlatIP(dimension), vectors)
    if kind.name == "hnsw":
        graph = faiss.IndexHNSWSQ(dimension, faiss.ScalarQuantizer.QT_fp16, LINKS, INNER)
        graph.hnsw.efConstruction = BUILT_WITH
        return filled(graph, vectors)
    rows = filled(faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, INNER), vectors)
    if kind.name == "half":
        return rows
    if kind.name == "codes":
        candidates = filled(faiss.IndexRaBitQFastScan(dimension, INNER, BLOCK_OF_CODES, CODE_BITS), vectors)
    else:
        candidates = filled(lists(count, dimension), vectors, lists_for(count) * POINTS)
    both = faiss.IndexRefine(candidates, rows)
    both.own_fields = both.own_refine_index = True
    candidates.this.disown()
    rows.this.disown()
    return both


def filled(index: Any, vectors: Vectors, learnt_from: int = 50_000) -> Any:
    """The index with all the vectors, trained on some of them where that is needed."""
    if len(vectors):
        drawn = np.random.default_rng(0).permutation(len(vectors))[:learnt_from]
        index.train(vectors[np.sort(drawn)])
        index.add(vectors)
    return index


def lists(count: int, dimension: int) -> Any:
    """Empty lists for so many vectors."""
    middles = faiss.IndexFlatIP(dimension)
    found = faiss.IndexIVFRaBitQFastScan(middles, dimension, lists_for(count), INNER, BLOCK_OF_CODES, True, CODE_BITS)
    found.cp.niter, found.cp.max_points_per_centroid, found.cp.min_points_per_centroid = TURNS, POINTS, 1
    found.cp.spherical = True
    found.own_fields = True
    middles.this.disown()
    return found


def rows_in(index: Any, kind: Kind) -> Any:
    """The part of an index that has each vector."""
    if kind.name == "hnsw":
        return faiss.downcast_index(index.storage)
    return index if kind.name in ("exact", "half") else faiss.downcast_index(index.refine_index)


def parameters(index: Any, kind: Kind) -> Any:
    """How an index of a kind is searched."""
    if kind.name == "hnsw":
        return faiss.SearchParametersHNSW(efSearch=BREADTH)
    if kind.name == "lists":
        faiss.downcast_index(index.base_index).nprobe = -(-lists_for(index.ntotal) // PROBED)
    if kind.name in ("codes", "lists"):
        return faiss.IndexRefineSearchParameters(k_factor=AGAIN)
    return None


def sound(index: Any, kind: Kind) -> bool:
    """Whether the parts of an index that was read are those of its kind and agree with each other."""
    count, dimension = index.ntotal, index.d
    if kind.name == "exact":
        return isinstance(index, faiss.IndexFlat)
    if kind.name == "hnsw" and not (isinstance(index, faiss.IndexHNSW) and links_stay_inside(index.hnsw, count)):
        return False
    if kind.name in ("codes", "lists"):
        if not isinstance(index, faiss.IndexRefine):
            return False
        found = faiss.downcast_index(index.base_index)
        wanted = faiss.IndexRaBitQFastScan if kind.name == "codes" else faiss.IndexIVFRaBitQFastScan
        if not isinstance(found, wanted) or (found.ntotal, found.d, found.bbs) != (count, dimension, BLOCK_OF_CODES):
            return False
        if kind.name == "lists" and not lists_hold(found, count):
            return False
    rows = rows_in(index, kind)
    return (
        isinstance(rows, faiss.IndexScalarQuantizer)
        and (rows.ntotal, rows.d, rows.sq.qtype) == (count, dimension, faiss.ScalarQuantizer.QT_fp16)
        and rows.codes.size() == 2 * count * dimension
    )


def links_stay_inside(graph: Any, count: int) -> bool:
    """Whether every link of a graph leads to one of its vectors."""
    links = faiss.vector_to_array(graph.neighbors)
    ends = faiss.vector_to_array(graph.offsets)
    return bool(
        -1 <= graph.entry_point < max(count, 1)
        and (not len(links) or (links.min() >= -1 and links.max() < count))
        and len(ends) == count + 1
        and ends[0] == 0
        and (np.diff(ends.astype(np.int64)) >= 0).all()
        and ends[-1] == len(links)
    )


def lists_hold(found: Any, count: int) -> bool:
    """Whether the lists hold each of the keys 0 to count-1 once."""
    lengths = [found.invlists.list_size(one) for one in range(found.nlist)]
    if found.quantizer.ntotal != found.nlist or sum(lengths) != count:
        return False
    seen = np.zeros(count, dtype=bool)
    for one, length in enumerate(lengths):
        if length:
            keys = faiss.rev_swig_ptr(found.invlists.get_ids(one), length)
            if keys.min() < 0 or keys.max() >= count:
                return False
            seen[keys] = True
    return bool(seen.all())
