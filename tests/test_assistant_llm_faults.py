"""Faults of a language model and of its server (T21, T22, F39 to F41): every question is answered, nothing is left."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import DOZEN
from llm_server import BEHAVIOURS, KEY, LLMServer, Serve, asking, copying, passages_in, until
from served_page import Page, served

from assistant.answering import Assistant
from assistant.settings import AssistantSettings
from assistant.types import Answer
from assistant.writing.breaker import REST, Breaker
from assistant.writing.budget import Budget
from evals.questions import load_questions

QUESTION = "How did the Oslo talks start?"
SHORT = {"llm_first_token_timeout": 1.0, "llm_timeout": 2.0}
SUFFIX = "; these are the articles' own sentences."
OUT = f"The language model's share of today is used up{SUFFIX}"


@pytest.fixture(scope="module")
def plain(assistant: Assistant) -> Answer:
    """The answer without a language model; one has been called before, so that its libraries are loaded."""
    with LLMServer(reply=copying) as server:
        assert asking(assistant, server).ask(QUESTION).writer == "llm"
    return assistant.ask(QUESTION)


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The retry comes at once."""
    monkeypatch.setattr("assistant.writing.models.PAUSE", 0.01)


def calls() -> list[str]:
    """The threads of calls that still run."""
    return [each.name for each in threading.enumerate() if each.name == "backchannel-call"]


def sockets(process: int | str = "self") -> int:
    """Open sockets of a process; 0 where there is no /proc."""
    found = 0
    for each in Path(f"/proc/{process}/fd").glob("*"):
        try:
            found += str(each.readlink()).startswith("socket:")
        except OSError:  # closed meanwhile
            continue
    return found


def notice(why: str) -> str:
    return f"The language model did not answer ({why}){SUFFIX}"


# -- F40: twelve and more ways to go wrong -------------------------------------------------------------------------

LATE = "it did not answer in time"
BROKEN = "the connection broke off"
UNREADABLE = "what it sent could not be read"
EMPTY = "it gave an empty answer"
SILENT = "it said nothing for 1 seconds"
UNDONE = "it was not done after 2 seconds"
LONG = "it did not stop after 600 tokens"
UNREACHED = "it could not be reached"

WRONG = {  # what is said of it, and how many requests it takes; a second one where the first had not begun
    "no connection": ((UNREACHED,), 0),
    "closes at once": ((UNREACHED, BROKEN), 0),
    "cut inside a chunk": ((BROKEN,), 1),
    "cut between chunks": ((BROKEN,), 1),
    "cut cleanly": (("it broke off",), 1),
    "redirect": (("it answered with HTTP status 307",), 1),
    "web page": ((EMPTY,), 2),
    "no events": ((EMPTY,), 2),
    "invalid UTF-8": ((UNREADABLE,), 1),
    "wrong JSON": ((UNREADABLE,), 1),
    "other JSON": (("it failed: AttributeError",), 2),
    "error in the stream": (("it failed: APIError",), 1),
    "empty answer": ((EMPTY,), 2),
    "blank answer": ((EMPTY,), 2),
    "HTTP 401": (("it answered with HTTP status 401",), 1),
    "HTTP 429": (("it answered with HTTP status 429",), 2),
    "HTTP 500": (("it answered with HTTP status 500",), 2),
}
WRONG_FOR_LONG = {
    "hangs before the head": ((SILENT,), 1),
    "hangs before the first token": ((SILENT,), 1),
    "hangs after the first tokens": ((LATE, UNDONE), 1),
    "endless words": ((LONG,), 1),
    "endless line": ((SILENT,), 1),
    "endless silence": ((SILENT,), 1),
    "endless thinking": ((UNDONE,), 1),
    "drip": ((UNDONE,), 1),
    "ignores the cap": ((LONG,), 1),
}
RIGHT = {"well", "cut at the cap", "thinks aloud", "reasons apart"}
CASES = [
    *((name, *how) for name, how in WRONG.items()),
    *(pytest.param(name, *how, marks=pytest.mark.slow) for name, how in WRONG_FOR_LONG.items()),
]


