"""Benchmark of one search: the median time of each stage, of the whole, and its share of embedding the question."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Annotated, TypeVar

import typer

from assistant.fusion import convex
from assistant.retrieval import HybridRetriever
from assistant.settings import AssistantSettings
from evals.questions import load_questions
from index.filters import Filters
from index.lexical import CEILING
from index.searching import LocalIndex
from index.settings import IndexSettings

Result = TypeVar("Result")


class Stopwatch:
    """Milliseconds by stage, a list for each."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {}

    def __call__(self, stage: str, work: Callable[[], Result]) -> Result:
        """What `work` gives; its time is noted."""
        start = time.perf_counter()
        done = work()
        self.times.setdefault(stage, []).append(1000 * (time.perf_counter() - start))
        return done


def search(index: LocalIndex, settings: AssistantSettings, question: str, k: int, timed: Stopwatch) -> None:
    """One search whole, then once more stage by stage."""
    retriever = HybridRetriever(index, settings)
    timed("whole", lambda: retriever.retrieve(question, k))
    vector = timed("embedding", lambda: index.embedder.embed_query(question))
    dense = dict(timed("by vector", lambda: index.by_vector(vector, settings.depth, Filters())))
    lexical = dict(timed("by words", lambda: index.by_words(question, settings.depth, Filters())))
    others = [key for key in lexical if key not in dense]
    dense |= zip(others, timed("similarities", lambda: index.similarities(vector, others)), strict=True)
    possible = CEILING * sum(timed("rarity", lambda: index.rarity(question)).values())
    fused = timed("fusion", lambda: convex(dense, lexical, settings.dense_weight, possible))
    scores = timed("sentences", lambda: retriever.with_sentences(vector, fused, k + 1))
    best = sorted(scores, key=lambda key: (-scores[key], key))[: k + 1]
    timed("passages", lambda: index.passages(best))


def main(
    home: Annotated[Path | None, typer.Option("--home", help="Folder of the index (setting `home`).")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Passages asked for.")] = 10,
    count: Annotated[int, typer.Option("--questions", min=1, help="How many of the gold questions are asked.")] = 100,
) -> None:
    """Print the medians in milliseconds, of one thread."""
    index = LocalIndex.open(IndexSettings.load(home=home))
    settings = AssistantSettings.load()
    questions = [each.question for each in load_questions()[: count + 1]]
    search(index, settings, questions[0], k, Stopwatch())  # loads what loads late
    timed = Stopwatch()
    for question in questions[1:]:
        search(index, settings, question, k, timed)
    for stage, times in timed.times.items():
        typer.echo(f"{stage:13} median {median(times):7.3f} ms   ({min(times):.3f} to {max(times):.3f})")
    share = median(timed.times["embedding"]) / median(timed.times["whole"])
    typer.echo(f"{'embedding / whole':20} {share:.2f}   k = {k}, {index.status().passages} passages")


if __name__ == "__main__":
    typer.run(main)
