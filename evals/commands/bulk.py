"""eval bulk: how fast a library is indexed."""

import os
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from index.commands import HOME

__all__ = ["bulk"]

HEADS = ("round", "passages", "encode a second", "ours a second", "ratio")


def bulk(
    sources: Annotated[list[Path], typer.Argument(metavar="SOURCE...", help="Folders or files with enough passages.")],
    passages: Annotated[int, typer.Option("--passages", min=1, help="Of each round.")] = 1500,
    rounds: Annotated[int, typer.Option("--rounds", min=1, max=20, help="On other articles each.")] = 3,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, help="That each way is calibrated.")] = 6.0,
    home: Annotated[Path | None, HOME] = None,
) -> None:
    """Index articles, all included but sentence vectors, and beside it SentenceTransformer.encode alone; in turn."""
    from evals.bulk_speed import calibrated, measure
    from evals.tables import markdown
    from index.commands.calibrating import shown
    from index.settings import IndexSettings

    settings = IndexSettings.load(home=home)
    with TemporaryDirectory() as folder:
        own = Path(folder) / "home"
        taken = calibrated(settings, sources, own, seconds)
        typer.echo(f"Embedded by: {shown(taken.way)} (lowest cosine {taken.cosine:.5f})\n")
        rows, ratios = [HEADS], []
        for number, each in enumerate(measure(settings, sources, own, passages, rounds), start=1):
            speeds = (f"{each.passages / each.encode:.1f}", f"{each.passages / each.ours:.1f}")
            rows.append((str(number), f"{each.passages:,}", *speeds, f"{each.ratio:.2f}"))
            ratios.append(each.ratio)
    typer.echo("\n".join(markdown(rows, 1)))
    load = f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores"
    typer.echo(f"\nMedian ratio {median(ratios):.2f}; {load}.")
