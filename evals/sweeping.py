"""A grid of settings measured on a collection, point by point, those stored before taken from there.

A point is stored as soon as it is measured, so that a sweep that was stopped goes on where it was. Read `sweep`.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from evals.collections import Collection
from evals.comparing import Compared, compare_runs
from evals.errors import EvalsError
from evals.grid import Cell, Grid, settings_of
from evals.measures import MEASURES, means
from evals.retrieval import digest, eval_home, run_collection
from index.generation import replace
from index.progress import Advance, Progress, silent
from index.searching import status_of
from index.settings import IndexSettings

__all__ = ["Figures", "Point", "Sweep", "sweep"]

SOURCE = Path(__file__).resolve().parent.parent
LAYERS = ("index", "assistant", "evals")


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured. `measured[measure][query]` is in [0, 1], higher is better; latencies are of one query, in
    milliseconds, lower is better; `bytes` is the size of the index on disk; `skipped` counts the documents that could
    not be indexed, which count as not found.
    """

    queries: int
    documents: int
    passages: int
    skipped: int
    bytes: int
    p50_ms: float
    p95_ms: float
    measured: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Point:
    """A cell with its figures; `stored` where these were measured before."""

    cell: Cell
    figures: Figures
    stored: bool = False

    @property
    def means(self) -> dict[str, float]:
        """For each measure the mean over the judged queries."""
        return means(self.figures.measured)

    @property
    def measure(self) -> str:
        """The first measure, by which points are compared."""
        return next(iter(self.figures.measured))

    @property
    def quality(self) -> float:
        """The mean by the first measure, in [0, 1], higher is better."""
        return self.means[self.measure]

    def to_json(self) -> dict[str, Any]:
        """The fields of a point by itself."""
        figures = self.figures
        return {
            "settings": dict(self.cell.values),
            "measures": self.means,
            "per_query": {name: dict(of_query) for name, of_query in figures.measured.items()},
            "latency_ms": {"p50": figures.p50_ms, "p95": figures.p95_ms},
            "bytes": figures.bytes,
            "passages": figures.passages,
            "stored": self.stored,
        }


@dataclass(frozen=True, slots=True)
class Sweep:
    """The points of a grid on one collection, in its order; `compared` holds each against `points[reference]` by the
    first measure, p corrected by Holm over all, and None for the reference itself.
    """

    collection: str
    swept: tuple[str, ...]
    points: tuple[Point, ...]
    reference: int
    compared: tuple[Compared | None, ...]

    @property
    def measure(self) -> str:
        """The first measure, by which points are compared."""
        return self.points[0].measure

    @property
    def stored(self) -> int:
        """How many points were measured before."""
        return sum(point.stored for point in self.points)

    @property
    def front(self) -> tuple[bool, ...]:
        """For each point whether no other is at least as good in both quality and p50 latency, and better in one."""
        places = [(-point.quality, point.figures.p50_ms) for point in self.points]
        return tuple(
            not any(other[0] <= place[0] and other[1] <= place[1] and other != place for other in places)
            for place in places
        )

    def to_json(self) -> dict[str, Any]:
        """The fields of a collection in `eval sweep --json`."""
        points = zip(self.points, self.compared, self.front, strict=True)
        return {
            "name": self.collection,
            "queries": self.points[0].figures.queries,
            "documents": self.points[0].figures.documents,
            "measure": self.measure,
            "reference": dict(self.points[self.reference].cell.values),
            "points": [point.to_json() | {"front": front, "against": told(than)} for point, than, front in points],
        }


def compared_with(reference: int, points: Sequence[Point]) -> tuple[Compared | None, ...]:
    """See `Sweep.compared`."""
    name = points[reference].measure
    order = sorted(range(len(points)), key=lambda at: at != reference)  # the baseline first
    runs = {str(at): {name: points[at].figures.measured[name]} for at in order}
    found = {each.run: each for each in compare_runs(runs).compared}
    return tuple(found.get(str(at)) for at in range(len(points)))


