"""How rare words are: BM25's inverse document frequency, with a floor."""

from collections.abc import Callable, Iterable

import numpy as np

__all__ = ["rarities"]


def rarities(stems: Iterable[str], frequency: Callable[[str], int], passages: int) -> dict[str, float]:
    """Each stem once with its inverse document frequency, at least 1.

    The floor matters to small libraries, where the words of the very subject stand in every passage.
    """
    found = {}
    for stem in dict.fromkeys(stems):
        held = frequency(stem)
        found[stem] = max(1.0, float(np.log1p((passages - held + 0.5) / (held + 0.5))))
    return found
