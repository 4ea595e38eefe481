"""LocalIndex: a published generation on this machine, opened and searched."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.dense import DenseIndex
from index.embedding import Embedder, Vectors, open_embedder
from index.errors import DamagedIndexError, EmbedderError, IndexingError, UnknownDocumentError
from index.filters import Filters
from index.generation import SENTENCES, Generation, live, newest_whole, pointed
from index.lexical import LexicalIndex, analyze
from index.past import Documents, PastGenerations
from index.protocol import IndexStatus, ScoredSentence
from index.rarities import rarities
from index.sentence_scores import best_of, rows_of
from index.settings import IndexSettings
from index.spelling import Speller
from index.store import Store
from index.summaries import Facts, Summary
from index.types import Document, Passage

__all__ = ["LocalIndex", "status_of"]

KEPT_FILTERS = 8  # whose articles and passages are remembered: of a million passages 8 MB each, and half a second


class LocalIndex:
    """A published generation on this machine. Safe to share between threads."""

    def __init__(
        self,
        generation: Generation,
        embedder: Embedder,
        models: Path,
        warning: str = "",
        earlier: PastGenerations | None = None,
    ) -> None:
        self.generation = generation
        self.home = generation.folder.parent.parent
        self.earlier = earlier or PastGenerations(self.home)
        self.embedder = embedder
        self.models = models
        self.warning = warning
        self.store = Store(generation.folder / "store.sqlite")
        self.dense = DenseIndex.load(generation.folder / "passages.faiss", generation.kind)
        self.lexical = LexicalIndex.load(generation.folder / "lexical")
        self.sentences_kept = generation.keeps_sentences
        self.sentence_vectors = np.empty((0, embedder.dimension), dtype=np.float16)
        if self.sentences_kept:
            mapped = np.load(generation.folder / SENTENCES, mmap_mode="r", allow_pickle=False)
            self.sentence_vectors = np.asarray(mapped)  # the same memory map, without what a memmap adds to each access
        self.sentence_ranges = self.store.sentence_ranges()
        self.matched: dict[Filters, tuple[list[int], NDArray[np.int64]]] = {}
        self.speller = Speller(self.store.words, self.lexical.document_frequency, embedder.count_tokens)
        counts = generation.manifest["counts"]
        sizes = (len(self.dense), len(self.lexical), len(self.sentence_vectors), self.dense.dimension)
        sentences = counts["sentences"] if self.sentences_kept else 0
        if sizes != (counts["passages"], counts["passages"], sentences, embedder.dimension):
            raise DamagedIndexError(f"The parts of generation {generation.name} disagree in size: {sizes}")

    @classmethod
    def open(cls, settings: IndexSettings) -> "LocalIndex":
        """The live generation of the home, or with `warning` the newest that verifies."""
        generation, warning = served(settings)
        built_with = generation.manifest["embedder"]
        if built_with["name"] != settings.embedder:
            raise EmbedderError(
                f"The index at {settings.home} was built with the embedder {built_with['name']}, but the setting is "
                f"{settings.embedder}. Rebuild it with: python app.py index apply, or set BACKCHANNEL_EMBEDDER="
                f"{built_with['name']}"
            )
        models = settings.home / "models"
        embedder = open_embedder(settings.embedder, models, built_with["digest"])
        try:
            return cls(generation, embedder, models, warning)
        except (OSError, ValueError, ArithmeticError, MemoryError, sqlite3.Error) as error:
            raise DamagedIndexError(
                f"Generation {generation.name} cannot be opened ({str(error)[:100] or 'out of memory'}). "
                f"Rebuild with: python app.py index apply"
            ) from error

    def status(self) -> IndexStatus:
        """What is being served."""
        return describe(self.generation)

    def newest(self) -> str:
        """See `Index`."""
        try:
            return pointed(self.home)
        except (IndexingError, OSError):
            return ""

    def successor(self) -> "LocalIndex":
        """See `Index`."""
        generation = live(self.home)
        built_with = generation.manifest["embedder"]
        if built_with["digest"] != self.embedder.digest:
            raise EmbedderError(
                f"Generation {generation.name} was built with another embedder, {built_with['name']} (digest "
                f"{built_with['digest'][:12]}); restart with it to serve that"
            )
        found = LocalIndex(generation, self.embedder, self.models, earlier=self.earlier)
        self.earlier.keep(self.generation.name, self.store)
        return found

    def past(self, generation: str) -> Documents | None:
        """See `Index`."""
        return self.earlier.documents(generation)

    def by_vector(self, vector: Vectors, k: int, filters: Filters) -> list[tuple[int, float]]:
        """See `Index`."""
        within = self.matching(filters)[1] if filters else None
        return self.dense.search(vector, k, within)

    def by_words(self, text: str, k: int, filters: Filters) -> list[tuple[int, float]]:
        """See `Index`."""
        documents = self.matching(filters)[0] if filters else None
        return self.lexical.search(list(dict.fromkeys(analyze(text))), k, documents)

    def matching(self, filters: Filters) -> tuple[list[int], NDArray[np.int64]]:
        """Keys of the documents that meet the filters and of their passages; those asked for last are kept."""
        found = self.matched.get(filters)
        if found is None:
            passages = np.array(self.store.passages_matching(filters), dtype=np.int64)
            found = self.store.matching(filters), passages
            if len(self.matched) >= KEPT_FILTERS:
                self.matched = {}
            self.matched[filters] = found
        return found

    def similarities(self, vector: Vectors, keys: Sequence[int]) -> list[float]:
        """See `Index`."""
        return self.dense.similarities(vector, list(keys))

    def passages(self, keys: Sequence[int]) -> list[Passage]:
        """See `Index`."""
        found = self.store.passages(keys)
        return [found[key] for key in keys]

    def best_sentences(self, vector: Vectors, keys: Sequence[int]) -> list[float]:
        """See `Index`."""
        return best_of(self.sentence_vectors, self.ranges_of(keys), vector)

    def sentences(self, vector: Vectors, keys: Sequence[int]) -> list[ScoredSentence]:
        """See `Index`."""
        wanted = list(dict.fromkeys(rows_of(self.ranges_of(keys)).tolist()))
        found = self.store.sentences(wanted)
        if self.sentences_kept:
            rows = self.sentence_vectors[wanted].astype(np.float32)
        else:
            rows = self.embedder.embed_few([found[key].text for key in wanted])
        scores = rows @ vector
        return [ScoredSentence(found[key], float(s), row) for key, s, row in zip(wanted, scores, rows, strict=True)]

    def ranges_of(self, keys: Sequence[int]) -> NDArray[np.int32]:
        """`(len(keys), 2)`: the first of each passage's sentences, and the end of them."""
        return self.sentence_ranges[np.array(keys, dtype=np.int64)]

    def document(self, doc_id: str) -> Document:
        """See `Index`."""
        found = self.store.document(doc_id)
        if found is None:
            raise UnknownDocumentError(f"No article {doc_id!r} in generation {self.generation.name}")
        return found

    def summaries(self) -> list[Summary]:
        """See `Index`."""
        return list(self.store.summaries())

    def facts(self, doc_ids: Sequence[str]) -> dict[str, Facts]:
        """See `Index`."""
        return self.store.facts(doc_ids)

    def facet_values(self, facet: str) -> list[str]:
        """See `Index`."""
        return self.store.facet_values(facet)

    def rarity(self, text: str) -> dict[str, float]:
        """See `Index`."""
        return rarities(analyze(text), self.lexical.document_frequency, len(self.lexical))

    def holds(self, stem: str) -> bool:
        """See `Index`."""
        return self.lexical.document_frequency(stem) > 0

    def respell(self, text: str) -> str:
        """See `Index`."""
        return self.speller.respell(text)


def describe(generation: Generation) -> IndexStatus:
    """What a generation's manifest says of it."""
    manifest = generation.manifest
    return IndexStatus(
        generation=generation.name,
        **manifest["counts"],
        embedder=manifest["embedder"]["name"],
        embedder_digest=manifest["embedder"]["digest"],
        published_at=manifest["published_at"],
        bytes=generation.size,
        map_method=manifest["map"]["method"],
        map_trust=manifest["map"]["trustworthiness"],
        vectors=generation.kind.name,
        recall=manifest.get("vectors", {}).get("recall", 1.0),
    )


def status_of(settings: IndexSettings) -> tuple[IndexStatus, str]:
    """What would be served, and a line of warning or ""; nothing but the manifest is parsed."""
    generation, warning = served(settings)
    return describe(generation), warning


def served(settings: IndexSettings) -> tuple[Generation, str]:
    """What `newest_whole` gives; a disk that fails is an error of ours."""
    try:
        return newest_whole(settings.home)
    except OSError as error:
        raise DamagedIndexError(f"The index at {settings.home} cannot be read ({error.strerror})") from error
