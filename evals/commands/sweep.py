"""eval sweep: every combination of some values of settings, measured, compared and drawn."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evals.commands.options import Json, Quiet, Split, check_folder
from index.commands import HOME

if TYPE_CHECKING:
    from evals.comparing import Compared
    from evals.grid import Grid
    from evals.sweeping import Sweep

__all__ = ["sweep"]


def sweep(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="COLLECTION", help="BEIR folders, or the word gold; none: gold."),
    ] = None,
    config: Annotated[
        list[str] | None,
        typer.Option("--config", metavar="NAME=VALUE,...", help="A setting and its values; may be given again."),
    ] = None,
    measures: Annotated[
        str, typer.Option("--measures", help="As ir_measures spells them; points are compared by the first.")
    ] = "nDCG@10 R@10 R@100 RR@10",
    split: Split = "dev",
    fresh: Annotated[bool, typer.Option("--fresh", help="Measure every point anew, also those stored before.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="The page with the plots; default HOME/reports/sweep-....html.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    home: Annotated[Path | None, HOME] = None,
) -> None:
    """Measure every combination of the values; a sweep that was stopped goes on where it was."""
    from evals.collections import read_collection
    from evals.grid import read_grid
    from evals.measures import read_measures
    from evals.sweeping import sweep as measured
    from index.progress import bars, silent

    grid = read_grid(config or (), home)
    wanted = read_measures(measures)
    collections = [read_collection(name, split) for name in names or ["gold"]]
    if out:
        check_folder(out, "--out")
    found: list[Sweep] = []
    for collection in collections:
        try:
            found.append(measured(collection, grid, silent if quiet else bars, wanted, fresh=fresh))
        except KeyboardInterrupt:
            typer.echo("Stopped; what is measured is kept, and the same command goes on from there", err=True)
            raise typer.Exit(130) from None
        tell(found[-1], grid)
    page = drawn(found, out or report_path(grid, found))
    if as_json:
        listed = {"collections": [each.to_json() for each in found], "plot": str(page)}
        typer.echo(json.dumps(listed, ensure_ascii=False, allow_nan=False, indent=1))
    else:
        typer.echo("\n\n".join([*(table(each) for each in found), f"plot: {page}"]))


def tell(swept: "Sweep", grid: "Grid") -> None:
    """Lines on standard error: how many points were not measured now, and documents that could not be indexed."""
    if swept.stored:
        typer.echo(
            f"{swept.stored} of {len(swept.points)} points of {swept.collection} were measured before, their times too "
            f"({grid.cells[0].indexing.home / 'sweeps'}); measure all anew with --fresh",
            err=True,
        )
    if skipped := swept.points[0].figures.skipped:
        typer.echo(
            f"warning: {skipped} documents of {swept.collection} were not indexed and count as not found; see which "
            f"with: python app.py eval retrieval",
            err=True,
        )


def report_path(grid: "Grid", found: Sequence["Sweep"]) -> Path:
    """The same for the same collections and settings, so that a sweep that goes on replaces its page."""
    from evals.sweeping import sha

    names = "-".join(dict.fromkeys(each.collection for each in found))
    decisive = [names, [dict(cell.values) for cell in grid.cells], found[0].measure]
    return grid.cells[0].indexing.home / "reports" / f"sweep-{names[:60]}-{sha(decisive)[:8]}.html"


def drawn(found: Sequence["Sweep"], path: Path) -> Path:
    """Writes the page of the plots; gives its path."""
    from evals.errors import EvalsError
    from evals.report.figures import sweep_figures
    from evals.report.page import page
    from evals.report.sections import Section

    sections = [Section(each.collection, figures=sweep_figures(each), text=table(each)) for each in found]
    title = f"Sweep of {', '.join(found[0].swept)}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(title, sections), encoding="utf-8")
    except OSError as error:
        raise EvalsError(
            f"{path} cannot be written: {error.strerror}. The points are kept; name another file with --out"
        ) from error
    return path


def table(swept: "Sweep") -> str:
    """The points as text, and what the marks say."""
    from evals.statistics import ALPHA
    from evals.tables import aligned

    first = swept.points[0]
    fixed = [f"{name}={value}" for name, value in first.cell.values.items() if name not in swept.swept]
    heads = ("", *swept.swept, *first.means, "difference", "95 % interval", "p (Holm)")
    rows = [(*heads, "p50 ms", "p95 ms", "MB", "passages")]
    for at, (point, than, front) in enumerate(zip(swept.points, swept.compared, swept.front, strict=True)):
        figures = point.figures
        rows.append(
            (
                f"{'=' if at == swept.reference else ' '}{'+' if front else ' '}",
                *(str(point.cell.values[name]) for name in swept.swept),
                *(f"{value:.4f}" for value in point.means.values()),
                *against(than),
                f"{figures.p50_ms:.1f}",
                f"{figures.p95_ms:.1f}",
                f"{figures.bytes / 1e6:.2f}",
                str(figures.passages),
            )
        )
    lines = [
        f"{swept.collection}: {first.figures.queries} queries, {first.figures.documents} documents"
        f"{', '.join(['', *fixed])}",
        "",
        *aligned(rows, left=1),
        "",
        f"= the reference; the difference is that of {swept.measure} to it",
        f"+ no point beats it in both {swept.measure} and p50",
        f"* real: p of the two-sided randomisation test, corrected by Holm over all points, is at most {ALPHA:g}",
    ]
    return "\n".join(lines)


def against(compared: "Compared | None") -> tuple[str, str, str]:
    """Difference, interval and p to the reference; - for itself."""
    if compared is None:
        return "-", "-", "- "
    return (
        f"{compared.difference:+.4f}",
        f"[{compared.interval.low:+.4f}, {compared.interval.high:+.4f}]",
        f"{compared.corrected:.4f}{'*' if compared.real else ' '}",
    )
