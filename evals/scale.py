"""A library of any size from real articles: built by `index apply` from cached vectors, then asked.

What goes beyond the real articles are copies of them under other ids, whose vectors are moved towards another
passage's and normalised again: what they cost is real, what they say is not.
"""

import gzip
import itertools
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.errors import EvalsError
from index.embedding import Embedder, Vectors, open_embedder
from index.errors import IndexingError
from index.generation import live
from index.preparing import cut_as, cut_settings, passage_texts
from index.progress import bars
from index.readers import scan
from index.settings import IndexSettings
from index.types import Document
from index.vectors import VectorCache

__all__ = [
    "Asked",
    "Best",
    "Built",
    "asked",
    "build",
    "copies",
    "home_of",
    "keep",
    "kept",
    "moved",
    "read",
    "room",
    "stocked",
]

TOWARDS = 0.6  # how far a copy's vector goes towards another passage's: its cosine with the old one is then near 0.9
TOP = 10
NOTE = "built.json"
AT_ONCE = 200  # documents whose vectors are put into the cache together

Entry = dict[str, Any]  # a line of JSON


@dataclass(frozen=True, slots=True)
class Built:
    """A library as it was built: seconds and the most memory of `index apply`, vectors in the cache before."""

    passages: int
    documents: int
    real: int  # passages that are no copies
    kind: str
    seconds: float
    peak: float  # MiB
    bytes: int  # of the generation
    vector_bytes: int


@dataclass(frozen=True, slots=True)
class Asked:
    """How it answers one thread: milliseconds of each question with all there is to a search, of its parts (medians),
    the share of the exact ten best that are found, and memory in MiB.
    """

    times: tuple[float, ...]
    embedding: float
    meaning: float
    words: float
    recall: float
    rss: float
    pss: float

    def percentile(self, percent: float) -> float:
        """Of the milliseconds of a question."""
        return float(np.percentile(self.times, percent))


class Best:
    """The `TOP` nearest passages of each of `(n, dimension)` questions, all vectors compared, as they go by."""

    def __init__(self, questions: Vectors) -> None:
        self.questions = questions
        self.scores = np.full((len(questions), 0), -2.0, dtype=np.float32)
        self.ids = np.empty((len(questions), 0), dtype=object)

    def add(self, names: Sequence[str], vectors: Vectors) -> None:
        """Some more passages."""
        scores = np.concatenate([self.scores, self.questions @ vectors.T], axis=1)
        names_of = np.broadcast_to(np.array(names, dtype=object), (len(self.questions), len(names)))
        ids = np.concatenate([self.ids, names_of], axis=1)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :TOP]
        self.scores, self.ids = (np.take_along_axis(each, best, axis=1) for each in (scores, ids))


def moved(vectors: Vectors, others: Vectors) -> Vectors:
    """Unit rows on the way from the one to the other."""
    rows = vectors + np.float32(TOWARDS) * others
    found: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found


def home_of(settings: IndexSettings, size: int) -> Path:
    """The home of a library of so many passages."""
    return settings.home / "scale" / str(size)


def room(settings: IndexSettings, size: int) -> tuple[IndexSettings, Path]:
    """That home, empty but for the models and the cache of `settings.home`; and where its articles are to be."""
    folder = home_of(settings, size)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for name in ("models", "cache"):
        (settings.home / name).mkdir(exist_ok=True)
        (folder / name).symlink_to((settings.home / name).resolve())
    return settings.model_copy(update={"home": folder}), folder / "articles.jsonl"


def keep(home: Path, built: Built, best: Sequence[Sequence[str]]) -> None:
    """Notes beside a library how it was built, and the exact best passages of each question."""
    (home / NOTE).write_text(json.dumps({"built": asdict(built), "best": [list(each) for each in best]}), "utf-8")


def kept(home: Path, questions: int) -> tuple[Built, list[list[str]]]:
    """What `keep` noted, for so many questions; `EvalsError` where there is none."""
    try:
        noted = json.loads((home / NOTE).read_text("utf-8"))
        found = Built(**noted["built"]), [list(map(str, each)) for each in noted["best"]][:questions]
        live(home)
    except (OSError, ValueError, KeyError, TypeError, IndexingError) as error:
        raise EvalsError(f"No library is there to be asked again: {home}. Build it, without --again") from error
    if len(found[1]) < questions:
        raise EvalsError(f"{home} was built for {len(found[1])} questions, not {questions}. Build it, without --again")
    return found


def copies(entries: Sequence[Entry], sizes: Sequence[int], passages: int) -> Iterator[tuple[Entry, int]]:
    """The entries, then copies of them, until there are so many passages; `sizes` are those of each.

    With each its place among `entries`, which a copy has in common with what it is a copy of. A copy is told by its id
    and its title.
    """
    count = turn = 0
    while count < passages:
        for place, entry in enumerate(entries):
            if count >= passages:
                return
            named = {"_id": f"{entry['_id']}~{turn}", "title": f"{entry['title']}, copy {turn}"}
            yield {**entry, **(named if turn else {})}, place
            count += sizes[place]
        turn += 1


