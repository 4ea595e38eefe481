"""The tools of the MCP server, `ask`, `search` and `get_article`: the API's calls with typed results.

The package `mcp` is an extra, and is imported only when a server is built.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from assistant.errors import AssistantError
from assistant.living import LiveAssistant
from assistant.page import calls
from assistant.page.api_errors import FAULT, LOG, finished, of_validation
from assistant.page.api_objects import AnswerObject, DocumentObject, Found
from assistant.page.api_types import Ask, Asked, Count, History, Identity, Order, Read, Search, Where, Within
from assistant.page.growing import GoneError
from index.errors import BackchannelError

if TYPE_CHECKING:
    from mcp.server.fastmcp import FastMCP
    from mcp.server.transport_security import TransportSecuritySettings
    from mcp.types import ToolAnnotations

__all__ = ["PATH", "MissingExtraError", "build_mcp", "require"]

PATH = "/mcp"
ABOUT = (
    "Answers from a library of articles on track-two dialogues and private diplomacy. Each sentence of an answer names "
    "citations by number, and each citation the article, the characters and the exact words. What the articles do not "
    "cover is said to be so; take that for the answer, and look at the nearest articles."
)
INSTALL = "The MCP server needs the package mcp, which is not installed. Install it with: pip install 'mcp>=1.30,<2'"
TAKES: Mapping[str, type[BaseModel]] = {"ask": Ask, "search": Search, "get_article": Read}


class MissingExtraError(AssistantError):
    """The package `mcp` is not installed."""


def require() -> None:
    """`MissingExtraError` where the package is not installed."""
    try:
        import mcp.server.fastmcp  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(INSTALL) from error


def build_mcp(live: LiveAssistant, security: "TransportSecuritySettings | None" = None) -> "FastMCP":
    """The server with its tools. Stateless: each request stands for itself, as in the API."""
    server = new_server(security)
    add_ask(server, live)
    add_search(server, live)
    add_get_article(server, live)
    return server


def new_server(security: "TransportSecuritySettings | None") -> "FastMCP":
    """A server without tools, whose errors are sentences."""
    from mcp.server.fastmcp import FastMCP
    from mcp.server.fastmcp.exceptions import ToolError

    class Speaking(FastMCP):
        async def call_tool(self, name: str, arguments: dict[str, Any]) -> Any:
            """As the SDK does it; what goes wrong is one sentence, and what is unknown is no longer passed over."""
            try:
                if name in TAKES:
                    TAKES[name].model_validate(arguments)
                return await super().call_tool(name, arguments)
            except Exception as error:
                raise ToolError(sentence(name, error)) from error

    with undisturbed_logging():
        return Speaking(
            "Backchannel",
            instructions=ABOUT,
            stateless_http=True,
            json_response=True,
            streamable_http_path=PATH,
            transport_security=security,
            log_level="WARNING",
        )


@contextmanager
def undisturbed_logging() -> Iterator[None]:
    """Undoes, after a `with`, what the SDK does to everybody's logging when a server is made."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def sentence(name: str, error: Exception) -> str:
    """What went wrong in a call of a tool; a fault of ours is told in the log."""
    cause = error.__cause__ or error
    if name not in TAKES:
        return f"There is no tool of that name; there are {', '.join(TAKES)}."
    if isinstance(cause, ValidationError):
        return finished(of_validation(cause.errors()[0], TAKES[name]))
    if isinstance(cause, GoneError):
        return "Nobody waits for this answer any more."
    if isinstance(cause, BackchannelError):
        return finished(str(cause))
    LOG.error("The MCP tool %s failed", name, exc_info=cause)
    return FAULT


def add_ask(server: "FastMCP", live: LiveAssistant) -> None:
    """The tool that answers; a client that leaves ends the making of its answer."""
    from mcp.server.fastmcp import Context

    @server.tool(annotations=reading())
    async def ask(
        context: Context[Any, Any, Any],
        question: Asked,
        history: History = [],  # noqa: B006 - never changed
        filters: Where = Within(),  # noqa: B008 - never changed
    ) -> AnswerObject:
        """Answer a question from the articles, each sentence cited; says so where they do not cover it."""
        body = Ask(question=question, history=history, filters=filters)
        request = context.request_context.request
        address = request.client.host if request and request.client else ""
        growing = calls.growing(live, body, address, "mcp")
        answer = await growing.last(request.is_disconnected if request else None)
        return AnswerObject.model_validate(answer.to_json())


def add_search(server: "FastMCP", live: LiveAssistant) -> None:
    """The tool that finds passages."""

    @server.tool(annotations=reading())
    async def search(
        query: Asked,
        k: Count = 10,
        filters: Where = Within(),  # noqa: B008 - never changed
        sort: Order = "relevance",
    ) -> Found:
        """Find the passages that best fit a question or a few words, best first or by the years they are about."""
        body = Search(query=query, k=k, filters=filters, sort=sort)
        return Found.model_validate(await asyncio.to_thread(calls.search, live.current(), body))


def add_get_article(server: "FastMCP", live: LiveAssistant) -> None:
    """The tool that reads."""

    @server.tool(annotations=reading())
    async def get_article(doc_id: Identity) -> DocumentObject:
        """Read a whole article with its notes and sources; citations and passages name it by doc_id."""
        return DocumentObject.model_validate(await asyncio.to_thread(calls.article, live.current(), doc_id))


def reading() -> "ToolAnnotations":
    """Of a tool that changes nothing, here or elsewhere."""
    from mcp.types import ToolAnnotations

    return ToolAnnotations(readOnlyHint=True, openWorldHint=False)
