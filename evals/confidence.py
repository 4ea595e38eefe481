"""How far `confidence` can be trusted: whether it ranks (AUROC, risk-coverage) and is a probability (Brier, slope).

Geifman and El-Yaniv, "Selective Classification for Deep Neural Networks", NeurIPS 2017: the risk-coverage curve and
its area. Brier, "Verification of Forecasts Expressed in Terms of Probability", 1950. Cox, "Two Further Applications of
a Model for Binary Regression", Biometrika 1958: the slope of calibration.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.statistics import Estimate, Interval, bootstrap_interval, mean_estimate, proportion_interval

__all__ = [
    "Bin",
    "Trust",
    "aurc",
    "auroc",
    "brier",
    "calibration_slope",
    "logistic",
    "reliability",
    "risk_coverage",
    "trust",
]

NEAREST = 5e-5  # a confidence has four decimals, so 0 and 1 stand for anything this near; their logits are finite then
STEEPEST = 50.0  # a slope of separable values has no bound
BINS = 8

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Statistic = Callable[[Floats, Bools], float]


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions of like confidence: its mean, the share of them that came right with its interval, and their number."""

    confidence: float
    right: float
    interval: Interval
    count: int


@dataclass(frozen=True, slots=True)
class Trust:
    """What `confidence` is worth over n questions, each figure with its 95 % interval.

    `auroc`: chance that an answerable question has more confidence than an unanswerable one. `aurc`: mean share of
    wrong answers over all coverages, lower is better. `brier`: mean squared error against "answered rightly", lower is
    better; `base_brier` is that of always saying the base rate, and `skill` = 1 - brier / base_brier. A `slope` of 1
    is calibrated; below 1, the confidence is too extreme. The operating point at `threshold`: `wrongly_answered`, the
    share of unanswerable questions answered, and `wrongly_refused`, that of answerable ones refused; lower is better.
    """

    threshold: float
    auroc: Estimate
    aurc: Estimate
    brier: Estimate
    base_brier: float
    skill: Estimate
    slope: Estimate
    wrongly_answered: Estimate
    wrongly_refused: Estimate
    curve: tuple[tuple[float, float], ...]
    bins: tuple[Bin, ...]

    def rows(self) -> list[tuple[str, Estimate, str]]:
        """The figures by the names that tables give them, each with what it is."""
        at = f"at threshold {self.threshold:g}"
        return [
            ("AUROC", self.auroc, "answerable against unanswerable; 0.5 is chance, 1 is perfect"),
            ("AURC", self.aurc, "area under the risk-coverage curve; lower is better"),
            ("Brier score", self.brier, f"lower is better; always saying the base rate has {self.base_brier:.3f}"),
            ("Brier skill", self.skill, "share of the base rate's Brier score that is saved; 1 is perfect"),
            ("calibration slope", self.slope, "1 is calibrated; below 1, confidence is too extreme"),
            ("wrongly answered", self.wrongly_answered, f"of the unanswerable, {at}"),
            ("wrongly refused", self.wrongly_refused, f"of the answerable, {at}"),
        ]


