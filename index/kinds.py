"""How the vectors of passages are kept and searched, by how many there are.

All kinds but the exact one keep 16-bit rows beside whatever finds the candidates, so that the last word, and every
search within a filter, is exact but for the rounding.
"""

import math
from dataclasses import dataclass
from typing import Literal

__all__ = ["KINDS", "NAMES", "Kind", "Wanted", "kind_for"]

Wanted = Literal["auto", "exact", "half", "hnsw", "codes", "lists"]

CODE_BITS = 2  # of each number of a vector in a code: one finds too few, three take twice the time (evals/LOG.md)
LINKS = 32  # of each vector in the graph; the lowest layer has twice as many
LEAST = 1_000  # vectors from which codes and lists can be learnt
LISTED = 8  # bytes of a row's key in a list


@dataclass(frozen=True, slots=True)
class Kind:
    """One way. `recall` is the share of the exact ten best that it is expected to find: of 349 questions over 100,000
    (half, hnsw, codes) or 1,000,000 passages, rounded down (evals/LOG.md, 2026-11-26). `most`: the passages up to which
    `auto` takes it.
    """

    name: str
    words: str
    recall: float
    most: float

    def size(self, count: int, dimension: int) -> int:
        """Bytes that so many vectors take, on the disk as in memory."""
        row = 4 * dimension if self.name == "exact" else 2 * dimension
        code = (CODE_BITS * dimension) // 8 + 20 if self.name in ("codes", "lists") else 0
        links = 4 * (2 * LINKS + 4) + 12 if self.name == "hnsw" else 0
        lists = LISTED * count + 4 * dimension * lists_for(count) if self.name == "lists" else 0
        return count * (row + code + links) + lists


def lists_for(count: int) -> int:
    """Into how many lists so many vectors are parted: the power of two nearest to twice the square root."""
    return 1 << round(1 + math.log2(max(1, count)) / 2)


KINDS = (
    Kind("exact", "every vector is compared", 1.0, 50_000),
    Kind("half", "every vector is compared, in 16 bits", 0.999, 150_000),
    Kind("hnsw", "a graph of neighbours is walked, the found ones compared in 16 bits", 0.98, 0),
    Kind("codes", "every code of 2 bits is compared, the best ones again in 16 bits", 0.99, 500_000),
    Kind("lists", "the codes in a quarter of all lists are compared, the best again in 16 bits", 0.98, float("inf")),
)
NAMES = {each.name: each for each in KINDS}


def kind_for(count: int, wanted: Wanted = "auto") -> Kind:
    """What `vector_index` asks for, or with "auto" what serves so many passages best.

    Fewer than `LEAST` are too few for codes and lists: each of them is compared.
    """
    if wanted in ("codes", "lists") and count < LEAST:
        return NAMES["half"]
    if wanted != "auto":
        return NAMES[wanted]
    return next(each for each in KINDS if count <= each.most)
