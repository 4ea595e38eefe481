"""feedback list | feedback export: what visitors said, and candidates for gold made of it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.taking_commands import write
from index.commands import HOME

if TYPE_CHECKING:
    from assistant.feedback import Feedback, FeedbackRow

__all__ = ["app"]

app = typer.Typer(help="What visitors of the page said of its answers.", no_args_is_help=True)
Home = Annotated[Path | None, HOME]
SHOWN = 100  # characters of a question and of a note


@app.command(name="list")
def list_feedback(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list, with the receipts.")] = False,
    home: Home = None,
) -> None:
    """List the votes, the newest first; `?` marks those whose citations the articles do not bear out."""
    rows = feedback_of(home).rows()
    if as_json:
        typer.echo(json.dumps([plain(each) for each in rows], ensure_ascii=False, indent=1))
        return
    for each in rows:
        thumb = "helpful" if each.helpful else "not helpful"
        typer.echo(f"{each.id:5} {each.at[:16]}  {thumb:11} {'' if each.checked else '?':1} {each.question[:SHOWN]}")
        if each.note:
            typer.echo(f"{'':38}{' '.join(each.note.split())[:SHOWN]}")
    typer.echo(f"{len(rows):,} vote{'' if len(rows) == 1 else 's'}")


@app.command()
def export(
    out: Annotated[Path | None, typer.Option("--out", help="The file to write; else standard output.")] = None,
    home: Home = None,
) -> None:
    """Write candidates for gold, a JSON object a line, the oldest first; a person reviews each before it counts."""
    from assistant.candidates import candidate

    rows = feedback_of(home).rows()[::-1]
    lines = "".join(f"{json.dumps(candidate(each), ensure_ascii=False)}\n" for each in rows)
    if out is None:
        typer.echo(lines, nl=False)
    else:
        write(out, lines.encode("utf-8", "replace"))
        typer.echo(f"Wrote {out}: {len(rows):,} candidate{'' if len(rows) == 1 else 's'} to review")


def feedback_of(home: Path | None) -> "Feedback":
    """The feedback of a home."""
    from assistant.feedback import Feedback
    from index.settings import IndexSettings

    return Feedback.open(IndexSettings.load(home=home).home)


def plain(row: "FeedbackRow") -> dict[str, Any]:
    """A vote as JSON has it."""
    from dataclasses import asdict

    from assistant.receipts import to_json

    return {**asdict(row), "receipt": to_json(row.receipt)}
