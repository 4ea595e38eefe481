"""index status | verify | history | diff | rollback | gc."""

import json
from typing import Annotated

import typer

from index.commands.options import From, Home, Json, To, Yes

__all__ = ["diff", "gc", "history", "rollback", "status", "verify"]


def status(
    as_json: Json = False,
    elsewhere: From = None,
    home: Home = None,
) -> None:
    """Show what is live: generation, counts, embedder, size."""
    from dataclasses import asdict

    from index.opening import status_of
    from index.settings import IndexSettings

    found, more, warning = status_of(IndexSettings.load(home=home, index_from=elsewhere))
    if warning:
        typer.echo(f"warning: {warning}", err=True)
    fields = {**asdict(found), **more}
    if as_json:
        typer.echo(json.dumps(fields, indent=1))
        return
    for name, value in fields.items():
        typer.echo(f"{name:16} {value}")


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


def history(as_json: Json = False, home: Home = None) -> None:
    """List the generations in the home, the newest first; the live one is marked."""
    from dataclasses import asdict

    from index.settings import IndexSettings
    from index.upkeep import history as entries

    found = entries(IndexSettings.load(home=home).home)
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in found], ensure_ascii=False, indent=1))
        return
    for each in found:
        mark = "live" if each.live else ""
        if each.fault:
            typer.echo(f"{mark:4} {each.name}  {each.fault}")
            continue
        manifest = each.manifest
        changed = ", ".join(f"{count} {name}" for name, count in manifest.get("changes", {}).items() if count)
        typer.echo(
            f"{mark:4} {each.name}  {manifest['published_at']}  {manifest['counts']['documents']:,} articles, "
            f"{manifest['counts']['passages']:,} passages  {changed}".rstrip()
        )


def diff(
    before: Annotated[str, typer.Argument(help="A generation, or the beginning of its name.")],
    after: Annotated[str, typer.Argument(help="The one to compare with it.")],
    as_json: Json = False,
    home: Home = None,
) -> None:
    """List the articles in which two generations differ."""
    from dataclasses import asdict

    from index.settings import IndexSettings
    from index.upkeep import difference

    found = asdict(difference(IndexSettings.load(home=home).home, before, after))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for name, ids in found.items():
        for doc_id in ids:
            typer.echo(f"{name:8} {doc_id}")
    typer.echo(", ".join(f"{len(ids)} {name}" for name, ids in found.items()))


def rollback(
    generation: Annotated[
        str, typer.Argument(metavar="[GENERATION]", help="The one to go back to; none: the one before the live one.")
    ] = "",
    to: To = None,
    yes: Yes = False,
    home: Home = None,
) -> None:
    """Serve an earlier generation again, every byte of it verified first; with --to on a server, not in the home."""
    from index.settings import IndexSettings
    from index.upkeep import roll_back

    if to:
        from index.milvus.address import Address
        from index.milvus.publishing import roll_back_at

        address = Address.parse(to)
        typer.echo(f"Live at {address}: {roll_back_at(address, IndexSettings.load(home=home), generation, yes)}")
        return
    chosen = roll_back(IndexSettings.load(home=home).home, generation, yes)
    typer.echo(
        f"Live: {chosen.name} ({chosen.manifest['counts']['documents']:,} articles). "
        f"`index apply` makes the index of the sources again"
    )


def gc(
    keep: Annotated[int, typer.Option("--keep", min=1, help="Generations that stay, the live one among them.")],
    home: Home = None,
) -> None:
    """Remove old generations; the live one always stays."""
    from index.settings import IndexSettings
    from index.upkeep import clear

    gone = clear(IndexSettings.load(home=home).home, keep)
    typer.echo(
        f"Removed {len(gone)} generation{'' if len(gone) == 1 else 's'}" + (f": {', '.join(gone)}" if gone else "")
    )
