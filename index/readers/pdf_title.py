"""What a PDF is called, by whom and of which day: its metadata where sensible, else what its first page shows."""

import re
from collections.abc import Sequence
from datetime import date

from index.dates import iso_date
from index.readers.blocks import printable
from index.readers.pdf_lines import Look
from index.readers.pdf_paragraphs import Paragraph
from index.readers.plain import ENDINGS, HEAD_LINES, TITLE_WORDS

__all__ = ["author_of", "created_on", "printed_date", "title_of"]

LARGER = 1.2  # times the usual size
NO_TITLE = re.compile(
    r"(untitled|title|none|null|unspecified|\(?anonymous\)?|(document|presentation|slide|page)\W*\d*"
    r"|powerpoint presentation|microsoft (word|powerpoint|excel) ?-.*|\S*[\d_/\\-]\S*"
    r"|.*\.(docx?|rtf|odt|tex|dvi|pdf|p65|qxp|qxd|indd|pptx?|xlsx?|html?|txt|md))",
    re.I,
)
NO_AUTHOR = re.compile(r"(anonymous|unknown|user|admin|administrator|owner|author|root|none|\W*)", re.I)
OPENING = re.compile(r"((table of )?contents|inhalt(sverzeichnis)?|abstract|summary|preface|foreword|vorwort)", re.I)
FIRST_CHAPTER = re.compile(r"(chapter |kapitel )?(1|i)(\.[\d.]*)?\s", re.I)  # a heading, and not the title
CREATED = re.compile(r"(?:D:)?(\d{4})(\d\d)(\d\d)")
LONGEST = 300  # characters


def title_of(given: str, parts: Sequence[Paragraph], usual: Look) -> tuple[str, list[Paragraph]]:
    """The title, and the paragraphs without it; no title where nothing looks like one.

    First what the metadata give, if a person wrote it: no `untitled`, no file's name. Then the largest paragraph of the
    first page, then the first, if it is short.
    """
    given = " ".join(printable(given).split())
    if len(given) > LONGEST or NO_TITLE.fullmatch(given) or not any(map(str.isalpha, given)):
        given = ""
    head = list(parts[:HEAD_LINES])
    if len(parts) < 2:
        return given, list(parts)
    if given:
        shown = [part for part in head if part.text.casefold() == given.casefold()]
    else:
        largest = max(head, key=lambda part: part.size)
        shown = [largest] if largest.size >= LARGER * usual.size and may_be_title(largest) else []
        if not shown and may_be_title(parts[0]) and not parts[0].text.endswith(ENDINGS):
            shown = [parts[0]]
    place = parts.index(shown[0]) if shown else len(parts)
    return given or (shown[0].text if shown else ""), [*parts[:place], *parts[place + 1 :]]


def may_be_title(part: Paragraph) -> bool:
    """Whether a paragraph is as short as a title, and not the heading of what opens a book."""
    letters = any(map(str.isalpha, part.text))
    heading = OPENING.fullmatch(part.text) or FIRST_CHAPTER.match(part.text)
    return letters and len(part.text.split()) <= TITLE_WORDS and not heading


def printed_date(parts: Sequence[Paragraph]) -> tuple[str, list[Paragraph]]:
    """The date that stands by itself near the beginning, ISO 8601, and the paragraphs without it."""
    for place, part in enumerate(parts[:HEAD_LINES]):
        if len(parts) > 1 and (found := iso_date(part.text)):
            return found, [*parts[:place], *parts[place + 1 :]]
    return "", list(parts)


def created_on(value: str) -> str:
    """`D:20220403180542+02'00'` -> `2022-04-03`; empty where it is no day."""
    found = CREATED.match(value)
    try:
        return date(*map(int, found.groups())).isoformat() if found else ""
    except ValueError:
        return ""


def author_of(value: str) -> str:
    """The author, unless it is a placeholder."""
    name = " ".join(printable(value).split())
    return "" if NO_AUTHOR.fullmatch(name) or len(name) > LONGEST else name
