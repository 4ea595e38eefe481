"""eval report: one self-contained HTML file and its Markdown twin."""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evals.commands.options import Config, Quiet, Seed, Split, check_folder
from index.commands import HOME

if TYPE_CHECKING:
    from evals.collections import Collection
    from evals.report.sections import Section

__all__ = ["report"]


def report(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[COLLECTION]...", help="BEIR folders beside gold, which is always in it."),
    ] = None,
    split: Split = "dev",
    config: Config = None,
    cluster: Annotated[
        str,
        typer.Option(
            "--cluster", help="Queries with the same text before this mark are resampled together: ':' of headings."
        ),
    ] = "",
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The .html file; the .md stands beside it. Default: in HOME/reports."),
    ] = None,
    quiet: Quiet = False,
    home: Annotated[Path | None, HOME] = None,
) -> None:
    """Measure gold and the collections, and write it down for a colleague: nothing in the file is fetched."""
    from evals.answers import measure_answers
    from evals.collections import read_collection
    from evals.provenance import provenance
    from evals.report.contents import report as contents
    from evals.report.ranking import MEASURES
    from evals.retrieval import configured, digest, run_collection
    from index.progress import bars, silent

    indexing, chosen, given = configured(config or (), home)
    collections = [read_collection(name, split) for name in dict.fromkeys(["gold", *(names or ())])]
    if out:
        check_folder(out, "--out")
    progress = silent if quiet else bars
    runs = [run_collection(each, indexing, chosen, progress, MEASURES) for each in collections]
    answers = measure_answers(split, indexing, chosen, progress, seed)
    changed = ", ".join(f"{name}={value}" for name, value in given.items())
    facts = [
        ("written", datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")),
        *provenance(),
        ("settings", changed or "as they are set: see python app.py settings"),
        *((f"corpus, cut, model of {each.name}", f"SHA-256 {digest(each.corpus, indexing)}") for each in collections),
    ]
    sections = contents(runs, answers, facts, clustered(collections, cluster) if cluster else {})
    now = datetime.datetime.now()
    path = out or indexing.home / "reports" / f"report-{now:%Y%m%d-%H%M%S}.html"
    written(path, f"Evaluation of {now:%-d %B %Y}: {', '.join(each.name for each in collections)}", sections)
    typer.echo(f"{path}\n{path.with_suffix('.md')}")


def clustered(collections: "Sequence[Collection]", mark: str) -> Mapping[str, Mapping[str, str]]:
    """For each collection whose queries have the mark, the text before it by query."""
    found = {}
    for each in collections:
        before = {query: text.partition(mark)[0].strip() for query, text in each.judged.items()}
        if any(mark in text for text in each.judged.values()) and not each.of_passages:
            found[each.name] = before
    return found


def written(path: Path, title: str, sections: "Sequence[Section]") -> None:
    """Writes the page and its twin; `EvalsError` where they cannot be written."""
    from evals.errors import EvalsError
    from evals.report.page import page
    from evals.report.sections import as_markdown

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(title, sections), encoding="utf-8")
        path.with_suffix(".md").write_text(as_markdown(title, sections), encoding="utf-8")
    except OSError as error:
        raise EvalsError(f"{path} cannot be written: {error.strerror}. Name another file with --out") from error
