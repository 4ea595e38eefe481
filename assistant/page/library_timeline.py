"""The library as a timeline: a bar an article, drawn as SVG, each a link that opens it."""

from collections.abc import Sequence

from assistant.page.escaping import in_fragment, isolated
from assistant.page.labels import plural, years
from assistant.page.library_entries import Entry
from assistant.page.library_groups import Group, grouped
from assistant.page.links import article_link
from assistant.shortening import shortened
from index.filters import OPEN_END

__all__ = ["MOST", "timeline"]

MOST = 300  # bars; more would be a strip of over 10,000 pixels
WIDE, NARROW = 760, 352  # units of the drawing, about pixels; the style sheet shows the one that has room
EDGE = 10
HEADING, ROW = 44, 30
YEARS = 11  # letters of a period
LETTER = 6.3  # the mean width of a letter of a label, at 12.5 pixels
STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500)  # years between two marks of the axis
BETWEEN = 80  # units at least between two marks
HOW = (
    '<p class="unseen" id="lib-timeline-how">The arrow keys go from bar to bar, Home and End to the first and the '
    "last; Enter opens the article.</p>"
)


class Scale:
    """Years to units. A few that lie far before all others are cut off at the left edge, so that these can be read."""

    def __init__(self, some: Sequence[Entry], now: int, width: int) -> None:
        self.width = width
        begins = sorted(each.about.since for each in some if each.about.since is not None)
        ends = [each.about.until for each in some if each.about.until is not None and each.about.until < OPEN_END]
        lasting = any((each.about.until or 0) >= OPEN_END for each in some)
        self.last = max([*begins, *ends, min(now, OPEN_END - 1)] if lasting else [*begins, *ends])
        usual = begins[len(begins) // 20]  # one in twenty begins earlier
        whole, cut = max(1, self.last - begins[0]), max(1, self.last - usual)
        first = usual if whole > 1.5 * cut else begins[0]
        span = max(1, self.last - first)
        self.step = next((step for step in STEPS if span / step <= width / BETWEEN), STEPS[-1])
        self.first = first // self.step * self.step
        self.last = max(self.last, self.first + 1)

    def at(self, year: float) -> float:
        """Where a year begins; inside the drawing, whatever the year."""
        part = (min(max(year, self.first), self.last + 1) - self.first) / (self.last + 1 - self.first)
        return round(EDGE + part * (self.width - 2 * EDGE), 1)

    def marks(self) -> range:
        """The years that the axis names."""
        return range(self.first, self.last + 1, self.step)


def timeline(all_: Sequence[Entry], generation: str, now: int) -> str:
    """The figure; a sentence where no article has a period. `now` is the year of the generation."""
    dated = [each for each in all_ if each.about.since is not None]
    if not dated:
        return '<p class="lib-empty">No article says which years it is about, so there is no timeline.</p>'
    some = sorted(dated, key=lambda each: (each.about.since or 0, each.number))[-MOST:]
    groups = grouped(some)
    figures = "".join(figure(groups, Scale(some, now, width), generation) for width in (WIDE, NARROW))
    return f'{note(len(all_), len(dated), len(some))}{HOW}<div class="lib-scroll">{figures}</div>'


def figure(groups: Sequence[Group], scale: Scale, generation: str) -> str:
    """The drawing: a heading for each group, and its bars."""
    height = sum(HEADING + ROW * len(group.entries) for group in groups) + EDGE
    parts, top = [], 0
    for group in groups:
        parts.append(heading(group, scale, top))
        top += HEADING
        for entry in group.entries:
            parts.append(bar(entry, group, scale, top, generation))
            top += ROW
    room = "wide" if scale.width == WIDE else "narrow"
    return (
        f'<svg class="lib-timeline roving {room}" data-keys="line" role="group" aria-label="Timeline of the articles" '
        f'aria-describedby="lib-timeline-how" viewBox="0 0 {scale.width} {height}" width="{scale.width}" '
        f'height="{height}">{grid(scale, height)}{"".join(parts)}</svg>'
    )


def note(all_: int, dated: int, drawn: int) -> str:
    """What the figure shows, and what it leaves out."""
    said = "A bar for each article, over the years that it is about."
    if dated < all_:
        said += f" {all_ - dated:,} of {all_:,} articles name no years."
    if drawn < dated:
        said += f" Drawn are the {drawn:,} that begin last."
    return f'<p class="lib-note">{said}</p>'


def grid(scale: Scale, height: int) -> str:
    """A faint line for each year of the axis."""
    lines = "".join(f'<line x1="{scale.at(y)}" x2="{scale.at(y)}" y1="30" y2="{height}"/>' for y in scale.marks())
    return f'<g class="grid" aria-hidden="true">{lines}</g>'


def heading(group: Group, scale: Scale, top: int) -> str:
    """A group's name over the axis, which is repeated for each: the figure is longer than a screen."""
    axis = "".join(
        f'<text x="{scale.at(year)}" y="{top + 38}" '
        f'text-anchor="{"start" if year == scale.first else "middle"}">{year}</text>'
        for year in scale.marks()
        if scale.at(year) < scale.width - 2 * EDGE
    )
    count = len(group.entries)
    name = f"{isolated(group.name)} ({count})" if group.name else plural(count, "article")
    return (
        f'<g class="band g{group.number}"><text class="name" x="{EDGE}" y="{top + 20}">{in_fragment(name)}</text>'
        f'<g class="axis" aria-hidden="true">{axis}</g></g>'
    )


def bar(entry: Entry, group: Group, scale: Scale, top: int, generation: str) -> str:
    """An article's bar under its title; an arrow where it began before the axis, or still goes on."""
    since, until = entry.about.since or 0, entry.about.until
    lasts = until is None or until >= OPEN_END
    left, right = scale.at(since), scale.at(scale.last + 1 if lasts or until is None else until + 1)
    right = max(right, left + 4)
    x, anchor, room = left, "start", scale.width - left
    if scale.width == NARROW:
        x, room = EDGE, scale.width - EDGE
    elif left > scale.width / 2:
        x, anchor, room = right, "end", right
    text = cut(entry.title, int(room / LETTER) - YEARS)
    period = years(since, until)
    link = in_fragment(article_link(generation, entry.about.doc_id))
    spoken = in_fragment(f"{said(entry.title, text, period)}{', ' if group.name else ''}{group.name}")
    ends = (arrow(left, top + 22, -1) if since < scale.first else "") + (arrow(right, top + 22, 1) if lasts else "")
    return (
        f'<a href="{link}" class="g{group.number}" data-n="{entry.number}" tabindex="-1" aria-label="{spoken}">'
        f'<rect class="hit" x="1" y="{top}" width="{scale.width - 2}" height="{ROW - 1}" rx="3"/>'
        f'<text x="{x}" y="{top + 13}" text-anchor="{anchor}">'
        f'{in_fragment(isolated(text))} <tspan class="years" dx="3">{in_fragment(period)}</tspan></text>'
        f'<rect class="bar" x="{left}" y="{top + 18}" width="{round(right - left, 1)}" height="8" rx="1.5"/>{ends}</a>'
    )


def said(title: str, shown: str, period: str) -> str:
    """A bar's name: what is to be read on it, word for word, since it is called by that; then the rest of a title."""
    title = " ".join(title.split())
    rest = "" if shown == title else title[len(shown) - 1 :].lstrip(" ,;:")
    return f"{shown} {period}, {rest}" if rest else f"{shown} {period}"


def arrow(x: float, y: int, way: int) -> str:
    """A head at the end of a bar: the period goes on beyond it."""
    return f'<path class="bar" d="M{x} {y - 7}l{way * 9} 7l{way * -9} 7z"/>'


def cut(text: str, letters: int) -> str:
    """A title of at most so many letters, cut between words."""
    text = " ".join(text.split())
    if len(text) <= letters:
        return text
    kept = shortened(text, max(letters - 1, 1))[:-1]
    return f"{(kept.rpartition(' ')[0] or kept).rstrip(' ,;:')}…"
