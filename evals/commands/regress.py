"""eval regress: the gold questions that a planned index would break, before it is published."""

import datetime
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evals.commands.options import Json, Quiet, check_folder
from index.commands import HOME

if TYPE_CHECKING:
    from evals.changes import Change, Regression
    from evals.questions import Question

__all__ = ["regress"]

QUESTION = 60  # characters of a question that a line shows


def regress(
    sources: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[SOURCE]...", help="What `index apply` would be given. None: the sources remembered."),
    ] = None,
    add: Annotated[bool, typer.Option("--add", help="Add the sources to the remembered ones.")] = False,
    split: Annotated[str, typer.Option("--split", help="dev, test or all.")] = "all",
    gold: Annotated[
        Path | None, typer.Option("--gold", help="Your own questions, in the format of evals/gold; default: ours.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The .html file; the .md stands beside it. Default: in HOME/reports."),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    home: Annotated[Path | None, HOME] = None,
) -> None:
    """Name the gold questions that the planned index would break, before it is published.

    Exit 0: nothing got worse; 1: evidence vanished or moved out, or an answer became a refusal; 2: bad input.
    """
    from assistant.settings import AssistantSettings
    from evals.commands.report import written
    from evals.provenance import provenance
    from evals.regress import regress as compare
    from evals.report.regressions import regressions
    from index.progress import bars, silent
    from index.settings import IndexSettings

    questions = chosen(gold, split)
    if out:
        check_folder(out, "--out")
    indexing = IndexSettings.load(home=home)
    found = compare(indexing, AssistantSettings.load(), questions, sources or (), add, silent if quiet else bars)
    now = datetime.datetime.now()
    path = out or indexing.home / "reports" / f"regress-{now:%Y%m%d-%H%M%S}.html"
    facts = [
        ("written", datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")),
        ("live generation", found.live),
        ("gold questions", f"{gold or 'ours'}, split {split}"),
        *provenance(),
    ]
    written(path, f"What the planned index changes, {now:%-d %B %Y}", regressions(found, facts))
    for each in (*([found.warning] if found.warning else ()), *(f"skipped {each}" for each in found.skipped)):
        typer.echo(each, err=True)
    printed = {**found.to_json(), "report": str(path)}
    typer.echo(json.dumps(printed, allow_nan=False, indent=1) if as_json else f"{show(found)}\nreport: {path}")
    raise typer.Exit(found.status)


def chosen(gold: Path | None, split: str) -> "list[Question]":
    """The questions to ask; `EvalsError` where there are none of the split, or one that cannot be asked or named."""
    from collections import Counter

    from assistant.answering import checked
    from assistant.errors import QuestionError
    from evals.errors import EvalsError
    from evals.questions import GOLD, load_questions

    if split not in ("dev", "test", "all"):
        raise EvalsError(f"There is no split {split!r}. Choose: python app.py eval regress --split all")
    questions = load_questions(gold or GOLD)
    for name, count in Counter(each.id for each in questions).items():
        if count > 1:
            raise EvalsError(f"{gold}: {count} questions have the id {name}. Give each its own")
    for each in questions:
        try:
            checked(each.question)
        except QuestionError as error:
            raise EvalsError(f"{gold}: {each.id}: {error}") from error
    found = [each for each in questions if split in ("all", each.split)]
    if not found:
        raise EvalsError(f"{gold or GOLD} holds no question{'' if split == 'all' else f' of the split {split}'}")
    return found


def show(found: "Regression") -> str:
    """Counts by kind, a line for each question, and the verdict."""
    from evals.changes import KINDS
    from evals.report.regressions import listed, verdict
    from evals.tables import aligned

    articles = "; ".join(f"{len(ids)} {name} ({listed(ids)})" for name, ids in found.articles.items())
    lines = [f"live generation {found.live}; articles: {articles or 'none would change'}", ""]
    counts = [(kind, str(len(found.of(kind))), meaning) for kind, meaning in KINDS.items()]
    lines += aligned([*counts, ("absent", str(len(found.absent)), "resting on articles of neither; not asked")], 1, 2)
    if found.changes:
        rows = [row(each) for kind in KINDS for each in found.of(kind)]
        heads = ("id", "kind", "type", "rank", "outcome", "confidence", "question")
        lines += ["", *aligned([heads, *rows], left=len(heads))]
    return "\n".join([*lines, "", verdict(found)])


def row(change: "Change") -> tuple[str, ...]:
    """One question in a line; of several pieces of evidence the ranks stand apart by commas."""
    question, sides = change.question, (change.before, change.after)
    ranks = [",".join(str(rank or "-") for rank in side.ranks) or "none" for side in sides]
    outcomes = ["answered" if side.answered else "refused" for side in sides]
    text = question.question
    return (
        question.id,
        change.kind,
        question.type,
        " > ".join(ranks),
        " > ".join(dict.fromkeys(outcomes)),
        " > ".join(f"{side.answer.confidence:.2f}" for side in sides),
        text if len(text) <= QUESTION else f"{text[: QUESTION - 3]}...",
    )
