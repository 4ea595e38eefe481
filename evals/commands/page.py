"""eval page: how long one person waits at the page, and how much memory the server holds."""

import os
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from evals.commands.load import p95
from index.commands import HOME

if TYPE_CHECKING:
    from evals.questions import Question

__all__ = ["page"]

HEADS = ("what", "n", "median", "p95", "asked")
PAINT, WORDS, MEMORY = 1500, 300, 381  # milliseconds, milliseconds, MiB (400 MB), at most


def page(
    loads: Annotated[int, typer.Option("--loads", min=1, max=100, help="Openings of the page.")] = 10,
    questions: Annotated[int, typer.Option("--questions", min=1, max=200, help="Questions typed into it.")] = 30,
    uses: Annotated[int, typer.Option("--uses", min=0, max=5000, help="Questions of the mixed use.")] = 500,
    home: Annotated[Path | None, HOME] = None,
) -> None:
    """Time the page in Chromium and weigh its server; some three minutes. Exit status 1 where a limit is passed."""
    from evals.page_memory import process
    from evals.page_servers import copied
    from evals.page_speed import chromium, first_words
    from evals.page_speed import loads as opened
    from evals.tables import markdown
    from index.settings import IndexSettings

    typed = sample(questions + 1)
    with TemporaryDirectory() as folder:
        copy = copied(IndexSettings.load(home=home).home, Path(folder))
        with process(copy) as server, chromium() as browser:
            before = os.getloadavg()[0]
            cold, warm = opened(browser, server.address, loads)
            words = first_words(browser, server.address, [each.question for each in typed])
        rows = [
            HEADS,
            row("first paint, cold", [each.painted for each in cold], f"under {PAINT} ms"),
            row("first paint, reload", [each.painted for each in warm], ""),
            row("question box, cold", [each.box for each in cold], ""),
            row("question box, reload", [each.box for each in warm], ""),
            row("Enter to first words", words, f"at most {WORDS} ms"),
        ]
        typer.echo("\n".join(markdown(rows, 4)))
        after = os.getloadavg()[0]
        typer.echo(f"\nMilliseconds; load average {before:.1f} before, {after:.1f} after, {os.cpu_count()} cores.\n")
        largest = weighed(copy, uses)
    if not within([each.painted for each in cold], words, largest):
        raise typer.Exit(1)


def within(painted: Sequence[float], words: Sequence[float], largest: float) -> bool:
    """Whether the medians and the memory keep to their limits; where nothing was answered they do not."""
    return median(painted) < PAINT and bool(words) and median(words) <= WORDS and largest <= MEMORY


def sample(count: int) -> "list[Question]":
    """Gold questions that the articles answer and that lean on nothing, evenly from all of them."""
    from evals.questions import load_questions

    fit = [each for each in load_questions() if each.answerable and not each.history]
    return fit[:: max(1, len(fit) // count)][:count]


def row(what: str, figures: Sequence[float], asked: str) -> tuple[str, ...]:
    """A line of the table."""
    if not figures:
        return (what, "0", "", "", asked)
    return (what, str(len(figures)), f"{median(figures):.0f}", f"{p95(figures):.0f}", asked)


def weighed(home: Path, uses: int) -> float:
    """Prints the memory of a fresh server as it is used; gives the largest resident size, in MiB."""
    from evals.page_memory import mixed, process
    from evals.questions import load_questions
    from evals.tables import markdown

    rows: list[tuple[str, ...]] = [("memory of the server", "resident MiB", "proportional MiB")]
    sizes = []
    with process(home) as server:
        for name, count in (("started", 0), ("after 100 questions", 100), (f"after mixed use of {uses}", uses)):
            done = mixed(server.address, load_questions(), count) if count else None
            held = server.held()
            sizes.append(held.rss)
            rows.append((name, f"{held.rss:.0f}", f"{held.pss:.0f}"))
    typer.echo("\n".join(markdown(rows)))
    if done:
        typer.echo(
            f"\nMixed use: {done.questions} questions, {done.articles} articles opened, {done.searches} searches, "
            f"{done.failed} failed. Asked: at most {MEMORY} MiB, which are 400 MB."
        )
    return max(sizes)
