"""A model's text -> sentences, each tied to the exact spans of the passages it names, and judged by them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from assistant.instructions import void
from assistant.types import AnswerSentence, Reason, Support
from assistant.verification import Verdict, verify
from assistant.writing.draft import CitationList, Draft
from index.embedding import Vectors
from index.protocol import Index, ScoredSentence
from index.sentences import sentence_spans
from index.types import Passage, Span

__all__ = ["Citing", "cited", "split_sentences"]

MARKS = re.compile(r"\s*\[(\d+(?:\s*,\s*\d+)*)\]")
NEAREST = 3  # sentences of a passage that a written one is held against, and the best with each of its neighbours


@dataclass(frozen=True, slots=True)
class Near:
    """Words of a passage that a written sentence may rest on: a sentence of it, or two that follow one another.

    `void` says why it bears out nothing: one of them is an order to whoever writes the answer, or a question.
    """

    doc_id: str
    span: Span
    text: str
    title: str
    vector: Vectors
    single: bool
    void: Reason | None


def split_sentences(text: str) -> list[str]:
    """A model's text as sentences, each with the marks that follow it; what has no mark is split at its full stops."""
    found: list[str] = []
    for line in text.splitlines():
        for span in sentence_spans(line, 0, len(line)):
            piece = line[span.start : span.end]
            marks = re.match(r"(?:\[\d[\d, ]*\]\s*)+", piece)
            if marks and found:  # marks after the full stop belong to the sentence before
                found[-1] = f"{found[-1]} {marks[0].strip()}"
                piece = piece[marks.end() :]
            if piece:
                found.append(piece)
    return found


def cited(sentences: Sequence[str], passages: Sequence[Passage], index: Index) -> Draft:
    """Each sentence with its verdict and citations; see `Citing`."""
    return Citing(passages, index).draft(sentences)


@dataclass(frozen=True, slots=True)
class Checked:
    """A written sentence with its verdict, and the places that it cites; they are numbered within a draft."""

    text: str
    support: Support
    places: tuple[tuple[str, Span], ...]
    reasons: tuple[Reason, ...]
    invented: tuple[int, ...]


class Citing:
    """Ties the sentences of one answer to the passages that its model was sent; each is checked once, in all drafts."""

    def __init__(self, passages: Sequence[Passage], index: Index) -> None:
        self.passages = passages
        self.index = index
        self.checked: dict[str, Checked] = {}

    def draft(self, sentences: Sequence[str]) -> Draft:
        """Each sentence with its verdict, and with citations of the spans that bear it out, the nearest first."""
        citations = CitationList(self.index.document)
        made: list[AnswerSentence] = []
        for sentence in sentences:
            found = self.checked.get(sentence) or self.checked.setdefault(sentence, self.check(sentence))
            if found.text:
                marks = tuple(dict.fromkeys(citations.cite(doc_id, span) for doc_id, span in found.places))
                made.append(
                    AnswerSentence(found.text, found.support, marks, reasons=found.reasons, invented=found.invented)
                )
        return Draft(tuple(made), tuple(citations.citations))

    def check(self, sentence: str) -> Checked:
        """A sentence that names a passage that does not exist is unsupported, whatever else it names.

        An unsupported one cites the nearest sentence of each passage that it names, so that a reader can see how far
        they are apart. One of marks alone has no text.
        """
        numbers = dict.fromkeys(int(n) for group in MARKS.findall(sentence) for n in re.findall(r"\d+", group))
        text = MARKS.sub("", sentence).strip()
        if not text:
            return Checked("", "unsupported", (), (), ())
        named = [self.passages[number - 1] for number in numbers if 0 < number <= len(self.passages)]
        invented = tuple(number for number in numbers if not 0 < number <= len(self.passages))
        vector = self.index.embedder.embed_query(text)
        verdict, places = judged(text, vector, [nearest(self.index, vector, passage) for passage in named])
        support, reasons = verdict.support, verdict.reasons
        if invented:
            support, reasons = "unsupported", (*(each for each in reasons if each != "citation"), "invented")
        return Checked(text, support, tuple(places), reasons, invented)


def judged(text: str, vector: Vectors, named: Sequence[Sequence[Near]]) -> tuple[Verdict, list[tuple[str, Span]]]:
    """The verdict on a sentence by the passages that it names, and what it cites: the words that bear it out.

    An unsupported sentence cites the nearest one of each passage. An order or a question bears out nothing, and nothing
    bears it out.
    """
    verdict, among = weighed(text, vector, [near for group in named for near in group])
    if empty := tuple(reason for at in verdict.bearing if (reason := among[at].void)):
        verdict, among = weighed(text, vector, [near for group in named for near in group if not near.void])
        if verdict.support == "unsupported":
            verdict = Verdict("unsupported", reasons=empty[:1])
    if verdict.support != "unsupported" and (reason := void(text)):
        verdict = Verdict("unsupported", reasons=(reason,))
    if verdict.support == "unsupported":
        return verdict, [(group[0].doc_id, group[0].span) for group in named]
    if verdict.support == "quoted" and verdict.within:
        first = among[verdict.bearing[0]]
        start = first.span.start + verdict.within.start
        return verdict, [(first.doc_id, Span(start, start + len(text)))]
    return verdict, [(among[at].doc_id, among[at].span) for at in verdict.bearing]


def weighed(text: str, vector: Vectors, found: Sequence[Near]) -> tuple[Verdict, Sequence[Near]]:
    """The verdict by these words, and those of them that its `bearing` counts.

    Single sentences first; two that follow one another only where no single one says otherwise: in two, what was
    exchanged between them is found again.
    """
    alone = [near for near in found if near.single]
    verdict = verified(text, vector, alone)
    if verdict.support != "unsupported" or verdict.contradicted:
        return verdict, alone
    return verified(text, vector, found), found


def verified(text: str, vector: Vectors, found: Sequence[Near]) -> Verdict:
    """`verify` on these words."""
    return verify(text, vector, [n.text for n in found], [n.vector for n in found], [n.title for n in found])


def nearest(index: Index, vector: Vectors, passage: Passage) -> list[Near]:
    """The nearest sentences of a passage, the best first, then the best one with each of its neighbours."""
    inside = index.sentences(vector, [passage.key])
    ranked = sorted(inside, key=lambda each: -each.cosine)[:NEAREST]
    pairs = [pair for pair in pairwise(inside) if ranked[0] in pair]
    return [near_of(passage, run) for run in (*((one,) for one in ranked), *pairs)]


def near_of(passage: Passage, run: Sequence[ScoredSentence]) -> Near:
    """One sentence, or more that follow one another, with the mean of their vectors."""
    span = Span(run[0].sentence.start, run[-1].sentence.end)
    mean = np.mean([each.vector for each in run], axis=0)
    mean /= np.linalg.norm(mean)
    text = passage.text[span.start - passage.start : span.end - passage.start]
    empty: Reason | None = next(filter(None, (void(each.sentence.text) for each in run)), None)
    return Near(passage.doc_id, span, text, passage.title, mean, len(run) == 1, empty)
