"""eval scale: what a library of ten thousand, a hundred thousand, a million passages takes."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from index.commands import HOME

if TYPE_CHECKING:
    from evals.scale import Asked, Built

__all__ = ["scale"]

HEADS = (
    "passages",
    "real",
    "vectors",
    "build, s",
    "build, MiB",
    "disk, MB",
    "vectors, MB",
    "serve, MiB",
    "p50, ms",
    "p99, ms",
    "embed",
    "meaning",
    "words",
    "recall@10",
)


def scale(
    source: Annotated[Path, typer.Argument(help="JSON lines with _id, title and text, packed by gzip or not.")],
    sizes: Annotated[
        str, typer.Option("--sizes", help="Numbers of passages, with commas; past the real ones there are copies.")
    ] = "10000,100000,1000000",
    documents: Annotated[int, typer.Option("--documents", min=1, help="Most of the source that is taken.")] = 10**6,
    count: Annotated[int, typer.Option("--questions", min=1, help="Most gold questions that are asked.")] = 10**6,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="How often each question is asked.")] = 2,
    again: Annotated[bool, typer.Option("--again", help="Ask what an earlier run built; nothing is built.")] = False,
    report: Annotated[Path | None, typer.Option("--report", help="Write a page with figures there.")] = None,
    home: Annotated[Path | None, HOME] = None,
) -> None:
    """Build libraries of these sizes from cached vectors, sentence vectors off, and ask them the gold questions.

    What the cache lacks is embedded first, which can take hours and may be interrupted. A library lies in a folder of
    its own below the home's scale/, where it replaces the one of an earlier run.
    """
    from evals.questions import load_questions
    from evals.scale import asked, build, home_of, keep, kept, read, room, stocked
    from evals.tables import markdown
    from index.settings import IndexSettings

    settings = IndexSettings.load(home=home)
    wanted = numbers(sizes)
    entries = [] if again else read(source, documents)
    questions = [each.standalone or each.question for each in load_questions()][:count]
    rows: list[tuple[str, ...]] = [HEADS]
    found: list[tuple[Built, Asked]] = []
    for size in wanted:
        if again:
            built, best = kept(home_of(settings, size), len(questions))
        else:
            own, file = room(settings, size)
            real, found_best = stocked(settings, entries, size, file, questions)
            built, best = build(own, file, real), found_best.ids.tolist()
            keep(own.home, built, best)
        times = asked(home_of(settings, size), questions, best, rounds)
        found.append((built, times))
        rows.append(row(built, times))
        typer.echo(f"{built.passages:,} passages: p50 {times.percentile(50):.1f} ms", err=True)
    typer.echo("\n".join(markdown(rows, 2)))
    first, last = (times.percentile(50) for _, times in (found[0], found[-1]))
    load = f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores"
    typer.echo(f"\nFrom the smallest to the largest p50 grows {last / first:.2f} times; {load}.")
    if report:
        from evals.report.scale import scale_page

        report.write_text(scale_page(found, rows), encoding="utf-8")
        typer.echo(f"Figures: {report}")


def numbers(sizes: str) -> list[int]:
    """Numbers of passages; `EvalsError` where it is no list of them."""
    from evals.errors import EvalsError

    try:
        found = sorted({int(each) for each in sizes.split(",")})
    except ValueError:
        found = []
    if not found or found[0] < 1:
        raise EvalsError(f"{sizes!r} is no list of numbers of passages; give it as --sizes 10000,100000")
    return found


def row(built: "Built", asked: "Asked") -> tuple[str, ...]:
    """A library as cells of the table."""
    return (
        f"{built.passages:,}",
        f"{built.real:,}",
        built.kind,
        f"{built.seconds:.0f}",
        f"{built.peak:,.0f}",
        f"{built.bytes / 1e6:,.0f}",
        f"{built.vector_bytes / 1e6:,.0f}",
        f"{asked.rss:,.0f}",
        f"{asked.percentile(50):.1f}",
        f"{asked.percentile(99):.1f}",
        f"{asked.embedding:.1f}",
        f"{asked.meaning:.1f}",
        f"{asked.words:.1f}",
        f"{asked.recall:.4f}",
    )
