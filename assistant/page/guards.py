"""Pure ASGI middleware around the page: which paths exist, how large a body may be, and the headers of every answer.

Pure, because Starlette's base class would hold back the event stream that carries an answer.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.page.shell import dress, new_nonce

__all__ = ["Guards", "policy"]

LARGEST = 1_000_000  # bytes of a request's body; a question has 2,000 characters at most
# All that Gradio 6.31's page asks for, and our own; this shuts uploads, files, proxying, and calls past the queue.
READ = {
    "/",
    "/config",
    "/favicon.ico",
    "/gradio_api/info",
    "/gradio_api/queue/data",
    "/gradio_api/startup-events",
    "/manifest.json",
    "/theme.css",
}
READ_UNDER = ("/article/", "/assets/", "/gradio_api/heartbeat/", "/own/", "/static/")
WRITTEN = {"/gradio_api/cancel", "/gradio_api/queue/join", "/gradio_api/reset"}


def policy(nonce: str = "") -> str:
    """The Content-Security-Policy. Gradio's scripts make `<style>` elements, hence `unsafe-inline` for these alone."""
    scripts = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
    return (
        f"default-src 'none'; script-src {scripts}; style-src-elem 'self' 'unsafe-inline'; style-src-attr 'none'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'self'; "
        "form-action 'none'; frame-ancestors 'none'"
    )


class Guards:
    """Wraps the whole service."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; web sockets, which the page does not use, are turned away."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        nonce = new_nonce()
        guarded = with_headers(scope, send, nonce)
        if not known(scope["method"], scope["path"]):
            return await PlainTextResponse("There is no such page here.", 404)(scope, receive, guarded)
        if scope["method"] == "POST":
            body = await read_body(Headers(scope=scope), receive)
            if body is None:
                refusal = PlainTextResponse(f"A request may have at most {LARGEST:,} bytes.", 413)
                return await refusal(scope, receive, guarded)
            receive = replayed(body, receive)
        if scope["path"] == "/":
            guarded = dress(guarded, nonce)
        return await self.app(scope, receive, guarded)


def known(method: str, path: str) -> bool:
    """Whether the page has such a path."""
    if method in ("GET", "HEAD"):
        return path in READ or path.startswith(READ_UNDER)
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


def with_headers(scope: Scope, send: Send, nonce: str) -> Send:
    """A `send` that adds our headers; scripts in the text of `/` may run with its nonce, elsewhere none may."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = policy(nonce if scope["path"] == "/" else "")
            headers["X-Content-Type-Options"] = "nosniff"
            headers["Referrer-Policy"] = "no-referrer"
            headers["X-Frame-Options"] = "DENY"
            if scope["path"].startswith("/assets/") and message["status"] == 200:
                headers["Cache-Control"] = "public, max-age=31536000, immutable"  # their names hold a digest
        await send(message)

    return sending
