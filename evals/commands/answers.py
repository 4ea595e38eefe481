"""eval answers: ask the gold questions and judge the answers."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evals.commands.options import Config, Json, Quiet, Seed, Split
from index.commands import HOME

if TYPE_CHECKING:
    from evals.answers import Answers
    from evals.statistics import Estimate

__all__ = ["answers"]

BY_TYPE = ("contained", "citation_precision", "short_f1", "recall@5")


def answers(
    split: Split = "dev",
    config: Config = None,
    seed: Seed = 0,
    as_json: Json = False,
    quiet: Quiet = False,
    home: Annotated[Path | None, HOME] = None,
) -> None:
    """Ask the gold questions and judge the answers: evidence, citations, support, short answers, silence."""
    from evals.answers import measure_answers
    from evals.retrieval import configured
    from index.progress import bars, silent

    indexing, chosen, _ = configured(config or (), home)
    found = measure_answers(split, indexing, chosen, silent if quiet else bars, seed)
    typer.echo(json.dumps(found.to_json(), allow_nan=False, indent=1) if as_json else show(found))


def show(found: "Answers") -> str:
    """Figures with their 95 % intervals; the latency stands in the last line."""
    from evals.judging import MEASURES
    from evals.tables import aligned

    overall = [("measure", "mean", "95 % interval", "questions", "what it is")]
    for name, meaning in MEASURES.items():
        if estimate := found.estimate(name):
            overall.append((name, *cells(estimate), str(estimate.count), meaning))
    by_type: list[tuple[str, ...]] = [("type", "questions", *BY_TYPE)]
    for label, kind in found.kinds().items():
        by_type.append((label, str(found.count(kind)), *(short(found.estimate(name, kind)) for name in BY_TYPE)))
    lines = [
        f"gold {found.split}: {len(found.judged)} questions, "
        f"{sum(each.question.answerable for each in found.judged)} of them answerable",
        "",
        *aligned(overall, left=1, text=4),
        "",
        *aligned(by_type, left=1),
        "",
        *abstention(found),
        "",
    ]
    if twins := found.twins():
        rows = [("follow-ups", "with history", "standalone", "difference", "95 % interval")]
        rows += [(t.measure, f"{t.follow_up:.3f}", f"{t.twin:.3f}", *signed(t.difference)) for t in twins]
        lines += [*aligned(rows, left=1), ""]
    lines.append("ledger: " + ", ".join(f"{count:,} {name}" for name, count in found.ledger().items()))
    middle, most = found.words()
    lines.append(f"words of an answer: median {middle:.0f}, longest {most:.0f}")
    lines.append(f"latency: p50 {found.latency_ms(50):.1f} ms, p95 {found.latency_ms(95):.1f} ms")
    return "\n".join(lines)


def abstention(found: "Answers") -> list[str]:
    """The figures of `confidence`, a line each."""
    from evals.tables import aligned

    rows = [("abstention", "value", "95 % interval", "questions", "what it is")]
    rows += [(label, *cells(each), str(each.count), meaning) for label, each, meaning in found.trust().rows()]
    return aligned(rows, left=1, text=4)


def cells(estimate: "Estimate") -> tuple[str, str]:
    """The figure and its interval."""
    if estimate.interval is None:
        return str(estimate), "-"
    return f"{estimate.value:.3f}", f"[{estimate.interval.low:.3f}, {estimate.interval.high:.3f}]"


def signed(estimate: "Estimate") -> tuple[str, str]:
    """A difference and its interval, with their signs."""
    assert estimate.interval
    return f"{estimate.value:+.3f}", f"[{estimate.interval.low:+.3f}, {estimate.interval.high:+.3f}]"


def short(estimate: "Estimate | None") -> str:
    """The figure and its interval in one cell; - where the measure is of no question of the type."""
    if estimate is None or estimate.interval is None:
        return "-"
    return f"{estimate.value:.2f} [{estimate.interval.low:.2f}, {estimate.interval.high:.2f}]"
