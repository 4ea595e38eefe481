"""What is let in: rates, questions before Gradio sees them, other sites' pages, and the queue's places."""

import asyncio
import json
import time
from typing import Any

import gradio as gr
import pytest
from starlette.datastructures import Headers

from assistant.answering import Assistant
from assistant.living import LiveAssistant
from assistant.page.admission import calls_a_tool
from assistant.page.chat import OTHERS, build_blocks
from assistant.page.crowd import Crowd
from assistant.page.forwarded import Forwarded
from assistant.page.joining import TOO_DEEP, Join, Joining, parsed
from assistant.page.limits import KNOWN, Limits, Rate, Refusal, busy
from assistant.page.origins import refusal
from assistant.settings import PageSettings
from assistant.writing.budget import network_of

# -- rates ---------------------------------------------------------------------------------------------------------


class Clock:
    """A fake: moves only when told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_rate_is_spent_and_fills_again() -> None:
    clock = Clock()
    rate = Rate(3, 60, clock)
    assert [rate.take("a") for _ in range(3)] == [0, 0, 0]
    assert rate.take("a") == pytest.approx(20)  # a third of a minute until one more
    assert rate.take("b") == 0  # each key has its own
    clock.now = 19.9
    assert rate.take("a") == pytest.approx(0.1)
    clock.now = 20
    assert rate.take("a") == 0
    clock.now = 1000
    assert [rate.take("a") for _ in range(4)][:3] == [0, 0, 0]  # three at most are saved up


def test_a_rate_remembers_so_many_keys() -> None:
    rate = Rate(1, 60)
    for number in range(KNOWN + 50):
        rate.take(str(number))
    assert len(rate.left) == KNOWN


def test_an_address_and_all_together() -> None:
    clock = Clock()
    settings = PageSettings.load(page_questions=2, page_address_questions=3, page_address_requests=1)
    limits = Limits(settings, True, clock)
    assert [limits.asked("192.0.2.1") for _ in range(3)] == [None] * 3
    often = limits.asked("192.0.2.1")
    assert often == Refusal(
        429,
        "You have asked 3 times within a minute, as often as one address may. Ask again in 20 seconds.",
        20,
        "address_rate",
    )
    assert limits.asked("192.0.2.2") is None
    assert [limits.asked_by_all() for _ in range(4)] == [None] * 4
    busy = limits.asked_by_all()
    assert busy == Refusal(503, "Many people are asking at this moment. Ask again in 1 second.", 1, "busy")
    assert limits.requested("192.0.2.1") is None
    assert limits.requested("192.0.2.1").status == 429  # type: ignore[union-attr]


def test_on_one_s_own_machine_no_address_is_counted() -> None:
    limits = Limits(PageSettings.load(page_questions=1000, page_address_questions=1), False)
    assert [limits.asked("127.0.0.1") for _ in range(500)] == [None] * 500
    assert [limits.requested("127.0.0.1") for _ in range(500)] == [None] * 500


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_what_counts_as_one_address(address: str, counted: str) -> None:
    assert network_of(address) == counted


# -- bodies --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page_like() -> gr.Blocks:
    """A page of two events, one of which asks."""
    with gr.Blocks(analytics_enabled=False) as blocks:
        box, kept, other = gr.Textbox(elem_id="q"), gr.Textbox(), gr.Button()
        gr.on([box.submit], lambda a, b: a, [box, kept], [kept], concurrency_id="ask", concurrency_limit=4)
        other.click(lambda a: a, [kept], [kept])
    blocks.queue(max_size=64)
    return blocks


def body(**changed: object) -> bytes:
    content = {"fn_index": 0, "data": ["How did the Oslo talks start?", ""], "session_hash": "abc123"}
    return json.dumps(content | changed).encode()


def test_a_question_as_the_page_sends_it(page_like: gr.Blocks) -> None:
    joining = Joining(page_like)
    assert joining.read(body()) == Join("abc123", True)
    assert joining.read(body(data=["", ""])) == Join("abc123", True)  # the page says that it is empty
    assert joining.read(body(data=["x" * 2000, "y" * 100_000])) == Join("abc123", True)
    assert joining.read(body(fn_index=1, data=["y" * 5000])) == Join("abc123", False)


TEXT = "A question is text of at most 2,000 characters."
CHANGED = "The page has changed. Load it again."


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (
            body(data=["x" * 2001, ""]),
            413,
            "The question has 2,001 characters; at most 2,000 can be asked. Shorten it.",
        ),
        (body(data=[5, ""]), 422, TEXT),
        (body(data=[{"a": 1}, ""]), 422, TEXT),
        (body(data=[None, ""]), 422, TEXT),
        (body(data=[["a"], ""]), 422, TEXT),
        (body(data=[]), 422, TEXT),
        (body(data="x"), 422, TEXT),
        (body(data=["x", "", "more"]), 422, TEXT),
        (body(fn_index=99), 422, CHANGED),
        (body(fn_index=True), 422, CHANGED),
        (body(fn_index="0"), 422, CHANGED),
        (body(session_hash=None), 422, CHANGED),
        (body(session_hash="a/b"), 422, CHANGED),
        (b"[]", 422, CHANGED),
        (b"", 422, "The request is no JSON that can be read."),
        (b"\xff\xfe{", 422, "The request is no JSON that can be read."),
        (b"[" * 500_000, 422, "The request is nested more than 20 levels deep."),
        (b"[" * 900 + b"]" * 900, 422, "The request is nested more than 20 levels deep."),
        (b'{"a":' * 22 + b"1" + b"}" * 22, 422, "The request is nested more than 20 levels deep."),
    ],
)
def test_f36_a_question_that_is_none_is_refused_before_gradio(
    page_like: gr.Blocks, content: bytes, status: int, says: str
) -> None:
    begun = time.perf_counter()
    found = Joining(page_like).read(content)
    assert isinstance(found, Refusal)
    assert (found.status, found.sentence) == (status, says)
    assert time.perf_counter() - begun < 0.1


def test_depth_is_counted_exactly() -> None:
    assert parsed(b"[" * 21 + b"]" * 21) is not TOO_DEEP
    assert parsed(b"[" * 22 + b"]" * 22) is TOO_DEEP


# -- other sites ---------------------------------------------------------------------------------------------------

NAMES = ("localhost", "talks.example")
SITE = "This request comes from a page of another site. Open this page itself and ask there."
NAME = "No page is served under this name here. Whoever runs it can allow the name with --allow-host."


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {"host": "127.0.0.1:7860"}, 0),
        ("GET", {"host": "localhost"}, 0),
        ("GET", {"host": "LOCALHOST:7860"}, 0),
        ("GET", {"host": "[::1]:7860"}, 0),
        ("GET", {"host": "192.0.2.7"}, 0),  # an address cannot be rebound
        ("GET", {"host": "talks.example."}, 0),
        ("GET", {"host": "evil.example"}, 421),
        ("GET", {"host": "127.0.0.1.evil.example"}, 421),
        ("GET", {"host": "localhost.evil.example:7860"}, 421),
        ("GET", {"host": "evil.example@localhost"}, 0),  # names localhost; a browser cannot send it
        ("GET", {"host": "[::1"}, 421),
        ("GET", {}, 400),
        ("GET", {"host": "localhost", "x-forwarded-host": "evil.example"}, 421),
        ("POST", {"host": "evil.example", "x-forwarded-host": "localhost"}, 421),
        ("GET", {"host": "localhost", "origin": "https://evil.example"}, 0),  # unreadable there: no ACAO
        ("POST", {"host": "localhost:7860", "origin": "http://localhost:7860"}, 0),
        ("POST", {"host": "talks.example", "origin": "https://talks.example"}, 0),
        ("POST", {"host": "talks.example", "origin": "https://talks.example:443"}, 0),
        ("POST", {"host": "localhost:7860", "origin": "http://localhost:7861"}, 403),
        ("POST", {"host": "localhost:7860", "origin": "https://evil.example"}, 403),
        ("POST", {"host": "localhost:7860", "origin": "null"}, 403),
        ("POST", {"host": "localhost:7860", "origin": "file://"}, 403),
        ("POST", {"host": "localhost:7860", "origin": "http://[bad"}, 403),
        ("POST", {"host": "localhost:7860", "sec-fetch-site": "cross-site"}, 403),
        ("POST", {"host": "localhost:7860", "sec-fetch-site": "same-origin"}, 0),
        ("POST", {"host": "localhost:7860"}, 0),  # no browser
    ],
)
def test_t13_other_sites_and_rebound_names(method: str, headers: dict[str, str], status: int) -> None:
    found = refusal(method, Headers(headers), NAMES)
    assert (found.status if found else 0) == status
    if found:
        assert found.sentence in (SITE, NAME, "The request does not say which host it is for.")


# -- forwarded headers ---------------------------------------------------------------------------------------------


def seen_by_the_page(peer: str, headers: dict[str, str], *proxies: str) -> dict[str, Any]:
    """The request as it gets past `Forwarded`."""
    seen: dict[str, Any] = {}

    async def page(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope)

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "client": (peer, 1), "headers": raw, "scheme": "http"}
    asyncio.run(Forwarded(page, proxies)(scope, None, None))  # type: ignore[arg-type]
    return seen


CLAIM = {"X-Forwarded-For": "198.51.100.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "talks.example"}


def test_t9_a_visitor_cannot_name_another_address() -> None:
    for proxies in ((), ("192.0.2.77",)):
        seen = seen_by_the_page("192.0.2.1", CLAIM, *proxies)
        assert (seen["client"][0], seen["scheme"], seen["headers"]) == ("192.0.2.1", "http", [])
        assert seen["state"]["forwarded"]


@pytest.mark.parametrize("proxy", ["192.0.2.1", "192.0.2.0/24"])
def test_a_named_proxy_is_believed(proxy: str) -> None:
    seen = seen_by_the_page("192.0.2.1", CLAIM | {"X-Gradio-Server": "http://evil.example"}, proxy)
    assert (seen["client"][0], seen["scheme"]) == ("198.51.100.9", "https")
    assert dict(seen["headers"])[b"x-forwarded-host"] == b"talks.example"
    assert b"x-gradio-server" not in dict(seen["headers"])


def test_behind_a_named_proxy_a_visitor_cannot_either() -> None:
    """The proxy appends what it saw; what the visitor made up stands before it."""
    seen = seen_by_the_page("192.0.2.1", {"X-Forwarded-For": "203.0.113.5, 198.51.100.9"}, "192.0.2.1")
    assert seen["client"][0] == "198.51.100.9"


# -- the queue -----------------------------------------------------------------------------------------------------


def test_f42_gradio_s_queue_holds_all_that_are_let_in(assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else those above its size would be told so in Gradio's words."""
    monkeypatch.setenv("BACKCHANNEL_PAGE_WAITING", "300")
    monkeypatch.setenv("BACKCHANNEL_PAGE_RUNNING", "5")
    assert build_blocks(LiveAssistant(assistant))._queue.max_size == 305 + OTHERS


@pytest.mark.parametrize(("size", "told"), [(None, False), (1, False), (0, True)])
def test_f42_above_the_size_of_gradio_s_queue_one_is_told_in_our_words(size: int | None, told: bool) -> None:
    blocks = gr.Blocks(analytics_enabled=False)
    blocks.queue(max_size=size)
    assert Crowd(blocks._queue, PageSettings.load(), True).swamped() == (busy() if told else None)


# -- what counts as a question -------------------------------------------------------------------------------------


CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ask", "arguments": {"question": "?"}}}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.mark.parametrize(
    ("content", "calls"),
    [
        (json.dumps(CALL), True),
        (json.dumps(LIST), False),
        (json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}), False),
        (json.dumps([LIST, CALL]), True),
        (json.dumps([LIST]), False),
        (json.dumps([[CALL]]), False),
        (json.dumps("tools/call"), False),
        ("tools/call", False),
        ("[" * 100_000, False),
        ("", False),
    ],
)
def test_of_what_mcp_clients_send_a_tool_s_call_counts_as_a_question(content: str, calls: bool) -> None:
    assert calls_a_tool(content.encode()) is calls
