"""HTML: trafilatura finds the main text; title, date and author are kept."""

from collections.abc import Iterator
from html.parser import HTMLParser

from index.cleaning import clean
from index.errors import ReadingError
from index.readers.blocks import Block, decode, reading, title_of_name
from index.types import Reading

__all__ = ["read_html"]

DEEPEST = 255  # libxml2 drops what is nested deeper, without a word
VOID = frozenset("area base br col embed hr img input link meta source track wbr p li td tr th dt dd option".split())


class Depth(HTMLParser):
    """How deep the elements of a page are nested; elements that need no end tag are not counted."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.deepest = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One deeper."""
        if tag not in VOID:
            self.depth += 1
            self.deepest = max(self.deepest, self.depth)

    def handle_endtag(self, tag: str) -> None:
        """One up."""
        if tag not in VOID:
            self.depth = max(0, self.depth - 1)


def read_html(data: bytes, doc_id: str, source: str) -> Iterator[Reading]:
    """One document; `ReadingError` where there is no main text, or some would be lost unseen."""
    import trafilatura

    page = decode(data)
    measure = Depth()
    measure.feed(page)
    if measure.deepest > DEEPEST:
        raise ReadingError(
            f"its elements are nested {measure.deepest} deep; what lies deeper than {DEEPEST} would be lost"
        )
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
