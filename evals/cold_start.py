"""Benchmark of whole processes, alternating in one run: `--help` and `ask`, against importing sentence_transformers."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parent.parent
QUESTION = "How did the Oslo talks start?"
AIM_RATIO, AIM_HELP = 0.35, 0.5  # ask against import, at most; seconds of --help, under


def commands(home: Path | None) -> dict[str, list[str]]:
    """What is timed, by name."""
    app = [sys.executable, str(ROOT / "app.py")]
    where = ["--home", str(home.resolve())] if home else []
    return {
        "--help": [*app, "--help"],
        "ask": [*app, "ask", QUESTION, "--json", *where],
        "import sentence_transformers": [sys.executable, "-c", "import sentence_transformers"],
    }


def seconds(command: Sequence[str]) -> float:
    """Wall time of one process from start to end; where it fails, its own message ends the benchmark."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    elapsed = time.perf_counter() - start
    if done.returncode:
        typer.echo(done.stderr.strip(), err=True)
        raise typer.Exit(2)
    return elapsed


def main(
    home: Annotated[Path | None, typer.Option("--home", help="Folder of the index (setting `home`).")] = None,
    runs: Annotated[
        int, typer.Option("--runs", min=1, help="Processes of each kind, after one that is not timed.")
    ] = 5,
) -> None:
    """Print the median of each, and the two figures with their aims."""
    timed: dict[str, list[float]] = {name: [] for name in commands(home)}
    for turn in range(runs + 1):
        for name, command in commands(home).items():
            elapsed = seconds(command)
            if turn:  # the first brings the files from disk into memory
                timed[name].append(elapsed)
    middle = {name: median(times) for name, times in timed.items()}
    for name, times in timed.items():
        typer.echo(f"{name:30} median {middle[name]:6.3f} s   ({min(times):.3f} to {max(times):.3f}, {runs} runs)")
    ratio = middle["ask"] / middle["import sentence_transformers"]
    typer.echo(f"{'ask / import':30} {ratio:13.3f}     (aims: at most {AIM_RATIO}; --help under {AIM_HELP} s)")


if __name__ == "__main__":
    typer.run(main)
