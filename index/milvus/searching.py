"""MilvusIndex: a generation on a Milvus server, searched there. It gives what LocalIndex gives of the same one."""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.embedding import Embedder, Vectors, open_embedder
from index.errors import EmbedderError, MilvusError, NoIndexError, UnknownDocumentError
from index.filters import Filters
from index.lexical import analyze
from index.milvus.address import Address
from index.milvus.connection import Connection
from index.milvus.layout import Names, condition, is_in, names_in, names_of, record_id
from index.milvus.reading import Documents, all_records, manifest_of, read_record, read_records
from index.protocol import IndexStatus, ScoredSentence
from index.rarities import rarities
from index.sentence_scores import best_of, rows_of
from index.settings import IndexSettings
from index.spelling import Speller, Word
from index.summaries import Facts, Summary, facts, summaries
from index.types import Document, Passage, Sentence

__all__ = ["WORDLESS", "MilvusIndex", "status_at"]

ASKED = 1000  # keys in one request; Milvus gives 16,384 rows back at most
SPANS = ["key", "start", "end", "doc_id", "passage_id", "text"]
RANGE = ["key", "first_sentence", "end_sentence"]
KEPT_RANGES = 200_000  # passages whose sentences are known, some 30 MB
KEPT_DOCUMENTS = 64
KEPT_BUCKETS = 1000  # of 500 stems each, some 50 MB
WORDLESS = "The Milvus server ({}) has no BM25, which begins with 2.5: passages are found by their meaning only"


