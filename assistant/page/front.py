"""What the page shows before a question: the line under its name, the list of the articles, the values of facets."""

from collections.abc import Callable
from typing import Any

from assistant.answering import Assistant
from assistant.living import LiveAssistant
from assistant.page import messages

__all__ = ["Front"]

Parts = Callable[[], dict[str, Any]]


class Front:
    """Line and list by the generation that is live; of the last one the list is kept."""

    def __init__(self, live: LiveAssistant) -> None:
        self.live = live
        self.listed = ("", "")  # a generation and its list, which takes a second where there are 100,000 articles
        self.shown: list[tuple[Any, Parts]] = []

    def line(self, assistant: Assistant | None = None) -> str:
        """What is answered from."""
        index = (assistant or self.live.current()).index
        return messages.served(index.status(), index.warning)

    def contents(self) -> str:
        """The panel before the first question."""
        index = self.live.current().index
        generation = index.status().generation
        known, listed = self.listed
        if known != generation:
            listed = messages.library(index.summaries(), generation)
            self.listed = generation, listed
        return listed

    def facet_values(self, facet: str) -> list[str]:
        """The values of a facet that occur."""
        return self.live.current().index.facet_values(facet)

    def show(self, part: Any, settings: Parts) -> None:
        """Has a part of the page renewed with each generation: `settings` gives its attributes anew."""
        self.shown.append((part, settings))

    def renew(self) -> None:
        """Gives each part what it shows now."""
        for part, settings in self.shown:
            for name, value in settings().items():
                setattr(part, name, value)
