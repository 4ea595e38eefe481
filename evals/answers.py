"""The gold questions asked as an asker would, and what the answers are worth: by type, with intervals."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

import numpy as np

from assistant.answering import Assistant
from assistant.settings import AssistantSettings
from evals.collections import read_gold
from evals.confidence import Trust, trust
from evals.judging import MEASURES, Judged, judge
from evals.questions import TYPES, Question, load_questions
from evals.retrieval import indexed
from evals.statistics import Estimate, mean_estimate, paired_interval
from index.progress import Progress, silent
from index.settings import IndexSettings

__all__ = ["Answers", "Twins", "ask_gold", "measure_answers"]

TWINNED = ("contained", "citation_recall", "recall@5", "recall@10")


@dataclass(frozen=True, slots=True)
class Twins:
    """Follow-ups against their standalone twins by one measure; `difference` is follow-up minus twin."""

    measure: str
    follow_up: float
    twin: float
    difference: Estimate


@dataclass(frozen=True, slots=True)
class Answers:
    """All questions of a split, in their order. The same settings give the same figures, but for the latencies."""

    split: str
    judged: tuple[Judged, ...]
    threshold: float
    seed: int = 0

    def per_query(self) -> dict[str, dict[str, float]]:
        """Values by measure and question id, for comparing."""
        return {
            name: {each.question.id: each.values[name] for each in self.judged if name in each.values}
            for name in MEASURES
        }

    def estimate(self, measure: str, kind: str = "") -> Estimate | None:
        """The mean over the questions of a type, or over all; None where the measure is of none of them."""
        values = [
            each.values[measure] for each in self.judged if measure in each.values and kind in ("", each.question.type)
        ]
        return mean_estimate(values, seed=self.seed) if values else None

    def types(self) -> list[str]:
        """The types that occur, in the order of `TYPES`."""
        there = {each.question.type for each in self.judged}
        return [name for name in TYPES if name in there]

    def kinds(self) -> dict[str, str]:
        """By the labels of tables, all questions and each type as `estimate` and `count` take them."""
        return {"all": "", **{name: name for name in self.types()}}

    def count(self, kind: str = "") -> int:
        """How many questions are of a type, or are there at all."""
        return sum(kind in ("", each.question.type) for each in self.judged)

    def trust(self) -> Trust:
        """What `confidence` is worth."""
        return trust(
            [each.answer.confidence for each in self.judged],
            [each.question.answerable for each in self.judged],
            [each.right for each in self.judged],
            [not each.answered for each in self.judged],
            self.threshold,
            seed=self.seed,
        )

    def twins(self) -> list[Twins]:
        """Follow-ups against their twins, by each measure of `TWINNED`; none where there are no follow-ups."""
        pairs = [each for each in self.judged if each.twin]
        found = []
        for name in TWINNED if pairs else ():
            one, other = ([of[name] for of in each] for each in ([p.values for p in pairs], [p.twin for p in pairs]))
            interval = paired_interval(other, one, seed=self.seed)
            difference = Estimate(fmean(one) - fmean(other), interval, len(pairs))
            found.append(Twins(name, fmean(one), fmean(other), difference))
        return found

    def words(self) -> tuple[float, float]:
        """Median and longest answer in words, of those given; 0 where none was."""
        counts = [len(each.answer.text.split()) for each in self.judged if each.answered]
        return (float(median(counts)), float(max(counts))) if counts else (0.0, 0.0)

    def ledger(self) -> dict[str, int]:
        """The ledgers of all answers, added up: how many sentences are quoted, supported, unsupported, and so on."""
        total: Counter[str] = Counter()
        for each in self.judged:
            total.update(each.answer.ledger)
        return dict(total)

    def latency_ms(self, percent: float) -> float:
        """The time of a whole answer that `percent` of the questions stay within, in milliseconds."""
        return round(float(np.percentile([each.answer.timings_ms["total"] for each in self.judged], percent)), 2)

    def to_json(self) -> dict[str, Any]:
        """The fields of `eval answers --json`; only `latency_ms` differs between two runs."""
        return {
            "name": f"gold-{self.split}",
            "questions": len(self.judged),
            "answerable": sum(each.question.answerable for each in self.judged),
            "measures": {
                name: {
                    label: plain(found)
                    for label, kind in self.kinds().items()
                    if (found := self.estimate(name, kind)) is not None
                }
                for name in MEASURES
            },
            "abstention": trust_json(self.trust()),
            "follow_ups": {
                each.measure: {"follow_up": each.follow_up, "twin": each.twin, "difference": plain(each.difference)}
                for each in self.twins()
            },
            "ledger": self.ledger(),
            "words": dict(zip(("median", "most"), self.words(), strict=True)),
            "per_query": self.per_query(),
            "latency_ms": {"p50": self.latency_ms(50), "p95": self.latency_ms(95)},
        }


def measure_answers(
    split: str,
    indexing: IndexSettings,
    retrieval: AssistantSettings,
    progress: Progress = silent,
    seed: int = 0,
) -> Answers:
    """Indexes data/articles into the home of its evaluation (nothing where it is up to date), asks, and judges."""
    collection = read_gold(split)
    index, _ = indexed(collection, indexing, progress)
    questions = [each for each in load_questions() if each.split == split]
    return ask_gold(Assistant.over(index, retrieval), questions, split, progress, seed)


def ask_gold(
    assistant: Assistant, questions: Sequence[Question], split: str, progress: Progress = silent, seed: int = 0
) -> Answers:
    """Asks each question, follow-ups with their history and again as their twins, and judges what comes.

    What was refused is asked once more with nothing held back: the risk-coverage curve needs to know what a lower
    threshold would have let through.
    """
    open_settings = assistant.settings.model_copy(update={"abstention_threshold": 0.0})
    unheld = Assistant(assistant.index, open_settings, assistant.retriever, assistant.model, assistant.reader)
    assistant.ask(questions[0].question)  # loads what loads late
    judged = []
    with progress("questions", len(questions)) as advance:
        for each in questions:
            answer = assistant.ask(each.question, each.history)
            whole = answer if answer.outcome == "answered" else unheld.ask(each.question, each.history)
            judged.append(judge(assistant, each, answer, whole))
            advance()
    return Answers(split, tuple(judged), assistant.settings.abstention_threshold, seed)


def plain(estimate: Estimate) -> dict[str, Any]:
    """An estimate as JSON has it; null for what is not defined."""
    low, high = (estimate.interval.low, estimate.interval.high) if estimate.interval else (None, None)
    value = None if np.isnan(estimate.value) else estimate.value
    return {"value": value, "low": low, "high": high, "count": estimate.count}


def trust_json(found: Trust) -> dict[str, Any]:
    """The fields of `abstention`."""
    named = "auroc aurc brier skill slope wrongly_answered wrongly_refused".split()
    return {
        "threshold": found.threshold,
        **{name: plain(getattr(found, name)) for name in named},
        "base_brier": found.base_brier,
        "risk_coverage": [list(point) for point in found.curve],
        "reliability": [[each.confidence, each.right, each.count] for each in found.bins],
    }
