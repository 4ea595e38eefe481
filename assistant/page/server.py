"""The uvicorn server: says where it answers, and stops in order, whatever is under way.

Told to stop, it takes no new question, and is not ready, from that moment; answers under way have `DRAIN` seconds to
end, then are told; at most twice `TELLING` and `ENDING` seconds later it is gone.
"""

import asyncio
import logging
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from assistant.page.stopping import SENTENCE, Stopping

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["Server", "leave"]

LOG = logging.getLogger(__name__)
DRAIN = 4.0  # seconds that answers under way have
TELLING = 1.5  # seconds for the last words to go out
ENDING = 1  # seconds for connections to close
LAST = 8.5  # seconds after which the process ends, come what may: who supervises it kills it after ten


class Server(uvicorn.Server):
    """See above; a second signal leaves out what is left of the first's patience."""

    def __init__(self, page: "FastAPI", config: uvicorn.Config, greeting: str, folder: str) -> None:
        super().__init__(config)
        self.page = page
        self.greeting = greeting
        self.folder = folder  # goes with the process
        self.impatient = False
        self.stopping: Stopping = page.state.stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Prints the address after the sockets are open."""
        await super().startup(sockets)
        if self.started:
            threading.Thread(target=self.guard, name="guard", daemon=True).start()
            print(self.greeting, flush=True)

    def guard(self) -> None:
        """The work of a thread: ends the process `LAST` seconds after the signal, though all else may hang."""
        while not self.stopping.begun:
            time.sleep(0.25)
        time.sleep(LAST)
        leave(self.folder)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal: from now on nothing new is begun; a second one ends the patience with what is under way."""
        self.impatient = self.stopping.begun
        self.stopping.begin()
        super().handle_exit(signal.SIGTERM, frame)  # two SIGINTs would end it in disorder

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Waits for answers, tells those that are not done, then closes; nothing of it belongs in the log."""
        self.stopping.begin()
        for name in ("uvicorn.error", "asyncio"):  # they log a traceback for each task that they end
            logging.getLogger(name).setLevel(logging.CRITICAL)
        await self.drain()
        self.page.state.gradio.stop_event.set()  # mounted, Gradio is not told, and each page would cost the whole wait
        self.page.state.crowd.queue.close()
        await super().shutdown(sockets)

    async def drain(self) -> None:
        """Gives answers time to end, then words to end with."""
        crowd = self.page.state.crowd
        await waited(lambda: any(crowd.counts()) and not self.impatient, DRAIN)
        count = sum(crowd.counts())
        self.stopping.end()
        if count:
            LOG.warning("Stopping: %d answer%s cut short", count, "" if count == 1 else "s")
            await waited(lambda: any(crowd.counts()), TELLING)  # they end by themselves at their next turn
            for event in (*crowd.attention.waiting(), *crowd.attention.running()):
                crowd.attention.drop(event, SENTENCE)
        await waited(lambda: bool(crowd.attention.listening), TELLING)  # the last words are still on their way


async def waited(still: Callable[[], bool], seconds: float) -> None:
    """Waits while it is so, `seconds` at most."""
    until = time.monotonic() + seconds
    while still() and time.monotonic() < until:
        await asyncio.sleep(0.05)


def leave(folder: str) -> None:
    """Ends the process at once, though threads still run: one that waits for a language model would hold it for half a
    minute, and the interpreter's own tidying takes a second or two in which nothing can end it.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more
            stream.flush()
    os._exit(0)
