"""eval gold check | gold recall."""

from pathlib import Path
from typing import Annotated

import typer

from evals.commands.options import Split
from index.commands import HOME

__all__ = ["app"]

app = typer.Typer(help="The gold questions over data/articles.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
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


@app.command()
def recall(
    split: Split = "dev",
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
