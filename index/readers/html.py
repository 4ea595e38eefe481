"""HTML: trafilatura finds the main text; title, date and author are kept; what the page does not show is left out."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from index.cleaning import clean
from index.errors import ReadingError
from index.readers.blocks import Block, reading, title_of_name
from index.readers.deep import BLOCKS, read_deep
from index.readers.encoding import text_of
from index.readers.hidden import PAPER, Colour, Sheet, background_of, styles, unseen, why_hidden
from index.readers.tags import tokens
from index.types import Dropped, Reading

if TYPE_CHECKING:
    from lxml.html import HtmlElement

__all__ = ["read_html"]

MOST = 25_000  # elements; trafilatura took 2 s for 20,000 paragraphs and 5 s for 40,000
MANY = f"it has more than {MOST:,} elements"
HEAD = 100_000  # characters in which a page has said its title and date
NO_TEXT = "no main text was found in the page"
PARTS = frozenset("body main head p list item quote table row code".split())  # trafilatura's
BREAKS = frozenset({"br", "td", "th"})
NO_WORDS = frozenset("head script style svg iframe".split())
GONE = "backchannel-hidden"  # the name under which hidden elements are taken out together


def read_html(data: bytes, doc_id: str, source: str) -> Iterator[Reading]:
    """One document; `ReadingError` where there is no main text."""
    page, said = text_of(data, markup=True)
    tree, why = parsed(page)
    sheet = Sheet("\n".join(each.text or "" for each in tree.iter("style")))
    if why:
        blocks, dropped = read_deep(page, sheet)
        title, date, metadata = named(parsed(page[:HEAD])[0])
        blocks = [block for block in blocks if not (block.level and block.text == title)]
        dropped.insert(
            0, Dropped("read tag by tag", f"{why}, so what stands around the article is in its text as well")
        )
    else:
        dropped = [*beside(page), *prune(tree, sheet)]
        shown = words_of(tree)
        title, blocks, date, metadata = main_text(tree)
        if (rest := shown - sum(len(block.text.split()) for block in blocks)) > 0:
            dropped.append(Dropped("outside the main text", f"{rest:,} of {shown:,} words of the page"))
    kept, furniture = clean([Block(title), *blocks])
    yield reading(
        doc_id,
        title or title_of_name(doc_id),
        kept[1:],
        source,
        date,
        {name: value for name, value in metadata.items() if value},
        [*said, *dropped, *furniture],
    )


def parsed(page: str) -> "tuple[HtmlElement, str]":
    """The page as a tree, and why that does not do, or ""; `ReadingError` where nothing is in the page.

    libxml2 drops what is nested deeper than 255, and all that comes after it: only its log says so.
    """
    from lxml import etree, html

    parser = html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False, default_doctype=False
    )
    try:
        tree = html.document_fromstring(page.encode(), parser=parser)
    except etree.ParserError as error:
        raise ReadingError(NO_TEXT) from error
    fatal = [str(each.message) for each in parser.error_log.filter_from_fatals()]
    if fatal:
        return tree, "it is nested too deep" if "depth" in fatal[-1] else "it is too large for a tree"
    return tree, MANY if sum(1 for _ in tree.iter("*")) > MOST else ""


def prune(tree: "HtmlElement", sheet: Sheet) -> list[Dropped]:
    """Takes hidden elements out of the tree; gives their texts."""
    from lxml import etree

    dropped: list[Dropped] = []
    gone: list[HtmlElement] = []
    walk = etree.iterwalk(tree, events=("start",))
    for _, element in walk:
        if how := hiding(element, sheet):
            dropped += unseen(f"hidden ({how})", "".join(element.itertext()))
            gone.append(element)
            walk.skip_subtree()
    for element in gone:
        element.tag = GONE
    etree.strip_elements(tree, GONE, with_tail=False)
    return dropped


def beside(page: str) -> Iterator[Dropped]:
    """What a page says in comments, those for old browsers apart, and in a tag that does not end."""
    for kind, name, text in tokens(page):
        if kind == "comment" and not text.startswith(("[if", "<![endif")):
            yield from unseen(name or "comment", text)


def words_of(tree: "HtmlElement") -> int:
    """How many words a page shows, its title not counted."""
    from lxml import etree

    parts: list[str] = []
    walk = etree.iterwalk(tree, events=("start", "end"))
    for event, element in walk:
        if event == "end":
            parts.append(element.tail or "")
        elif element.tag in NO_WORDS:
            walk.skip_subtree()
        else:
            parts.append(element.text or "")
        if element.tag in BLOCKS or element.tag in BREAKS:
            parts.append(" ")
    return len("".join(parts).split())


def hiding(element: "HtmlElement", sheet: Sheet) -> str:
    """How an element is hidden, or ""."""
    attributes: Mapping[str, str] = element.attrib
    looks = styles(element.tag, attributes, sheet)
    paper = behind(element, sheet) if "color" in looks else PAPER
    how = why_hidden(element.tag, attributes, looks, paper)
    name = how.partition(":")[0]
    if name in ("font-size", "visibility"):  # an element within may show itself again
        for each in element.iterdescendants("*"):
            looks = styles(each.tag, each.attrib, sheet)
            if name in looks and not why_hidden(each.tag, each.attrib, {name: looks[name]}):
                return ""
    return how


def behind(element: "HtmlElement", sheet: Sheet) -> Colour | None:
    """The colour that the nearest element around it lays behind its text."""
    for each in element.iterancestors():
        looks = styles(each.tag, each.attrib, sheet)
        if "background" in looks or "background-color" in looks:
            return background_of(looks, None)
    return PAPER


def main_text(tree: "HtmlElement") -> tuple[str, list[Block], str, dict[str, Any]]:
    """Title, blocks, date and metadata, as trafilatura finds them."""
    import trafilatura

    found = trafilatura.bare_extraction(tree, with_metadata=True, include_comments=False, include_tables=True)
    if found is None or isinstance(found, dict) or found.body is None:
        raise ReadingError(NO_TEXT)
    title = found.title or ""
    blocks = [block for block in blocks_of(found.body) if not (block.level and block.text == title)]
    return title, blocks, found.date or "", about(found)


def blocks_of(body: Any) -> Iterator[Block]:
    """The blocks of trafilatura's tree; words that stand beside its elements are blocks as well."""
    from lxml import etree

    line: list[str] = []
    level = 0
    for event, element in etree.iterwalk(body, events=("start", "end")):
        if element.tag in PARTS:
            if text := " ".join("".join(line).split()):
                yield Block(text, level)
            line = []
            level = 2 if event == "start" and element.tag == "head" else 0
        line.append(" " if element.tag in ("cell", "lb") else "")
        line.append((element.text if event == "start" else element.tail) or "")


def named(tree: "HtmlElement") -> tuple[str, str, dict[str, Any]]:
    """Title, date and metadata of a page whose tree is not whole: they stand at its head."""
    import trafilatura

    found = trafilatura.extract_metadata(tree)
    return found.title or "", found.date or "", about(found)


def about(found: Any) -> dict[str, Any]:
    """Who wrote the page, and where."""
    return {"author": found.author, "site": found.sitename, "url": found.url}
