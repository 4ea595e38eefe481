"""How many tokens a language model may cost a day, in all and for each address; beyond, answers are extractive.

The day's sum is kept in the home, so that a restart does not renew it; what each address had is kept in memory only.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from ipaddress import IPv4Address, ip_address, ip_network
from pathlib import Path
from threading import Lock

__all__ = ["Budget", "Reservation", "network_of"]

LOG = logging.getLogger(__name__)
NETWORK = 64  # bits of an IPv6 address that a household shares


def today() -> str:
    """The date in UTC."""
    return datetime.now(UTC).date().isoformat()


class Reservation:
    """Tokens set aside for one call; `spent` is what it came to, at the end all of it where that is not told."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self.spent = tokens


class Budget:
    """Counts tokens (o200k_base) by day and address; 0 is no limit. Safe to share between threads and processes.

    What a call may cost at most is set aside before it is made, so that many at once cannot spend more than one could.
    """

    def __init__(self, a_day: int, an_address: int, path: Path | None = None, day: Callable[[], str] = today) -> None:
        self.a_day = a_day
        self.an_address = an_address
        self.path = path
        self.day = day
        self.lock = Lock()
        self.counted = ""
        self.spent = 0
        self.by_address: dict[str, int] = {}

    @contextmanager
    def reserve(self, tokens: int, address: str = "") -> Iterator[Reservation | None]:
        """Sets `tokens` aside for a `with`; None where they are not to be had."""
        household = network_of(address)
        day = self.take(tokens, household)
        if not day:
            yield None
            return
        reservation = Reservation(tokens)
        try:
            yield reservation
        finally:
            self.add(reservation.spent - tokens, household, day)

    def take(self, tokens: int, household: str) -> str:
        """Counts the tokens if both limits allow it; the day on which they count, or "" where they do not."""
        with self.lock:
            self.turn()
            if household and self.an_address and self.by_address.get(household, 0) + tokens > self.an_address:
                return ""
            if not self.added(tokens, self.a_day):
                return ""
            if household:
                self.by_address[household] = self.by_address.get(household, 0) + tokens
            return self.counted

    def add(self, tokens: int, household: str, day: str) -> None:
        """Counts tokens, or gives them back, unless their day is over: the next would be the longer for it."""
        with self.lock:
            self.turn()
            if day != self.counted:
                return
            self.added(tokens, 0)
            if household in self.by_address:
                self.by_address[household] += tokens

    def turn(self) -> None:
        """Begins a new day."""
        if self.counted != self.day():
            self.counted = self.day()
            self.spent = 0
            self.by_address.clear()

    def added(self, tokens: int, limit: int) -> bool:
        """Adds to the day's sum unless that passes the limit; in memory where the home cannot be written to."""
        if self.path is not None:
            try:
                return self.added_on_disk(self.path, tokens, limit)
            except sqlite3.Error as error:
                LOG.warning("The day's tokens are counted in memory only: %s cannot be written (%s)", self.path, error)
                self.path = None
        if limit and self.spent + tokens > limit:
            return False
        self.spent = max(0, self.spent + tokens)
        return True

    def added_on_disk(self, path: Path, tokens: int, limit: int) -> bool:
        """The same in one transaction on the home's file."""
        with closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as db:
            db.execute("CREATE TABLE IF NOT EXISTS spent (day TEXT PRIMARY KEY, tokens INTEGER NOT NULL)")
            db.execute("BEGIN IMMEDIATE")
            row = db.execute("SELECT tokens FROM spent WHERE day = ?", (self.counted,)).fetchone()
            self.spent = row[0] if row else 0
            within = not limit or self.spent + tokens <= limit
            if within:
                self.spent = max(0, self.spent + tokens)
                db.execute("INSERT OR REPLACE INTO spent VALUES (?, ?)", (self.counted, self.spent))
            db.execute("COMMIT")
        return within


def network_of(address: str) -> str:
    """The address, of IPv6 the network that one household has; what is no IP address stays as it is."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:  # how a socket for both names who comes by IPv4: one network holds them all
        return str(parsed.ipv4_mapped)
    return str(ip_network(f"{address.partition('%')[0]}/{NETWORK}", strict=False))
