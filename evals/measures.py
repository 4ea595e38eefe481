"""ir_measures: what a run is worth against qrels, a query at a time and on average, by the names used there."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from subprocess import SubprocessError
from typing import TYPE_CHECKING

import numpy as np

from evals.errors import MeasureError

if TYPE_CHECKING:
    from ir_measures import Measure

__all__ = ["MEASURES", "Qrels", "Scores", "deepest_cutoff", "means", "measure", "read_measures"]

MEASURES = ("nDCG@10", "R@10", "R@100", "RR@10")
DEEPEST = 10_000  # the most documents that a measure may look at

Qrels = Mapping[str, Mapping[str, int]]  # query -> document -> grade, above 0 is relevant
Scores = Mapping[str, Mapping[str, float]]  # query -> document -> score, higher is better


def measure(qrels: Qrels, scores: Scores, names: Sequence[str] = MEASURES) -> dict[str, dict[str, float]]:
    """Values by measure and query, in [0, 1], higher is better: every query of `qrels`, 0 where the run lacks it.

    Names are spelt as in ir_measures. The gains of nDCG are the grades themselves. `MeasureError` for an unknown name.
    """
    import ir_measures

    wanted = {name: parsed(name) for name in names}
    ranks = {query: ranked(of_query) for query, of_query in scores.items()}
    values: dict[Measure, dict[str, float]] = {each: dict.fromkeys(qrels, 0.0) for each in wanted.values()}
    try:
        for found in ir_measures.iter_calc(list(values), qrels, ranks):
            values[found.measure][found.query_id] = float(found.value)
    except (ValueError, TypeError, OSError, SubprocessError) as error:  # some providers run a script of their own
        raise MeasureError(
            f"ir_measures cannot compute {' '.join(names)} here ({type(error).__name__}: {str(error)[:120]}). "
            f"Leave out what is not in {', '.join(MEASURES)}, AP, Judged@10"
        ) from error
    return {name: dict(values[each]) for name, each in wanted.items()}  # two names may be of one measure


def ranked(scores: Mapping[str, float]) -> dict[str, float]:
    """The same order in whole numbers without ties: 1 for the last document.

    Two providers of ir_measures break ties in opposite ways: trec_eval (nDCG, R, AP) takes scores as 32-bit floats and
    then the higher document id, MS MARCO's script (RR@10) the lower. One ranking for all of them is trec_eval's.
    """
    order = sorted(scores, key=lambda name: (np.float32(scores[name]), name))
    return {name: float(place) for place, name in enumerate(order, 1)}


def parsed(name: str) -> "Measure":
    """The measure as ir_measures has it; `MeasureError` where no installed provider computes it as a mean.

    A cutoff of 0 kills the process inside trec_eval, so cutoffs are checked here.
    """
    import ir_measures

    try:
        found = ir_measures.parse_measure(name)
        known = ir_measures.DefaultPipeline.supports(found)  # type: ignore[no-untyped-call]
    except (NameError, ValueError, AssertionError, KeyError):
        known = False
    if not known:
        raise MeasureError(f"There is no measure {name!r}. Use names like {', '.join(MEASURES)}, AP")
    if not 1 <= found.params.get("cutoff", 1) <= DEEPEST:
        raise MeasureError(f"The cutoff of {name} is not between 1 and {DEEPEST:,}. Use names like {MEASURES[0]}")
    if not isinstance(found.aggregator(), ir_measures.MeanAgg):
        raise MeasureError(f"{name} is a count, which has no mean. Use names like {', '.join(MEASURES)}, AP")
    return found


def read_measures(text: str) -> tuple[str, ...]:
    """Names with white space between, each once; `MeasureError` where one is unknown or there is none."""
    names = tuple(dict.fromkeys(text.split()))
    if not names:
        raise MeasureError(f'No measure is named. Name some: --measures "{" ".join(MEASURES)}"')
    for name in names:
        parsed(name)
    return names


def deepest_cutoff(names: Sequence[str]) -> int:
    """The highest rank that the measures look at, 0 where none has a cutoff."""
    return max((parsed(name).params.get("cutoff", 0) for name in names), default=0)


def means(values: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """For each measure the arithmetic mean over its queries."""
    return {name: fmean(of_query.values()) for name, of_query in values.items()}
