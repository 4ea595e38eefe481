"""Whatever goes wrong in the API as one sentence of JSON: the field, the value seen, the limit."""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from assistant.errors import QuestionError
from assistant.page.api_objects import ErrorObject
from assistant.page.api_types import Ask, Read, Search, Turned, Within
from index.errors import BackchannelError, FilterError, UnknownDocumentError

__all__ = ["DOCUMENTED", "FAULT", "LOG", "finished", "of_validation", "said", "sentences"]

LOG = logging.getLogger(__name__)
FAULT = "Something went wrong here, and the reason is in the server's log. Try again."
SEEN = 40  # characters shown of a value that cannot be taken
STATUSES = {
    400: "The body is not JSON.",
    404: "There is no such article, or no such address.",
    413: "The body has more than 1,000,000 bytes.",
    422: "A field is missing, unknown, or beyond its limit.",
    429: "Too many requests in a short time; wait as long as Retry-After says.",
    503: "Too busy, or the index cannot be read; try again later.",
}
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorObject, "description": text} for status, text in STATUSES.items()
}
OF_HTTP = {
    400: "The body cannot be read as JSON in UTF-8.",
    404: "There is no such address here; GET /api lists all that there are.",
    405: "This address takes another method; GET /api lists them.",
}


def sentences(api: FastAPI) -> None:
    """Has every error of the API answered so."""

    def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        model = Search if request.url.path.endswith("/search") else Ask
        return said(of_validation(first, model), 400 if first["type"] == "json_invalid" else 422)

    def other(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        text = OF_HTTP.get(error.status_code, str(error.detail))
        return said(text, error.status_code, error.headers)

    def known(_: Request, error: Exception) -> JSONResponse:
        return said(str(error), status_of(error))

    def fault(_: Request, error: Exception) -> JSONResponse:
        return said(FAULT, 500)  # Starlette raises it again for the log

    api.add_exception_handler(RequestValidationError, invalid)
    api.add_exception_handler(HTTPException, other)
    api.add_exception_handler(BackchannelError, known)
    api.add_exception_handler(Exception, fault)


def said(text: str, status: int, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A sentence as the API says it."""
    return JSONResponse({"error": finished(text)}, status, {**(headers or {}), "Cache-Control": "no-store"})


def finished(text: str) -> str:
    """With a full stop, as sentences of the command line have none."""
    return text if text.endswith((".", "?")) else f"{text}."


def status_of(error: Exception) -> int:
    """What is asked for is wrong or not there; else it is the index that cannot answer."""
    if isinstance(error, UnknownDocumentError):
        return 404
    return 422 if isinstance(error, QuestionError | FilterError) else 503


def of_validation(error: Mapping[str, Any], model: type[BaseModel]) -> str:
    """One sentence for an error of pydantic's, which came of reading `model`."""
    kind, context = error["type"], error.get("ctx") or {}
    path = error["loc"][1:] if error["loc"][:1] == ("body",) else error["loc"]  # FastAPI puts "body" before it
    if kind == "json_invalid":
        return f"The body is not JSON: {context.get('error', 'it cannot be read')}"
    if not path:
        return "The body must be a JSON object, sent with Content-Type: application/json"
    name = named(path)
    if kind == "extra_forbidden":
        return f"There is no field {name}; there are {', '.join(beside(path, model).model_fields)}"
    limit = limit_of(path)
    if kind == "missing":
        return f"The field {name} is missing; it takes {limit}"
    if kind == "control":
        seen = f"has the character {context['character']} at place {context['place']}, which no text has"
        return f"The field {name} {seen}; it takes {limit}"
    return f"The field {name} is {shown(error.get('input'), kind)}; it takes {limit}"


def named(path: Sequence[int | str]) -> str:
    """`history[2].role`; a name that is not ours comes shortened."""
    parts = (f"[{each}]" if isinstance(each, int) else f".{json.dumps(each[:SEEN])[1:-1]}" for each in path)
    return "".join(parts).removeprefix(".")


def shown(value: Any, kind: str) -> str:
    """A value in a few words: what it is, or how long, or its beginning."""
    if kind == "string_unicode":
        return "text with half of a surrogate pair in it"
    if isinstance(value, str):
        text = json.dumps(value[:SEEN])
        return f"text of {len(value):,} characters" if len(value) > SEEN else f"the text {text}"
    if isinstance(value, list):
        return f"a list of {len(value):,}"
    if isinstance(value, dict):
        return "an object"
    text = json.dumps(value, default=lambda _: "…")
    return text if len(text) <= SEEN else f"{text[:SEEN]}…"


def limit_of(path: Sequence[int | str]) -> str:
    """What the field takes, as its model says; of a list's entry, what the list takes."""
    names = [each for each in path if isinstance(each, str)]
    for model in (Ask, Search, Within, Turned, Read):
        field = model.model_fields.get(names[-1]) if names else None
        if field is not None and field.description:
            return field.description
    return "another value"


def beside(path: Sequence[int | str], model: type[BaseModel]) -> type[BaseModel]:
    """The object in which an unknown field was given."""
    inside: dict[int | str, type[BaseModel]] = {"filters": Within, "history": Turned}
    return inside.get(path[0], model) if len(path) > 1 else model
