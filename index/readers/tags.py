"""A page's tags, texts and comments one after the other, in linear time whatever the page holds."""

import html
import re
from collections.abc import Generator, Iterator

__all__ = ["Token", "attributes_of", "tokens"]

RAW = frozenset("script style textarea title xmp iframe noembed noframes".split())  # no tags within
TAG = re.compile(r"</?([a-zA-Z][^\s/>]*)")
ATTRIBUTE = re.compile(r"([^\s=/>\"']+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?")
ENDING = re.compile("[\"'>]")
LONGEST = 10_000  # characters of a tag whose attributes are read
Token = tuple[str, str, str]  # kind (text, open, close, raw, comment), name of the element, text or attributes


def tokens(page: str) -> Iterator[Token]:
    """Tags, texts and comments in order; each character is looked at a few times at most.

    What is not closed runs on to the end of the page, as it does in a browser.
    """
    position = 0
    while position < len(page):
        start = page.find("<", position)
        start = len(page) if start < 0 else start
        if start > position:
            yield "text", "", page[position:start]
        if start == len(page):
            return
        if page.startswith(("<!", "<?"), start):
            begin, end = ("<!--", "-->") if page.startswith("<!--", start) else ("<!", ">")
            position = after(page, end, start + len(begin))
            if begin == "<!--":
                yield "comment", "", page[start + len(begin) : position].removesuffix(end)
        elif found := TAG.match(page, start):
            position = yield from tag(page, found)
        else:
            yield "text", "", "<"
            position = start + 1


def tag(page: str, found: re.Match[str]) -> Generator[Token, None, int]:
    """The token of one tag, and of the raw text behind it; gives the place after them."""
    name = found[1].lower()
    end = end_of_tag(page, found.end())
    if not end:
        yield "comment", "a tag that does not end", page[found.start() :]
        return len(page)
    if page[found.start() + 1] == "/":
        yield "close", name, ""
        return end
    yield "open", name, page[found.end() : end - 1]
    if name in RAW:
        close = re.compile(f"</{name}\\b", re.I).search(page, end)
        inside = close.start() if close else len(page)
        yield "raw", name, page[end:inside]
        end = inside
    return end


def after(page: str, mark: str, start: int) -> int:
    """The place after the next `mark`, or the end of the page."""
    found = page.find(mark, start)
    return len(page) if found < 0 else found + len(mark)


def end_of_tag(page: str, start: int) -> int:
    """The place after the tag's `>`, one within quotes apart; 0 where there is none."""
    position = start
    for found in ENDING.finditer(page, start):
        if found.start() < position:
            continue
        if found[0] == ">":
            return found.end()
        position = page.find(found[0], found.end()) + 1
        if not position:
            break
    return 0


def attributes_of(text: str) -> dict[str, str]:
    """Names in lower case, and values; the first of two counts."""
    found: dict[str, str] = {}
    for each in ATTRIBUTE.finditer(text[:LONGEST]):
        found.setdefault(each[1].lower(), html.unescape(each[2] or each[3] or each[4] or ""))
    return found
