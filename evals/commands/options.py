"""Options that several of the commands take."""

from typing import Annotated

import typer

__all__ = ["Config", "Json", "Quiet", "Split"]

Config = Annotated[
    list[str] | None,
    typer.Option("--config", metavar="NAME=VALUE", help="A setting for this run; may be given again."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object, with the values of each query.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress; for scripts.")]
Split = Annotated[str, typer.Option("--split", help="Of gold: dev or test; each look at test belongs in evals/LOG.md.")]
