"""Where the evidence of gold questions stands in the articles of one index, whatever has become of them."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from evals.evidence import Place
from evals.questions import Evidence, Question
from index.protocol import Index
from index.sentences import sentence_spans
from index.types import Span

__all__ = ["Places", "reads_now", "standing"]

Places = tuple[tuple[Place, ...], ...]  # for each piece of evidence, where its quote or an alternative stands
ALIKE = 0.6  # difflib's ratio, in [0, 1], from which a sentence may be the quote, edited


def standing(questions: Sequence[Question], index: Index) -> dict[str, Places]:
    """By question id. A quote is looked for in its own article, and where that has it no more, in all the others: what
    was moved to another article, or whose article has another id now, has not vanished.
    """
    quotes: dict[str, set[str]] = {}
    for each in questions:
        for piece in each.evidence:
            for doc_id, quote in piece.choices:
                quotes.setdefault(doc_id, set()).add(quote)
    known = [each.doc_id for each in index.summaries()]
    found: dict[tuple[str, str], list[Place]] = {}
    for doc_id in quotes.keys() & set(known):
        text = index.document(doc_id).text
        found |= {(doc_id, quote): [(doc_id, span) for span in spans(text, quote)] for quote in quotes[doc_id]}
    lost = {quote for doc_id, of in quotes.items() for quote in of if not found.get((doc_id, quote))}
    elsewhere: dict[str, list[Place]] = {quote: [] for quote in lost}
    for doc_id in known if lost else ():
        text = index.document(doc_id).text
        for quote in lost:
            elsewhere[quote] += [(doc_id, span) for span in spans(text, quote)]

    def places(piece: Evidence) -> tuple[Place, ...]:
        every = [place for choice in piece.choices for place in found.get(choice) or elsewhere[choice[1]]]
        return tuple(dict.fromkeys(every))

    return {each.id: tuple(places(piece) for piece in each.evidence) for each in questions}


def spans(text: str, quote: str) -> Iterator[Span]:
    """Each place where the quote stands."""
    start = text.find(quote)
    while start >= 0:
        yield Span(start, start + len(quote))
        start = text.find(quote, start + 1)


def reads_now(piece: Evidence, index: Index) -> str:
    """The sentence of its own article that is most like the quote; empty where none is like it, or the article gone."""
    if piece.doc_id not in {each.doc_id for each in index.summaries()}:
        return ""
    text = index.document(piece.doc_id).text
    sentences = []
    start = 0
    for paragraph in text.split("\n\n"):
        sentences += [text[each.start : each.end] for each in sentence_spans(text, start, start + len(paragraph))]
        start += len(paragraph) + 2
    return next(iter(get_close_matches(piece.quote, sentences, 1, ALIKE)), "")
