"""index apply | status | verify | lint."""

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["HOME", "app"]

app = typer.Typer(help="Make, inspect and verify the index.", no_args_is_help=True, rich_markup_mode=None)

HOME = typer.Option("--home", help="Folder of the index (setting `home`, default var).")
Home = Annotated[Path | None, HOME]


@app.command()
def apply(
    sources: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[SOURCE]...",
            help="Folders or files that make up the whole library (.md .txt .html .jsonl); remembered. "
            "None: those remembered, at first data/articles.",
        ),
    ] = None,
    add: Annotated[bool, typer.Option("--add", help="Add the sources to the remembered ones.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no summary; for scripts.")] = False,
    home: Home = None,
) -> None:
    """Index the articles and publish: all of it, or nothing changes."""
    from index.building import apply as apply_sources
    from index.progress import bars, silent
    from index.settings import IndexSettings

    done = apply_sources(IndexSettings.load(home=home), sources or (), add, silent if quiet else bars)
    skipped = done.plan.scan.skipped
    for each in skipped:
        if each.damaged:
            typer.echo(f"skipped {each.source}: {each.reason}", err=True)
    if quiet:
        return
    if passed := sorted({each.reason for each in skipped if not each.damaged}):
        typer.echo(f"Files passed over: {sum(not each.damaged for each in skipped)} ({', '.join(passed)})")
    counts = done.generation.manifest["counts"]
    if done.published:
        plan = done.plan
        typer.echo(f"{len(plan.added)} added, {len(plan.changed)} changed, {len(plan.removed)} removed")
        typer.echo(f"{done.embedded:,} texts embedded anew")
    else:
        typer.echo("Nothing has changed; the live generation stays.")
    typer.echo(
        f"Generation {done.generation.name}: {counts['documents']} articles, {counts['passages']} passages, "
        f"{counts['sentences']} sentences"
    )


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False, home: Home = None
) -> None:
    """Show what is live: generation, counts, embedder, size."""
    from dataclasses import asdict

    from index.searching import status_of
    from index.settings import IndexSettings

    found, warning = status_of(IndexSettings.load(home=home))
    if warning:
        typer.echo(f"warning: {warning}", err=True)
    fields = asdict(found)
    if as_json:
        typer.echo(json.dumps(fields, indent=1))
        return
    for name, value in fields.items():
        typer.echo(f"{name:16} {value}")


@app.command()
def verify(home: Home = None) -> None:
    """Compare every file of the live generation with its manifest, byte by byte."""
    from index.errors import DamagedIndexError
    from index.generation import live
    from index.settings import IndexSettings

    try:
        found = live(IndexSettings.load(home=home).home)
    except DamagedIndexError as error:
        raise DamagedIndexError(f"{error}. Rebuild with: python app.py index apply") from error
    typer.echo(f"Generation {found.name} is whole: {len(found.manifest['files'])} files, {found.size:,} bytes")


@app.command()
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
