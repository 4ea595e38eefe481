"""Feedback and reports as the maintainer's view lists them."""

from pathlib import Path
from urllib.parse import quote

from assistant.feedback import Feedback, FeedbackRow
from assistant.page.escaping import in_markdown, safe_markdown
from assistant.page.maintaining_index import moment
from assistant.page.report_frame import Report
from assistant.page.tables import command, notice, section, table
from assistant.shortening import shortened

__all__ = ["KINDS", "feedback_shown", "reports_shown"]

NEWEST = 50  # votes shown
LONGEST = 300  # characters of a question or a note shown
KINDS = {"All": None, "Helpful": True, "Not helpful": False}


def feedback_shown(home: Path, kind: str) -> str:
    """The newest votes of a kind; `FeedbackError` where they cannot be read."""
    feedback = Feedback.open(home)
    counts = feedback.counts()
    if not counts.all:
        return safe_markdown(
            f"<div>{notice('No feedback yet: visitors give it below an answer, with a note if they like')}</div>"
        )
    found = feedback.rows(NEWEST, KINDS.get(kind))
    said = (
        f"{counts.all:,} in all: {counts.helpful:,} helpful, {counts.unhelpful:,} not, {counts.noted:,} with a note, "
        f"{counts.unchecked:,} whose citations are not all borne out. {len(found):,} shown, newest first."
    )
    names = ("When", "Helpful", "Question", "Note", "Citations", "Generation")
    body = table("feedback", names, [cells(each) for each in found]) if found else notice("None of this kind")
    more = f'<p class="quiet">As candidates for gold: {command("feedback export --out candidates.jsonl", home)}</p>'
    return safe_markdown(f'<div><p class="quiet">{in_markdown(said)}</p>{body}{more}</div>')


def cells(row: FeedbackRow) -> list[str]:
    """One vote."""
    return [
        in_markdown(moment(row.at)),
        "yes" if row.helpful else '<strong class="no">no</strong>',
        in_markdown(short(row.question)),
        in_markdown(short(row.note)),
        "borne out" if row.checked else '<strong class="no">not borne out</strong>',
        in_markdown(row.generation),
    ]


def short(text: str) -> str:
    """The beginning of a text."""
    return shortened(text, LONGEST)


def reports_shown(found: list[Report], home: Path) -> str:
    """The reports as links, of which maintain.js shows one in a frame; where there are none, how to make one."""
    how = command("eval report", home)
    if not found:
        body = f'<p class="notice">There is no report in this home yet.</p><p class="quiet">Make one: {how}</p>'
        return safe_markdown(section("Reports", body))
    items = "".join(
        f'<li><a class="report" href="#/report/{quote(each.name, safe="")}">{in_markdown(each.name)}</a> '
        f'<span class="written">{in_markdown(each.written)}</span></li>'
        for each in found
    )
    return safe_markdown(section("Reports", f'<ul class="reports">{items}</ul><p class="quiet">A new one: {how}</p>'))
