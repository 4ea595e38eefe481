"""Where the page listens and to whom: refusals in one sentence, a proxy with a prefix, keys that stay inside."""

import asyncio
import http.client
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from conftest import ROOT
from llm_server import KEY, LLMServer
from served_page import Page, asked, served

from assistant.page.listening import ListeningError, Serving, checked, is_loopback, local_address

Refused = Callable[..., str]
OSLO = "How did the Oslo talks start?"

# -- what is refused -----------------------------------------------------------------------------------------------


def test_beyond_this_machine_only_when_that_is_said(refused: Refused) -> None:
    assert refused("serve", "--host", "0.0.0.0") == (
        "Listening on 0.0.0.0 lets everybody who can reach this machine ask and read all articles; there is no login. "
        "If that is meant, add --open"
    )


@pytest.mark.parametrize(
    "options",
    [("--open",), ("--host", "0.0.0.0", "--open"), ("--proxy", "127.0.0.1"), ("--root-path", "/app")],
)
def test_the_maintainer_s_tab_is_for_this_machine(refused: Refused, options: tuple[str, ...]) -> None:
    assert refused("serve", "--maintainer", *options) == (
        "The maintainer's tab is for this machine only. Leave out --maintainer, or --host, --open, --proxy and "
        "--root-path"
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--root-path", "app"), "The root path 'app' is none. Give it as the proxy strips it, for one /app"),
        (("--root-path", "/app/"), "The root path '/app/' is none."),
        (("--root-path", '/"><script>'), "The root path '/\"><script>' is none."),
        (("--proxy", "*"), "The proxy '*' is no address. Give the one that it calls from, as 10.0.0.5"),
        (("--proxy", "0.0.0.0/0"), "The proxy '0.0.0.0/0' is no address."),
        (("--proxy", "proxy.example"), "The proxy 'proxy.example' is no address."),
        (("--allow-host", "https://talks.example"), "The host 'https://talks.example' is no name."),
        (("--allow-host", "talks.example:80"), "The host 'talks.example:80' is no name."),
    ],
)
def test_options_that_say_nothing_lawful(refused: Refused, options: tuple[str, str], says: str) -> None:
    assert refused("serve", *options).startswith(says)


def test_what_loopback_is() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost")] == [True] * 4
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "192.0.2.1", "no.such.host.invalid")] == [False] * 4
    assert local_address("::ffff:127.0.0.1")
    assert not local_address("localhost")


def test_names_are_completed() -> None:
    serving = checked(Serving(names=("Talks.Example.",), proxies=("10.0.0.0/8",), root="/app"))
    assert serving.names == ("localhost", "127.0.0.1", "talks.example")
    assert serving.public
    assert not Serving().public
    with pytest.raises(ListeningError):
        checked(Serving(host="192.0.2.1"))


# -- behind a proxy ------------------------------------------------------------------------------------------------


class Proxy(BaseHTTPRequestHandler):
    """A small reverse proxy, real: strips /app, names itself and the caller, hands streams on as they come."""

    protocol_version = "HTTP/1.1"
    upstream = ""

    def do_GET(self) -> None:
        if not self.path.startswith("/app/"):
            self.send_error(404)
            return
        host, port = self.upstream.removeprefix("http://").split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        dropped = {"connection", "x-forwarded-for", "accept-encoding"}
        headers = {name: value for name, value in self.headers.items() if name.lower() not in dropped}
        headers |= {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "http"}
        connection.request(self.command, self.path.removeprefix("/app"), body or None, headers)
        answer = connection.getresponse()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length", "date"):
                self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        while piece := answer.read1(65536):
            self.wfile.write(piece)
            self.wfile.flush()
        self.close_connection = True

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *args: object) -> None:
        """Silent."""


@contextmanager
def proxied(page: Page) -> Iterator[str]:
    """The address of the page behind the proxy."""
    handler = type("Named", (Proxy,), {"upstream": page.address})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/app"
        server.shutdown()


@pytest.mark.slow
def test_behind_a_proxy_that_strips_a_prefix(library: Path) -> None:
    from browsing import CHROMIUM

    from evals.page_speed import chromium

    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with (
        served(library, "--root-path", "/app", "--proxy", "127.0.0.1") as page,
        proxied(page) as address,
        chromium() as browser,
    ):
        tab = browser.new_page()
        tab.set_default_timeout(20_000)
        wrong: list[str] = []
        tab.on("response", lambda answer: wrong.append(f"{answer.status} {answer.url}") if answer.status > 399 else 0)
        tab.on("request", lambda request: request.url.startswith(address) or wrong.append(request.url))
        tab.goto(f"{address}/")
        tab.locator("#q textarea").wait_for()
        tab.fill("#q textarea", OSLO)
        tab.keyboard.press("Enter")
        tab.locator("#chat a.cite").first.wait_for()
        tab.locator("#status .idle", has_text="Answer ready").wait_for()
        tab.locator("#chat a.cite").first.click()
        tab.locator("#quote").wait_for()
        assert "Oslo" in tab.locator("#reader h2").inner_text()
        browser.close()
        assert wrong == []
        assert httpx.get(f"{address}/metrics", timeout=30).status_code == 403  # the caller is not on this machine
        assert httpx.get(f"{page.address}/metrics", timeout=30).status_code == 200
        secured = httpx.get(f"{page.address}/healthz", headers={"X-Forwarded-Proto": "https"}, timeout=30)
        assert secured.headers["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in httpx_headers(library)


def httpx_headers(library: Path) -> httpx.Headers:
    """Of a page that nobody has named a proxy to."""
    with served(library) as page:
        answer = httpx.get(f"{page.address}/healthz", headers={"X-Forwarded-Proto": "https"}, timeout=30)
        assert page.stop().status == 0
        return answer.headers


# -- keys ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_t20_a_key_is_nowhere_to_be_found(own_home: Path) -> None:
    """In the environment; questions, errors, reports of settings; then logs, answers, page and home are searched."""
    texts: list[str] = []

    async def ask(page: Page) -> None:
        async with httpx.AsyncClient(timeout=60) as client:
            for question in (OSLO, "x" * 2001, "What is the capital of Peru?", OSLO):
                answer, messages = await asked(client, page, page.join(question))
                texts.extend([answer.text, json.dumps(messages)])
            for path in ("/", "/config", "/gradio_api/info", "/metrics", "/readyz", "/api/status", "/api", "/nowhere"):
                texts.append((await client.get(page.address + path)).text)
            texts.append((await client.post(f"{page.address}/api/ask", json={"question": OSLO})).text)

    with LLMServer("HTTP 401", "error in the stream", "HTTP 500", "cut between chunks") as model:
        settings = {"llm_base_url": model.address, "llm_model": "fake", "llm_api_key": KEY}
        options = ("--access-log", "--log-questions", "--log-format", "json")
        with served(own_home, *options, **settings) as page:
            asyncio.run(ask(page))
            gone = page.stop()
        assert any(KEY in str(seen.headers) for seen in model.requests)  # it was used
    texts += [gone.out, gone.err]
    lines = [json.loads(line) for line in gone.err.splitlines()]
    assert {"request", "answer"} <= {line["event"] for line in lines}
    assert {line["surface"] for line in lines if line["event"] == "answer"} == {"page", "api"}
    environment = os.environ | {"BACKCHANNEL_LLM_API_KEY": KEY}
    done = subprocess.run(
        [sys.executable, "app.py", "settings"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert re.search(r"llm_api_key +\*\*\*", done.stdout)
    texts += [done.stdout, done.stderr]
    assert [text[:200] for text in texts if KEY in text] == []
    found = [str(path) for path in own_home.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert found == []
