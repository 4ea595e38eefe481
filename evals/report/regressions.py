"""The report of what a planned index changes: in short, then each question with before beside after."""

from collections.abc import Sequence

from evals.changes import KINDS, TOP, WORSE, Change, Regression, Side
from evals.questions import Evidence
from evals.report.sections import Section, Sides, Table

__all__ = ["listed", "regressions", "verdict"]

HEADINGS = {
    "vanished": "Evidence vanished",
    "moved_out": f"Evidence moved out of the first {TOP} passages",
    "refused": "Answered before, refused now",
    "outcome": "Answered or refused otherwise than before",
    "answer": "Answered in other sentences",
}
SHOWN = 30  # changes for the worse that stand open; more would hide one another
NAMED = 12  # articles of a kind that are named


def regressions(found: Regression, provenance: Sequence[tuple[str, str]]) -> list[Section]:
    """The sections in their order; those of kinds that do not occur are left out."""
    folded = len(found.worse) > SHOWN
    by_kind = [
        Section(
            HEADINGS[kind],
            [f"{counted(len(changes))}: {KINDS[kind]}."],
            parts=[part(each, found, folded or kind not in WORSE) for each in changes],
        )
        for kind in KINDS
        if (changes := found.of(kind))
    ]
    return [in_short(found), *by_kind, Section("How this was made", facts=provenance)]


def in_short(found: Regression) -> Section:
    """What somebody reads who reads nothing else."""
    rows = [("what became of it", "questions"), *((HEADINGS[kind], str(len(found.of(kind)))) for kind in KINDS)]
    rows.append(("As before", str(found.questions - len(found.changes))))
    facts = [(f"articles {name}", listed(ids)) for name, ids in found.articles.items()]
    facts = facts or [("articles", "none would change")]
    facts += [("cannot be read", each) for each in found.skipped]
    prose = [verdict(found)]
    if found.absent:
        prose.append(f"{counted(len(found.absent))} more rest on articles that neither index has, and were not asked.")
    return Section("In short", prose, tables=[Table(rows)], facts=facts)


def verdict(found: Regression) -> str:
    """One sentence that says whether anything got worse, and of which questions."""
    said = []
    for kind in WORSE:
        if changes := found.of(kind):
            said.append(f"{HEADINGS[kind]}: {listed([each.question.id for each in changes])}.")
    if said:
        return f"Worse for {len(found.worse)} of {counted(found.questions)}. {' '.join(said)}"
    other = f"; {counted(len(found.changes))} changed otherwise" if found.changes else "; nothing changed"
    return f"Nothing got worse for {counted(found.questions)}{other}."


def part(change: Change, found: Regression, folded: bool) -> Section:
    """One question: what it asks for, and what either index gives."""
    question = change.question
    facts = [("before it", f"{turn.role}: {turn.content}") for turn in question.history]
    facts.append(("should say", question.short_answer or "that the articles do not cover it"))
    sides = []
    for at, piece in enumerate(question.evidence):
        number = f" {at + 1}" if len(question.evidence) > 1 else ""
        count = len(piece.alternatives)
        others = f" (or {'an alternative' if count == 1 else f'one of {count} alternatives'})" if count else ""
        facts.append((f"evidence{number}", f"{named(piece, found)}: {piece.quote}{others}"))
        if change.before.places[at] and not change.after.places[at]:
            facts.append((f"in its place{number}", change.reads[at] or nothing(piece, found)))
        sides.append(Sides(f"rank of evidence{number}", [rank(change.before, at)], [rank(change.after, at)], True))
    was, now = change.before, change.after
    sides += [
        Sides("outcome", [outcome(was)], [outcome(now)], marked=True),
        Sides("confidence", [f"{was.answer.confidence:.2f}"], [f"{now.answer.confidence:.2f}"]),
        Sides("answer", answer(was), answer(now), marked=True),
    ]
    return Section(f"{question.question} ({question.id}, {question.type})", facts=facts, sides=sides, folded=folded)


def named(piece: Evidence, found: Regression) -> str:
    """The article of a piece of evidence."""
    title = found.titles.get(piece.doc_id)
    return f"{title} ({piece.doc_id})" if title else piece.doc_id


def nothing(piece: Evidence, found: Regression) -> str:
    """Why nothing stands in the place of a quote."""
    kept = not any(piece.doc_id in ids for name, ids in found.articles.items() if name not in ("added", "changed"))
    return "nothing like it in the article" if kept else "nothing: the article is not in the planned index"


def rank(side: Side, at: int) -> str:
    """Where a piece of evidence stands."""
    place = side.ranks[at]
    return str(place) if place else f"not in the first {TOP}" if side.places[at] else "in no article"


def outcome(side: Side) -> str:
    """Whether it was answered."""
    return "answered" if side.answered else "not covered"


def answer(side: Side) -> list[str]:
    """The sentences, each with the articles that it cites."""
    cited = {each.number: each.doc_id for each in side.answer.citations}
    return [
        f"{each.text} ({', '.join(dict.fromkeys(cited[number] for number in each.citations))})"
        for each in side.answer.sentences
    ] or ["–"]


def listed(ids: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return f"{', '.join(ids[:NAMED])}{more}"


def counted(count: int) -> str:
    """A number of questions."""
    return f"{count} gold question{'' if count == 1 else 's'}"
