"""Makes what lies beside it: graded qrels, three runs, and `reference.json` with ranx's values for them.

ranx (Bassani, "ranx: A Blazing-Fast Python Library for Ranking Evaluation and Comparison", ECIR 2022) is no dependency
of ours: it brings numba and pandas. To make the files anew, in an environment that has `ranx==0.3.21`:

    python tests/data/ranx/make_reference.py

The same seed gives the same files, but for the p of ranx's randomisation test, which draws in threads that it does not
seed. Scores within a query are all different, also as 32-bit floats: how to break ties is each tool's own choice. Three
queries are ranked 120 deep, so that R@100 cuts something off.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from ranx import Qrels, Run, compare, evaluate  # type: ignore[import-not-found]

HERE = Path(__file__).parent
SEED = 20261123
QUERIES, DOCUMENTS, JUDGED = 30, 130, 14
DEEP, SHALLOW = 120, 20  # documents ranked for every tenth query, and for the others
RUNS = {"a": 0.5, "b": 0.9, "c": 0.7}  # how much a grade counts against noise: b is best
GRADES = [0, 1, 2, 3]
SHARES = [0.4, 0.3, 0.2, 0.1]
# Ours -> ranx's. Its `ndcg` has the grades themselves as gains, as ours; `ndcg_burges` has 2 ** grade - 1.
NAMES = {
    "nDCG@10": "ndcg@10",
    "R@10": "recall@10",
    "R@100": "recall@100",
    "RR@10": "mrr@10",
    "AP": "map",
    "P@5": "precision@5",
}
TESTED = ("nDCG@10", "AP")
PERMUTATIONS = 10_000


def made_qrels(generator: np.random.Generator) -> dict[str, dict[str, int]]:
    """Fourteen judged documents a query, the first of them relevant."""
    qrels = {}
    for query in range(QUERIES):
        documents = generator.choice(DOCUMENTS, JUDGED, replace=False)
        grades = generator.choice(GRADES, JUDGED, p=SHARES)
        grades[0] = max(grades[0], 1)
        qrels[f"q{query}"] = {f"d{name}": int(grade) for name, grade in zip(documents, grades, strict=True)}
    return qrels


def made_run(generator: np.random.Generator, qrels: dict[str, dict[str, int]], weight: float) -> dict[str, list]:
    """(document, score) by query, best first, ordered by `weight * grade` plus normal noise."""
    run = {}
    for at, (query, judged) in enumerate(qrels.items()):
        depth = SHALLOW if at % 10 else DEEP
        worth = [weight * judged.get(f"d{name}", 0) + generator.normal() for name in range(DOCUMENTS)]
        best = sorted(range(DOCUMENTS), key=lambda name: -worth[name])[:depth]
        scores = sorted(generator.choice(np.arange(1, 10_000), depth, replace=False), reverse=True)
        run[query] = [(f"d{name}", int(score) / 1000) for name, score in zip(best, scores, strict=True)]
    return run


def main() -> None:
    """Writes the files, reads them with ranx, and writes what it makes of them."""
    generator = np.random.default_rng(SEED)
    qrels = made_qrels(generator)
    lines = [f"{query} 0 {name} {grade}\n" for query, judged in qrels.items() for name, grade in judged.items()]
    (HERE / "qrels").write_text("".join(lines))
    for tag, weight in RUNS.items():
        lines = []
        for query, ranked in made_run(generator, qrels, weight).items():
            lines += [f"{query} Q0 {name} {rank} {score!r} {tag}\n" for rank, (name, score) in enumerate(ranked, 1)]
        (HERE / f"{tag}.run").write_text("".join(lines))

    judgments = Qrels.from_file(str(HERE / "qrels"), kind="trec")
    runs = [Run.from_file(str(HERE / f"{tag}.run"), kind="trec", name=tag) for tag in RUNS]
    reference = {
        "ranx": version("ranx"),
        "measures": NAMES,
        "values": {run.name: values(judgments, run) for run in runs},
        "p": {test: p_values(judgments, runs, test) for test in ("fisher", "student")},
        "permutations": PERMUTATIONS,
    }
    (HERE / "reference.json").write_text(json.dumps(reference, indent=1) + "\n")


def values(qrels: Qrels, run: Run) -> dict[str, dict]:
    """By our name of the measure: the mean, and the value of each query."""
    found = {}
    for ours, theirs in NAMES.items():
        mean = evaluate(qrels, run, theirs)
        found[ours] = {"mean": float(mean), "queries": {q: float(v) for q, v in run.scores[theirs].items()}}
    return found


def p_values(qrels: Qrels, runs: list[Run], test: str) -> dict[str, dict[str, float]]:
    """By pair of runs and measure: the two-sided p of the paired test."""
    metrics = [NAMES[name] for name in TESTED]
    report = compare(qrels, runs, metrics, stat_test=test, n_permutations=PERMUTATIONS, random_seed=SEED)
    pairs = [(first.name, second.name) for at, first in enumerate(runs) for second in runs[at + 1 :]]
    return {
        f"{first} {second}": {
            name: float(report.comparisons[frozenset([first, second])][NAMES[name]]["p_value"]) for name in TESTED
        }
        for first, second in pairs
    }


if __name__ == "__main__":
    main()
