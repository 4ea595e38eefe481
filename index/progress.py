"""Progress bars on the steps that take over a second; silent with `quiet`, and where nobody watches."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

__all__ = ["Advance", "Progress", "bars", "silent"]


LINE = 60.0  # seconds between two lines


class Advance(Protocol):
    """Called with how much more is done."""

    def __call__(self, steps: int = 1) -> None:
        """`steps` more are done."""
        ...


class Progress(Protocol):
    """Opens a bar of `total` steps for the length of a `with`."""

    def __call__(self, what: str, total: int) -> AbstractContextManager[Advance]:
        """A bar called `what`."""
        ...


@contextmanager
def silent(what: str, total: int) -> Iterator[Advance]:
    """Shows nothing."""
    yield lambda steps=1: None


class Lines:
    """Says on standard error how far a long step is, how fast it goes, and how long it will take: once a minute."""

    def __init__(self, what: str, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.what = what
        self.total = total
        self.clock = clock
        self.begun = self.said = clock()
        self.done = 0

    def __call__(self, steps: int = 1) -> None:
        """`steps` more are done."""
        self.done += steps
        now = self.clock()
        if now - self.said < LINE:
            return
        self.said = now
        speed = self.done / (now - self.begun)
        left = (self.total - self.done) / speed if speed else 0.0
        print(
            f"{self.what}: {self.done:,} of {self.total:,}, {speed:,.1f} a second, {left / 60:,.0f} minutes left",
            file=sys.stderr,
            flush=True,
        )


@contextmanager
def bars(what: str, total: int) -> Iterator[Advance]:
    """A bar on standard error, which goes when it is done; where nobody watches, a line each minute of a long step."""
    if not sys.stderr.isatty():
        yield Lines(what, total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Rich
    from rich.text import Text

    class Speed(ProgressColumn):
        """Steps a second, once that can be told."""

        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f}/s" if task.speed else "")

    name = TextColumn("{task.description:24}")
    columns = (name, BarColumn(), MofNCompleteColumn(), Speed(), TimeRemainingColumn())
    with Rich(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=total)
        yield lambda steps=1: shown.advance(task, steps)
