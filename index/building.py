"""Plan -> new generation: the whole pipeline. Read `build` first."""

import datetime
import io
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from index.chunking import Cut
from index.embedding import Embedder, embedder_digest, open_embedder
from index.errors import IndexingError
from index.generation import POINTER, SENTENCES, Generation, publish, writing_lock
from index.planning import Plan, guard, make_plan, remember
from index.preparing import Costs, costs, cut_settings, embed, kind_of, prepare
from index.progress import Progress, silent
from index.register import write_register
from index.saved_plans import SavedPlan
from index.settings import IndexSettings
from index.types import Passage

__all__ = ["Applied", "apply", "plan_for", "words_of"]

# A word of the title counts as this many in the text: nDCG@10 of musique_train100 +0.010 [0.003, 0.020], of
# frus_tune_topics +0.008 [0.002, 0.013], elsewhere nothing; 2 and 4 do as well (evals/LOG.md, 2026-11-25).
TITLE_WEIGHT = 3
JUDGED = 100  # passages whose nearest ones tell how many an approximate kind finds: 4 s among a million


@dataclass(frozen=True, slots=True)
class Applied:
    """What `apply` did: the plan, the generation now live, and how many texts had to be embedded."""

    plan: Plan
    generation: Generation
    embedded: int
    published: bool


def apply(
    settings: IndexSettings,
    sources: Sequence[Path] = (),
    add: bool = False,
    progress: Progress = silent,
    yes: bool = False,
    expected: SavedPlan | None = None,
) -> Applied:
    """Makes the index of the sources the live one; publishes nothing where it already is.

    `sources` is the complete set; with none, the remembered set; with `add`, it is added to that. `SourceError` where
    over a fifth of the articles would go and `yes` does not say so, or where the plan is not the `expected` one.
    """
    before = mark(settings.home)
    try:
        with writing_lock(settings.home):
            digest = embedder_digest(settings.embedder)
            plan = make_plan(settings, expected.sources if expected else sources, add, digest)
            if expected:
                expected.check(plan)
            guard(plan, yes)
            if plan.unchanged and plan.live:
                remember(settings.home, plan.sources, plan.live.name)
                return Applied(plan, plan.live, 0, published=False)
            embedder = open_embedder(settings.embedder, settings.home / "models", digest)
            generation, embedded = build(plan, settings, embedder, progress)
            remember(settings.home, plan.sources, generation.name)
            return Applied(plan, generation, embedded, published=True)
    except (OSError, sqlite3.Error) as error:
        same = mark(settings.home) == before
        raise IndexingError(
            f"The index could not be written to {settings.home}: {getattr(error, 'strerror', None) or error}. "
            f"The {'index is as it was' if same else 'new generation is live, but may not outlast a power cut'}; "
            f"mend that, then run again: python app.py index apply"
        ) from error


def mark(home: Path) -> int:
    """Changes when the pointer is replaced; 0 where there is none. Nothing is opened, which may just have failed."""
    try:
        return (home / POINTER).stat().st_ino
    except OSError:
        return 0


def plan_for(
    settings: IndexSettings, sources: Sequence[Path] = (), add: bool = False, progress: Progress = silent
) -> tuple[Plan, Costs | None]:
    """What `apply` would do, and what that takes; None where it would do nothing. Of the home nothing changes."""
    digest = embedder_digest(settings.embedder)
    plan = make_plan(settings, sources, add, digest)
    if plan.unchanged:
        return plan, None
    embedder = open_embedder(settings.embedder, settings.home / "models", digest)
    return plan, costs(prepare(plan, settings, embedder, progress), plan, settings, embedder)


def build(plan: Plan, settings: IndexSettings, embedder: Embedder, progress: Progress) -> tuple[Generation, int]:
    """Cuts, embeds, writes and publishes; gives the generation and how many texts were embedded anew."""
    made = prepare(plan, settings, embedder, progress)
    started = time.monotonic()
    passage_vectors, sentence_vectors, embedded = embed(made, plan, settings, embedder, progress)
    seconds = time.monotonic() - started
    cuts = [each.cut for each in made]

    def write(folder: Path) -> dict[str, Any]:
        """All files of the generation; gives what its manifest says beside them."""
        from index.dense import DenseIndex
        from index.lexical import LexicalIndex
        from index.mapping import document_vectors, draw_map
        from index.spelling import vocabulary
        from index.storing import write_store

        rows = [(each.reading, each.cut, plan.gathered.signatures[each.reading.document.doc_id]) for each in made]
        found = draw_map(document_vectors(passage_vectors, [len(cut.passages) for cut in cuts]))
        spoken = vocabulary(each for cut in cuts for each in cut.passages)
        write_store(folder / "store.sqlite", rows, spoken, found.places.tolist())
        dense = DenseIndex.build(passage_vectors, kind_of(made, settings))
        (folder / "passages.faiss").write_bytes(dense.to_bytes())
        if sentence_vectors is not None:
            (folder / SENTENCES).write_bytes(npy(sentence_vectors.astype(np.float16)))
        LexicalIndex.build(folder / "lexical", words(cuts))
        return {
            "published_at": now.isoformat(timespec="seconds"),
            "content": plan.content,
            "counts": {
                "documents": len(rows),
                "passages": len(passage_vectors),
                "sentences": sum(len(cut.sentences) for cut in cuts),
            },
            "changes": changes(plan),
            "vectors": {"kind": dense.kind.name, "recall": dense.recall(dense.spread(JUDGED))},
            "map": {"method": found.method, "trustworthiness": found.trustworthiness},
            "embedder": {
                "name": embedder.name,
                "digest": embedder.digest,
                "backend": embedder.backend,
                "dimension": embedder.dimension,
                "max_tokens": embedder.max_tokens,
            },
            "embedding": {"texts": embedded, "seconds": round(seconds, 3)},
            "settings": cut_settings(settings, embedder),
            "sources": [str(source) for source in plan.sources],
            "register": plan.register.to_json(),
        }

    now = datetime.datetime.now(datetime.UTC)
    name = f"{now:%Y%m%dT%H%M%S%f}Z-{plan.content[:8]}"
    # Before the pointer moves: without it, a file renamed and edited since would be another article.
    write_register(settings.home, plan.register)
    with progress("publishing", 1) as advance:
        generation = publish(settings.home, name, write, settings.keep_generations)
        advance()
    return generation, embedded


def changes(plan: Plan) -> dict[str, int]:
    """How many articles a generation differs in from the one before, for `index history`."""
    names = ("added", "changed", "moved", "removed", "withdrawn", "merged")
    return {name: len(getattr(plan, name)) for name in names}


def words(cuts: Sequence[Cut]) -> list[tuple[int, int, str]]:
    """Passage key, document key, and the words by which the passage can be found: title (weighted), heading, text."""
    rows: list[tuple[int, int, str]] = []
    for document, made in enumerate(cuts):
        rows += [(len(rows) + i, document, words_of(each)) for i, each in enumerate(made.passages)]
    return rows


def words_of(passage: Passage) -> str:
    """The words by which a passage can be found."""
    return f"{passage.title}\n" * TITLE_WEIGHT + f"{passage.heading}\n{passage.text}"


def npy(array: np.ndarray[Any, Any]) -> bytes:
    """The array as the bytes of a .npy file, no pickle in it."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
