"""What the API and the MCP tools give: the objects of `Answer.to_json` and of `calls`, as types."""

from typing import Any, Literal

from pydantic import BaseModel, Field

__all__ = ["AnswerObject", "DocumentObject", "ErrorObject", "Found", "StatusObject"]


class Place(BaseModel):
    """Characters `start` to `end` of a text, counted in Unicode code points."""

    start: int
    end: int


class CitationObject(BaseModel):
    """Where a sentence is from: `quote` is the article's text from `start` to `end`, character by character."""

    number: int
    doc_id: str
    version: str
    title: str
    source: str
    date: str
    start: int
    end: int
    quote: str
    onward: list[dict[str, Any]]
    page: int
    also: list[str]


class SentenceObject(BaseModel):
    """One sentence of an answer, with the numbers of its citations."""

    text: str
    support: Literal["quoted", "supported", "unsupported"]
    citations: list[int]
    short: Place | None
    lead_in: str
    reasons: list[str]
    invented: list[int]


class PassageObject(BaseModel):
    """A ranked passage; higher scores are better, and comparable within one list only."""

    passage_id: str
    doc_id: str
    title: str
    heading: str
    text: str
    start: int
    end: int
    score: float
    dense: float
    lexical: float


class NearObject(BaseModel):
    """An article near a question that is not covered."""

    doc_id: str
    title: str
    summary: str
    score: float


class AnswerObject(BaseModel):
    """An answer: the object of `ask --json`. `not_covered` is an outcome, and `nearest` then says where to look."""

    question: str
    understood: str
    outcome: Literal["answered", "not_covered"]
    sentences: list[SentenceObject]
    citations: list[CitationObject]
    passages: list[PassageObject]
    missing: list[str]
    nearest: list[NearObject]
    confidence: float = Field(ge=0, le=1)
    writer: str
    generation: str
    ledger: dict[str, int]
    notices: list[str]
    timings_ms: dict[str, float]


class Found(BaseModel):
    """Passages, best first or oldest period first, and the generation that they are from."""

    query: str
    generation: str
    passages: list[PassageObject]


class NoteObject(BaseModel):
    """A footnote: it belongs to the words that end at `offset`, and names entries of `sources`."""

    offset: int
    sources: list[str]


class DocumentObject(BaseModel):
    """A whole article as people read it, with its notes and the sources that they name."""

    id: str
    title: str
    text: str
    version: str
    source: str
    also: list[str]
    date: str
    metadata: dict[str, Any]
    headings: list[Place]
    notes: list[NoteObject]
    sources: list[dict[str, Any]]
    generation: str


class StatusObject(BaseModel):
    """What answers come from; `published_at` is ISO 8601 in UTC, `warning` empty where all is well."""

    generation: str
    documents: int
    passages: int
    sentences: int
    embedder: str
    published_at: str
    warning: str


class ErrorObject(BaseModel):
    """One sentence on what was wrong and what to do."""

    error: str
