"""Fusion against hand-worked numbers; hybrid retrieval and its filters over the library."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest

from assistant.answering import Assistant
from assistant.fusion import convex
from assistant.retrieval import HybridRetriever
from assistant.settings import AssistantSettings
from index.filters import Filters
from index.protocol import Index


def test_convex_combination_by_hand() -> None:
    # dense: (0.5+1)/(0.5+1) = 1 and (0.2+1)/1.5 = 0.8; words: 4/4 = 1 and 1/4 = 0.25
    fused = convex({1: 0.5, 2: 0.2}, {2: 4.0, 3: 1.0}, 0.7)
    assert fused == pytest.approx({1: 0.7, 2: 0.7 * 0.8 + 0.3, 3: 0.3 * 0.25})


def test_words_count_by_what_the_question_allows_by_hand() -> None:
    """The best passage by words has 4 of a possible 16: a quarter of the 0.3, and not all of it."""
    fused = convex({1: 0.5, 2: 0.2}, {2: 4.0, 3: 1.0}, 0.7, 16.0)
    assert fused == pytest.approx({1: 0.7, 2: 0.7 * 0.8 + 0.3 / 4, 3: 0.3 / 16})
    assert convex({1: 0.5}, {}, 0.7, 0.0) == {1: 0.7}


@pytest.mark.parametrize(
    ("dense", "lexical", "expected"), [({}, {}, {}), ({}, {7: 2.0}, {7: 0.3}), ({7: -1.0}, {}, {7: 0.0})]
)
def test_convex_combination_of_nothing(
    dense: dict[int, float], lexical: dict[int, float], expected: dict[int, float]
) -> None:
    assert convex(dense, lexical, 0.7) == pytest.approx(expected)


class Sentences:
    """An index of best sentences alone; it notes what it was asked for."""

    sentences_kept = True

    def __init__(self, best: dict[int, float]) -> None:
        self.best = best
        self.asked: list[list[int]] = []

    def best_sentences(self, vector: object, keys: Sequence[int]) -> list[float]:
        self.asked.append(list(keys))
        return [self.best[key] for key in keys]


def test_only_passages_that_can_still_be_among_the_best_are_looked_into() -> None:
    """Weight 0.2: the first two reach 0.9 and 0.74, so that 0.55 could (0.55 + 0.2 > 0.74), and 0.53 cannot."""
    index = Sentences({1: 0.0, 2: 0.2, 3: 1.0, 4: 1.0, 5: 1.0})
    retriever = HybridRetriever(cast(Index, index), AssistantSettings.load(sentence_weight=0.2))
    vector = np.array([1, 0], np.float32)
    fused = {5: 0.1, 4: 0.53, 3: 0.55, 2: 0.7, 1: 0.9}
    scores = retriever.with_sentences(vector, fused, 2)
    assert index.asked == [[1, 2], [3]]
    assert scores == pytest.approx({1: 0.9, 2: 0.74, 3: 0.75})
    assert retriever.with_sentences(vector, {}, 2) == {}
    assert set(retriever.with_sentences(vector, fused, 9)) == {1, 2, 3, 4, 5}
    unweighted = HybridRetriever(cast(Index, index), AssistantSettings.load(sentence_weight=0))
    assert unweighted.with_sentences(vector, fused, 2) == fused


@pytest.mark.parametrize("k", [1, 3, 10])
def test_the_best_are_those_of_a_search_for_all(assistant: Assistant, k: int) -> None:
    for question in ("Who mediated in Aceh?", "secret talks", "What did Mandela say to Coetsee?"):
        retriever = HybridRetriever(assistant.index, AssistantSettings.load())
        assert retriever.retrieve(question, k).passages == retriever.retrieve(question, 1000).passages[:k]


def test_best_passage_and_order(assistant: Assistant) -> None:
    found = assistant.search("first secret session at Borregaard manor near Oslo", 5)
    assert found[0].passage.doc_id == "oslo-channel"
    assert "Borregaard" in found[0].passage.text
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    assert len(found) == 5


def test_scores_are_those_of_the_parts(assistant: Assistant) -> None:
    """Weight 1 without sentences is the cosine ranking, weight 0 the BM25 ranking."""
    question = "Who mediated in Aceh?"
    index = assistant.index
    vector = index.embedder.embed_query(question)
    for weight, ranked in ((1.0, index.by_vector(vector, 5, Filters())), (0.0, index.by_words(question, 5, Filters()))):
        settings = AssistantSettings.load(dense_weight=weight, sentence_weight=0.0)
        found = HybridRetriever(index, settings).retrieve(question, 5, Filters()).passages
        assert {each.passage.key for each in found} == {key for key, _ in ranked}


def test_a_score_by_its_parts(assistant: Assistant) -> None:
    """Each word of a question counts once, however often it is asked; so no score exceeds 1 + `sentence_weight`."""
    question = "Who mediated in Aceh, and in Aceh again?"
    index = assistant.index
    vector = index.embedder.embed_query(question)
    found = HybridRetriever(index, AssistantSettings.load(dense_weight=0.5, sentence_weight=0.25)).retrieve(question, 3)
    top = index.by_vector(vector, 1, Filters())[0][1] + 1
    possible = 2.2 * sum(index.rarity("mediated Aceh").values())
    assert len(found.passages) == 3
    for each in found.passages:
        (best,) = index.best_sentences(vector, [each.passage.key])
        parts = 0.5 * (each.dense + 1) / top, 0.5 * each.lexical / possible, 0.25 * best
        assert each.score == pytest.approx(sum(parts), abs=1e-6)
        assert 0 < each.lexical < possible


def test_dense_score_is_known_for_passages_found_by_words_alone(assistant: Assistant) -> None:
    settings = AssistantSettings.load(depth=1)
    found = HybridRetriever(assistant.index, settings).retrieve("Enemy Number One", 2, Filters()).passages
    vector = assistant.index.embedder.embed_query("Enemy Number One")
    for each in found:
        assert each.dense == pytest.approx(assistant.index.similarities(vector, [each.passage.key])[0], abs=1e-6)


@pytest.mark.parametrize(
    ("filters", "allowed"),
    [
        (Filters.parse(regions=["southeast-asia"]), {"aceh"}),
        (Filters.parse(track=["back-channel"]), None),
        (Filters.parse(period="1990-1993", regions=["africa"]), None),
    ],
)
def test_filters_reach_both_searches(assistant: Assistant, filters: Filters, allowed: set[str] | None) -> None:
    question = "secret talks and mediation"
    index = assistant.index
    vector = index.embedder.embed_query(question)
    keys = {key for key, _ in index.by_vector(vector, 500, filters)} | {
        key for key, _ in index.by_words(question, 500, filters)
    }
    documents = {passage.doc_id for passage in index.passages(sorted(keys))}
    for doc_id in documents:
        metadata = index.document(doc_id).metadata
        for facet in ("regions", "topics", "track"):
            wanted = getattr(filters, facet)
            values = metadata[facet] if isinstance(metadata[facet], list) else [metadata[facet]]
            assert not wanted or set(values) & set(wanted)
        if filters.since:
            assert metadata["period"]["from"] <= filters.until
            assert metadata["period"].get("to", 9999) >= filters.since
    assert documents
    assert allowed is None or allowed <= documents
    answered = assistant.search(question, 10, filters)
    assert {each.passage.doc_id for each in answered} <= documents
