"""index calibrate."""

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from index.commands.options import Home, Json, Quiet, Sources

if TYPE_CHECKING:
    from index.embedding.bulk import Way

__all__ = ["calibrate"]

BUSY = 1.5  # load average for each core; measuring alone gives 1


def calibrate(
    sources: Sources = None,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, max=600, help="That each way is measured.")] = 6.0,
    as_json: Json = False,
    quiet: Quiet = False,
    home: Home = None,
) -> None:
    """Measure how texts are embedded fastest on this machine, and go that way from now on; half a minute.

    It is taken where 1,000 texts or more are embedded at once; questions are always embedded by the export.
    """
    from index.calibrating import calibrate as calibrate_on
    from index.embedding.bulk import AGREES, FEW
    from index.progress import bars, silent
    from index.settings import IndexSettings

    done = calibrate_on(IndexSettings.load(home=home), sources or (), seconds, silent if quiet else bars)
    if as_json:
        rows = [{**asdict(each.way), "rate": each.rate, "cosine": each.cosine} for each in done.found]
        typer.echo(json.dumps({"taken": asdict(done.taken.way), "measured": rows, "passages": done.passages}, indent=1))
        return
    typer.echo(f"{'way':28}{'texts/s':>9}  lowest cosine")
    for each in done.found:
        refused = "" if each.right else f"  (below {AGREES}: not taken)"
        typer.echo(f"{shown(each.way):28}{each.rate:9.1f}  {each.cosine:.5f}{refused}")
    if (busy := os.getloadavg()[0]) > BUSY * (os.cpu_count() or 1):
        typer.echo(f"The machine is busy (load average {busy:.1f}); measure once more when it is not.")
    typer.echo(f"Taken from {FEW:,} texts on: {shown(done.taken.way)}, by {done.passages} passages of the sources.")


def shown(way: "Way") -> str:
    """A way in words."""
    names = {"onnx": "ONNX, float32", "bf16": "torch, bfloat16", "cuda": "CUDA, bfloat16"}
    threads = f", {way.threads} thread{'s' if way.threads > 1 else ''}" if way.threads else ""
    return f"{names[way.kind]}, by {way.batch}{threads}"
