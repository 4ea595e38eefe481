"""What a report says, apart from how it looks: sections of prose, tables, figures and facts, also as Markdown."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evals.tables import markdown

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["Section", "Sides", "Table", "as_markdown"]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, the heads first; all but the first column and the column `text` are numbers."""

    rows: Sequence[Sequence[str]]
    caption: str = ""
    text: int = 0


@dataclass(frozen=True, slots=True)
class Sides:
    """The same before and after, in paragraphs; `marked`: those that the other side has not are to stand out."""

    label: str
    before: Sequence[str]
    after: Sequence[str]
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page, in the order of the fields: prose, figures by their captions, tables, facts, what was before
    beside what is after, kept lines, parts.

    `folded` parts show their heading alone until they are opened.
    """

    heading: str
    prose: Sequence[str] = ()
    figures: Mapping[str, "Figure"] = field(default_factory=dict)
    tables: Sequence[Table] = ()
    facts: Sequence[tuple[str, str]] = ()
    sides: Sequence[Sides] = ()
    text: str = ""
    parts: "Sequence[Section]" = ()
    folded: bool = False


def as_markdown(title: str, sections: Sequence[Section]) -> str:
    """The sections as Markdown; figures are left out, since the tables hold their numbers."""
    return (
        "\n".join([f"# {escaped(title)}", "", *(line for each in sections for line in lines(each, 2))]).rstrip() + "\n"
    )


def lines(section: Section, level: int) -> list[str]:
    """One section and its parts."""
    found = [f"{'#' * level} {escaped(section.heading)}", ""]
    for paragraph in section.prose:
        found += [escaped(paragraph), ""]
    for table in section.tables:
        if table.caption:
            found += [f"{escaped(table.caption)}:", ""]
        found += [*markdown([[escaped(cell) for cell in row] for row in table.rows], table.text), ""]
    facts = list(section.facts)
    for row in section.sides:
        facts += [(f"{row.label} before", " ".join(row.before)), (f"{row.label} after", " ".join(row.after))]
    if facts:
        found += [*(f"- **{escaped(label)}**: {escaped(said)}" for label, said in facts), ""]
    if section.text:
        found += [*(f"    {line}" for line in section.text.splitlines()), ""]
    for part in section.parts:
        found += lines(part, level + 1)
    return found


def escaped(text: str) -> str:
    """One line in which nothing is markup: questions and articles may hold anything."""
    plain = re.sub(r"[\\`*<>]|(?<!\w)_|_(?!\w)", r"\\\g<0>", " ".join(text.split()))
    if re.search(r"\][(\[:]", plain):  # a link or its target; brackets alone, as of intervals, are text
        plain = plain.replace("[", "\\[").replace("]", "\\]")
    return re.sub(r"^(#|[-+] |\d+[.)] )", r"\\\1", plain)
