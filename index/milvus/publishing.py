"""A home's generation -> collections on a Milvus server, which are live from the moment that the alias names them.

Everything is copied, counted and only then named: a copy that breaks off is never seen, and the next clears it away.
"""

import json
import sqlite3
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from index.building import words_of
from index.dense import DenseIndex
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
from index.progress import Progress, silent
from index.register import read_register
from index.settings import IndexSettings
from index.store import Store
from index.summaries import SUMMARY

__all__ = ["Published", "publish_to", "roll_back_at"]

BATCH = 500  # rows of a request: some 2 MB of passages with 384 dimensions; a server takes 64 MB
IN_BUCKET = 500  # stems that are looked up together, some 6 kB
VARCHAR = {"max_length": LONGEST}
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
        now = connection.target(address.collection)
        manifest = manifest_of(connection, names) if names.records in there else None
        copied = manifest is None or not whole(connection, names, manifest)
        if copied:
            clear(connection, address.collection, now)
            if manifest is not None:  # somebody has changed it there, and the alias may name it: nothing is lost
                if now == names.passages:
                    connection.unpoint(address.collection)
                    now = ""
                drop(connection, names)
            try:
                manifest = copy(generation, names, connection, progress)
            except BaseException:
                with suppress(MilvusError):  # where the server is gone, the next one clears it away
                    drop(connection, names)
                raise
        assert manifest is not None
        if now != names.passages:
            connection.point(address.collection, names.passages)
        with suppress(MilvusError):  # it is published; what is left is cleared away by the next one
            finished = [each for each in names_in(address.collection, connection.collections()) if each != names]
            clear(connection, address.collection, names.passages, finished[: settings.keep_generations - 1])
        return Published(address, generation.name, connection.version, copied, bool(manifest["by_words"]))


def whole(connection: Connection, names: Names, manifest: dict[str, Any]) -> bool:
    """Whether a generation's collections have as many rows as were counted when they were made."""
    try:
        connection.load(names.all)
        return all(connection.count(name) == rows for name, rows in zip(names.all, manifest["rows"], strict=True))
    except UnreachableError:
        raise
    except MilvusError:
        return False


def clear(connection: Connection, collection: str, live: str, keep: Sequence[Names] | None = None) -> None:
    """Drops unfinished generations; and where `keep` is given, all that are neither live nor kept."""
    there = connection.collections()
    for names in names_in(collection, there):
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


def copy(generation: Generation, names: Names, connection: Connection, progress: Progress) -> dict[str, Any]:
    """Writes the collections of a generation, the manifest last; gives the manifest."""
    store = Store(generation.folder / "store.sqlite")
    dense = DenseIndex.load(generation.folder / "passages.faiss")
    sentences = np.empty((0, 0), dtype=np.float16)
    if generation.keeps_sentences:
        sentences = np.load(generation.folder / SENTENCES, mmap_mode="r", allow_pickle=False)
    counts = generation.manifest["counts"]
    facets = sorted({(facet, value) for facet in FACETS for value in store.facet_values(facet)})
    by_words = connection.has_bm25
    frequencies: Counter[str] = Counter()
    for name, fields in zip(names.all, fields_of(dense.dimension, sentences.shape[1], by_words), strict=True):
        connection.create(name, fields, K1, B)
    written = Counter[str]()

    def write(name: str, rows: Iterable[dict[str, Any]], advance: Any = lambda steps: None) -> None:
        batch: list[dict[str, Any]] = []
        for row in rows:
            batch.append(row)
            if len(batch) == BATCH:
                connection.upsert(name, batch)
                written[name] += len(batch)
                advance(len(batch))
                batch = []
        if batch:
            connection.upsert(name, batch)
            written[name] += len(batch)
            advance(len(batch))

    try:
        with progress("copying passages", counts["passages"]) as advance:
            write(names.passages, passage_rows(store, dense, facets, frequencies, by_words), advance)
        with progress("copying sentences", counts["sentences"]) as advance:
            write(names.sentences, sentence_rows(store, sentences, counts["sentences"]), advance)
        buckets = max(1, len(frequencies) // IN_BUCKET)
        with progress("copying articles", counts["documents"]) as advance:
            write(names.records, record_rows(store, frequencies, buckets), advance)
    except sqlite3.Error as error:
        raise MilvusError(f"Generation {generation.name} cannot be read ({error})") from error
    connection.flush(names.all)
    connection.load(names.all)
    rows = [written[name] for name in names.all]
    manifest = {
        "format": FORMAT,
        "generation": generation.name,
        **{name: generation.manifest[name] for name in ("published_at", "counts", "map", "embedder", "content")},
        "bytes": generation.size,
        "sentences_kept": generation.keeps_sentences,
        "by_words": by_words,
        "buckets": buckets,
        "facets": facets,
    }
    last = list(parts_of("manifest", "", 0, ""))
    for _ in range(2):  # the number of rows that it tells counts its own
        manifest["rows"] = [rows[0] + len(last), *rows[1:]]
        last = list(parts_of("manifest", "", 0, json.dumps(manifest, ensure_ascii=False)))
    for name, expected in zip(names.all, rows, strict=True):
        if (found := connection.count(name)) != expected:
            raise MilvusError(
                f"The Milvus server at {connection.address.server} has {found:,} of {expected:,} rows that it was sent "
                f"({name}). Nothing was published; run again: python app.py index apply --to {connection.address}"
            )
    connection.upsert(names.records, last)
    if manifest_of(connection, names) != json.loads(json.dumps(manifest)):
        raise MilvusError(f"The Milvus server at {connection.address.server} did not keep the manifest. Run again")
    return manifest


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
