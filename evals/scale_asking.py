"""The process that asks a library of `evals.scale`: questions come in as a list of JSON, and JSON goes out."""

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median

from assistant.retrieval import HybridRetriever
from assistant.settings import AssistantSettings
from assistant.timing import collected
from evals.memory import held_by
from index.filters import Filters
from index.searching import LocalIndex
from index.settings import IndexSettings

K = 10
WARMING = 20  # questions asked before time is taken


def main(home: Path, rounds: int, questions: list[str]) -> dict[str, object]:
    """Milliseconds of each search, medians of its parts, the ten nearest in meaning, memory at the end in MiB."""
    index = LocalIndex.open(IndexSettings.load(home=home))
    retriever = HybridRetriever(index, AssistantSettings.load())
    for question in questions[:WARMING]:
        retriever.retrieve(question, K)
    times, parts = list[float](), list[dict[str, float]]()
    for _ in range(rounds):
        for question in questions:
            with collected() as spent:
                begun = time.perf_counter()
                retriever.retrieve(question, K)
                times.append(1000 * (time.perf_counter() - begun))
            parts.append(spent)
    ids = []
    for question in questions:
        keys = [key for key, _ in index.by_vector(index.embedder.embed_query(question), K, Filters())]
        ids.append([each.passage_id for each in index.passages(keys)])
    part = {
        name: median(each[f"retrieval/{stage}"] for each in parts)
        for name, stage in (("embedding", "embedding"), ("meaning", "by meaning"), ("words", "by words"))
    }
    return {"times": times, "ids": ids, **part, **asdict(held_by(os.getpid()))}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), json.load(sys.stdin))))
