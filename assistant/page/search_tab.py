"""The view in which passages are searched for."""

from assistant.living import LiveAssistant
from assistant.page.front import Front
from assistant.page.parts import text

__all__ = ["build"]


def build(live: LiveAssistant, front: Front) -> None:
    """The place for it."""
    text("<div><h2>Search</h2></div>", "search-title")
