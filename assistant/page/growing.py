"""An answer that grows in a thread of its own while the event loop waits for it; one who leaves ends it.

The thread takes every answer as it comes, so that a slow reader does not hold up a language model's call; what the
reader does not fetch in time is passed over, since each answer is whole.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event

from assistant.types import Answer

__all__ = ["BEAT", "GoneError", "Growing", "changes"]

THREADS = 40  # answers under way at once, as many as Starlette's own pool has; more of them wait
PAUSE = 1 / 15  # seconds between two answers that are handed on
LOOK = 0.25  # seconds between two looks at whether one who waits for the whole answer has left
BEAT = 4.0  # seconds of silence after which a sign of life is due; proxies give up after some thirty


class GoneError(Exception):
    """Who asked has left: there is nobody to answer."""


class Growing:
    """The newest answer so far, and whether it is the last. To be made in a running event loop."""

    threads = ThreadPoolExecutor(THREADS, thread_name_prefix="answer")

    def __init__(self, answers: Generator[Answer]) -> None:
        self.answers = answers
        self.newest: Answer | None = None
        self.error: Exception | None = None
        self.ended = False
        self.gone = Event()
        self.changed = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self.work = self.threads.submit(self.run)

    def run(self) -> None:
        """The work of the thread; it looks at each answer whether anybody is there still, five times a second."""
        try:
            for answer in self.answers:
                if self.gone.is_set():
                    break
                self.newest = answer
                self.tell()
        except Exception as error:  # the reader's to judge
            self.error = error
        finally:
            self.answers.close()
            self.ended = True
            self.tell()

    def tell(self) -> None:
        """Wakes the reader."""
        with suppress(RuntimeError):  # the loop has ended
            self.loop.call_soon_threadsafe(self.changed.set)

    async def change(self, seconds: float) -> None:
        """Waits for something new, `seconds` at most."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.changed.wait(), seconds)
        self.changed.clear()

    async def last(self, left: Callable[[], Awaitable[bool]] | None = None) -> Answer:
        """The final answer, or whatever was raised. `left` tells whether the asker has gone: `GoneError` then."""
        try:
            while not self.ended:
                await self.change(LOOK)
                if left and not self.ended and await left():
                    raise GoneError
            return self.result()
        finally:
            self.leave()

    def result(self) -> Answer:
        """The final answer, once ended; raises what was raised."""
        if self.error is not None:
            raise self.error
        assert self.newest is not None, "a stream has an answer at least"
        return self.newest

    def leave(self) -> None:
        """Nobody waits any more: the stream is closed within a moment. Costs nothing when it has ended."""
        self.gone.set()
        if self.work.cancel():
            self.ended = True


async def changes(growing: Growing) -> AsyncIterator[Answer | None]:
    """Each answer that says more than the one before, but the final one; None when a sign of life is due."""
    loop = asyncio.get_running_loop()
    shown: Answer | None = None
    spoken = loop.time()
    while not growing.ended:
        await growing.change(max(0.01, spoken + BEAT - loop.time()))
        newest = growing.newest
        if growing.ended:
            return
        if newest is not None and (shown is None or newest.sentences != shown.sentences):
            shown, spoken = newest, loop.time()
            yield newest
            await asyncio.sleep(PAUSE)
        elif loop.time() - spoken >= BEAT:
            spoken = loop.time()
            yield None
