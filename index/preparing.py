"""Plan -> every article cut and ready to be embedded; what the generation before cut the same way is taken from it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from index.chunking import Cut, cut, embedded_text
from index.embedding import Embedder, Vectors
from index.generation import SENTENCES, Generation
from index.kinds import Kind, kind_for
from index.planning import CUT_VERSION, Plan
from index.progress import Progress, silent
from index.settings import IndexSettings
from index.store import Store
from index.types import Document, Passage, Reading
from index.vectors import VectorCache

__all__ = ["Costs", "Prepared", "costs", "cut_as", "cut_settings", "embed", "passage_texts", "prepare"]

RATE = 40.0  # texts embedded a second on two cores, where no earlier run has told
# Sentences up to which each has a vector: an hour of embedding on two cores and 384 MB on the disk; without them a
# question takes half a second more (evals/LOG.md, 2026-11-26).
MOST_SENTENCES = 500_000
LEAST_TIMED = 200  # texts of a run whose rate is believed


@dataclass(frozen=True, slots=True)
class Prepared:
    """One article. `kept` are the rows that its passages and sentences have in the generation before, None if none."""

    reading: Reading
    cut: Cut
    kept: tuple[range, range] | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Texts to embed: of passages with their context, and of sentences, None where these are to have no vectors."""

    passages: list[str]
    sentences: list[str] | None


@dataclass(frozen=True, slots=True)
class Costs:
    """What a plan takes: passages taken over and new ones, texts (passages, sentences) to embed, expected seconds; how
    the vectors of passages are kept, and the bytes of that.
    """

    passages_kept: int
    passages_new: int
    to_embed: int
    seconds: float
    kind: Kind
    vector_bytes: int


def cut_settings(settings: IndexSettings, embedder: Embedder) -> dict[str, int]:
    """What decides how an article is cut, as the manifest has it."""
    limit = min(settings.passage_tokens, embedder.max_tokens)
    return {"passage_tokens": limit, "passage_overlap": settings.passage_overlap, "cut_version": CUT_VERSION}


def prepare(plan: Plan, settings: IndexSettings, embedder: Embedder, progress: Progress = silent) -> list[Prepared]:
    """The articles in the order of their ids."""
    wanted = cut_settings(settings, embedder)
    before = Store(plan.whole.folder / "store.sqlite") if plan.whole and usable(plan.whole, wanted, embedder) else None
    versions = before.versions() if before else {}
    made: list[Prepared] = []
    with progress("cutting", len(plan.gathered.readings)) as advance:
        for reading in plan.gathered.readings:
            document = reading.document
            if before and versions.get(document.doc_id) == document.version:
                made.append(Prepared(reading, *before.cut(document.doc_id)))
            else:
                made.append(Prepared(reading, cut_as(wanted, document, embedder)))
            advance()
    if before:
        before.close()
    return made


def cut_as(wanted: dict[str, int], document: Document, embedder: Embedder) -> Cut:
    """An article cut by `cut_settings`."""
    return cut(document, embedder.count_tokens, wanted["passage_tokens"], wanted["passage_overlap"])


def usable(generation: Generation, wanted: dict[str, int], embedder: Embedder) -> bool:
    """Whether a generation was cut and embedded as is wanted now."""
    with_embedder = {name: generation.manifest["embedder"][name] for name in ("digest", "backend")}
    same = {"digest": embedder.digest, "backend": embedder.backend}
    return generation.manifest["settings"] == wanted and with_embedder == same


def costs(made: Sequence[Prepared], plan: Plan, settings: IndexSettings, embedder: Embedder) -> Costs:
    """What it takes to build; the vector cache is asked, and nothing is written."""
    new = [each for each in made if each.kept is None]
    kind = kind_of(made, settings)
    there = passages_there(plan.whole, kind), bool(plan.whole and plan.whole.keeps_sentences)
    wanted = texts_to_embed(made, settings, embedder, *there)
    texts = [*wanted.passages, *(wanted.sentences or ())]
    missing = VectorCache.missing(settings.home / "cache" / "vectors.sqlite", embedder, texts)
    fresh = sum(len(each.cut.passages) for each in new)
    total = sum(len(each.cut.passages) for each in made)
    return Costs(
        passages_kept=total - fresh,
        passages_new=fresh,
        to_embed=missing,
        seconds=round(missing / rate_of(plan.whole), 1),
        kind=kind,
        vector_bytes=kind.size(total, embedder.dimension),
    )


