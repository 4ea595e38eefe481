"""A model that reads two texts at once: how well the second answers the first, and where. Through ONNX Runtime."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from index.embedding.models import sealed, sha256
from index.embedding.onnx_backend import Network
from index.types import Span

__all__ = ["PairModel", "Reading"]

MOST_TOKENS = 144  # of both texts; as in training
LONGEST = 20  # tokens of a short answer


@dataclass(frozen=True, slots=True)
class Reading:
    """`score` is a logit, higher is better, 0 even odds; `span` the likeliest short answer in the second text."""

    score: float
    span: Span | None


class PairModel:
    """An exported model, on one thread."""

    def __init__(self, folder: Path) -> None:
        import tokenizers

        self.tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(MOST_TOKENS, strategy="longest_first")
        self.tokenizer.no_padding()
        self.network = Network(folder, 1)

    @classmethod
    def open(cls, adapter: Path, rank: int, models: Path) -> "PairModel":
        """The packaged encoder with an adapter, from its export in the home's folder `models`, made where it is not
        there or not whole; torch is imported only then.
        """
        folder = models / f"pairs-{sha256(adapter)[:32]}"
        if not whole(folder, sha256(adapter)):
            from index.embedding.pair_export import export_pairs

            export_pairs(adapter, rank, folder)
        return cls(folder)

    def read(self, first: str, seconds: Sequence[str]) -> list[Reading]:
        """Each of `seconds` read together with `first`, one by one: in a batch the padding costs a quarter more."""
        found = []
        for each in self.tokenizer.encode_batch([(first, second) for second in seconds]):
            scores, ends = self.network.run([each])
            found.append(Reading(float(scores[0]), likeliest(each, ends[0])))
        return found


def likeliest(encoded: Any, ends: np.ndarray[Any, Any]) -> Span | None:
    """The characters of the second text between the likeliest start and end; None where it was cut off whole."""
    kinds, offsets = encoded.type_ids, encoded.offsets
    inside = [place for place, (start, stop) in enumerate(offsets) if kinds[place] and stop > start]
    if not inside:
        return None
    starts, stops = ends[inside, 0], ends[inside, 1]
    together = starts[:, None] + stops[None, :]
    allowed = np.triu(np.ones_like(together, dtype=bool)) & ~np.triu(np.ones_like(together, dtype=bool), LONGEST)
    start, stop = np.unravel_index(np.argmax(np.where(allowed, together, -np.inf)), together.shape)
    return Span(offsets[inside[int(start)]][0], offsets[inside[int(stop)]][1])


def whole(folder: Path, adapter: str) -> bool:
    """Whether the folder holds the export of the adapter of this digest, every byte of it."""
    about = sealed(folder)
    return about is not None and about.get("adapter") == adapter
