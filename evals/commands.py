"""eval retrieval."""

import typer

__all__ = ["app"]

app = typer.Typer(help="Measure retrieval and answers offline.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def group() -> None:
    """Measure retrieval and answers offline."""
