"""What the page counts, for `/metrics`: questions, outcomes, times, sentences by support. No question, no address.

One registry for the process. Whoever answers does so through `counted`; whoever refuses says so by `refused`.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from assistant.page import logs
from assistant.types import Answer
from index.errors import BackchannelError
from index.protocol import IndexStatus

__all__ = ["REGISTRY", "SURFACES", "answered", "counted", "exposition", "failed", "refused"]

SURFACES = ("page", "api", "mcp")
WRITERS = ("extractive", "llm", "none")
# Seconds: an extractive answer takes some 0.02 to 0.2, a language model's up to 25.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0)

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
QUESTIONS = Counter(
    "backchannel_questions", "Questions that got an answer", ("surface", "outcome", "writer"), registry=REGISTRY
)
REFUSALS = Counter("backchannel_refusals", "Requests that were not served", ("reason",), registry=REGISTRY)
FAILURES = Counter("backchannel_failures", "Questions that met a fault of ours", ("surface",), registry=REGISTRY)
STAGES = Histogram(
    "backchannel_stage_seconds", "Time of an answer by stage", ("stage",), buckets=BUCKETS, registry=REGISTRY
)
SENTENCES = Counter("backchannel_sentences", "Sentences of answers by support", ("support",), registry=REGISTRY)
NOTICES = Counter("backchannel_notices", "Answers that came with a notice", registry=REGISTRY)
RUNNING = Gauge("backchannel_running", "Questions being answered", registry=REGISTRY)
WAITING = Gauge("backchannel_waiting", "Questions that wait", registry=REGISTRY)
DOCUMENTS = Gauge("backchannel_documents", "Articles in the generation that is served", registry=REGISTRY)
GENERATION = Gauge("backchannel_generation", "1 for the generation that is served", ("generation",), registry=REGISTRY)


def counted(answers: Iterator[Answer], surface: str) -> Generator[Answer]:
    """The growing answers; the final one is counted and logged once it is made, a fault of ours where it is raised.

    One that is refused, stopped or left by its reader is neither.
    """
    answer = None
    try:
        for answer in answers:
            yield answer
    except BackchannelError:
        raise
    except Exception:
        failed(surface)
        raise
    finally:
        if isinstance(answers, Generator):
            answers.close()
    if answer is not None:
        answered(answer, surface)


def answered(answer: Answer, surface: str) -> None:
    """One whole answer went out, over the page, the API or the MCP server."""
    QUESTIONS.labels(known(surface, SURFACES), answer.outcome, known(answer.writer, WRITERS)).inc()
    for stage, milliseconds in answer.timings_ms.items():
        STAGES.labels(stage).observe(milliseconds / 1000)
    for support, count in counts(answer.ledger):
        SENTENCES.labels(support).inc(count)
    if answer.notices:
        NOTICES.inc()
    logs.answered(answer, surface)


def refused(reason: str) -> None:
    """A request was not served; `reason` is a word of ours, never text from outside."""
    REFUSALS.labels(reason).inc()


def failed(surface: str) -> None:
    """A question met a fault of ours."""
    FAILURES.labels(known(surface, SURFACES)).inc()


def exposition(served: IndexStatus, running: int, waiting: int) -> bytes:
    """All of it in Prometheus' text format."""
    RUNNING.set(running)
    WAITING.set(waiting)
    DOCUMENTS.set(served.documents)
    GENERATION.clear()  # the one before is not served any more
    GENERATION.labels(served.generation).set(1)
    return generate_latest(REGISTRY)


def counts(ledger: Mapping[str, int]) -> Iterable[tuple[str, int]]:
    """The ledger's entries that count something."""
    return ((name, count) for name, count in ledger.items() if count > 0)


def known(word: str, words: tuple[str, ...]) -> str:
    """The word if it is one of these, else `other`: labels must not grow with what comes from outside."""
    return word if word in words else "other"
