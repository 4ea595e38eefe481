"""ir_measures: what a run is worth against qrels, a query at a time and on average, by the names used there."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from evals.errors import MeasureError

if TYPE_CHECKING:
    from ir_measures import Measure

__all__ = ["MEASURES", "Qrels", "Scores", "means", "measure"]

MEASURES = ("nDCG@10", "R@10", "R@100", "RR@10")

Qrels = Mapping[str, Mapping[str, int]]  # query -> document -> grade, above 0 is relevant
Scores = Mapping[str, Mapping[str, float]]  # query -> document -> score, higher is better


def measure(qrels: Qrels, scores: Scores, names: Sequence[str] = MEASURES) -> dict[str, dict[str, float]]:
    """Values by measure and query, in [0, 1], higher is better: every query of `qrels`, 0 where the run lacks it.

    The gains of nDCG are the grades themselves. `MeasureError` for an unknown name.
    """
    import ir_measures

    named = {parsed(name): name for name in names}
    values: dict[str, dict[str, float]] = {name: dict.fromkeys(qrels, 0.0) for name in names}
    ranks = {query: ranked(of_query) for query, of_query in scores.items()}
    for found in ir_measures.iter_calc(list(named), qrels, ranks):
        values[named[found.measure]][found.query_id] = float(found.value)
    return values


def ranked(scores: Mapping[str, float]) -> dict[str, float]:
    """The same order in whole numbers without ties: 1 for the last document.

    Two providers of ir_measures break ties in opposite ways: trec_eval (nDCG, R, AP) takes scores as 32-bit floats and
    then the higher document id, MS MARCO's script (RR@10) the lower. One ranking for all of them is trec_eval's.
    """
    order = sorted(scores, key=lambda name: (np.float32(scores[name]), name))
    return {name: float(place) for place, name in enumerate(order, 1)}


def parsed(name: str) -> "Measure":
    """The measure as ir_measures has it; `MeasureError` where no installed provider computes it."""
    import ir_measures

    try:
        found = ir_measures.parse_measure(name)
        known = ir_measures.DefaultPipeline.supports(found)  # type: ignore[no-untyped-call]
    except (NameError, ValueError, AssertionError):
        known = False
    if not known:
        raise MeasureError(f"There is no measure {name!r}. Use names like {', '.join(MEASURES)}, AP")
    return found


def means(values: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """For each measure the arithmetic mean over its queries."""
    return {name: fmean(of_query.values()) for name, of_query in values.items()}
