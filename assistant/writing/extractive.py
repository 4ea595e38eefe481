"""The extractive writer: verbatim sentences, each cited, the direct answer first, nothing twice, grouped by article."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from assistant.evidence import Evidence, dangling
from assistant.short_answers import best_short, kind_of
from assistant.types import AnswerSentence
from assistant.writing.draft import CitationList, Draft
from index.types import Document, Span

__all__ = ["Part", "choose", "write_extract"]

FEWEST, MOST = 2, 6  # sentences
WORDS = 120  # words of an answer, at most, unless its first sentence has more
# Where the best sentence most likely is the answer (by the reader's logit; unread, by its score), fewer words serve the
# asker; where not, the rest is needed. On the answerable gold questions (dev), all the evidence is contained in 0.70 at
# a median of 80 words; with 120 words always in 0.71 at 107 (evals/LOG.md, 2026-11-26).
SURE, SURE_UNREAD, SURE_WORDS = -1.0, 0.6, 80
SUPPORTS = -3.0  # the reader's logit from which a third sentence may follow an answer that is sure
NEAR_BEST = 0.5  # share of the best sentence's score that a further one must reach, with what it adds
NEW = 0.4  # what a sentence gains for covering question words that no chosen one has
SAID, TITLED = 0.25, 0.6  # what is left of a question word's weight once a sentence, or only its title, had it
LEADING = 8  # best sentences among which the one with the likeliest short answer may come first
SAYS = 0.7  # what a likelihood of 1 adds to a sentence's score; gold dev is the same from 0.5 to 0.8
SAME = 0.86  # cosine from which two sentences say the same thing


@dataclass(frozen=True, slots=True)
class Part:
    """One of the things that a question asks, with its own evidence, best first."""

    question: str
    evidence: Sequence[Evidence]


@dataclass(frozen=True, slots=True)
class Lead:
    """A sentence that answers a question, or a part of one, most directly, and the short answer in it."""

    evidence: Evidence
    short: Span | None


def write_extract(
    evidence: Sequence[Evidence],
    document: Callable[[str], Document],
    question: str = "",
    weigh: Callable[[str], Mapping[str, float]] = lambda _: {},
    parts: Sequence[Part] = (),
) -> Draft:
    """The chosen sentences as an answer; `evidence` is best first, `weigh` gives a question's stems their rarity.

    The sentence that answers most directly comes first; of a question with parts, one for each. Where a question, or a
    part, asks when, who, where or how many, the short answer is marked.
    """
    leads: list[Lead] = []
    for part in parts or (Part(question, evidence),):
        said_already = [lead.evidence for lead in leads]
        left = [each for each in part.evidence if not said(each, said_already)]
        if left:
            leads.append(direct(left[:LEADING], part.question, weigh(part.question)))
    known = [lead.evidence for lead in leads if parts or lead.short]
    chosen = choose(evidence, known)
    if leads and not known:
        leads = [Lead(max(chosen, key=lambda e: e.score), None)]
    ordered = in_order(chosen, [lead.evidence for lead in leads])
    short = {lead.evidence.sentence.key: lead.short for lead in leads}
    citations = CitationList(document)
    sentences: list[AnswerSentence] = []
    several = len({each.sentence.doc_id for each in ordered}) > 1
    before = ""
    for each in ordered:
        doc_id = each.sentence.doc_id
        number = citations.cite(doc_id, Span(each.sentence.start, each.sentence.end))
        named = each.passage.title if several and doc_id != before else ""
        marked = short.get(each.sentence.key)
        sentences.append(AnswerSentence(each.sentence.text, "quoted", (number,), marked, named))
        before = doc_id
    return Draft(tuple(sentences), tuple(citations.citations))


def direct(evidence: Sequence[Evidence], question: str, rarity: Mapping[str, float]) -> Lead:
    """The sentence that answers most directly: by its score, and the likelihood of its short answer if one is asked."""
    kind = kind_of(question)
    best = max(evidence, key=lambda each: each.score)
    if not kind:
        return Lead(best, None)
    found = [(each, best_short(kind, each.sentence.text, rarity, question=question)) for each in evidence]
    marked = [(each.score + SAYS * short[0], each, short[1]) for each, short in found if short]
    if not marked:
        return Lead(best, None)
    _, each, span = max(marked, key=lambda one: one[0])
    return Lead(each, span)


def choose(evidence: Sequence[Evidence], leads: Sequence[Evidence] = ()) -> list[Evidence]:
    """Two to six sentences, the leads first: each the best by its score and the question words that it adds."""
    if not evidence:
        return []
    at = {(each.sentence.doc_id, each.sentence.key): each for each in evidence}
    best = evidence[0].score
    sure = is_sure(evidence[0])
    most = SURE_WORDS if sure else WORDS
    left: dict[str, float] = {}
    chosen: list[Evidence] = []
    first = list(leads)
    rest = list(evidence)
    while rest and len(chosen) < MOST:
        worth = {id(each): each.score + NEW * adds(each, left) for each in rest}
        rest.sort(key=lambda each: -worth[id(each)])
        words = sum(len(one.sentence.text.split()) for one in chosen)
        able = (e for e in rest if not said(e, chosen) and fits(e, len(chosen), words, most))
        each = next((e for e in able if len(chosen) < FEWEST or not sure or may_support(e)), None)
        if first:
            each = first.pop(0)
            if chosen and not fits(each, 1, words, WORDS):
                continue
        elif each is None or (len(chosen) >= FEWEST and worth[id(each)] < NEAR_BEST * best):
            break
        words += len(each.sentence.text.split())
        chosen += [before for before in pointed_to(each, at, chosen) if fits(before, 1, words, WORDS)]
        chosen.append(each)
        rest = [one for one in rest if one.sentence.key != each.sentence.key]
        for stem in each.covers:
            left[stem] = left.get(stem, 1.0) * (SAID if stem in each.stems else TITLED)
    return chosen


def pointed_to(
    each: Evidence, at: Mapping[tuple[str, int], Evidence], chosen: Sequence[Evidence]
) -> Iterator[Evidence]:
    """The sentence before one that points back, where it is known, new, and there is room for both."""
    before = at.get((each.sentence.doc_id, each.sentence.key - 1))
    if before and before not in chosen and len(chosen) + 1 < MOST and dangling(each.sentence.text):
        yield from () if said(before, [*chosen, each]) else (before,)


def is_sure(best: Evidence) -> bool:
    """Whether the best sentence most likely answers."""
    return best.score >= SURE_UNREAD if best.answers is None else best.answers >= SURE


def may_support(each: Evidence) -> bool:
    """Whether a further sentence has to do with what was asked, where the answer is sure already."""
    return each.answers is None or each.answers >= SUPPORTS


def adds(each: Evidence, left: Mapping[str, float]) -> float:
    """The share of the question's weight that the sentence covers, less what chosen ones have covered; in [0, 1]."""
    return sum(share * left.get(stem, 1.0) for stem, share in each.covers.items())


