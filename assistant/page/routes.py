"""Our own routes: static files and articles."""

from pathlib import PurePath

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from assistant.living import LiveAssistant
from assistant.page.about import related
from assistant.page.fragment import article, sentence
from assistant.page.headers import YEAR
from assistant.page.static_files import TYPES, content
from index.errors import UnknownDocumentError
from index.protocol import Index
from index.types import Document, Span

__all__ = ["router"]


def router(live: LiveAssistant) -> APIRouter:
    """`/own/NAME`, `/favicon.ico` and `/article/DOC_ID?start=&end=&generation=`."""
    routes = APIRouter()

    @routes.api_route("/own/{name}", methods=["GET", "HEAD"])
    def own(name: str) -> Response:
        return static(name)

    @routes.api_route("/favicon.ico", methods=["GET", "HEAD"])
    def favicon() -> Response:
        return static("favicon.svg")

    @routes.api_route("/article/{doc_id:path}", methods=["GET", "HEAD"])
    def fragment(doc_id: str, start: str = "", end: str = "", generation: str = "") -> Response:
        return opened(live.current().index, doc_id, start, end, generation)

    return routes


def static(name: str) -> Response:
    """A file of ours."""
    body = content(name)
    if body is None:
        return Response("There is no such file.", 404, media_type="text/plain")
    kind = TYPES[PurePath(name).suffix]
    return Response(body, media_type=kind, headers={"Cache-Control": YEAR})  # the address holds a digest


def opened(index: Index, doc_id: str, start: str, end: str, generation: str) -> HTMLResponse:
    """An article's fragment, with the words from `start` to `end` marked, or one sentence on why not."""
    found = as_answered(index, doc_id, generation)
    if isinstance(found, HTMLResponse):
        return found
    document, before = found
    others = related(index, document)
    if not start and not end:
        return HTMLResponse(before + article(document, None, others))
    quote = span(document, start, end)
    if quote is None:
        length = len(document.text)
        text = f"The article {doc_id} has {length:,} characters; {start or '?'} to {end or '?'} is no place in it."
        return HTMLResponse(sentence(text), 422)
    return HTMLResponse(before + article(document, quote, others))


def as_answered(index: Index, doc_id: str, generation: str) -> tuple[Document, str] | HTMLResponse:
    """The article as the generation of an answer has it, with a fragment to stand before it, or a sentence on why not.

    What has been withdrawn since is shown from no generation.
    """
    serving = index.status().generation
    try:
        now = index.document(doc_id)
    except UnknownDocumentError:
        now = None
    missing = f"There is no article {doc_id} in generation"
    if generation in ("", serving):
        return (now, "") if now else HTMLResponse(sentence(f"{missing} {serving}."), 404)
    documents = index.past(generation)
    then = documents.document(doc_id) if documents else None
    if now is None and then is not None:
        text = f"The article {doc_id} was withdrawn: generation {serving}, served now, is without it."
        return HTMLResponse(sentence(text), 410)
    if now is None:
        return HTMLResponse(sentence(f"{missing} {serving}."), 404)
    if documents is None:
        text = f"This answer is from generation {generation}; the page now serves {serving}. Ask the question again."
        return HTMLResponse(sentence(text), 409)
    if then is None:
        return HTMLResponse(sentence(f"{missing} {generation}."), 404)
    changed = f"The article as it was in generation {generation}; it has changed since."
    return then, sentence(changed) if then.version != now.version else ""


def span(document: Document, start: str, end: str) -> Span | None:
    """The place that two numbers name in the document's text; None where they name none."""
    if not all(each.isascii() and each.isdigit() and len(each) <= 12 for each in (start, end)):
        return None
    first, last = int(start), int(end)
    return Span(first, last) if 0 <= first < last <= len(document.text) else None
