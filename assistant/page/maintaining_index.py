"""The state of the index as the maintainer's view shows it: what is served, the generations, what `apply` would do."""

from collections.abc import Iterator
from pathlib import Path

from assistant.page.escaping import in_markdown, safe_markdown
from assistant.page.tables import command, notice, section, table
from index.errors import SourceError
from index.planning import DEFAULT_SOURCE, Plan, guard, remembered
from index.preparing import Costs
from index.protocol import Index
from index.register import read_register
from index.showing import plan_lines
from index.upkeep import Difference, Entry, history

__all__ = ["difference_shown", "generations", "plan_shown", "status_shown"]

LISTED = 60  # ids that a difference names of each kind


def status_shown(index: Index, home: Path) -> str:
    """What is served, from which sources it came, and what is kept out of it."""
    status = index.status()
    manifest = next((each.manifest for each in history(home) if each.name == status.generation), {})
    sources = remembered(home) or [Path(each) for each in manifest.get("sources", ())] or [DEFAULT_SOURCE]
    withdrawn = read_register(home, manifest).withdrawn
    facts = {
        "Generation": status.generation,
        "Published": moment(status.published_at),
        "Holds": f"{status.documents:,} articles, {status.passages:,} passages, {status.sentences:,} sentences",
        "Size": f"{status.bytes / 1e6:,.1f} MB",
        "Embedder": f"{status.embedder} (digest {status.embedder_digest[:12]})",
        "Vectors": f"{status.vectors}, of the ten nearest {status.recall:.1%} found",
        "Map of meaning": f"{status.map_method}, trustworthiness {status.map_trust:.2f}",
        "Sources": ", ".join(map(str, sources)),
        "Withdrawn": ", ".join(f"{name} ({day})" for name, day in withdrawn.items()) or "none",
        "Home": str(home),
    }
    items = "".join(
        f'<li><span class="name">{name}</span> <span>{in_markdown(value)}</span></li>' for name, value in facts.items()
    )
    warning = notice(index.warning) if index.warning else ""
    return safe_markdown(section("The index", f'{warning}<ul class="facts">{items}</ul>'))


def generations(entries: list[Entry], home: Path) -> str:
    """The history: all generations, newest first, the live one marked."""
    rows = [list(row(each)) for each in entries]
    names = ("Generation", "Published", "Articles", "Passages", "Changes")
    body = table("history", names, rows) if rows else notice("Nothing has been published in this home")
    back = f'<p class="quiet">Serve an earlier one again: {command("index rollback NAME", home)}</p>'
    return safe_markdown(section("History", body + back))


def row(entry: Entry) -> Iterator[str]:
    """Its cells."""
    live = ' <strong class="live">live</strong>' if entry.live else ""
    yield f"{in_markdown(entry.name)}{live}"
    if entry.fault:
        yield from ("", "", "", in_markdown(entry.fault))
        return
    manifest = entry.manifest
    changed = [f"{count} {name}" for name, count in manifest.get("changes", {}).items() if count]
    yield in_markdown(moment(manifest["published_at"]))
    yield in_markdown(f"{manifest['counts']['documents']:,}")
    yield in_markdown(f"{manifest['counts']['passages']:,}")
    yield in_markdown(", ".join(changed) or "none")


def difference_shown(before: str, after: str, found: Difference) -> str:
    """The articles in which two generations differ."""
    kinds = {name: getattr(found, name) for name in ("added", "changed", "moved", "removed")}
    said = ", ".join(f"{len(ids)} {name}" for name, ids in kinds.items() if ids) or "no article differs"
    parts = [f"<p>{in_markdown(f'From {before} to {after}: {said}.')}</p>"]
    for name, ids in kinds.items():
        if ids:
            more = f" and {len(ids) - LISTED:,} more" if len(ids) > LISTED else ""
            shown = f"{', '.join(ids[:LISTED])}{more}"
            parts.append(f'<p><span class="name">{name.capitalize()}</span> {in_markdown(shown)}</p>')
    return safe_markdown(f'<div class="difference">{"".join(parts)}</div>')


def plan_shown(plan: Plan, costs: Costs | None, home: Path) -> str:
    """What `index plan` says, line by line, whether `apply` would refuse it, and the command that does it."""
    lines = []
    for line in plan_lines(plan, costs):
        style = "item" if line.startswith("        ") else "line"
        lines.append(f'<p class="{style}">{in_markdown(line)}</p>')
    if costs is None:
        return safe_markdown(f'<div class="plan">{"".join(lines)}</div>')
    try:
        guard(plan, yes=False)
    except SourceError as error:
        lines.append(notice(str(error)))
    lines.append(f'<p class="quiet">Do it, after a review: {command("index apply", home)}</p>')
    lines.append(f'<p class="quiet">Which gold questions it would break: {command("eval regress", home)}</p>')
    return safe_markdown(f'<div class="plan">{"".join(lines)}</div>')


def moment(text: str) -> str:
    """An ISO time in UTC, to the minute, for people."""
    return f"{text[:10]} {text[11:16]} UTC" if len(text) > 16 else text
