"""Measures against values worked out by hand."""

import pytest

from evals.errors import MeasureError
from evals.measures import MEASURES, deepest_cutoff, means, measure, read_measures

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


def test_judged_precision_and_success_by_hand() -> None:
    found = measure(QRELS, SCORES, ["Judged@2", "P@2", "Success@10", "AP@1"])
    assert found["Judged@2"] == {"x": 1.0, "y": 0.0, "z": 0.0}  # a, n: both judged; two unjudged; nothing found
    assert found["P@2"] == {"x": 0.5, "y": 0.0, "z": 0.0}
    assert found["Success@10"] == {"x": 1.0, "y": 0.0, "z": 0.0}
    assert found["AP@1"] == {"x": 0.5, "y": 0.0, "z": 0.0}  # 1/1 over its two relevant ones
    assert means(found)["P@2"] == pytest.approx(1 / 6)


def test_a_third_small_case_by_hand() -> None:
    """Five places, relevant at 2 and 4 (grades 3 and 1), a third (grade 2) not found."""
    qrels = {"q": {"b": 3, "d": 1, "z": 2}}
    found = measure(qrels, {"q": {"a": 5.0, "b": 4.0, "c": 3.0, "d": 2.0, "e": 1.0}}, (*MEASURES, "AP", "Judged@5"))
    gained = 3 / 1.5849625007211562 + 1 / 2.321928094887362  # log2(3), log2(5)
    ideal = 3 + 2 / 1.5849625007211562 + 1 / 2
    assert found["nDCG@10"]["q"] == pytest.approx(gained / ideal)
    assert found["R@10"]["q"] == found["R@100"]["q"] == pytest.approx(2 / 3)
    assert found["RR@10"]["q"] == 0.5
    assert found["AP"]["q"] == pytest.approx((1 / 2 + 2 / 4) / 3)
    assert found["Judged@5"]["q"] == pytest.approx(2 / 5)


def test_two_names_of_one_measure_have_the_same_values() -> None:
    found = measure(QRELS, SCORES, ["RR@10", "MRR@10"])
    assert found["RR@10"] == found["MRR@10"]
    assert found["RR@10"]["x"] == 1.0


def test_names_are_read_once_each_with_their_deepest_cutoff() -> None:
    names = read_measures("nDCG@10  R@100 AP P(rel=2)@5\nR@100")
    assert names == ("nDCG@10", "R@100", "AP", "P(rel=2)@5")
    assert (deepest_cutoff(names), deepest_cutoff(["AP"])) == (100, 0)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("P@0", "The cutoff of P@0 is not between 1 and 10,000"),  # in trec_eval it kills the process
        ("P@99999999999", "The cutoff of P@99999999999 is not between 1 and 10,000"),
        ("NumRel", "NumRel is a count, which has no mean"),
        ("P(foo=1)@5", "There is no measure"),
        ("((", "There is no measure"),
    ],
)
def test_what_would_kill_or_mislead_is_refused(name: str, said: str) -> None:
    with pytest.raises(MeasureError) as caught:
        measure(QRELS, SCORES, [name])
    assert str(caught.value).startswith(said)


def test_what_a_provider_cannot_compute_is_one_sentence() -> None:
    with pytest.raises(MeasureError, match=r"^ir_measures cannot compute P\(rel=0\)@5 here \(TypeError: "):
        measure(QRELS, SCORES, ["P(rel=0)@5"])
