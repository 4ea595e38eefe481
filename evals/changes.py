"""What became of gold questions: before and after a change of the articles. `Change.kind` says what is worse."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assistant.types import Answer
from evals.evidence import CUTOFFS, held
from evals.questions import Question
from evals.standing import Places

__all__ = ["KINDS", "TOP", "WORSE", "Change", "Regression", "Side"]

TOP = max(CUTOFFS)  # passages among which evidence is looked for
# A question is listed once, under the first of these that is true of it.
KINDS = {
    "vanished": "evidence that stood in the live articles, and stands in none now, nor an alternative to it",
    "moved_out": f"evidence that the first {TOP} passages held whole, and do not hold now",
    "refused": "answerable, answered before and refused now",
    "outcome": "refused before and answered now, or unanswerable and refused now",
    "answer": "the same outcome, in other sentences",
}
WORSE = ("vanished", "moved_out", "refused")


@dataclass(frozen=True, slots=True)
class Side:
    """A question asked of one index: the answer, and for each piece of its evidence where it stands there."""

    answer: Answer
    places: Places

    @property
    def answered(self) -> bool:
        """Whether the asker got an answer."""
        return self.answer.outcome == "answered"

    @property
    def said(self) -> tuple[str, ...]:
        """The sentences of the answer."""
        return tuple(each.text for each in self.answer.sentences)

    @property
    def ranks(self) -> tuple[int | None, ...]:
        """For each piece of evidence the first passage that holds it whole, from 1; None where none of `TOP` does."""
        passages = [each.passage for each in self.answer.passages[:TOP]]
        return tuple(
            next((rank for rank, each in enumerate(passages, 1) if held(choices, [each])), None)
            for choices in self.places
        )


@dataclass(frozen=True, slots=True)
class Change:
    """A gold question before and after. `reads` says what stands now in place of each piece that vanished, if anything
    like it does.
    """

    question: Question
    before: Side
    after: Side
    reads: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """One of `KINDS`, or nothing."""
        if any(was and not now for was, now in zip(self.before.places, self.after.places, strict=True)):
            return "vanished"
        if any(was and not now for was, now in zip(self.before.ranks, self.after.ranks, strict=True)):
            return "moved_out"
        if self.before.answered != self.after.answered:
            return "refused" if self.before.answered and self.question.answerable else "outcome"
        return "answer" if self.before.said != self.after.said else ""

    def to_json(self) -> dict[str, Any]:
        """The fields of one of `changes`."""
        sides = {"before": self.before, "after": self.after}
        return {
            "id": self.question.id,
            "kind": self.kind,
            "type": self.question.type,
            "question": self.question.question,
            "evidence": [
                {"doc_id": piece.doc_id, "quote": piece.quote, "reads_now": reads}
                for piece, reads in zip(self.question.evidence, self.reads, strict=True)
            ],
            **{
                name: {
                    "outcome": side.answer.outcome,
                    "confidence": side.answer.confidence,
                    "stands": [bool(places) for places in side.places],
                    "ranks": list(side.ranks),
                    "answer": list(side.said),
                }
                for name, side in sides.items()
            },
        }


@dataclass(frozen=True, slots=True)
class Regression:
    """What became of the gold questions: `changes` in their order, `absent` the ids of those whose evidence neither
    index has. `articles` are ids by what would become of them (added, removed and so on), `titles` those of the
    articles that hold evidence of the changes; `skipped` are files that cannot be read.
    """

    live: str
    questions: int
    absent: tuple[str, ...]
    changes: tuple[Change, ...]
    articles: Mapping[str, tuple[str, ...]]
    titles: Mapping[str, str]
    skipped: tuple[str, ...] = ()
    warning: str = ""

    def of(self, kind: str) -> tuple[Change, ...]:
        """The changes of a kind."""
        return tuple(each for each in self.changes if each.kind == kind)

    @property
    def worse(self) -> tuple[Change, ...]:
        """The changes for the worse."""
        return tuple(each for each in self.changes if each.kind in WORSE)

    @property
    def status(self) -> int:
        """The exit status: 0 where nothing got worse, else 1."""
        return int(bool(self.worse))

    def to_json(self) -> dict[str, Any]:
        """The fields of `eval regress --json`."""
        return {
            "live": self.live,
            "articles": {name: list(ids) for name, ids in self.articles.items()},
            "questions": self.questions,
            "absent": list(self.absent),
            "counts": {kind: len(self.of(kind)) for kind in KINDS},
            "worse": [each.question.id for each in self.worse],
            "changes": [each.to_json() for each in self.changes],
        }
