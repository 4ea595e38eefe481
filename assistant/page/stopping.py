"""That the server is about to stop: known to all who begin something new, and to the answers that are under way."""

from collections.abc import Generator, Iterator
from threading import Event
from typing import TypeVar

from assistant.errors import AssistantError

__all__ = ["SENTENCE", "Stopping", "StoppingError", "until"]

SENTENCE = "The server is stopping. Ask again when it is back."
T = TypeVar("T")


class StoppingError(AssistantError):
    """An answer was ended with the server."""


class Stopping:
    """Safe to ask from any thread. `over` is the live assistant's, which the answers under way look at."""

    def __init__(self, over: Event | None = None) -> None:
        self.begun = False  # nothing new is begun. No lock of any kind: a signal sets it, in the midst of whatever runs
        self.over = over or Event()  # what is under way ends now

    def begin(self) -> None:
        """Nothing new from here on; answers under way have some seconds left."""
        self.begun = True

    def end(self) -> None:
        """Answers under way end at their next turn."""
        self.begun = True
        self.over.set()


def until(over: Event, answers: Iterator[T]) -> Generator[T]:
    """The growing answers, until the server stops: then `StoppingError`, whose sentence is for the asker.

    An assistant's stream has its turn five times a second, also while a language model says nothing.
    """
    try:
        for answer in answers:
            if over.is_set():
                raise StoppingError(SENTENCE.rstrip("."))
            yield answer
    finally:
        if isinstance(answers, Generator):
            answers.close()
