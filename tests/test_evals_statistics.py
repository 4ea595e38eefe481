"""Statistics against hand-worked values, scipy, published sample sizes, and simulations in which the truth is known."""

import math

import numpy as np
import pytest
from scipy import stats

from evals.errors import EvalsError
from evals.measures import measure
from evals.statistics import (
    ALPHA,
    CELLS,
    Interval,
    batches,
    holm,
    mean_interval,
    paired_interval,
    power_of,
    queries_needed,
    randomisation_test,
    smallest_difference,
)

SIMULATED = 1000
QUERIES = 60


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([1, 2, 3], 2 / 8),  # only all plus and all minus lie as far out
        ([1, 1, -1], 1.0),  # no pattern has a sum nearer to 0 than 1
        ([3, -1, 2], 4 / 8),  # sums 6, 4, 2, 0 and their negatives: those of 4 and 6
        ([3, 0, -1, 0, 2], 4 / 8),  # zeros change nothing
        ([0.1, 0.2, -0.3], 1.0),  # a sum of 0 that floats make 5.6e-17
        ([0.3, -0.1, 0.2, 0.1, 0.1], 8 / 32),  # 0.6: one pattern has 0.8, three have 0.6, and their negatives
        ([0, 0], 1.0),
        ([5], 1.0),
    ],
)
def test_the_p_of_few_differences_is_worked_out_by_hand(differences: list[float], p: float) -> None:
    assert randomisation_test(differences) == pytest.approx(p, abs=1e-12)


def test_groups_flip_together() -> None:
    assert randomisation_test([1, 2, 3], ["x", "x", "y"]) == 2 / 4  # two sums of 3


def test_a_drawn_p_is_never_zero() -> None:
    assert randomisation_test([1.0] * 40, resamples=999) == 1 / 1000
    assert randomisation_test([0.0] * 40) == 1.0


def test_the_same_seed_gives_the_same_values() -> None:
    values = np.random.default_rng(5).normal(0.1, 1, 50)
    assert randomisation_test(values, seed=3) == randomisation_test(values, seed=3)
    assert randomisation_test(values, seed=3) != randomisation_test(values, seed=4)
    assert mean_interval(values, seed=3) == mean_interval(values, seed=3)
    assert mean_interval(values, seed=3) != mean_interval(values, seed=4)


def made_pair(seed: int) -> tuple[list[float], list[float]]:
    """nDCG@10 of two runs made by adding noise to the grades of 20 documents; the second less, more with the seed."""
    generator = np.random.default_rng(seed)
    grades = {f"q{q}": {f"d{d}": int(g) for d, g in enumerate(generator.integers(0, 3, 20))} for q in range(QUERIES)}
    runs = []
    for noise in (2.0, 2.0 - seed * 0.05):
        run = {q: {d: float(g + generator.normal(0, noise)) for d, g in of.items()} for q, of in grades.items()}
        runs.append(list(measure(grades, run, ["nDCG@10"])["nDCG@10"].values()))
    return runs[0], runs[1]


@pytest.mark.parametrize("seed", range(20))
def test_p_agrees_with_scipy_within_monte_carlo_error(seed: int) -> None:
    first, second = made_pair(seed)
    differences = np.subtract(second, first)
    reference = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=9999, rng=np.random.default_rng(seed)
    ).pvalue
    p = randomisation_test(differences, resamples=9999)
    # Both are shares of 9,999 draws. Four standard errors of their difference, and one draw for p near 0.
    assert p == pytest.approx(reference, abs=4 * math.sqrt(2 * reference * (1 - reference) / 9999) + 2e-4)
    exact = stats.permutation_test((differences[:10],), np.mean, permutation_type="samples", n_resamples=math.inf)
    assert randomisation_test(differences[:10]) == pytest.approx(exact.pvalue, abs=1e-12)


