"""eval gate | baseline: has anything fallen since the baseline, and a new one with what, when and why."""

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evals.commands.options import Config, Json, Quiet, Seed, Split
from index.commands import HOME

if TYPE_CHECKING:
    from evals.comparing import Compared
    from evals.gate import Baseline, Verdict

__all__ = ["baseline", "gate"]

LOG = Path("evals/LOG.md")
File = Annotated[Path, typer.Option("--baseline", help="The baseline's file.")]
STORED = Path("evals/baseline.json")


def gate(
    path: File = STORED,
    margin: Annotated[float, typer.Option("--margin", help="A fall of at most this much may be let pass.")] = 0.02,
    config: Config = None,
    split: Split = "dev",
    seed: Seed = 0,
    as_json: Json = False,
    quiet: Quiet = False,
    home: Annotated[Path | None, HOME] = None,
) -> None:
    """Exit 0: no fall beyond the margin; 1: something fell significantly; 3: neither can be said; 2: bad input."""
    from evals.gate import read_baseline, weigh

    before = read_baseline(path)
    verdict = weigh(before, measured(split, config, home, quiet, ""), margin=margin, seed=seed)
    typer.echo(json.dumps(verdict.to_json(), indent=1) if as_json else show(before, verdict))
    raise typer.Exit(verdict.status)


def baseline(
    why: Annotated[str, typer.Option("--why", help="Why the figures changed; it goes into the log.")],
    path: File = STORED,
    log: Annotated[Path, typer.Option("--log", help="The log that gets an entry.")] = LOG,
    config: Config = None,
    split: Split = "dev",
    quiet: Quiet = False,
    home: Annotated[Path | None, HOME] = None,
) -> None:
    """Make today's figures the baseline, and write what changed, when and why into the log."""
    from evals.errors import EvalsError
    from evals.gate import read_baseline, weigh, write_baseline

    if not why.strip():
        raise EvalsError('The reason is empty. Say why the figures changed: python app.py eval baseline --why "..."')
    if not log.is_file():
        raise EvalsError(f"There is no log at {log}. Go to the folder of app.py, or name another with --log")
    before = read_baseline(path) if path.exists() else None
    now = measured(split, config, home, quiet, why.strip())
    entry = log_entry(now, weigh(before, now) if before else None)
    write_baseline(path, now)
    with log.open("a", encoding="utf-8") as file:
        file.write(entry)
    typer.echo(f"{path} is of today, {now.made}; {log} says why.")


def measured(split: str, config: Sequence[str] | None, home: Path | None, quiet: bool, why: str) -> "Baseline":
    """Retrieval and answers of the gold questions with these settings."""
    from evals.answers import measure_answers
    from evals.collections import read_gold
    from evals.gate import baseline_of
    from evals.retrieval import configured, digest, run_collection
    from index.progress import bars, silent

    indexing, chosen, given = configured(config or (), home)
    progress = silent if quiet else bars
    collection = read_gold(split)
    run = run_collection(collection, indexing, chosen, progress, ["nDCG@10"])
    answers = measure_answers(split, indexing, chosen, progress)
    return baseline_of(run, answers, given, digest(collection.corpus, indexing), why)


def show(before: "Baseline", verdict: "Verdict") -> str:
    """A table of the measures, the types that fell, and the verdict in the last line."""
    from evals.tables import aligned

    heads = ("measure", "questions", "baseline", "now", "difference", "95 % interval", "p (corrected)", "")
    lines = [
        f"gold {before.split} against the baseline of {before.made}: {before.why}",
        "",
        *aligned([heads, *(row(each, verdict) for each in verdict.overall)], left=1, text=7),
    ]
    by_type = [each for name in verdict.overall for each in verdict.types_of(name.measure)]
    by_type = list(dict.fromkeys([*(each for each in verdict.fallen if each in verdict.by_type), *by_type]))
    if by_type:
        lines += ["", "types whose own interval lies below 0", ""]
        lines += aligned([heads, *(row(each, verdict) for each in by_type)], left=1, text=7)
    lines += ["", *(f"notice: {each}" for each in verdict.notices)]
    return "\n".join([*lines, sentence(verdict)])


def row(each: "Compared", verdict: "Verdict") -> tuple[str, ...]:
    """The cells of one measure."""
    said = (
        "fell"
        if each in verdict.fallen
        else f"a fall of {verdict.margin:g} is not ruled out"
        if each in verdict.open
        else ""
    )
    return (
        each.measure,
        str(each.queries),
        f"{each.baseline:.4f}",
        f"{each.other:.4f}",
        f"{each.difference:+.4f}",
        f"[{each.interval.low:+.4f}, {each.interval.high:+.4f}]",
        f"{each.corrected:.4f}",
        said,
    )


def sentence(verdict: "Verdict") -> str:
    """The verdict in one sentence."""
    if verdict.outcome == "passed":
        return f"passed: no measure fell by {verdict.margin:g} or more"
    if verdict.outcome == "undecided":
        named = ", ".join(each.measure for each in verdict.open)
        return f"undecided: so few questions neither show nor rule out a fall of {verdict.margin:g} in {named}"
    said = []
    for each in verdict.fallen:
        types = ", ".join(one.measure.partition("/")[2] for one in verdict.types_of(each.measure))
        said.append(f"{each.measure} by {-each.difference:.4f}" + (f" ({types})" if types else ""))
    return f"fell: {'; '.join(said)}"


def log_entry(now: "Baseline", verdict: "Verdict | None") -> str:
    """The log's entry: when, why, the command, the figures before and now."""
    from statistics import fmean

    from evals.tables import markdown

    command = " ".join(shlex.quote(word) for word in sys.argv[1:])
    head = f"\n## {now.made} · Baseline of the gate\n\n    python app.py {command}\n\n{now.why}\n\n"
    if verdict is None:
        rows: list[tuple[str, ...]] = [("measure", "questions", "mean")]
        rows += [(name, str(len(of)), f"{fmean(of.values()):.4f}") for name, of in now.values.items() if of]
        return head + "\n".join(markdown(rows)) + "\n"
    heads = ("measure", "questions", "before", "now", "difference", "95 % interval", "p (corrected)")
    rows = [heads, *(row(each, verdict) for each in verdict.overall)]
    return (
        head
        + "\n".join(markdown([cells[:7] for cells in rows]))
        + f"\n\nAgainst the one before: {sentence(verdict)}.\n"
    )
