"""Next questions: those that the cited articles and their relatives name themselves, each sure to be answered."""

import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from assistant.answering import checked
from assistant.conversation import leans
from assistant.instructions import instructs
from assistant.types import Answer
from index.embedding import Vectors
from index.errors import BackchannelError
from index.filters import EVERYTHING, Filters
from index.lexical import analyze
from index.summaries import related, several
from index.types import Document

if TYPE_CHECKING:
    from assistant.answering import Assistant

__all__ = ["Suggestions"]

SAME = 0.9  # cosine from which two questions are one
FROM_ONE = 2  # suggestions that one article may give
LONGEST = 200  # characters; the longest question of our own articles has 88
QUESTIONS, RELATED = 8, 8  # of one article that are looked at; ours name four of each
ARTICLES = 8  # cited or nearest ones; an answer cites five at most
REMEMBERED = 20  # earlier questions that are compared in meaning; all are compared by their words
CANDIDATES = 100  # embedded for one answer, 3 ms each the first time
PATIENCE = 1.5  # seconds
KEPT = 4096  # verdicts and vectors that are remembered
LOG = logging.getLogger(__name__)
Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question that an article names, and its vector."""

    question: str
    doc_id: str
    vector: Vectors


class Suggestions:
    """Over one assistant, and so over one generation; another assistant needs another. Safe to share between threads.

    A check reads sentences and takes some 100 ms, so its verdict is kept, by question and filters, and only one thread
    checks at a time: whoever comes meanwhile gets what is known already.
    """

    def __init__(self, assistant: "Assistant", clock: Callable[[], float] = time.monotonic) -> None:
        self.assistant = assistant
        self.clock = clock
        self.checking = Lock()
        self.verdicts: dict[tuple[str, Filters], bool] = {}
        self.vectors: dict[str, Vectors] = {}

    def next_questions(
        self, answer: Answer, asked: Sequence[str], filters: Filters = EVERYTHING, k: int = 3
    ) -> tuple[str, ...]:
        """At most `k` questions that are answered with these filters, nearest to what was asked first.

        None is among `asked` nor means the same. Fewer after `PATIENCE`; none where anything fails.
        """
        until = self.clock() + PATIENCE
        mine = self.checking.acquire(blocking=False)
        try:
            return tuple(self.chosen(answer, asked, filters, k, until if mine else 0.0))
        except BackchannelError:  # filters that name nothing: whoever asks with them is told
            return ()
        except Exception:  # an answer is whole without them
            LOG.exception("No next questions could be found")
            return ()
        finally:
            if mine:
                self.checking.release()

    def chosen(self, answer: Answer, asked: Sequence[str], filters: Filters, k: int, until: float) -> list[str]:
        """The questions themselves; nothing is computed after `until`."""
        near = self.vector(answer.understood, math.inf)
        if near is None:
            return []
        earlier = [answer.question, *asked[-REMEMBERED:]]
        before = [near, *(each for each in (self.vector(one, until) for one in earlier) if each is not None)]
        said = {frozenset(analyze(each)) for each in (answer.understood, answer.question, *asked)}
        candidates = [each for each in self.candidates(answer, until) if frozenset(analyze(each.question)) not in said]
        candidates.sort(key=lambda each: (-float(each.vector @ near), each.question))
        found: list[str] = []
        given: Counter[str] = Counter()
        for each in candidates:
            if len(found) == k:
                break
            new = given[each.doc_id] < FROM_ONE and all(float(each.vector @ old) < SAME for old in before)
            if new and self.covered(each.question, filters, until):
                found.append(each.question)
                before.append(each.vector)
                given[each.doc_id] += 1
        return found

    def candidates(self, answer: Answer, until: float) -> Iterator[Candidate]:
        """What the articles of the answer and their relatives ask, each question once, as far as time allows."""
        seen: set[str] = set()
        for document in self.articles(answer):
            for question in asked_by(document):
                if len(seen) == CANDIDATES:
                    return
                if question not in seen and (vector := self.vector(question, until)) is not None:
                    seen.add(question)
                    yield Candidate(question, document.doc_id, vector)

    def articles(self, answer: Answer) -> list[Document]:
        """Those that the answer cites, or else names as nearest; then the articles related to them, each once."""
        named = [each.doc_id for each in answer.citations] or [each.doc_id for each in answer.nearest]
        found = {name: self.document(name) for name in list(dict.fromkeys(named))[:ARTICLES]}

        def read_once(doc_id: str) -> Document | None:
            return found.get(doc_id) or self.document(doc_id)

        for document in [each for each in found.values() if each]:
            for each in related(document.doc_id, document.metadata, read_once, RELATED):
                found[each.doc_id] = each
        return [each for each in found.values() if each]

    def document(self, doc_id: str) -> Document | None:
        """The article, if this generation has it."""
        try:
            return self.assistant.index.document(doc_id)
        except BackchannelError:
            return None

    def vector(self, question: str, until: float) -> Vectors | None:
        """The unit vector of a question; None where it is not known and time is up."""
        if question not in self.vectors:
            if self.clock() >= until:
                return None
            remember(self.vectors, question, self.assistant.index.embedder.embed_query(question))
        return self.vectors[question]

    def covered(self, question: str, filters: Filters, until: float) -> bool:
        """Whether it is answered with these filters; False where that is not known and time is up."""
        key = question, filters
        if key not in self.verdicts:
            if self.clock() >= until:
                return False
            remember(self.verdicts, key, self.assistant.covers(question, filters))
        return self.verdicts[key]


def asked_by(document: Document) -> Iterator[str]:
    """The questions of an article that stand by themselves: neither follow-ups, nor orders, nor overlong."""
    for each in several(document.metadata, "questions")[:QUESTIONS]:
        try:
            question = " ".join(checked(each).split())
        except BackchannelError:
            continue
        if len(question) <= LONGEST and not leans(question) and not instructs(question):
            yield question


def remember(kept: dict[Key, Value], key: Key, value: Value) -> None:
    """Keeps a value in place of the oldest, once there are `KEPT`."""
    if len(kept) >= KEPT:
        kept.pop(next(iter(kept)), None)
    kept[key] = value