def stocked(
    settings: IndexSettings, entries: Sequence[Entry], passages: int, file: Path, questions: Sequence[str]
) -> tuple[int, Best]:
    """Writes the library of so many passages into a file of JSON lines, and all its vectors into the home's cache.

    Gives the number of its passages that are no copies, and the best of them for the questions. What the cache lacks
    of real passages is embedded: that may take hours, and goes on where it was interrupted.
    """
    embedder = open_embedder(settings.embedder, settings.home / "models")
    cut_by = cut_settings(settings, embedder)
    with VectorCache.open(settings.home / "cache" / "vectors.sqlite") as cache:
        sizes, texts = enough(entries, cut_by, passages, embedder, file)
        real = cache.embed(embedder, texts, bars)[0]
        chosen = list(copies(entries[: len(sizes)], sizes, passages))
        documents = written([entry for entry, _ in chosen], file)
        places = [place for _, place in chosen]
        starts = np.cumsum([0, *sizes])
        best = Best(np.stack([embedder.embed_query(each) for each in questions]))
        draw = np.random.default_rng(0)
        with bars("filling the cache", len(documents)) as advance:
            for first in range(0, len(documents), AT_ONCE):
                some = range(first, min(first + AT_ONCE, len(documents)))
                made = [cut_as(cut_by, documents[at], embedder).passages for at in some]
                counts = [len(each) for each in made]
                cut_there = [one for each in made for one in each]
                wanted = [rows_of_copy(places[at], n, sizes, starts) for at, n in zip(some, counts, strict=True)]
                rows = real[np.concatenate(wanted)]
                copied = np.repeat([at >= len(sizes) for at in some], counts)
                rows[copied] = moved(rows[copied], real[draw.integers(0, len(real), int(copied.sum()))])
                if copied.any():
                    told = passage_texts(cut_there, embedder, cut_by["passage_tokens"])
                    cache.remember(embedder, [told[at] for at in np.flatnonzero(copied)], rows[copied])
                best.add([each.passage_id for each in cut_there], rows)
                advance(len(some))
    return sum(sizes), best


def rows_of_copy(place: int, count: int, sizes: Sequence[int], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of an entry's passages for as many of its copy; where that is cut into more, these have the last one's."""
    rows: NDArray[np.int64] = starts[place] + np.minimum(np.arange(count), sizes[place] - 1)
    return rows


def enough(
    entries: Sequence[Entry], cut_by: dict[str, int], passages: int, embedder: Embedder, file: Path
) -> tuple[list[int], list[str]]:
    """How many passages each entry has, of as many entries as so many passages take, or all; and what is embedded of
    them. `file` is written over.
    """
    sizes, texts = list[int](), list[str]()
    for document in written(entries, file):
        made = cut_as(cut_by, document, embedder).passages
        sizes.append(len(made))
        texts += passage_texts(made, embedder, cut_by["passage_tokens"])
        if len(texts) >= passages:
            break
    return sizes, texts


def read(path: Path, most: int) -> list[Entry]:
    """Up to so many entries of a file of JSON lines, which may be packed by gzip; `EvalsError` where it is none."""
    opening = gzip.open if path.suffix == ".gz" else open
    try:
        with opening(path, "rt", encoding="utf-8") as file:
            found: list[Entry] = [json.loads(each) for each in itertools.islice(file, most)]
        if not found or not all({"_id", "title", "text"} <= each.keys() for each in found):
            raise ValueError("a line has no _id, title or text" if found else "it has no line")
    except (OSError, ValueError, AttributeError) as error:
        raise EvalsError(
            f"{path} cannot be read as articles ({getattr(error, 'strerror', None) or error}); name a file of JSON "
            f"lines with _id, title and text, packed by gzip or not"
        ) from error
    return found


def written(entries: Sequence[Entry], file: Path) -> list[Document]:
    """The documents that a reader finds in a file of JSON lines with these entries, in their order."""
    with file.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(each, ensure_ascii=False) + "\n" for each in entries)
    found = {each.document.doc_id: each.document for each in scan([file]).readings}
    if lost := next((each["_id"] for each in entries if each["_id"] not in found), None):
        raise EvalsError(f"The article {lost} cannot be read, or is there twice; take it out of the file")
    return [found[each["_id"]] for each in entries]


def build(settings: IndexSettings, file: Path, real: int) -> Built:
    """`index apply` over the file in a process of its own, without vectors of sentences."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "app", "index", "apply", str(file), "--home", str(settings.home), "--quiet"]
    variables = {**os.environ, "BACKCHANNEL_SENTENCE_VECTORS": "off", "BACKCHANNEL_VECTOR_INDEX": settings.vector_index}
    done = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
    if done.returncode:
        raise EvalsError(f"The library could not be built: {done.stderr.strip()[-300:]}")
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # of the largest so far
    generation = live(settings.home)
    counts = generation.manifest["counts"]
    return Built(
        passages=counts["passages"],
        documents=counts["documents"],
        real=real,
        kind=generation.kind.name,
        seconds=seconds,
        peak=peak,
        bytes=generation.size,
        vector_bytes=generation.manifest["files"]["passages.faiss"]["size"],
    )


def asked(home: Path, questions: Sequence[str], best: Sequence[Sequence[str]], rounds: int) -> Asked:
    """The questions, whose best passages are known, one after the other, in a process of its own."""
    command = [sys.executable, "-m", "evals.scale_asking", str(home), str(rounds)]
    done = subprocess.run(command, input=json.dumps(list(questions)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise EvalsError(f"The library could not be asked: {done.stderr.strip()[-300:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    shares = [len(set(one) & set(other)) / len(other) for one, other in zip(found.pop("ids"), best, strict=True)]
    times = tuple(found.pop("times"))
    return Asked(times=times, recall=float(np.mean(shares)), **found)
