"""A plan in words, for the terminal."""

from collections.abc import Iterator, Sequence

from index.kinds import NAMES, Kind
from index.planning import Plan
from index.preparing import Costs

__all__ = ["plan_json", "plan_lines"]

LISTED = 20  # articles of a kind that are named


def plan_lines(plan: Plan, costs: Costs | None) -> Iterator[str]:
    """What would change, and what it takes; `costs` is None where nothing would."""
    yield f"Sources: {', '.join(map(str, plan.sources))}"
    yield f"Live: {plan.live.name if plan.live else 'nothing'}"
    for name in ("added", "changed", "removed", "withdrawn"):
        ids: tuple[str, ...] = getattr(plan, name)
        yield from listed(name, ids)
    yield from listed("renamed or moved", [f"{each.doc_id}: {each.before} -> {each.now}" for each in plan.moved])
    pairs = [
        f"{each.other} is {each.kept} ({each.resemblance:.0%} the same): one article with two addresses"
        if each.merged
        else f"{each.other} and {each.kept} stay apart ({each.resemblance:.0%} the same): {each.why}"
        for each in plan.gathered.pairs
    ]
    yield from listed("near-duplicates", pairs)
    yield from listed("unreadable", [f"{each.source}: {each.reason}" for each in plan.gathered.unreadable])
    if passed := plan.gathered.passed_over:
        yield f"{len(passed):6} passed over ({plan.gathered.why_passed_over})"
    yield f"{plan.kept:6} unchanged"
    if costs is None:
        yield "Nothing would change."
        return
    yield (
        f"{costs.passages_kept:,} passages are kept and {costs.passages_new:,} new; {costs.to_embed:,} texts to embed, "
        f"about {duration(costs.seconds)}"
    )
    yield (
        f"vectors: {costs.kind.name} ({costs.kind.words}); of the ten nearest {costs.kind.recall:.1%} found; "
        f"{costs.vector_bytes / 1e6:,.1f} MB. Another kind: BACKCHANNEL_VECTOR_INDEX={others(costs.kind)}"
    )


def others(kind: Kind) -> str:
    """The kinds that could be asked for instead."""
    return "|".join(name for name in NAMES if name != kind.name)


def listed(name: str, items: Sequence[str]) -> Iterator[str]:
    """The count, and the first of them a line each; nothing where there are none."""
    if not items:
        return
    yield f"{len(items):6} {name}"
    yield from (f"         {each}" for each in items[:LISTED])
    if len(items) > LISTED:
        yield f"         and {len(items) - LISTED:,} more"


def duration(seconds: float) -> str:
    """Seconds in words."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min"


def plan_json(plan: Plan, costs: Costs | None) -> dict[str, object]:
    """The same for programs."""
    return {
        "sources": [str(source) for source in plan.sources],
        "live": plan.live.name if plan.live else None,
        "unchanged_plan": plan.unchanged,
        **{name: list(getattr(plan, name)) for name in ("added", "changed", "removed", "withdrawn")},
        "moved": [{"doc_id": each.doc_id, "before": each.before, "now": each.now} for each in plan.moved],
        "near_duplicates": [
            {"kept": p.kept, "other": p.other, "resemblance": p.resemblance, "merged": p.merged, "why": p.why}
            for p in plan.gathered.pairs
        ],
        "unreadable": [{"source": each.source, "reason": each.reason} for each in plan.gathered.unreadable],
        "unchanged": plan.kept,
        "passages_kept": costs.passages_kept if costs else None,
        "passages_new": costs.passages_new if costs else None,
        "to_embed": costs.to_embed if costs else None,
        "seconds": costs.seconds if costs else None,
        "vectors": costs.kind.name if costs else None,
        "expected_recall": costs.kind.recall if costs else None,
        "vector_bytes": costs.vector_bytes if costs else None,
    }
