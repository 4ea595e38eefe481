"""Indexes a collection, runs its queries through the assistant's own retriever, and measures. Read `run_collection`."""

import contextlib
import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant.reranking import retriever_for
from assistant.retrieval import HybridRetriever
from assistant.settings import AssistantSettings
from evals.collections import Collection
from evals.errors import EvalsError
from evals.measures import MEASURES, Scores, deepest_cutoff, means, measure
from index.building import Applied, apply
from index.embedding import embedder_digest
from index.errors import SettingsError
from index.filters import Filters
from index.progress import Progress, silent
from index.searching import LocalIndex
from index.settings import IndexSettings
from index.types import ScoredPassage, Skipped

__all__ = ["Run", "configured", "eval_home", "indexed", "run_collection"]

DOCUMENTS = 100  # ranked for each query, or passages: what R@100 looks at; more where a measure looks deeper
DEEPEST = 10_000  # passages; the setting `depth` goes no further
SHARED = ("models", "cache")  # of the main home: a model is exported once, a text is embedded once
ASIDE = {"home", "keep_generations"}  # settings that decide nothing in a generation


@dataclass(frozen=True, slots=True)
class Run:
    """What retrieval gave on a collection. `scores[query][document]` (or passage id, where passages are judged): higher
    is better, comparable within a query. `qrels` are the judgments it was measured by.

    `latencies_ms` holds the time of each query; `measured[measure][query]` is in [0, 1], higher is better;
    `skipped` are the documents that could not be indexed: they count as not found.
    """

    collection: Collection
    documents: int
    passages: int
    skipped: tuple[Skipped, ...]
    qrels: Mapping[str, Mapping[str, int]]
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
            "per_query": {name: dict(of_query) for name, of_query in self.measured.items()},
            "latency_ms": {"p50": self.latency_ms(50), "p95": self.latency_ms(95)},
        }


def configured(
    config: Sequence[str], home: Path | None = None
) -> tuple[IndexSettings, AssistantSettings, dict[str, str]]:
    """The settings with each `NAME=VALUE` of `config` on top, and these by name; a `home` given comes before theirs.

    `SettingsError` for what is no setting, is given twice, or has a value that cannot be read.
    """
    known = (IndexSettings.model_fields, AssistantSettings.model_fields)
    given: dict[str, str] = {}
    for pair in config:
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not any(name in fields for fields in known):
            problem = f"There is no setting {name!r}" if equals else f"{pair!r} is not NAME=VALUE"
            raise SettingsError(f"{problem}. See all settings with: python app.py settings")
        if name in given:
            raise SettingsError(f"The setting {name} is given twice ({given[name]!r} and {value!r}). Leave one out")
        given[name] = value
    of_index, of_assistant = ({name: given[name] for name in fields if name in given} for fields in known)
    if home:
        of_index |= {"home": str(home)}
    return IndexSettings.load(**of_index), AssistantSettings.load(**of_assistant), given


def run_collection(
    collection: Collection,
    indexing: IndexSettings,
    retrieval: AssistantSettings,
    progress: Progress = silent,
    measures: Sequence[str] = MEASURES,
) -> Run:
    """Indexes the corpus into its own home below `indexing.home` (nothing where it is up to date), then measures."""
    count = max(DOCUMENTS, deepest_cutoff(measures))
    index, applied = indexed(collection, indexing, progress)
    qrels = collection.judgments(index)
    queries = collection.judged
    retriever_for(index, retrieval).retrieve(next(iter(queries.values())), count, Filters())  # loads what loads late
    scores: dict[str, dict[str, float]] = {}
    latencies: dict[str, float] = {}
    with progress("queries", len(queries)) as advance:
        for query, text in queries.items():
            scores[query], latencies[query] = rank(index, retrieval, text, count, collection.of_passages)
            advance()
    status = index.status()
    return Run(
        collection,
        status.documents,
        status.passages,
        applied.plan.gathered.unreadable,
        qrels,
        scores,
        latencies,
        measure(qrels, scores, measures),
    )


def indexed(collection: Collection, indexing: IndexSettings, progress: Progress = silent) -> tuple[LocalIndex, Applied]:
    """The index of the corpus in its own home, brought up to date and open."""
    settings = indexing.model_copy(update={"home": eval_home(collection, indexing)})
    applied = apply(settings, [collection.corpus], progress=progress, yes=True)
    return LocalIndex.open(settings), applied


def eval_home(collection: Collection, indexing: IndexSettings) -> Path:
    """`HOME/evals/NAME-DIGEST`, made where it is missing; another corpus, cut or embedder is another home.

    So two settings are compared without building either again. It shares exported models and vectors with the home
    of `indexing`, so that neither is made twice.
    """
    home = indexing.home
    try:
        folder = home / "evals" / f"{collection.name}-{digest(collection.corpus, indexing)[:12]}"
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


def digest(corpus: Path, indexing: IndexSettings) -> str:
    """SHA-256 (hex) of the files of the corpus, the settings that decide a generation, and the embedder's files."""
    files = sorted(path for path in corpus.rglob("*") if path.is_file()) if corpus.is_dir() else [corpus]
    contents = []
    for path in files:
        with path.open("rb") as file:
            contents.append([str(path.relative_to(corpus)), hashlib.file_digest(file, "sha256").hexdigest()])
    decisive = indexing.model_dump(mode="json", exclude=ASIDE | {"embedder"})
    seen = [contents, decisive, embedder_digest(indexing.embedder)]
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


def rank(
    index: LocalIndex, settings: AssistantSettings, text: str, count: int = DOCUMENTS, of_passages: bool = False
) -> tuple[dict[str, float], float]:
    """The best documents (or passages) by score, at most `count`, and the time of the search in milliseconds.

    The time is of one search as the settings have it, all its candidates ranked. Where these are of fewer documents
    than wanted, deeper searches add others below them, so that R@100 can be met and nDCG@10 stays that of the settings.
    """
    start = time.perf_counter()
    found = retriever_for(index, settings).retrieve(text, 2 * settings.depth, Filters()).passages
    elapsed = (time.perf_counter() - start) * 1000
    scores = best_scores(found, of_passages)
    status = index.status()
    wanted = min(count, status.passages if of_passages else status.documents)
    deepest = min(status.passages, DEEPEST)
    depth = settings.depth
    while len(scores) < wanted and depth < deepest:
        depth = min(2 * depth, deepest)
        deeper = settings.model_copy(update={"depth": depth})
        found = HybridRetriever(index, deeper).retrieve(text, 2 * depth).passages
        others = {name: score for name, score in best_scores(found, of_passages).items() if name not in scores}
        gap = min(scores.values(), default=0.0) - max(others.values(), default=0.0) - 1
        scores |= {name: score + gap for name, score in others.items()}
    best = sorted(scores, key=lambda name: (-scores[name], name))[:count]
    return {name: scores[name] for name in best}, elapsed


def best_scores(found: Iterable[ScoredPassage], of_passages: bool) -> dict[str, float]:
    """For each document the score of its best passage; or for each passage its own."""
    scores: dict[str, float] = {}
    for each in found:
        name = each.passage.passage_id if of_passages else each.passage.doc_id
        scores[name] = max(each.score, scores.get(name, each.score))
    return scores
