"""An asynchronous source read from ordinary code, with two deadlines, and closed at once when its reader leaves.

The source runs in an event loop of its own, in a thread of its own: only an awaited read can be broken off at any
moment, and nothing of one call can hold up another.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, suppress
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any, TypeVar

__all__ = ["MOMENT", "LateError", "read"]

MOMENT = 0.2  # seconds after which the caller has a turn, though nothing has come: it may want to leave
GRACE = 1.0  # seconds that a source has for closing what it opened

T = TypeVar("T")


class LateError(Exception):
    """A deadline has passed; the message says which."""


def read(
    source: Callable[[], AsyncIterator[T]], first: float, total: float, begins: Callable[[T], bool]
) -> Iterator[T | None]:
    """The newest item of each moment, and None when there was none.

    `LateError` when no item that `begins` has come within `first` seconds, or the source is not done within `total`;
    whatever the source raises. On any way out the source is closed.
    """
    arrived: SimpleQueue[T | _End] = SimpleQueue()
    pump = _Pump(source, arrived.put)
    pump.start()
    started = time.monotonic()
    begun = False
    try:
        while True:
            newest, end = newest_of(arrived)  # type: ignore[arg-type]  # T is inferred as optional
            if newest is not None:
                begun = begun or begins(newest)
            yield newest
            if end is not None:
                if end.error is not None:
                    raise end.error
                return
            spent = time.monotonic() - started
            if spent > total:
                raise LateError(f"it was not done after {total:g} seconds")
            if not begun and spent > first:
                raise LateError(f"it said nothing for {first:g} seconds")
    finally:
        pump.leave()


class _End:
    """That the source is done, or what it raised."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def newest_of(arrived: "SimpleQueue[T | _End]") -> tuple[T | None, _End | None]:
    """The last item that comes within a moment, if any; and the end, at once if it has come to that.

    The moment is waited out: a quick model sends a hundred items a second, and each turn costs the page a message.
    """
    newest: T | None = None
    until = time.monotonic() + MOMENT
    while (left := until - time.monotonic()) > 0:
        try:
            item = arrived.get(timeout=left)
        except Empty:
            break
        if isinstance(item, _End):
            return newest, item
        newest = item
    return newest, None


class _Pump(Thread):
    """Runs the source and hands on its items; a daemon, since a source that blocks cannot be ended from outside."""

    def __init__(self, source: Callable[[], AsyncIterator[Any]], put: Callable[[Any], None]) -> None:
        super().__init__(name="backchannel-call", daemon=True)
        self.source = source
        self.put = put
        self.ready = Event()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.task: asyncio.Task[None] | None = None

    def run(self) -> None:
        """The whole life of the call."""
        error: BaseException | None = None
        try:
            asyncio.run(self.pump())
        except asyncio.CancelledError:
            pass
        except Exception as raised:  # the reader's to judge: it is raised there
            error = raised
        finally:
            self.ready.set()
            self.put(_End(error))

    async def pump(self) -> None:
        """Hands on what comes."""
        self.loop, self.task = asyncio.get_running_loop(), asyncio.current_task()
        self.ready.set()
        async with aclosing(self.source()) as items:  # type: ignore[type-var]  # an async generator
            async for item in items:
                self.put(item)

    def leave(self) -> None:
        """Breaks the source off, if it still runs, and gives it a moment to close."""
        self.ready.wait(GRACE)
        if self.loop is not None and self.task is not None:
            with suppress(RuntimeError):  # the loop has ended by itself
                self.loop.call_soon_threadsafe(self.task.cancel)
        self.join(GRACE)
