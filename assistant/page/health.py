"""`/healthz`: the process is alive. `/readyz`: a question would be answered now; it asks one to know. `/metrics`."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.concurrency import run_in_threadpool

from assistant.living import LiveAssistant
from assistant.page import metrics
from assistant.page.crowd import Crowd
from assistant.page.listening import local_address
from assistant.page.stopping import Stopping
from index.errors import BackchannelError, EmbedderError

__all__ = ["Readiness", "router"]

QUESTION = "track two"
LIMIT = 2.0  # seconds that a search may take; it takes some 0.01
KEPT = 1.0  # seconds for which a finding holds: a crowd of probes costs one search a second
STUCK = 120.0  # seconds: no answer takes so long, a language model's deadlines included


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether questions are answered; if not, a word for machines and a sentence for people."""

    ready: bool
    reason: str = ""
    sentence: str = ""


class Readiness:
    """Finds out by a real search, one at a time."""

    def __init__(self, live: LiveAssistant, stopping: Stopping, crowd: Crowd) -> None:
        self.live = live
        self.stopping = stopping
        self.crowd = crowd
        self.found = Finding(True)
        self.until = 0.0  # by `time.monotonic`
        self.searching: asyncio.Task[Finding] | None = None

    async def finding(self) -> Finding:
        """As of now, or of a second ago."""
        if self.stopping.begun:
            return Finding(False, "stopping", "The server is stopping")
        if time.monotonic() < self.until:
            return self.found
        if self.searching is None or self.searching.done():
            self.searching = asyncio.create_task(self.look())
        return await asyncio.shield(self.searching)

    async def look(self) -> Finding:
        """Searches; what hangs counts as stuck after `LIMIT`, and its thread is left to itself."""
        self.found = await self.judged()
        self.until = time.monotonic() + KEPT
        return self.found

    async def judged(self) -> Finding:
        """The finding of one search."""
        if self.crowd.oldest() > STUCK:
            return Finding(False, "workers", f"All who answer have been busy for over {STUCK:g} seconds")
        try:
            return await asyncio.wait_for(unblocked(self.search), LIMIT)
        except TimeoutError:
            return Finding(False, "workers", f"A search was not done within {LIMIT:g} seconds")

    def search(self) -> Finding:
        """One search, and one article of those found."""
        assistant = self.live.current()
        try:
            if not assistant.index.newest():
                return Finding(False, "index", "The index is not where it was. Build one with: index apply")
            found = assistant.search(QUESTION, 1)
            for each in found:
                assistant.index.document(each.passage.doc_id)
        except EmbedderError:
            return Finding(False, "model", "The embedding model is not to be had")
        except BackchannelError:
            return Finding(False, "index", "The index cannot be read")
        except Exception as error:  # whatever it is, no question would be answered
            return Finding(False, "search", f"A search failed ({type(error).__name__})")
        return Finding(True)


def unblocked(function: Callable[[], Finding]) -> Awaitable[Finding]:
    """In the threads in which questions are answered too: where none of them is free, that is what is to be found out.

    The waiting can be given up; the thread cannot.
    """
    return run_in_threadpool(function)


def router(live: LiveAssistant, stopping: Stopping, crowd: Crowd, open_metrics: bool) -> APIRouter:
    """The three routes; `/metrics` answers this machine only, unless it is open."""
    routes = APIRouter()
    readiness = Readiness(live, stopping, crowd)

    @routes.api_route("/healthz", methods=["GET", "HEAD"])
    async def healthz() -> Response:
        return PlainTextResponse("ok")

    @routes.api_route("/readyz", methods=["GET", "HEAD"])
    async def readyz() -> Response:
        found = await readiness.finding()
        served = live.current().index.status()
        if found.ready:
            return JSONResponse({"ready": True, "generation": served.generation, "documents": served.documents})
        return JSONResponse({"ready": False, "reason": found.reason, "detail": found.sentence}, 503)

    @routes.api_route("/metrics", methods=["GET", "HEAD"])
    async def measured(request: Request) -> Response:
        if not open_metrics and not from_here(request):
            return PlainTextResponse("The figures are for this machine. Open them with: serve --open-metrics", 403)
        running, waiting = crowd.counts()
        body = metrics.exposition(live.current().index.status(), running, waiting)
        return Response(body, media_type=CONTENT_TYPE_LATEST)

    return routes


def from_here(request: Request) -> bool:
    """Whether the request was made on this machine, and not handed on by a proxy on it."""
    address = request.client.host if request.client else ""
    forwarded = request.scope.get("state", {}).get("forwarded", False)
    return local_address(address) and not forwarded
