"""recall@k of evidence passages over the gold questions, by type: what an answer must rest on, and is found."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from assistant.conversation import understand
from assistant.retrieval import Retriever
from evals.questions import TYPES, Question, lost, span_of
from index.filters import Filters
from index.progress import Progress, silent
from index.types import Document, Passage, Span

__all__ = ["CUTOFFS", "EvidenceRecall", "Place", "by_type", "evidence_recall", "held", "holds", "places"]

CUTOFFS = (5, 10)

Place = tuple[str, Span]  # a doc_id and what it says there


@dataclass(frozen=True, slots=True)
class EvidenceRecall:
    """One question: the share of its evidence covered by the first k passages, for each k of `CUTOFFS`; in [0, 1]."""

    question: Question
    recall: Mapping[int, float]


def evidence_recall(
    questions: Sequence[Question], documents: Mapping[str, Document], retriever: Retriever, progress: Progress = silent
) -> list[EvidenceRecall]:
    """Each answerable question asked as an asker would: a follow-up with its history. Passages count when they cover
    the whole quote, or one of its alternatives.
    """
    answerable = [each for each in questions if each.answerable]
    found = []
    with progress("asking", len(answerable)) as advance:
        for each in answerable:
            asked = understand(each.question, each.history)
            passages = [p.passage for p in retriever.retrieve(asked, max(CUTOFFS), Filters()).passages]
            wanted = places(each, documents.__getitem__)
            recall = {k: fmean(held(choices, passages[:k]) for choices in wanted) for k in CUTOFFS}
            found.append(EvidenceRecall(each, recall))
            advance()
    return found


def places(question: Question, document: Callable[[str], Document]) -> list[list[Place]]:
    """For each piece of evidence where its quote and its alternatives stand; `EvalsError` where none of them does."""
    found = []
    for evidence in question.evidence:
        spans = [(doc_id, span_of(document(doc_id), quote)) for doc_id, quote in evidence.choices]
        found.append([(doc_id, span) for doc_id, span in spans if span])
        if not found[-1]:
            raise lost(question, evidence)
    return found


def held(choices: Sequence[Place], passages: Sequence[Passage]) -> bool:
    """Whether a passage holds one of the quotes whole."""
    return any(holds(passage, doc_id, span) for doc_id, span in choices for passage in passages)


def holds(passage: Passage, doc_id: str, span: Span) -> bool:
    """Whether the span lies in the passage."""
    return passage.doc_id == doc_id and passage.start <= span.start and span.end <= passage.end


def by_type(found: Sequence[EvidenceRecall]) -> list[tuple[str, int, dict[int, float]]]:
    """(type, questions, mean recall at each k), and a last row for all."""
    groups = {name: [each for each in found if each.question.type == name] for name in TYPES}
    groups["all"] = list(found)
    return [
        (name, len(group), {k: fmean(each.recall[k] for each in group) for k in CUTOFFS})
        for name, group in groups.items()
        if group
    ]