def test_f40_every_behaviour_is_tried() -> None:
    assert {name for name in {*WRONG, *WRONG_FOR_LONG} if not name.startswith("HTTP ")} == set(BEHAVIOURS) - RIGHT


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize(("behaviour", "said", "requests"), CASES)
def test_f40_the_articles_own_sentences_come_in_time(
    assistant: Assistant, plain: Answer, behaviour: str, said: tuple[str, ...], requests: int
) -> None:
    before = sockets()
    with LLMServer(behaviour, reply=copying) as server:
        asked = asking(assistant, server, **SHORT)
        started = time.monotonic()
        answer = asked.ask(QUESTION)
        assert time.monotonic() - started < SHORT["llm_timeout"] + 1
        assert calls() == []
        assert until(lambda: server.open == 0, 1), "the call's connection is closed"
        assert len(server.requests) == requests
    assert sockets() == before
    assert answer.writer == "extractive"
    assert answer.notices in [(notice(why),) for why in said]
    assert (answer.sentences, answer.citations, answer.outcome) == (plain.sentences, plain.citations, plain.outcome)
    assert answer.ledger == plain.ledger


@pytest.mark.parametrize("behaviour", ["well", "thinks aloud", pytest.param("reasons apart", marks=pytest.mark.slow)])
def test_f40_what_is_odd_but_right_is_an_answer(assistant: Assistant, plain: Answer, behaviour: str) -> None:
    """ "reasons apart" says its first word after 1.5 seconds; its thoughts before are a sign of life."""
    with LLMServer(behaviour, reply=copying) as server:
        answer = asking(assistant, server, **SHORT).ask(QUESTION)
        assert until(lambda: server.open == 0, 1)
        assert (len(server.requests), server.left) == (1, [])
    assert (answer.writer, answer.notices) == ("llm", ())
    assert [each.support for each in answer.sentences] == ["quoted", "quoted"]
    assert calls() == []


