"""Comparisons of runs against values worked out by hand, and what is said where they cannot be made."""

import json
import math

import numpy as np
import pytest

from evals.comparing import Change, Compared, compare_runs, run_values, show
from evals.errors import EvalsError, MeasureError
from evals.statistics import Interval, holm, queries_needed, randomisation_test, smallest_difference

A = {"RR@10": {"x": 0.5, "y": 1.0, "z": 0.25, "w": 0.0}}
B = {"RR@10": {"x": 1.0, "y": 1.0, "z": 0.5, "w": 0.25}}


def made(seed: int, better: float = 0.0, queries: int = 80) -> dict[str, dict[str, float]]:
    """Two measures of a made run; the queries are equally hard for every seed."""
    hard, noise = np.random.default_rng(0), np.random.default_rng(seed)
    return {
        name: {f"q{at}": float(hard.random() + noise.normal(better, 0.1)) for at in range(queries)}
        for name in ("nDCG@10", "R@100")
    }


def test_a_comparison_of_four_queries_by_hand() -> None:
    (found,) = compare_runs({"a": A, "b": B}).compared

    # Differences 0.5, 0, 0.25, 0.25: mean 0.25, squares about it 4 * 0.25² / 2 = 0.125, over n - 1 = 3.
    assert (found.measure, found.run, found.queries) == ("RR@10", "b", 4)
    assert (found.baseline, found.other, found.difference) == (0.4375, 0.6875, 0.25)
    assert (found.wins, found.ties, found.losses) == (3, 1, 0)
    assert found.deviation == pytest.approx(math.sqrt(0.125 / 3))
    assert found.p == found.corrected == 2 / 8  # of the three that differ, all up or all down
    assert not found.real
    assert found.interval == Interval(0.0625, 0.4375)  # means are sixteenths of 1; 0 and 0.5 have 1 in 256 each
    assert found.smallest is None  # four queries show nothing
    assert found.needed == queries_needed(0.02, found.deviation)
    assert found.more == found.needed - 4
    assert found.changed == (Change("x", 0.5, 1.0), Change("w", 0.0, 0.25), Change("z", 0.25, 0.5))
    assert [each.difference for each in found.changed] == [0.5, 0.25, 0.25]


def test_wins_and_losses_change_places_with_the_runs() -> None:
    (there,), (back,) = compare_runs({"a": A, "b": B}).compared, compare_runs({"b": B, "a": A}).compared
    assert (back.difference, back.wins, back.losses, back.p) == (-there.difference, there.losses, there.wins, there.p)
    assert back.deviation == there.deviation


def test_holm_corrects_over_every_run_and_measure() -> None:
    runs = {"base": made(1), "same": made(2), "better": made(3, 0.1)}
    found = compare_runs(runs)
    assert [(each.run, each.measure) for each in found.compared] == [
        ("same", "nDCG@10"),
        ("same", "R@100"),
        ("better", "nDCG@10"),
        ("better", "R@100"),
    ]
    assert [each.corrected for each in found.compared] == holm([each.p for each in found.compared])
    assert [each.real for each in found.compared] == [False, False, True, True]
    for each in found.compared:
        first, second = runs["base"][each.measure], runs[each.run][each.measure]
        assert each.p == randomisation_test([second[query] - first[query] for query in sorted(first)])
        assert each.smallest == smallest_difference(80, each.deviation)
        assert each.interval.low < each.difference < each.interval.high
        assert len(each.changed) == 10
        sizes = [abs(change.difference) for change in each.changed]
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[0] == max(abs(second[query] - first[query]) for query in first)
    alone = compare_runs({"base": runs["base"], "better": runs["better"]}).compared
    assert [each.p for each in alone] == [each.p for each in found.compared[2:]]


def test_a_run_against_itself() -> None:
    (found, _) = compare_runs({"a": made(1), "b": made(1)}).compared
    assert (found.difference, found.p, found.wins, found.ties, found.losses) == (0.0, 1.0, 0, 80, 0)
    assert (found.smallest, found.needed, found.more, found.changed) == (None, None, None, ())


def test_rounding_is_no_win() -> None:
    (found,) = compare_runs({"a": {"AP": {"x": 0.3}}, "b": {"AP": {"x": 0.1 + 0.2}}}).compared
    assert (found.wins, found.ties, found.losses, found.p) == (0, 1, 0, 1.0)


