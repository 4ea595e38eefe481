"""OnnxEmbedder: an exported model through ONNX Runtime and tokenizers; neither torch nor transformers is imported."""

import functools
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.embedding.models import sealed
from index.embedding.protocol import Vectors
from index.embedding.word_counts import WordCounts, splits_at_blanks
from index.embedding.word_rows import ROWS, WORDS, WordRows
from index.memory import give_back
from index.progress import Progress, silent

__all__ = ["BATCH", "Network", "OnnxEmbedder", "by_length", "fields_of"]

BATCH = 8  # sequences; on two cores 1.5 times the throughput of 32, whose padding and cache misses cost more


class Network:
    """The graph of an export in `folder`, on `threads` threads of the processor."""

    def __init__(self, folder: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        model = str(folder / "model.onnx")
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.inputs = {each.name for each in self.session.get_inputs()}
        self.words = WordRows(folder / WORDS) if ROWS in self.inputs else None
        give_back()  # the file was read as a whole first

    def run(self, encoded: Sequence[Any]) -> list[Any]:
        """What the graph gives for texts of the tokenizer, padded to one length, as arrays."""
        arrays = fields_of(encoded)
        given: dict[str, Any] = {name: array for name, array in arrays.items() if name in self.inputs}
        if self.words:
            given[ROWS] = self.words.of(arrays["input_ids"])
        found: list[Any] = self.session.run(None, given)
        return found


def fields_of(encoded: Sequence[Any]) -> dict[str, NDArray[np.int64]]:
    """What a model is given of texts of the tokenizer, padded to one length: `(texts, tokens)` each."""
    fields = {
        "input_ids": [each.ids for each in encoded],
        "attention_mask": [each.attention_mask for each in encoded],
        "token_type_ids": [each.type_ids for each in encoded],
    }
    return {name: np.array(field, dtype=np.int64) for name, field in fields.items()}


def by_length(
    texts: Sequence[str], size: int, dimension: int, run: Callable[[list[str]], Vectors], progress: Progress
) -> Vectors:
    """`(len(texts), dimension)` float32 in the order given, made in batches of `size` texts of like length, so that
    little is padded.
    """
    rows = np.empty((len(texts), dimension), dtype=np.float32)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    with progress("embedding", len(texts)) as advance:
        for start in range(0, len(order), size):
            some = order[start : start + size]
            rows[some] = run([texts[i] for i in some])
            advance(len(some))
    return rows


class OnnxEmbedder:
    """An exported model through ONNX Runtime: one thread for a query, all of them for a batch."""

    backend = "onnx"

    def __init__(self, folder: Path, name: str, size: int = BATCH, threads: int = 0) -> None:
        """Batches hold `size` texts, and go through so many threads, 0 for all cores."""
        import tokenizers

        self.size = size
        self.threads = threads or os.cpu_count() or 1

        about = json.loads((folder / "export.json").read_text(encoding="utf-8"))
        self.name = name
        self.folder = folder
        self.digest: str = about["digest"]
        self.dimension: int = about["dimension"]
        self.max_tokens: int = about["max_tokens"]
        self.query_prompt: str = about["query_prompt"]
        self.document_prompt: str = about["document_prompt"]
        self.counter = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.counter.no_truncation()
        self.counter.no_padding()
        self.word_counts = WordCounts(self.counter) if splits_at_blanks(self.counter) else None
        self.tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(self.max_tokens)
        self.tokenizer.enable_padding(pad_id=about["pad_id"], pad_token=about["pad_token"])

    @classmethod
    def open(cls, folder: Path, name: str) -> "OnnxEmbedder | None":
        """The export in `folder`; None when it is not whole, so that it is made again."""
        about = sealed(folder)
        try:
            return cls(folder, name) if about and about["digest"] == folder.name else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    @functools.cached_property
    def single(self) -> Network:
        """For a query. Two threads were up to 40 times slower on a busy machine."""
        return Network(self.folder, 1)

    @functools.cached_property
    def batch(self) -> Network:
        """For many texts."""
        return Network(self.folder, self.threads)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Embedder`."""
        whole = [self.document_prompt + text for text in texts]
        if self.word_counts:
            return self.word_counts.of(whole)
        return [len(encoded.ids) for encoded in self.counter.encode_batch_fast(whole)]

    def embed_passages(self, texts: Sequence[str], progress: Progress = silent) -> Vectors:
        """See `Embedder`."""
        whole = [self.document_prompt + text for text in texts]
        return by_length(whole, self.size, self.dimension, functools.partial(self.run, self.batch), progress)

    def embed_few(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder`."""
        whole = [self.document_prompt + text for text in texts]
        return by_length(whole, 1, self.dimension, functools.partial(self.run, self.single), silent)

    def embed_query(self, text: str) -> Vectors:
        """See `Embedder`."""
        row: Vectors = self.run(self.single, [self.query_prompt + text])[0]
        return row

    def run(self, network: Network, texts: list[str]) -> Vectors:
        """`(len(texts), dimension)` float32, unit rows."""
        (rows,) = network.run(self.tokenizer.encode_batch(texts))
        return np.asarray(rows, dtype=np.float32)
