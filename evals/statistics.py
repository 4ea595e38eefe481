"""Whether a difference is real: bootstrap intervals, the paired randomisation test, Holm's correction, power.

Smucker, Allan and Carterette, "A Comparison of Statistical Significance Tests for Information Retrieval Evaluation",
CIKM 2007: the randomisation test for runs on the same queries. Sakai, "Laboratory Experiments in Information
Retrieval", Springer 2018: intervals and sample sizes. Efron and Tibshirani, "An Introduction to the Bootstrap",
1993: percentile intervals.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.errors import EvalsError

__all__ = [
    "ALPHA",
    "POWER",
    "RESAMPLES",
    "Estimate",
    "Interval",
    "bootstrap_interval",
    "holm",
    "mean_estimate",
    "mean_interval",
    "paired_interval",
    "power_of",
    "proportion_interval",
    "queries_needed",
    "randomisation_test",
    "smallest_difference",
]

ALPHA = 0.05  # a difference is called real at a p of at most this; intervals cover the rest, 95 %
POWER = 0.8  # the share of collections in which a difference called "smallest that can be shown" is found
RESAMPLES = 10_000
ENUMERATED = 20  # differences whose signs are all tried: 2 ** 20 sums
NORMAL = 1_000_000  # queries from which on t and normal agree but for the last query
CELLS = 2_000_000  # of a matrix of resamples at once, 16 MB

Floats = NDArray[np.float64]
Values = Sequence[float] | Floats


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`, in the unit of the values."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, how sure it is, and of how many values; `interval` is None where nothing can be said of it."""

    value: float
    interval: Interval | None
    count: int

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "not defined"
        if self.interval is None:
            return f"{self.value:.3f}"
        return f"{self.value:.3f} [{self.interval.low:.3f}, {self.interval.high:.3f}]"


def mean_estimate(values: Values, groups: Sequence[str] | None = None, *, seed: int = 0) -> Estimate:
    """The mean with its 95 % interval: Wilson's where all values are 0 or 1 and ungrouped, else the bootstrap's.

    The bootstrap of seven successes in seven runs from 1 to 1, which claims a certainty that seven cannot give.
    """
    checked = finite(values)
    if groups is None and bool(np.isin(checked, (0.0, 1.0)).all()):
        interval = proportion_interval(int(checked.sum()), len(checked))
    else:
        interval = mean_interval(checked, groups, seed=seed)
    return Estimate(float(checked.mean()), interval, len(checked))


def proportion_interval(successes: int, count: int) -> Interval:
    """Wilson's 95 % interval of a proportion, without correction for continuity (Wilson 1927; scipy's `binomtest`)."""
    from scipy.stats import binomtest

    if not 0 <= successes <= count or not count:
        raise EvalsError(f"{successes} of {count} is no proportion. Give at least one value, each 0 or 1")
    found = binomtest(successes, count).proportion_ci(1 - ALPHA, method="wilson")
    return Interval(float(found.low), float(found.high))


def bootstrap_interval(
    statistic: Callable[[NDArray[np.int64]], float], count: int, *, resamples: int = 2000, seed: int = 0
) -> Interval | None:
    """The 95 % percentile interval of any statistic of `count` rows; it is given the (count,) rows of each resample.

    Resamples of which the statistic is NaN are left out; None where more than half are.
    """
    generator = np.random.default_rng(seed)
    found = np.array([statistic(generator.integers(0, count, count)) for _ in range(resamples)])
    found = found[~np.isnan(found)]
    if 2 * len(found) < resamples:
        return None
    low, high = np.quantile(found, [ALPHA / 2, 1 - ALPHA / 2])
    return Interval(float(low), float(high))