def test_queries_and_measures_of_one_side_are_told_and_left_out() -> None:
    more = {name: values | {f"v{at}": 0.0 for at in range(5)} for name, values in B.items()} | {"AP": {"x": 1.0}}
    found = compare_runs({"a": A, "b": more})
    assert found.compared == compare_runs({"a": A, "b": B}).compared
    assert found.notices == (
        "5 of 9 queries of b are not in a and are left out: v0, v1, v2, ...",
        "AP of b is not in a: not compared",
    )
    less = {"RR@10": {query: value for query, value in B["RR@10"].items() if query != "y"}}
    found = compare_runs({"a": A, "b": less})
    assert found.notices == ("1 of 4 queries of a are not in b and are left out: y",)
    assert (found.compared[0].queries, found.compared[0].baseline) == (3, 0.25)


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ({"a": A}, "To compare takes two runs, and there are 1"),
        ({"a": A, "b": {"AP": {"x": 1.0}}}, "a has RR@10 and b has AP"),
        ({"a": A, "b": {}}, "a has RR@10 and b has no measures"),
        ({"a": A, "b": {"RR@10": {"v": 1.0}}}, r"a and b have no query in common by RR@10 \(of 4 and 1\)"),
        ({"a": A, "b": {"RR@10": {"x": math.nan}}}, "RR@10 of query 'x' in b is nan"),
    ],
)
def test_what_cannot_be_compared_is_told(runs: dict[str, dict[str, dict[str, float]]], said: str) -> None:
    with pytest.raises(EvalsError, match=said):
        compare_runs(runs)


@pytest.mark.parametrize("asked", [0.0, -0.1, math.nan])
def test_the_difference_asked_for_is_above_zero(asked: float) -> None:
    with pytest.raises(EvalsError, match=f"must be above 0, and this is {asked}"):
        compare_runs({"a": A, "b": B}, asked=asked)


def test_values_of_a_run_with_qrels() -> None:
    qrels = {"x": {"d1": 1}, "y": {"d2": 1}, "z": {"d3": 1}}
    scores = {"x": {"d1": 1.0, "d9": 2.0}, "y": {"d2": 3.0}, "other": {"d1": 1.0}}
    assert run_values(qrels, scores, ["RR@10"]) == {"RR@10": {"x": 0.5, "y": 1.0}}
    assert run_values(qrels, scores, ["RR@10"], complete=True) == {"RR@10": {"x": 0.5, "y": 1.0, "z": 0.0}}
    with pytest.raises(EvalsError, match="None of the run's 1 queries is among the 3 of the qrels"):
        run_values(qrels, {"q": {"d1": 1.0}}, ["RR@10"], complete=True)
    with pytest.raises(MeasureError, match="There is no measure 'Nonsense'"):
        run_values(qrels, scores, ["Nonsense"])


def test_json_has_every_field_and_is_the_same_twice() -> None:
    runs = {"a": made(1), "b": made(2, 0.05), "c": made(1)}
    text = json.dumps(compare_runs(runs).to_json(), allow_nan=False)
    assert text == json.dumps(compare_runs(runs).to_json(), allow_nan=False)
    read = json.loads(text)
    assert (read["baseline"], read["asked"], read["resamples"], read["seed"]) == ("a", 0.02, 10_000, 0)
    first = compare_runs(runs).compared[0]
    assert set(read["compared"][0]) == {*Compared.__dataclass_fields__, "difference", "real", "more"}
    assert read["compared"][0]["interval"] == {"low": first.interval.low, "high": first.interval.high}
    assert read["compared"][0]["changed"][0] == {
        "query": first.changed[0].query,
        "baseline": first.changed[0].baseline,
        "other": first.changed[0].other,
    }


def test_the_text_of_a_comparison() -> None:
    shown = show(compare_runs({"a.run": A, "b.run": B | {"AP": {"x": 1.0}}}, asked=0.5))
    assert shown.split("\n") == [
        "baseline: a.run",
        "",
        "measure  run    queries  baseline    mean  difference       95 % interval       p  p (Holm)  +/=/-  smallest"
        "  for 0.5",
        "RR@10    b.run        4    0.4375  0.6875     +0.2500  [+0.0625, +0.4375]  0.2500   0.2500   3/1/0         -"
        "   6 (+2)",
        "",
        "* real: p of the two-sided randomisation test, corrected by Holm, is at most 0.05",
        "smallest: the true mean difference that queries as many as these show in 80 % of cases, at p 0.05 alone",
        "for 0.5: the queries that a true mean difference of 0.5 needs to be shown as often",
        "",
        "changed most by RR@10 in b.run",
        "",
        "query  baseline     run  difference",
        "x        0.5000  1.0000     +0.5000",
        "w        0.0000  0.2500     +0.2500",
        "z        0.2500  0.5000     +0.2500",
        "",
        "notice: AP of b.run is not in a.run: not compared",
    ]
    better = show(compare_runs({"a": made(1), "b": made(3, 0.1)}))
    assert better.count("*") == 3  # two that are real, and the line that says so
