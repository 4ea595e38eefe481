"""The Retriever protocol, and HybridRetriever: meaning and words fused, lifted by each passage's best sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Protocol

from assistant.fusion import convex, reciprocal
from assistant.settings import AssistantSettings
from assistant.timing import timed
from index.embedding import Vectors
from index.filters import Filters
from index.lexical import CEILING
from index.protocol import Index
from index.types import ScoredPassage

__all__ = ["HybridRetriever", "Retrieved", "Retriever", "retrieve_parts"]

HIGHEST = 1.001  # no cosine of sentences exceeds it: float16 rounds a unit row to a length of at most 1 + 2^-11


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The best passages, best first, and the question's vector, which evidence needs again."""

    passages: tuple[ScoredPassage, ...]
    vector: Vectors


class Retriever(Protocol):
    """Anything that ranks passages for a question."""

    def retrieve(self, question: str, k: int, filters: Filters) -> Retrieved:
        """The `k` best passages."""
        ...


def retrieve_parts(
    retriever: Retriever, question: str, parts: Sequence[str], k: int, filters: Filters
) -> tuple[Retrieved, list[Retrieved]]:
    """The `k` best passages for a question and all its parts, and the same passages for each part by itself.

    With parts, the score of a passage is its reciprocal rank among those of the question and of each part.
    """
    whole = retriever.retrieve(question, k, filters)
    if not parts:
        return whole, []
    found = [whole, *(retriever.retrieve(part, k, filters) for part in parts)]
    passages = {each.passage.key: each for one in reversed(found) for each in one.passages}
    scores = reciprocal([[each.passage.key for each in one.passages] for one in found])
    fused = [replace(passages[key], score=score) for key, score in scores.items()]
    fused.sort(key=lambda each: (-each.score, each.passage.passage_id))
    best = tuple(fused[:k])
    return Retrieved(best, whole.vector), [Retrieved(best, each.vector) for each in found[1:]]


class HybridRetriever:
    """Both searches to `depth`, the convex combination, and the best sentences of each candidate added."""

    def __init__(self, index: Index, settings: AssistantSettings) -> None:
        self.index = index
        self.settings = settings

    def retrieve(self, question: str, k: int, filters: Filters = Filters()) -> Retrieved:  # noqa: B008 - frozen
        """See `Retriever`. Scores are at most 1 + `sentence_weight`; ties are broken by passage_id."""
        with timed("retrieval/embedding"):
            vector = self.index.embedder.embed_query(question)
        with timed("retrieval/by meaning"):
            dense = dict(self.index.by_vector(vector, self.settings.depth, filters))
        with timed("retrieval/by words"):
            lexical = dict(self.index.by_words(question, self.settings.depth, filters))
        only_words = [key for key in lexical if key not in dense]
        dense |= zip(only_words, self.index.similarities(vector, only_words), strict=True)
        possible = CEILING * sum(self.index.rarity(question).values())
        fused = convex(dense, lexical, self.settings.dense_weight, possible)
        with timed("retrieval/sentences"):
            scores = self.with_sentences(vector, fused, k + 1)
        keys = sorted(scores, key=lambda key: (-scores[key], key))[: k + 1]
        with timed("retrieval/texts"):
            passages = self.index.passages(keys)
        found = [
            ScoredPassage(passage, scores[passage.key], dense.get(passage.key, -1.0), lexical.get(passage.key, 0.0))
            for passage in passages
        ]
        found.sort(key=lambda each: (-each.score, each.passage.passage_id))
        return Retrieved(tuple(found[:k]), vector)

    def with_sentences(self, vector: Vectors, fused: dict[int, float], wanted: int) -> dict[int, float]:
        """The fused scores plus the weighted cosine of each passage's best sentences, for the `wanted` best and more.

        Left out are passages that no sentence can lift among those: a tenth of the candidates are left for ten.
        """
        weight = self.settings.sentence_weight
        if not weight or not self.index.sentences_kept:
            return fused
        keys = sorted(fused, key=fused.__getitem__, reverse=True)
        scores = self.lifted(vector, fused, keys[:wanted])
        if others := keys[wanted:]:
            bar = min(scores.values()) - weight * HIGHEST
            scores |= self.lifted(vector, fused, list(takewhile(lambda key: fused[key] >= bar, others)))
        return scores

    def lifted(self, vector: Vectors, fused: Mapping[int, float], keys: Sequence[int]) -> dict[int, float]:
        """The fused score plus the weighted cosine of the best sentences, for each of `keys`."""
        best = self.index.best_sentences(vector, keys)
        weight = self.settings.sentence_weight
        return {key: fused[key] + weight * cosine for key, cosine in zip(keys, best, strict=True)}
