"""PDF: pypdf reads the pages in a child process; their lines become paragraphs, and each page's offset is kept."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from index.cleaning import clean
from index.errors import ReadingError
from index.readers import child
from index.readers.blocks import Block, printable, reading, title_of_name
from index.readers.characters import SOFT_HYPHEN, without_hidden
from index.readers.pdf_lines import Line, Look, look, without_furniture
from index.readers.pdf_paragraphs import Paragraph, paragraphs
from index.readers.pdf_title import author_of, created_on, printed_date, title_of
from index.readers.plain import ENDINGS, HEADING_WORDS, with_headings
from index.types import Dropped, Reading

__all__ = ["read_pdf"]

WORK = Path(__file__).with_name("pdf_pages.py")
MARK = b"%PDF-"
MARK_WITHIN = 1024  # bytes; what the readers of PDF have always allowed
HEADING = 1.12  # times the usual size
CONTENTS = 3  # headings, one under the other
LETTERS = dict(zip(range(0xFB00, 0xFB07), ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True))
LETTERS |= {0xF0B7: "•", 0xF0A7: "▪"}  # the bullets of Symbol and Wingdings, as Word writes them
GLYPHS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]")
MOST_GLYPHS = 0.3  # of the characters may be a font's own numbers, and no letters
WITHIN = re.compile(rf"{SOFT_HYPHEN}(?!$)")
NO_TEXT = "it holds no text; if it shows some, run it through OCR first"
SCANNED = "it holds no text, only pictures; run it through OCR first"
NO_LETTERS = "its fonts do not say which letters they show; run it through OCR first"
ENCRYPTED = "it is encrypted; save it without a password"


def read_pdf(data: bytes, doc_id: str, source: str) -> Iterator[Reading]:
    """One document; `metadata["pages"]` are the offsets in its text at which its pages begin."""
    if not data:
        raise ReadingError("there is no text in it")
    if MARK not in data[:MARK_WITHIN]:
        raise ReadingError("it is not a PDF (it does not begin with %PDF-)")
    found = child.ask(WORK, data)
    if "refused" in found:
        encrypted = found["refused"] == "encrypted"
        raise ReadingError(ENCRYPTED if encrypted else f"it goes beyond the limits of safe reading ({found['why']})")
    pages: list[dict[str, Any]] = found["pages"]
    lines, dropped = text_lines(pages)
    usual = look(lines)
    title, parts = title_of(found["title"], list(paragraphs(lines, usual)), usual)
    date, parts = printed_date(parts)
    blocks = with_levels(parts, usual)
    kept, furniture = clean([Block(title), *blocks])
    starts = {id(block): part.starts for block, part in zip(blocks, parts, strict=True)}
    offsets = page_offsets([(block, starts[id(block)]) for block in kept[1:]], len(pages))
    author = author_of(found["author"])
    yield reading(
        doc_id,
        title or title_of_name(doc_id),
        kept[1:],
        source,
        date or created_on(found["created"]),
        {"author": author, "pages": offsets} if author else {"pages": offsets},
        [*dropped, *furniture],
    )


def text_lines(pages: Sequence[dict[str, Any]]) -> tuple[list[Line], list[Dropped]]:
    """The lines of the text, and what was left out; `ReadingError` where there is no text."""
    drawn = [(number, line) for number, page in enumerate(pages) for line in page["lines"]]
    texts, dropped = legible([line[0] for _, line in drawn])
    lines = [
        Line(text, size, x, y, bold, number)
        for text, (number, (_, size, x, y, bold)) in zip(texts, drawn, strict=True)
        if text
    ]
    kept, furniture = without_furniture(lines, len(pages), look(lines))
    pictures = [number for number, page in enumerate(pages) if page["pictures"]]
    lost = [f"page {number}: {what}" for number, page in enumerate(pages, 1) for what in page["lost"]]
    if lost and not lines:
        raise ReadingError(f"it is damaged: {lost[0]}")
    if not kept and (pictures or not lines):
        raise ReadingError(SCANNED if pictures else NO_TEXT)  # on the pictures there may be an archive's stamp
    dropped += [Dropped("damaged", what) for what in lost]
    if not kept:  # a text of one line, again and again
        return lines, dropped
    silent = sorted({*pictures} - {line.page for line in kept})
    dropped += [Dropped("page without text", f"page {number + 1}: a picture") for number in silent]
    return kept, dropped + furniture


def legible(lines: Sequence[str]) -> tuple[list[str], list[Dropped]]:
    """The lines with letters for ligatures, single blanks, and of what nobody sees a soft hyphen at the end at most."""
    text = "\n".join(" ".join(line.split()) for line in lines)
    if len(GLYPHS.findall(text)) > MOST_GLYPHS * len(text):
        raise ReadingError(NO_LETTERS)
    text, dropped = without_hidden(printable(text).translate(LETTERS), SOFT_HYPHEN)
    shown = [" ".join(WITHIN.sub("", line).split()) for line in text.split("\n")]
    return shown if lines else [], list(dropped)


def with_levels(parts: Sequence[Paragraph], usual: Look) -> list[Block]:
    """The paragraphs as blocks; headings are larger or bolder than the text, or look like one in plain text.

    Three or more in a row are a table of contents, but for the last.
    """
    levels: list[int] = []
    for stands_out, run in groupby(parts, key=lambda part: is_heading(part, usual)):
        length = len(list(run))
        listed = length - 1 if stands_out and length >= CONTENTS else 0
        levels += [0] * listed + [2 if stands_out else 0] * (length - listed)
    if not any(levels):
        return list(with_headings([Block(part.text) for part in parts]))
    if all(levels):
        levels = [0] * len(parts)
    return [Block(part.text, level) for part, level in zip(parts, levels, strict=True)]


def is_heading(part: Paragraph, usual: Look) -> bool:
    """Whether a paragraph stands out, is short, and is no sentence."""
    stands_out = part.size >= HEADING * usual.size or (part.bold and not usual.bold and part.size >= usual.size)
    short = len(part.text.split()) <= HEADING_WORDS and not part.text.endswith(ENDINGS)
    return stands_out and short and any(map(str.isalpha, part.text))


def page_offsets(blocks: Sequence[tuple[Block, tuple[tuple[int, int], ...]]], pages: int) -> list[int]:
    """Where each page's text begins in the document; a page without text begins where the next one does."""
    begins: dict[int, int] = {}
    offset = 0
    for block, starts in blocks:
        for page, within in starts:
            begins.setdefault(page, offset + within)
        offset += len(block.text) + 2
    found = [max(0, offset - 2)]
    for page in reversed(range(pages)):
        found.append(begins.get(page, found[-1]))
    return found[:0:-1]
