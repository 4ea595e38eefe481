"""The MCP server, over HTTP at `/mcp` of the page or over standard input and output; its tools are in mcp_tools.py."""

import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from assistant.living import LiveAssistant
from assistant.page.api_errors import said
from assistant.page.mcp_tools import PATH, build_mcp, require

if TYPE_CHECKING:
    from fastapi import FastAPI
    from mcp.server.transport_security import TransportSecuritySettings

__all__ = ["add_mcp", "run_stdio", "security", "without_mcp"]

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
ABSENT = "There is no MCP server here. Whoever runs this page can start one with: python app.py serve --mcp"


def run_stdio(home: Path | None, index_from: str | None = None) -> None:
    """Serves one client until it closes standard input; nothing but the protocol is written to standard output."""
    require()
    with redirect_stdout(sys.stderr):
        live = LiveAssistant.open(home, index_from=index_from)
    with live.following():
        build_mcp(live).run("stdio")


def add_mcp(app: "FastAPI", live: LiveAssistant, served: bool, names: Sequence[str] | None = ()) -> None:
    """Adds `/mcp` to the page, before Gradio's mount: a server that lives as long as the page, or that there is none.

    `names` are hosts that it may be reached by beside this machine's own; None = by any, where others check that.
    """
    if not served:
        app.add_api_route(PATH, absent, methods=["GET", "POST"], include_in_schema=False)
        return
    require()
    server = build_mcp(live, security(names))
    app.router.routes.extend(server.streamable_http_app().routes)
    before = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(page: Any) -> AsyncIterator[Mapping[str, Any] | None]:
        async with before(page) as state, server.session_manager.run():
            yield state

    app.router.lifespan_context = lifespan  # type: ignore[assignment]  # with or without a state


def absent() -> JSONResponse:
    """The answer where no MCP server was asked for."""
    return said(ABSENT, 404)


def security(names: Sequence[str] | None = ()) -> "TransportSecuritySettings":
    """Which Host and Origin the SDK lets in: a page of another site that has its name point here is known by these."""
    from mcp.server.transport_security import TransportSecuritySettings

    hosts = [f"{each}{port}" for each in (*LOOPBACK, *(names or ())) for port in ("", ":*")]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=names is not None,
        allowed_hosts=hosts,
        allowed_origins=[f"{scheme}://{each}" for scheme in ("http", "https") for each in hosts],
    )


@contextmanager
def without_mcp() -> Iterator[None]:
    """Hides the package within a `with`: Gradio imports it where it can, and nothing of ours needs that."""
    if "mcp" in sys.modules:
        yield
        return
    sys.modules["mcp"] = None  # type: ignore[assignment]  # Python's own sign for "not to be found"
    try:
        yield
    finally:
        del sys.modules["mcp"]
