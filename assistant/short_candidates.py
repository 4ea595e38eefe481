"""A sentence as a question sees it, and the candidates for a short answer in it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from index.lexical import analyze
from index.types import Span

__all__ = ["Candidate", "Told", "told"]

WORD = re.compile(r"[\w'’-]+")
BREAK = re.compile(r"[;:()]|, |\b(?:and|but|which|while|when|who|whose|where|although|because|after|before)\b")


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence as a question sees it: its words, where they start, and the weight each has in the question, else 0.

    `breaks` are where its clauses part, `total` the weight of all of the question.
    """

    text: str
    words: tuple[str, ...]
    starts: tuple[int, ...]
    weights: tuple[float, ...]
    breaks: tuple[int, ...]
    total: float


def told(sentence: str, rarity: Mapping[str, float]) -> Told:
    """The sentence for a question whose stems `rarity` weighs."""
    found = list(WORD.finditer(sentence))
    return Told(
        sentence,
        tuple(each[0] for each in found),
        tuple(each.start() for each in found),
        tuple(max((rarity.get(stem, 0.0) for stem in analyze(each[0])), default=0.0) for each in found),
        tuple(each.start() for each in BREAK.finditer(sentence)),
        sum(rarity.values()) or 1.0,
    )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span of the sentence; `first` and `last` are its words' numbers."""

    at: Told
    span: Span
    first: int
    last: int

    @classmethod
    def of(cls, at: Told, span: Span) -> "Candidate | None":
        """None where the span has no word of its own."""
        inside = [i for i, start in enumerate(at.starts) if span.start <= start < span.end]
        return cls(at, span, inside[0], inside[-1]) if inside else None

    @property
    def said(self) -> str:
        """Its text."""
        return self.at.text[self.span.start : self.span.end]

    @property
    def ahead(self) -> str:
        """The text before it."""
        return self.at.text[: self.span.start]

    @property
    def before(self) -> str:
        """The word just before it, none where punctuation parts them."""
        found = re.search(r"([\w'’-]+) $", self.ahead)
        return found[1] if found else ""

    @property
    def after(self) -> str:
        """The word just after it, none where punctuation parts them."""
        found = re.match(r" ([\w'’-]+)", self.at.text[self.span.end :])
        return found[1] if found else ""

    @property
    def capitals(self) -> int:
        """Its words with a capital."""
        return sum(word[0].isupper() for word in self.at.words[self.first : self.last + 1])

    @property
    def several(self) -> bool:
        """Whether it is a list."""
        return "," in self.said or " and " in self.said

    @property
    def listed(self) -> list[str]:
        """What it lists, without articles; itself where it is no list."""
        return re.split(r", (?:the )?| and (?:the )?", self.said.removeprefix("the "))

    def asked(self, start: int, end: int) -> bool:
        """Whether the question has one of the sentence's words from number `start` until `end`."""
        return any(self.at.weights[max(0, start) : max(0, end)])

    def stems(self, start: int, end: int) -> set[str]:
        """The stems of the sentence's words from number `start` until `end`."""
        return set(analyze(" ".join(self.at.words[max(0, start) : max(0, end)])))
