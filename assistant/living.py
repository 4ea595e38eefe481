"""The assistant over whatever generation is live: a new one is opened beside the old one, then takes its place.

Nobody waits for it and nothing is lost: who has asked goes on with the assistant that was asked, which lives as long as
that. Its files may be pruned meanwhile, since the system keeps what is mapped or open.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

from assistant.answering import Assistant
from assistant.retrieval import HybridRetriever
from index.errors import BackchannelError, DamagedIndexError

__all__ = ["LiveAssistant"]

LOG = logging.getLogger(__name__)
# Seconds between two looks at the pointer. By a thread, not by the next question: on a quiet page that one would still
# be answered from articles that were withdrawn hours ago.
EVERY = 1.0
AGAIN = 60.0  # seconds until a refused generation is tried once more: memory or file handles may have run short
ENDING = 2.0  # seconds that an end waits for a generation that is just being opened
FIRST = "track two"  # searched for before the first question: a first search takes 0.2 s, a later one 0.01


class LiveAssistant:
    """`current` is the one to ask now. Models, budget and circuit breaker go from each assistant to the next."""

    def __init__(self, assistant: Assistant, clock: Callable[[], float] = time.monotonic) -> None:
        self.assistant = assistant
        self.clock = clock
        self.listeners: list[Callable[[], None]] = []  # called when `current`, or its warning, has become another
        self.ending = Event()  # set when answers under way are to end, since the server stops
        self.lock = Lock()
        self.shown = assistant.index.warning
        self.refused = ""  # the generation that could not be taken
        self.again = 0.0

    @classmethod
    def open(cls, home: str | Path | None = None, **settings: Any) -> "LiveAssistant":
        """Over the live index of `home`; see `Assistant.open`."""
        return cls(Assistant.open(home, **settings))

    def current(self) -> Assistant:
        """The assistant over the newest generation that could be opened; costs nothing."""
        return self.assistant

    @contextmanager
    def following(self, every: float = EVERY) -> Iterator[None]:
        """Looks at the pointer `every` so many seconds, for a `with`; before that, makes the first search."""
        ended = Event()
        thread = Thread(target=self.follow, args=(ended, every), name="following", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(ENDING)

    def follow(self, ended: Event, every: float) -> None:
        """The work of that thread."""
        with suppress(Exception):  # whoever asks first is told
            self.assistant.search(FIRST)
        while not ended.wait(every):
            self.look()

    def look(self) -> bool:
        """Takes the generation that the pointer names where it is another one, and tells whether it did.

        One that is damaged, or built with another embedder, is not taken: the old one goes on, with a warning.
        """
        with self.lock:
            old = self.assistant
            serving, newest = old.index.status().generation, old.index.newest()
            if newest == serving:
                self.refused = ""
                self.warn("")
                return False
            if newest == self.refused and self.clock() < self.again:
                return False
            try:
                self.assistant = successor(old)
            except Exception as error:
                if old.index.newest() == newest:  # else it was pruned while it was opened: the next look takes the next
                    self.refuse(newest, error)
                return False
            LOG.info("Serving generation %s", self.assistant.index.status().generation)
            self.shown = self.assistant.index.warning
            self.tell()
            return True

    def refuse(self, generation: str, error: Exception) -> None:
        """Goes on with the old one, and says so: on the page always, in the log once."""
        self.refused, self.again = generation, self.clock() + AGAIN
        index = self.assistant.index
        known = isinstance(error, BackchannelError)
        warning = f"{error if known else f'Generation {generation} could not be opened ({error!r})'}. "
        warning += f"Serving generation {index.status().generation} instead"
        if isinstance(error, DamagedIndexError):
            warning += "; mend with: python app.py index apply"
        if self.warn(warning):
            LOG.warning("%s", warning, exc_info=None if known else error)

    def warn(self, warning: str) -> bool:
        """Has the page say so, beside what the index may say of itself, and tells whether that is new."""
        index = self.assistant.index
        index.warning = warning
        new = index.warning != self.shown
        if new:
            self.shown = index.warning
            self.tell()
        return new

    def tell(self) -> None:
        """Calls the listeners."""
        for listener in self.listeners:
            try:
                listener()
            except Exception:  # a fault of ours must not end the following
                LOG.exception("Not all of the page shows the newest generation")


def successor(old: Assistant) -> Assistant:
    """An assistant over the live generation, as `old` is in all else.

    It is searched once, so that its first question is as quick as any; without a reranker, for which questions queue.
    """
    index = old.index.successor()
    HybridRetriever(index, old.settings).retrieve(FIRST, 1)
    return Assistant(index, old.settings, language_model=old.model, reader=old.reader)
