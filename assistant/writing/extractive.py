"""The extractive writer: verbatim sentences, each cited, the direct answer first, nothing twice, grouped by article."""

from collections.abc import Callable, Mapping, Sequence

from assistant.evidence import Evidence, dangling
from assistant.short_answers import asks_time, kind_of, short_answer
from assistant.types import AnswerSentence
from assistant.writing.draft import CitationList, Draft
from index.types import Document, Span

__all__ = ["choose", "write_extract"]

FEWEST, MOST = 2, 6  # sentences
WORDS = 120  # words of an answer, at most, unless its first two sentences have more
# From this score on, the best sentence most likely is the answer, and fewer words serve the reader; below it the rest
# is needed. On the answerable gold questions (dev), all the evidence is contained in 0.64 at a median of 88 words; with
# 80 words in 0.64 at 84, with a bar of 0.65 in 0.64 at 109, of 0.55 in 0.60 at 79.
SURE, SURE_WORDS = 0.6, 88
NEAR_BEST = 0.7  # share of the best sentence's score that a further one must reach, with what it adds
NEW = 0.6  # what a sentence gains for covering question words that no chosen one has
SAID, TITLED = 0.25, 0.6  # what is left of a question word's weight once a sentence, or only its title, had it
SAME = 0.86  # cosine from which two sentences say the same thing


def write_extract(
    evidence: Sequence[Evidence],
    document: Callable[[str], Document],
    question: str = "",
    rarity: Mapping[str, float] | None = None,
) -> Draft:
    """The chosen sentences as an answer; `evidence` is best first, `rarity` weighs the question's stems.

    Where the question asks when, who, where or how many, the best sentence that says it comes first, and it is marked.
    """
    chosen = choose(evidence)
    lead, short = direct(chosen, question, rarity or {})
    ordered = in_order(chosen, lead)
    citations = CitationList(document)
    sentences: list[AnswerSentence] = []
    several = len({each.sentence.doc_id for each in ordered}) > 1
    before = ""
    for each in ordered:
        doc_id = each.sentence.doc_id
        number = citations.cite(doc_id, Span(each.sentence.start, each.sentence.end))
        named = each.passage.title if several and doc_id != before else ""
        marked = short if each is lead else None
        sentences.append(AnswerSentence(each.sentence.text, "quoted", (number,), marked, named))
        before = doc_id
    return Draft(tuple(sentences), tuple(citations.citations))


def direct(
    chosen: Sequence[Evidence], question: str, rarity: Mapping[str, float]
) -> tuple[Evidence | None, Span | None]:
    """The sentence that answers most directly, and its short answer; the best one where none has the form asked for."""
    kind = kind_of(question)
    if kind:
        for each in sorted(chosen, key=lambda e: -e.score):
            if span := short_answer(kind, each.sentence.text, rarity, asks_time(question)):
                return each, span
    return max(chosen, key=lambda e: e.score, default=None), None


def choose(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Two to six sentences, the best first: each the best by its score and the question words that it adds."""
    if not evidence:
        return []
    at = {(each.sentence.doc_id, each.sentence.key): each for each in evidence}
    best = evidence[0].score
    most = SURE_WORDS if best >= SURE else WORDS
    left: dict[str, float] = {}
    chosen: list[Evidence] = []
    rest = list(evidence)
    while rest and len(chosen) < MOST:
        worth = {id(each): each.score + NEW * adds(each, left) for each in rest}
        rest.sort(key=lambda each: -worth[id(each)])
        words = sum(len(one.sentence.text.split()) for one in chosen)
        each = next((e for e in rest if not said(e, chosen) and fits(e, len(chosen), words, most)), None)
        if each is None or (len(chosen) >= FEWEST and worth[id(each)] < NEAR_BEST * best):
            break
        before = at.get((each.sentence.doc_id, each.sentence.key - 1))
        if before and before not in chosen and len(chosen) + 1 < MOST and dangling(each.sentence.text):
            chosen += [] if said(before, [*chosen, each]) else [before]
        chosen.append(each)
        rest.remove(each)
        for stem in each.covers:
            left[stem] = left.get(stem, 1.0) * (SAID if stem in each.stems else TITLED)
    return chosen


def adds(each: Evidence, left: Mapping[str, float]) -> float:
    """The share of the question's weight that the sentence covers, less what chosen ones have covered; in [0, 1]."""
    return sum(share * left.get(stem, 1.0) for stem, share in each.covers.items())


def fits(each: Evidence, chosen: int, words: int, most: int) -> bool:
    """Whether the answer stays within its words; the first two sentences always may come."""
    return chosen < FEWEST or words + len(each.sentence.text.split()) <= most


def in_order(chosen: Sequence[Evidence], lead: Evidence | None) -> list[Evidence]:
    """The lead first, then its article's other sentences in their order, then the other articles, the best first.

    A lead that points back comes after the sentence it points to.
    """
    if lead is None:
        return []
    articles = [lead.sentence.doc_id, *(each.sentence.doc_id for each in sorted(chosen, key=lambda e: -e.score))]
    first = {lead.sentence.key}
    if dangling(lead.sentence.text):
        first.add(lead.sentence.key - 1)
    return sorted(
        chosen,
        key=lambda e: (
            articles.index(e.sentence.doc_id),
            not (e.sentence.doc_id == lead.sentence.doc_id and e.sentence.key in first),
            e.sentence.start,
        ),
    )


def said(candidate: Evidence, chosen: Sequence[Evidence]) -> bool:
    """Whether a chosen sentence says the same: the same words, or nearly the same meaning."""
    words = candidate.sentence.text.casefold().split()
    return any(
        words == one.sentence.text.casefold().split() or float(candidate.vector @ one.vector) >= SAME for one in chosen
    )
