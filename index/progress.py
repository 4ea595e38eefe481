"""Progress bars on the steps that take over a second; silent with `quiet`, and where nobody watches."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

__all__ = ["Advance", "Progress", "bars", "silent"]


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


@contextmanager
def bars(what: str, total: int) -> Iterator[Advance]:
    """A bar on standard error, which goes when it is done."""
    if not sys.stderr.isatty():
        yield lambda steps=1: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Rich

    columns = (TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Rich(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=total)
        yield lambda steps=1: shown.advance(task, steps)
