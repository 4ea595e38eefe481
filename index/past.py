"""Articles of generations that are no longer served, so that what an older answer cites can still be opened."""

from pathlib import Path
from threading import Lock
from typing import Protocol

from index.errors import DamagedIndexError
from index.generation import measured, published, read_manifest
from index.store import Store
from index.types import Document

__all__ = ["Documents", "PastGenerations"]

KEPT = 2  # stores held open at once, a file handle each; with the setting keep_generations = 3 there are two to ask for
STORE = "store.sqlite"


class Documents(Protocol):
    """The articles of one generation."""

    def document(self, doc_id: str) -> Document | None:
        """The whole document, or None."""
        ...


class PastGenerations:
    """Of one home: their stores only, those asked for last kept open. Safe to share between threads.

    A store that is held stays readable when its generation is pruned: the system keeps a file until it is closed.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.stores: dict[str, Store] = {}  # the one asked for last is last
        self.lock = Lock()

    def keep(self, name: str, store: Store) -> None:
        """Holds the store of a generation that is served no longer."""
        with self.lock:
            self.hold(name, store)

    def documents(self, name: str) -> Documents | None:
        """The articles of a generation that is held, or still whole on the disk; None where it is neither."""
        with self.lock:
            store = self.stores.pop(name, None) or opened(self.home, name)
            if store is not None:
                self.hold(name, store)
            return store

    def hold(self, name: str, store: Store) -> None:
        """Puts a store last; the first is let go, and closes once nobody reads from it."""
        self.stores.pop(name, None)
        self.stores[name] = store
        while len(self.stores) > KEPT:
            del self.stores[next(iter(self.stores))]


def opened(home: Path, name: str) -> Store | None:
    """The store of a published generation, its bytes compared with the manifest; None where it is gone or damaged."""
    if name not in published(home):  # a name comes from a browser: no path is made from any other
        return None
    folder = home / "generations" / name
    try:
        manifest = read_manifest(folder)
        if manifest["generation"] != name or manifest["files"].get(STORE) != measured(folder / STORE):
            return None
        return Store(folder / STORE)
    except DamagedIndexError:
        return None
