"""The report's sections on retrieval: by collection, by depth, the queries that went worst."""

from collections.abc import Mapping, Sequence

from evals.measures import Scores
from evals.report import figures
from evals.report.sections import Section, Table
from evals.retrieval import Run
from evals.statistics import Estimate, mean_estimate

__all__ = ["MEASURES", "Clusters", "estimated", "retrieval_section"]

DEPTHS = (1, 5, 10, 20, 50, 100)
MEASURES = ("nDCG@10", "RR@10", *(f"R@{k}" for k in DEPTHS))
SHOWN = ("nDCG@10", "R@10", "R@100", "RR@10")
WORST = 10  # queries of a collection that are listed
NAMED = 3  # documents named of each

Clusters = Mapping[str, Mapping[str, str]]  # collection -> query -> its cluster


def estimated(runs: Sequence[Run], clusters: Clusters) -> dict[str, dict[str, Estimate]]:
    """Estimates by measure and collection; queries of one cluster are resampled together."""
    found: dict[str, dict[str, Estimate]] = {name: {} for name in MEASURES}
    for run in runs:
        grouped = clusters.get(run.collection.name)
        for name in MEASURES:
            of_query = run.measured[name]
            groups = [grouped[query] for query in of_query] if grouped else None
            found[name][run.collection.name] = mean_estimate(list(of_query.values()), groups)
    return found


def retrieval_section(runs: Sequence[Run], found: Mapping[str, Mapping[str, Estimate]], clusters: Clusters) -> Section:
    """A table and two figures, and for each collection the queries with the lowest nDCG@10."""
    rows: list[tuple[str, ...]] = [("collection", "queries", "ranked", *SHOWN)]
    for run in runs:
        ranked = f"{run.passages} passages" if run.collection.of_passages else f"{run.documents} documents"
        rows.append(
            (run.collection.name, str(run.queries), ranked, *(str(found[name][run.collection.name]) for name in SHOWN))
        )
    recalls = {run.collection.name: {k: found[f"R@{k}"][run.collection.name].value for k in DEPTHS} for run in runs}
    prose = [
        "Documents are ranked by their best passage; for the gold questions the passages themselves, by the quotes "
        "that they hold whole."
    ]
    prose += [
        f"Queries of {name} are resampled in their {len(set(of.values()))} clusters: kin do not count as independent."
        for name, of in clusters.items()
    ]
    return Section(
        "Retrieval",
        prose,
        figures={
            "nDCG@10 by collection, with 95 % intervals": figures.estimates({"nDCG@10": found["nDCG@10"]}, "nDCG@10"),
            "Recall by depth": figures.recall_by_depth(recalls),
        },
        tables=[Table(rows)],
        parts=[worst(run) for run in runs],
    )


def worst(run: Run) -> Section:
    """The queries of a collection with the lowest nDCG@10: what is relevant, and what came first."""
    values = run.measured["nDCG@10"]
    facts = []
    for query in sorted(values, key=lambda name: (values[name], name))[:WORST]:
        relevant = [name for name, grade in run.qrels[query].items() if grade > 0]
        more = f" and {len(relevant) - NAMED} more" if len(relevant) > NAMED else ""
        facts.append(
            (
                f"{values[query]:.3f}, {query}",
                f"{run.collection.queries[query]} Relevant: {', '.join(relevant[:NAMED])}{more}. "
                f"Found first: {', '.join(best(run.scores, query)[:NAMED])}.",
            )
        )
    return Section(
        f"The {len(facts)} queries of {run.collection.name} with the lowest nDCG@10", facts=facts, folded=True
    )


def best(scores: Scores, query: str) -> list[str]:
    """The ids that were ranked first."""
    return sorted(scores[query], key=lambda name: (-scores[query][name], name))
