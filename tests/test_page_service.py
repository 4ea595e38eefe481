"""The service around the page: headers, the paths there are, how large a body may be, articles, ports."""

import re
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from assistant.answering import Assistant
from assistant.living import LiveAssistant
from assistant.page import ports
from assistant.page.guards import LARGEST, Guards
from assistant.page.ports import PortError, free_port, greeting
from assistant.page.routes import router
from assistant.page.service import build_app
from assistant.page.shell import SCRIPTS, rewritten
from assistant.types import Citation
from index.building import apply
from index.settings import IndexSettings

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture(scope="module")
def own(assistant: Assistant) -> TestClient:
    """Our routes behind the guards, and a stand-in for Gradio that tells the size of a body; starts at once."""
    app = FastAPI(openapi_url=None)
    app.add_middleware(Guards)
    app.include_router(router(LiveAssistant(assistant)))

    @app.post("/gradio_api/queue/join")
    async def join(request: Request) -> int:
        return len(await request.body())

    return TestClient(app)


@pytest.fixture(scope="module")
def citation(assistant: Assistant) -> Citation:
    return assistant.ask("How did the Oslo talks start?").citations[0]


# -- guards --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/own/page.css", "/own/none.css", "/article/none", "/docs", "/gradio_api/upload"])
def test_headers_are_on_every_answer(own: TestClient, path: str) -> None:
    headers = own.get(path).headers
    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src-elem 'self' 'unsafe-inline'; style-src-attr 'none'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'self'; "
        "form-action 'none'; frame-ancestors 'none'"
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/redoc"),
        ("GET", "/gradio_api/file=/etc/passwd"),
        ("GET", "/file=/etc/passwd"),
        ("GET", "/proxy=http://127.0.0.1:1/"),
        ("GET", "/gradio_api/upload"),
        ("POST", "/gradio_api/upload"),
        ("POST", "/gradio_api/run/ask"),
        ("POST", "/gradio_api/call/ask"),
        ("GET", "/gradio_api/vibe-code/"),
        ("GET", "/gradio_api/runs"),
        ("GET", "/monitoring"),
        ("GET", "/.env"),
        ("POST", "/"),
        ("PUT", "/own/page.css"),
        ("DELETE", "/article/oslo-channel"),
        ("OPTIONS", "/"),
    ],
)
def test_other_paths_do_not_exist(own: TestClient, method: str, path: str) -> None:
    answer = own.request(method, path)
    assert (answer.status_code, answer.text) == (404, "There is no such page here.")


def test_web_sockets_are_turned_away(own: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect) as closed, own.websocket_connect("/gradio_api/queue/join"):
        pass
    assert closed.value.code == 1008


def test_body_limit_by_its_announced_size(own: TestClient) -> None:
    assert own.post("/gradio_api/queue/join", content=b"x" * LARGEST).json() == LARGEST
    refused = own.post("/gradio_api/queue/join", content=b"x" * (LARGEST + 1))
    assert (refused.status_code, refused.json()) == (413, {"detail": "A request may have at most 1,000,000 bytes."})


def test_body_limit_by_what_comes(own: TestClient) -> None:
    def body(pieces: int) -> Iterator[bytes]:
        yield from (b"x" * 100_000 for _ in range(pieces))

    assert own.post("/gradio_api/queue/join", content=body(10)).json() == 1_000_000
    assert own.post("/gradio_api/queue/join", content=body(11)).status_code == 413


def test_an_event_stream_is_not_held_back() -> None:
    import asyncio

    from starlette.responses import StreamingResponse

    sent: list[bytes] = []

    async def endless() -> AsyncIterator[bytes]:
        yield b"first"
        assert sent == [b"first"]  # it went out before the second was made
        yield b"second"

    async def collect(message: Any) -> None:
        if message["type"] == "http.response.body" and message["body"]:
            sent.append(message["body"])

    async def receive() -> Any:
        await asyncio.sleep(5)
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": "/gradio_api/queue/data", "headers": [], "asgi": {}}
    asyncio.run(Guards(StreamingResponse(endless()))(scope, receive, collect))
    assert sent == [b"first", b"second"]


# -- own files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/own/page.css", "text/css; charset=utf-8"),
        ("/own/app.js", "text/javascript; charset=utf-8"),
        ("/own/favicon.svg", "image/svg+xml"),
        ("/own/mark.svg", "image/svg+xml"),
        ("/favicon.ico", "image/svg+xml"),
    ],
)
def test_own_files_have_their_types(own: TestClient, path: str, kind: str) -> None:
    answer = own.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert len(answer.content) > 200


