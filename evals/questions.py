"""The gold questions: loading, the spans of their quotes, their splits, and the check that keeps them honest."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from assistant.types import Turn
from evals.errors import EvalsError
from index.lexical import analyze
from index.types import Document, Span

__all__ = ["GOLD", "TYPES", "Evidence", "Question", "check_questions", "load_questions", "lost", "split_of", "table"]

GOLD = Path(__file__).parent / "gold" / "questions.jsonl"
# Each type with the fewest questions it must have; the rest may be of any type.
TYPES = {
    "factual": 0,
    "definition": 0,
    "temporal": 20,  # when, or in what order
    "paraphrase": 45,  # shares no stem of a noun, verb or adjective with its evidence, names aside
    "two_articles": 35,
    "comparative": 15,
    "synthesis": 15,
    "follow_up": 30,
    "keywords": 20,  # misspelt, or in the style of a search box
    "unanswerable": 90,
}
FEWEST = 300
MOST_ON_ONE_ARTICLE = 6
NEAR_COPY = 0.75  # share of stems in common from which two questions count as near-copies
FIELDS = set("id question type answerable evidence short_answer history standalone split".split())
NAME = re.compile(r"\b[A-Z][\w'’-]*")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing an answer must rest on: a verbatim quote, or any of its alternatives in the same or another article."""

    doc_id: str
    quote: str
    alternatives: tuple[tuple[str, str], ...]

    @property
    def choices(self) -> tuple[tuple[str, str], ...]:
        """(doc_id, quote) of the evidence and its alternatives."""
        return ((self.doc_id, self.quote), *self.alternatives)


@dataclass(frozen=True, slots=True)
class Question:
    """A gold question; `standalone` is a follow-up's self-contained twin, else empty."""

    id: str
    question: str
    type: str
    answerable: bool
    evidence: tuple[Evidence, ...]
    short_answer: str
    history: tuple[Turn, ...]
    standalone: str
    split: str


def split_of(question_id: str) -> str:
    """`dev` or `test`, half and half by the SHA-256 of the id."""
    return "dev" if hashlib.sha256(question_id.encode()).digest()[0] < 128 else "test"


def load_questions(path: Path = GOLD) -> list[Question]:
    """The questions of a file; `EvalsError` names the line that is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise EvalsError(f"The gold questions {path} cannot be read: {reason}") from error
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.append(question_of(json.loads(line)))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise EvalsError(f"{path}:{number}: the line is no gold question ({error!r})") from error
    return found


def question_of(entry: Mapping[str, Any]) -> Question:
    """One line's object."""
    if wrong := FIELDS ^ entry.keys():
        raise ValueError(f"fields missing or unknown: {', '.join(sorted(wrong))}")
    evidence = tuple(
        Evidence(each["doc_id"], each["quote"], tuple((a["doc_id"], a["quote"]) for a in each["alternatives"]))
        for each in entry["evidence"]
    )
    history = tuple(Turn(turn["role"], turn["content"]) for turn in entry["history"])
    plain = {
        name: entry[name] for name in ("id", "question", "type", "answerable", "short_answer", "standalone", "split")
    }
    quotes = [text for each in evidence for choice in each.choices for text in choice]
    texts = [*(value for name, value in plain.items() if name != "answerable"), *quotes]
    if not all(isinstance(text, str) for text in [*texts, *(turn.content for turn in history)]):
        raise TypeError("something that must be a text is none")
    if not all((plain["id"], plain["question"].strip(), *quotes)):
        raise ValueError("an id, a question or a quote is empty")
    return Question(evidence=evidence, history=history, **plain)


def span_of(document: Document, quote: str) -> Span | None:
    """Where the quote stands, if exactly once."""
    start = document.text.find(quote)
    if start < 0 or document.text.find(quote, start + 1) >= 0:
        return None
    return Span(start, start + len(quote))


def lost(question: Question, evidence: Evidence) -> EvalsError:
    """What to raise where a quote stands nowhere: nothing can be measured then."""
    return EvalsError(
        f"A quote of the gold question {question.id} is not in {evidence.doc_id}: {evidence.quote[:60]!r}. "
        f"See what to mend with: python app.py eval gold check"
    )


