"""Who is let in: every request that costs something passes here before Gradio, the API or the MCP server sees it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from assistant.page.crowd import Crowd
from assistant.page.joining import TOO_DEEP, Joining, parsed
from assistant.page.limits import Limits, Refusal
from assistant.page.stopping import SENTENCE, Stopping

__all__ = ["JOIN", "Admission"]

JOIN = "/gradio_api/queue/join"
# Questions beside Gradio's queue; each has a place while it is answered.
ASKED = ("/api/ask", "/api/search")
MCP = "/mcp"
# What costs less than a question, yet more than a file: counted by address only.
COUNTED = ("/api", "/article/", "/export", "/feedback", "/library", MCP)
STOPPING = Refusal(503, SENTENCE, 5, "stopping")


class Admission:
    """Limits, queue and the server's end, asked in turn. To be used from the event loop only."""

    def __init__(self, joining: Joining, limits: Limits, crowd: Crowd, stopping: Stopping) -> None:
        self.joining = joining
        self.limits = limits
        self.crowd = crowd
        self.stopping = stopping

    @asynccontextmanager
    async def admitted(self, method: str, path: str, address: str, body: bytes) -> AsyncIterator[Refusal | None]:
        """For a `with` around the serving of a request: None where it may be served."""
        if method == "POST" and path == JOIN:
            with self.joined(address, body) as refusal:
                yield refusal
        elif method == "POST" and (path.startswith(ASKED) or (path == MCP and calls_a_tool(body))):
            if refusal := self.asked(address, body):
                yield refusal
                return
            async with self.crowd.place(address) as refusal:
                yield refusal
        elif path.startswith(COUNTED):
            yield self.counted(method, address, body)
        else:
            yield None

    @contextmanager
    def joined(self, address: str, body: bytes) -> Iterator[Refusal | None]:
        """A request for Gradio's queue, by which also searches, stops and the like come."""
        join = self.joining.read(body)
        if isinstance(join, Refusal):
            yield join
        elif not join.asks:
            yield self.limits.requested(address) or self.crowd.swamped()
        elif refusal := self.spoken_against(address):
            yield refusal
        else:
            with self.crowd.admitted(join.session, address) as refusal:
                yield refusal or self.limits.asked_by_all()

    def spoken_against(self, address: str) -> Refusal | None:
        """Why one more question from there is not taken, whatever else goes on."""
        return STOPPING if self.stopping.begun else self.limits.asked(address)

    def asked(self, address: str, body: bytes) -> Refusal | None:
        """A question beside the queue; whether its JSON is any is for the API to say."""
        if parsed(body) is TOO_DEEP:
            return TOO_DEEP
        return self.spoken_against(address) or self.limits.asked_by_all()

    def counted(self, method: str, address: str, body: bytes) -> Refusal | None:
        """Anything else that is counted."""
        if method == "POST" and body[:1] in (b"{", b"[") and parsed(body) is TOO_DEEP:
            return TOO_DEEP
        return self.limits.requested(address)


def calls_a_tool(body: bytes) -> bool:
    """Whether an MCP client wants an answer, and not only to know what there is."""
    content = parsed(body)
    messages = content if isinstance(content, list) else [content]
    return any(isinstance(each, dict) and each.get("method") == "tools/call" for each in messages)
