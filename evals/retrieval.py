"""Indexes a collection, runs its queries through the assistant's own retriever, and measures. Read `run_collection`."""

import contextlib
import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant.retrieval import HybridRetriever
from assistant.settings import AssistantSettings
from evals.collections import Collection
from evals.errors import EvalsError
from evals.measures import Scores, means, measure
from index.building import apply
from index.progress import Progress, silent
from index.searching import LocalIndex
from index.settings import IndexSettings
from index.types import ScoredPassage, Skipped

__all__ = ["Run", "eval_home", "run_collection"]

DOCUMENTS = 100  # ranked for each query: what R@100 looks at
DEEPEST = 10_000  # passages; the setting `depth` goes no further
SHARED = ("models", "cache")  # of the main home: a model is exported once, a text is embedded once


@dataclass(frozen=True, slots=True)
class Run:
    """What retrieval gave on a collection. `scores[query][document]`: higher is better, comparable within a query.

    `latencies_ms` holds the time of each query; `measured[measure][query]` is in [0, 1], higher is better;
    `skipped` are the documents that could not be indexed: they count as not found.
    """

    collection: Collection
    documents: int
    passages: int
    skipped: tuple[Skipped, ...]
    scores: Scores
    latencies_ms: Mapping[str, float]
    measured: Mapping[str, Mapping[str, float]]

    @property
    def queries(self) -> int:
        """How many were run and measured: the judged ones."""
        return len(self.latencies_ms)

    @property
    def means(self) -> dict[str, float]:
        """For each measure the mean over the judged queries."""
        return means(self.measured)

    def latency_ms(self, percent: float) -> float:
        """The latency that `percent` of the queries stay within, in milliseconds."""
        return float(np.percentile(list(self.latencies_ms.values()), percent))

    def to_json(self) -> dict[str, Any]:
        """The fields of `eval retrieval --json`."""
        return {
            "name": self.collection.name,
            "queries": self.queries,
            "documents": self.documents,
            "passages": self.passages,
            "measures": self.means,
            "latency_ms": {"p50": self.latency_ms(50), "p95": self.latency_ms(95)},
        }


def run_collection(
    collection: Collection, indexing: IndexSettings, retrieval: AssistantSettings, progress: Progress = silent
) -> Run:
    """Indexes the corpus into its own home below `indexing.home` (nothing where it is up to date), then measures."""
    home = eval_home(collection, indexing.home)
    settings = indexing.model_copy(update={"home": home})
    applied = apply(settings, [collection.corpus], progress=progress)
    index = LocalIndex.open(settings)
    queries = collection.judged
    HybridRetriever(index, retrieval).retrieve(next(iter(queries.values())), DOCUMENTS)  # loads what loads late
    scores: dict[str, dict[str, float]] = {}
    latencies: dict[str, float] = {}
    with progress("queries", len(queries)) as advance:
        for query, text in queries.items():
            scores[query], latencies[query] = rank(index, retrieval, text)
            advance()
    status = index.status()
    return Run(
        collection,
        status.documents,
        status.passages,
        applied.plan.scan.skipped,
        scores,
        latencies,
        measure(collection.qrels, scores),
    )


def eval_home(collection: Collection, home: Path) -> Path:
    """`home/evals/NAME-DIGEST`, made where it is missing; another corpus is another home.

    It shares exported models and vectors with `home`, so that neither is made twice.
    """
    try:
        with collection.corpus.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:12]
        folder = home / "evals" / f"{collection.name}-{digest}"
        folder.mkdir(parents=True, exist_ok=True)
        for name in SHARED:
            (home / name).mkdir(exist_ok=True)
            with contextlib.suppress(FileExistsError):
                (folder / name).symlink_to(Path("..") / ".." / name)
    except OSError as error:
        raise EvalsError(
            f"No home for {collection.name} can be made in {home}: {error.strerror}. "
            f"Give a folder that can be written: python app.py eval retrieval DIR --home FOLDER"
        ) from error
    return folder


def rank(index: LocalIndex, settings: AssistantSettings, text: str) -> tuple[dict[str, float], float]:
    """The best documents by score, at most `DOCUMENTS`, and the time of the search in milliseconds.

    The time is of one search as the settings have it, all its candidates ranked. Where these are of fewer documents
    than wanted, deeper searches add others below them, so that R@100 can be met and nDCG@10 stays that of the settings.
    """
    start = time.perf_counter()
    found = HybridRetriever(index, settings).retrieve(text, 2 * settings.depth).passages
    elapsed = (time.perf_counter() - start) * 1000
    scores = best_of_documents(found)
    status = index.status()
    wanted, deepest = min(DOCUMENTS, status.documents), min(status.passages, DEEPEST)
    depth = settings.depth
    while len(scores) < wanted and depth < deepest:
        depth = min(2 * depth, deepest)
        deeper = settings.model_copy(update={"depth": depth})
        found = HybridRetriever(index, deeper).retrieve(text, 2 * depth).passages
        others = {name: score for name, score in best_of_documents(found).items() if name not in scores}
        gap = min(scores.values(), default=0.0) - max(others.values(), default=0.0) - 1
        scores |= {name: score + gap for name, score in others.items()}
    best = sorted(scores, key=lambda name: (-scores[name], name))[:DOCUMENTS]
    return {name: scores[name] for name in best}, elapsed


def best_of_documents(found: Iterable[ScoredPassage]) -> dict[str, float]:
    """For each document the score of its best passage."""
    scores: dict[str, float] = {}
    for each in found:
        name = each.passage.doc_id
        scores[name] = max(each.score, scores.get(name, each.score))
    return scores
