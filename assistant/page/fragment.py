"""An article as an HTML fragment: the quoted words marked, where it has them from, and what to read or ask next."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assistant.page.about import asking, facts, related_links
from assistant.page.escaping import in_fragment
from assistant.page.references import with_link
from index.types import Document, Span

__all__ = ["article", "sentence"]

APART = re.compile(r"\n[^\S\n]*\n\s*")  # what stands between two paragraphs


def article(document: Document, quote: Span | None = None, related: Sequence[tuple[str, str]] = ()) -> str:
    """Title, date, text and sources of `document`; `quote`, a span of its text, is marked wherever it has words.

    `related` are links and titles of other articles.
    """
    date = f'<p class="date">{in_fragment(document.date)}</p>' if document.date else ""
    parts = [f'<h2 dir="auto">{in_fragment(document.title or document.doc_id)}</h2>', date, facts(document)]
    marked, noted = False, quote is None
    for block in blocks(document.text):
        tag = "h3" if any(h.start < block.end and block.start < h.end for h in document.headings) else "p"
        parts.append(f'<{tag} dir="auto">{with_mark(document.text, block, quote, first=not marked)}</{tag}>')
        marked = marked or bool(quote and overlap(block, quote))
        if quote and not noted and block.end >= quote.end:
            parts.append(onward(document, quote))
            noted = True
    sources = [source for source in document.metadata.get("sources") or () if isinstance(source, Mapping)]
    return "".join([*parts, asking(document), related_links(related), listed(sources)])


def sentence(text: str) -> str:
    """A fragment that says one thing, where there is no article to show."""
    return f'<p class="notice">{in_fragment(text)}</p>'


def blocks(text: str) -> Iterator[Span]:
    """The paragraphs and headings of a text: all of it but the blank lines."""
    start = 0
    for gap in [*APART.finditer(text), None]:
        end = gap.start() if gap else len(text)
        if text[start:end].strip():
            yield Span(start, end)
        start = gap.end() if gap else end


def overlap(block: Span, quote: Span) -> Span | None:
    """The part of a block that is quoted."""
    start, end = max(block.start, quote.start), min(block.end, quote.end)
    return Span(start, end) if start < end else None


def with_mark(text: str, block: Span, quote: Span | None, first: bool) -> str:
    """A block's text as HTML; the first mark of an article is the one that is scrolled to and focused."""
    part = overlap(block, quote) if quote else None
    if not part:
        return in_fragment(text[block.start : block.end])
    before, inside, after = text[block.start : part.start], text[part.start : part.end], text[part.end : block.end]
    identity = ' id="quote" tabindex="-1"' if first else ""
    return f'{in_fragment(before)}<mark class="quote"{identity}>{in_fragment(inside)}</mark>{in_fragment(after)}'


def onward(document: Document, quote: Span) -> str:
    """Where the article has the quoted words from."""
    sources = document.onward(quote)
    if not sources:
        return '<p class="onward">The article gives no source for these words.</p>'
    return f'<p class="onward">The article has this from: {"; ".join(with_link(source) for source in sources)}.</p>'


def listed(sources: list[Mapping[str, Any]]) -> str:
    """The article's list of sources."""
    if not sources:
        return ""
    items = "".join(f"<li>{with_link(source)}</li>" for source in sources)
    return f'<h3 class="sources-of">Sources of this article</h3><ol class="sources-of">{items}</ol>'
