"""Measures against values worked out by hand."""

import pytest

from evals.errors import MeasureError
from evals.measures import MEASURES, means, measure

QRELS = {"x": {"a": 1, "b": 2, "n": 0}, "y": {"c": 1, "d": 1}, "z": {"e": 1}}
SCORES = {
    "x": {"a": 0.9, "n": 0.8, "b": 0.7},
    "y": {f"f{i:02}": 20.0 - i for i in range(10)} | {"c": 1.0},  # ten others first, then one of its two
    "w": {"e": 1.0},  # no judgment: not counted
}


def test_each_query_has_the_value_worked_out_by_hand() -> None:
    found = measure(QRELS, SCORES, (*MEASURES, "AP"))

    # x: gains 1, 0, 2 at ranks 1, 2, 3: DCG = 1/log2(2) + 2/log2(4) = 2. Ideal 2, 1: 2 + 1/log2(3) = 2.63093.
    assert found["nDCG@10"]["x"] == pytest.approx(2 / 2.6309297535714575)
    assert found["AP"]["x"] == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert (found["R@10"]["x"], found["R@100"]["x"], found["RR@10"]["x"]) == (1.0, 1.0, 1.0)
    # y: its one found document stands at rank 11, so everything cut at 10 is 0.
    assert (found["nDCG@10"]["y"], found["R@10"]["y"], found["RR@10"]["y"]) == (0.0, 0.0, 0.0)
    assert found["R@100"]["y"] == 0.5
    assert found["AP"]["y"] == pytest.approx((1 / 11) / 2)


def test_a_reciprocal_rank_of_the_third_place() -> None:
    assert measure({"q": {"c": 1}}, {"q": {"a": 3.0, "b": 2.0, "c": 1.0}}, ["RR@10"]) == {
        "RR@10": {"q": pytest.approx(1 / 3)}
    }


def test_a_judged_query_without_a_run_counts_as_nothing_found() -> None:
    found = measure(QRELS, SCORES)
    assert {name: of_query["z"] for name, of_query in found.items()} == dict.fromkeys(MEASURES, 0.0)
    assert list(found["R@100"]) == ["x", "y", "z"]
    assert means(found)["R@100"] == pytest.approx((1 + 0.5 + 0) / 3)


@pytest.mark.parametrize("above", [0.0, 1e-10])  # the second is lost in a 32-bit float
def test_equal_scores_rank_by_descending_id_in_every_measure(above: float) -> None:
    tied = {"q": {"a": 1.0 + above, "b": 1.0}}
    for relevant, place in (("b", 1), ("a", 2)):
        found = measure({"q": {relevant: 1}}, tied, ["nDCG@10", "RR@10", "AP"])
        # one relevant document at rank 1 or 2: nDCG = 1/log2(rank + 1), the others 1/rank
        assert found["nDCG@10"]["q"] == pytest.approx([1.0, 0.6309297535714575][place - 1])
        assert found["RR@10"]["q"] == found["AP"]["q"] == 1 / place


@pytest.mark.parametrize("name", ["ndcg at ten", "nDCG@", "Nonsense@10", "alpha_nDCG@10", ""])
def test_an_unknown_measure_is_named(name: str) -> None:
    with pytest.raises(MeasureError, match="There is no measure .* Use names like nDCG@10, R@10, R@100, RR@10, AP"):
        measure(QRELS, SCORES, [name])
