"""Routes by which a visitor takes a conversation along, and says whether an answer helped."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from assistant.conversations import read
from assistant.errors import FeedbackError
from assistant.exporting import EXPORTS, LONGEST_NAME, UNNAMED, conversation
from assistant.feedback import LONGEST_NOTE, Feedback
from assistant.living import LiveAssistant
from index.errors import BackchannelError
from index.protocol import Index

__all__ = ["router"]

LONGEST_VISITOR = 100  # characters
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_ ")


class Refused(BackchannelError):
    """A request that is refused with a status and one sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def router(live: LiveAssistant) -> APIRouter:
    """POST `/export/FORMAT` with `{name, receipts}`, and `/feedback` with `{helpful, note, receipt, visitor}`.

    Only JSON that says that it is: a form of another site's cannot send it.
    """
    routes = APIRouter()

    @routes.post("/export/{form}")
    async def export(form: str, request: Request) -> Response:
        return await told(request, lambda body: exported(live.current().index, form, body))

    @routes.post("/feedback")
    async def feedback(request: Request) -> Response:
        return await told(request, lambda body: kept(live.current().index, body))

    return routes


async def told(request: Request, answer: Callable[[Mapping[str, Any]], Response]) -> Response:
    """What `answer` makes of the body, or the sentence on why not."""
    try:
        body = taken(request.headers.get("content-type", ""), await request.body())
        return await run_in_threadpool(answer, body)
    except BackchannelError as error:
        return Response(f"{error}.", getattr(error, "status", 422), media_type="text/plain")


def taken(kind: str, body: bytes) -> Mapping[str, Any]:
    """The JSON object of a body."""
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, f"The request is of type {kind[:40] or 'none'}. Send application/json")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "The request is not JSON. Send one object") from error
    if not isinstance(found, dict):
        raise Refused(400, "The request is no JSON object. Send one")
    return found


def field(body: Mapping[str, Any], name: str, longest: int) -> str:
    """A text of the body, "" where it is not given."""
    value = body.get(name, "")
    if not isinstance(value, str):
        raise Refused(422, f"The {name} is no text. Send a string")
    if len(value) > longest:
        raise Refused(422, f"The {name} has {len(value):,} characters; at most {longest:,}. Shorten it")
    return value


def exported(index: Index, form: str, body: Mapping[str, Any]) -> Response:
    """The file of a conversation, as an attachment."""
    if form not in EXPORTS:
        raise Refused(404, f"There is no export {form[:20]!r}. Choose one of {', '.join(EXPORTS)}")
    name = field(body, "name", LONGEST_NAME)
    if not isinstance(receipts := body.get("receipts"), list):
        raise Refused(422, "The receipts are missing. Send the conversation as a list of them")
    export = EXPORTS[form]
    made = conversation(name, read(json.dumps(receipts, ensure_ascii=False)), index)
    headers = {"Content-Disposition": disposition(made.name, export.suffix), "Cache-Control": "no-store"}
    return Response(export.write(made), media_type=export.media_type, headers=headers)


def disposition(name: str, suffix: str) -> str:
    """The header that names the file: in ASCII for all, and in full for those that read RFC 6266."""
    plain = "-".join("".join(each if each in PLAIN else " " for each in name).split()) or UNNAMED
    whole = quote(name.replace("/", " ").replace("\\", " ").encode("utf-8", "replace"), safe="")
    return f"attachment; filename=\"{plain}{suffix}\"; filename*=UTF-8''{whole}{suffix}"


def kept(index: Index, body: Mapping[str, Any]) -> Response:
    """204 once the vote is on the disk; 503 where it cannot be."""
    note, visitor = field(body, "note", LONGEST_NOTE), field(body, "visitor", LONGEST_VISITOR)
    helpful, receipt = body.get("helpful"), body.get("receipt")
    if not isinstance(helpful, bool):
        raise Refused(422, "The vote is missing. Send helpful: true or false")
    if not isinstance(receipt, dict):
        raise Refused(422, "The receipt is missing. Send that of the answer")
    (found,) = read(json.dumps([receipt], ensure_ascii=False))
    try:
        Feedback.open(index.models.parent).keep(helpful, note, found, visitor, index)
    except FeedbackError as error:
        raise Refused(503 if error.__cause__ else 413, str(error)) from error
    return Response(status_code=204)
