"""The map of meaning: a place in the plane for each document, near to those that speak of the same things.

t-SNE's objective from PCA's start, minimised along its spectral directions (Vladymyrov and Carreira-Perpiñán, 2012).
Against scikit-learn's t-SNE: trustworthiness 0.81 to 0.82 on our articles and 0.94 to 0.96 on 747 of another library,
but a fifth of the exact one's time, no import of 1.4 s, and the same map for the same articles: vectors moved by 1e-6
move a point by 5e-5 of the map's side, there one by 1e-7 by 0.8 (evals/LOG.md, 2026-11-26). Past `LARGEST` documents
PCA alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Map", "document_vectors", "draw_map", "trustworthiness"]

LARGEST = 1000  # documents; 747 take 0.7 s of one core, and each step compares all pairs
FEWEST = 5  # documents; a smaller circle of neighbours would be everyone
PERPLEXITY = 30.0  # neighbours that count; 10 to 40 were tried
STEPS = 100  # 50 cost up to 0.007 of trustworthiness, 200 gain up to 0.005 and take twice as long
START = 0.01  # the standard deviation of the first axis at the start: small, so that neighbours can pass each other
NEIGHBOURS = 10  # of which trustworthiness is told
JUDGED = 1000  # documents of which it is told, evenly taken where there are more
DECIMALS = 5
GAP = 0.004  # of the map's side: a third of a point's width on the page

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Map:
    """`places` is `(n, 2)` float64, each in [0, 1]; `trustworthiness` in [0, 1], 0.5 by chance, 1 without a fault."""

    places: Array
    method: str
    trustworthiness: float


def draw_map(vectors: NDArray[np.floating]) -> Map:
    """The map of `(n, dimension)` unit rows; the same for the same rows."""
    from threadpoolctl import threadpool_limits

    near = FEWEST <= len(vectors) <= LARGEST
    with threadpool_limits(1):  # two threads took 4 times as long on a busy machine
        flat = descended(vectors.astype(np.float64)) if near else principal(vectors)
        places = apart(framed(flat))
        return Map(places, "t-SNE" if near else "PCA", round(trustworthiness(vectors, places), 4))


def document_vectors(passages: NDArray[np.float32], counts: Sequence[int]) -> NDArray[np.float32]:
    """`(documents, dimension)`: for each the normalised mean of its passages, which follow each other by `counts`.

    Zeros for one without passages.
    """
    found = np.zeros((len(counts), passages.shape[1]), dtype=np.float32)
    ends = np.cumsum(counts, dtype=np.int64)
    for row, (count, end) in enumerate(zip(counts, ends, strict=True)):
        if count:
            mean = passages[end - count : end].mean(axis=0, dtype=np.float64)
            found[row] = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return found


def principal(rows: NDArray[np.floating]) -> Array:
    """`(n, 2)`: the rows along their two principal axes, each turned so that the rows' mean lies to its positive side.

    Of the maps of all articles but one, 0 of 88 and 0 of 747 were mirrored; turned by an axis's largest part, 13 and 0,
    by the sum of the cubes of its parts, 0 and 104.
    """
    if len(rows) < 2:
        return np.zeros((len(rows), 2))
    mean = rows.mean(axis=0)
    centred = rows - mean
    if len(rows) < rows.shape[1]:  # the same axes by the smaller matrix: 384 by 384 takes 0.05 s, a dozen rows nothing
        _, parts = np.linalg.eigh(centred @ centred.T)
        axes = centred.T @ parts[:, :-3:-1]
        axes /= np.maximum(np.linalg.norm(axes, axis=0), 1e-12)
    else:
        _, axes = np.linalg.eigh(centred.T @ centred)
        axes = axes[:, :-3:-1]
    return np.asarray(centred @ np.where(mean @ axes < 0, -axes, axes), dtype=np.float64)


def descended(rows: Array) -> Array:
    """`(n, 2)`: t-SNE. Each step goes along the gradient, times the inverse of the attraction's fixed part."""
    wanted = affinities(rows)
    pull = 4 * (np.diag(wanted.sum(axis=1)) - wanted)
    inverse = np.linalg.inv(pull + 1e-3 * np.diag(pull).min() * np.eye(len(rows)))
    places = principal(rows)
    places *= START / max(float(places[:, 0].std()), 1e-12)
    cost, kernel = spread(places, wanted)
    step = 1.0
    for _ in range(STEPS):
        weights = (wanted - kernel / kernel.sum()) * kernel
        slope = 4 * (places * weights.sum(axis=1)[:, None] - weights @ places)
        direction = -inverse @ slope
        falls, step = float((slope * direction).sum()), min(1.0, 2 * step)
        found = spread(places + step * direction, wanted)
        while found[0] > cost + 1e-4 * step * falls and step > 1e-8:
            step /= 2
            found = spread(places + step * direction, wanted)
        places = places + step * direction
        cost, kernel = found
    return places