def sparse(generator: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Differences as of two like systems, around 0: half of them none, the others of a few reciprocal ranks."""
    ranks = 1 / generator.integers(1, 6, (*shape, 2))
    return np.where(generator.random(shape) < 0.5, 0.0, ranks[..., 1] - ranks[..., 0])


@pytest.mark.slow
def test_equal_systems_are_rarely_called_different() -> None:
    drawn = sparse(np.random.default_rng(1), (SIMULATED, QUERIES))
    called = sum(randomisation_test(each, resamples=1999, seed=at) <= ALPHA for at, each in enumerate(drawn))
    assert called / SIMULATED <= 0.06


@pytest.mark.parametrize("kind", ["normal", "sparse"])
def test_a_difference_of_the_smallest_size_is_found_four_times_of_five(kind: str) -> None:
    generator = np.random.default_rng(2)
    shape = (SIMULATED, QUERIES)
    drawn = generator.normal(0, 0.25, shape) if kind == "normal" else sparse(generator, shape)
    planted = drawn + smallest_difference(QUERIES, float(drawn.std()))
    found = sum(randomisation_test(each, resamples=1999, seed=at) <= ALPHA for at, each in enumerate(planted))
    assert 0.75 <= found / SIMULATED <= 0.85


def test_holm_by_hand() -> None:
    # Sorted: 0.005 * 4 = 0.02, 0.01 * 3 = 0.03, 0.03 * 2 = 0.06, 0.04 * 1 = 0.04 but no less than the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.6]) == [1.0, 1.0]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []
    with pytest.raises(EvalsError, match="this is nan"):
        holm([math.nan])


def test_intervals_of_tiny_cases() -> None:
    assert mean_interval([0.0, 1.0]) == Interval(0.0, 1.0)  # a quarter of the resamples is all 0, a quarter all 1
    assert mean_interval([0.25, 0.25, 0.25]) == Interval(0.25, 0.25)
    assert paired_interval([0.5, 0.25], [0.75, 0.5]) == Interval(0.25, 0.25)


def test_the_interval_agrees_with_scipy() -> None:
    values = np.random.default_rng(8).beta(0.6, 0.9, 80)
    reference = stats.bootstrap((values,), np.mean, n_resamples=10_000, method="percentile", rng=1).confidence_interval
    found = mean_interval(values)
    # An end's own error is sqrt(0.025 * 0.975 / 10000) / 0.058 = 0.027 standard errors of the mean; of two, 0.038.
    within = 4 * 0.038 * values.std() / math.sqrt(80)
    assert (found.low, found.high) == pytest.approx(tuple(reference), abs=within)


def test_many_values_are_resampled_in_several_batches() -> None:
    values = np.random.default_rng(10).normal(0, 1, 1500)  # 10,000 * 1,500 cells: eight batches
    values += 2 / math.sqrt(1500) - values.mean()  # about two standard errors from 0
    error = values.std() / math.sqrt(1500)
    found = mean_interval(values)
    assert (found.low, found.high) == pytest.approx(
        (values.mean() - 1.96 * error, values.mean() + 1.96 * error), abs=0.12 * error
    )
    assert randomisation_test(values) == pytest.approx(2 * stats.norm.sf(values.mean() / error), abs=0.01)


def test_batches_cover_every_resample_once() -> None:
    assert list(batches(10, CELLS // 4)) == [slice(0, 4), slice(4, 8), slice(8, 10)]
    assert list(batches(2, 2 * CELLS)) == [slice(0, 1), slice(1, 2)]


def test_whole_groups_are_resampled() -> None:
    values = np.random.default_rng(9).random(12)
    repeated, names = np.repeat(values, 5), np.repeat([f"g{at:02}" for at in range(12)], 5)
    grouped, alone = mean_interval(repeated, list(names)), mean_interval(values)
    assert (grouped.low, grouped.high) == pytest.approx((alone.low, alone.high))  # five copies say nothing new
    free = mean_interval(repeated)
    assert free.high - free.low < 0.6 * (alone.high - alone.low)  # 1 / sqrt(5) = 0.45


@pytest.mark.parametrize(("effect", "queries"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_sample_sizes_are_those_of_the_tables(effect: float, queries: int) -> None:
    """G*Power 3.1, paired t test, two-sided, alpha 0.05, power 0.8, for Cohen's small, medium and large effect."""
    assert queries_needed(effect, 1.0) == queries
    assert smallest_difference(queries, 1.0) <= effect < smallest_difference(queries - 1, 1.0)


def test_power_by_reference() -> None:
    assert power_of(0.5, 1.0, 34) == pytest.approx(0.8077775, abs=1e-6)  # G*Power's actual power of that row
    assert power_of(0.0, 1.0, 34) == pytest.approx(ALPHA)
    assert power_of(smallest_difference(120, 0.3), 0.3, 120) == pytest.approx(0.8)
    # 1.959964 + 0.841621 standard errors where t is normal
    assert smallest_difference(1_000_000, 1.0) == pytest.approx(2.801585e-3, abs=1e-7)
    assert queries_needed(1e-6, 1.0) == pytest.approx(2.801585e6**2, rel=1e-6)


def test_five_queries_show_nothing() -> None:
    """All five alike has p = 2 / 32 = 0.0625."""
    assert randomisation_test([1.0] * 5) == 2 / 32
    assert [smallest_difference(few, 0.1) for few in range(6)] == [math.inf] * 6
    assert smallest_difference(6, 0.1) < 0.2
    assert queries_needed(100.0, 0.1) == 6


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: mean_interval([]), r"Values of shape \(0,\) say nothing"),
        (lambda: randomisation_test([0.1, math.nan]), "Value 2 of 2 is nan"),
        (lambda: paired_interval([1.0], [1.0, 2.0]), "these are 1 and 2"),
        (lambda: mean_interval([1.0, 2.0], ["x"]), "2 values and 1 groups"),
        (lambda: smallest_difference(10, 0.0), "The deviation must be a number above 0, and this is 0.0"),
        (lambda: queries_needed(-1.0, 1.0), "The difference must be a number above 0, and this is -1.0"),
    ],
)
def test_what_cannot_be_computed_is_told(call, said: str) -> None:
    with pytest.raises(EvalsError, match=said):
        call()
