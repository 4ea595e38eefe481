"""eval load: the page under 1 to 250 clients at once, and against a bare chat of Gradio's."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from index.commands import HOME

if TYPE_CHECKING:
    from evals.page_load import Asked
    from evals.page_servers import Served

__all__ = ["load"]

HEADS = ("clients", "by", "asked", "answered", "refused", "lost", "first sign p50", "p50", "p95", "told within")
TOGETHER = 25  # clients at which throughputs are compared
PASSES = 5  # of either server, in turn
LONGER = 4  # questions of each client then, so that the opening of its session counts little


def load(
    clients: Annotated[
        list[int] | None, typer.Option("--clients", min=1, max=500, help="Clients at once; repeat.")
    ] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=1, max=20, help="Questions of each client.")] = 2,
    canaries: Annotated[int, typer.Option("--canaries", min=2, max=64, help="Conversations checked for mixing.")] = 50,
    against: Annotated[bool, typer.Option("--bare/--no-bare", help="Compare with a bare chat of Gradio's.")] = True,
    home: Annotated[Path | None, HOME] = None,
) -> None:
    """Drive the page on loopback and print times in seconds; about three minutes.

    Exit status 1 where a question is lost, or a conversation is without its own word or has another's.
    """
    from evals.page_load import CLIENTS, conversations
    from evals.page_servers import copied, page
    from evals.tables import markdown
    from index.settings import IndexSettings

    with TemporaryDirectory() as folder:
        copy = copied(IndexSettings.load(home=home).home, Path(folder))
        lost = 0
        rows: list[tuple[str, ...]] = [HEADS]
        with page(copy) as ours:
            warm(ours)
            for way in ("page", "api"):
                for count in clients or CLIENTS:
                    found = driven(ours, count, rounds, way)
                    missed = [each for each in found if each.outcome == "lost"]
                    lost += len(missed)
                    for each in missed[:3]:
                        typer.echo(
                            f"lost at {count} clients by {way} after {each.total:.1f} s: {each.said[-300:]}", err=True
                        )
                    rows.append(row(count, way, found))
            own, crossings = asyncio.run(conversations(ours, canaries))
        typer.echo("\n".join(markdown(rows, 1)))
        typer.echo(f"\n{canaries} conversations at once: {own} with their own word, {crossings} crossings")
        if against:
            typer.echo(compared(copy))
    if lost or crossings or own < canaries:
        raise typer.Exit(1)


def warm(at: "Served") -> None:
    """Asks each question once: what is loaded late, and which questions may follow, is found out at the first time."""
    driven(at, 1, 4)


def driven(at: "Served", count: int, rounds: int, way: str = "page") -> "list[Asked]":
    """One level of load."""
    from evals.page_load import drive

    return asyncio.run(drive(at, count, rounds, way))


def row(count: int, way: str, found: "Sequence[Asked]") -> tuple[str, ...]:
    """A line of the table."""
    answered = [each for each in found if each.outcome == "answered"]
    refused = [each.total for each in found if each.outcome == "refused"]
    lost = len(found) - len(answered) - len(refused)
    first, totals = [each.first for each in answered], [each.total for each in answered]
    figures = (f"{median(first):.2f}", f"{median(totals):.2f}", f"{p95(totals):.2f}") if answered else ("", "", "")
    told = f"{max(refused):.2f}" if refused else ""
    return (str(count), way, str(len(found)), str(len(answered)), str(len(refused)), str(lost), *figures, told)


def p95(values: Sequence[float]) -> float:
    """The 95th percentile."""
    return quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


def compared(home: Path) -> str:
    """Answers a second at 25 clients: ours, the bare chat's, and the share of it that ours has; in turn, in one run."""
    from evals.page_servers import bare, page

    with page(home) as ours, bare(home) as theirs:
        speeds: dict[str, list[float]] = {"page": [], "bare": []}
        for server in (ours, theirs):
            warm(server)
        for _ in range(PASSES):
            for name, server in (("page", ours), ("bare", theirs)):
                speeds[name].append(speed(server))
    mine, bare_speed = median(speeds["page"]), median(speeds["bare"])
    shown = {name: ", ".join(f"{each:.1f}" for each in found) for name, found in speeds.items()}
    return (
        f"{TOGETHER} clients, answers a second: page {mine:.2f} ({shown['page']}), bare {bare_speed:.2f} "
        f"({shown['bare']}); ratio {mine / bare_speed:.3f}"
    )


def speed(server: "Served") -> float:
    """Answers a second."""
    import time

    begun = time.monotonic()
    found = driven(server, TOGETHER, LONGER)
    return sum(each.outcome == "answered" for each in found) / (time.monotonic() - begun)
