"""Pure ASGI middleware around the page: whose requests are served, which paths exist, how large a body may be.

Pure, because Starlette's base class would hold back the event stream that carries an answer.
"""

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.page import metrics, origins
from assistant.page.fragment import sentence
from assistant.page.headers import REPORTS, with_headers
from assistant.page.limits import Refusal
from assistant.page.listening import PRIVATE, Serving
from assistant.page.shell import dress, new_nonce

if TYPE_CHECKING:
    from assistant.page.admission import Admission

__all__ = ["Guards"]

LISTEN = "/gradio_api/queue/data"
LARGEST = 1_000_000  # bytes of a request's body; a question has 2,000 characters at most
# All that Gradio 6.31's page asks for, and our own; this shuts uploads, files, proxying, and calls past the queue.
READ = {
    "/",
    "/config",
    "/favicon.ico",
    "/gradio_api/info",
    "/gradio_api/queue/data",
    "/gradio_api/startup-events",
    "/healthz",
    "/library",
    "/library/rows",
    "/metrics",
    "/readyz",
    "/manifest.json",
    "/theme.css",
}
READ_UNDER = ("/article/", "/assets/", "/gradio_api/heartbeat/", "/own/", "/static/")
WRITTEN = {
    "/export/csl",
    "/export/docx",
    "/export/json",
    "/export/markdown",
    "/feedback",
    "/gradio_api/cancel",
    "/gradio_api/queue/join",
    "/gradio_api/reset",
}
PROGRAMS = ("/api", "/mcp")  # and all below the first: who asks there reads {"error": …}
TOO_LARGE = Refusal(413, f"A request may have at most {LARGEST:,} bytes.", reason="large")
IN_HTML = ("/article/", "/library")  # what comes is shown as it is


class Guards:
    """Wraps the whole service. Without `admission` nothing is counted."""

    def __init__(self, app: ASGIApp, serving: Serving = PRIVATE, admission: "Admission | None" = None) -> None:
        self.app = app
        self.serving = serving
        self.admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; web sockets, which the page does not use, are turned away."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        nonce = new_nonce()
        guarded = with_headers(scope, send, nonce, self.serving.maintainer)
        answer = origins.refusal(scope["method"], Headers(scope=scope), self.serving.names)
        if answer is not None:
            return await said(answer, scope, receive, guarded)
        if not known(scope["method"], scope["path"], self.serving.maintainer):
            return await PlainTextResponse("There is no such page here.", 404)(scope, receive, guarded)
        body = b""
        if scope["method"] == "POST":
            whole = await read_body(Headers(scope=scope), receive)
            if whole is None:
                return await said(TOO_LARGE, scope, receive, guarded)
            body = whole
            receive = replayed(body, receive)
        if scope["path"] == "/":
            guarded = dress(guarded, nonce, self.serving.root, self.serving.maintainer)
        return await self.served(scope, receive, guarded, body)

    async def served(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        """A request that may be one of ours, if there is room for it."""
        if self.admission is None:
            return await self.app(scope, receive, send)
        address = (scope.get("client") or ("",))[0]
        async with self.admission.admitted(scope["method"], scope["path"], address, body) as refusal:
            if refusal is not None:
                return await said(refusal, scope, receive, send)
            if scope["path"] != LISTEN:
                return await self.app(scope, receive, send)
            with self.admission.crowd.attention.listener(session_of(scope)):
                return await self.app(scope, receive, send)


async def said(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with a refusal, in the shape that whoever asked can show."""
    metrics.refused(refusal.reason)
    headers = {"Retry-After": str(refusal.wait)} if refusal.wait else {}
    path, shown = scope["path"], refusal.sentence
    answer: Response
    if path.startswith(PROGRAMS):
        answer = JSONResponse({"error": shown}, refusal.status, headers)
    elif path.startswith("/gradio_api/"):
        answer = JSONResponse({"detail": shown}, refusal.status, headers)
    elif path.startswith(IN_HTML) and scope["method"] in ("GET", "HEAD"):
        answer = HTMLResponse(sentence(shown), refusal.status, headers)
    else:
        answer = PlainTextResponse(shown, refusal.status, headers)
    await answer(scope, receive, send)


def session_of(scope: Scope) -> str:
    """The session whose answers are listened to."""
    query: bytes = scope["query_string"]
    return (parse_qs(query.decode("latin-1")).get("session_hash") or [""])[0]


def known(method: str, path: str, maintainer: bool = False) -> bool:
    """Whether the page has such a path; the API and the MCP server know their own, and say so in their own way."""
    if path in PROGRAMS or path.startswith("/api/"):
        return True
    if method in ("GET", "HEAD"):
        return path in READ or path.startswith(READ_UNDER) or (maintainer and path.startswith(REPORTS))
    return method == "POST" and path in WRITTEN


async def read_body(headers: Headers, receive: Receive) -> bytes | None:
    """The whole body; None where it is larger than allowed, by its header or by what comes."""
    announced = headers.get("content-length", "")
    if announced.isdigit() and int(announced) > LARGEST:
        return None
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST:
            return None
        if message["type"] != "http.request" or not message.get("more_body", False):
            return bytes(body)


def replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body once more, then what comes after it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message