class MilvusIndex:
    """One generation on a server. Safe to share between threads."""

    def __init__(
        self, connection: Connection, names: Names, manifest: dict[str, Any], embedder: Embedder, models: Path
    ) -> None:
        self.connection = connection.as_of(manifest.get("written", 0))  # it has not changed since
        self.names = names
        self.manifest = manifest
        self.embedder = embedder
        self.models = models
        self.sentences_kept = bool(manifest["sentences_kept"])
        self.warning = "" if manifest["by_words"] else WORDLESS.format(connection.version)
        self.documents = Documents(self.connection, names)
        self.ranges: dict[int, tuple[int, int]] = {}  # the sentences of passages that were found
        self.kept = lru_cache(KEPT_DOCUMENTS)(self.documents.document)
        self.bucket = lru_cache(KEPT_BUCKETS)(self.read_bucket)
        self.speller = Speller(self.words, self.frequency, embedder.count_tokens)
        found = connection.dimension(names.passages, "vector")
        if not found == manifest["embedder"]["dimension"] == embedder.dimension:
            raise MilvusError(
                f"The vectors at {connection.address} have {found} dimensions, the embedder {embedder.name} "
                f"{embedder.dimension}. Publish it anew with: python app.py index apply --to {connection.address}"
            )

    @classmethod
    def open(cls, settings: IndexSettings, seconds: float = 0.0, embedder: Embedder | None = None) -> "MilvusIndex":
        """The live generation at the setting `index_from`; `seconds` is how long it may take to answer."""
        connection, names, manifest = live_at(settings, seconds)
        built_with = manifest["embedder"]
        if built_with["name"] != settings.embedder:
            raise EmbedderError(
                f"The index at {connection.address} was built with the embedder {built_with['name']}, but the setting "
                f"is {settings.embedder}. Set BACKCHANNEL_EMBEDDER={built_with['name']}, or publish it anew with: "
                f"python app.py index apply --to {connection.address}"
            )
        models = settings.home / "models"
        if embedder is None or embedder.digest != built_with["digest"]:
            embedder = open_embedder(settings.embedder, models, built_with["digest"])
        return cls(connection, names, manifest, embedder, models)

    def status(self) -> IndexStatus:
        """See `Index`."""
        return described(self.manifest)

    def newest(self) -> str:
        """See `Index`; `UnreachableError` where the server is gone."""
        collection = self.connection.address.collection
        target = self.connection.target(collection)
        if target == self.names.passages:
            return self.status().generation
        manifest = manifest_of(self.connection, Names(target)) if target else None
        return str(manifest["generation"]) if manifest else ""

    def successor(self) -> "MilvusIndex":
        """See `Index`."""
        names, manifest = live_of(self.connection)
        if manifest["embedder"]["digest"] != self.embedder.digest:
            raise EmbedderError(
                f"Generation {manifest['generation']} was built with another embedder, {manifest['embedder']['name']} "
                f"(digest {manifest['embedder']['digest'][:12]}); restart with it to serve that"
            )
        return MilvusIndex(self.connection, names, manifest, self.embedder, self.models)

    def past(self, generation: str) -> Documents | None:
        """See `Index`."""
        collection = self.connection.address.collection
        names = names_of(collection, generation)  # a name comes from a browser: it is only compared
        there = names_in(collection, self.connection.collections())
        manifest = manifest_of(self.connection, names) if names in there else None
        if not manifest or manifest["generation"] != generation:
            return None
        return Documents(self.connection.as_of(manifest.get("written", 0)), names)

    def by_vector(self, vector: Vectors, k: int, filters: Filters) -> list[tuple[int, float]]:
        """See `Index`."""
        return self.found("vector", vector.astype(float).tolist(), k, filters)

    def by_words(self, text: str, k: int, filters: Filters) -> list[tuple[int, float]]:
        """See `Index`; nothing where the server has no BM25."""
        where = condition(filters, self.facets)  # so that a filter that names nothing is told here too
        stems = list(dict.fromkeys(analyze(text)))
        if not stems or not self.manifest["by_words"]:
            return []
        found = self.found("bm25", " ".join(stems), k, filters, where)
        return [(key, score) for key, score in found if score > 0]

    def found(
        self, field: str, wanted: list[float] | str, k: int, filters: Filters, where: str | None = None
    ) -> list[tuple[int, float]]:
        """Keys and scores, best first, ties by key; remembers where the sentences of what is found are."""
        where = condition(filters, self.facets) if where is None else where
        k = min(k, self.status().passages)
        graph = field == "vector" and self.manifest["vectors"]["kind"] == "hnsw"
        rows = self.connection.best(self.names.passages, field, wanted, k, where, RANGE, graph) if k else []
        self.remember(row for row, _ in rows)
        pairs = [(int(row["key"]), score) for row, score in rows]
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))

    def similarities(self, vector: Vectors, keys: Sequence[int]) -> list[float]:
        """See `Index`."""
        rows = self.rows(self.names.passages, keys, ["key", "vector"])
        return [float(np.vecdot(np.array(rows[key]["vector"], dtype=np.float32), vector)) for key in keys]

    def passages(self, keys: Sequence[int]) -> list[Passage]:
        """See `Index`."""
        fields = [*SPANS, "title", "heading", "tokens", *RANGE[1:]]
        rows = self.rows(self.names.passages, keys, fields)
        self.remember(rows.values())
        return [
            Passage(
                passage_id=row["passage_id"],
                doc_id=row["doc_id"],
                start=int(row["start"]),
                end=int(row["end"]),
                heading=row["heading"],
                tokens=int(row["tokens"]),
                text=row["text"],
                title=row["title"],
                key=key,
            )
            for key in keys
            for row in (rows[key],)
        ]

    def best_sentences(self, vector: Vectors, keys: Sequence[int]) -> list[float]:
        """See `Index`."""
        ranges = self.ranges_of(keys)
        wanted = np.unique(rows_of(ranges))
        rows = self.rows(self.names.sentences, wanted.tolist(), ["key", "vector"])
        vectors = np.array([rows[key]["vector"] for key in wanted.tolist()], dtype=np.float16)
        vectors = vectors.reshape(-1, self.embedder.dimension)
        # What is asked for lies side by side here, and so do the sentences of each passage.
        here = np.stack([np.searchsorted(wanted, ranges[:, 0]), np.searchsorted(wanted, ranges[:, 1])], axis=1)
        return best_of(vectors, here.astype(np.int32), vector)

    def sentences(self, vector: Vectors, keys: Sequence[int]) -> list[ScoredSentence]:
        """See `Index`."""
        wanted = list(dict.fromkeys(rows_of(self.ranges_of(keys)).tolist()))
        fields = [*SPANS, "vector"] if self.sentences_kept else SPANS
        rows = self.rows(self.names.sentences, wanted, fields)
        found = {
            key: Sentence(row["doc_id"], int(row["start"]), int(row["end"]), row["passage_id"], row["text"], key)
            for key, row in rows.items()
        }
        if self.sentences_kept:
            vectors = np.array([rows[key]["vector"] for key in wanted], dtype=np.float32)
        else:
            vectors = self.embedder.embed_few([found[key].text for key in wanted])
        scores = vectors.reshape(-1, self.embedder.dimension) @ vector
        return [ScoredSentence(found[key], float(s), v) for key, s, v in zip(wanted, scores, vectors, strict=True)]

    def rows(self, collection: str, keys: Sequence[int], fields: Sequence[str]) -> dict[int, dict[str, Any]]:
        """Rows by key; `MilvusError` where one is missing."""
        found: dict[int, dict[str, Any]] = {}
        wanted = list(dict.fromkeys(keys))
        for start in range(0, len(wanted), ASKED):
            some = self.connection.rows(collection, is_in("key", wanted[start : start + ASKED]), fields)
            found |= {int(row["key"]): row for row in some}
        if len(found) != len(wanted):
            raise MilvusError(
                f"Generation {self.status().generation} is no longer whole at {self.connection.address}: "
                f"{len(wanted) - len(found)} of {len(wanted)} rows are missing. Ask again"
            )
        return found

    def remember(self, rows: Any) -> None:
        """Keeps where the sentences of passages are."""
        if len(self.ranges) > KEPT_RANGES:
            self.ranges.clear()
        self.ranges |= {int(row["key"]): (int(row["first_sentence"]), int(row["end_sentence"])) for row in rows}

    def ranges_of(self, keys: Sequence[int]) -> NDArray[np.int32]:
        """`(len(keys), 2)`: the first of each passage's sentences, and the end of them."""
        known = {key: self.ranges[key] for key in keys if key in self.ranges}
        if unknown := [key for key in keys if key not in known]:
            rows = self.rows(self.names.passages, unknown, RANGE)
            self.remember(rows.values())
            known |= {key: (int(row["first_sentence"]), int(row["end_sentence"])) for key, row in rows.items()}
        return np.array([known[key] for key in keys], dtype=np.int32).reshape(-1, 2)

    def document(self, doc_id: str) -> Document:
        """See `Index`."""
        found = self.kept(doc_id)
        if found is None:
            raise UnknownDocumentError(f"No article {doc_id!r} in generation {self.status().generation}")
        return found

    def summaries(self) -> list[Summary]:
        """See `Index`; they are fetched once."""
        return list(self.every_summary)

    @cached_property
    def every_summary(self) -> list[Summary]:
        """All of them."""
        return list(summaries(list(all_records(self.connection, self.names, "about", self.status().documents))))

    def facts(self, doc_ids: Sequence[str]) -> dict[str, Facts]:
        """See `Index`."""
        held = read_records(self.connection, self.names, "about", list(dict.fromkeys(doc_ids)))
        return facts([(doc_id, row[4], row[5], row[-1]) for doc_id, row in held.items()])

    @cached_property
    def facets(self) -> list[tuple[str, str]]:
        """All (facet, value) pairs, sorted: passages name theirs by their places here."""
        return [(facet, value) for facet, value in self.manifest["facets"]]

    def facet_values(self, facet: str) -> list[str]:
        """See `Index`."""
        return [value for name, value in self.facets if name == facet]

    def rarity(self, text: str) -> dict[str, float]:
        """See `Index`."""
        return rarities(analyze(text), self.frequency, self.status().passages)

    def holds(self, stem: str) -> bool:
        """See `Index`."""
        return self.frequency(stem) > 0

    def respell(self, text: str) -> str:
        """See `Index`."""
        return self.speller.respell(text)

    def frequency(self, stem: str) -> int:
        """In how many passages a stem of `analyze` occurs."""
        return self.bucket(record_id("stem", stem) % int(self.manifest["buckets"])).get(stem, 0)

    def read_bucket(self, number: int) -> dict[str, int]:
        """The stems of a bucket with their frequencies."""
        return dict(read_record(self.connection, self.names, "stems", str(number)) or {})

    def words(self) -> list[Word]:
        """The vocabulary of all passages, sorted."""
        return [Word(*row) for row in read_record(self.connection, self.names, "vocabulary", "") or ()]


