"""The view of all articles: library.js fetches it from the server when it is first opened."""

from assistant.page.parts import text

__all__ = ["build"]


def build() -> None:
    """The place for it."""
    text("<div><h2>The library</h2></div>", "library-title")
