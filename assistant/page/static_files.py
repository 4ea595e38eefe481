"""Our style sheet, script and icon: read once, served with the right type, cached by digest."""

import hashlib
from functools import cache
from pathlib import Path

__all__ = ["TYPES", "address", "content"]

FOLDER = Path(__file__).parent / "static"
# Named here, since `mimetypes` asks the operating system and may be told that a script is plain text.
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@cache
def files() -> dict[str, bytes]:
    """All of them, by name."""
    return {path.name: path.read_bytes() for path in FOLDER.iterdir() if path.suffix in TYPES}


def content(name: str) -> bytes | None:
    """The bytes of a file of ours; None where there is none of that name."""
    return files().get(name)


@cache
def address(name: str) -> str:
    """Where a browser finds the file: its name, with a digest that changes with its content."""
    return f"/own/{name}?v={hashlib.sha256(content(name) or b'').hexdigest()[:12]}"
