"""The headers of every answer, and what each page may load, run and be framed by."""

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Scope, Send

__all__ = ["REPORTS", "YEAR", "policy", "with_headers"]

REPORTS = "/report/"  # one self-contained HTML file each, made by `eval report`, shown in a frame of the maintainer's
# Scripts and styles stand in the file; the sandbox gives it an origin of its own, from which nothing of ours is to be
# had, and it can fetch nothing.
OF_A_REPORT = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
UNUSED = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": ", ".join(f"{name}=()" for name in UNUSED),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
YEAR = "public, max-age=31536000, immutable"


def policy(nonce: str = "", framing: bool = False) -> str:
    """The Content-Security-Policy. Gradio's scripts make `<style>` elements, hence `unsafe-inline` for these alone.

    `framing` = the page may hold frames of our own.
    """
    scripts = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
    frames = "frame-src 'self'; " if framing else ""
    return (
        f"default-src 'none'; script-src {scripts}; style-src-elem 'self' 'unsafe-inline'; style-src-attr 'none'; "
        f"img-src 'self' data:; font-src 'self'; connect-src 'self'; {frames}manifest-src 'self'; base-uri 'self'; "
        "form-action 'none'; frame-ancestors 'none'"
    )


def with_headers(scope: Scope, send: Send, nonce: str, framing: bool = False) -> Send:
    """A `send` that adds our headers; scripts in the text of `/` may run with its nonce, elsewhere none may."""
    path = scope["path"]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in ALWAYS.items():
                headers[name] = value
            report = path.startswith(REPORTS)
            page = path == "/"
            headers["Content-Security-Policy"] = OF_A_REPORT if report else policy(nonce * page, framing and page)
            headers["X-Frame-Options"] = "SAMEORIGIN" if report else "DENY"
            if scope.get("scheme") == "https":  # said by a proxy that is believed
                headers["Strict-Transport-Security"] = "max-age=31536000"
            if path.startswith("/assets/") and message["status"] == 200:
                headers["Cache-Control"] = YEAR  # their names hold a digest
        await send(message)

    return sending
