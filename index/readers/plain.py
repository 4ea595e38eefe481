"""Plain text, saved web pages among it: a title, perhaps a standfirst and a date, paragraphs, headings."""

import re
from collections.abc import Iterator

from index.cleaning import clean
from index.dates import iso_date
from index.readers.blocks import Block, reading, title_of_name
from index.readers.encoding import text_of
from index.types import Reading

__all__ = ["read_plain"]

TITLE_WORDS = 30  # a longer first line is a paragraph
HEADING_WORDS = 14
UNDER_HEADING_WORDS = 20  # a heading has a paragraph of at least this length under it
HEAD_LINES = 6  # title, standfirst, author and date stand within the first lines of a page
WRAPPED = 100  # characters; hard-wrapped text has no longer line
ENDINGS = (".", "!", "?", ":", ";", ",")


def read_plain(data: bytes, doc_id: str, source: str) -> Iterator[Reading]:
    """One document; its date is that of a line of its own near the top, ISO 8601."""
    text, said = text_of(data)
    lines = paragraphs(text)
    title, head, body = split_head(lines)
    date = next((found for line in head if (found := iso_date(line))), "")
    author = next((line[3:].strip() for line in head if re.match(r"by [A-Z]", line, re.I) and len(line) < 80), "")
    standfirst = [line for line in head if not iso_date(line) and not re.match(r"by [A-Z]", line, re.I)]
    kept, dropped = clean([Block(line) for line in [title, *standfirst, *body] if line])
    if title:
        kept = kept[1:]
    standfirst = [block.text for block in kept if block.text in standfirst]
    metadata = {"summary": " ".join(standfirst), "author": author}
    yield reading(
        doc_id,
        title or title_of_name(doc_id),
        with_headings(kept),
        source,
        date,
        {name: value for name, value in metadata.items() if value},
        [*said, *dropped],
    )


def paragraphs(text: str) -> list[str]:
    """Lines as paragraphs; hard-wrapped lines between blank lines are joined."""
    found: list[str] = []
    for part in re.split(r"\n\s*\n", text):
        lines = [" ".join(line.split()) for line in part.split("\n") if line.strip()]
        body = lines[:-1]
        if body and all(WRAPPED // 2 <= len(line) <= WRAPPED for line in body) and len(lines[-1]) <= WRAPPED:
            lines = [" ".join(lines)]
        found += lines
    return found


def split_head(lines: list[str]) -> tuple[str, list[str], list[str]]:
    """Title, the lines between it and its date (that included), and the rest."""
    if len(lines) < 2 or len(lines[0].split()) > TITLE_WORDS:
        return "", [], lines
    dated = next((i for i, line in enumerate(lines[1:HEAD_LINES], 1) if iso_date(line)), 0)
    return lines[0], lines[1 : dated + 1], lines[dated + 1 :]


def with_headings(blocks: list[Block]) -> Iterator[Block]:
    """Marks as headings the short lines without an ending that stand above a paragraph."""
    for block, following in zip(blocks, [*blocks[1:], Block("")], strict=False):
        words = len(block.text.split())
        above = len(following.text.split()) >= UNDER_HEADING_WORDS
        heading = words <= HEADING_WORDS and above and not block.text.endswith(ENDINGS) and block.text[:1].isupper()
        yield Block(block.text, level=2) if heading else block
