"""Whether one run is better than another: per-query values of several runs against those of a baseline."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from evals.errors import EvalsError
from evals.measures import MEASURES, Qrels, Scores, measure
from evals.statistics import (
    ALPHA,
    RESAMPLES,
    Interval,
    holm,
    mean_interval,
    queries_needed,
    randomisation_test,
    smallest_difference,
)
from evals.tables import aligned

__all__ = ["Change", "Compared", "Comparison", "Measured", "compare_runs", "read_values", "run_values", "show"]

Measured = Mapping[str, Mapping[str, float]]  # measure -> query -> value, higher is better

EQUAL = 1e-9  # values that differ by less are a tie: the same measure, added in another order
MOST = 10  # queries listed as changed most
NAMED = 3  # queries named in a notice
ASKED = 0.02  # the difference for which the queries needed are counted; the gate's margin


@dataclass(frozen=True, slots=True)
class Change:
    """What one query had in the baseline and has in the other run."""

    query: str
    baseline: float
    other: float

    @property
    def difference(self) -> float:
        """Above 0 where the other run is better."""
        return self.other - self.baseline


@dataclass(frozen=True, slots=True)
class Compared:
    """One run against the baseline by one measure; differences are other minus baseline, in the measure's unit.

    `p` is of the randomisation test, `corrected` by Holm over every comparison made. `smallest` is the mean difference
    found at 80 % power and an uncorrected p of 0.05; `needed` is how many queries would find the difference asked for.
    Both rest on `deviation`, the standard deviation of the differences, and are None where all differences are equal;
    `smallest` also where there are fewer than six queries, which show nothing at 0.05 however large it is.
    """

    measure: str
    run: str
    queries: int
    baseline: float
    other: float
    interval: Interval
    p: float
    corrected: float
    wins: int
    ties: int
    losses: int
    deviation: float
    smallest: float | None
    needed: int | None
    changed: tuple[Change, ...]

    @property
    def difference(self) -> float:
        """The mean of the other run less that of the baseline."""
        return self.other - self.baseline

    @property
    def real(self) -> bool:
        """Whether the corrected p is at most 0.05."""
        return self.corrected <= ALPHA

    @property
    def more(self) -> int | None:
        """How many queries there are too few to find the difference asked for."""
        return None if self.needed is None else max(0, self.needed - self.queries)

    def to_json(self) -> dict[str, Any]:
        """The fields of one comparison."""
        return asdict(self) | {"difference": self.difference, "real": self.real, "more": self.more}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every run against `baseline` by every measure; `asked` is the difference whose queries needed are counted."""

    baseline: str
    asked: float
    resamples: int
    seed: int
    compared: tuple[Compared, ...]
    notices: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The fields of `eval compare --json`."""
        return asdict(self) | {"compared": [each.to_json() for each in self.compared]}


def run_values(qrels: Qrels, scores: Scores, names: Sequence[str] = MEASURES, *, complete: bool = False) -> Measured:
    """The values of a run by measure and judged query that the run has.

    A judged query that the run lacks is left out, or counts as 0 where `complete`, as trec_eval does with -c.
    """
    if not qrels.keys() & scores.keys():
        raise EvalsError(
            f"None of the run's {len(scores)} queries is among the {len(qrels)} of the qrels. "
            f"Give the qrels of the collection that the run was made on"
        )
    kept = qrels if complete else {query: grades for query, grades in qrels.items() if query in scores}
    return measure(kept, scores, names)


def read_values(path: Path) -> Measured:
    """The values that `eval answers --json`, or `eval retrieval --json` of one collection, wrote into a file."""
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        listed = written.get("collections", [written])
        if len(listed) == 1:
            return {
                name: {query: float(value) for query, value in of_query.items()}
                for name, of_query in listed[0]["per_query"].items()
            }
        problem = f"it holds the figures of {len(listed)} collections, not of one"
    except OSError as error:
        problem = f"it cannot be read ({error.strerror})"
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        problem = f"it is not what eval answers --json writes ({type(error).__name__}: {str(error)[:60]})"
    raise EvalsError(f"{path}: {problem}. Write one with: python app.py eval answers --json > {path}")


def compare_runs(
    runs: Mapping[str, Measured], *, asked: float = ASKED, resamples: int = RESAMPLES, seed: int = 0
) -> Comparison:
    """Compares each run with the first, the baseline, on the queries and by the measures that both have.

    `EvalsError` for fewer than two runs, no common measure or query, and values that are no finite numbers. What is
    left out because the other run lacks it is told in `notices`.
    """
    if len(runs) < 2:
        raise EvalsError(f"To compare takes two runs, and there are {len(runs)}. Give the baseline first, then others")
    if not 0 < asked < math.inf:
        raise EvalsError(f"The difference asked for must be above 0, and this is {asked}. Give one such as {ASKED}")
    for name, values in runs.items():
        check(name, values)
    (baseline, first), *others = runs.items()
    notices: dict[str, None] = {}  # in order, each once: every measure lacks the same queries as a rule
    compared: list[Compared] = []
    for name, second in others:
        notices |= dict.fromkeys(missing(baseline, first, name, second))
        for each in common(baseline, first, name, second):
            compared.append(compare(each, name, first[each], second[each], asked, resamples, seed))
    corrected = holm([each.p for each in compared])
    found = tuple(replace(each, corrected=p) for each, p in zip(compared, corrected, strict=True))
    return Comparison(baseline, asked, resamples, seed, found, tuple(notices))


def check(name: str, values: Measured) -> None:
    """`EvalsError` where a value is no finite number."""
    for measured, of_query in values.items():
        for query, value in of_query.items():
            if not math.isfinite(value):
                raise EvalsError(
                    f"{measured} of query {query!r} in {name} is {value}. Mend the run, then compare again"
                )


def common(baseline: str, first: Measured, name: str, second: Measured) -> list[str]:
    """The measures of both that have a query of both; one that has none is left out, and told by `missing`."""
    both = [each for each in first if each in second]
    paired = [each for each in both if first[each].keys() & second[each].keys()]
    if paired:
        return paired
    if not both:
        raise EvalsError(
            f"{baseline} has {', '.join(first) or 'no measures'} and {name} has {', '.join(second) or 'no measures'}. "
            f"Measure both by the same names"
        )
    raise EvalsError(
        f"{baseline} and {name} have no query in common by {both[0]} (of {len(first[both[0]])} and "
        f"{len(second[both[0]])}). Compare runs of the same collection"
    )


def missing(baseline: str, first: Measured, name: str, second: Measured) -> Iterator[str]:
    """A sentence for measures and for queries that one of the two lacks."""
    for has, of_has, lacks, of_lacks in ((baseline, first, name, second), (name, second, baseline, first)):
        for each, of_query in of_has.items():
            if each not in of_lacks:
                yield f"{each} of {has} is not in {lacks}: not compared"
                continue
            left = sorted(of_query.keys() - of_lacks[each].keys())
            if left:
                more = ", ..." if len(left) > NAMED else ""
                yield (
                    f"{len(left)} of {len(of_query)} queries of {has} are not in {lacks} and are left out: "
                    f"{', '.join(left[:NAMED])}{more}"
                )


def compare(
    name: str,
    run: str,
    baseline: Mapping[str, float],
    other: Mapping[str, float],
    asked: float,
    resamples: int,
    seed: int,
) -> Compared:
    """One run by one measure, on the queries of both; `corrected` is still `p`."""
    queries = sorted(baseline.keys() & other.keys())
    first, second = (np.array([values[query] for query in queries]) for values in (baseline, other))
    differences = np.where(np.abs(second - first) < EQUAL, 0.0, second - first)
    deviation = float(differences.std(ddof=1)) if len(queries) > 1 else 0.0
    smallest = smallest_difference(len(queries), deviation) if deviation > EQUAL else math.inf
    p = randomisation_test(differences, resamples=resamples, seed=seed)
    most = sorted(np.flatnonzero(differences).tolist(), key=lambda at: (-abs(differences[at]), queries[at]))[:MOST]
    return Compared(
        measure=name,
        run=run,
        queries=len(queries),
        baseline=float(first.mean()),
        other=float(second.mean()),
        interval=mean_interval(differences, resamples=resamples, seed=seed),
        p=p,
        corrected=p,
        wins=int(np.sum(differences > 0)),
        ties=int(np.sum(differences == 0)),
        losses=int(np.sum(differences < 0)),
        deviation=deviation,
        smallest=None if math.isinf(smallest) else smallest,
        needed=queries_needed(asked, deviation) if deviation > EQUAL else None,
        changed=tuple(Change(queries[at], float(first[at]), float(second[at])) for at in most),
    )


def show(comparison: Comparison) -> str:
    """The comparison as text: a table, what its columns say, and for each comparison the queries that changed most."""
    asked = f"for {comparison.asked:g}"
    heads = ("measure", "run", "queries", "baseline", "mean", "difference", "95 % interval", "p", "p (Holm)", "+/=/-")
    rows = [(*heads, "smallest", asked), *(row(each) for each in comparison.compared)]
    lines = [
        f"baseline: {comparison.baseline}",
        "",
        *aligned(rows, left=2),
        "",
        f"* real: p of the two-sided randomisation test, corrected by Holm, is at most {ALPHA:g}",
        f"smallest: the true mean difference that queries as many as these show in 80 % of cases, at p {ALPHA:g} alone",
        f"{asked}: the queries that a true mean difference of {comparison.asked:g} needs to be shown as often",
    ]
    for each in comparison.compared:
        if each.changed:
            listed = [
                (change.query, f"{change.baseline:.4f}", f"{change.other:.4f}", f"{change.difference:+.4f}")
                for change in each.changed
            ]
            lines += ["", f"changed most by {each.measure} in {each.run}", ""]
            lines += aligned([("query", "baseline", "run", "difference"), *listed], left=1)
    return "\n".join([*lines, *[""][: len(comparison.notices)], *(f"notice: {each}" for each in comparison.notices)])


def row(compared: Compared) -> tuple[str, ...]:
    """The cells of one comparison; - where nothing can be said."""
    more = f" (+{compared.more})" if compared.more else ""
    return (
        compared.measure,
        compared.run,
        str(compared.queries),
        f"{compared.baseline:.4f}",
        f"{compared.other:.4f}",
        f"{compared.difference:+.4f}",
        f"[{compared.interval.low:+.4f}, {compared.interval.high:+.4f}]",
        f"{compared.p:.4f}",
        f"{compared.corrected:.4f}{'*' if compared.real else ' '}",
        f"{compared.wins}/{compared.ties}/{compared.losses}",
        "-" if compared.smallest is None else f"{compared.smallest:.4f}",
        "-" if compared.needed is None else f"{compared.needed}{more}",
    )
