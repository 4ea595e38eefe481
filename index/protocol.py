"""The Index protocol: passages by vector and by words, sentences, documents, of one generation.

Nothing outside `index/` may know that the index is local.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from index.embedding import Embedder, Vectors
from index.filters import Filters
from index.past import Documents
from index.summaries import Facts, Summary
from index.types import Document, Passage, Sentence

__all__ = ["Index", "IndexStatus", "ScoredSentence"]


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """What is being served; `published_at` is ISO 8601 in UTC, `bytes` the size of all files."""

    generation: str
    documents: int
    passages: int
    sentences: int
    embedder: str
    embedder_digest: str
    published_at: str
    bytes: int
    map_method: str  # how the map of meaning was drawn
    map_trust: float  # its trustworthiness in [0, 1], see `index.mapping.Map`
    vectors: str = "exact"  # how the vectors of passages are kept, see `index.kinds`
    recall: float = 1.0  # of the ten passages nearest to some of its own, the share that is found


@dataclass(frozen=True, slots=True)
class ScoredSentence:
    """A sentence and the cosine of its vector with the question's, in [-1, 1]."""

    sentence: Sentence
    cosine: float
    vector: Vectors


class Index(Protocol):
    """One generation, open for searching. Keys are whole numbers, unique within it."""

    embedder: Embedder
    sentences_kept: bool  # whether each sentence has a vector; else `best_sentences` is not to be asked
    warning: str  # one line where something is amiss, else empty
    models: Path  # the folder where models are kept once they are exported

    def status(self) -> IndexStatus:
        """What is being served."""
        ...

    def newest(self) -> str:
        """The name of the generation that is live by now, be it this one; "" where that cannot be told.

        Cheap: it can be asked each second.
        """
        ...

    def successor(self) -> "Index":
        """The live generation, open beside this one, with the same models; it may take a second, or many.

        `DamagedIndexError` where it is not whole, `EmbedderError` where it was built with another embedder.
        """
        ...

    def past(self, generation: str) -> Documents | None:
        """The articles of a generation that is served no longer; None where it is gone."""
        ...

    def by_vector(self, vector: Vectors, k: int, filters: Filters) -> list[tuple[int, float]]:
        """The `k` passages nearest in meaning: (key, cosine), best first."""
        ...

    def by_words(self, text: str, k: int, filters: Filters) -> list[tuple[int, float]]:
        """The `k` best passages by their words, each counted once: (key, BM25), best first.

        BM25 is below `CEILING` times the sum of `rarity`.
        """
        ...

    def similarities(self, vector: Vectors, keys: Sequence[int]) -> list[float]:
        """The cosine of each passage with the vector."""
        ...

    def passages(self, keys: Sequence[int]) -> list[Passage]:
        """The passages in the order of their keys as given."""
        ...

    def best_sentences(self, vector: Vectors, keys: Sequence[int]) -> list[float]:
        """For each passage the highest cosine with the vector of one of its sentences, or of two that follow one
        another: of the mean of their vectors.
        """
        ...

    def sentences(self, vector: Vectors, keys: Sequence[int]) -> list[ScoredSentence]:
        """The sentences of the passages with their cosines, each once, in the order of the passages."""
        ...

    def document(self, doc_id: str) -> Document:
        """The whole document; `UnknownDocumentError` where there is none."""
        ...

    def summaries(self) -> list[Summary]:
        """All documents without their texts."""
        ...

    def facts(self, doc_ids: Sequence[str]) -> dict[str, Facts]:
        """Facets and years of documents, by their ids; without those that there are not."""
        ...

    def facet_values(self, facet: str) -> list[str]:
        """The values of a facet that occur."""
        ...

    def rarity(self, text: str) -> dict[str, float]:
        """Stems of the text without stop words, each with its inverse document frequency, at least 1."""
        ...

    def holds(self, stem: str) -> bool:
        """Whether a stem of `analyze` occurs in any passage."""
        ...

    def respell(self, text: str) -> str:
        """The text with each misspelt word as the library writes it: a word of five letters or more, no number, that
        neither the library nor the embedder's tokenizer knows, one or two edits away from one that the library has.
        Equal to `text` where nothing is misspelt; respelt once, it stays as it is.
        """
        ...