def check_questions(questions: Sequence[Question], documents: Mapping[str, Document]) -> list[str]:
    """What is wrong, a sentence each; empty when the set may be measured with."""
    faults = list(counting_faults(questions, documents))
    for each in questions:
        faults += [f"{each.id}: {fault}" for fault in question_faults(each, documents)]
    stems = {each.id: set(analyze(each.standalone or each.question)) for each in questions}
    for one, other in combinations(questions, 2):
        both = stems[one.id] & stems[other.id]
        if len(both) >= NEAR_COPY * len(stems[one.id] | stems[other.id]) and one.answerable == other.answerable:
            faults.append(f"{one.id} and {other.id} are near-copies: {one.question!r}, {other.question!r}")
    return faults


def counting_faults(questions: Sequence[Question], documents: Mapping[str, Document]) -> Iterator[str]:
    """Too few in all or of a type, doubled ids, too many on one article, articles without a question."""
    if len(questions) < FEWEST:
        yield f"there are {len(questions)} questions, fewer than {FEWEST}"
    counts = Counter(each.type for each in questions)
    for name, fewest in TYPES.items():
        if counts[name] < fewest:
            yield f"there are {counts[name]} questions of type {name}, fewer than {fewest}"
    for name, count in Counter(each.id for each in questions).items():
        if count > 1:
            yield f"{count} questions have the id {name}"
    on = Counter(doc_id for each in questions for doc_id in {evidence.doc_id for evidence in each.evidence})
    for doc_id, count in on.items():
        if count > MOST_ON_ONE_ARTICLE:
            yield f"{count} questions are on {doc_id}; at most {MOST_ON_ONE_ARTICLE} may be"
    for doc_id in sorted(documents.keys() - on.keys()):
        yield f"no question is on {doc_id}"


def question_faults(each: Question, documents: Mapping[str, Document]) -> Iterator[str]:
    """What is wrong with one question."""
    if each.type not in TYPES:
        yield f"unknown type {each.type!r}"
    if each.split != split_of(each.id):
        yield f"its split is {each.split}, by the hash of its id it must be {split_of(each.id)}"
    if each.answerable == (each.type == "unanswerable") or each.answerable != bool(each.evidence):
        yield "answerable, type and evidence disagree"
    if bool(each.history) != (each.type == "follow_up") or bool(each.standalone) != bool(each.history):
        yield "a follow-up has a history and a standalone twin, and nothing else has"
    if each.answerable and not each.short_answer:
        yield "it has no short answer"
    articles = {evidence.doc_id for evidence in each.evidence}
    if each.type == "two_articles" and len(articles) < 2:
        yield "it needs evidence from two articles"
    for evidence in each.evidence:
        for doc_id, quote in evidence.choices:
            document = documents.get(doc_id)
            if document is None:
                yield f"there is no article {doc_id}"
            elif span_of(document, quote) is None:
                yield f"the quote {quote[:50]!r} stands {document.text.count(quote)} times in {doc_id}"
    if each.type == "paraphrase" and (shared := shared_stems(each)):
        yield f"a paraphrase shares {', '.join(sorted(shared))} with its evidence"


def shared_stems(each: Question) -> set[str]:
    """Stems of content words in both question and quotes; capitalised words (names) and numbers aside."""
    quotes = " ".join(evidence.quote for evidence in each.evidence)
    opening = each.question.split(" ", 1)
    named = NAME.findall(" ".join([opening[0].lower(), *opening[1:]])) + inner_names(quotes)
    names = set(analyze(" ".join(named)))
    both = set(analyze(each.question)) & set(analyze(quotes))
    return {stem for stem in both - names if not stem.isdigit()}


def inner_names(text: str) -> list[str]:
    """Capitalised words that do not open a sentence."""
    return [found[0] for found in NAME.finditer(text) if not re.search(r"(^|[.!?]\s+[\"“]?)$", text[: found.start()])]


def table(questions: Sequence[Question]) -> list[tuple[str, int, int, int]]:
    """(type, dev, test, all) for each type, and the sums."""
    counts = Counter((each.type, each.split) for each in questions)
    rows = [(name, counts[name, "dev"], counts[name, "test"]) for name in TYPES]
    rows.append(("all", sum(row[1] for row in rows), sum(row[2] for row in rows)))
    return [(name, dev, test, dev + test) for name, dev, test in rows]
