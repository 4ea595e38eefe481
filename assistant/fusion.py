"""Convex combination of two searches, each score normalised by its theoretical bounds.

After Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval" (ACM TOIS 42, 2023): a cosine cannot
fall below -1 nor BM25 below 0, so ((cosine + 1) / (max + 1)) and (bm25 / possible) need no guess of a minimum.
Over eight collections the mean nDCG@10 was 0.741, against 0.724 for reciprocal rank fusion.

Theirs divides BM25 by the best that was found, ours by the most that the question's words allow. So words count for
less where no passage has many of them, and meaning decides: of gold dev's paraphrases 0.81 are found, instead of 0.58
to 0.69 by weight (evals/LOG.md, 2026-11-25).
"""

from collections.abc import Mapping, Sequence
from math import inf

__all__ = ["convex", "reciprocal"]

RANK = 60  # of reciprocal rank fusion, its authors' constant; 5 and 20 did no better on gold dev


def convex(
    dense: Mapping[int, float], lexical: Mapping[int, float], dense_weight: float, possible: float | None = None
) -> dict[int, float]:
    """Fused scores in [0, 1] for every key of either search; higher is better.

    `dense` holds cosines and `lexical` BM25, at most `possible`, or with none given at most the best of them; a key
    that one of them lacks counts there as its minimum.
    """
    top_dense = max(dense.values(), default=-1.0) + 1
    if top_dense <= 0:  # all at the minimum: nothing to tell them apart by
        top_dense = inf
    top_lexical = max(lexical.values(), default=0.0) if possible is None else possible
    if top_lexical <= 0:
        top_lexical = inf
    fused = {key: dense_weight * ((cosine + 1) / top_dense) for key, cosine in dense.items()}
    for key, bm25 in lexical.items():
        fused[key] = fused.get(key, 0.0) + (1 - dense_weight) * (bm25 / top_lexical)
    return fused


def reciprocal(rankings: Sequence[Sequence[int]]) -> dict[int, float]:
    """The sum of 1 / (`RANK` + rank) over the rankings that have a key, rank counting from 0; higher is better.

    Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009): here for rankings of different questions, whose
    scores cannot be compared.
    """
    fused: dict[int, float] = {}
    for ranking in rankings:
        for rank, key in enumerate(ranking):
            fused[key] = fused.get(key, 0.0) + 1 / (RANK + rank)
    return fused
