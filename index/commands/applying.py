"""index plan | apply | watch."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from index.commands.options import Add, Home, Json, Quiet, Sources, To, Yes

if TYPE_CHECKING:
    from collections.abc import Callable

    from index.building import Applied
    from index.milvus.publishing import Published
    from index.progress import Progress
    from index.settings import IndexSettings

__all__ = ["apply", "plan", "watch"]


def plan(
    sources: Sources = None,
    add: Add = False,
    save: Annotated[Path | None, typer.Option("--save", help="Write the plan, for `index apply --plan`.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    home: Home = None,
) -> None:
    """Show what `apply` would change and how long it would take; the index stays as it is."""
    from index.building import plan_for
    from index.progress import bars, silent
    from index.saved_plans import save_plan
    from index.settings import IndexSettings
    from index.showing import plan_json, plan_lines

    settings = IndexSettings.load(home=home)
    made, costs = plan_for(settings, sources or (), add, silent if quiet else bars)
    if save:
        save_plan(save, made)
    if as_json:
        typer.echo(json.dumps(plan_json(made, costs), ensure_ascii=False, indent=1))
        return
    for line in plan_lines(made, costs):
        typer.echo(line)
    if costs:
        given = " ".join(map(str, sources or ()))
        typer.echo(f"Do it with: python app.py index apply {f'--plan {save}' if save else given}".rstrip())
        typer.echo(f"Which gold questions it would break: python app.py eval regress {given}".rstrip())


def apply(
    sources: Sources = None,
    add: Add = False,
    saved: Annotated[
        Path | None, typer.Option("--plan", help="Do what a file of `index plan --save` says, or nothing.")
    ] = None,
    to: To = None,
    yes: Yes = False,
    quiet: Quiet = False,
    home: Home = None,
) -> None:
    """Index the articles and publish: all of it, or nothing changes; with --to on a Milvus server as well."""
    from index.building import apply as apply_sources
    from index.errors import SourceError
    from index.progress import bars, silent
    from index.saved_plans import load_plan
    from index.settings import IndexSettings

    if saved and (sources or add):
        raise SourceError("A saved plan names its sources. Give --plan alone, or sources without it")
    expected = load_plan(saved) if saved else None
    progress = silent if quiet else bars
    settings = IndexSettings.load(home=home)
    publish = publisher(to, settings, progress) if to else None
    done = apply_sources(settings, sources or (), add, progress, yes, expected)
    for each in done.plan.gathered.unreadable:
        typer.echo(f"skipped {each.source}: {each.reason}", err=True)
    if not quiet:
        summarise(done)
    if publish:
        from index.milvus.searching import WORDLESS

        found = publish()
        if not found.by_words:
            typer.echo(f"warning: {WORDLESS.format(found.version)}", err=True)
        if not quiet:
            what = "Published to" if found.copied else "Live at"
            typer.echo(f"{what} {found.address} (Milvus {found.version}): generation {found.generation}")


def publisher(to: str, settings: "IndexSettings", progress: "Progress") -> "Callable[[], Published]":
    """What copies the live generation to a server that answers: one that does not is told before the long part."""
    from index.milvus.address import Address
    from index.milvus.connection import Connection
    from index.milvus.publishing import publish_to

    address = Address.parse(to)
    Connection(address, settings.milvus_token.get_secret_value())
    return lambda: publish_to(address, settings, progress)


def summarise(done: "Applied") -> None:
    """What was done, in a few lines."""
    from index.readers.guessing import DOUBTFUL

    guessed = [each for each in done.plan.gathered.readings if any(one.reason == DOUBTFUL for one in each.dropped)]
    if guessed:
        first = guessed[0].document.source
        typer.echo(f"Read in a doubtful encoding: {len(guessed)}. See how with: python app.py index inspect {first}")
    if passed := done.plan.gathered.passed_over:
        typer.echo(f"Files passed over: {len(passed)} ({done.plan.gathered.why_passed_over})")
    if done.published:
        plan = done.plan
        more = [f"{len(ids)} {name}" for name in ("withdrawn", "moved", "merged") if (ids := getattr(plan, name))]
        counted = [f"{len(plan.added)} added", f"{len(plan.changed)} changed", f"{len(plan.removed)} removed", *more]
        typer.echo(", ".join(counted))
        typer.echo(f"{done.embedded:,} texts embedded anew")
    else:
        typer.echo("Nothing has changed; the live generation stays.")
    counts = done.generation.manifest["counts"]
    typer.echo(
        f"Generation {done.generation.name}: {counts['documents']} articles, {counts['passages']} passages, "
        f"{counts['sentences']} sentences"
    )


def watch(
    sources: Sources = None,
    still: Annotated[float, typer.Option("--still", min=0.1, help="Seconds without a change before it applies.")] = 2.0,
    home: Home = None,
) -> None:
    """Apply whenever the sources have changed and then stood still; ends with Ctrl+C."""
    from threading import Event

    from index.building import apply as apply_sources
    from index.errors import BackchannelError
    from index.settings import IndexSettings
    from index.watching import changes_in

    settings = IndexSettings.load(home=home)
    done = apply_sources(settings, sources or ())
    summarise(done)
    typer.echo(f"Watching {', '.join(map(str, done.plan.sources))}; end with Ctrl+C")
    for count in changes_in(done.plan.sources, Event(), still):
        typer.echo(f"{count} path{'s' if count > 1 else ''} changed")
        try:
            summarise(apply_sources(settings))
        except BackchannelError as error:  # the index is as it was; the next change may mend it
            typer.echo(f"backchannel: {error}", err=True)
