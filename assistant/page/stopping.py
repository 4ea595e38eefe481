"""That the server is about to stop: known to all who begin something new, and to the answers that are under way."""

from collections.abc import Iterator
from threading import Event
from typing import TypeVar

from assistant.errors import AssistantError

__all__ = ["SENTENCE", "Stopping", "StoppingError"]

SENTENCE = "The server is stopping. Ask again when it is back."
T = TypeVar("T")


class StoppingError(AssistantError):
    """An answer was ended with the server."""


class Stopping:
    """Safe to ask from any thread."""

    def __init__(self) -> None:
        self.refusing = Event()  # nothing new is begun
        self.over = Event()  # what is under way ends now

    @property
    def begun(self) -> bool:
        """Whether the server has been told to stop."""
        return self.refusing.is_set()

    def begin(self) -> None:
        """Nothing new from here on; answers under way have some seconds left."""
        self.refusing.set()

    def end(self) -> None:
        """Answers under way end at their next turn."""
        self.refusing.set()
        self.over.set()

    def until(self, items: Iterator[T]) -> Iterator[T]:
        """The items, until the server stops: then `StoppingError`, whose sentence is for the asker."""
        for item in items:
            if self.over.is_set():
                raise StoppingError(SENTENCE.rstrip("."))
            yield item
