"""A model that reads two texts at once: how well the second answers the first. Through ONNX Runtime."""

from collections.abc import Sequence
from pathlib import Path

from index.embedding.models import sealed, sha256
from index.embedding.onnx_backend import Network

__all__ = ["PairModel"]

MOST_TOKENS = 144  # of both texts; as in training


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

    def read(self, first: str, seconds: Sequence[str]) -> list[float]:
        """A logit for each of `seconds`, read together with `first`: higher is better, 0 even odds.

        One by one: in a batch the padding costs a quarter more.
        """
        encoded = self.tokenizer.encode_batch([(first, second) for second in seconds])
        return [float(self.network.run([each])[0][0]) for each in encoded]


def whole(folder: Path, adapter: str) -> bool:
    """Whether the folder holds the export of the adapter of this digest, every byte of it."""
    about = sealed(folder)
    return about is not None and about.get("adapter") == adapter
