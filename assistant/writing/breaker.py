"""A circuit breaker: a language model that keeps failing is left alone for a while, so that nobody waits for it."""

import time
from collections.abc import Callable
from threading import Lock

__all__ = ["Breaker"]

FAILURES = 3  # in a row
REST = 60.0  # seconds until it is tried again, by one question


class Breaker:
    """Counts failures in a row. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.failures = 0
        self.until = 0.0
        self.lock = Lock()

    def allows(self) -> bool:
        """Whether the model may be tried now; after a rest one caller may, and the others once that has gone well."""
        with self.lock:
            if self.failures < FAILURES:
                return True
            if self.clock() < self.until:
                return False
            self.until = self.clock() + REST
            return True

    def tell(self, well: bool) -> None:
        """How a trial went."""
        with self.lock:
            self.failures = 0 if well else self.failures + 1
            if self.failures >= FAILURES:
                self.until = self.clock() + REST
