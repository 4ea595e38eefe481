"""What `confidence` is worth, against values worked out by hand and by scikit-learn."""

import math

import numpy as np
import pytest

from evals.confidence import aurc, auroc, brier, calibration_slope, reliability, risk_coverage, trust

CONFIDENCE = np.array([0.9, 0.8, 0.8, 0.6, 0.3, 0.1])
RIGHT = np.array([True, True, False, False, True, False])


def test_auroc_counts_pairs_and_ties_half() -> None:
    # 3 x 3 pairs: 0.9 beats all three; 0.8 ties one and beats two; 0.3 beats one: 3 + 2.5 + 1 of 9.
    assert auroc(CONFIDENCE, RIGHT) == pytest.approx(6.5 / 9)
    assert auroc(CONFIDENCE, ~RIGHT) == pytest.approx(2.5 / 9)
    assert math.isnan(auroc(CONFIDENCE, np.ones(6, dtype=bool)))


def test_risk_and_coverage_by_hand() -> None:
    # From the top: right; then two equals, of which half is wrong each; then wrong, right, wrong.
    wrong = [0, 0.5, 1, 2, 2, 3]
    assert aurc(CONFIDENCE, RIGHT) == pytest.approx(sum(w / n for n, w in enumerate(wrong, 1)) / 6)
    # A threshold cannot fall between the equals: five points, not six.
    assert risk_coverage(CONFIDENCE, RIGHT) == (
        (pytest.approx(1 / 6), 0.0),
        (pytest.approx(3 / 6), pytest.approx(1 / 3)),
        (pytest.approx(4 / 6), pytest.approx(2 / 4)),
        (pytest.approx(5 / 6), pytest.approx(2 / 5)),
        (1.0, pytest.approx(3 / 6)),
    )


def test_the_order_of_equals_does_not_matter() -> None:
    swapped = [0, 2, 1, 3, 4, 5]
    assert aurc(CONFIDENCE[swapped], RIGHT[swapped]) == aurc(CONFIDENCE, RIGHT)
    assert risk_coverage(CONFIDENCE[swapped], RIGHT[swapped]) == risk_coverage(CONFIDENCE, RIGHT)


def test_brier_by_hand() -> None:
    squares = [0.01, 0.04, 0.64, 0.36, 0.49, 0.01]
    assert brier(CONFIDENCE, RIGHT) == pytest.approx(sum(squares) / 6)


def test_the_reference_agrees() -> None:
    """scikit-learn's AUROC, Brier score and (all but unpenalised) logistic regression on 300 made-up questions."""
    linear = pytest.importorskip("sklearn.linear_model")
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(4)
    confidence = np.round(generator.uniform(0.02, 0.98, 300), 2)
    right = generator.uniform(size=300) < 0.2 + 0.6 * confidence
    assert auroc(confidence, right) == pytest.approx(metrics.roc_auc_score(right, confidence), abs=1e-12)
    assert brier(confidence, right) == pytest.approx(metrics.brier_score_loss(right, confidence), abs=1e-12)
    logits = np.log(confidence / (1 - confidence)).reshape(-1, 1)
    fitted = linear.LogisticRegression(C=1e12, tol=1e-10, max_iter=1000).fit(logits, right)
    assert calibration_slope(confidence, right) == pytest.approx(fitted.coef_[0, 0], abs=1e-5)


def test_the_slope_of_true_probabilities_is_near_1_and_of_overconfident_ones_below() -> None:
    generator = np.random.default_rng(1)
    logits = generator.normal(0, 1.5, 20_000)
    right = generator.uniform(size=20_000) < 1 / (1 + np.exp(-logits))
    assert calibration_slope(1 / (1 + np.exp(-logits)), right) == pytest.approx(1, abs=0.05)
    assert calibration_slope(1 / (1 + np.exp(-3 * logits)), right) == pytest.approx(1 / 3, abs=0.02)


@pytest.mark.parametrize(
    ("confidence", "right", "slope"),
    [
        ([0.2, 0.4, 0.6, 0.8], [False, False, True, True], 50.0),  # separable: no bound
        ([0.2, 0.4, 0.6, 0.8], [True, True, False, False], -50.0),
        ([0.2, 0.4], [True, True], math.nan),
        ([0.5, 0.5, 0.5], [True, False, True], math.nan),  # one confidence has no slope
    ],
)
def test_a_slope_without_a_bound_is_cut_and_one_without_meaning_is_nan(
    confidence: list[float], right: list[bool], slope: float
) -> None:
    assert calibration_slope(np.array(confidence), np.array(right)) == pytest.approx(slope, nan_ok=True)


def test_certain_confidences_have_finite_logits() -> None:
    found = calibration_slope(np.array([0.0, 1.0, 0.0, 1.0, 0.5]), np.array([False, True, True, True, False]))
    assert 0 < found < 1


def test_bins_are_of_like_size_in_order_of_confidence() -> None:
    low, middle, high = reliability(CONFIDENCE, RIGHT, bins=3)
    assert (low.confidence, low.right, low.count) == (pytest.approx(0.2), 0.5, 2)
    assert (middle.confidence, middle.right) == (pytest.approx(0.7), pytest.approx(0.5))
    assert (high.confidence, high.right) == (pytest.approx(0.85), 0.5)
    # Wilson's interval of 1 in 2, by its formula with z = 1.959964: centre 0.5, half width z / sqrt(n + z^2) / 2.
    half = 1.959963985 / math.sqrt(2 + 1.959963985**2) / 2
    assert (low.interval.low, low.interval.high) == (pytest.approx(0.5 - half), pytest.approx(0.5 + half))
    assert len(reliability(CONFIDENCE, RIGHT, bins=20)) == 6


def test_all_figures_together() -> None:
    answerable = [True, True, True, True, False, False]
    held = [False, False, True, False, False, True]
    found = trust(CONFIDENCE.tolist(), answerable, (RIGHT & answerable).tolist(), held, 0.5, resamples=200)
    assert (found.wrongly_answered.value, found.wrongly_answered.count) == (0.5, 2)
    assert (found.wrongly_refused.value, found.wrongly_refused.count) == (0.25, 4)
    assert found.auroc.value == 1.0
    assert found.base_brier == pytest.approx(2 / 6 * 4 / 6)
    # right: 0.9 and 0.8; errors 0.1, 0.2, 0.8, 0.6, 0.3, 0.1
    assert found.brier.value == pytest.approx((0.01 + 0.04 + 0.64 + 0.36 + 0.09 + 0.01) / 6)
    assert found.skill.value == pytest.approx(1 - found.brier.value / found.base_brier)
    assert found.brier.interval is not None
    assert found.brier.interval.low < found.brier.value < found.brier.interval.high
    again = trust(CONFIDENCE.tolist(), answerable, (RIGHT & answerable).tolist(), held, 0.5, resamples=200)
    assert str(again) == str(found)
    assert trust([0.5], [True], [True], [False], 0.5, resamples=5).wrongly_answered.count == 0
