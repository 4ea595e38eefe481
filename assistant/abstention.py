"""Is the evidence enough? A first, simple rule: one logistic formula over four things that a reader would check."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.evidence import Evidence, coverage, weights
from assistant.retrieval import Retrieved
from index.lexical import STOP_WORDS, analyze
from index.searching import Index

__all__ = ["Judgment", "judge", "names_of"]

LOOKED_AT = 5  # passages that names and words of the question are looked for in
NAME = re.compile(r"\b(?:[A-Z][\w'’.-]*[A-Za-z0-9]|[A-Z]|\d{3,4}s?)\b")
# Opening words and the like that are capitalised without being names.
NOT_NAMES = STOP_WORDS | frozenset(
    "define describe explain name list tell give compare summarise summarize show".split()
)
# Logistic regression (L2, C = 10) on 760 questions: XQuAD, MuSiQue and HotpotQA questions over the XQuAD paragraphs,
# and 172 asked of the first twelve articles and the seed; AUROC 0.99 on the questions fitted. In evals/LOG.md.
BIAS, DENSE, SENTENCE, WORDS, MISSING = -10.2, 3.4, 10.1, 5.7, -3.0


@dataclass(frozen=True, slots=True)
class Judgment:
    """`confidence` in [0, 1] that the articles answer; `missing`: names and years that the evidence never mentions."""

    confidence: float
    missing: tuple[str, ...]


def judge(index: Index, question: str, retrieved: Retrieved, evidence: Sequence[Evidence]) -> Judgment:
    """How far the evidence can be trusted to answer the question; 0 where there is none."""
    if not evidence or not retrieved.passages:
        return Judgment(0.0, tuple(names_of(question)))
    texts = [each.passage for each in retrieved.passages[:LOOKED_AT]]
    read = [f"{passage.title} {passage.heading} {passage.text}" for passage in texts]
    known = set(analyze(" ".join(read)))
    names = names_of(question)
    missing = tuple(name for name in names if not known.issuperset(analyze(name)))
    x = features(index, question, retrieved, evidence, read, len(missing) / max(len(names), 1))
    return Judgment(1 / (1 + math.exp(-(BIAS + sum(w * f for w, f in zip(WEIGHTS, x, strict=True))))), missing)


def features(
    index: Index,
    question: str,
    retrieved: Retrieved,
    evidence: Sequence[Evidence],
    read: Sequence[str],
    missing: float,
) -> tuple[float, ...]:
    """Best passage's cosine, best sentence's cosine, share of the question's rare words met, share of names missing."""
    dense = max(each.dense for each in retrieved.passages)
    sentence = max(each.cosine for each in evidence)
    return dense, sentence, coverage(weights(index, question), "", read), missing


WEIGHTS = (DENSE, SENTENCE, WORDS, MISSING)


def names_of(question: str) -> list[str]:
    """Capitalised words and years of a question, but for an opening word that is no name."""
    found = [match[0] for match in NAME.finditer(question)]
    return list(dict.fromkeys(name for name in found if name.casefold() not in NOT_NAMES))