@pytest.mark.parametrize("name", ["none.css", "..%2Fservice.py", "..", "%2Fetc%2Fpasswd", "page.css%00"])
def test_nothing_else_is_served_as_own_file(own: TestClient, name: str) -> None:
    assert own.get(f"/own/{name}").status_code == 404


# -- articles ------------------------------------------------------------------------------------------------------


def marked(fragment: str) -> str:
    import html

    return "\n\n".join(map(html.unescape, re.findall(r"<mark[^>]*>(.*?)</mark>", fragment, re.S)))


def test_an_article_opens_with_the_quote_marked(own: TestClient, assistant: Assistant, citation: Citation) -> None:
    place = {"start": citation.start, "end": citation.end, "generation": assistant.index.status().generation}
    answer = own.get(f"/article/{citation.doc_id}", params=place)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    stored = assistant.index.document(citation.doc_id).text
    assert marked(answer.text) == citation.quote == stored[citation.start : citation.end]
    assert '<mark class="quote" id="quote" tabindex="-1">' in answer.text
    assert "The article has this from: <bdi>Swimming the Oslo Channel, Time, 1993</bdi>" in answer.text
    assert '(<a href="https://www.nytimes.com/1993/09/05/world/' in answer.text


def test_every_citation_of_every_article_opens(own: TestClient, assistant: Assistant) -> None:
    for summary in assistant.index.summaries():
        text = assistant.index.document(summary.doc_id).text
        start, end = len(text) // 3, len(text) // 2
        answer = own.get(f"/article/{summary.doc_id}", params={"start": start, "end": end})
        assert re.sub(r"\s+", "", marked(answer.text)) == re.sub(r"\s+", "", text[start:end])


def test_a_whole_article_has_no_mark(own: TestClient) -> None:
    answer = own.get("/article/oslo-channel")
    assert "<mark" not in answer.text
    assert answer.text.startswith('<h2 dir="auto">The Oslo channel, 1992-93</h2>')
    assert '<h3 class="sources-of">Sources of this article</h3>' in answer.text


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/article/none", 404, "There is no article none in generation "),
        (
            "/article/%3Cscript%3Ealert(1)%3C/script%3E",
            404,
            "There is no article &lt;script&gt;alert(1)&lt;/script&gt; in",
        ),
        ("/article/../../etc/passwd", 404, "There is no"),
        ("/article/oslo-channel?start=5&end=5", 422, "5 to 5 is no place in it."),
        ("/article/oslo-channel?start=9&end=5", 422, "9 to 5 is no place in it."),
        ("/article/oslo-channel?start=0&end=9999999", 422, "0 to 9999999 is no place in it."),
        ("/article/oslo-channel?start=-5&end=5", 422, "-5 to 5 is no place in it."),
        ("/article/oslo-channel?start=a&end=%3Cb%3E", 422, "a to &lt;b&gt; is no place in it."),
        ("/article/oslo-channel?start=%D9%A1&end=%D9%A5", 422, "is no place in it."),
        ("/article/oslo-channel?end=5", 422, "? to 5 is no place in it."),
        ("/article/oslo-channel?start=" + "9" * 5000 + "&end=1", 422, "is no place in it."),
        ("/article/oslo-channel?start=0&end=5&generation=old", 409, "This answer is from generation old; the page now"),
    ],
)
def test_what_cannot_be_opened_is_one_sentence(own: TestClient, path: str, status: int, says: str) -> None:
    answer = own.get(path)
    assert answer.status_code == status
    assert says in answer.text


HOSTILE = '<img src=x onerror="alert(1)"> <script>alert(2)</script> [1](#c1) `x` &lt;'


def test_hostile_articles_come_back_as_text(home: Path, tmp_path: Path) -> None:
    import json

    record = {
        "_id": 'a/b "c"?#<d>',
        "title": HOSTILE,
        "text": f"{HOSTILE} The talks began in secret.\n\nThe talks ended in public.",
        "metadata": {"sources": [{"id": "s", "title": HOSTILE, "url": "javascript:alert(3)"}]},
    }
    (tmp_path / "articles.jsonl").write_text(json.dumps(record), encoding="utf-8")
    settings = IndexSettings.load(home=home)
    apply(settings, [tmp_path / "articles.jsonl"])
    assistant = Assistant.open(home)
    document = assistant.index.document(record["_id"])
    app = FastAPI()
    app.include_router(router(LiveAssistant(assistant)))
    from urllib.parse import quote

    answer = TestClient(app).get(f"/article/{quote(document.doc_id, safe='')}", params={"start": 0, "end": 20})
    assert answer.status_code == 200
    assert set(re.findall(r"<(\w+)", answer.text)) == {"a", "bdi", "div", "h2", "h3", "li", "mark", "ol", "p"}
    assert re.findall(r'<a [^>]*href="(.*?)"', answer.text) == [f"#ask/{quote(document.doc_id, safe='')}"]
    assert marked(answer.text) == document.text[:20]


