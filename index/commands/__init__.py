"""index plan | apply | status | verify | history | ...: the command line of maintainers."""

import typer

from index.commands.applying import apply, plan, watch
from index.commands.articles import inspect, lint, remove, restore
from index.commands.calibrating import calibrate
from index.commands.generations import diff, gc, history, rollback, status, verify
from index.commands.options import FROM, HOME

__all__ = ["FROM", "HOME", "app"]

app = typer.Typer(help="Make, review, inspect and verify the index.", no_args_is_help=True, rich_markup_mode=None)
for command in (
    plan,
    apply,
    watch,
    remove,
    restore,
    status,
    verify,
    history,
    diff,
    rollback,
    gc,
    inspect,
    lint,
    calibrate,
):
    app.command()(command)
