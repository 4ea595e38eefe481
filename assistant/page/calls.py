"""What the API and the MCP tools do: the calls of `Assistant` over their objects, and nothing more."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict
from pathlib import PurePath
from typing import Any, cast

from assistant.answering import Assistant, checked
from assistant.errors import QuestionError
from assistant.living import LiveAssistant
from assistant.page.api_types import Ask, Search, Turned, Within
from assistant.page.growing import Growing
from assistant.page.metrics import counted
from assistant.page.stopping import until
from assistant.types import Answer, Turn, passage_json
from index.filters import OPEN_END, Filters, period
from index.lexical import analyze
from index.protocol import Index
from index.types import ScoredPassage

__all__ = ["answers", "article", "growing", "search", "status"]

READ = 20  # turns of a history that a question may lean on, as many exchanges as the page shows
# Characters read of each of them: a question's own limit; of an answer its beginning, since no subject is taken from
# it. Respelling costs 40 microseconds a character.
OF_QUESTION = 2000
OF_ANSWER = 500
ASK = "Ask in a sentence or a few words. For example: How did the Oslo talks start?"
AMISS = "The newest generation could not be opened, and this one is served instead"


def answers(assistant: Assistant, body: Ask, address: str = "") -> Generator[Answer]:
    """`Assistant.stream` of a question: answers as they grow. A question that cannot be asked is refused at once."""
    question = worded(body.question, bool(body.history))
    history, filters = turns(body.history), within(body.filters)
    return cast("Generator[Answer]", assistant.stream(question, history, filters, address))


def growing(live: LiveAssistant, body: Ask, address: str, surface: str) -> Growing:
    """The answer in a thread of its own, ended with the server, and counted. To be made in a running event loop."""
    return Growing(counted(until(live.ending, answers(live.current(), body, address)), surface))


def worded(question: str, leaning: bool = False) -> str:
    """The question; `QuestionError` where it has no word to go by. A follow-up may do without: "and when?"."""
    if not any(character.isalnum() for character in question):
        raise QuestionError(f"The question has no words in it. {ASK}")
    question = checked(question)
    if not leaning and not any(len(stem) > 1 for stem in analyze(question)):
        raise QuestionError(f"The question has no word to search for, only words such as what or the. {ASK}")
    return question


def turns(history: Sequence[Turned]) -> list[Turn]:
    """The newest turns, each cut to what is read of it."""
    length = {"user": OF_QUESTION, "assistant": OF_ANSWER}
    return [Turn(each.role, each.content[: length[each.role]]) for each in history[-READ:]]


def within(filters: Within) -> Filters:
    """As the index takes them; `FilterError` for a period that is none."""
    return Filters.parse(filters.period, filters.regions, filters.topics, filters.track)


def search(assistant: Assistant, body: Search) -> dict[str, Any]:
    """The best passages; sorted by period, articles without one come last, and otherwise the better one first."""
    found = assistant.search(worded(body.query), body.k, within(body.filters))
    if body.sort == "period":
        found = by_period(assistant.index, found)
    generation = assistant.index.status().generation
    return {"query": body.query, "generation": generation, "passages": [passage_json(each) for each in found]}


def by_period(index: Index, found: Sequence[ScoredPassage]) -> tuple[ScoredPassage, ...]:
    """The passages by the first and the last year of their articles."""
    names = {each.passage.doc_id for each in found}
    years = {name: period(index.document(name)) for name in names}
    keys = {name: (OPEN_END if first is None else first, last or OPEN_END) for name, (first, last) in years.items()}
    return tuple(sorted(found, key=lambda each: keys[each.passage.doc_id]))


def article(assistant: Assistant, doc_id: str) -> dict[str, Any]:
    """A whole article; `UnknownDocumentError` where there is none."""
    document = assistant.index.document(doc_id)
    metadata = dict(document.metadata)
    sources = [dict(each) for each in metadata.get("sources") or () if isinstance(each, Mapping)]
    return {
        "id": document.doc_id,
        "title": document.title,
        "text": document.text,
        "version": document.version,
        "source": document.source,
        "also": list(document.addresses),
        "date": document.date,
        "metadata": metadata,
        "headings": [asdict(each) for each in document.headings],
        "notes": [{"offset": each.offset, "sources": list(each.sources)} for each in document.notes],
        "sources": sources,
        "generation": assistant.index.status().generation,
    }


def status(assistant: Assistant) -> dict[str, Any]:
    """What is served. Neither the embedder's folder nor a path in a warning leaves the machine."""
    served = assistant.index.status()
    return {
        "generation": served.generation,
        "documents": served.documents,
        "passages": served.passages,
        "sentences": served.sentences,
        "embedder": PurePath(served.embedder).name,
        "published_at": served.published_at,
        "warning": AMISS if assistant.index.warning else "",
    }
