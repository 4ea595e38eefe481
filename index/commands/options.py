"""The options that several commands of `index` share."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["FROM", "HOME", "Add", "From", "Home", "Json", "Quiet", "Sources", "To", "Yes"]

HOME = typer.Option("--home", help="Folder of the index (setting `home`, default var).")
Home = Annotated[Path | None, HOME]
FROM = typer.Option("--from", help="Read from milvus://host:port/collection (setting `index_from`).")
From = Annotated[str | None, FROM]
To = Annotated[str | None, typer.Option("--to", help="On a Milvus server: milvus://host:port/collection.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress and no summary; for scripts.")]
Add = Annotated[bool, typer.Option("--add", help="Add the sources to the remembered ones.")]
Yes = Annotated[
    bool, typer.Option("--yes", help="Go on where much would be removed, or what was withdrawn comes back.")
]
Sources = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[SOURCE]...",
        help="Folders or files that make up the whole library (.md .txt .html .pdf .docx .xml .jsonl); remembered. "
        "None: those remembered, at first data/articles.",
    ),
]