@pytest.mark.slow
@pytest.mark.alone
def test_f40_a_name_that_is_looked_up_for_long(
    assistant: Assistant, plain: Answer, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one thing that cannot be broken off: it runs in a thread of its own, which ends when the look-up does."""
    ended = threading.Event()
    looked_up = socket.getaddrinfo

    def slowly(host: Any, *args: Any, **more: Any) -> Any:
        if host in ("model.invalid", b"model.invalid"):
            ended.wait(20)
            raise socket.gaierror(socket.EAI_AGAIN, "a fake")
        return looked_up(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    asked = asking(assistant, serve("no connection"), llm_base_url="http://model.invalid/v1", **SHORT)
    open_before = sockets()
    started = time.monotonic()
    answer = asked.ask(QUESTION)
    assert time.monotonic() - started < SHORT["llm_timeout"] + 1
    assert (answer.writer, answer.notices) == ("extractive", (notice(SILENT),))
    assert answer.sentences == plain.sentences
    ended.set()
    assert until(lambda: not calls() and sockets() == open_before, 2)


def test_f40_a_redirect_takes_the_key_nowhere(assistant: Assistant, serve: Serve) -> None:
    elsewhere = serve(reply=copying)
    server = serve("redirect", reply=f"{elsewhere.address}/chat/completions")
    assert asking(assistant, server).ask(QUESTION).writer == "extractive"
    assert (len(server.requests), elsewhere.connections) == (1, 0)


def test_f40_what_a_server_says_of_itself_is_not_passed_on(
    assistant: Assistant, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """A key, an address within somebody's network."""
    caplog.set_level("DEBUG", logger="assistant")
    for behaviour in ("HTTP 401", "error in the stream"):
        answer = asking(assistant, serve(behaviour)).ask(QUESTION)
        told = json.dumps(answer.to_json(), default=str) + caplog.text
        assert KEY not in told
        assert "10.0.0.7" not in told
    assert len(caplog.records) == 2


# -- F39: no language model ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def twenty(assistant: Assistant) -> dict[str, Answer]:
    """Questions of the gold set's `dev`, on the dozen articles and on others, with their answers without a model."""
    dev = [each for each in load_questions() if each.split == "dev" and not each.history]
    on_them = [each for each in dev if each.evidence and {one.doc_id for one in each.evidence} <= set(DOZEN)]
    others = [each for each in dev if each not in on_them]
    chosen = [each.question for each in [*on_them, *others][:20]]
    answers = {question: assistant.ask(question) for question in chosen}
    assert len(answers) == 20
    assert sum(each.outcome == "answered" for each in answers.values()) >= 10
    return answers


@pytest.mark.slow
@pytest.mark.usefixtures("_soon", "plain")
@pytest.mark.parametrize("fault", ["unset", "HTTP 401", "no connection"])
def test_f39_every_question_is_answered(
    assistant: Assistant, twenty: dict[str, Answer], serve: Serve, fault: str
) -> None:
    if fault == "unset":
        asked = Assistant.over(assistant.index, AssistantSettings.load())
    else:
        asked = asking(assistant, serve(fault))
    answered = 0
    for question, expected in twenty.items():
        answer = asked.ask(question)
        assert (answer.outcome, answer.sentences) == (expected.outcome, expected.sentences)
        called = answer.outcome == "answered" and fault != "unset"
        assert len(answer.notices) == int(called), "one notice, where a model would have written"
        answered += 1
    assert answered == 20


# -- T21: deadlines, one retry, a cap, a breaker -------------------------------------------------------------------


@pytest.mark.usefixtures("plain")
def test_t21_one_failure_is_tried_again(assistant: Assistant, serve: Serve) -> None:
    server = serve("HTTP 500", "well", reply=copying)
    started = time.monotonic()
    answer = asking(assistant, server).ask(QUESTION)
    assert time.monotonic() - started > 0.5, "after a pause"
    assert (answer.writer, answer.notices, len(server.requests)) == ("llm", (), 2)
    assert server.requests[0].body == server.requests[1].body


@pytest.mark.usefixtures("plain", "_soon")
def test_t21_two_are_not(assistant: Assistant, serve: Serve) -> None:
    server = serve("HTTP 500", "HTTP 503", "well", reply=copying)
    answer = asking(assistant, server).ask(QUESTION)
    assert (answer.writer, len(server.requests)) == ("extractive", 2)
    assert answer.notices == (notice("it answered with HTTP status 503"),)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("behaviour", ["HTTP 401", "cut cleanly"])
def test_t21_no_retry_that_cannot_help_or_would_say_it_twice(
    assistant: Assistant, serve: Serve, behaviour: str
) -> None:
    server = serve(behaviour, "well", reply=copying)
    assert asking(assistant, server).ask(QUESTION).writer == "extractive"
    assert len(server.requests) == 1


def test_t21_the_cap_is_sent(assistant: Assistant, serve: Serve) -> None:
    server = serve(reply=copying)
    asking(assistant, server).ask(QUESTION)
    assert server.requests[0].body["max_tokens"] == 600


@pytest.mark.slow
@pytest.mark.usefixtures("plain")
def test_t21_the_cap_is_kept_by_us_too(assistant: Assistant, serve: Serve) -> None:
    """A token of English has four characters; a server that goes on is left at twice the cap."""
    server = serve("endless words", reply=copying)
    started = time.monotonic()
    answer = asking(assistant, server).ask(QUESTION)
    assert answer.notices == (notice(LONG),)
    assert time.monotonic() - started < 5, "long before the deadline of 30 seconds"
    assert until(lambda: server.left, 1)


class Clock:
    """A fake: stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.slow
@pytest.mark.usefixtures("plain", "_soon")
def test_t21_after_three_failures_it_is_left_alone_for_a_while(assistant: Assistant, serve: Serve) -> None:
    clock = Clock()
    server = serve("HTTP 401", reply=copying)
    asked = asking(assistant, server, breaker=Breaker(clock))
    notices = [asked.ask(QUESTION).notices for _ in range(5)]
    left_alone = f"The language model failed 3 times in a row and is left alone for a minute{SUFFIX}"
    assert notices == [(notice("it answered with HTTP status 401"),)] * 3 + [(left_alone,)] * 2
    assert len(server.requests) == 3
    clock.now += REST
    assert asked.ask(QUESTION).notices == (notice("it answered with HTTP status 401"),)
    assert asked.ask(QUESTION).notices == (left_alone,)
    assert len(server.requests) == 4, "one was let through"
    clock.now += REST
    server.behaviours = ("well",)
    assert [asked.ask(QUESTION).writer for _ in range(2)] == ["llm", "llm"]
    assert len(server.requests) == 6


# -- T22: what it may cost -----------------------------------------------------------------------------------------

SMALL = {"llm_context_tokens": 200}  # one passage


def spent_by(server: LLMServer) -> tuple[int, int]:
    """What the server would bill, and the most that one answer came to."""
    return server.tokens, max((each.tokens for each in server.requests), default=0)


@pytest.mark.slow
@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize("limit", [1000, 3000])
def test_t22_no_more_is_spent_than_the_limit(assistant: Assistant, serve: Serve, limit: int, threads: int) -> None:
    server = serve(reply=copying)
    asked = asking(assistant, server, budget=Budget(limit, 0), **SMALL)
    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(asked.ask, [QUESTION] * 20))
    total, one = spent_by(server)
    assert 200 < one < 400
    assert total <= limit
    if threads == 1:
        assert limit - total < one + 600, "nor is it refused while there is enough"
    by_model = [each for each in answers if each.writer == "llm"]
    assert len(by_model) == len(server.requests) >= 1
    assert {each.notices for each in answers if each not in by_model} == {(OUT,)}
    assert [each.sentences for each in answers if each not in by_model][0] == assistant.ask(QUESTION).sentences


@pytest.mark.slow
@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("threads", [1, 8])
def test_t22_a_model_that_overlooks_its_cap_goes_over_by_no_more_than_one_answer(
    assistant: Assistant, serve: Serve, threads: int
) -> None:
    server = serve(reply=lambda body: f"{copying(body)} " * 40)  # some 4,500 characters
    asked = asking(assistant, server, budget=Budget(1000, 0), **SMALL)
    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(asked.ask, [QUESTION] * 20))
    total, one = spent_by(server)
    assert one > 1000
    assert total <= 1000 + one
    assert len(server.requests) == 1
    assert [each.notices for each in answers].count((OUT,)) == 19


@pytest.mark.usefixtures("plain", "_soon")
@pytest.mark.parametrize("behaviour", ["empty answer", "thinks aloud"])
def test_t22_a_second_try_and_thoughts_are_counted_too(assistant: Assistant, serve: Serve, behaviour: str) -> None:
    server = serve(behaviour, reply=copying)
    budget = Budget(100_000, 0)
    asking(assistant, server, budget=budget, **SMALL).ask(QUESTION)
    assert budget.spent >= 0.95 * server.tokens


@pytest.mark.usefixtures("plain", "_soon")
@pytest.mark.parametrize("behaviour", ["HTTP 500", "HTTP 429"])
def test_t22_what_is_refused_costs_nothing(assistant: Assistant, serve: Serve, behaviour: str) -> None:
    budget = Budget(100_000, 0)
    asking(assistant, serve(behaviour), budget=budget, **SMALL).ask(QUESTION)
    assert budget.spent == 0


@pytest.mark.slow
@pytest.mark.usefixtures("plain")
def test_t22_each_address_has_its_share(assistant: Assistant, serve: Serve) -> None:
    server = serve(reply=copying)
    asked = asking(assistant, server, budget=Budget(0, 1000), **SMALL)

    def ask(address: str) -> str:
        return asked.ask(QUESTION, address=address).writer

    assert [ask("192.0.2.1"), ask("192.0.2.1"), ask("192.0.2.2")] == ["llm", "extractive", "llm"]
    assert [ask("2001:db8::1"), ask("2001:db8::2"), ask("2001:db8:0:1::1")] == ["llm", "extractive", "llm"]
    assert [ask(""), ask("")] == ["llm", "llm"]


@pytest.mark.usefixtures("plain")
def test_t22_a_new_day_renews_it(assistant: Assistant, serve: Serve) -> None:
    day = ["2026-03-01"]
    asked = asking(assistant, serve(reply=copying), budget=Budget(1000, 0, day=lambda: day[0]), **SMALL)
    before = [asked.ask(QUESTION).writer for _ in range(3)]
    day[0] = "2026-03-02"
    assert before + [asked.ask(QUESTION).writer for _ in range(2)] == ["llm", *["extractive"] * 2, "llm", "extractive"]


@pytest.mark.slow
@pytest.mark.parametrize("writable", [True, False])
def test_t22_the_sum_outlives_the_process(own_home: Path, serve: Serve, writable: bool) -> None:
    if not writable:
        (own_home / "spent.sqlite").mkdir()
    server = serve(reply=copying)
    named = {"llm_base_url": server.address, "llm_model": "fake", "llm_daily_tokens": 1000, **SMALL}
    writers = []
    for _ in range(2):
        again = Assistant.open(own_home, **named)
        writers.append([again.ask(QUESTION).writer for _ in range(3)])
    first = ["llm", "extractive", "extractive"]
    assert writers == [first, ["extractive"] * 3 if writable else first]


# -- F41: who asked has left ---------------------------------------------------------------------------------------


def closed_in(server: LLMServer, asked: Assistant, during: bool) -> float:
    """Asks, leaves before or during the answer, and says how many seconds later the server saw it."""
    number = len(server.requests)
    stream = asked.stream(QUESTION)
    for answer in stream:
        if len(server.requests) > number and (not during or answer.sentences):
            break
    left = time.monotonic()
    stream.close()
    seen = server.requests[number]
    assert until(lambda: seen.left is not None, 2), "the call goes on"
    assert seen.left
    return seen.left - left


def half(body: dict[str, Any]) -> str:
    """Two sentences: of what hangs after half of it, one is written."""
    (first, *_) = passages_in(body)
    return f"{copying(body).split(f'[{first}]')[0]}[{first}] " + "And so on and on it went, as is well known, " * 9


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("during", [False, True], ids=["before", "during"])
@pytest.mark.parametrize("times", [2, pytest.param(50, marks=pytest.mark.slow)])
def test_f41_the_call_ends_with_the_one_who_asked(assistant: Assistant, during: bool, times: int) -> None:
    before = sockets()
    behaviour = "hangs after the first tokens" if during else "hangs before the first token"
    with LLMServer(behaviour, reply=half) as server:
        asked = asking(assistant, server)
        seconds = [closed_in(server, asked, during) for _ in range(times)]
        assert max(seconds) < 1
        assert calls() == []
        assert until(lambda: server.open == 0, 1)
        assert len(server.requests) == len(server.left) == times
    assert sockets() == before
    assert asked.model
    assert asked.model.breaker.failures == 0, "that somebody leaves is no failure of the model"
    assert 0 < asked.model.budget.spent < 1500 * times, "what was not said is given back"


class Visitor:
    """Asks a page over Gradio's protocol, as a browser does."""

    def __init__(self, page: Page) -> None:
        import httpx

        self.page = page
        self.client = httpx.Client(timeout=30, headers={"Connection": "close"})

    def join(self) -> tuple[str, str]:
        """Asks: the session and the event."""
        body = self.page.join(QUESTION)
        answer = self.client.post(f"{self.page.queue}/join", json=body)
        assert answer.status_code == 200, answer.text
        return body["session_hash"], answer.json()["event_id"]

    @contextmanager
    def listening(self, session: str) -> Iterator[Iterator[dict[str, Any]]]:
        """The event stream, on a connection of its own which is closed at the end."""
        import httpx

        with (
            httpx.Client(timeout=30) as client,
            client.stream("GET", f"{self.page.queue}/data", params={"session_hash": session}) as answer,
        ):
            yield (json.loads(line[5:]) for line in answer.iter_lines() if line.startswith("data:"))

    def stop(self, session: str, event: str) -> None:
        """What the page's Stop does."""
        body = {"session_hash": session, "fn_index": self.page.asks.event, "event_id": event}
        assert self.client.post(f"{self.page.address}/gradio_api/cancel", json=body).status_code == 200

    def threads(self) -> int:
        """Calls that still run; Linux shows fifteen characters of a thread's name."""
        tasks = Path(f"/proc/{self.page.process.pid}/task").glob("*/comm")
        return sum(each.read_text().startswith("backchannel-cal") for each in tasks)


@pytest.fixture
def visitor(own_home: Path, serve: Serve) -> Iterator[tuple[Visitor, LLMServer]]:
    """The service, which has answered once, so that its libraries are loaded."""
    server = serve("well", reply=half)
    named = {"llm_base_url": server.address, "llm_model": "fake", "llm_api_key": KEY, "llm_context_tokens": 800}
    with served(own_home, **named) as page:
        visitor = Visitor(page)
        session, _ = visitor.join()
        with visitor.listening(session) as events:
            assert [each["msg"] for each in events][-2:] == ["process_completed", "close_stream"]
        yield visitor, server
        gone = page.stop()
    assert (gone.status, gone.out, gone.err) == (0, "", "")


@pytest.mark.slow
@pytest.mark.alone
def test_f41_through_the_page(visitor: tuple[Visitor, LLMServer]) -> None:
    """The tab is closed, or Stop is pressed, before the first word and in mid-answer: the model's call is closed."""
    somebody, server = visitor
    assert until(lambda: server.open == 0, 1)
    time.sleep(0.5)  # until the service has closed what the fixture opened
    before = sockets(somebody.page.process.pid)
    for behaviour in ("hangs before the first token", "hangs after the first tokens", "drip"):
        server.behaviours = (behaviour,)
        for how in ("the tab is closed", "Stop") * 2:
            number = len(server.requests)
            session, event = somebody.join()
            with somebody.listening(session) as events:
                turns = 0
                for each in events:
                    turns += each["msg"] == "process_generating"
                    if len(server.requests) > number and turns > 2:
                        break
                if how == "Stop":
                    somebody.stop(session, event)
                    left = time.monotonic()
                    assert "process_completed" in [each["msg"] for each in events]
            if how != "Stop":
                left = time.monotonic()
            seen = server.requests[number]
            assert until(lambda seen=seen: seen.left is not None, 5), (behaviour, how)
            assert seen.left
            assert seen.left - left < 1, (behaviour, how)
    assert until(lambda: somebody.threads() == 0 and server.open == 0, 1)
    assert until(lambda: sockets(somebody.page.process.pid) <= before, 2)
