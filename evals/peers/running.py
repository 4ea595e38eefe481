"""Runs Backchannel and its peers on a collection, each in a process of its own, and measures. Read `run_peers`."""

import json
import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.collections import Collection
from evals.errors import EvalsError
from evals.measures import measure
from evals.peers.driver import read_documents
from evals.peers.environments import HERE, OURS, System, bounded, environment, surroundings
from evals.peers.results import MEASURES, Compared, Measured
from index.embedding import PACKAGED, open_embedder
from index.embedding.models import model_folder
from index.progress import Progress, silent

__all__ = ["Limits", "run_peers", "sample"]

SEED = 0  # of the sample of queries
REHEARSED = 20  # documents that each system indexes first, untimed: its files come from disk into memory
# One thread for everything, and no network. driver.py sees to those who count cores instead.
VARIABLES = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "RAYON_NUM_THREADS"), "1"
) | {
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "PYTHONHASHSEED": "0",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is asked: `queries` of each collection (0 = all), and seconds that a system may take on one.

    `budget` is for all its queries together, `timeout` for its whole process.
    """

    queries: int = 200
    budget: float = 300.0
    timeout: float = 3600.0


def sample(collection: Collection, count: int) -> list[tuple[str, str]]:
    """`count` of the judged queries (0 = all) with their texts, drawn by a fixed seed.

    All are shuffled, so that the first of them are a sample too: a peer whose time is up was asked these.
    """
    queries = sorted(collection.judged.items())
    random.Random(SEED).shuffle(queries)
    return queries[: count or None]


def run_peers(
    collections: Sequence[Collection],
    peers: Sequence[System],
    home: Path,
    limits: Limits = Limits(),
    progress: Progress = silent,
) -> list[Compared]:
    """Makes what is missing, then measures system after system on one collection after the other, ours first.

    Ours has a home of its own each time, with the exported model and nothing else of `home`.
    """
    try:
        (home / "peers").mkdir(parents=True, exist_ok=True)
        systems = {each: environment(each, home, progress) for each in (OURS, *peers)}
        open_embedder(PACKAGED, home / "models")  # exports it where that was never done
        return [run_on(collection, systems, home.resolve(), limits, progress) for collection in collections]
    except OSError as error:
        raise EvalsError(
            f"The peers cannot be run in {home}: {error.strerror or error}. "
            f"Give a folder that can be written: python app.py eval peers DIR --home FOLDER"
        ) from error


def run_on(
    collection: Collection, systems: Mapping[System, Path], home: Path, limits: Limits, progress: Progress
) -> Compared:
    """All systems, each with its interpreter, on one collection; `EvalsError` where ours fails."""
    asked = sample(collection, limits.queries)
    measured: list[Measured] = []
    failures: dict[str, str] = {}
    with progress(f"peers on {collection.name}", len(systems)) as advance:
        for system, interpreter in systems.items():
            job = describe(system, collection, asked, limits.budget)
            found = measure_system(system, interpreter, job, home, limits.timeout)
            if not isinstance(found, str):
                qrels = {query: collection.qrels[query] for query in found["scores"]}
                measured.append(Measured(system.name, values=measure(qrels, found["scores"], MEASURES), **found))
            elif system is OURS:
                raise EvalsError(
                    f"{system.name} could not be run on {collection.name}: {found}. "
                    f"See whether this works: python app.py eval retrieval {collection.corpus.parent}"
                )
            else:
                failures[system.name] = found
            advance()
    ours, *peers = measured
    documents = len(read_documents(collection.corpus))
    return Compared(collection.name, documents, len(asked), ours, tuple(peers), failures)


def describe(system: System, collection: Collection, asked: Sequence[tuple[str, str]], budget: float) -> dict[str, Any]:
    """What driver.py is to do."""
    return {
        "adapter": system.key,
        "package": system.package,
        "model": str(model_folder(PACKAGED)),
        "corpus": str(collection.corpus.resolve()),
        "documents": None,
        "whole": system is OURS,
        "queries": asked,
        "budget": budget,
    }


def measure_system(
    system: System, interpreter: Path, job: Mapping[str, Any], home: Path, timeout: float
) -> dict[str, Any] | str:
    """What driver.py wrote, run after a rehearsal; or why there is nothing."""
    variables = surroundings(VARIABLES | ({"PYTHONPATH": str(HERE.parent.parent)} if system is OURS else {}))
    log = home / "peers" / f"{system.key}.log"
    found: dict[str, Any] = {}
    for some in ({"documents": REHEARSED, "queries": []}, {}):
        with own_folder(system, home) as folder:
            task, result = folder / "job.json", folder / "result.json"
            task.write_text(json.dumps({**job, **some, "folder": str(folder)}), encoding="utf-8")
            command = [str(interpreter.absolute()), str(HERE / "driver.py"), str(task), str(result)]
            wrong = bounded(command, log, timeout, variables, folder)
            if wrong:
                return wrong
            found = json.loads(result.read_text(encoding="utf-8"))
    return found


@contextmanager
def own_folder(system: System, home: Path) -> Iterator[Path]:
    """An empty folder that goes afterwards; ours is a home with the exported model, shared with `home`."""
    with tempfile.TemporaryDirectory(dir=home / "peers", prefix=f"run-{system.key}-") as name:
        if system is OURS:
            (Path(name) / "models").symlink_to(home / "models")
        yield Path(name)
