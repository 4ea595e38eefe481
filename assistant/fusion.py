"""Convex combination of two searches, each score normalised by its theoretical minimum.

After Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval" (ACM TOIS 42, 2023): a cosine cannot
fall below -1 nor BM25 below 0, so ((cosine + 1) / (max + 1)) and (bm25 / max) need no second-best guess of a minimum.
Over eight collections the mean nDCG@10 was 0.741, against 0.724 for reciprocal rank fusion.
"""

from collections.abc import Mapping

__all__ = ["convex"]


def convex(dense: Mapping[int, float], lexical: Mapping[int, float], dense_weight: float) -> dict[int, float]:
    """Fused scores in [0, 1] for every key of either search; higher is better.

    `dense` holds cosines and `lexical` BM25; a key that one of them lacks counts there as its minimum.
    """
    top_dense = max(dense.values(), default=-1.0) + 1
    top_lexical = max(lexical.values(), default=0.0)
    fused = {}
    for key in dense.keys() | lexical.keys():
        meaning = (dense.get(key, -1.0) + 1) / top_dense if top_dense > 0 else 0.0
        words = lexical.get(key, 0.0) / top_lexical if top_lexical > 0 else 0.0
        fused[key] = dense_weight * meaning + (1 - dense_weight) * words
    return fused