def told(compared: Compared | None) -> dict[str, Any] | None:
    """How a point compares with the reference, as JSON; None for the reference."""
    fields = ("difference", "interval", "p", "corrected", "real", "wins", "ties", "losses")
    return {name: value for name, value in compared.to_json().items() if name in fields} if compared else None


Measuring = Callable[[Collection, Cell, Progress, Sequence[str]], Figures]


def sweep(
    collection: Collection,
    grid: Grid,
    progress: Progress = silent,
    measures: Sequence[str] = MEASURES,
    *,
    fresh: bool = False,
    measuring: Measuring | None = None,
) -> Sweep:
    """Measures each cell of the grid on the collection, or takes what was stored of it before unless `fresh`."""
    keys = keys_of(collection, grid, measures)
    points: list[Point] = []
    for at, (each, key) in enumerate(zip(grid.cells, keys, strict=True), 1):
        path = each.indexing.home / "sweeps" / f"{collection.name[:40]}-{sha(key)[:16]}.json"
        found = None if fresh else read_stored(path, key)
        if found is None:
            figures = (measuring or measure_cell)(collection, each, numbered(progress, at, len(keys)), measures)
            store(path, key, figures)
        points.append(Point(each, found or figures, stored=found is not None))
    against = compared_with(grid.reference, points)
    return Sweep(collection.name, grid.swept, tuple(points), grid.reference, against)


def measure_cell(collection: Collection, each: Cell, progress: Progress, measures: Sequence[str]) -> Figures:
    """Indexes the collection by the settings of the cell, runs its queries and measures."""
    run = run_collection(collection, each.indexing, each.retrieval, progress, measures)
    at_home = each.indexing.model_copy(update={"home": eval_home(collection, each.indexing)})
    return Figures(
        run.queries,
        run.documents,
        run.passages,
        len(run.skipped),
        status_of(at_home)[0].bytes,
        run.latency_ms(50),
        run.latency_ms(95),
        run.measured,
    )


def numbered(progress: Progress, at: int, count: int) -> Progress:
    """The same bars, each with the place of its point before its name."""

    def bar(what: str, total: int) -> AbstractContextManager[Advance]:
        return progress(f"point {at}/{count}: {what}", total)

    return bar


def keys_of(collection: Collection, grid: Grid, measures: Sequence[str]) -> list[dict[str, Any]]:
    """For each cell everything that decides its figures: a stored point is used where all of it is equal."""

    @cache  # files are read once for each cut
    def index(indexing: IndexSettings) -> str:
        return digest(collection.corpus, indexing)

    judged = sha([collection.judged, collection.qrels, [asdict(each) for each in collection.questions]])
    source = source_digest()
    return [
        {
            "collection": collection.name,
            "corpus, cut and embedder": index(each.indexing),
            "queries and judgments": judged,
            "settings": settings_of(each.indexing, each.retrieval),
            "measures": list(measures),
            "source": source,
        }
        for each in grid.cells
    ]


def source_digest(folder: Path = SOURCE) -> str:
    """SHA-256 (hex) of our own source files: changed code is measured anew."""
    files = sorted(path for layer in LAYERS for path in (folder / layer).rglob("*.py"))
    return sha([[path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8")] for path in files])


def sha(content: Any) -> str:
    """SHA-256 (hex) of what JSON can hold, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_stored(path: Path, key: Mapping[str, Any]) -> Figures | None:
    """The figures in the file; None where it is missing, damaged, or of another key."""
    try:
        entry = json.loads(path.read_bytes())
        if entry["key"] != key or entry["sha256"] != sha(entry["figures"]):
            return None
        return Figures(**entry["figures"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def store(path: Path, key: Mapping[str, Any], figures: Figures) -> None:
    """Writes the figures with their key and checksum: the whole file, or none."""
    entry = {"key": key, "figures": asdict(figures), "sha256": sha(asdict(figures))}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, json.dumps(entry, indent=1))
    except OSError as error:
        raise EvalsError(
            f"The point cannot be stored as {path}: {error.strerror}. "
            f"Give a folder that can be written: python app.py eval sweep --home FOLDER"
        ) from error
