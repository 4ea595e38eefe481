"""`/api`: ask, search, documents, status, as JSON or as server-sent events; an application of its own, so that its
errors, addresses and schema are its own too.
"""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Body, FastAPI, Path, Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from assistant.living import LiveAssistant
from assistant.page import calls
from assistant.page.api_errors import DOCUMENTED, FAULT, LOG, finished, said, sentences
from assistant.page.api_objects import AnswerObject, DocumentObject, Found, StatusObject
from assistant.page.api_page import api_page
from assistant.page.api_types import Ask, Search
from assistant.page.growing import BEAT, GoneError, Growing, changes
from index.errors import BackchannelError, UnknownDocumentError

__all__ = ["add_api", "build_api"]

HEADERS = {"Cache-Control": "no-store"}
UNHELD = {**HEADERS, "X-Accel-Buffering": "no"}  # nginx would hold a stream back
IDENTITY = "an article's id; its slashes as they are, or as %2F"
CALLED = """Cited answers from articles on track-two dialogues and private diplomacy. Every sentence of an answer names
its citations, and every citation the article, the characters and the words. Errors are one sentence:
`{"error": "…"}`."""
STREAMED = {
    "description": "The answer; with `Accept: text/event-stream` events named `answer` (the answer so far, whole), "
    "`done` (the final one) or `error`, and comments while nothing is new.",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}


def add_api(app: FastAPI, live: LiveAssistant) -> None:
    """Mounts the API at `/api`; before Gradio's mount, which takes all that is left."""
    api = build_api(live)

    @app.get("/api", include_in_schema=False)
    def described(request: Request) -> Response:
        return HTMLResponse(api_page(api.openapi(), str(request.base_url)), headers=HEADERS)

    @app.api_route("/api", methods=["POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    def undone() -> Response:
        return said("This address takes GET only", 405, {"Allow": "GET"})

    app.mount("/api", api)


def build_api(live: LiveAssistant) -> FastAPI:
    """The API by itself, without what stands before it."""
    api = FastAPI(
        title="Backchannel",
        version="1",
        description=CALLED,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=DOCUMENTED,
    )
    sentences(api)

    @api.post("/ask", response_model=AnswerObject, responses={200: STREAMED}, summary="Ask a question")
    async def ask(body: Annotated[Ask, Body()], request: Request) -> Response:
        address = request.client.host if request.client else ""
        growing = calls.growing(live, body, address, "api")
        if wants_events(request):
            return await streamed(growing)
        return await whole(growing, request)

    @api.post("/search", response_model=Found, response_description="The passages.", summary="Search for passages")
    def search(body: Annotated[Search, Body()]) -> Response:
        return JSONResponse(calls.search(live.current(), body), headers=HEADERS)

    @api.get(
        "/documents/{id:path}",
        response_model=DocumentObject,
        response_description="The article.",
        summary="Read an article",
    )
    def document(
        doc_id: Annotated[str, Path(alias="id", description=IDENTITY, examples=["oslo-channel"])],
    ) -> Response:
        try:
            return JSONResponse(calls.article(live.current(), doc_id), headers=HEADERS)
        except UnknownDocumentError:
            name = json.dumps(doc_id[:100], ensure_ascii=False)
            return said(f"There is no article {name} in generation {live.current().index.status().generation}", 404)

    @api.get(
        "/status", response_model=StatusObject, response_description="The status.", summary="See what answers come from"
    )
    def status() -> Response:
        return JSONResponse(calls.status(live.current()), headers=HEADERS)

    return api


def wants_events(request: Request) -> bool:
    """Whether a stream is asked for, and JSON is not."""
    accepted = request.headers.get("accept", "").casefold()
    return "text/event-stream" in accepted and "application/json" not in accepted


async def whole(growing: Growing, request: Request) -> Response:
    """The final answer; where the asker leaves before it, its making ends."""
    try:
        answer = await growing.last(request.is_disconnected)
    except GoneError:
        return Response(status_code=499)  # nobody reads it
    return JSONResponse(answer.to_json(), headers=HEADERS)


async def streamed(growing: Growing) -> Response:
    """The answer as events. What fails at once, such as a filter that names nothing, still has a status of its own."""
    try:
        await growing.change(BEAT)
        if growing.newest is None and growing.ended:
            growing.result()
        growing.changed.set()
    except BaseException:
        growing.leave()
        raise
    return Events(growing)


class Events(StreamingResponse):
    """The stream; left in whatever way, before its first event too, it ends the making of the answer."""

    def __init__(self, growing: Growing) -> None:
        super().__init__(events(growing), media_type="text/event-stream", headers=UNHELD)
        self.growing = growing

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """See `StreamingResponse`."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.growing.leave()


async def events(growing: Growing) -> AsyncIterator[str]:
    """`answer` for each growing answer, a comment when nothing is new, and in the end `done` or `error`."""
    async for answer in changes(growing):
        yield event("answer", answer.to_json()) if answer else ": nothing new\n\n"
    try:
        yield event("done", growing.result().to_json())
    except BackchannelError as error:
        yield event("error", {"error": finished(str(error))})
    except Exception:  # a fault of ours: its traceback belongs in the log, and no question does
        LOG.exception("A question was not answered")
        yield event("error", {"error": FAULT})


def event(name: str, data: dict[str, Any]) -> str:
    """One server-sent event. In ASCII, since some clients take U+2028 and its like for the end of a line."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
