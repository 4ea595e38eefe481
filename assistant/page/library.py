"""The library: all articles as a table, a timeline and a map of meaning, made once for each generation."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, JSONResponse

from assistant.living import LiveAssistant
from assistant.page.labels import plural
from assistant.page.library_entries import Entry, entries
from assistant.page.library_map import map_of_meaning
from assistant.page.library_table import page_of_rows, search_form, table
from assistant.page.library_timeline import timeline
from index.protocol import Index, IndexStatus

__all__ = ["router"]

VIEWS = {"table": "Table", "timeline": "Timeline", "map": "Map of meaning"}
FRESH = {"Cache-Control": "no-cache"}
Text = Annotated[str, Query(max_length=200)]
Column = Literal["title", "period", "regions", "topics", "track", "date", "sources"]


@dataclass(frozen=True, slots=True)
class Library:
    """The articles of a generation, and their view as HTML."""

    generation: str
    entries: Sequence[Entry]
    html: str


def router(live: LiveAssistant) -> APIRouter:
    """`/library`, the view's inner HTML, and `/library/rows`, a page of its table for a library that is too large."""
    routes, shelf = APIRouter(), Shelf()

    @routes.get("/library")
    def view() -> HTMLResponse:
        return HTMLResponse(shelf.of(live.current().index).html, headers=FRESH)

    @routes.get("/library/rows")
    def rows(
        words: Text = "",
        regions: Text = "",
        topics: Text = "",
        track: Text = "",
        sort: Column = "title",
        down: bool = False,
        page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    ) -> JSONResponse:
        now = shelf.of(live.current().index)
        wanted = {"regions": regions, "topics": topics, "track": track}
        found: dict[str, Any] = page_of_rows(now.entries, now.generation, words, wanted, sort, down, page)
        return JSONResponse(found, headers=FRESH)

    return routes


class Shelf:
    """Keeps the library of the generation asked for last; made once, whoever asks at the same time waits for it."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.kept: Library | None = None

    def of(self, index: Index) -> Library:
        """The library of an index."""
        status = index.status()
        kept = self.kept
        if kept and kept.generation == status.generation:
            return kept
        with self.lock:
            if not self.kept or self.kept.generation != status.generation:
                listed = entries(index.summaries())
                self.kept = Library(status.generation, listed, drawn(listed, status))
            return self.kept


def drawn(all_: Sequence[Entry], status: IndexStatus) -> str:
    """The whole view; library.js shows one of its three parts at a time."""
    now = int(status.published_at[:4])
    parts = {
        "table": table(all_, status.generation),
        "timeline": timeline(all_, status.generation, now),
        "map": map_of_meaning(all_, status),
    }
    tabs = "".join(
        f'<button type="button" role="tab" id="lib-tab-{name}" aria-controls="lib-{name}" '
        f'aria-selected="{str(name == "table").lower()}" tabindex="{0 if name == "table" else -1}">{label}</button>'
        for name, label in VIEWS.items()
    )
    panels = "".join(
        f'<div role="tabpanel" id="lib-{name}" aria-labelledby="lib-tab-{name}"{"" if name == "table" else " hidden"}>'
        f"{html}</div>"
        for name, html in parts.items()
    )
    count = plural(len(all_), "article")
    return (
        f'<div class="lib"><div class="lib-tabs" role="tablist" aria-label="The library as">{tabs}</div>'
        f'{search_form(all_)}<p class="lib-count" role="status" aria-live="polite" data-of="{len(all_)}">{count}</p>'
        f"{panels}</div>"
    )
