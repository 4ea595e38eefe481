"""What every writer gives: sentences with citations whose quotes are exact."""

from collections.abc import Callable
from dataclasses import dataclass

from assistant.types import AnswerSentence, Citation
from index.types import Document, Span

__all__ = ["CitationList", "Draft", "citation_of"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A finished or growing answer; `notices` say what is to be known of how it was written.

    `withdrawn` are sentences of a language model that another writer's stand in for.
    """

    sentences: tuple[AnswerSentence, ...]
    citations: tuple[Citation, ...]
    notices: tuple[str, ...] = ()
    withdrawn: tuple[AnswerSentence, ...] = ()


class CitationList:
    """Numbers citations from 1; the same span is cited by the same number."""

    def __init__(self, document: Callable[[str], Document]) -> None:
        self.document = document
        self.citations: list[Citation] = []

    def cite(self, doc_id: str, span: Span) -> int:
        """The number of the citation of that span, made if need be."""
        for made in self.citations:
            if (made.doc_id, made.start, made.end) == (doc_id, span.start, span.end):
                return made.number
        self.citations.append(citation_of(self.document(doc_id), span, len(self.citations) + 1))
        return len(self.citations)


def citation_of(document: Document, span: Span, number: int) -> Citation:
    """The citation of a place in a document."""
    return Citation(
        number=number,
        doc_id=document.doc_id,
        version=document.version,
        title=document.title,
        source=document.source,
        date=document.date,
        start=span.start,
        end=span.end,
        quote=document.text[span.start : span.end],
        onward=tuple(document.onward(span)),
        page=document.page(span),
        also=document.addresses,
    )
