"""The inside of one TEI document: title, blocks, footnotes, date."""

import re
from collections.abc import Iterator
from typing import Any

from index.dates import iso_date
from index.readers.blocks import Block, Line
from index.types import Note

__all__ = ["XML_ID", "DocumentText", "dates_of", "local", "plain"]

XML_ID = "{http://www.w3.org/XML/1998/namespace}id"
BLOCKS = frozenset(
    "div attachment p ab head list item label row table dateline opener closer salute signed byline docAuthor "
    "postscript lg l sp speaker stage quote figure figDesc titlePart epigraph trailer argument".split()
)
INNER = frozenset({"div", "attachment"})  # a date in them is that of an enclosure
FIRST = ("doc-dateTime-min", "when", "from", "notBefore", "when-iso", "from-iso", "notAfter", "to")
LAST = ("to", "notAfter", "to-iso")
DAY = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?(?![\d-])")
TITLE_WORDS = 14  # a longer centred paragraph is text


class DocumentText:
    """Blocks and sources of a document `div`, in one walk through it."""

    def __init__(self, div: Any) -> None:
        self.div = div
        self.blocks: list[Block] = []
        self.sources: list[dict[str, Any]] = []
        self.source_note = ""
        self.line = Line()
        self.joined: Any = None  # the list (SUBJECT, PARTICIPANTS) that becomes one block
        self.head: Any = next((each for each in div if local(each) == "head"), None)
        self.title = plain(self.head) if self.head is not None else ""
        self.walk()

    def walk(self) -> None:
        """Reads the whole of it."""
        from lxml import etree

        walk = etree.iterwalk(self.div, events=("start", "end"))
        for event, element in walk:
            tag = local(element)
            if element is self.head:
                if event == "start":
                    for note in element.iter("{*}note"):
                        self.note(note, whole=True)
                    walk.skip_subtree()
                continue
            if tag == "note" and element.get("rend") != "inline":
                if event == "start":
                    self.note(element, whole=element.get("type") == "source")
                    walk.skip_subtree()
                else:
                    self.line.add(element.tail or "")
            elif event == "start":
                self.begin(tag, element)
                self.line.add(element.text or "")
            else:
                self.end(tag, element)
                self.line.add((element.tail or "") if element is not self.div else "")
        self.flush()

    def begin(self, tag: str, element: Any) -> None:
        """What stands before an element's own text."""
        if tag in ("lb", "pb"):
            self.line.add(" " if tag == "lb" else "")
        elif tag == "gap":
            self.line.add(" […] ")
        elif tag == "cell":
            if element.getprevious() is not None:
                self.line.add(" | ")
        elif self.joined is not None:
            if tag == "item" and self.line.last not in ("", ":"):
                self.line.glue(";" if self.line.last != ";" else "")
            self.line.add(" " if tag in BLOCKS else "")
        elif tag in BLOCKS:
            self.flush()
            if tag == "list" and titled(element):
                self.joined = element

    def end(self, tag: str, element: Any) -> None:
        """What follows on an element's text."""
        if element is self.joined:
            self.joined = None
            self.flush()
        elif self.joined is not None:
            if tag == "head" and self.line.last not in ("", ":"):
                self.line.glue(":")
        elif tag in BLOCKS and not (tag == "label" and local(element.getparent()) == "item"):
            self.flush(level_of(tag, element, "".join(self.line.parts)))

    def note(self, element: Any, whole: bool) -> None:
        """A footnote: of the words before its mark, or of the whole document."""
        text = " ".join("".join(element.itertext()).split())
        name = element.get(XML_ID) or f"note-{len(self.sources) + 1}"
        self.sources.append({"id": name, "title": text} | ({"whole": True} if whole else {}))
        if whole and element.get("type") == "source":
            self.source_note = self.source_note or text
        if not whole:
            self.line.note(name)

    def flush(self, level: int = 0) -> None:
        """Ends the block; notes without a word of their own belong to the block before."""
        block = self.line.take(level)
        if block.text:
            self.blocks.append(block)
        elif block.notes and self.blocks:
            last = self.blocks[-1]
            moved = tuple(Note(len(last.text), note.sources) for note in block.notes)
            self.blocks[-1] = Block(last.text, last.level, (*last.notes, *moved))


def level_of(tag: str, element: Any, text: str) -> int:
    """2 for a heading, by its element or by the way it is set; else 0."""
    look = element.get("rend") or ""
    if tag == "head" or look.startswith("sectiontitle"):
        return 2
    short = len(text.split()) <= TITLE_WORDS and not text.endswith((".", "!", "?", ";", ",", "]"))
    return 2 if tag == "p" and look == "center" and short else 0


def titled(element: Any) -> bool:
    """Whether a list has a head, and items of one paragraph each: SUBJECT, TO, PARTICIPANTS."""
    return element.find("{*}head") is not None and element.find(".//{*}p") is None


def local(element: Any) -> str:
    """The element's name without its namespace; TEI's own and none are alike here."""
    return str(element.tag).rpartition("}")[2]


def plain(element: Any) -> str:
    """The text of an element without its notes, white space as one blank."""
    found = element.xpath(".//text()[not(ancestor::*[local-name() = 'note'])]")
    return " ".join("".join(found).split())


def dates_of(div: Any) -> tuple[str, str]:
    """When the document was written, ISO 8601, and until when; "" where its dateline does not say."""
    for place in (div, *datelines(div)):
        first, last = named(place, FIRST), named(place, LAST)
        if first or last:
            return first or last, last or first
        if place is not div and (found := iso_date(plain(place))):
            return found, found
    return "", ""


def datelines(div: Any) -> Iterator[Any]:
    """The dates of the document's own datelines."""
    for date in div.iterfind(".//{*}dateline//{*}date"):
        around = next(each for each in date.iterancestors() if each is div or local(each) in INNER)
        if around is div:
            yield date


def named(element: Any, names: tuple[str, ...]) -> str:
    """The first of the attributes, whatever their namespace, that begins with a day, a month or a year."""
    values = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
    return next((found[0] for name in names if (found := DAY.match(values.get(name, "")))), "")
