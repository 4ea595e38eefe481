"""Citation, AnswerSentence, Answer: what an asker gets. Frozen; `Answer.to_json` is the object of `ask --json`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from index.types import ScoredPassage, Span

__all__ = [
    "Answer",
    "AnswerSentence",
    "Citation",
    "NearArticle",
    "Outcome",
    "Reason",
    "Support",
    "Turn",
    "passage_json",
]

Outcome = Literal["answered", "not_covered"]
Support = Literal["quoted", "supported", "unsupported"]
Reason = Literal[  # why a written sentence is unsupported; assistant.verification finds them
    "citation", "letters", "numbers", "swapped", "names", "negation", "speaker", "stitched", "words", "meaning",
    "invented", "instruction",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier message of a conversation; `role` is `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a sentence of an answer is from: `quote == document.text[start:end]`, byte for byte.

    `onward` are the sources that the article itself gives for these words; `number` counts from 1 within the answer.
    `page` is the page of the file on which they begin, 0 where it has none; `also` are further places of the article.
    """

    number: int
    doc_id: str
    version: str
    title: str
    source: str
    date: str
    start: int
    end: int
    quote: str
    onward: tuple[Mapping[str, Any], ...] = ()
    page: int = 0
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """One sentence with the numbers of its citations. `quoted` = verbatim; `short` = the short answer in `text`.

    `lead_in` names the article where the sentences of another begin; it is no part of the text, and empty elsewhere.
    Of a written sentence, `reasons` say why it is unsupported, and `invented` are the
    numbers of passages it names that do not exist.
    """

    text: str
    support: Support
    citations: tuple[int, ...]
    short: Span | None = None
    lead_in: str = ""
    reasons: tuple[Reason, ...] = ()
    invented: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NearArticle:
    """An article near a question that is not covered; `score` is the best passage's, in [0, 1]."""

    doc_id: str
    title: str
    summary: str
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What was asked, how it was understood, and what the articles say of it.

    `not_covered` is an outcome and never an error; `missing` names what the evidence does not mention; `confidence`
    is in [0, 1]; `ledger` counts sentences by support; `timings_ms` are milliseconds by stage.
    """

    question: str
    understood: str
    outcome: Outcome
    sentences: tuple[AnswerSentence, ...]
    citations: tuple[Citation, ...]
    passages: tuple[ScoredPassage, ...]
    missing: tuple[str, ...]
    nearest: tuple[NearArticle, ...]
    confidence: float
    writer: str
    generation: str
    ledger: Mapping[str, int]
    notices: tuple[str, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The sentences as one paragraph, without citation marks."""
        return " ".join(sentence.text for sentence in self.sentences)

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON has them; passages as `passage_json` gives them."""
        plain = asdict(self)
        plain["passages"] = [passage_json(each) for each in self.passages]
        return plain


def passage_json(scored: ScoredPassage) -> dict[str, Any]:
    """A ranked passage as the command line and the API print it."""
    passage = scored.passage
    return {
        "passage_id": passage.passage_id,
        "doc_id": passage.doc_id,
        "title": passage.title,
        "heading": passage.heading,
        "text": passage.text,
        "start": passage.start,
        "end": passage.end,
        "score": scored.score,
        "dense": scored.dense,
        "lexical": scored.lexical,
    }
