"""A home's generation -> collections on a Milvus server, which are live from the moment that the alias names them.

Everything is copied, counted and only then named: a copy that breaks off is never seen, and the next clears it away.
"""

import json
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from index.building import words_of
from index.dense import DenseIndex
from index.embedding import Vectors
from index.errors import MilvusError, SourceError, UnreachableError
from index.filters import FACETS
from index.generation import SENTENCES, Generation, live, writing_lock
from index.lexical import K1, B, stems
from index.milvus.address import Address
from index.milvus.connection import Connection
from index.milvus.layout import (
    FORMAT,
    LONGEST,
    NO_BEGINNING,
    NO_END,
    Names,
    fitting,
    is_in,
    names_in,
    names_of,
    parts_of,
    record_id,
)
from index.milvus.reading import manifest_of
from index.progress import Advance, Progress, silent
from index.register import read_register
from index.settings import IndexSettings
from index.store import Store
from index.summaries import SUMMARY

__all__ = ["Published", "publish_to", "roll_back_at"]

BATCH = 500  # rows of a request: some 2 MB of passages with 384 dimensions; a server takes 64 MB
IN_BUCKET = 500  # stems that are looked up together, some 6 kB
VARCHAR = {"max_length": LONGEST}
# Vectors that are compared one by one in some 40 ms (evals/LOG.md); beyond, a graph finds most of the nearest.
MOST_EXACT = 500_000
JUDGED = 50  # passages whose nearest ones tell how many a graph finds
MOST_FACETS = 1000  # values of one document
Field = tuple[str, str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Published:
    """What `publish_to` did: the generation that is live there now, the server's version, whether it was copied, and
    whether the server finds passages by words.
    """

    address: Address
    generation: str
    version: str
    copied: bool
    by_words: bool


def publish_to(address: Address, settings: IndexSettings, progress: Progress = silent) -> Published:
    """Makes the home's live generation the live one there; does nothing where it is. `MilvusError`: nothing changed."""
    with writing_lock(settings.home):
        generation = live(settings.home)
        connection = Connection(address, settings.milvus_token.get_secret_value())
        names = names_of(address.collection, generation.name)
        there = connection.collections()
        if address.collection in there:
            raise MilvusError(
                f"{address} is a collection that `index apply` did not make. Choose another name, or drop it there"
            )
        found = manifest_of(connection, names) if names.records in there else None
        manifest = found if found and whole(connection, names, found) else None
        if manifest is None:
            make_room(connection, names)
            made = made_whole(generation, names, connection, settings.milvus_vectors, progress)
        else:
            made = manifest
        if connection.target(address.collection) != names.passages:
            connection.point(address.collection, names.passages)
        with suppress(MilvusError):  # it is published; what is left is cleared away by the next one
            others = [each for each in names_in(address.collection, connection.collections()) if each != names]
            clear(connection, names.passages, others[: settings.keep_generations - 1])
        return Published(address, generation.name, connection.version, manifest is None, bool(made["by_words"]))


def make_room(connection: Connection, names: Names) -> None:
    """Drops what is unfinished, and what there is of a generation that is to be copied anew.

    The alias may name that, where somebody has changed it there: it goes as well, since nothing whole is lost.
    """
    alias = connection.address.collection
    if connection.target(alias) == names.passages:
        connection.unpoint(alias)
    drop(connection, names)
    clear(connection, connection.target(alias))


def made_whole(
    generation: Generation, names: Names, connection: Connection, wanted: str, progress: Progress
) -> dict[str, Any]:
    """Copies a generation; what was copied goes again where that breaks off. Gives the manifest."""
    try:
        return copy(generation, names, connection, wanted, progress)
    except BaseException:
        with suppress(MilvusError):  # where the server is gone, the next one clears it away
            drop(connection, names)
        raise


def whole(connection: Connection, names: Names, manifest: dict[str, Any]) -> bool:
    """Whether a generation's collections have as many rows as were counted when they were made."""
    try:
        connection.load(names.all)
        return all(connection.count(name) == rows for name, rows in zip(names.all, manifest["rows"], strict=True))
    except UnreachableError:
        raise
    except MilvusError:
        return False


def clear(connection: Connection, live: str, keep: Sequence[Names] | None = None) -> None:
    """Drops unfinished generations; and where `keep` is given, all that are neither live nor kept."""
    there = connection.collections()
    for names in names_in(connection.address.collection, there):
        if names.passages == live or names in (keep or ()):
            continue
        if keep is not None or names.records not in there or manifest_of(connection, names) is None:
            drop(connection, names)


def drop(connection: Connection, names: Names) -> None:
    """The manifest goes first."""
    there = connection.collections()
    for name in names.all:
        if name in there:
            connection.drop(name)


@dataclass(frozen=True, slots=True)
class Sending:
    """Rows on their way, in batches; `sent` counts them by collection."""

    connection: Connection
    sent: Counter[str]

    def send(self, collection: str, rows: Iterable[dict[str, Any]], advance: Advance) -> None:
        """Writes rows of one collection."""
        left = iter(rows)
        while batch := list(islice(left, BATCH)):
            self.connection.upsert(collection, batch)
            self.sent[collection] += len(batch)
            advance(len(batch))


def copy(
    generation: Generation, names: Names, connection: Connection, wanted: str, progress: Progress
) -> dict[str, Any]:
    """Writes the collections of a generation, the manifest last; gives the manifest."""
    store = Store(generation.folder / "store.sqlite")
    dense = DenseIndex.load(generation.folder / "passages.faiss", generation.kind)
    sentences = np.empty((0, 0), dtype=np.float16)
    if generation.keeps_sentences:
        sentences = np.load(generation.folder / SENTENCES, mmap_mode="r", allow_pickle=False)
    counts = generation.manifest["counts"]
    facets = sorted({(facet, value) for facet in FACETS for value in store.facet_values(facet)})
    by_words = connection.has_bm25
    graph = wanted == "hnsw" or (wanted == "auto" and counts["passages"] > MOST_EXACT)
    frequencies: Counter[str] = Counter()
    start = time.monotonic()
    for name, fields in zip(names.all, fields_of(dense.dimension, sentences.shape[1], by_words), strict=True):
        connection.create(name, fields, K1, B, graph and name == names.passages)
    sending = Sending(connection, Counter())
    with progress("copying passages", counts["passages"]) as advance:
        sending.send(names.passages, passage_rows(store, dense, facets, frequencies, by_words), advance)
    with progress("copying sentences", counts["sentences"]) as advance:
        sending.send(names.sentences, sentence_rows(store, sentences, counts["sentences"]), advance)
    buckets = max(1, len(frequencies) // IN_BUCKET)
    with progress("copying articles", 2 * counts["documents"] + buckets + 1) as advance:
        sending.send(names.records, record_rows(store, frequencies, buckets), advance)
    store.close()
    connection.flush(names.all)
    written = connection.now(names.records, time.monotonic() - start)
    connection.load(names.all)
    manifest = {
        "format": FORMAT,
        "generation": generation.name,
        **{name: generation.manifest[name] for name in ("published_at", "counts", "map", "embedder", "content")},
        "bytes": generation.size,
        "written": written,
        "sentences_kept": generation.keeps_sentences,
        "by_words": by_words,
        "buckets": buckets,
        "facets": facets,
        "vectors": {
            "kind": "hnsw" if graph else "exact",
            "recall": recall_of(connection, names, dense) if graph else 1.0,
        },
    }
    return finished(connection, names, manifest, [sending.sent[name] for name in names.all])


def recall_of(connection: Connection, names: Names, dense: DenseIndex) -> float:
    """The share of the ten nearest that the server's graph finds, of passages spread over all of them."""

    def find(query: Vectors, k: int) -> list[tuple[int, float]]:
        rows = connection.best(names.passages, "vector", query.tolist(), k, "", ["key"], graph=True)
        return [(int(row["key"]), score) for row, score in rows]

    return dense.recall(dense.spread(JUDGED), find=find)


def finished(connection: Connection, names: Names, manifest: dict[str, Any], sent: Sequence[int]) -> dict[str, Any]:
    """The manifest with the rows of each collection, once they have been counted there and it has been written."""
    for name, expected in zip(names.all, sent, strict=True):
        if (found := connection.count(name)) != expected:
            raise MilvusError(
                f"The Milvus server at {connection.address.server} has {found:,} of {expected:,} rows that it was sent "
                f"({name}). Nothing was published; run again: python app.py index apply --to {connection.address}"
            )
    parts = 1
    while True:  # it counts its own parts, whose number is hardly ever another for that
        whole = {**manifest, "rows": [sent[0] + parts, *sent[1:]]}
        last = list(parts_of("manifest", "", 0, json.dumps(whole, ensure_ascii=False)))
        if len(last) == parts:
            break
        parts = len(last)
    connection.upsert(names.records, last)
    return whole


def fields_of(dimension: int, of_sentences: int, by_words: bool) -> tuple[list[Field], list[Field], list[Field]]:
    """Of records, sentences and passages: the name of each field, its type in Milvus and what that needs."""
    number: tuple[str, dict[str, Any]] = ("INT64", {})
    text = ("VARCHAR", VARCHAR)
    records: list[Field] = [(name, *number) for name in ("id", "place", "part", "parts")]
    records += [("kind", "VARCHAR", {"max_length": 16}), ("name", *text), ("body", *text)]
    records += [("nothing", "FLOAT_VECTOR", {"dim": 2})]
    spans: list[Field] = [("key", *number), ("start", *number), ("end", *number), ("doc_id", *text)]
    spans += [("passage_id", *text), ("text", *text)]
    sentences = [*spans, ("vector", "FLOAT_VECTOR", {"dim": of_sentences or 2})]
    passages = [*spans, ("vector", "FLOAT_VECTOR", {"dim": dimension}), ("title", *text), ("heading", *text)]
    passages += [(name, *number) for name in ("tokens", "first_sentence", "end_sentence", "since", "until")]
    passages += [("facets", "ARRAY", {"element_type": "INT64", "max_capacity": MOST_FACETS})]
    if by_words:
        analysis = {"enable_analyzer": True, "analyzer_params": {"tokenizer": "standard"}}
        passages += [("stems", "VARCHAR", {**VARCHAR, **analysis})]
    return records, sentences, passages


def passage_rows(
    store: Store, dense: DenseIndex, facets: list[tuple[str, str]], frequencies: Counter[str], by_words: bool
) -> Iterator[dict[str, Any]]:
    """A row for each passage; counts in how many passages each stem stands."""
    years = {name: (since, until) for name, since, until in store.rows("SELECT doc_id, since, until FROM documents")}
    own: dict[str, list[int]] = {}
    query = "SELECT d.doc_id, f.facet, f.value FROM facets f JOIN documents d ON d.key = f.document"
    for doc_id, facet, value in store.rows(query):
        own.setdefault(doc_id, []).append(bisect_left(facets, (facet, value)))
    ranges = store.sentence_ranges()
    for start in range(0, len(dense), BATCH):
        keys = range(start, min(start + BATCH, len(dense)))
        found = store.passages(keys)
        for key, vector in zip(keys, dense.rows(keys.start, keys.stop), strict=True):
            passage = found[key]
            since, until = years[passage.doc_id]
            held = stems(words_of(passage))
            frequencies.update(set(held))
            row = {
                "key": key,
                "start": passage.start,
                "end": passage.end,
                "doc_id": fitting(passage.doc_id, "passage's article id"),
                "passage_id": fitting(passage.passage_id, "passage's id"),
                "text": fitting(passage.text, "passage"),
                "vector": vector,
                "title": fitting(passage.title, "title"),
                "heading": fitting(passage.heading, "heading"),
                "tokens": passage.tokens,
                "first_sentence": int(ranges[key, 0]),
                "end_sentence": int(ranges[key, 1]),
                "since": NO_BEGINNING if since is None else since,
                "until": NO_END if until is None else until,
                "facets": sorted(own.get(passage.doc_id, ())),
            }
            yield {**row, "stems": fitting(" ".join(held), "passage with its title")} if by_words else row


def sentence_rows(store: Store, vectors: np.ndarray[Any, Any], count: int) -> Iterator[dict[str, Any]]:
    """A row for each sentence; where the generation keeps no vectors of them, these mean nothing."""
    for start in range(0, count, BATCH):
        keys = range(start, min(start + BATCH, count))
        found = store.sentences(keys)
        for key in keys:
            each = found[key]
            yield {
                "key": key,
                "start": each.start,
                "end": each.end,
                "doc_id": each.doc_id,
                "passage_id": each.passage_id,
                "text": fitting(each.text, "sentence"),
                "vector": vectors[key].astype(np.float32) if len(vectors) else [0.0, 1.0],
            }


def record_rows(store: Store, frequencies: Counter[str], buckets: int) -> Iterator[dict[str, Any]]:
    """Documents, with and without their texts, the stems with their frequencies by bucket, the vocabulary."""
    for place, about in enumerate(store.rows(SUMMARY)):
        yield from parts_of("about", about[0], place, json.dumps(about, ensure_ascii=False))
        query = "SELECT text, notes, headings, version, addresses FROM documents WHERE doc_id = ?"
        (text,) = store.rows(query, (about[0],))
        yield from parts_of("text", about[0], place, json.dumps(text, ensure_ascii=False))
    held: list[dict[str, int]] = [{} for _ in range(buckets)]
    for stem, passages in frequencies.items():
        held[record_id("stem", stem) % buckets][stem] = passages
    for number, each in enumerate(held):
        yield from parts_of("stems", str(number), number, json.dumps(each, ensure_ascii=False))
    words = [(each.word, each.written, each.passages) for each in store.words()]
    yield from parts_of("vocabulary", "", 0, json.dumps(words, ensure_ascii=False))


def roll_back_at(address: Address, settings: IndexSettings, generation: str = "", yes: bool = False) -> str:
    """Has the alias name an earlier generation there: the one before the live one, or `generation`; gives its name.

    `SourceError` where it holds articles that are withdrawn in the home and `yes` does not say so.
    """
    with writing_lock(settings.home):
        connection = Connection(address, settings.milvus_token.get_secret_value())
        now = connection.target(address.collection)
        there = {
            names: manifest
            for names in names_in(address.collection, connection.collections())
            if (manifest := manifest_of(connection, names)) is not None
        }
        listed = ", ".join(str(each["generation"]) for each in there.values()) or "none"
        if generation:
            meant = [each for each, its in there.items() if str(its["generation"]).startswith(generation)]
        else:
            meant = [each for each in there if each.passages < now][:1]
        if len(meant) != 1:
            what = f"{len(meant)} generations begin with {generation!r}" if generation else "There is none before it"
            raise SourceError(f"{what} at {address}, which has: {listed}")
        chosen = there[meant[0]]
        withdrawn = read_register(settings.home, None).withdrawn
        ids = list(withdrawn)
        held = connection.rows(meant[0].records, is_in("id", [record_id("about", each) for each in ids]), ["name"])
        if (back := sorted({str(each["name"]) for each in held} & withdrawn.keys())) and not yes:
            raise SourceError(
                f"Generation {chosen['generation']} holds {len(back)} withdrawn article{'s' if len(back) > 1 else ''} "
                f"({', '.join(back[:3])}), which would be found again. If that is meant, say so: python app.py index "
                f"rollback {chosen['generation']} --to {address} --yes. The index is unchanged"
            )
        connection.point(address.collection, meant[0].passages)
        return str(chosen["generation"])
