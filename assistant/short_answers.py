"""Where a sentence says what a question of when, who, where or how many asks for."""

import math
import re
from collections.abc import Mapping

from assistant.short_candidates import Candidate, told
from assistant.short_features import features
from assistant.short_forms import candidates
from assistant.short_questions import Asked, Kind, asks_time, focused, kind_of, read
from index.lexical import analyze
from index.types import Span

__all__ = ["Kind", "asks_time", "best_short", "kind_of", "short_answer"]

ABOUT = 0.1  # share of the weight of the question's words that a sentence must have for its short answer to be marked
LONGEST = 1000  # characters; a longer sentence is a table or rubbish, and not worth the time
# Logistic regression on the when, who, where and how-many questions of XQuAD's English part (415 questions, 240
# paragraphs), candidates of one paragraph against each other, shrunk towards what grammar says where few questions
# tell; in five folds the best candidate of a paragraph is right in 0.65, that of the gold sentence in 0.74 (F1 >= 0.5).
WEIGHTS: dict[Kind, dict[str, float]] = {
    "when": {
        "bias": 0.68,
        "according": -1.59,
        "asked_name": -0.2,
        "clause": 0.71,
        "covers": 0.6,
        "near": 0.44,
        "noun_next": -0.19,
        "same_before": 0.99,
        "words": 0.05,
    },
    "number": {
        "bias": -0.26,
        "according": -1.54,
        "asked_name": -0.19,
        "clause": 0.58,
        "counted": 0.35,
        "counted_before": 0.32,
        "counted_next": 0.54,
        "covers": 0.42,
        "money": 0.79,
        "near": 0.36,
        "noun_next": -0.13,
        "one": -0.1,
        "paren": -0.16,
        "same_before": 0.94,
        "small": -0.21,
        "unit": 0.39,
        "words": 0.11,
    },
    "who": {
        "bias": -1.71,
        "according": -1.85,
        "adjective": -0.12,
        "asked_next": 0.31,
        "asked_surname": -1.33,
        "asked_verb_next": 0.34,
        "by": 0.26,
        "by_asked": 0.58,
        "clause": 1.01,
        "common": -0.71,
        "country": -0.57,
        "covers": 0.7,
        "defines": 1.82,
        "human": 0.51,
        "name_next": -0.26,
        "near": 0.44,
        "paren": -0.09,
        "person": 0.73,
        "relative": 0.36,
        "same_before": 1.09,
        "several": 0.7,
        "single": -0.47,
        "thing": -0.18,
        "title_before": 0.26,
        "verb_next": 0.26,
        "words": -0.11,
    },
    "where": {
        "bias": -2.22,
        "according": -2.52,
        "adjective": -0.35,
        "asked_name": -0.16,
        "clause": 1.28,
        "common": -0.55,
        "country": 1.82,
        "country_not_asked": -0.14,
        "covers": 1.03,
        "in": 0.48,
        "name": 0.39,
        "near": 0.9,
        "of": -0.45,
        "paren": -0.07,
        "same_before": 1.6,
        "several": 0.41,
        "several_not_asked": 0.41,
        "single": -0.73,
        "thing": 0.56,
        "toward": 0.54,
        "verb_next": -0.11,
    },
}


def best_short(
    kind: Kind, sentence: str, rarity: Mapping[str, float], *, question: str = "", timed: bool = False
) -> tuple[float, Span] | None:
    """The likeliest short answer and how likely it is to be right, in [0, 1]; None where nothing has the form.

    `rarity` weighs the question's stems. The `question` itself tells what is counted, who does it, and which of its
    words belong to the first thing it asks; without it, `timed` asks for a length of time.
    """
    if len(sentence) > LONGEST:
        return None
    asked = read(question, kind) if question else Asked(kind, does=True, timed=timed)
    seen = told(sentence, focused(question, rarity))
    best: tuple[float, Span] | None = None
    for span in candidates(kind, sentence, asked.timed):
        stems = set(analyze(sentence[span.start : span.end]))
        one = Candidate.of(seen, span)
        if one is None or (stems and stems <= rarity.keys()):
            continue
        score = likelihood(kind, features(asked, one))
        if best is None or score > best[0]:
            best = score, span
    return (best[0], with_noun(asked, sentence, best[1])) if best else None


def likelihood(kind: Kind, found: Mapping[str, float]) -> float:
    """The logistic function of the weighted features."""
    weights = WEIGHTS[kind]
    return 1 / (1 + math.exp(-weights["bias"] - sum(weights.get(name, 0.0) * each for name, each in found.items())))


def with_noun(asked: Asked, sentence: str, span: Span) -> Span:
    """A number together with what the question counts, where that follows at once: nine rounds."""
    found = re.match(r" [\w'’-]+", sentence[span.end :])
    if found and set(analyze(found[0])) & set(asked.counted):
        return Span(span.start, span.end + found.end())
    return span


def short_answer(
    kind: Kind, sentence: str, rarity: Mapping[str, float], timed: bool = False, *, question: str = ""
) -> Span | None:
    """The span of `best_short`, None where the sentence has too few of the question's words to be about it."""
    total = sum(rarity.values())
    if total and sum(rarity[stem] for stem in rarity.keys() & set(analyze(sentence))) < ABOUT * total:
        return None
    found = best_short(kind, sentence, rarity, question=question, timed=timed)
    return found[1] if found else None
