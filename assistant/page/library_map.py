"""The map of meaning: a point an article, drawn as SVG, near to those that speak of similar things."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.page.escaping import in_fragment
from assistant.page.labels import years
from assistant.page.library_entries import Entry
from assistant.page.library_groups import Group, grouped
from assistant.page.library_timeline import cut
from assistant.page.links import article_link
from index.protocol import IndexStatus

__all__ = ["MOST", "map_of_meaning"]

MOST = 1000  # points; more are no picture any more, and weigh over a megabyte
EDGE = 26  # units of the drawing, about pixels
LETTERS = 30
BREAK = re.compile(r"[:,](?= )")  # a title's first part is name enough
LETTER, LINE = 6.6, 15  # the width and height of a label's letters; wide, so that real ones stay apart
# A shape a group, so that colour is not all that tells them apart; each around (0, 0), of about the same area.
SHAPES = (
    "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z",
    "M-4.5 -4.5h9v9h-9z",
    "M0 -6.2L5.8 4.4H-5.8z",
    "M0 -6.4L5.4 0L0 6.4L-5.4 0z",
    "M0 6.2L5.8 -4.4H-5.8z",
    "M-2 -6h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
    "M-6 0L-3 -5.2H3L6 0L3 5.2H-3z",
)
HOW = (
    '<p class="unseen" id="lib-map-how">The arrow keys go to the next point on that side, Home and End to the first '
    "and the last by title; Enter opens the article.</p>"
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The size of a drawing, in units of about a pixel, and how many titles it has room for."""

    name: str
    width: int
    height: int
    labels: int


SHEETS = (Sheet("wide", 680, 560, 20), Sheet("narrow", 352, 440, 9))  # the style sheet shows the one that has room

Box = tuple[float, float, float, float]  # left, top, right, bottom


def map_of_meaning(all_: Sequence[Entry], status: IndexStatus) -> str:
    """The figure with its legend, and a sentence on how far to trust it."""
    if not all_:
        return '<p class="lib-empty">There is no article yet, so there is no map.</p>'
    some = [all_[at] for at in np.linspace(0, len(all_) - 1, min(len(all_), MOST)).astype(int)]
    groups = grouped(some)
    figures = "".join(figure(some, groups, sheet, status.generation) for sheet in SHEETS)
    said = f'<p class="lib-note">{trust(status, len(all_), len(some))}</p>'
    return f'{legend(groups)}{HOW}<div class="lib-scroll">{figures}</div>{said}'


def figure(some: Sequence[Entry], groups: Sequence[Group], sheet: Sheet, generation: str) -> str:
    """The drawing: the points, and the titles of some."""
    points = "".join(point(each, group, sheet, generation) for group in groups for each in group.entries)
    return (
        f'<svg class="lib-map roving {sheet.name}" data-keys="plane" role="group" aria-label="Map of meaning" '
        f'aria-describedby="lib-map-how" viewBox="0 0 {sheet.width} {sheet.height}" width="{sheet.width}" '
        f'height="{sheet.height}"><rect class="frame" x="0.5" y="0.5" width="{sheet.width - 1}" '
        f'height="{sheet.height - 1}"/>{points}<g class="names" aria-hidden="true">{names(some, sheet)}</g></svg>'
    )


def trust(status: IndexStatus, all_: int, drawn: int) -> str:
    """What nearness means, and how far to trust it."""
    said = (
        "Articles that stand close together say similar things; distances across the picture mean little. "
        f"Trustworthiness of the neighbours that it shows: {status.map_trust:.2f}, where 1 is a map without false "
        f"neighbours and 0.5 one drawn by chance ({status.map_method} of the articles’ vectors)."
    )
    return said + (f" Drawn are {drawn:,} of {all_:,} articles." if drawn < all_ else "")


def legend(groups: Sequence[Group]) -> str:
    """Each group's shape and name; nothing where there is but one."""
    if len(groups) < 2:
        return ""
    items = "".join(
        f'<li class="g{group.number}"><svg viewBox="-8 -8 16 16" width="16" height="16" aria-hidden="true">'
        f'<path class="point" d="{SHAPES[group.number]}"/></svg>{in_fragment(group.name)}</li>'
        for group in groups
    )
    return f'<ul class="lib-legend">{items}</ul>'


def at(entry: Entry, sheet: Sheet) -> tuple[float, float]:
    """Where an article stands in the drawing."""
    x, y = entry.about.x, entry.about.y
    return round(EDGE + x * (sheet.width - 2 * EDGE), 1), round(EDGE + y * (sheet.height - 2 * EDGE), 1)


def point(entry: Entry, group: Group, sheet: Sheet, generation: str) -> str:
    """An article as a point; library.js shows its title beside it when it is pointed at or focused."""
    x, y = at(entry, sheet)
    link = in_fragment(article_link(generation, entry.about.doc_id))
    period = years(entry.about.since, entry.about.until).replace("–", " to ")
    spoken = in_fragment(", ".join(part for part in (entry.title, period, group.name) if part))
    return (
        f'<a href="{link}" class="g{group.number}" data-n="{entry.number}" data-x="{x}" data-y="{y}" '
        f'data-title="{in_fragment(entry.title)}" tabindex="-1" aria-label="{spoken}">'
        f'<g transform="translate({x} {y})"><circle class="hit" r="11"/>'
        f'<path class="point" d="{SHAPES[group.number]}"/></g></a>'
    )


def names(some: Sequence[Entry], sheet: Sheet) -> str:
    """The titles of a few points that lie far from each other, where no title covers another or a point."""
    places = np.array([at(each, sheet) for each in some])
    taken: list[Box] = [(x - 7, y - 7, x + 7, y + 7) for x, y in places.tolist()]
    found: list[str] = []
    for row in spread(places, 5 * sheet.labels):
        text = cut(BREAK.split(some[row].title)[0], LETTERS)
        for anchor, x, y, box in spots(places[row][0], places[row][1], len(text) * LETTER):
            if not any(meet(box, other) for other in taken) and inside(box, sheet):
                taken.append(box)
                found.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{in_fragment(text)}</text>')
                break
        if len(found) == sheet.labels:
            break
    return "".join(found)


def spread(places: NDArray[np.float64], count: int) -> list[int]:
    """Rows, each as far as possible from those before it; the first is nearest the middle."""
    far = ((places - places.mean(axis=0)) ** 2).sum(axis=1)
    chosen = [int(far.argmin())]
    nearest = np.full(len(places), np.inf)
    while len(chosen) < min(count, len(places)):
        nearest = np.minimum(nearest, ((places - places[chosen[-1]]) ** 2).sum(axis=1))
        nearest[chosen] = -1
        chosen.append(int(nearest.argmax()))
    return chosen


def spots(x: float, y: float, width: float) -> list[tuple[str, float, float, Box]]:
    """Where a name can stand: right, left, above, below; anchor, place, and what it covers."""
    found: list[tuple[str, float, float, Box]] = [
        ("start", x + 10, y + 4, (x + 8, y - 8, x + 10 + width, y + LINE - 7)),
        ("end", x - 10, y + 4, (x - 10 - width, y - 8, x - 8, y + LINE - 7)),
    ]
    for middle in (y - 12, y + 20):
        found.append(("middle", x, middle, (x - width / 2, middle - 11, x + width / 2, middle + 4)))
    return found


def meet(one: Box, other: Box) -> bool:
    """Whether two boxes overlap."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def inside(box: Box, sheet: Sheet) -> bool:
    """Whether a box lies within the frame."""
    return box[0] >= 4 and box[1] >= 4 and box[2] <= sheet.width - 4 and box[3] <= sheet.height - 4
