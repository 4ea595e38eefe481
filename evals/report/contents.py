"""What the report of an evaluation says, in its order, and in short."""

from collections.abc import Mapping, Sequence

import numpy as np

from evals.answers import Answers
from evals.confidence import Trust
from evals.report import figures
from evals.report.answering import answers_section, failures_section, follow_ups_section, silence_section
from evals.report.ranking import Clusters, estimated, retrieval_section
from evals.report.sections import Section, Table
from evals.retrieval import Run
from evals.statistics import RESAMPLES, Estimate

__all__ = ["report"]


def report(
    runs: Sequence[Run], answers: Answers, provenance: Sequence[tuple[str, str]], clusters: Clusters | None = None
) -> list[Section]:
    """The sections in their order; `runs` are measured by `ranking.MEASURES`."""
    found = estimated(runs, clusters or {})
    trust = answers.trust()  # 10,000 resamples: once
    drawn = f"seed {answers.seed}; {RESAMPLES:,} resamples of means, 2,000 of other figures"
    return [
        in_short(runs, answers, trust, found),
        retrieval_section(runs, found, clusters or {}),
        answers_section(answers),
        silence_section(answers, trust),
        *follow_ups_section(answers),
        latency_section(runs, answers),
        failures_section(answers),
        Section("How this was made", facts=[*provenance, ("random draws", drawn)]),
    ]


def in_short(
    runs: Sequence[Run], answers: Answers, trust: Trust, found: Mapping[str, Mapping[str, Estimate]]
) -> Section:
    """What somebody reads who reads nothing else."""
    contained, supported = answers.estimate("contained"), answers.estimate("supported")
    prose = []
    if contained and supported:
        prose.append(
            f"Of the {contained.count} answerable gold questions ({answers.split}), the answer cites all the evidence "
            f"in {percent(contained)}; {percent(supported)} of what it says is quoted or supported by exact citations."
        )
    if trust.wrongly_answered.count:
        prose.append(
            f"Of the {trust.wrongly_answered.count} questions that the articles do not answer, "
            f"{percent(trust.wrongly_answered)} are answered all the same; of the answerable ones "
            f"{percent(trust.wrongly_refused)} are refused. Confidence tells the two apart with an AUROC of "
            f"{trust.auroc} (0.5 is chance)."
        )
    ranked = ", ".join(f"{found['nDCG@10'][run.collection.name]} on {run.collection.name}" for run in runs)
    prose.append(f"Retrieval reaches an nDCG@10 of {ranked}.")
    prose.append(
        "Brackets hold 95 % intervals: Wilson's for shares, else the percentile bootstrap over questions. A difference "
        "between two settings is smaller than these suggest, since both are asked the same: compare them in pairs."
    )
    return Section("In short", prose)


def percent(estimate: Estimate) -> str:
    """The figure in percent with its interval."""
    if estimate.interval is None:
        return f"{100 * estimate.value:.0f} %"
    return f"{100 * estimate.value:.0f} % [{100 * estimate.interval.low:.0f} to {100 * estimate.interval.high:.0f}]"


def latency_section(runs: Sequence[Run], answers: Answers) -> Section:
    """One search, and a whole answer, on this machine."""
    times = {f"search of {run.collection.name}": list(run.latencies_ms.values()) for run in runs}
    times[f"whole answer, gold-{answers.split}"] = [each.answer.timings_ms["total"] for each in answers.judged]
    rows: list[tuple[str, ...]] = [("what", "p50 ms", "p95 ms", "times")]
    rows += [(name, *(f"{np.percentile(of, p):.1f}" for p in (50, 95)), str(len(of))) for name, of in times.items()]
    said = (
        "A search ranks all its candidates. Times are of this machine and this hour; only ratios within one run travel."
    )
    return Section(
        "Latency", [said], figures={"Medians, with bars from p5 to p95": figures.latencies(times)}, tables=[Table(rows)]
    )