def live_at(settings: IndexSettings, seconds: float = 0.0) -> tuple[Connection, Names, dict[str, Any]]:
    """The server at the setting `index_from`, the collections of its live generation, and their manifest."""
    address = Address.parse(settings.index_from)
    token = settings.milvus_token.get_secret_value()
    connection = Connection(address, token, seconds) if seconds else Connection(address, token)
    return connection, *live_of(connection)


def live_of(connection: Connection) -> tuple[Names, dict[str, Any]]:
    """The collections that the alias names, and their manifest."""
    address = connection.address
    target = connection.target(address.collection)
    if not target and address.collection not in connection.collections():
        raise NoIndexError(f"No index at {address}. Publish one with: python app.py index apply --to {address}")
    names = Names(target or address.collection)
    manifest = None
    if target and set(names.all) <= set(connection.collections()):
        connection.load(names.all)
        manifest = manifest_of(connection, names)
    if manifest is None:
        raise MilvusError(
            f"{address} is a collection that `index apply` did not make, or of another format. Give it another name: "
            f"python app.py index apply --to milvus://{address.server}/NAME"
        )
    return names, manifest


def described(manifest: dict[str, Any]) -> IndexStatus:
    """What a manifest says of its generation; `bytes` are those of the files that it was copied from."""
    return IndexStatus(
        generation=manifest["generation"],
        **manifest["counts"],
        embedder=manifest["embedder"]["name"],
        embedder_digest=manifest["embedder"]["digest"],
        published_at=manifest["published_at"],
        bytes=manifest["bytes"],
        map_method=manifest["map"]["method"],
        map_trust=manifest["map"]["trustworthiness"],
        vectors=manifest["vectors"]["kind"],
        recall=manifest["vectors"]["recall"],
    )


def status_at(settings: IndexSettings) -> tuple[IndexStatus, dict[str, str], str]:
    """What would be served, the server and its collection by name, and a line of warning or ""."""
    connection, names, manifest = live_at(settings)
    warning = "" if manifest["by_words"] else WORDLESS.format(connection.version)
    return described(manifest), {"collection": names.passages, "server": connection.version}, warning
