"""eval calibrate: fit the coefficients of abstention on the gold questions of dev."""

import json
from pathlib import Path
from typing import Annotated

import typer

from evals.commands.options import Config, Quiet
from index.commands import HOME

__all__ = ["calibrate"]


def calibrate(
    foreign: Annotated[
        list[Path] | None,
        typer.Option("--foreign", help="A BEIR folder whose questions the articles do not answer; may be repeated."),
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Write assistant/abstention.json.")] = False,
    config: Config = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the folds, the sample and the resampling.")] = 0,
    quiet: Quiet = False,
    home: Annotated[Path | None, HOME] = None,
) -> None:
    """Fit confidence on gold dev and print what it is worth, cross-validated; the threshold is a setting."""
    from assistant.abstention import COEFFICIENTS
    from assistant.answering import Assistant
    from evals.calibrating import calibrate as fitted
    from evals.calibrating import write_coefficients
    from evals.collections import read_beir, read_gold
    from evals.questions import load_questions
    from evals.retrieval import configured, indexed
    from index.progress import bars, silent

    indexing, chosen, _ = configured(config or (), home)
    progress = silent if quiet else bars
    collections = [read_beir(folder) for folder in foreign or ()]
    index, _ = indexed(read_gold("dev"), indexing, progress)
    questions = [each for each in load_questions() if each.split == "dev"]
    found = fitted(Assistant.over(index, chosen), questions, collections, progress, seed)
    typer.echo(json.dumps(found.to_json(), indent=1, ensure_ascii=False))
    if write:
        write_coefficients(COEFFICIENTS, found)
        typer.echo(f"written to {COEFFICIENTS.name}; the threshold is the setting abstention_threshold")
