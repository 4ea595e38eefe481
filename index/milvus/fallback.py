"""FallbackIndex: an index on a Milvus server, and where that is lost, the home's own generation, with a line about it.

Keys are numbers within one generation. So within one object the home steps in only with the generation that is served
from the server; another one takes its place as any new generation does, by `newest` and `successor`.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock
from typing import TypeVar

from index.embedding import Embedder, Vectors, open_embedder
from index.errors import IndexingError, UnreachableError
from index.filters import Filters
from index.generation import Generation, newest_whole, published, verified
from index.milvus.searching import MilvusIndex
from index.past import Documents
from index.protocol import Index, IndexStatus, ScoredSentence
from index.searching import LocalIndex
from index.settings import IndexSettings
from index.summaries import Facts, Summary
from index.types import Document, Passage

__all__ = ["FallbackIndex"]

LOG = logging.getLogger(__name__)
Found = TypeVar("Found")
AGAIN = 5.0  # seconds until a lost server is tried again, by whoever looks for a newer generation
TRYING = 1.0  # seconds that this may take


class FallbackIndex:
    """Either of the two, or both of one generation. Safe to share between threads."""

    def __init__(
        self,
        settings: IndexSettings,
        remote: MilvusIndex | None,
        local: LocalIndex | None = None,
        lost: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.remote = remote
        self.local = local
        self.lost = lost  # why the server is not asked now
        self.embedder: Embedder = self.now.embedder
        self.models = self.now.models
        self.sentences_kept = self.now.sentences_kept
        self.other = ""  # the home's generation, where it is to be served now and is another one
        self.said = ""  # a warning of whoever serves this
        self.clock = clock
        self.again = clock() + AGAIN
        self.lock = Lock()

    @classmethod
    def open(cls, settings: IndexSettings) -> "FallbackIndex":
        """The index at the setting `index_from`, or that of the home where the server does not answer."""
        try:
            return cls(settings, MilvusIndex.open(settings))
        except UnreachableError as error:
            found = at_hand(settings)
            if found is None:
                raise
            embedder = open_embedder(settings.embedder, settings.home / "models", found.manifest["embedder"]["digest"])
            local = LocalIndex(found, embedder, settings.home / "models")
            return cls(settings, None, local, str(error))

    @property
    def now(self) -> "MilvusIndex | LocalIndex":
        """The one that answers."""
        if self.remote and not (self.lost and self.local):
            return self.remote
        assert self.local
        return self.local

    @property
    def warning(self) -> str:
        """See `Index`: what was said to it, and what it knows itself."""
        stands_in = ""
        if self.lost and self.local:
            stands_in = f"{self.lost}. These are answers from the home's generation {self.local.generation.name}"
        return ". ".join(filter(None, (self.said, stands_in or self.now.warning)))

    @warning.setter
    def warning(self, said: str) -> None:
        self.said = said

    def ask(self, question: "Callable[[Index], Found]") -> Found:
        """What the server answers, or where it is lost the home's copy of that generation."""
        now = self.now
        if isinstance(now, LocalIndex):
            return question(now)
        try:
            return question(now)
        except UnreachableError as error:
            self.lose(now, error)
            return question(self.now)

    def lose(self, remote: MilvusIndex, error: UnreachableError) -> None:
        """Has the home step in, where it can."""
        with self.lock:
            if self.local is None:
                name = remote.status().generation
                found = at_hand(self.settings, name, remote.embedder.digest)
                if found is None:
                    raise error
                if found.name != name:
                    self.lost, self.other = str(error), found.name
                    self.again = self.clock() + AGAIN
                    raise UnreachableError(
                        f"{error}. The home has another generation, {found.name}: ask again to be answered from that"
                    )
                self.local = LocalIndex(found, remote.embedder, remote.models)
            if not self.lost:
                LOG.warning("%s; serving the home's generation %s", error, self.local.generation.name)
            self.lost = str(error)
            self.again = self.clock() + AGAIN

    def status(self) -> IndexStatus:
        """See `Index`."""
        return self.now.status()

    def newest(self) -> str:
        """See `Index`. A lost server is tried again here."""
        serving = self.status().generation
        if self.lost and self.clock() < self.again:
            return self.other or serving
        try:
            if not self.lost and self.remote:
                return self.remote.newest()
            self.again = self.clock() + AGAIN
            found = MilvusIndex.open(self.settings, TRYING, self.embedder)
        except UnreachableError as error:
            if self.remote and not self.lost:
                with suppress(UnreachableError):
                    self.lose(self.remote, error)
            return self.other or serving
        except IndexingError:  # what is there now is not ours to serve
            return serving
        if (live := found.status().generation) == serving:
            self.remote, self.lost, self.other = found, "", ""
            LOG.warning("The Milvus server at %s answers again", found.connection.address.server)
        return live

    def successor(self) -> Index:
        """See `Index`: from the server, or where that is gone, from the home."""
        try:
            if self.remote and not self.lost:
                return FallbackIndex(self.settings, self.remote.successor())
            return FallbackIndex(self.settings, MilvusIndex.open(self.settings, embedder=self.embedder))
        except UnreachableError as error:
            found = at_hand(self.settings, digest=self.embedder.digest)
            if found is None:
                raise
            return FallbackIndex(self.settings, None, LocalIndex(found, self.embedder, self.models), str(error))

    def past(self, generation: str) -> Documents | None:
        """See `Index`."""
        return self.ask(lambda index: index.past(generation))

    def by_vector(self, vector: Vectors, k: int, filters: Filters) -> list[tuple[int, float]]:
        """See `Index`."""
        return self.ask(lambda index: index.by_vector(vector, k, filters))

    def by_words(self, text: str, k: int, filters: Filters) -> list[tuple[int, float]]:
        """See `Index`."""
        return self.ask(lambda index: index.by_words(text, k, filters))

    def similarities(self, vector: Vectors, keys: Sequence[int]) -> list[float]:
        """See `Index`."""
        return self.ask(lambda index: index.similarities(vector, keys))

    def passages(self, keys: Sequence[int]) -> list[Passage]:
        """See `Index`."""
        return self.ask(lambda index: index.passages(keys))

    def best_sentences(self, vector: Vectors, keys: Sequence[int]) -> list[float]:
        """See `Index`."""
        return self.ask(lambda index: index.best_sentences(vector, keys))

    def sentences(self, vector: Vectors, keys: Sequence[int]) -> list[ScoredSentence]:
        """See `Index`."""
        return self.ask(lambda index: index.sentences(vector, keys))

    def document(self, doc_id: str) -> Document:
        """See `Index`."""
        return self.ask(lambda index: index.document(doc_id))

    def summaries(self) -> list[Summary]:
        """See `Index`."""
        return self.ask(lambda index: index.summaries())

    def facts(self, doc_ids: Sequence[str]) -> dict[str, Facts]:
        """See `Index`."""
        return self.ask(lambda index: index.facts(doc_ids))

    def facet_values(self, facet: str) -> list[str]:
        """See `Index`."""
        return self.ask(lambda index: index.facet_values(facet))

    def rarity(self, text: str) -> dict[str, float]:
        """See `Index`."""
        return self.ask(lambda index: index.rarity(text))

    def holds(self, stem: str) -> bool:
        """See `Index`."""
        return self.ask(lambda index: index.holds(stem))

    def respell(self, text: str) -> str:
        """See `Index`."""
        return self.ask(lambda index: index.respell(text))


def at_hand(settings: IndexSettings, name: str = "", digest: str = "") -> Generation | None:
    """The home's generation of that name, else its newest whole one of that embedder; None where there is none."""
    try:
        if name in published(settings.home):
            return verified(settings.home, name)
    except IndexingError:
        pass
    try:
        found, _ = newest_whole(settings.home)
    except (IndexingError, OSError):
        return None
    built_with = found.manifest["embedder"]
    fits = built_with["digest"] == digest if digest else built_with["name"] == settings.embedder
    return found if fits else None
