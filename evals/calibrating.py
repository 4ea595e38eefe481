"""Fits the coefficients of abstention on the gold questions, and says by cross-validation what they are worth.

Ridge-penalised logistic regression on standardised features; Platt, "Probabilistic Outputs for Support Vector
Machines", 1999, for reading its output as a probability.
"""

import datetime
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.abstention import READ, UNREAD, features
from assistant.answering import Assistant
from evals.answers import Answers, ask_gold
from evals.collections import Collection
from evals.confidence import Trust, logistic, trust
from evals.errors import EvalsError
from evals.questions import Question
from index.filters import Filters
from index.generation import replace
from index.progress import Progress, silent

__all__ = ["Calibrated", "calibrate", "fit", "write_coefficients"]

FOLDS = 6
PENALTY = 10.0  # of the squared standardised weights, so that 180 questions do not fit their noise
FOREIGN = 60  # questions of each foreign collection
FOREIGN_WEIGHT = 0.2  # of all foreign questions together, against the gold ones: they are easy, and must not decide
REFUSED = 0.08  # the share of answerable questions that the threshold may refuse

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Coefficients by name (`bias` and `READ` or `UNREAD`), and the cross-validated worth of such a fit.

    `threshold` is the highest at which at most 8 % of the answerable questions are refused; `foreign_answered` is the
    share of foreign questions above it.
    """

    coefficients: Mapping[str, float]
    questions: int
    foreign: int
    threshold: float
    trust: Trust
    foreign_answered: float

    def to_json(self) -> dict[str, Any]:
        """One part of `abstention.json`, but for the date."""
        figures = {name: getattr(self.trust, name) for name in ("auroc", "brier", "skill", "slope")}
        return {
            "coefficients": {name: round(value, 4) for name, value in self.coefficients.items()},
            "fitted": {
                "on": f"{self.questions} gold questions (dev), {self.foreign} questions of other collections",
                "cross_validated": {name: str(each) for name, each in figures.items()},
                "threshold": self.threshold,
                "wrongly_answered": str(self.trust.wrongly_answered),
                "wrongly_refused": str(self.trust.wrongly_refused),
                "foreign_answered": round(self.foreign_answered, 3),
            },
        }


def calibrate(
    assistant: Assistant,
    questions: Sequence[Question],
    foreign: Sequence[Collection] = (),
    progress: Progress = silent,
    seed: int = 0,
) -> Calibrated:
    """Fits on the questions; `foreign` collections hold questions that the articles surely do not answer."""
    answers: Answers = ask_gold(assistant, questions, "dev", progress, seed)
    rows = [values(assistant, each.answer.question, each.answer.understood) for each in answers.judged]
    right = np.array([each.right for each in answers.judged])
    answerable = np.array([each.question.answerable for each in answers.judged])
    if right.all() or not right.any():
        raise EvalsError("All questions came out alike, so there is nothing to fit. Fit on both kinds of questions")
    texts = [text for each in foreign for text in sample(each, seed)]
    others = [values(assistant, text, text) for text in texts]
    x = np.array([*rows, *others])
    y = np.append(right, np.zeros(len(others), dtype=bool))
    weight = np.ones(len(y))
    if others:
        weight[len(rows) :] = FOREIGN_WEIGHT * len(rows) / len(others)
    held = cross_validated(x, y, weight, seed)
    own, strange = held[: len(rows)], held[len(rows) :]
    threshold = highest_threshold(own[answerable])
    return Calibrated(
        dict(zip(("bias", *used(assistant)), fit(x, y, weight).tolist(), strict=True)),
        len(rows),
        len(others),
        threshold,
        trust(own.tolist(), answerable.tolist(), right.tolist(), (own < threshold).tolist(), threshold, seed=seed),
        float(np.mean(strange >= threshold)) if others else float("nan"),
    )


def values(assistant: Assistant, asked: str, understood: str) -> list[float]:
    """The features of a question; those of no evidence where nothing was found."""
    retrieved = assistant.retriever.retrieve(understood, assistant.settings.passages, Filters())
    evidence = assistant.evidence(asked, understood, retrieved)
    if not evidence:
        return [0.0] * len(used(assistant))
    found, _ = features(assistant.index, understood, retrieved, evidence)
    return list(found.values())


def used(assistant: Assistant) -> Mapping[str, str]:
    """The features that confidence rests on: with a reader, or without."""
    return READ if assistant.reader else UNREAD


def sample(collection: Collection, seed: int) -> list[str]:
    """Some of its questions, drawn by the seed."""
    return random.Random(seed).sample(list(collection.queries.values()), min(FOREIGN, len(collection.queries)))


def cross_validated(x: Floats, y: Bools, weight: Floats, seed: int) -> Floats:
    """(n,) probabilities, each by a fit that had not seen its question; folds are drawn by the seed."""
    fold = np.random.default_rng(seed).permutation(len(y)) % FOLDS
    found = np.empty(len(y))
    for each in range(FOLDS):
        inside = fold == each
        found[inside] = probabilities(x[inside], fit(x[~inside], y[~inside], weight[~inside]))
    return found


def fit(x: Floats, y: Bools, weight: Floats) -> Floats:
    """(1 + d,) bias and weights for (n, d) features as they are, of which the standardised weights are penalised."""
    mean = np.average(x, axis=0, weights=weight)
    scale = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weight))
    scale[scale == 0] = 1.0
    design = np.column_stack([np.ones(len(x)), (x - mean) / scale])
    found = logistic(design, y, weight, np.array([0.0, *[PENALTY] * x.shape[1]]))
    plain = found[1:] / scale
    return np.append(found[0] - plain @ mean, plain)


def probabilities(x: Floats, coefficients: Floats) -> Floats:
    """(n,) of (n, d) features."""
    return np.asarray(1 / (1 + np.exp(-(coefficients[0] + x @ coefficients[1:]))), dtype=np.float64)


def highest_threshold(confidence: Floats) -> float:
    """The highest at which at most `REFUSED` of these, which are answerable, are refused; two digits, rounded down."""
    allowed = int(REFUSED * len(confidence))
    return float(np.floor(np.sort(confidence)[allowed] * 100) / 100)


def write_coefficients(path: Path, found: Calibrated) -> None:
    """Writes the file that `assistant` reads, whole or not at all: its part with a reader, or that without."""
    content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    part = "read" if "reading" in found.coefficients else "unread"
    content[part] = found.to_json()
    content[part]["fitted"]["when"] = datetime.date.today().isoformat()
    replace(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
