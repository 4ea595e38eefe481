"""eval train: train the reader on our questions over public texts."""

import json
from pathlib import Path
from typing import Annotated

import typer

from evals.commands.options import Quiet
from index.commands import HOME

__all__ = ["train"]


def train(
    texts: Annotated[Path, typer.Option("--texts", help="Folder of the public texts: corpora/ and collections/.")],
    epochs: Annotated[int, typer.Option("--epochs", min=1, max=100, help="Passes over all questions.")] = 5,
    most: Annotated[
        int | None, typer.Option("--most", min=1, help="Train on the first so many questions only.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the two files of the reader into this folder.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the order, the dropout and the lots.")] = 0,
    quiet: Quiet = False,
    home: Annotated[Path | None, HOME] = None,
) -> None:
    """Train the reader and print what it is worth on held documents; minutes on a graphics processor, hours without."""
    from assistant.reading import ADAPTER, RANK
    from evals.commands.options import check_folder
    from evals.reading.training import train_reader, write_about
    from index.embedding import PACKAGED, open_embedder
    from index.embedding.pair_network import write_adapter
    from index.embedding.pair_training import Recipe
    from index.progress import bars, silent
    from index.settings import IndexSettings

    if out:
        check_folder(out / ADAPTER.name, "--out")
    settings = IndexSettings.load(home=home)
    embedder = open_embedder(PACKAGED, settings.home / "models")
    recipe = Recipe(rank=RANK, epochs=epochs, seed=seed)
    network, about = train_reader(texts, embedder, recipe, most=most, progress=silent if quiet else bars)
    typer.echo(json.dumps(about, indent=1))
    if out:
        write_adapter(network, out / ADAPTER.name)
        write_about(about, (out / ADAPTER.name).with_suffix(".json"))
        typer.echo(f"written to {out / ADAPTER.name}; put it in place of assistant/{ADAPTER.name} to use it")
