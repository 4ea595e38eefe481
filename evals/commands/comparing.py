"""eval compare: whether runs differ."""

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["compare"]


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="BASELINE RUN...", help="TREC runs; the baseline first.")],
    qrels: Annotated[Path, typer.Option("--qrels", help="Their judgments: a BEIR folder, or TREC qrels.")],
    measures: Annotated[str, typer.Option("--measures", help="As ir_measures spells them.")] = "nDCG@10 R@10 RR@10",
    complete: Annotated[
        bool, typer.Option("--complete", help="A judged query that a run lacks counts as 0, as with trec_eval -c.")
    ] = False,
    asked: Annotated[
        float, typer.Option("--difference", help="Tell how many queries it takes to show a difference of this size.")
    ] = 0.02,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the resampling: the same seed, the same figures.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Say whether runs differ: means, difference, interval, p, wins, and the smallest difference that could show."""
    from evals.collections import read_beir
    from evals.comparing import compare_runs, run_values
    from evals.comparing import show as shown
    from evals.measures import read_measures
    from evals.trec import read_qrels, read_run

    wanted = read_measures(measures)
    judged = read_beir(qrels).qrels if qrels.is_dir() else read_qrels(qrels)
    values = {str(path): run_values(judged, read_run(path), wanted, complete=complete) for path in runs}
    compared = compare_runs(values, asked=asked, seed=seed)
    typer.echo(json.dumps(compared.to_json(), allow_nan=False, indent=1) if as_json else shown(compared))