def mean_interval(
    values: Values, groups: Sequence[str] | None = None, *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """The 95 % percentile bootstrap interval of the mean of `values`, (n,) finite floats.

    `groups`, a label for each value, resamples whole groups: queries of one article are not independent.
    Mean of a resample: the sum of its values over their number. The same seed gives the same interval.
    """
    sums, counts = totals(values, groups)
    generator = np.random.default_rng(seed)
    means = np.empty(resamples)
    for rows in batches(resamples, len(sums)):
        drawn = generator.integers(0, len(sums), (rows.stop - rows.start, len(sums)))
        means[rows] = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [ALPHA / 2, 1 - ALPHA / 2])
    return Interval(float(low), float(high))


def paired_interval(
    baseline: Values,
    other: Values,
    groups: Sequence[str] | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """The interval of the mean of `other - baseline`, both (n,) and in the same order of queries."""
    first, second = finite(baseline), finite(other)
    if len(first) != len(second):
        raise EvalsError(
            f"Paired values must be of the same queries, and these are {len(first)} and {len(second)}. "
            f"Keep the queries that both runs have"
        )
    return mean_interval(second - first, groups, resamples=resamples, seed=seed)


def randomisation_test(
    differences: Values, groups: Sequence[str] | None = None, *, resamples: int = RESAMPLES, seed: int = 0
) -> float:
    """The two-sided p of a mean of paired `differences`, (n,) finite floats, in (0, 1].

    Where both runs are equally good, each difference could as well have the other sign: p is the share of sign
    patterns whose mean lies as far from 0 as the mean found. All are tried where at most 20 differences are not 0;
    else `resamples` patterns are drawn and p = (1 + as far) / (1 + drawn), which is never 0 (Phipson and Smyth 2010).
    `groups`, a label for each difference, flips whole groups.
    """
    sums, _ = totals(differences, groups)
    sums = sums[sums != 0]  # their sign changes no mean
    # Equal sums differ in their last digits by the order of adding; measures of few grades have many equal sums.
    least = abs(sums.sum()) - 1e-9 * np.abs(sums).sum()
    if len(sums) <= ENUMERATED:
        found = np.zeros(1)
        for value in sums:
            found = np.concatenate([found + value, found - value])
        return float(np.mean(np.abs(found) >= least))
    generator = np.random.default_rng(seed)
    as_far = 0
    for rows in batches(resamples, len(sums)):
        drawn = generator.integers(0, 256, (rows.stop - rows.start, -(-len(sums) // 8)), dtype=np.uint8)
        flipped = np.unpackbits(drawn, axis=1, count=len(sums)).astype(np.float64)  # a bit a sign
        as_far += int(np.sum(np.abs(sums.sum() - 2 * (flipped @ sums)) >= least))
    return (1 + as_far) / (1 + resamples)


def holm(values: Sequence[float]) -> list[float]:
    """The p-values corrected for their number m, in the order given; compare each with `ALPHA`.

    Step-down: with p sorted upwards, the i-th becomes the largest of min(1, (m - j + 1) p_j) over j <= i. Holm,
    "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6 (1979).
    """
    for value in values:
        if not 0 <= value <= 1:
            raise EvalsError(f"A p-value lies between 0 and 1, and this is {value}. Take it from randomisation_test")
    corrected = [0.0] * len(values)
    reached = 0.0
    for place, at in enumerate(sorted(range(len(values)), key=lambda at: values[at])):
        reached = max(reached, min(1.0, (len(values) - place) * values[at]))
        corrected[at] = reached
    return corrected


def power_of(difference: float, deviation: float, queries: int, *, alpha: float = ALPHA) -> float:
    """The chance that the paired two-sided t test finds a true mean `difference`, in [0, 1].

    T has the noncentral t distribution with n - 1 degrees of freedom, noncentrality difference / deviation * sqrt(n)
    (Sakai 2018 on sample sizes). `deviation`, above 0, is the standard deviation of the paired differences.
    """
    return power_at(difference / positive(deviation, "deviation") * math.sqrt(queries), queries, alpha)


def smallest_difference(queries: int, deviation: float, *, power: float = POWER, alpha: float = ALPHA) -> float:
    """The smallest true mean difference that n paired queries show with this power; infinite where none can be.

    Normal approximation: (z of 1 - alpha / 2 + z of power) * deviation / sqrt(n). Here the sum of the two z is
    replaced by the noncentrality at which the paired t test has exactly this power. The randomisation test agrees with
    the t test closely (Smucker et al.), yet its p is at least 2 / 2 ** n: five queries never reach 0.05.
    """
    error = positive(deviation, "deviation") / math.sqrt(max(queries, 1))
    if 2.0 ** (1 - queries) > alpha:
        return math.inf
    from scipy.optimize import brentq

    # Past this shift the power is above any that is asked for, with as few as six queries.
    highest = 2 * normal_shift(power, alpha) + 20
    shift = brentq(lambda shift: power_at(shift, queries, alpha) - power, 0.0, highest)
    return float(shift) * error


def queries_needed(difference: float, deviation: float, *, power: float = POWER, alpha: float = ALPHA) -> int:
    """The fewest paired queries of which `difference`, above 0, is found with this power.

    Starts at the normal approximation (z sum * deviation / difference) ** 2, which is a few too small.
    """
    ratio = positive(deviation, "deviation") / positive(difference, "difference")
    least = (normal_shift(power, alpha) * ratio) ** 2
    if least > NORMAL:
        return math.ceil(least)
    queries = max(math.ceil(least), math.ceil(1 - math.log2(alpha)))
    while power_of(difference, deviation, queries, alpha=alpha) < power:
        queries += 1
    return queries


def power_at(shift: float, queries: int, alpha: float) -> float:
    """The power of the paired t test at this noncentrality."""
    from scipy.stats import ncf, t

    # Both tails at once as the square of T, noncentral F: scipy's noncentral t is NaN far out in the lower tail, as
    # ncf.sf is below 0 for a shift of 0 (scipy 1.17).
    critical = t.ppf(1 - alpha / 2, queries - 1)
    return float(1 - ncf.cdf(critical**2, 1, queries - 1, shift**2))


def normal_shift(power: float, alpha: float) -> float:
    """How many standard errors from 0 a mean must lie to be found with this power, were its error normal."""
    from scipy.stats import norm

    return float(norm.ppf(1 - alpha / 2) + norm.ppf(power))


def totals(values: Values, groups: Sequence[str] | None) -> tuple[Floats, Floats]:
    """Sum and number of the values of each group, each value its own group where none are given."""
    checked = finite(values)
    if groups is None:
        return checked, np.ones(len(checked))
    if len(groups) != len(checked):
        raise EvalsError(f"There are {len(checked)} values and {len(groups)} groups. Give one group for each value")
    _, places = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    return np.bincount(places, weights=checked).astype(np.float64), np.bincount(places).astype(np.float64)


def finite(values: Values) -> Floats:
    """The values as (n,) float64; `EvalsError` where there are none or one is no finite number."""
    checked = np.asarray(values, dtype=np.float64)
    if checked.ndim != 1 or not len(checked):
        raise EvalsError(f"Values of shape {checked.shape} say nothing. Give a list with a value for each query")
    wrong = np.flatnonzero(~np.isfinite(checked))
    if len(wrong):
        raise EvalsError(f"Value {wrong[0] + 1} of {len(checked)} is {checked[wrong[0]]}. Give finite numbers")
    return checked


def positive(value: float, name: str) -> float:
    """The value; `EvalsError` where it is not above 0 and finite."""
    if not 0 < value < math.inf:
        raise EvalsError(f"The {name} must be a number above 0, and this is {value}. Give one such as 0.02")
    return value


def batches(resamples: int, width: int) -> Iterator[slice]:
    """Rows that cover all resamples, few enough at a time for memory."""
    step = max(1, CELLS // max(width, 1))
    for start in range(0, resamples, step):
        yield slice(start, min(start + step, resamples))
