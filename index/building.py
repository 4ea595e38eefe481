"""Plan -> new generation: the whole pipeline. Read `build` first."""

import datetime
import io
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from index.chunking import Cut, cut, embedded_text
from index.embedding import Embedder, embedder_digest, open_embedder
from index.errors import IndexingError
from index.generation import Generation, publish, writing_lock
from index.planning import Plan, make_plan, remember
from index.progress import Progress, silent
from index.settings import IndexSettings
from index.vectors import VectorCache

__all__ = ["Applied", "apply"]

# A word of the title counts as this many in the text: nDCG@10 of musique_train100 +0.010 [0.003, 0.020], of
# frus_tune_topics +0.008 [0.002, 0.013], elsewhere nothing; 2 and 4 do as well (evals/LOG.md, 2026-11-25).
TITLE_WEIGHT = 3


@dataclass(frozen=True, slots=True)
class Applied:
    """What `apply` did: the plan, the generation now live, and how many texts had to be embedded."""

    plan: Plan
    generation: Generation
    embedded: int
    published: bool


def apply(
    settings: IndexSettings, sources: Sequence[Path] = (), add: bool = False, progress: Progress = silent
) -> Applied:
    """Makes the index of the sources the live one; publishes nothing where it already is.

    `sources` is the complete set; with none, the remembered set; with `add`, it is added to that.
    """
    try:
        with writing_lock(settings.home):
            digest = embedder_digest(settings.embedder)
            plan = make_plan(settings, sources, add, digest)
            if plan.unchanged and plan.live:
                remember(settings.home, plan.sources)
                return Applied(plan, plan.live, 0, published=False)
            embedder = open_embedder(settings.embedder, settings.home / "models", digest)
            generation, embedded = build(plan, settings, embedder, progress)
            remember(settings.home, plan.sources)
            return Applied(plan, generation, embedded, published=True)
    except (OSError, sqlite3.Error) as error:
        raise IndexingError(
            f"The index could not be written to {settings.home}: {getattr(error, 'strerror', None) or error}. "
            f"The index is as it was; mend that, then run again: python app.py index apply"
        ) from error


def build(plan: Plan, settings: IndexSettings, embedder: Embedder, progress: Progress) -> tuple[Generation, int]:
    """Cuts, embeds, writes and publishes; gives the generation and how many texts were embedded anew."""
    limit = min(settings.passage_tokens, embedder.max_tokens)
    cuts: list[Cut] = []
    with progress("cutting", len(plan.scan.readings)) as advance:
        for reading in plan.scan.readings:
            cuts.append(cut(reading.document, embedder.count_tokens, limit, settings.passage_overlap))
            advance()
    texts = [embedded_text(each, embedder.count_tokens, limit) for made in cuts for each in made.passages]
    sentences = [each.text for made in cuts for each in made.sentences]
    with VectorCache.open(settings.home / "cache" / "vectors.sqlite") as cache:
        passage_vectors, new_passages = cache.embed(embedder, texts, progress)
        sentence_vectors, new_sentences = cache.embed(embedder, sentences, progress)

    def write(folder: Path) -> dict[str, Any]:
        from index.dense import DenseIndex
        from index.lexical import LexicalIndex
        from index.spelling import vocabulary
        from index.store import write_store

        rows = [(r.document, c.passages, c.sentences, r.dropped) for r, c in zip(plan.scan.readings, cuts, strict=True)]
        write_store(folder / "store.sqlite", rows, vocabulary(each for made in cuts for each in made.passages))
        (folder / "passages.faiss").write_bytes(DenseIndex.build(passage_vectors).to_bytes())
        (folder / "sentences.npy").write_bytes(npy(sentence_vectors.astype(np.float16)))
        LexicalIndex.build(folder / "lexical", words(cuts))
        return {
            "published_at": now.isoformat(timespec="seconds"),
            "content": plan.content,
            "counts": {"documents": len(rows), "passages": len(texts), "sentences": len(sentences)},
            "embedder": {
                "name": embedder.name,
                "digest": embedder.digest,
                "backend": embedder.backend,
                "dimension": embedder.dimension,
                "max_tokens": embedder.max_tokens,
            },
            "settings": {"passage_tokens": limit, "passage_overlap": settings.passage_overlap},
            "sources": [str(source) for source in plan.sources],
        }

    now = datetime.datetime.now(datetime.UTC)
    name = f"{now:%Y%m%dT%H%M%S%f}Z-{plan.content[:8]}"
    with progress("publishing", 1) as advance:
        generation = publish(settings.home, name, write, settings.keep_generations)
        advance()
    return generation, new_passages + new_sentences


def words(cuts: Sequence[Cut]) -> list[tuple[int, int, str]]:
    """Passage key, document key, and the words by which the passage can be found: title (weighted), heading, text."""
    rows: list[tuple[int, int, str]] = []
    for document, made in enumerate(cuts):
        for each in made.passages:
            title = f"{each.title}\n" * TITLE_WEIGHT
            rows.append((len(rows), document, f"{title}{each.heading}\n{each.text}"))
    return rows


def npy(array: np.ndarray[Any, Any]) -> bytes:
    """The array as the bytes of a .npy file, no pickle in it."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
