"""Is the evidence enough? A logistic formula over what was read and what is missing, fitted by `eval calibrate`.

Without a reader it rests on likeness. `abstention.json` holds the coefficients of both and says on what they were
fitted, when, and with what result.
"""

import functools
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assistant.evidence import Evidence, share, subject_weights
from assistant.places import words_of
from assistant.retrieval import Retrieved
from index.lexical import STOP_WORDS, analyze, unanalyzed
from index.protocol import Index

__all__ = ["COEFFICIENTS", "READ", "UNREAD", "Judgment", "features", "judge", "names_of"]

COEFFICIENTS = Path(__file__).with_name("abstention.json")
READ = {
    "reading": "logarithm of the sum over the sentences that were read of exp(logit that it answers), within ±6",
    "missing": "share of the question's names and years that the best passages do not have",
    "unknown": "share of its words that the whole library does not have",
}
UNREAD = {
    "sentence": "cosine of the question with the best sentence",
    "margin": "that cosine less the mean of the sentences of its article that were looked at",
    "words": "share of the question's rare words that the best passages have",
    "missing": "share of its names and years that they do not have",
    "relation": "cosine of the question without its names with the best sentence for that",
}
SUREST = 6.0  # a logit beyond it is no surer
# Share of words that the library lacks from which on reading counts against an answer only: in languages that it was
# not trained on the reader errs (5.4 for a question in Persian). On gold dev the share is 0.33 at most.
FOREIGN = 0.5
LOOKED_AT = 5  # passages that names and words of the question are looked for in
NAME = re.compile(r"\b(?:[A-Z][\w'’.-]*[A-Za-z0-9]|[A-Z]|\d{3,4}s?)\b")
WORD = re.compile(r"[\w'’-]+")
CONTRACTED = re.compile(r"(?:n't|'(?:m|s|d|re|ve|ll))$")
# Opening words and the like that are capitalised without being names.
NOT_NAMES = STOP_WORDS | frozenset(
    "define describe explain name list tell give compare summarise summarize show must might may shall suppose say "
    "please ok among two three four five one both won't".split()
)


@dataclass(frozen=True, slots=True)
class Judgment:
    """`confidence` in [0, 1]: the chance that the articles answer and a cited span covers the evidence.

    `missing` are names and years of the question that the evidence never mentions.
    """

    confidence: float
    missing: tuple[str, ...]


def judge(index: Index, question: str, retrieved: Retrieved, evidence: Sequence[Evidence]) -> Judgment:
    """How far the evidence can be trusted to answer the question; 0 where there is none."""
    if not evidence or not retrieved.passages:
        return Judgment(0.0, tuple(names_of(question)))
    found, missing = features(index, question, retrieved, evidence)
    fitted = coefficients()["read" if "reading" in found else "unread"]
    logit = fitted["bias"] + sum(fitted[name] * value for name, value in found.items())
    return Judgment(1 / (1 + math.exp(-logit)), missing)


def features(
    index: Index, question: str, retrieved: Retrieved, evidence: Sequence[Evidence]
) -> tuple[dict[str, float], tuple[str, ...]]:
    """The values of `READ` where a reader has read the evidence, else of `UNREAD`, in their order, and the names that
    are missing.

    Cosines lie in [-1, 1], shares in [0, 1]. There must be evidence.
    """
    passages = [each.passage for each in retrieved.passages[:LOOKED_AT]]
    known = {stem for each in passages for stem in words_of(f"{each.title} {each.heading} {each.text}")}
    names = names_of(question)
    missing = tuple(name for name in names if not known.issuperset(words_of(name)))
    absent = len(missing) / max(len(names), 1)
    if logits := [each.answers for each in evidence if each.answers is not None]:
        reading = float(np.logaddexp.reduce(logits))
        unknown = unknown_share(index, question)
        surest = SUREST if unknown < FOREIGN else 0.0
        return {"reading": max(-SUREST, min(surest, reading)), "missing": absent, "unknown": unknown}, missing
    best = max(evidence, key=lambda each: each.cosine)
    kin = [each.cosine for each in evidence if each.sentence.doc_id == best.sentence.doc_id]
    relation = without(question, names)
    alone = index.embedder.embed_query(relation) if relation != question else retrieved.vector
    values = {
        "sentence": best.cosine,
        "margin": best.cosine - float(np.mean(kin)),
        "words": share(subject_weights(index, question), known),
        "missing": absent,
        "relation": max(float(each.vector @ alone) for each in evidence),
    }
    return values, missing


def unknown_share(index: Index, question: str) -> float:
    """The share of the question's words that the library does not have, in [0, 1]; 1 where it has stop words only."""
    stems = subject_weights(index, question)
    lost = len(unanalyzed(question))
    unheld = sum(not index.holds(stem) for stem in stems)
    return (unheld + lost) / (len(stems) + lost) if stems or lost else 1.0


def without(question: str, names: Sequence[str]) -> str:
    """The question without the words of its names: what it asks of them; the question itself where nothing is left."""
    stems = {stem for name in names for stem in analyze(name)}
    kept = [word for word in WORD.findall(question) if not set(analyze(word)) & stems]
    return " ".join(kept) if names and kept else question


def names_of(question: str) -> list[str]:
    """Capitalised words and years of a question, but for an opening word that is no name."""
    found = [match[0] for match in NAME.finditer(question)]
    return list(dict.fromkeys(name for name in found if not is_no_name(name)))


def is_no_name(word: str) -> bool:
    """Whether a capitalised word only opens its sentence: Must, Isn't, I'm, Among."""
    plain = word.casefold().replace("’", "'")
    return not NOT_NAMES.isdisjoint((plain, CONTRACTED.sub("", plain), plain.removesuffix("'t")))


@functools.cache
def coefficients() -> Mapping[str, Mapping[str, float]]:
    """For what was `read` and for what was `unread`: `bias`, and the weight of each feature; 0 until it is fitted."""
    written = json.loads(COEFFICIENTS.read_text(encoding="utf-8"))
    return {
        kind: {name: float(written[kind]["coefficients"].get(name, 0.0)) for name in ("bias", *features)}
        for kind, features in (("read", READ), ("unread", UNREAD))
    }