def spread(places: Array, wanted: Array) -> tuple[float, Array]:
    """What t-SNE minimises, but for a constant, and the `(n, n)` nearness of the places, 0 on the diagonal."""
    far = distances(places)
    kernel = 1 / (1 + far)
    np.fill_diagonal(kernel, 0)
    return float((wanted * np.log1p(far)).sum() + np.log(kernel.sum())), kernel


def affinities(rows: Array) -> Array:
    """`(n, n)`, sum 1, symmetric: how much each pair should be neighbours; each row's circle has one size."""
    far = distances(rows)
    np.fill_diagonal(far, np.inf)
    far -= far.min(axis=1, keepdims=True)
    finite = np.where(np.isinf(far), 0, far)
    target = np.log(min(PERPLEXITY, (len(rows) - 1) / 3))
    low, high, narrow = np.zeros(len(rows)), np.full(len(rows), np.inf), np.ones(len(rows))
    for _ in range(50):
        near = np.exp(-far * narrow[:, None])
        total = near.sum(axis=1)
        entropy = np.log(total) + narrow * (finite * near).sum(axis=1) / total
        low, high = np.where(entropy > target, narrow, low), np.where(entropy > target, high, narrow)
        narrow = np.minimum(np.where(np.isinf(high), narrow * 2, (low + high) / 2), 1e12)
    near /= total[:, None]
    return np.asarray((near + near.T) / (2 * len(rows)))


def distances(rows: NDArray[np.floating]) -> Array:
    """`(n, n)`: squared distances, 0 on the diagonal."""
    squares = (rows * rows).sum(axis=1)
    found = np.asarray(rows @ rows.T, dtype=np.float64)
    found *= -2
    found += squares
    found += squares[:, None]
    np.maximum(found, 0, out=found)
    np.fill_diagonal(found, 0)
    return found


def framed(flat: Array) -> Array:
    """Moved and scaled, alike on both axes, into the unit square, in its middle."""
    if not len(flat):
        return flat
    low, high = flat.min(axis=0), flat.max(axis=0)
    side = max(float((high - low).max()), 1e-12)
    return np.asarray(np.clip((flat - (low + high) / 2) / side + 0.5, 0, 1), dtype=np.float64)


def apart(places: Array) -> Array:
    """The places, those that would coincide moved onto a spiral around the first of them, in the order of the rows."""
    gap = GAP if len(places) <= LARGEST else 2 * 10**-DECIMALS
    turn = np.pi * (3 - 5**0.5)  # the golden angle: a spiral by it never comes near itself
    taken: dict[tuple[int, int], list[tuple[float, float]]] = {}
    turns: dict[tuple[int, int], int] = {}  # how far the spiral of a cell is used up

    def free(x: float, y: float) -> bool:
        cells = ((int(x / gap) + i, int(y / gap) + j) for i in (-1, 0, 1) for j in (-1, 0, 1))
        return all((x - a) ** 2 + (y - b) ** 2 >= gap**2 for cell in cells for a, b in taken.get(cell, ()))

    found = np.empty_like(places)
    for row, (x, y) in enumerate(places.tolist()):
        at, cell = (x, y), (int(x / gap), int(y / gap))
        while not free(*at):
            count = turns[cell] = turns.get(cell, 0) + 1
            away = gap * count**0.5
            at = (clipped(x + away * np.cos(count * turn)), clipped(y + away * np.sin(count * turn)))
        taken.setdefault((int(at[0] / gap), int(at[1] / gap)), []).append(at)
        found[row] = at
    return np.round(found, DECIMALS)


def clipped(value: float) -> float:
    """Inside the frame."""
    return min(max(float(value), 0.0), 1.0)


def trustworthiness(rows: NDArray[np.floating], places: Array, neighbours: int = NEIGHBOURS) -> float:
    """How few strangers the map shows as neighbours, in [0, 1] (Venna and Kaski, 2001); 0.5 by chance, higher is
    better. 1 where there are too few documents to tell.
    """
    taken = np.linspace(0, len(rows) - 1, min(len(rows), JUDGED)).astype(np.int64)
    count = len(taken)
    k = min(neighbours, (count - 1) // 2)
    if k < 1:
        return 1.0
    far, drawn = distances(rows[taken]), distances(places[taken])
    np.fill_diagonal(far, -1)  # itself comes first, whatever coincides with it
    np.fill_diagonal(drawn, -1)
    ranks = far.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    shown = drawn.argsort(axis=1, kind="stable")[:, 1 : k + 1]
    strange = np.maximum(np.take_along_axis(ranks, shown, axis=1) - k, 0).sum()
    return float(1 - 2 * strange / (count * k * (2 * count - 3 * k - 1)))
