"""eval retrieval: run a collection's queries and measure what is found."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evals.commands.options import Config, Json, Quiet, Split, check_folder
from index.commands import HOME

if TYPE_CHECKING:
    from evals.collections import Collection
    from evals.retrieval import Run

__all__ = ["retrieval"]

INDEXING = ("embedder", "passage_tokens", "passage_overlap")  # settings that decide the figures, printed beside them
RETRIEVAL = ("dense_weight", "sentence_weight", "depth")
WIDE = 200  # characters a line where nobody watches: nothing is folded


def retrieval(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COLLECTION",
            help="BEIR folders (corpus.jsonl, queries.jsonl, qrels/test.tsv), or the word gold: the gold questions.",
        ),
    ] = None,
    config: Config = None,
    measures: Annotated[
        str, typer.Option("--measures", help="As ir_measures spells them: nDCG@10 R@100 RR@10 AP Judged@10 ...")
    ] = "nDCG@10 R@10 R@100 RR@10",
    topics: Annotated[Path | None, typer.Option("--topics", help="TREC topics; with --qrels and --corpus.")] = None,
    qrels: Annotated[Path | None, typer.Option("--qrels", help="TREC qrels.")] = None,
    corpus: Annotated[Path | None, typer.Option("--corpus", help="Their documents: a folder or .jsonl file.")] = None,
    split: Split = "dev",
    run_out: Annotated[Path | None, typer.Option("--run-out", help="Write the TREC run of the one collection.")] = None,
    qrels_out: Annotated[
        Path | None, typer.Option("--qrels-out", help="Write its TREC qrels too: those of gold are the passages' own.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    home: Annotated[Path | None, HOME] = None,
) -> None:
    """Measure retrieval: documents by their best passage, of gold the passages; each corpus has its own home."""
    from evals.measures import read_measures
    from evals.retrieval import configured, run_collection
    from evals.trec import write_qrels, write_run
    from index.progress import bars, silent

    indexing, chosen, given = configured(config or (), home)
    wanted = read_measures(measures)
    collections = chosen_collections(names or (), split, topics, qrels, corpus, [run_out, qrels_out])
    runs = []
    for collection in collections:
        runs.append(run_collection(collection, indexing, chosen, silent if quiet else bars, wanted))
        warn(runs[-1])
    if run_out:
        write_run(run_out, runs[0].scores)
    if qrels_out:
        write_qrels(qrels_out, runs[0].qrels)
    if as_json:
        shown = {*INDEXING, *RETRIEVAL, *given}
        settings = indexing.model_dump(mode="json", include=shown) | chosen.model_dump(mode="json", include=shown)
        listed = {"collections": [run.to_json() for run in runs], "settings": settings}
        typer.echo(json.dumps(listed, ensure_ascii=False, indent=1))
    else:
        show(runs)


def chosen_collections(
    names: Sequence[str],
    split: str,
    topics: Path | None,
    qrels: Path | None,
    corpus: Path | None,
    written: Sequence[Path | None],
) -> "list[Collection]":
    """What is to be measured, all of it read before the first is indexed; `EvalsError` where the options disagree."""
    from evals.collections import read_collection, read_trec
    from evals.errors import EvalsError

    usage = "python app.py eval retrieval"
    trec = {"--topics": topics, "--qrels": qrels, "--corpus": corpus}
    missing = [name for name, path in trec.items() if path is None]
    if 0 < len(missing) < len(trec):
        raise EvalsError(
            f"{' and '.join(missing)} must be given too. "
            f"Measure with: {usage} --topics FILE --qrels FILE --corpus FOLDER"
        )
    count = len(names) + (not missing)
    if not count:
        raise EvalsError(f"No collection is named. Name a BEIR folder, or the gold questions: {usage} gold")
    for path in filter(None, written):
        if count > 1:
            raise EvalsError(
                f"--run-out writes the run of one collection, and {count} are named. "
                f"Run once for each: {usage} DIR --run-out FILE"
            )
        check_folder(path, "--run-out")
    found = [read_collection(name, split) for name in names]
    if topics and qrels and corpus:
        found.append(read_trec(topics, qrels, corpus))
    return found


def warn(run: "Run") -> None:
    """One line on standard error where documents of the corpus could not be indexed."""
    if run.skipped:
        first = run.skipped[0]
        typer.echo(
            f"warning: {len(run.skipped)} documents of {run.collection.name} were not indexed and count as not found "
            f"(the first: {first.source}: {first.reason})",
            err=True,
        )


def show(runs: Sequence["Run"]) -> None:
    """A table on standard output; without lines and colours where that is not a terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    watched = sys.stdout.isatty()
    table = Table(box=box.SIMPLE_HEAD if watched else None, pad_edge=watched)
    table.add_column("collection", no_wrap=True)
    for name in ("queries", *runs[0].means, "p50 ms", "p95 ms"):
        table.add_column(name, justify="right", no_wrap=True)
    for run in runs:
        values = [f"{value:.4f}" for value in run.means.values()]
        times = [f"{run.latency_ms(percent):.1f}" for percent in (50, 95)]
        table.add_row(run.collection.name, str(run.queries), *values, *times)
    Console(width=None if watched else WIDE).print(table)
