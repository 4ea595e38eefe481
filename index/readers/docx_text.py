"""The inside of a Word file: blocks, and what is deleted, hidden or drawn up by Word, in one walk through its XML."""

import re
from typing import Any

from index.readers.blocks import Block, Line
from index.readers.characters import without_hidden
from index.readers.hidden import unseen
from index.types import Dropped, Note

__all__ = ["Body", "Styles", "W"]

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
DELETED = {f"{W}del": "tracked deletion", f"{W}moveFrom": "tracked move"}
PASSED = frozenset({f"{W}pPr", f"{W}rPr", f"{W}tblPr", f"{W}tcPr", f"{W}sectPr", f"{W}sdtPr", f"{W}rt"})
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"  # the same once more, for old Word
FORMULA = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
BLANKS = frozenset({f"{W}tab", f"{W}br", f"{W}cr", f"{W}ptab"})
CONTENTS = "table of contents"
HEADING = re.compile(r"heading ([1-9])")
SPECK = 2  # half points


class Styles:
    """What the styles say of headings, hidden text and contents, each with those that it is based on."""

    def __init__(self, element: Any) -> None:
        self.known = {style.get(f"{W}styleId"): style for style in element.iterchildren(f"{W}style")}

    def chain(self, name: str) -> list[Any]:
        """A style and those that it is based on, nearest first."""
        found: list[Any] = []
        while (style := self.known.get(name)) is not None and style not in found:
            found.append(style)
            name = value(style, "basedOn")
        return found

    def called(self, name: str) -> str:
        """A style's name in Word, lower case: `heading 1` in every language."""
        return value(self.known[name], "name").lower() if name in self.known else name.lower()

    def level_of(self, paragraph: Any) -> int:
        """1 to 9 for a heading, by its own outline level or its style's; else 0."""
        if outline := value(paragraph.find(f"{W}pPr"), "outlineLvl"):
            return level(outline)
        for style in self.chain(style_of(paragraph)):
            if found := HEADING.fullmatch(value(style, "name").lower()):
                return int(found[1])
            if outline := value(style.find(f"{W}pPr"), "outlineLvl"):
                return level(outline)
        return 0


