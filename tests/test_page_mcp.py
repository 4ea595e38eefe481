"""The MCP server, driven by the stock client over HTTP and over standard input and output."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from conftest import ROOT
from fastapi import FastAPI
from llm_server import Serve, asking, copying, until
from starlette.testclient import TestClient
from test_page_api import answering, plain, served, untimed

from assistant.answering import Assistant
from assistant.living import LiveAssistant
from assistant.page import calls, mcp_tools
from assistant.page.api_types import Search
from assistant.page.guards import Guards
from assistant.page.mcp_server import add_mcp, without_mcp
from assistant.page.mcp_tools import MissingExtraError
from assistant.types import Turn
from evals.questions import load_questions

pytest.importorskip("mcp", reason="the extra mcp is not installed")

OSLO = "How did the Oslo talks start?"
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
ACCEPTS = {"Accept": "application/json, text/event-stream"}
Use = Callable[[Any], Awaitable[None]]


def with_mcp(assistant: Assistant, served: bool = True) -> FastAPI:
    """The MCP server behind the guards, and a stand-in for Gradio."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(Guards)
    add_mcp(app, LiveAssistant(assistant), served)
    app.mount("/", FastAPI(openapi_url=None))
    return app


@pytest.fixture(scope="module")
def address(assistant: Assistant) -> Iterator[str]:
    with served(with_mcp(assistant)) as at:
        yield at


