"""The lines of a PDF's pages: what they look like, and which of them are running headers, footers and page numbers."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from index.types import Dropped

__all__ = ["Line", "Look", "look", "without_furniture"]

EDGE_ROWS = 2  # furniture stands in the first or last two rows of a page
OFTEN = 0.4  # of the pages; half of a book's headers name the chapter, and its first pages have none
NEARLY_ALL = 0.8
SAME_ROW = 1.5  # points
LARGER = 1.1  # times the usual size
NUMBER = re.compile(r"\d+|\b[ivxlc]+\b", re.I)
LONGEST_NUMBER = 24  # characters
PAGE_NUMBER = re.compile(r"\W*(page|p\.|seite|s\.)?\W*(\d{1,4}|[ivxlc]{1,7})(\W*(of|/|von)?\W*\d{1,4})?\W*", re.I)


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `size` in points, `x` along it and `y` upwards from it in points, `page` from 0."""

    text: str
    size: float
    x: float
    y: float
    bold: bool
    page: int


@dataclass(frozen=True, slots=True)
class Look:
    """What most of a document's text looks like: `size` in points, `leading` in sizes, `width` in characters."""

    size: float
    leading: float
    width: int
    bold: bool


def look(lines: Sequence[Line]) -> Look:
    """The size of most characters, the median distance of its lines, and how long all but a tenth of them are."""
    sizes: Counter[float] = Counter()
    heavy = 0
    for line in lines:
        sizes[line.size] += len(line.text)
        heavy += len(line.text) * line.bold
    size = max(sizes, key=lambda each: (sizes[each], each), default=0.0)
    body = [line for line in lines if line.size == size]
    gaps = [
        above.y - below.y
        for above, below in zip(body, body[1:], strict=False)
        if above.page == below.page and 0.5 * size < above.y - below.y < 3 * size
    ]
    widths = sorted(len(line.text) for line in body)
    return Look(
        size,
        median(gaps) / size if gaps and size else 1.2,
        widths[len(widths) * 9 // 10] if widths else 0,
        heavy > 0.4 * sum(sizes.values()),
    )


def without_furniture(lines: Sequence[Line], pages: int, usual: Look) -> tuple[list[Line], list[Dropped]]:
    """The lines without what stands in the same row at the edge of many pages, and that with its reason.

    The text of such a row repeats, but for its page number: `4 The weir letters`, `Page 5 of 12`. The first lines of
    the text stand in one row on all pages as well, and each is another.
    """
    reasons: dict[Line, str] = {}
    for top in (True, False):
        outer = edge(lines, top, usual)
        row = rows(line.y for line in outer)
        bands: dict[int, list[Line]] = defaultdict(list)
        for line in outer:
            bands[row[line.y]].append(line)
        for band in bands.values():
            for line in repeated(band, pages):
                reasons[line] = "page number" if is_number(line) else "running header" if top else "running footer"
    kept = [line for line in lines if line not in reasons]
    dropped = dict.fromkeys((reasons[line], line.text) for line in lines if line in reasons)  # each text once
    return kept, [Dropped(*each) for each in dropped]


def edge(lines: Sequence[Line], top: bool, usual: Look) -> list[Line]:
    """The lines of the outermost rows of each page; larger ones are headings."""
    pages: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        pages[line.page].append(line)
    found = []
    for own in pages.values():
        row = rows(line.y for line in own)
        last = max(row.values())
        for line in own:
            place = last - row[line.y] if top else row[line.y]
            if place < EDGE_ROWS and line.size <= LARGER * usual.size:
                found.append(line)
    return found


def rows(heights: Iterable[float]) -> dict[float, int]:
    """The row of each height, from 0 at the bottom; what lies closer than a point and a half shares one."""
    found: dict[float, int] = {}
    row, below = -1, -math.inf
    for height in sorted(set(heights)):
        row += height - below > SAME_ROW
        found[height], below = row, height
    return found


def repeated(band: Sequence[Line], pages: int) -> list[Line]:
    """The lines of a row that return on enough pages; all of them where nearly all do."""
    places: dict[str, set[int]] = defaultdict(set)
    for line in band:
        places[key(line)].add(line.page)
    if pages == 1:
        return [line for line in band if line.text == "1"]
    found = [line for line in band if len(places[key(line)]) > 1]
    if len({line.page for line in found}) < max(2, OFTEN * pages):
        return []
    return list(band) if len(found) >= NEARLY_ALL * len(band) else found


def key(line: Line) -> str:
    """The text without numbers, one of which is the page's; figures that are no page number stay as they are."""
    words = " ".join(NUMBER.sub(" ", line.text.casefold()).split())
    return words if any(map(str.isalpha, words)) or is_number(line) else line.text


def is_number(line: Line) -> bool:
    """Whether a line is a page's number and nothing else: `12`, `- xii -`, `Page 3 of 12`."""
    return len(line.text) <= LONGEST_NUMBER and PAGE_NUMBER.fullmatch(line.text) is not None
