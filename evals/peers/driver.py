"""Runs one system on one collection and writes what it found and took: `python driver.py JOB.json RESULT.json`.

A script of the standard library alone: it runs in the environment of the system, which has nothing else of ours. All
systems get the same texts, queries and threads from it. Each adapter beside it has a class `Adapter`: see `System`.
"""

import importlib
import importlib.metadata
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Protocol

WINDOW = 160  # words; about 210 tokens, so that a window and its title fit the 256 that the model reads
FOUND = 100  # windows asked for with each query, or passages
# Asked before the clock runs, since the first searches load what loads late; none of them is a query of a collection.
WARMUP = ("Who carried the first letter?", "Why did the talks begin in secret?", "What was agreed at the end?")

Documents = list[dict[str, str]]  # each with _id, title and text
Found = list[tuple[str, float]]  # id and score, higher is better


class System(Protocol):
    """What an adapter offers. Made with the folder of the model and an empty folder of its own."""

    def load(self) -> None:
        """Imports everything that it needs."""
        ...

    def index(self, documents: Documents) -> None:
        """Opens the model and makes the documents searchable by meaning and by words."""
        ...

    def search(self, query: str, k: int) -> Found:
        """The `k` best, by the `_id` that they were indexed with."""
        ...


def read_documents(corpus: Path) -> Documents:
    """The lines of a corpus.jsonl."""
    with corpus.open(encoding="utf-8") as file:
        entries = [json.loads(line) for line in file if line.strip()]
    return [{"_id": str(e["_id"]), "title": str(e.get("title") or ""), "text": e.get("text") or ""} for e in entries]


def windows(documents: Documents, size: int = WINDOW) -> tuple[Documents, dict[str, str]]:
    """The documents in windows of `size` words with the title in front, and the document of each window by its id.

    Windows do not overlap; of a document without text there is one, its title.
    """
    cut: Documents = []
    owners: dict[str, str] = {}
    for document in documents:
        words = document["text"].split()
        for start in range(0, max(len(words), 1), size):
            lines = [document["title"], " ".join(words[start : start + size])]
            name = str(len(cut))
            cut.append({"_id": name, "title": "", "text": "\n".join(line for line in lines if line)})
            owners[name] = document["_id"]
    return cut, owners


def best(found: Found, owners: dict[str, str]) -> dict[str, float]:
    """For each document the score of its best window or passage."""
    scores: dict[str, float] = {}
    for name, score in found:
        owner = owners.get(name, name)
        scores[owner] = max(float(score), scores.get(owner, float(score)))
    return scores


def memory(field: str) -> float | None:
    """VmRSS (held now) or VmHWM (held at most so far) of this process in MB; None where there is no /proc."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{field}:")), None)


def ask(system: System, queries: list[list[str]], owners: dict[str, str], budget: float) -> dict[str, Any]:
    """Scores and time in milliseconds of each query, in order until they have taken `budget` seconds together."""
    scores: dict[str, dict[str, float]] = {}
    latencies: dict[str, float] = {}
    spent = 0.0
    for query, text in queries:
        if spent >= budget:
            break
        start = time.perf_counter()
        found = system.search(text, FOUND)
        elapsed = time.perf_counter() - start
        spent += elapsed
        scores[query], latencies[query] = best(found, owners), elapsed * 1000
    return {"scores": scores, "latencies_ms": latencies}


def run(system: System, job: dict[str, Any]) -> dict[str, Any]:
    """Loads, indexes, warms up, asks; times in seconds, of queries in milliseconds, memory in MB."""
    documents = read_documents(Path(job["corpus"]))[: job["documents"]]
    texts, owners = (documents, {}) if job["whole"] else windows(documents)
    start = time.perf_counter()
    system.load()
    loaded = time.perf_counter()
    system.index(texts)
    indexed = time.perf_counter()
    for text in WARMUP:
        system.search(text, FOUND)
    ready = memory("VmRSS")
    asked = ask(system, job["queries"], owners, job["budget"])
    return {
        "version": importlib.metadata.version(job["package"]),
        "import_s": loaded - start,
        "index_s": indexed - loaded,
        "ready_mb": ready,
        "peak_mb": memory("VmHWM"),
        **asked,
    }


def main() -> None:
    """Of the two files named, reads the first and writes the second."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    # Some libraries make as many threads as there are cores, whatever OMP_NUM_THREADS says; here nobody gets a second.
    os.cpu_count = lambda: 1
    adapter = importlib.import_module(f"adapter_{job['adapter']}")
    result = run(adapter.Adapter(job["model"], job["folder"]), job)
    Path(sys.argv[2]).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
