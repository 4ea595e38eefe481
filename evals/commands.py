"""eval retrieval | gold check | gold recall."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from index.commands import HOME

if TYPE_CHECKING:
    from evals.retrieval import Run

__all__ = ["app"]

app = typer.Typer(help="Measure retrieval and answers offline.", no_args_is_help=True, rich_markup_mode=None)

INDEXING = ("embedder", "passage_tokens", "passage_overlap")  # settings that decide the figures, printed beside them
RETRIEVAL = ("dense_weight", "sentence_weight", "depth")
WIDE = 200  # characters a line where nobody watches: nothing is folded


gold = typer.Typer(help="The gold questions over data/articles.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(gold, name="gold")


@app.command()
def retrieval(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="BEIR folders: corpus.jsonl, queries.jsonl, qrels/test.tsv.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress; for scripts.")] = False,
    home: Annotated[Path | None, HOME] = None,
) -> None:
    """Measure retrieval on BEIR folders: documents by their best passage, each corpus in its own home."""
    from assistant.settings import AssistantSettings
    from evals.collections import read_collection
    from evals.retrieval import run_collection
    from index.progress import bars, silent
    from index.settings import IndexSettings

    indexing, chosen = IndexSettings.load(home=home), AssistantSettings.load()
    collections = [read_collection(folder) for folder in folders]  # all of them before the first is indexed
    runs = []
    for collection in collections:
        runs.append(run_collection(collection, indexing, chosen, silent if quiet else bars))
        warn(runs[-1])
    if as_json:
        settings = indexing.model_dump(include=set(INDEXING)) | chosen.model_dump(include=set(RETRIEVAL))
        listed = {"collections": [run.to_json() for run in runs], "settings": settings}
        typer.echo(json.dumps(listed, ensure_ascii=False, indent=1))
    else:
        show(runs)


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


@gold.command()
def check(
    articles: Annotated[Path, typer.Option("--articles", help="Folder of the articles.")] = Path("data/articles"),
) -> None:
    """Check every quote, type and split, and print the table; exit status 1 when something must be mended."""
    from evals.questions import check_questions, load_questions, table
    from index.readers import scan

    questions = load_questions()
    documents = {reading.document.doc_id: reading.document for reading in scan([articles]).readings}
    faults = check_questions(questions, documents)
    for fault in faults:
        typer.echo(fault)
    typer.echo(f"{'type':14} {'dev':>5} {'test':>5} {'all':>5}")
    for name, dev, test, whole in table(questions):
        typer.echo(f"{name:14} {dev:5} {test:5} {whole:5}")
    typer.echo(f"{len(faults)} to mend")
    if faults:
        raise typer.Exit(1)


@gold.command()
def recall(
    split: Annotated[
        str, typer.Option("--split", help="dev or test; each look at test belongs in evals/LOG.md.")
    ] = "dev",
    home: Annotated[Path | None, HOME] = None,
) -> None:
    """Print recall@5 and @10 of evidence passages by type: a passage counts when it covers the whole quote."""
    from assistant.answering import Assistant
    from evals.errors import EvalsError
    from evals.evidence import CUTOFFS, by_type, evidence_recall
    from evals.questions import load_questions
    from index.progress import bars

    if split not in ("dev", "test"):
        raise EvalsError(f"There is no split {split!r}. Choose: python app.py eval gold recall --split dev")
    assistant = Assistant.open(home)
    questions = [each for each in load_questions() if each.split == split]
    names = {doc_id for each in questions for evidence in each.evidence for doc_id, _ in evidence.choices}
    documents = {name: assistant.index.document(name) for name in sorted(names)}
    found = evidence_recall(questions, documents, assistant.retriever, bars)
    typer.echo(f"{split:14} {'questions':>9} " + " ".join(f"{f'recall@{k}':>10}" for k in CUTOFFS))
    for name, count, values in by_type(found):
        typer.echo(f"{name:14} {count:9} " + " ".join(f"{values[k]:10.3f}" for k in CUTOFFS))
