"""TEI XML as the volumes of Foreign Relations of the United States have it: a Document for each `div` of type document.

Footnotes leave the text and become notes; the source note of a document is a source of all of it.
"""

from collections.abc import Iterator
from typing import Any

from index.errors import ReadingError
from index.readers.blocks import reading
from index.readers.encoding import text_of
from index.readers.tei_text import XML_ID, DocumentText, dates_of, local, plain
from index.types import Dropped, Reading, Skipped

__all__ = ["read_tei"]

PIECE = 65_536  # characters
ROOTS = ("TEI", "TEI.2", "teiCorpus")
OTHERS = "its front matter, lists and index are no documents"
ENTITIES = "it declares entities of its own, which are not read; write out what they stand for"


def read_tei(data: bytes, doc_id: str, source: str) -> Iterator[Reading | Skipped]:
    """All documents of a volume; `ReadingError`, and none of them, where the XML is damaged or declares entities."""
    text, said = text_of(data, markup=True)
    volume = Volume(doc_id, source, said)
    for event, element in events(text):
        if event == "start":
            if not volume.entered and local(element) not in ROOTS:
                yield Skipped(source, "it is XML, but not TEI", damaged=False)
                return
            volume.enter(element)
        else:
            volume.leave(element)
    yield from volume.found
    if not volume.count:
        yield Skipped(source, "it is TEI, but no div in it has the type document", damaged=False)
    elif volume.others:
        yield Skipped(source, OTHERS, damaged=False)


def events(text: str) -> Iterator[tuple[str, Any]]:
    """Starts and ends of elements as they are parsed: no entity is expanded, nothing is fetched."""
    from lxml import etree

    parser = etree.XMLPullParser(
        ("start", "end"),
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for start in range(0, len(text), PIECE):
            parser.feed(text[start : start + PIECE].encode())
            yield from parser.read_events()
        parser.close()
        yield from parser.read_events()
    except etree.XMLSyntaxError as error:
        said = next((f"{each.message}, line {each.line}" for each in parser.feed_error_log), str(error.msg))
        if "amplification" in said:
            raise ReadingError(ENTITIES) from error
        raise ReadingError(f"it is not well-formed XML ({' '.join(said.split())})") from error


class Volume:
    """A volume while it is read: its name and title, where we are in it, and the documents so far."""

    def __init__(self, name: str, source: str, said: tuple[Dropped, ...]) -> None:
        self.name, self.source, self.said = name, source, said
        self.title = ""
        self.entered = False
        self.heads: list[str] = []  # of the divisions around here
        self.counts: list[int] = []  # documents there were before each of them
        self.inside: Any = None  # the document that is being read
        self.count = 0
        self.others = False
        self.found: list[Reading | Skipped] = []

    def enter(self, element: Any) -> None:
        """The start of an element; at the first, the prolog is known."""
        if not self.entered:
            self.entered = True
            declared = element.getroottree().docinfo.internalDTD
            if declared is not None and any(True for _ in declared.iterentities()):
                raise ReadingError(ENTITIES)
            self.own_name = element.get(XML_ID)
            self.name = self.own_name or self.name
        if self.inside is None and local(element) == "div":
            if element.get("type") == "document":
                self.inside = element
            else:
                self.heads.append("")
                self.counts.append(self.count)

    def leave(self, element: Any) -> None:
        """The end of an element: all of it is there."""
        tag = local(element)
        if self.inside is not None:
            if element is self.inside:
                self.inside = None
                self.count += 1
                self.read(element)
                element.clear()
        elif tag == "div":
            self.heads.pop()
            self.others = self.others or self.counts.pop() == self.count
            element.clear()
        elif tag == "head" and self.heads and local(element.getparent()) == "div":
            self.heads[-1] = self.heads[-1] or plain(element)
        elif tag == "idno" and element.get("type") == "frus" and not self.own_name:
            self.name = plain(element) or self.name
        elif tag == "title" and (element.get("type") == "complete" or not self.title):
            self.title = plain(element)

    def read(self, div: Any) -> None:
        """One document."""
        from lxml import etree

        name = div.get(XML_ID) or f"d{self.count}"
        if next(div.iter(etree.Entity), None) is not None:
            raise ReadingError(f"{name} uses an entity that is not declared; write out what it stands for")
        text = DocumentText(div)
        number = div.get("n") or ""
        title = text.title or f"Document {number or name}"
        if number and not title.startswith(number) and text.title:
            title = f"{number}. {title}"
        first, last = dates_of(div)
        metadata = {
            "volume": self.title,
            "chapters": [head for head in self.heads if head],
            "number": number,
            "source_note": text.source_note,
            "sources": text.sources,
            "period": {"from": int(first[:4]), "to": int(last[:4])} if first[:4] < last[:4] else None,
        }
        metadata = {key: value for key, value in metadata.items() if value}
        try:
            self.found.append(
                reading(f"{self.name}/{name}", title, text.blocks, self.source, first, metadata, self.said)
            )
        except ReadingError as error:
            self.found.append(Skipped(f"{self.source}#{name}", str(error)))