def trust(
    confidence: Sequence[float],
    answerable: Sequence[bool],
    right: Sequence[bool],
    refused: Sequence[bool],
    threshold: float,
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> Trust:
    """All figures of (n,) questions; `right`: answerable and all its evidence cited, were no answer held back."""
    c = np.asarray(confidence, dtype=np.float64)
    can, good, held = (np.asarray(each, dtype=bool) for each in (answerable, right, refused))

    def estimate(of: Statistic, label: Bools) -> Estimate:
        interval = bootstrap_interval(lambda rows: of(c[rows], label[rows]), len(c), resamples=resamples, seed=seed)
        return Estimate(of(c, label), interval, len(c))

    return Trust(
        threshold=threshold,
        auroc=estimate(auroc, can),
        aurc=estimate(aurc, good),
        brier=estimate(brier, good),
        base_brier=float(good.mean() * (1 - good.mean())),
        skill=estimate(skill, good),
        slope=estimate(calibration_slope, good),
        wrongly_answered=proportion(~held[~can]),
        wrongly_refused=proportion(held[can]),
        curve=risk_coverage(c, good),
        bins=reliability(c, good),
    )


def proportion(values: Bools) -> Estimate:
    """The share that is true, with Wilson's interval; NaN of no values."""
    return mean_estimate(values.astype(np.float64)) if len(values) else Estimate(math.nan, None, 0)


def auroc(confidence: Floats, label: Bools) -> float:
    """The chance that a true label has the higher confidence, ties counted half; NaN where all labels are alike."""
    positives = int(label.sum())
    negatives = len(label) - positives
    if not positives or not negatives:
        return math.nan
    values, places, counts = np.unique(confidence, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # the mean rank, from 1, of equal values
    return float((ranks[places][label].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def risks(confidence: Floats, right: Bools) -> Floats:
    """(n,) shares of wrong answers among the 1, 2 ... n most confident; among equals, in the mean over their orders."""
    order = np.argsort(-confidence, kind="stable")
    _, places, counts = np.unique(-confidence[order], return_inverse=True, return_counts=True)
    wrong = np.bincount(places, weights=~right[order]) / counts
    return np.asarray(np.cumsum(wrong[places]) / np.arange(1, len(order) + 1), dtype=np.float64)


def aurc(confidence: Floats, right: Bools) -> float:
    """The area under the risk-coverage curve: the mean of the risks at coverages 1/n, 2/n ... 1; lower is better."""
    return float(risks(confidence, right).mean())


def risk_coverage(confidence: Floats, right: Bools) -> tuple[tuple[float, float], ...]:
    """(coverage, risk) at each threshold that occurs, from the most confident on; both in [0, 1]."""
    found = risks(confidence, right)
    ends = np.append(np.flatnonzero(np.diff(np.sort(-confidence))), len(found) - 1)
    return tuple((float(at + 1) / len(found), float(found[at])) for at in ends)


def brier(confidence: Floats, right: Bools) -> float:
    """The mean squared difference of confidence and outcome (1 or 0), in [0, 1]; lower is better."""
    return float(np.mean((confidence - right) ** 2))


def skill(confidence: Floats, right: Bools) -> float:
    """1 - Brier score / that of the base rate; 0 is no better than always saying the base rate, 1 is perfect."""
    base = float(right.mean() * (1 - right.mean()))
    return 1 - brier(confidence, right) / base if base else math.nan


def calibration_slope(confidence: Floats, right: Bools) -> float:
    """The b of logit P(right) = a + b logit(confidence), by Newton's method; NaN where all outcomes are alike.

    Cut at 50, where the values are separable and b has no bound.
    """
    if right.all() or not right.any():
        return math.nan
    clipped = np.clip(confidence, NEAREST, 1 - NEAREST)
    design = np.column_stack([np.ones(len(clipped)), np.log(clipped / (1 - clipped))])
    if np.ptp(design[:, 1]) < 1e-12:
        return math.nan
    slope = logistic(design, right, np.ones(len(right)), np.zeros(2))[1]
    return float(np.clip(slope, -STEEPEST, STEEPEST))


def logistic(design: Floats, outcome: Bools, weight: Floats, penalty: Floats) -> Floats:
    """(d,) coefficients of a logistic regression on the (n, d) design, by Newton's method.

    `weight` is of the n outcomes, `penalty` of the d coefficients, half of it times their squares. Separable outcomes
    without a penalty have no bound, and get large coefficients.
    """
    found = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(design @ found, -500, 500)))
        curvature = design.T @ (design * (weight * chance * (1 - chance))[:, None]) + np.diag(penalty + 1e-9)
        step = np.linalg.solve(curvature, design.T @ (weight * (outcome - chance)) - penalty * found)
        found += step / max(1.0, float(np.abs(step).max()) / 5)  # at most 5 at once: a full step can overshoot
        if np.abs(step).max() < 1e-10:
            break
    return found


def reliability(confidence: Floats, right: Bools, bins: int = BINS) -> tuple[Bin, ...]:
    """The questions in order of confidence, cut into at most `bins` groups of like size."""
    order = np.argsort(confidence, kind="stable")
    found = []
    for rows in np.array_split(order, min(bins, len(order))):
        successes = int(right[rows].sum())
        interval = proportion_interval(successes, len(rows))
        found.append(Bin(float(confidence[rows].mean()), successes / len(rows), interval, len(rows)))
    return tuple(found)