def kind_of(made: Sequence[Prepared], settings: IndexSettings) -> Kind:
    """How the vectors of all their passages are to be kept."""
    return kind_for(sum(len(each.cut.passages) for each in made), settings.vector_index)


def passages_there(generation: Generation | None, kind: Kind) -> bool:
    """Whether a generation has vectors of passages as exact as a kind wants them."""
    return generation is not None and (kind.name != "exact" or generation.kind.name == "exact")


def rate_of(generation: Generation | None) -> float:
    """Texts a second of the last run that embedded enough of them to tell."""
    told: dict[str, Any] = (generation.manifest.get("embedding") if generation else None) or {}
    texts, seconds = int(told.get("texts", 0)), float(told.get("seconds", 0))
    return texts / seconds if texts >= LEAST_TIMED and seconds > 0 else RATE


def embed(
    made: Sequence[Prepared], plan: Plan, settings: IndexSettings, embedder: Embedder, progress: Progress
) -> tuple[Vectors, Vectors | None, int]:
    """Vectors of all passages and of all sentences, unit rows in their order, and how many texts were embedded; of
    sentences None where none are kept.
    """
    old = vectors_of(plan.whole if any(each.kept for each in made) else None, kind_of(made, settings))
    wanted = texts_to_embed(made, settings, embedder, old[0] is not None, old[1] is not None)
    with VectorCache.open(settings.home / "cache" / "vectors.sqlite") as cache:
        passages, embedded = cache.embed(embedder, wanted.passages, progress)
        found = joined(passages, old[0], parts_of(made, old[0], 0))
        if wanted.sentences is None:
            return found, None, embedded
        sentences, more = cache.embed(embedder, wanted.sentences, progress)
    return found, joined(sentences, old[1], parts_of(made, old[1], 1)), embedded + more


def texts_to_embed(
    made: Sequence[Prepared], settings: IndexSettings, embedder: Embedder, passages_kept: bool, sentences_kept: bool
) -> Wanted:
    """What is not taken over; whether the generation before has vectors of passages and of sentences to take over."""
    limit = cut_settings(settings, embedder)["passage_tokens"]
    new = [each for each in made if each.kept is None]
    rows = new if passages_kept else made
    passages = passage_texts((one for each in rows for one in each.cut.passages), embedder, limit)
    if not keeps_sentences(settings, sum(len(each.cut.sentences) for each in made)):
        return Wanted(passages, None)
    return Wanted(passages, [one.text for each in (new if sentences_kept else made) for one in each.cut.sentences])


def passage_texts(passages: Iterable[Passage], embedder: Embedder, limit: int) -> list[str]:
    """What is embedded of passages: each with its context, within so many tokens."""
    return [embedded_text(each, embedder.count_tokens, limit) for each in passages]


def keeps_sentences(settings: IndexSettings, count: int) -> bool:
    """Whether so many sentences are to have a vector each."""
    return settings.sentence_vectors == "on" or (settings.sentence_vectors == "auto" and count <= MOST_SENTENCES)


def vectors_of(generation: Generation | None, kind: Kind) -> tuple[Vectors | None, Vectors | None]:
    """The vectors of a generation's passages, where they are as exact as `kind` wants them, and of its sentences, where
    it keeps them; none of no generation.
    """
    if generation is None:
        return None, None
    from index.dense import DenseIndex

    passages = None
    if passages_there(generation, kind):
        dense = DenseIndex.load(generation.folder / "passages.faiss", generation.kind)
        passages = dense.rows(0, len(dense))
    sentences = None
    if generation.keeps_sentences:
        sentences = np.load(generation.folder / SENTENCES, mmap_mode="r", allow_pickle=False)
    return passages, sentences


def parts_of(made: Sequence[Prepared], old: Vectors | None, which: int) -> list[tuple[range | None, int]]:
    """For each article the rows of `old` that it takes over, and how many it has: of passages (0) or sentences (1)."""
    counts = [(len(each.cut.passages), len(each.cut.sentences))[which] for each in made]
    rows = [each.kept[which] if each.kept and old is not None else None for each in made]
    return list(zip(rows, counts, strict=True))


def joined(new: Vectors, old: Vectors | None, parts: Sequence[tuple[range | None, int]]) -> Vectors:
    """The rows of each part in turn: of `old` where it says which, else the next ones of `new`."""
    found: list[Vectors] = []
    at = 0
    for kept, count in parts:
        if kept is not None and old is not None:
            found.append(np.asarray(old[kept.start : kept.stop], dtype=np.float32))
        else:
            found.append(new[at : at + count])
            at += count
    return np.concatenate(found) if found else new
