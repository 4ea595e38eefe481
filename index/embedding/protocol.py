"""The Embedder protocol: anything that turns texts into unit vectors of one space."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from index.progress import Progress, silent

__all__ = ["Embedder", "Vectors"]

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Anything that turns texts into unit vectors of one space."""

    name: str
    digest: str  # SHA-256 of what decides the vectors: weights, configuration, tokenizer
    backend: str
    dimension: int
    max_tokens: int  # what it reads of a text, special tokens included

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text by the model's own tokenizer, special tokens included, nothing cut off."""
        ...

    def embed_passages(self, texts: Sequence[str], progress: Progress = silent) -> Vectors:
        """`(n, dimension)` float32, unit rows, in the order of `texts`."""
        ...

    def embed_few(self, texts: Sequence[str]) -> Vectors:
        """The same for as many as a question needs, on one thread."""
        ...

    def embed_query(self, text: str) -> Vectors:
        """`(dimension,)` float32, of length 1."""
        ...
