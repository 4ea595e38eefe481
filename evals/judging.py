"""One gold question and the answer to it: what is cited, supported, short, refused. Read `judge` first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from assistant.answering import Assistant
from assistant.short_answers import kind_of
from assistant.types import Answer, Citation
from evals.evidence import CUTOFFS, Place, held, places
from evals.questions import Question
from evals.short_answers import exact_match, token_f1, token_recall
from index.protocol import Index

__all__ = ["MEASURES", "Judged", "judge"]

# Every measure is in [0, 1] and higher is better. Those of evidence and short answers are of answerable questions, 0
# where the assistant refused; citation_precision is of those it answered, supported of all it answered.
MEASURES = {
    "contained": "all the evidence is cited: for each piece a cited span covers its quote, or an alternative",
    "citation_recall": "share of the pieces of evidence that a cited span covers",
    "citation_precision": "share of the cited spans that cover a gold quote or lie in one",
    "supported": "share of the sentences that are quoted or supported, all their citations exact",
    "short_exact": "the marked short answer has the words of the gold one",
    "short_f1": "F1 of the words of the marked short answer and the gold one",
    "short_match": "questions of when, who, where, how many: that F1 is at least 0.5",
    "short_recall": "share of the words of the gold short answer that the whole answer has",
    "recall@5": "share of the pieces of evidence that the five best passages hold whole",
    "recall@10": "the same for ten",
    "answered": "answerable, and not refused",
    "refused": "unanswerable, and refused",
    "1-Brier": "1 - (confidence - outcome)²; outcome 1 where answerable and contained, had nothing been held back",
}

MATCHES = 0.5  # token F1 from which a short answer counts as the gold one


@dataclass(frozen=True, slots=True)
class Judged:
    """One question: the answer as an asker gets it, and `unheld`, the answer had abstention not held it back.

    `values` holds a value of each measure that is defined for it; `twin` those of a follow-up's standalone twin;
    `right` says whether it is answerable and `unheld` contains the evidence.
    """

    question: Question
    answer: Answer
    unheld: Answer
    values: Mapping[str, float]
    right: bool
    twin: Mapping[str, float] = field(default_factory=dict)

    @property
    def answered(self) -> bool:
        """Whether the asker got an answer."""
        return self.answer.outcome == "answered"

    @property
    def fault(self) -> str:
        """What went wrong, or nothing: the first thing that a reader would have to mend."""
        if not self.question.answerable:
            return "answered, though the articles do not say it" if self.answered else ""
        if self.values["contained"]:
            return ""
        found = self.values["recall@10"]
        if not self.answered:
            return "refused, with the evidence among the ten best passages" if found == 1 else "refused, not found"
        if found < 1:
            return "evidence not among the ten best passages" if found == 0 else "part of the evidence was not found"
        return "evidence found, but not cited" if not self.values["citation_recall"] else "part of the evidence cited"


def judge(assistant: Assistant, question: Question, answer: Answer, unheld: Answer) -> Judged:
    """One question's values."""
    wanted = places(question, assistant.index.document)
    right = question.answerable and all(covered(each, unheld.citations) for each in wanted)
    values = evidence_values(wanted, answer)
    if answer.outcome == "answered":
        values["supported"] = supported(assistant.index, answer)
    if question.answerable:
        values |= short_values(question, answer)
    values["answered" if question.answerable else "refused"] = float(
        (answer.outcome == "answered") == question.answerable
    )
    values["1-Brier"] = 1 - (answer.confidence - right) ** 2
    twin = evidence_values(wanted, assistant.ask(question.standalone)) if question.standalone and wanted else {}
    return Judged(question, answer, unheld, values, right, twin)


def evidence_values(wanted: Sequence[Sequence[Place]], answer: Answer) -> dict[str, float]:
    """The measures of evidence; none where there is none to find."""
    if not wanted:
        return {}
    cited = [covered(each, answer.citations) for each in wanted]
    values = {"contained": float(all(cited)), "citation_recall": fmean(cited)}
    if answer.citations:
        values["citation_precision"] = fmean(on_target(each, wanted) for each in answer.citations)
    for k in CUTOFFS:
        passages = [scored.passage for scored in answer.passages[:k]]
        values[f"recall@{k}"] = fmean(held(each, passages) for each in wanted)
    return values


def covered(choices: Sequence[Place], citations: Sequence[Citation]) -> bool:
    """Whether a cited span covers or equals one of the quotes."""
    return any(
        each.doc_id == doc_id and each.start <= span.start and span.end <= each.end
        for each in citations
        for doc_id, span in choices
    )


def on_target(citation: Citation, wanted: Sequence[Sequence[Place]]) -> bool:
    """Whether a citation covers a quote, or lies in one."""
    return any(
        covered(choices, [citation])
        or any(
            citation.doc_id == doc_id and span.start <= citation.start and citation.end <= span.end
            for doc_id, span in choices
        )
        for choices in wanted
    )


def supported(index: Index, answer: Answer) -> float:
    """The share of sentences quoted or supported, with at least one citation, and all of these exact."""
    exact = {
        each.number: index.document(each.doc_id).text[each.start : each.end] == each.quote for each in answer.citations
    }
    return fmean(
        each.support != "unsupported" and bool(each.citations) and all(exact[number] for number in each.citations)
        for each in answer.sentences
    )


def short_values(question: Question, answer: Answer) -> dict[str, float]:
    """The measures of short answers; an unmarked one counts as empty."""
    marked = " ".join(
        each.text[each.short.start : each.short.end] for each in answer.sentences if each.short is not None
    )
    values = {
        "short_exact": exact_match(marked, question.short_answer),
        "short_f1": token_f1(marked, question.short_answer),
        "short_recall": token_recall(answer.text, question.short_answer),
    }
    if kind_of(question.question):
        values["short_match"] = float(values["short_f1"] >= MATCHES)
    return values
