"""Reads the best sentences together with the question, to see which of them answer it, and in which words.

The reader is the packaged encoder with an adapter of our own, `reader.safetensors`, trained by `eval train` on
questions that we wrote over public texts; `reader.json` says on what, when, and with what result.
"""

import functools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from assistant.evidence import Evidence, dangling
from index.embedding.pairs import PairModel
from index.errors import EmbedderError

__all__ = ["ADAPTER", "RANK", "READ", "READ_OF_PART", "Reader", "in_context", "open_reader", "read_evidence"]

ADAPTER = Path(__file__).with_name("reader.safetensors")
RANK = 8  # of the adapter's thin matrices
READ = 8  # sentences that are read; more find no more (evals/LOG.md, 2026-11-26)
READ_OF_PART = 4  # of each part of a question, since each costs 7 ms
# A sentence's score is its likeness plus this for each unit of the reader's logit, which below LOWEST says no more.
WEIGHT, LOWEST = 0.03, -6.0
# Characters of a title, and of the sentence before, that are read: a longer one would crowd out the sentence itself.
LONGEST_TITLE, LONGEST_BEFORE = 120, 240
UNREAD = -0.25  # added to the score of a sentence that was not read: below all that were but the most unfit


class Reader(Protocol):
    """Anything that tells how well a sentence answers a question."""

    def read(self, first: str, seconds: Sequence[str]) -> list[float]:
        """A logit for each of `seconds`, the sentences in their context, that it answers the question `first`."""
        ...


@functools.cache
def open_reader(models: Path) -> Reader:
    """The packaged reader, exported into the home's folder `models` the first time; `EmbedderError` if it cannot be."""
    try:
        return PairModel.open(ADAPTER, RANK, models)
    except OSError as error:
        raise EmbedderError(
            f"The reader could not be exported to {models}: {error.strerror or error}. "
            f"Make room there, or leave it out: BACKCHANNEL_READER=false"
        ) from error


def read_evidence(reader: Reader, question: str, evidence: Sequence[Evidence], most: int = READ) -> list[Evidence]:
    """The evidence, its `most` best sentences read, best first: scores of likeness and of reading, at least 0."""
    text = {each.sentence.key: each.sentence.text for each in evidence}
    best = evidence[:most]
    before = [in_context(each.passage.title, text.get(each.sentence.key - 1, ""), each.sentence.text) for each in best]
    logits = reader.read(question, [f"{start}{each.sentence.text}" for start, each in zip(before, best, strict=True)])
    found = [replace(each, score=max(0.0, each.score + UNREAD)) for each in evidence[most:]]
    for each, logit in zip(best, logits, strict=True):
        found.append(replace(each, score=max(0.0, each.score + WEIGHT * max(LOWEST, logit)), answers=logit))
    return sorted(found, key=lambda each: (-each.score, each.sentence.key))


def in_context(title: str, before: str, sentence: str) -> str:
    """What stands before a sentence when it is read: its article's title, and the sentence that it points back to."""
    start = f"{title[:LONGEST_TITLE]}: "
    return f"{start}{before[-LONGEST_BEFORE:]} " if before and dangling(sentence) else start
