"""Gradio's HTML shell made ours: nonces on its scripts, our style sheet and script, none of its names and pictures."""

import html
import re
import secrets

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

from assistant.page.static_files import address

__all__ = ["dress", "new_nonce", "rewritten"]

# In the head from the start, so that the page is drawn in our look and in the chosen light from its first moment;
# Gradio's own `head=` is inserted by its scripts, half a second later.
# `root` is where a proxy has put the page, for app.js, which fetches articles.
HEAD = """<title>Backchannel</title>
<meta name="description" content="Cited answers from articles on track-two dialogues and private diplomacy">
<meta name="color-scheme" content="light dark">
<meta name="root" content="{root}">
<link rel="icon" type="image/svg+xml" href="{root}{icon}">
<link rel="stylesheet" href="{root}{style}">
"""
# Drawn with the style sheet, before any script has run; names.js takes it away when the page can be used.
OPENING = """<div id="opening" role="status"><p class="name">Backchannel</p><p>Opening…</p></div>
<noscript><p class="unscripted">This page needs JavaScript. What it asks can be asked without it: see
<a href="{root}/api">the API</a>.</p></noscript>
"""
BODY = re.compile(rb"<body\b[^>]*>")
# The first paints the chosen light before all else; the others, deferred, wait until the page has been read.
SCRIPTS = ("app.js", "filters.js", "talks.js", "search.js", "library.js", "names.js")
MAINTAINERS = ("maintain.js",)  # only where the maintainer's view is
FOREIGN = re.compile(rb'\s*<meta\s+(?:property|name)="(?:og|twitter):[^>]*>')
STYLED = re.compile(rb'(<(?:html|body|gradio-app)\b[^>]*?)\s+style="[^"]*"')  # the policy blocks them; see page.css


def new_nonce() -> str:
    """A fresh nonce, 128 random bits."""
    return secrets.token_urlsafe(16)


def rewritten(page: bytes, nonce: str, root: str = "", maintainer: bool = False) -> bytes:
    """The shell's HTML with our head. It holds nothing from articles but what `safe_markdown` has escaped."""
    root = html.escape(root)
    page = STYLED.sub(rb"\1", FOREIGN.sub(b"", page))
    page = page.replace(b"<script", f'<script nonce="{nonce}"'.encode())
    head = HEAD.format(root=root, icon=address("favicon.svg"), style=address("page.css"))
    names = SCRIPTS + (MAINTAINERS if maintainer else ())
    for at, name in enumerate(names):
        head += f'<script nonce="{nonce}" src="{root}{address(name)}"{" defer" if at else ""}></script>\n'
    page = page.replace(b"</head>", head.encode() + b"</head>", 1)
    opening = OPENING.format(root=root).encode()
    return BODY.sub(lambda found: found[0] + opening, page, count=1)


def dress(send: Send, nonce: str, root: str = "", maintainer: bool = False) -> Send:
    """A `send` that rewrites an HTML answer; it is small (some 100 KB), so it is held back whole."""
    started: list[Message] = []
    body = bytearray()

    async def finish() -> None:
        headers = MutableHeaders(scope=started[0])
        page = bytes(body)
        if page and headers.get("content-type", "").startswith("text/html"):
            page = rewritten(page, nonce, root, maintainer)
            headers["content-length"] = str(len(page))
            headers["cache-control"] = "no-store"  # a nonce is for one answer
            del headers["etag"]
        await send(started[0])
        await send({"type": "http.response.body", "body": page})

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.append(message)
        elif message["type"] != "http.response.body":
            await send(message)
        else:
            body.extend(message.get("body", b""))
            if not message.get("more_body", False):
                await finish()

    return sending
