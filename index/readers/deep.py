"""Reads a page whose elements are nested too deep for a tree: its text in blocks, tag by tag, in linear time.

Nothing tells the article from what stands around it here, except the elements that name themselves: nav, footer.
"""

import html
from collections import Counter
from collections.abc import Mapping

from index.readers.blocks import Block
from index.readers.hidden import Sheet, styles, unseen, why_hidden
from index.readers.tags import attributes_of, tokens
from index.types import Dropped

__all__ = ["BLOCKS", "read_deep"]

VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
BLOCKS = frozenset(
    "address article aside blockquote body br caption dd details div dl dt fieldset figcaption figure footer form "
    "h1 h2 h3 h4 h5 h6 head header hr html li main nav ol option p pre section summary table tbody tfoot thead tr "
    "ul".split()
)
HEADINGS = frozenset("h1 h2 h3 h4 h5 h6".split())
CELLS = frozenset({"td", "th"})
FURNITURE = frozenset("nav footer aside form button select svg object".split())
ENDS_ITSELF = frozenset("p li td tr th dt dd option".split())  # at the next of its kind


def read_deep(page: str, sheet: Sheet) -> tuple[list[Block], list[Dropped]]:
    """The blocks of a page, and what of it is hidden or no article."""
    reading = Deep(sheet)
    for kind, name, text in tokens(page):
        getattr(reading, kind)(name, text)
    reading.leave()
    reading.flush()
    return reading.blocks, reading.dropped


class Deep:
    """What has been read so far. There is a method for each kind of token."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.blocks: list[Block] = []
        self.dropped: list[Dropped] = []
        self.line: list[str] = []
        self.level = 0
        self.outside: Counter[str] = Counter()  # open elements around the region, or around here
        self.region: Region | None = None

    def text(self, _: str, text: str) -> None:
        """Into the block, or into what is left out."""
        (self.region.parts if self.region else self.line).append(html.unescape(text))

    def comment(self, name: str, text: str) -> None:
        """Left out; with a name, a tag that has no end."""
        if not text.startswith(("[if", "<![endif")):
            self.dropped += unseen(name or "comment", text)

    def raw(self, name: str, text: str) -> None:
        """The inside of a script, a style sheet, a title or a form's field is no text."""

    def open(self, name: str, text: str) -> None:
        """A block ends where another begins; what is hidden opens a region."""
        if name in VOID or (self.region and self.region.opens(name)):
            self.line.append(" " * (name in VOID))
            return
        self.leave()
        attributes = attributes_of(text)
        how = why_hidden(name, attributes, styles(name, attributes, self.sheet))
        if name in BLOCKS:
            self.flush()
            self.level = int(name[1]) if name in HEADINGS else 0
        if how or name in FURNITURE:
            self.region = Region(name, f"hidden ({how})" if how else f"page furniture ({name})")
            return
        self.outside[name] += 1
        if name in CELLS and any(part.strip() for part in self.line):
            self.line.append(" | ")

    def close(self, name: str, _: str) -> None:
        """The end of a block, or of a region."""
        if self.region:
            if not self.region.closes(name, self.outside):
                return
            own = name == self.region.tag
            self.leave()
            if own:
                return
        if self.outside[name]:
            self.outside[name] -= 1
        if name in BLOCKS:
            self.flush()
            self.level = 0

    def leave(self) -> None:
        """Ends the region, if there is one, and records it."""
        if self.region:
            self.dropped += unseen(self.region.reason, "".join(self.region.parts))
        self.region = None

    def flush(self) -> None:
        """Ends the block."""
        if words := " ".join("".join(self.line).split()):
            self.blocks.append(Block(words, self.level))
        self.line = []


class Region:
    """An element with all within, left out: open until its end, or that of an element around it."""

    def __init__(self, tag: str, reason: str) -> None:
        self.tag, self.reason = tag, reason
        self.within = Counter({tag: 1})
        self.open = 1
        self.parts: list[str] = []

    def opens(self, tag: str) -> bool:
        """Takes a tag in; False where the tag ends the region because its kind does so (`<p hidden>… <p>`)."""
        if tag == self.tag and tag in ENDS_ITSELF and self.open == 1:
            return False
        self.within[tag] += 1
        self.open += 1
        return True

    def closes(self, tag: str, outside: Mapping[str, int]) -> bool:
        """Whether this end tag is the region's own, or that of an element around it."""
        if self.within[tag] > 0:
            self.within[tag] -= 1
            self.open -= 1
            return tag == self.tag and not self.within[tag]
        return outside.get(tag, 0) > 0
