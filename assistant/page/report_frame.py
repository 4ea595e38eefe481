"""The newest reports of the home, as `eval report`, `eval regress` and `eval sweep` write them, for the maintainer's
frame; nothing else in that folder or beside it can be had. What they may do there is said in headers.py.
"""

import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from assistant.living import LiveAssistant
from assistant.page.escaping import in_fragment

__all__ = ["MOST", "Report", "reports", "router"]

MOST = 10  # reports to choose from
LARGEST = 60_000_000  # bytes; one with plotly.js in it has 5 million
FOLDER = "reports"


@dataclass(frozen=True, slots=True)
class Report:
    """A report by its file name; `written` is ISO 8601 in UTC, to the minute."""

    name: str
    written: str


def reports(home: Path) -> list[Report]:
    """The newest reports of a home, newest first, at most `MOST`; none where there is no folder of them."""
    found = []
    try:
        with os.scandir(home / FOLDER) as entries:
            for entry in entries:
                if entry.name.endswith(".html") and entry.is_file(follow_symlinks=False) and nameable(entry.name):
                    found.append((entry.stat(follow_symlinks=False).st_mtime, entry.name))
    except OSError:  # no folder, or none that may be read: either way there is nothing to show
        return []
    newest = sorted(found, reverse=True)[:MOST]
    return [Report(name, f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC") for at, name in newest]


def nameable(name: str) -> bool:
    """Whether the name can stand in an address."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def router(live: LiveAssistant) -> APIRouter:
    """`/report/latest` and `/report/NAME`, for the names that `reports` gives."""
    routes = APIRouter()

    @routes.api_route("/report/{name}", methods=["GET", "HEAD"])
    def report(name: str) -> HTMLResponse:
        home = live.current().index.models.parent
        listed = [each.name for each in reports(home)]
        wanted = listed[0] if name == "latest" and listed else name
        body = content(home / FOLDER / wanted) if wanted in listed else None
        if body is None:
            return HTMLResponse(PLAIN.format(in_fragment(f"There is no report {name} to show here.")), 404)
        return HTMLResponse(body, headers={"Cache-Control": "no-store"})

    return routes


PLAIN = (
    '<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>Report</title><p>{}</p>'
)


def content(path: Path) -> bytes | None:
    """The bytes of a file; None for a link, for what is no file, and for what is too large to show."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_size > LARGEST:
            return None
        return file.read(LARGEST)
