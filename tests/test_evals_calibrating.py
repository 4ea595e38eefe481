"""Fitting confidence: the solver against scikit-learn, the threshold by hand, the file, the whole on a small home."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import DATA

from assistant.abstention import COEFFICIENTS, READ, UNREAD, features, unknown_share, without
from assistant.answering import Assistant
from assistant.evidence import find_evidence
from evals import calibrating
from evals.calibrating import calibrate, fit, highest_threshold, probabilities, write_coefficients
from evals.collections import read_beir
from evals.errors import EvalsError
from evals.questions import load_questions
from index.filters import Filters


def test_the_fit_is_that_of_the_reference() -> None:
    """scikit-learn's penalised logistic regression on standardised features, weights included."""
    linear = pytest.importorskip("sklearn.linear_model")
    generator = np.random.default_rng(3)
    x = generator.normal(2.0, [1.0, 5.0, 0.1], (200, 3))
    y = generator.uniform(size=200) < 1 / (1 + np.exp(-(x[:, 0] - 2 + 8 * (x[:, 2] - 2))))
    weight = generator.uniform(0.5, 2.0, 200)
    mean = np.average(x, axis=0, weights=weight)
    scale = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weight))
    reference = linear.LogisticRegression(C=1 / calibrating.PENALTY, tol=1e-10, max_iter=1000)
    reference.fit((x - mean) / scale, y, sample_weight=weight)
    found = fit(x, y, weight)
    assert found[1:] == pytest.approx(reference.coef_[0] / scale, rel=1e-4)
    assert probabilities(x, found) == pytest.approx(reference.predict_proba((x - mean) / scale)[:, 1], abs=1e-5)


def test_a_feature_that_never_varies_does_no_harm() -> None:
    x = np.column_stack([np.linspace(0, 1, 40), np.full(40, 0.3)])
    found = fit(x, x[:, 0] > 0.5, np.ones(40))
    assert np.isfinite(found).all()
    assert found[1] > 0


def test_the_threshold_refuses_at_most_eight_in_a_hundred() -> None:
    confidence = np.linspace(0.005, 0.995, 100)  # the ninth from below is 0.085
    assert highest_threshold(confidence) == 0.08
    assert np.mean(confidence < highest_threshold(confidence)) <= 0.08


@pytest.mark.parametrize(
    ("question", "left"),
    [
        ("How did Kissinger reach Beijing in 1971?", "How did reach in"),
        ("what is a back channel?", "what is a back channel?"),
        ("Oslo 1993", "Oslo 1993"),
    ],
)
def test_what_is_asked_of_the_names(question: str, left: str) -> None:
    names = [name for name in ("Kissinger", "Beijing", "1971", "Oslo", "1993") if name in question]
    assert without(question, names) == left


def test_features_are_in_their_ranges(assistant: Assistant) -> None:
    retrieved = assistant.retriever.retrieve("How did the Oslo talks start in 1850?", 10, Filters())
    evidence = find_evidence(assistant.index, "How did the Oslo talks start in 1850?", retrieved)
    found, missing = features(assistant.index, "How did the Oslo talks start in 1850?", retrieved, evidence)
    assert list(found) == list(UNREAD)
    assert found["sentence"] == pytest.approx(max(each.cosine for each in evidence))
    assert found["missing"] == 0.5  # of Oslo and 1850
    assert missing == ("1850",)
    assert 0 < found["margin"] < found["sentence"]
    assert 0 <= found["words"] <= 1


@pytest.mark.parametrize(
    ("question", "share"),
    [
        ("How did the Oslo talks start?", 0.0),
        ("Oslo talks Zzyzzx", 1 / 3),
        ("What is it?", 1.0),
        ("珠穆朗玛峰的最新测量高度是多少？", 1.0),
        ("Oslo " + "a" * 41, 0.5),
    ],
)
def test_the_share_of_words_that_the_library_lacks(assistant: Assistant, question: str, share: float) -> None:
    assert unknown_share(assistant.index, question) == pytest.approx(share)


def test_the_reader_is_not_believed_in_a_language_that_it_does_not_know(assistant: Assistant) -> None:
    question = "میانجی قرارداد میان ایران و عراق که بود؟"
    retrieved = assistant.retriever.retrieve(question, 10, Filters())
    evidence = assistant.evidence(question, question, retrieved)
    assert max(each.answers or 0 for each in evidence) > 1, "it says that a sentence answers"
    found, _ = features(assistant.index, question, retrieved, evidence)
    assert (found["reading"], found["unknown"]) == (0.0, 1.0)


def test_the_shipped_coefficients_say_where_they_are_from() -> None:
    written = json.loads(COEFFICIENTS.read_text(encoding="utf-8"))
    assert written.keys() == {"read", "unread"}
    for part, names in ((written["read"], READ), (written["unread"], UNREAD)):
        assert set(part["coefficients"]) == {"bias", *names}
        assert "180 gold questions (dev)" in part["fitted"]["on"]
        assert set(part["fitted"]["cross_validated"]) == {"auroc", "brier", "skill", "slope"}
    assert written["read"]["coefficients"]["missing"] < 0 < written["read"]["coefficients"]["reading"]
    assert written["unread"]["coefficients"]["missing"] < 0 < written["unread"]["coefficients"]["sentence"]


@pytest.mark.slow
def test_questions_of_the_library_and_foreign_ones(assistant: Assistant, tmp_path: Path) -> None:
    there = {each.doc_id for each in assistant.index.summaries()}
    known = [q for q in load_questions() if q.evidence and {d for e in q.evidence for d, _ in e.choices} <= there]
    asked = [*known[:12], *[q for q in load_questions() if not q.answerable][:6]]
    found = calibrate(assistant, asked, [read_beir(DATA / "beir_small")])
    assert (found.questions, found.foreign) == (18, 4)
    assert list(found.coefficients) == ["bias", *READ]
    assert found.trust.wrongly_refused.value <= 0.08
    write_coefficients(tmp_path / "abstention.json", found)
    written = json.loads((tmp_path / "abstention.json").read_text())
    assert written.keys() == {"read"}
    assert written["read"]["fitted"]["on"] == "18 gold questions (dev), 4 questions of other collections"
    with pytest.raises(EvalsError, match="All questions came out alike"):
        calibrate(assistant, [q for q in load_questions() if not q.answerable][:3])
