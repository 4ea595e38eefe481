"""Word files: paragraphs, headings by their style, table rows; footnotes as notes; deleted and hidden text left out."""

import datetime
import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from index.cleaning import clean
from index.dates import iso_date
from index.errors import ReadingError
from index.readers.archives import checked
from index.readers.blocks import Block, reading, title_of_name
from index.readers.docx_text import Body, Styles, W
from index.readers.hidden import unseen
from index.types import Dropped, Reading

__all__ = ["read_docx"]

TOP = 6  # blocks among which a date stands in a line of its own
TEMPLATE = datetime.datetime(2013, 12, 23, 23, 15)  # of the file that python-docx starts from: it says nothing
NO_AUTHOR = "python-docx"
FAULTS = (
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    NotImplementedError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_docx(data: bytes, doc_id: str, source: str) -> Iterator[Reading]:
    """One document; `ReadingError` where the archive may not be opened, or holds no Word document."""
    checked(data, ".docx", "[Content_Types].xml")
    body, notes, dropped, properties = taken_apart(data)
    blocks = body.blocks
    title = body.title or properties["title"]
    if not title and blocks and blocks[0].level:
        title = blocks[0].text
    blocks = [block for block in blocks if not (block.level and block.text == title)]
    kept, furniture = clean([Block(title), *blocks])
    marks = [name for block in kept for note in block.notes for name in note.sources]
    author = properties["author"].replace(NO_AUTHOR, "")
    sources = [{"id": name, "title": notes.get(name, "")} for name in dict.fromkeys(marks)]
    written = next((found for block in kept[1:TOP] if (found := iso_date(block.text))), "")
    yield reading(
        doc_id,
        title or title_of_name(doc_id),
        kept[1:],
        source,
        written or properties["date"],
        {name: value for name, value in (("author", author), ("sources", sources)) if value},
        [*dropped, *furniture],
    )


def taken_apart(data: bytes) -> tuple[Body, dict[str, str], list[Dropped], dict[str, str]]:
    """Body, texts of the notes, what is left out, core properties; python-docx's errors end here."""
    from docx import Document
    from docx.opc.exceptions import OpcError
    from lxml import etree

    try:
        word = Document(io.BytesIO(data))
        styles = Styles(word.styles.element)
        body = Body(word.element.body, styles)
        notes: dict[str, str] = {}
        dropped = list(body.dropped)
        for kind, part in parts(word.part):
            if kind in ("header", "footer"):
                dropped += unseen(f"page {kind}", text_of_part(part, styles, dropped))
            elif kind == "comments":
                dropped += unseen("comment", text_of_part(part, styles, dropped))
            else:
                for note in part.iterchildren(f"{W}{kind}"):
                    notes[f"{kind}-{note.get(f'{W}id')}"] = text_of_part(note, styles, dropped)
        about = word.core_properties
        properties = {"title": about.title or "", "author": about.author or "", "date": day_of(about.created)}
        return body, notes, dropped, properties
    except (*FAULTS, OpcError, etree.LxmlError) as error:
        raise ReadingError(
            f"it is no Word document, or a damaged one ({' '.join(str(error).split())[:100]})"
        ) from error


def parts(main: Any) -> Iterator[tuple[str, Any]]:
    """The trees beside the main text, by kind: header, footer, comments, footnote, endnote."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    for relation in main.rels.values():
        kind = relation.reltype.rpartition("/")[2]
        kind = {"footnotes": "footnote", "endnotes": "endnote"}.get(kind, kind)
        if kind in ("header", "footer", "comments", "footnote", "endnote") and not relation.is_external:
            yield kind, etree.fromstring(relation.target_part.blob, parser)


def text_of_part(element: Any, styles: Styles, dropped: list[Dropped]) -> str:
    """The words of a note, a header or a comment; what is hidden in it goes to `dropped`."""
    body = Body(element, styles)
    dropped += body.dropped
    return " ".join(block.text for block in body.blocks)


def day_of(created: datetime.datetime | None) -> str:
    """The day on which the file was made, ISO 8601, "" where only its template has one."""
    if created is None or created.replace(tzinfo=None) == TEMPLATE:
        return ""
    return created.date().isoformat()
