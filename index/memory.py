"""Memory that is free goes back to the system: glibc keeps what has been freed, for each thread on its own."""

import ctypes
from functools import cache
from typing import Any

__all__ = ["give_back", "sparing"]

ARENA_MAX = -8  # M_ARENA_MAX of malloc.h
TRIM_THRESHOLD = -1  # M_TRIM_THRESHOLD of malloc.h
ARENAS = 2
FREE = 1 << 20  # bytes at the end of the heap from which they are given back


@cache
def libc() -> Any:
    """The C library, where it is glibc; else None, and nothing is done."""
    try:
        found = ctypes.CDLL("libc.so.6")
    except OSError:
        return None
    return found if hasattr(found, "malloc_trim") and hasattr(found, "mallopt") else None


def sparing() -> None:
    """For a process that serves: few arenas, since each of its forty threads would get one and keep the most it had.

    With two cores two are enough; more threads do not allocate at the same time.
    """
    if libc():
        libc().mallopt(ARENA_MAX, ARENAS)
        libc().mallopt(TRIM_THRESHOLD, FREE)


def give_back() -> None:
    """Gives back what is free; after a model has been loaded that is as much as a third of its size, in a few ms."""
    if libc():
        libc().malloc_trim(0)
