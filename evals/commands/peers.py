"""eval peers: txtai, llama-index and haystack on the same collections, beside Backchannel."""

import json
from pathlib import Path
from typing import Annotated

import typer

from evals.commands.options import Json, Quiet
from index.commands import HOME

__all__ = ["peers"]


def peers(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COLLECTION", help="BEIR folders (corpus.jsonl, queries.jsonl, qrels/test.tsv).", show_default=False
        ),
    ] = None,
    queries: Annotated[
        int, typer.Option("--queries", min=0, help="Of each collection, drawn by a fixed seed; 0 = all.")
    ] = 200,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="txtai, llama-index or haystack; may be given again."),
    ] = None,
    budget: Annotated[
        float, typer.Option("--budget", min=1.0, help="Seconds that the queries of a system may take together.")
    ] = 300.0,
    timeout: Annotated[
        float, typer.Option("--timeout", min=1.0, help="Seconds after which the process of a system is ended.")
    ] = 3600.0,
    as_json: Json = False,
    quiet: Quiet = False,
    home: Annotated[Path | None, HOME] = None,
) -> None:
    """Measure Backchannel and other libraries in one run, each in an environment of its own below the home."""
    from evals.collections import read_beir
    from evals.errors import EvalsError
    from evals.peers.environments import chosen
    from evals.peers.running import Limits, run_peers
    from evals.peers.table import show
    from index.progress import bars, silent
    from index.settings import IndexSettings

    systems = chosen(only or ())
    if not names:
        raise EvalsError("No collection is named. Name a BEIR folder: python app.py eval peers DIR")
    collections = [read_beir(Path(name)) for name in names]
    where = IndexSettings.load(home=home).home
    limits = Limits(queries, budget, timeout)
    compared = run_peers(collections, systems, where, limits, silent if quiet else bars)
    if as_json:
        typer.echo(json.dumps({"collections": [each.to_json() for each in compared]}, ensure_ascii=False, indent=1))
    else:
        typer.echo(show(compared))
    if any(each.failures for each in compared):
        raise typer.Exit(1)
