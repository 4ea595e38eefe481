"""eval grounding: false sentences refused and true ones kept by the check of written sentences."""

from pathlib import Path
from typing import Annotated

import typer

from index.commands import HOME

__all__ = ["grounding"]


def grounding(
    articles: Annotated[Path, typer.Option("--articles", help="Folder of the articles.")] = Path("data/articles"),
    begin: Annotated[
        Path | None, typer.Option("--begin", help="BEGIN's judged statements, JSON lines; left out where not given.")
    ] = None,
    refit: Annotated[
        bool, typer.Option("--fit", help="Fit the limits on the fit halves first, and print them.")
    ] = False,
    home: Annotated[Path | None, HOME] = None,
) -> None:
    """Print the share of false sentences refused, by kind, and of true paraphrases; about a minute."""
    from assistant.verification import LIMITS
    from evals.collections import read_gold
    from evals.grounding_check import Check, check_grounding, claims_of, fit, lines_of
    from evals.retrieval import indexed
    from index.settings import IndexSettings

    index, _ = indexed(read_gold("dev", articles), IndexSettings.load(home=home))
    embedder = index.embedder
    limits = LIMITS
    if refit:
        limits = fit(Check(claims_of(articles, begin), embedder))
        typer.echo(str(limits))
    for line in lines_of(check_grounding(articles, begin, embedder, limits, index=index)):
        typer.echo(line)
