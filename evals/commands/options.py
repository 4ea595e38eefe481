"""Options that several of the commands take."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Config", "Json", "Quiet", "Seed", "Split", "check_folder"]

Config = Annotated[
    list[str] | None,
    typer.Option("--config", metavar="NAME=VALUE", help="A setting for this run; may be given again."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object, with the values of each query.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress; for scripts.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of the resampling: the same seed, the same figures.")]
Split = Annotated[str, typer.Option("--split", help="Of gold: dev or test; each look at test belongs in evals/LOG.md.")]


def check_folder(path: Path, option: str) -> None:
    """`EvalsError` where the file's folder is missing: told now, not after minutes of measuring."""
    from evals.errors import EvalsError

    if not path.absolute().parent.is_dir():
        raise EvalsError(f"There is no folder {path.parent} for {option}. Make it, or name another file")