@asynccontextmanager
async def over_http(at: str) -> AsyncIterator[Any]:
    """A session of the stock client."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async with streamable_http_client(f"{at}/mcp") as (reading, writing, _), ClientSession(reading, writing) as session:
        await session.initialize()
        yield session


@asynccontextmanager
async def over_stdio(home: Path) -> AsyncIterator[Any]:
    """A session with a process of its own, as desktop clients start one."""
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    arguments = ["app.py", "mcp", "--home", str(home)]
    command = StdioServerParameters(command=sys.executable, args=arguments, cwd=ROOT, env=dict(os.environ))
    async with stdio_client(command) as (reading, writing), ClientSession(reading, writing) as session:
        await session.initialize()
        yield session


def using(session: Any, use: Use) -> None:
    """Runs what a test does within a session, a minute at most."""

    async def run() -> None:
        with anyio.fail_after(60):
            async with session as opened:
                await use(opened)

    anyio.run(run)


async def call(session: Any, name: str, **given: Any) -> dict[str, Any]:
    """The structured result of a tool; what it says in words is the same."""
    result = await session.call_tool(name, given)
    assert not result.isError, result.content
    assert json.loads(result.content[0].text) == result.structuredContent
    found: dict[str, Any] = result.structuredContent
    return found


async def refused(session: Any, name: str, **given: Any) -> str:
    """The one sentence of a refusal."""
    result = await session.call_tool(name, given)
    assert result.isError
    (said,) = result.content
    assert "\n" not in said.text
    return str(said.text)


# -- the tools -------------------------------------------------------------------------------------------------------


def test_the_tools_are_described_with_types(address: str) -> None:
    async def use(session: Any) -> None:
        tools = {each.name: each for each in (await session.list_tools()).tools}
        assert set(tools) == {"ask", "search", "get_article"}
        for tool in tools.values():
            assert tool.description
            assert tool.annotations.readOnlyHint
            assert tool.outputSchema["type"] == "object"
            assert all(each.get("description") for each in tool.inputSchema["properties"].values()), tool.name
        question = tools["ask"].inputSchema["properties"]["question"]
        assert (question["maxLength"], question["description"]) == (
            2000,
            "text of 1 to 2,000 characters, with a word in it",
        )
        assert tools["ask"].inputSchema["required"] == ["question"]
        assert {"sentences", "citations"} <= set(tools["ask"].outputSchema["properties"])

    using(over_http(address), use)


def test_answers_carry_their_citations(address: str, assistant: Assistant) -> None:
    async def use(session: Any) -> None:
        answer = await call(session, "ask", question=OSLO)
        assert untimed(answer) == plain(assistant.ask(OSLO))
        numbers = {each["number"] for each in answer["citations"]}
        assert all(set(each["citations"]) <= numbers and each["citations"] for each in answer["sentences"])
        cited = answer["citations"][0]
        document = await call(session, "get_article", doc_id=cited["doc_id"])
        assert document["text"][cited["start"] : cited["end"]] == cited["quote"]

    using(over_http(address), use)


def test_search_and_get_article_are_the_apis(address: str, assistant: Assistant) -> None:
    async def use(session: Any) -> None:
        given: dict[str, Any] = {"query": "secret talks", "k": 3, "sort": "period", "filters": {"period": "1960-2000"}}
        found = await call(session, "search", **given)
        assert found == calls.search(assistant, Search.model_validate(given))
        read = await call(session, "get_article", doc_id="oslo-channel")
        assert read == json.loads(json.dumps(calls.article(assistant, "oslo-channel")))

    using(over_http(address), use)


def test_f36_what_cannot_be_done_is_one_sentence(address: str) -> None:
    async def use(session: Any) -> None:
        for given, says in (
            ({}, "The field question is missing; it takes text of 1 to 2,000 characters, with a word in it."),
            ({"question": 5}, "The field question is 5; it takes text of 1 to 2,000 characters, with a word in it."),
            ({"question": "x" * 2001}, "The field question is text of 2,001 characters; it takes text of 1 to 2,000"),
            ({"question": "?"}, "The question has no words in it. Ask in a sentence"),
            ({"question": "a\0b"}, "The field question has the character U+0000 at place 2"),
            ({"question": OSLO, "era": 1}, "There is no field era; there are question, history, filters."),
            ({"question": OSLO, "filters": {"period": "x"}}, "The period 'x' is not two years."),
            ({"question": OSLO, "filters": {"regions": ["mars"]}}, "No article has 'mars' among its regions."),
        ):
            assert (await refused(session, "ask", **given)).startswith(says)
        assert (await refused(session, "search", query="Oslo", k=101)).startswith(
            "The field k is 101; it takes a whole number from 1 to 100: how many passages."
        )
        assert (await refused(session, "search")).startswith("The field query is missing; it takes text of")
        assert (await refused(session, "get_article", doc_id="none")).startswith("No article 'none' in generation ")
        assert await refused(session, "none") == "There is no tool of that name; there are ask, search, get_article."

    using(over_http(address), use)


def test_a_fault_of_ours_is_told_without_its_reason(
    address: str, assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise KeyError("canary")

    monkeypatch.setattr(assistant.retriever, "retrieve", fails)

    async def use(session: Any) -> None:
        for name, given in (("ask", {"question": OSLO}), ("search", {"query": OSLO})):
            said = await refused(session, name, **given)
            assert said == "Something went wrong here, and the reason is in the server's log. Try again."

    using(over_http(address), use)


# -- equal answers ---------------------------------------------------------------------------------------------------


def ten() -> list[Any]:
    """Ten gold questions of `dev`: some with a history, some that are not covered."""
    gold = [each for each in load_questions() if each.split == "dev"]
    leaning = [each for each in gold if each.history][:3]
    untold = [each for each in gold if not each.answerable and not each.history][:2]
    others = [each for each in gold if each.answerable and not each.history][::20][:5]
    return [*leaning, *untold, *others]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["http", "stdio"])
def test_answers_equal_the_assistants(whole_library: Path, way: str) -> None:
    from test_page_api import with_api

    assistant = Assistant.open(whole_library)
    api = TestClient(with_api(assistant))
    questions = ten()
    assert len(questions) == 10
    outcomes = set()

    async def use(session: Any) -> None:
        for gold in questions:
            turns = [Turn(each.role, each.content) for each in gold.history]
            history = [{"role": each.role, "content": each.content} for each in turns]
            expected = plain(assistant.ask(gold.question, turns))
            outcomes.add(expected["outcome"])
            given = {"question": gold.question, "history": history}
            assert untimed(await call(session, "ask", **given)) == expected
            assert untimed(api.post("/api/ask", json=given).json()) == expected

    if way == "stdio":
        using(over_stdio(whole_library), use)
    else:
        with served(with_mcp(assistant)) as at:
            using(over_http(at), use)
    assert outcomes == {"answered", "not_covered"}


# -- who is let in ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:7860"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example:80"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:7860"}, 403),  # another page on this machine
        ({"Origin": "{address}"}, 200),
        ({"Content-Type": "text/plain"}, 400),
    ],
)
def test_t13_other_sites_are_kept_out(address: str, headers: dict[str, str], status: int) -> None:
    sent = {name: value.format(address=address) for name, value in headers.items()}
    answer = httpx.post(f"{address}/mcp", json=INITIALIZE, headers={**ACCEPTS, **sent})
    assert answer.status_code == status
    assert "access-control-allow-origin" not in answer.headers


def test_t9_a_long_body_is_refused(address: str) -> None:
    answer = httpx.post(f"{address}/mcp", content=b"x" * 1_000_001, headers={**ACCEPTS})
    assert (answer.status_code, answer.json()) == (413, {"error": "A request may have at most 1,000,000 bytes."})


@pytest.mark.slow
def test_f41_a_client_that_leaves_ends_the_models_call(
    assistant: Assistant, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve("hangs before the head", reply=copying)
    asked = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "ask", "arguments": {}}}
    asked["params"]["arguments"] = {"question": OSLO}  # type: ignore[index]
    with served(with_mcp(asking(assistant, server))) as at:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{at}/mcp", json=asked, headers=ACCEPTS, timeout=httpx.Timeout(5, read=1))
        assert until(lambda: len(server.left) == 1, 1)
        assert until(lambda: not answering(), 1)
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR] == []


# -- with and without the extra --------------------------------------------------------------------------------------


def test_without_it_there_is_no_such_server(assistant: Assistant) -> None:
    page = TestClient(with_mcp(assistant, served=False))
    answer = page.post("/mcp", json=INITIALIZE)
    assert answer.status_code == 404
    assert answer.json()["error"].endswith("can start one with: python app.py serve --mcp.")


WITHOUT = "import sys; sys.modules['mcp'] = None; import app; app.main()"


@pytest.mark.slow
@pytest.mark.parametrize("command", [["mcp"], ["serve", "--mcp", "--port", "21900"]])
def test_without_the_package_it_is_one_sentence(library: Path, command: list[str]) -> None:
    words = [sys.executable, "-c", WITHOUT, *command, "--home", str(library)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"backchannel: {mcp_tools.INSTALL}\n"


def test_the_error_is_of_our_tree() -> None:
    assert str(MissingExtraError(mcp_tools.INSTALL)).startswith("The MCP server needs the package mcp")


@pytest.mark.slow
def test_it_lives_beside_the_real_page(assistant: Assistant) -> None:
    from assistant.page.listening import Serving
    from assistant.page.service import build_app

    async def use(session: Any) -> None:
        assert untimed(await call(session, "ask", question=OSLO)) == plain(assistant.ask(OSLO))

    with served(build_app(LiveAssistant(assistant), serving=Serving(mcp=True))) as at:
        using(over_http(at), use)
        assert httpx.get(f"{at}/api/status").json()["documents"] == 12
        assert untimed(httpx.post(f"{at}/api/ask", json={"question": OSLO}).json()) == plain(assistant.ask(OSLO))
        assert httpx.get(f"{at}/api/nothing").json() == {
            "error": "There is no such address here; GET /api lists all that there are."
        }
        strict = httpx.get(f"{at}/api").headers["content-security-policy"]
        assert "script-src 'self';" in strict
        assert "style-src-attr 'none'" in strict
        assert "<title>Backchannel</title>" in httpx.get(f"{at}/").text


@pytest.mark.slow
def test_the_page_does_not_import_it_unasked(library: Path) -> None:
    script = (
        "import sys\nfrom assistant.living import LiveAssistant\nfrom assistant.page.service import build_app\n"
        f"build_app(LiveAssistant.open({str(library)!r}))\n"
        "print([name for name in sys.modules if name == 'mcp' or name.startswith('mcp.')])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.slow
def test_it_is_hidden_only_for_a_moment() -> None:
    script = (
        "import sys\nfrom assistant.page.mcp_server import without_mcp\n"
        "with without_mcp():\n"
        "    try:\n        import mcp\n    except ImportError:\n        print('hidden')\n"
        "import mcp\nprint(mcp.__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["hidden", "mcp"], done.stderr
    with without_mcp():  # imported already by now: nothing is hidden
        import mcp  # noqa: F401
