"""The extractive writer: two to five verbatim sentences, each cited, none said twice, ordered to read well."""

from collections.abc import Callable, Sequence

from assistant.evidence import Evidence, dangling
from assistant.types import AnswerSentence
from assistant.writing.draft import CitationList, Draft
from index.types import Document, Span

__all__ = ["choose", "write_extract"]

FEWEST, MOST = 2, 5  # sentences
WORDS = 120  # words after which no sentence is added
NEAR_BEST = 0.72  # share of the best sentence's score that a further one must reach
SAME = 0.86  # cosine from which two sentences say the same thing


def write_extract(evidence: Sequence[Evidence], document: Callable[[str], Document]) -> Draft:
    """The chosen sentences as an answer; `evidence` is best first."""
    citations = CitationList(document)
    sentences = []
    for each in choose(evidence):
        number = citations.cite(each.sentence.doc_id, Span(each.sentence.start, each.sentence.end))
        sentences.append(AnswerSentence(each.sentence.text, "quoted", (number,)))
    return Draft(tuple(sentences), tuple(citations.citations))


def choose(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Two to five sentences in the order of reading: the best one's article first, each article in its own order."""
    chosen: list[Evidence] = []
    at = {(each.sentence.doc_id, each.sentence.key): each for each in evidence}
    for each in evidence:
        enough = len(chosen) >= FEWEST
        words = sum(len(one.sentence.text.split()) for one in chosen)
        if len(chosen) >= MOST or (enough and (words >= WORDS or each.score < NEAR_BEST * evidence[0].score)):
            break
        before = at.get((each.sentence.doc_id, each.sentence.key - 1))
        brought = [before] if before and before not in chosen and dangling(each.sentence.text) else []
        if len(chosen) + len(brought) < MOST and not said(each, chosen):
            chosen += [one for one in (*brought, each) if not said(one, chosen)]
    articles = list(dict.fromkeys(each.sentence.doc_id for each in chosen))
    return sorted(chosen, key=lambda each: (articles.index(each.sentence.doc_id), each.sentence.start))


def said(candidate: Evidence, chosen: Sequence[Evidence]) -> bool:
    """Whether a chosen sentence says the same: the same words, or nearly the same meaning."""
    words = candidate.sentence.text.casefold().split()
    return any(
        words == one.sentence.text.casefold().split() or float(candidate.vector @ one.vector) >= SAME for one in chosen
    )
