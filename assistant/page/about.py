"""What stands around an article's text: what it is about, what to ask of it, and what else to read."""

from collections.abc import Sequence

from assistant.page.escaping import in_fragment, isolated
from assistant.page.labels import FACET_NAMES, facet_label, years
from assistant.page.links import article_link, asking_link, question_link
from index.errors import UnknownDocumentError
from index.filters import FACETS, period
from index.protocol import Index
from index.summaries import related as related_to
from index.summaries import several
from index.types import Document

__all__ = ["asking", "facts", "related", "related_links"]

ASKED = 4  # questions of an article that are offered
RELATED = 12  # articles that are looked up


def facts(document: Document) -> str:
    """Period, regions, topics and track, as far as they are known."""
    told = [("Period", years(*period(document)))] if "period" in document.metadata else []
    for facet in FACETS:
        values = several(document.metadata, facet)
        told.append(
            (FACET_NAMES[facet], ", ".join(isolated(facet_label(facet, " ".join(each.split()))) for each in values))
        )
    items = "".join(f"<div><dt>{name}</dt><dd>{in_fragment(value)}</dd></div>" for name, value in told if value)
    return f'<dl class="facts">{items}</dl>' if items else ""


def asking(document: Document) -> str:
    """A link that begins a question about the article, and questions that it says it answers."""
    begin = f'<a class="ask-about" href="{in_fragment(asking_link(document.doc_id))}">Ask about this article</a>'
    given = several(document.metadata, "questions")[:ASKED]
    items = "".join(
        f'<li dir="auto"><a href="{in_fragment(question_link(each))}">{in_fragment(each)}</a></li>' for each in given
    )
    return f'<div class="asking">{begin}{f"<ul>{items}</ul>" if items else ""}</div>'


def related(index: Index, document: Document) -> list[tuple[str, str]]:
    """Link and title of each article that this one names as related and that is served now."""
    generation = index.status().generation

    def served(doc_id: str) -> Document | None:
        try:
            return index.document(doc_id)
        except UnknownDocumentError:
            return None

    others = related_to(document.doc_id, document.metadata, served, RELATED)
    return [(article_link(generation, each.doc_id), each.title or each.doc_id) for each in others]


def related_links(links: Sequence[tuple[str, str]]) -> str:
    """The list of them; nothing where there are none."""
    if not links:
        return ""
    items = "".join(
        f'<li dir="auto"><a href="{in_fragment(link)}">{in_fragment(title)}</a></li>' for link, title in links
    )
    return f'<h3 class="related">Related articles</h3><ul class="related">{items}</ul>'
