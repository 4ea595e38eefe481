"""index remove | restore | inspect | lint."""

from pathlib import Path
from typing import Annotated

import typer

from index.commands.options import Home

__all__ = ["inspect", "lint", "remove", "restore"]

DocIds = Annotated[list[str], typer.Argument(metavar="DOC_ID...", help="Ids of articles, as answers cite them.")]
THEN = "Publish that with: python app.py index apply"


def remove(doc_ids: DocIds, home: Home = None) -> None:
    """Withdraw articles: later applies leave them out, whatever the sources hold, until `index restore`."""
    from index.settings import IndexSettings
    from index.upkeep import withdraw

    withdraw(IndexSettings.load(home=home).home, doc_ids)
    typer.echo(f"Withdrawn: {', '.join(doc_ids)}. {THEN}")


def restore(doc_ids: DocIds, home: Home = None) -> None:
    """Take withdrawals back."""
    from index.settings import IndexSettings
    from index.upkeep import restore as take_back

    take_back(IndexSettings.load(home=home).home, doc_ids)
    typer.echo(f"No longer withdrawn: {', '.join(doc_ids)}. {THEN}")


def inspect(
    file: Annotated[Path, typer.Argument(help="A file of any kind that can be indexed.")],
    page: Annotated[Path | None, typer.Option("--html", help="Write it as an HTML page to this file as well.")] = None,
    home: Home = None,
) -> None:
    """Show what would be read of one file, what is left out, and how it would be cut; nothing is indexed."""
    from index.inspecting import inspect as inspect_file
    from index.inspecting import lines
    from index.inspecting_page import write_page
    from index.settings import IndexSettings

    found, skipped = inspect_file(IndexSettings.load(home=home), file)
    for each in found:
        for line in [*lines(each), ""]:
            typer.echo(line)
    for passed in skipped:
        typer.echo(f"passed over {passed.source}: {passed.reason}")
    if page:
        write_page(page, found, skipped)
        typer.echo(f"Written: {page}")


def lint(
    folder: Annotated[Path, typer.Argument(help="The folder of our own articles.")] = Path("data/articles"),
    quiet: Annotated[bool, typer.Option("--quiet", help="Only what must be mended.")] = False,
) -> None:
    """Check our articles: file, line, and what to do; exit status 1 when something must be mended."""
    from index.linting import lint as lint_folder

    findings, words, exempt = lint_folder(folder)
    for each in sorted(findings, key=lambda each: (each.path, each.line)):
        if not (quiet and each.warning):
            typer.echo(f"{each.path}:{each.line}: {'warning: ' if each.warning else ''}{each.text}")
    faults = sum(not each.warning for each in findings)
    if not quiet:
        counts = sorted(words.values())
        middle = counts[len(counts) // 2] if counts else 0
        typer.echo(f"{len(words)} articles, {sum(counts):,} words (median {middle}), {len(exempt)} exempt sentences")
    typer.echo(f"{faults} to mend, {len(findings) - faults} warnings")
    if faults:
        raise typer.Exit(1)
