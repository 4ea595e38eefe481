"""Where the time of a question goes: by stage in each answer, and by the parts of a stage for whoever collects them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Stopwatch", "collected", "timed"]

COLLECTING: ContextVar[dict[str, float] | None] = ContextVar("collecting", default=None)


class Stopwatch:
    """Milliseconds by stage."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time of a `with` to a stage."""
        with added(self.stages, name):
            yield

    def milliseconds(self) -> dict[str, float]:
        """All stages so far, and the total."""
        total = (time.perf_counter() - self.started) * 1000
        return {name: round(value, 2) for name, value in {**self.stages, "total": total}.items()}


@contextmanager
def added(times: dict[str, float], name: str) -> Iterator[None]:
    """Adds the milliseconds of a `with`."""
    start = time.perf_counter()
    try:
        yield
    finally:
        times[name] = times.get(name, 0.0) + (time.perf_counter() - start) * 1000


@contextmanager
def collected() -> Iterator[dict[str, float]]:
    """Milliseconds by part, as they are added within the `with`, in this thread."""
    times: dict[str, float] = {}
    token = COLLECTING.set(times)
    try:
        yield times
    finally:
        COLLECTING.reset(token)


@contextmanager
def timed(name: str) -> Iterator[None]:
    """Adds the time of a `with` to a part, called "stage/part", where somebody collects them."""
    times = COLLECTING.get()
    if times is None:
        yield
    else:
        with added(times, name):
            yield
