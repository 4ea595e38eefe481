"""HTML: trafilatura finds the main text; title, date and author are kept."""

from collections.abc import Iterator
from html.parser import HTMLParser

from index.cleaning import clean
from index.errors import ReadingError
from index.readers.blocks import Block, decode, reading, title_of_name
from index.types import Reading

__all__ = ["read_html"]

DEEPEST = 255  # libxml2 drops what is nested deeper, without a word
VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
ENDS_ITSELF = frozenset("p li td tr th dt dd option".split())  # at the next of its kind in the same list or table
HOLDS = frozenset("ul ol dl table select div section article blockquote".split())


class Depth(HTMLParser):
    """How deep the elements of a page are nested; stops counting beyond what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.deepest = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One deeper."""
        if tag in VOID or self.deepest > DEEPEST:
            return
        if tag in ENDS_ITSELF:
            since = next((i for i in range(len(self.open), 0, -1) if self.open[i - 1] in HOLDS), 0)
            if tag in self.open[since:]:
                del self.open[self.open.index(tag, since) :]
        self.open.append(tag)
        self.deepest = max(self.deepest, len(self.open))

    def handle_endtag(self, tag: str) -> None:
        """Back to where the element began."""
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """`<![x]>` is a comment to a browser; Python's parser would fail."""
        return self.parse_bogus_comment(i, report)


def read_html(data: bytes, doc_id: str, source: str) -> Iterator[Reading]:
    """One document; `ReadingError` where there is no main text, or some would be lost unseen."""
    import trafilatura

    page = decode(data)
    measure = Depth()
    measure.feed(page)
    if measure.deepest > DEEPEST:
        raise ReadingError(f"its elements are nested more than {DEEPEST} deep; what lies deeper would be lost")
    found = trafilatura.bare_extraction(page, with_metadata=True, include_comments=False, include_tables=True)
    if found is None or isinstance(found, dict) or found.body is None:
        raise ReadingError("no main text was found in the page")
    title = found.title or ""
    blocks = [Block(title)]
    for element in found.body.iter("head", "p", "item", "quote", "row", "code"):
        if element.tag in ("item", "quote") and element.find(".//p") is not None:
            continue  # its paragraphs come by themselves
        text = " ".join(" ".join(element.itertext()).split())
        level = 2 if element.tag == "head" else 0
        if text and not (level and text == title):
            blocks.append(Block(text, level))
    kept, dropped = clean(blocks)
    metadata = {"author": found.author, "site": found.sitename, "url": found.url}
    yield reading(
        doc_id,
        title or title_of_name(doc_id),
        kept[1:],
        source,
        found.date or "",
        {name: value for name, value in metadata.items() if value},
        dropped,
    )