# -- ports ---------------------------------------------------------------------------------------------------------


def test_the_next_free_port_is_taken() -> None:
    with free_port("127.0.0.1", 20000) as first:
        port = first.getsockname()[1]
        with free_port("127.0.0.1", port) as second:
            assert port < second.getsockname()[1] <= port + 50


def test_no_port_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "FURTHER", 0)
    with free_port("127.0.0.1", 20000) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=f"^The ports {port} to {port} are all taken. Choose another with --port$"):
            free_port("127.0.0.1", port)


def test_a_host_that_is_not_ours() -> None:
    with pytest.raises(PortError, match=r"^Cannot listen on 192\.0\.2\.1: .* Try --host 127\.0\.0\.1$"):
        free_port("192.0.2.1", 20000)  # reserved for documentation
    with pytest.raises(PortError, match=r"^The host 'no\.such\.host\.invalid' is not known: "):
        free_port("no.such.host.invalid", 20000)


def test_the_greeting_names_an_address_that_a_browser_can_open(assistant: Assistant) -> None:
    served = assistant.index.status()
    for host, shown in (("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1")):
        with free_port(host, 20000) as taken:
            port = taken.getsockname()[1]
            line = f"Backchannel answers at http://{shown}:{port} - generation {served.generation}, 12 articles"
            assert greeting(taken, served) == line


def test_two_servers_cannot_take_one_port() -> None:
    with free_port("127.0.0.1", 20000) as taken, socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(taken.getsockname())


# -- the shell -----------------------------------------------------------------------------------------------------


def test_the_shell_is_made_ours() -> None:
    page = (
        b'<html lang="en" style="margin:0"><head><meta property="og:title" content="Gradio" />'
        b'<script>a()</script><script src="b.js"></script></head><body style="x">'
        b'<gradio-app eager="true" style="y"></gradio-app></body></html>'
    )
    made = rewritten(page, "N0nce").decode()
    assert "style=" not in made
    assert "og:" not in made
    assert made.count("<script") == made.count('<script nonce="N0nce"') == 2 + len(SCRIPTS)
    assert made.count(" defer>") == len(SCRIPTS) - 1
    assert '<body><div id="opening" role="status">' in made
    assert "<title>Backchannel</title>" in made
    assert re.search(r'<link rel="stylesheet" href="/own/page\.css\?v=[0-9a-f]{12}">', made)


@pytest.fixture(scope="module")
def whole(assistant: Assistant) -> TestClient:
    """The real thing, Gradio and all."""
    return TestClient(build_app(LiveAssistant(assistant)))


@pytest.mark.slow
def test_the_page_comes_with_a_fresh_nonce(whole: TestClient) -> None:
    nonces = set()
    for _ in range(2):
        answer = whole.get("/")
        assert answer.status_code == 200
        nonce = re.search(r"script-src 'self' 'nonce-([\w-]{22})';", answer.headers["content-security-policy"])
        assert nonce
        nonces.add(nonce[1])
        assert answer.text.count("<script") == answer.text.count(f'<script nonce="{nonce[1]}"')
        assert "raw.githubusercontent.com" not in answer.text
        assert answer.headers["cache-control"] == "no-store"
    assert len(nonces) == 2


@pytest.mark.slow
def test_gradio_is_shut_but_for_what_the_page_uses(whole: TestClient) -> None:
    for path in (
        "/openapi.json",
        "/docs",
        "/gradio_api/openapi.json",
        "/monitoring/summary",
        "/gradio_api/file=/etc/hosts",
    ):
        assert whole.get(path).status_code == 404, path
    for path in ("/gradio_api/upload", "/gradio_api/run/ask", "/gradio_api/call/ask"):
        assert whole.post(path, json={"data": ["x"]}).status_code == 404, path
    assert whole.get("/config").status_code == 200
    assert whole.get("/gradio_api/info").json()["named_endpoints"] == {}
    stranger = whole.get("/config", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in stranger.headers


@pytest.mark.slow
def test_the_page_names_its_generation_and_holds_no_article_text_raw(whole: TestClient, assistant: Assistant) -> None:
    served = assistant.index.status()
    parts = {part["props"].get("elem_id"): part["props"] for part in whole.get("/config").json()["components"]}
    import html

    assert html.unescape(parts["generation"]["value"]) == (
        f'<p>Answers from 12 articles<span class="generation">, generation {served.generation}</span>.</p>'
    )
    assert parts["sources"]["value"].count("<li>") == 12