class Body:
    """Blocks of a body, or of a footnote."""

    def __init__(self, element: Any, styles: Styles) -> None:
        self.styles = styles
        self.blocks: list[Block] = []
        self.dropped: list[Dropped] = []
        self.title = ""
        self.line = Line()
        self.rows = 0  # table rows around here
        self.boxes: list[tuple[Line, int, str]] = []  # lines, rows and styles that text boxes interrupt
        self.waiting: list[Block] = []  # blocks of boxes, until the paragraph around them ends
        self.style = ""
        self.walk(element)

    def walk(self, root: Any) -> None:
        """Reads the whole of it."""
        from lxml import etree

        walk = etree.iterwalk(root, events=("start", "end"))
        for event, element in walk:
            if event == "end":
                self.end(element.tag, element)
            elif self.left_out(element) or element.tag in PASSED or element.tag == FALLBACK:
                walk.skip_subtree()
            else:
                self.begin(element.tag, element)
        self.flush(0)

    def left_out(self, element: Any) -> bool:
        """Whether nobody sees it, or Word itself has written it; then it is recorded."""
        reason = ""
        if element.tag in DELETED:
            reason = DELETED[element.tag]
        elif element.tag == f"{W}r":
            reason = self.hidden(element.find(f"{W}rPr"))
        elif element.tag == f"{W}p" and self.styles.called(style_of(element)).startswith("toc "):
            reason = CONTENTS
        elif element.tag == f"{W}sdt" and (properties := element.find(f"{W}sdtPr")) is not None:
            gallery = properties.find(f"{W}docPartObj/{W}docPartGallery")
            reason = CONTENTS if gallery is not None and gallery.get(f"{W}val") == "Table of Contents" else ""
        if reason:
            self.dropped += unseen(reason, words_of(element))
        return bool(reason)

    def hidden(self, own: Any) -> str:
        """How a run is hidden, by its own properties or its style's or its paragraph's, or ""."""
        named = self.styles.chain(value(own, "rStyle")) + self.styles.chain(self.style)
        looks = [each for each in (own, *(style.find(f"{W}rPr") for style in named)) if each is not None]
        vanish = next((found for each in looks if (found := each.find(f"{W}vanish")) is not None), None)
        if vanish is not None and vanish.get(f"{W}val", "1") not in ("0", "false", "off"):
            return "hidden (vanish)"
        size = next((found for each in looks if (found := value(each, "sz"))), "")
        if size.isdigit() and int(size) <= SPECK:
            return f"hidden (size {int(size) / 2:g} pt)"
        ink = own.find(f"{W}color") if own is not None else None
        white = ink is not None and "FFFFFF" in (ink.get(f"{W}val", "").upper(), "FFFFFF" * paper(ink))
        behind = any(own.find(f"{W}{name}") is not None for name in ("shd", "highlight")) if white else True
        return "" if behind or self.rows or self.boxes else "hidden (white)"

    def begin(self, tag: str, element: Any) -> None:
        """What an element adds before what is within it."""
        if tag in (f"{W}t", FORMULA):
            self.line.add(element.text or "")
        elif tag in BLANKS:
            self.line.add(" ")
        elif tag == f"{W}noBreakHyphen":
            self.line.add("-")
        elif tag in (f"{W}footnoteReference", f"{W}endnoteReference"):
            self.line.note(f"{tag.removeprefix(W).removesuffix('Reference')}-{element.get(f'{W}id')}")
        elif tag == f"{W}tr":
            if not self.rows:
                self.flush(0)
            self.rows += 1
        elif tag == f"{W}tc":
            before = any(each.tag == tag for each in element.itersiblings(preceding=True))
            self.line.add(" | " if before else " ")
        elif tag == f"{W}txbxContent":
            self.boxes.append((self.line, self.rows, self.style))
            self.line, self.rows = Line(), 0
        elif tag == f"{W}p":
            self.line.add(" ")
            self.style = style_of(element)

    def end(self, tag: str, element: Any) -> None:
        """What ends with an element."""
        if tag == f"{W}tr":
            self.rows -= 1
        if tag == f"{W}txbxContent":
            self.flush(0)
            self.line, self.rows, self.style = self.boxes.pop()
        elif tag in (f"{W}p", f"{W}tr") and not self.rows:
            title = tag == f"{W}p" and self.styles.called(style_of(element)) == "title"
            if title and not self.title and not self.boxes:
                self.title = self.line.take().text
            self.flush(self.styles.level_of(element) if tag == f"{W}p" else 0)

    def flush(self, level: int) -> None:
        """Ends the block; those of a box come after the paragraph in which it hangs."""
        block = self.line.take(level)
        text, hidden = without_hidden(block.text)
        self.dropped += hidden
        if hidden:
            notes = tuple(Note(len(without_hidden(block.text[: n.offset])[0]), n.sources) for n in block.notes)
            block = Block(text, level, notes)
        if block.text:
            (self.waiting if self.boxes else self.blocks).append(block)
        if not self.boxes:
            self.blocks += self.waiting
            self.waiting = []


def paper(ink: Any) -> bool:
    """Whether a colour is the theme's background."""
    return ink.get(f"{W}themeColor") in ("background1", "light1", "bg1")


def style_of(paragraph: Any) -> str:
    """The id of a paragraph's style, "" for the usual one."""
    return value(paragraph.find(f"{W}pPr"), "pStyle")


def value(element: Any, name: str) -> str:
    """The `val` of a child, "" where there is none."""
    found = element.find(f"{W}{name}") if element is not None else None
    return found.get(f"{W}val", "") if found is not None else ""


def level(outline: str) -> int:
    """An outline level counted from 0 as a heading's; 9 and above is text."""
    return int(outline) + 1 if outline.isdigit() and int(outline) < 9 else 0


def words_of(element: Any) -> str:
    """All text within an element, deleted text too."""
    parts = [each.text or "" if each.tag != f"{W}p" else " " for each in element.iter(f"{W}t", f"{W}delText", f"{W}p")]
    return "".join(parts)