def fits(each: Evidence, chosen: int, words: int, most: int) -> bool:
    """Whether the answer stays within its words: the first sentence always, the second within `WORDS`."""
    return not chosen or words + len(each.sentence.text.split()) <= (WORDS if chosen < FEWEST else most)


def in_order(chosen: Sequence[Evidence], leads: Sequence[Evidence]) -> list[Evidence]:
    """The leads first, each with its article's other sentences in their order, then other articles, the best first.

    A lead that points back comes after the sentence it points to.
    """
    articles = [each.sentence.doc_id for each in [*leads, *sorted(chosen, key=lambda e: -e.score)]]
    first: dict[int, int] = {}
    for place, lead in enumerate(leads):
        if dangling(lead.sentence.text):
            first.setdefault(lead.sentence.key - 1, place)
        first.setdefault(lead.sentence.key, place)
    last = len(leads)
    return sorted(
        chosen,
        key=lambda e: (articles.index(e.sentence.doc_id), first.get(e.sentence.key, last), e.sentence.start),
    )


def said(candidate: Evidence, chosen: Sequence[Evidence]) -> bool:
    """Whether a chosen sentence says the same: the same words, or nearly the same meaning."""
    words = candidate.sentence.text.casefold().split()
    return any(
        words == one.sentence.text.casefold().split() or float(candidate.vector @ one.vector) >= SAME for one in chosen
    )
