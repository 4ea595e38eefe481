"""Our measures and tests against those of ranx, on files that tests/data/ranx/make_reference.py made with it."""

import json
import math
from pathlib import Path
from typing import Any

import ir_measures
import pytest
from conftest import DATA

from evals.measures import means, measure
from evals.statistics import randomisation_test
from evals.trec import read_qrels, read_run, write_qrels, write_run

RANX = DATA / "ranx"
REFERENCE: dict[str, Any] = json.loads((RANX / "reference.json").read_text())
PAIRS = ("a b", "a c", "b c")


def values(run: str) -> dict[str, dict[str, float]]:
    """Ours of a run, by measure and query."""
    return measure(read_qrels(RANX / "qrels"), read_run(RANX / f"{run}.run"), list(REFERENCE["measures"]))


@pytest.mark.parametrize("run", ["a", "b", "c"])
def test_every_query_has_the_value_of_ranx(run: str) -> None:
    found = values(run)
    assert list(found) == ["nDCG@10", "R@10", "R@100", "RR@10", "AP", "P@5"]
    for name, reference in REFERENCE["values"][run].items():
        assert len(found[name]) == 30
        assert found[name] == pytest.approx(reference["queries"], abs=1e-6), name
        assert means(found)[name] == pytest.approx(reference["mean"], abs=1e-6), name
    assert found["R@100"] != found["R@10"]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("name", ["nDCG@10", "AP"])
def test_the_p_of_a_pair_is_that_of_ranx(pair: str, name: str) -> None:
    """Within four standard errors of two Monte-Carlo estimates of 10,000 draws each; close to Student's too."""
    first, second = (values(run)[name] for run in pair.split())
    p = randomisation_test([second[query] - first[query] for query in first])
    fisher, student = (REFERENCE["p"][test][pair][name] for test in ("fisher", "student"))
    assert REFERENCE["permutations"] == 10_000
    assert p == pytest.approx(fisher, abs=4 * math.sqrt(2 * p * (1 - p) / 10_000))
    assert p == pytest.approx(student, abs=0.02)  # Smucker et al. 2007: the two tests agree closely


@pytest.mark.parametrize("run", ["a", "b", "c"])
def test_what_ranx_and_ir_measures_read_is_what_we_write(run: str, tmp_path: Path) -> None:
    scores, qrels = read_run(RANX / f"{run}.run"), read_qrels(RANX / "qrels")
    write_run(tmp_path / "run", scores, tag=run)
    write_qrels(tmp_path / "qrels", qrels)
    assert (tmp_path / "run").read_bytes() == (RANX / f"{run}.run").read_bytes()
    assert (tmp_path / "qrels").read_bytes() == (RANX / "qrels").read_bytes()
    theirs = {(each.query_id, each.doc_id): each.score for each in ir_measures.read_trec_run(str(tmp_path / "run"))}
    judged = {
        (each.query_id, each.doc_id): each.relevance for each in ir_measures.read_trec_qrels(str(tmp_path / "qrels"))
    }
    assert theirs == {(query, name): score for query, ranked in scores.items() for name, score in ranked.items()}
    assert judged == {(query, name): grade for query, grades in qrels.items() for name, grade in grades.items()}
