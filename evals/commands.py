"""eval retrieval | compare | gold check | gold recall."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from index.commands import HOME

if TYPE_CHECKING:
    from evals.collections import Collection
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
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COLLECTION",
            help="BEIR folders (corpus.jsonl, queries.jsonl, qrels/test.tsv), or the word gold: the gold questions.",
        ),
    ] = None,
    config: Annotated[
        list[str] | None,
        typer.Option("--config", metavar="NAME=VALUE", help="A setting for this run; may be given again."),
    ] = None,
    measures: Annotated[
        str, typer.Option("--measures", help="As ir_measures spells them: nDCG@10 R@100 RR@10 AP Judged@10 ...")
    ] = "nDCG@10 R@10 R@100 RR@10",
    topics: Annotated[Path | None, typer.Option("--topics", help="TREC topics; with --qrels and --corpus.")] = None,
    qrels: Annotated[Path | None, typer.Option("--qrels", help="TREC qrels.")] = None,
    corpus: Annotated[Path | None, typer.Option("--corpus", help="Their documents: a folder or .jsonl file.")] = None,
    split: Annotated[
        str, typer.Option("--split", help="Of gold: dev or test; each look at test belongs in evals/LOG.md.")
    ] = "dev",
    run_out: Annotated[Path | None, typer.Option("--run-out", help="Write the TREC run of the one collection.")] = None,
    qrels_out: Annotated[
        Path | None, typer.Option("--qrels-out", help="Write its TREC qrels too: those of gold are the passages' own.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, with the values of each query.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress; for scripts.")] = False,
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
        if not path.absolute().parent.is_dir():  # told now, not after minutes of indexing
            raise EvalsError(f"There is no folder {path.parent} for --run-out. Make it, or name another file")
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


@app.command()
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
