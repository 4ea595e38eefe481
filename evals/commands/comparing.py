"""eval compare: whether runs differ."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evals.commands.options import Seed
from evals.errors import EvalsError

if TYPE_CHECKING:
    from evals.comparing import Measured

__all__ = ["compare"]


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="BASELINE RUN...",
            help="The baseline first. TREC runs, or .json files of `eval answers --json` or `eval retrieval --json`.",
        ),
    ],
    qrels: Annotated[
        Path | None, typer.Option("--qrels", help="Judgments of TREC runs: a BEIR folder, or TREC qrels.")
    ] = None,
    measures: Annotated[
        str, typer.Option("--measures", help="Of TREC runs, as ir_measures spells them.")
    ] = "nDCG@10 R@10 RR@10",
    complete: Annotated[
        bool, typer.Option("--complete", help="A judged query that a run lacks counts as 0, as with trec_eval -c.")
    ] = False,
    asked: Annotated[
        float, typer.Option("--difference", help="Tell how many queries it takes to show a difference of this size.")
    ] = 0.02,
    seed: Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Say whether runs differ: means, difference, interval, p, wins, and the smallest difference that could show."""
    from evals.comparing import compare_runs, read_values
    from evals.comparing import show as shown

    written = [path for path in runs if path.suffix == ".json"]
    values = {str(path): read_values(path) for path in written} or trec_values(runs, qrels, measures, complete)
    if len(written) not in (0, len(runs)):
        odd = next(path for path in runs if path not in written)
        raise EvalsError(f"{written[0]} holds measured values and {odd} is a TREC run. Give files of one kind")
    if len(values) < len(runs):
        twice = next(path for at, path in enumerate(runs) if path in runs[:at])
        raise EvalsError(f"{twice} is named twice. Name each run once, the baseline first")
    compared = compare_runs(values, asked=asked, seed=seed)
    typer.echo(json.dumps(compared.to_json(), allow_nan=False, indent=1) if as_json else shown(compared))


def trec_values(runs: list[Path], qrels: Path | None, measures: str, complete: bool) -> "dict[str, Measured]":
    """The values of each TREC run by the judgments in a BEIR folder or a TREC file."""
    from evals.collections import read_beir
    from evals.comparing import run_values
    from evals.measures import read_measures
    from evals.trec import common_queries, read_qrels, read_run

    if qrels is None:
        raise EvalsError("TREC runs need their judgments. Give them: python app.py eval compare A B --qrels FILE")
    wanted = read_measures(measures)
    judged = read_beir(qrels).qrels if qrels.is_dir() else read_qrels(qrels)
    values = {}
    for path in runs:
        scores = read_run(path)
        common_queries({path: scores, qrels: judged})
        values[str(path)] = run_values(judged, scores, wanted, complete=complete)
    return values
