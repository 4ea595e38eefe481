"""Composition root: one command line, one process. `python app.py` serves the page; nothing else is decided here."""

import sys
from typing import Annotated, Optional

import typer

import assistant.commands
import assistant.feedback_commands
import assistant.taking_commands
import evals.commands
import index.commands
from index.errors import BackchannelError

__all__ = ["app", "main"]

app = typer.Typer(
    name="backchannel",
    help="Ask about track-two dialogues and private diplomacy; every sentence of an answer is cited to exact words.",
    no_args_is_help=False,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(index.commands.app, name="index")
app.add_typer(evals.commands.app, name="eval")
app.add_typer(assistant.feedback_commands.app, name="feedback")
for command in (*assistant.commands.COMMANDS, assistant.taking_commands.export):
    app.command()(command)


@app.callback()
def default(context: typer.Context) -> None:
    """Without a command: serve the page on 127.0.0.1:7860."""
    if context.invoked_subcommand is None:
        assistant.commands.serve()


@app.command()
def settings(home: Annotated[Optional[str], typer.Option(help="Home folder.")] = None) -> None:  # noqa: UP045
    """List every setting with its value and where it came from."""
    from assistant.settings import AssistantSettings, PageSettings
    from index.settings import IndexSettings, toml_names

    classes = (IndexSettings, AssistantSettings, PageSettings)
    for settings_class in classes:
        for name, value, origin in settings_class.load(**({"home": home} if home else {})).origins():
            typer.echo(f"{name:22} {value:28} {origin}")
    known = {name for each in classes for name in each.model_fields}
    for name in sorted(toml_names() - known):
        typer.echo(f"backchannel.toml: no setting is called {name}; it is ignored", err=True)


def main() -> None:
    """Runs the command line: bad input is one sentence and exit status 2; a bug keeps its traceback."""
    try:
        app()
    except BackchannelError as error:
        typer.echo(f"backchannel: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:  # before typer is ready to take it
        sys.exit(130)


if __name__ == "__main__":
    main()
