"""The commands of `eval`, a module for each; heavy imports come late, inside them."""

import typer

from evals.commands import gold
from evals.commands.answers import answers
from evals.commands.bulk import bulk
from evals.commands.calibrate import calibrate
from evals.commands.comparing import compare
from evals.commands.gate import baseline, gate
from evals.commands.grounding import grounding
from evals.commands.load import load
from evals.commands.page import page
from evals.commands.peers import peers
from evals.commands.regress import regress
from evals.commands.report import report
from evals.commands.retrieval import retrieval
from evals.commands.scale import scale
from evals.commands.sweep import sweep
from evals.commands.train import train

__all__ = ["app"]

app = typer.Typer(help="Measure retrieval and answers offline.", no_args_is_help=True, rich_markup_mode=None)
COMMANDS = (
    retrieval,
    answers,
    compare,
    gate,
    baseline,
    regress,
    sweep,
    report,
    peers,
    calibrate,
    train,
    grounding,
    load,
    page,
    bulk,
    scale,
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(gold.app, name="gold")
