"""Many texts at once, by whichever way is fastest on this machine: measured by `index calibrate`, and remembered.

All ways give the same space: one whose vectors stray from those of the model in float32 (lowest cosine below `AGREES`)
is not taken. So their vectors are kept and found in one cache, whichever made them.
"""

import functools
import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from index.embedding.onnx_backend import BATCH, OnnxEmbedder, by_length, fields_of
from index.embedding.protocol import Embedder, Vectors
from index.errors import EmbedderError
from index.progress import Progress, silent

__all__ = ["AGREES", "CHECKED", "FEW", "SECONDS", "Measured", "Way", "for_many", "measured", "remember", "ways"]

AGREES = 0.999  # lowest cosine with the model's own vectors in float32
FEW = 1000  # texts below which the export embeds them: importing torch takes longer than it saves
GAIN = 1.05  # times the export's speed, below which another way is not worth its import
CHECKED = 64  # texts whose vectors are compared
SECONDS, ROUNDS = 6.0, 3  # that each way is measured, and in how many parts


@dataclass(frozen=True, slots=True)
class Way:
    """How texts are embedded: by the export ("onnx") or the model itself in a type of number ("bf16", "cuda")."""

    kind: str
    batch: int  # sequences of like length
    threads: int = 0  # 0: as the library chooses


KINDS = ("onnx", "bf16", "cuda")
EXPORT = Way("onnx", BATCH)


@dataclass(frozen=True, slots=True)
class Measured:
    """Texts a second; the lowest cosine with the model's own vectors; whether that is near enough."""

    way: Way
    rate: float
    cosine: float

    @property
    def right(self) -> bool:
        """Whether its vectors may stand for the model's own."""
        return self.cosine >= AGREES


class ManyTexts:
    """The embedder `base`, with its texts embedded in batches by torch in bfloat16, on the processor or a CUDA card."""

    def __init__(self, base: OnnxEmbedder, way: Way) -> None:
        import torch

        from index.embedding.torch_backend import SentenceTransformerEmbedder

        loaded = SentenceTransformerEmbedder(base.name)
        if loaded.digest != base.digest:
            raise EmbedderError(
                f"The model {base.name} has changed since its export (digest {loaded.digest[:12]}, the export has "
                f"{base.digest[:12]}). Build the index with the new one: python app.py index apply"
            )
        self.base = base
        self.way = way
        self.device = "cuda" if way.kind == "cuda" else "cpu"
        self.model = loaded.model.to(device=self.device, dtype=torch.bfloat16)
        self.name, self.digest, self.backend = base.name, base.digest, base.backend
        self.dimension, self.max_tokens = base.dimension, base.max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Embedder`."""
        return self.base.count_tokens(texts)

    def embed_few(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder`."""
        return self.base.embed_few(texts)

    def embed_query(self, text: str) -> Vectors:
        """See `Embedder`."""
        return self.base.embed_query(text)

    def embed_passages(self, texts: Sequence[str], progress: Progress = silent) -> Vectors:
        """See `Embedder`."""
        whole = [self.base.document_prompt + text for text in texts]
        return by_length(whole, self.way.batch, self.dimension, self.run, progress)

    def run(self, texts: list[str]) -> Vectors:
        """`(len(texts), dimension)` float32, unit rows."""
        import torch

        fields = fields_of(self.base.tokenizer.encode_batch(texts))
        names = self.model.tokenizer.model_input_names
        given = {name: torch.from_numpy(each).to(self.device) for name, each in fields.items() if name in names}
        with torch.inference_mode():
            found = self.model(given)["sentence_embedding"]
            rows: Vectors = torch.nn.functional.normalize(found.float(), dim=1).cpu().numpy()
        return rows


def ways() -> list[Way]:
    """What can be tried on this machine, the export first."""
    cores = os.cpu_count() or 1
    found = [EXPORT, Way("onnx", 4 * BATCH), *([Way("onnx", BATCH, cores // 2)] if cores > 3 else [])]
    if has_bf16():
        found += [Way("bf16", batch) for batch in (BATCH, 4 * BATCH)]
    if has_cuda():
        found += [Way("cuda", batch) for batch in (128, 512, 1024)]
    return found


def has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 (AVX512-BF16 or AMX): without that, torch imitates it slowly."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def has_cuda() -> bool:
    """Whether torch finds a CUDA card."""
    import torch

    return bool(torch.cuda.is_available())


def measured(
    base: OnnxEmbedder, texts: Sequence[str], seconds: float = SECONDS, progress: Progress = silent
) -> list[Measured]:
    """Each way on these texts, in turn, `ROUNDS` times; the best of them, since other work only ever slows it down.

    A way that fails is left out (a card that is full, say); the export never is.
    """
    from index.embedding.torch_backend import SentenceTransformerEmbedder

    own = SentenceTransformerEmbedder(base.name).embed_passages(texts[:CHECKED])
    cosines: dict[Way, float] = {}
    rates: dict[Way, float] = {}
    tried = {way: using(base, way) for way in ways()}
    with progress("measuring", ROUNDS * len(tried)) as advance:
        for _ in range(ROUNDS):
            for way, embedder in tried.items():
                try:
                    if way not in cosines:
                        cosines[way] = float(np.vecdot(embedder.embed_passages(texts[:CHECKED]), own).min())
                    found = rate(embedder, texts, max(way.batch, 4 * BATCH), seconds / ROUNDS)
                    rates[way] = max(rates.get(way, 0.0), found)
                except (RuntimeError, MemoryError):
                    if way == EXPORT:
                        raise
                advance()
    return [Measured(way, rates[way], cosines[way]) for way in tried if way in rates]


def rate(embedder: Embedder, texts: Sequence[str], step: int, seconds: float) -> float:
    """Texts a second over `seconds` or more, `step` at a time."""
    begun, done = time.monotonic(), 0
    while (took := time.monotonic() - begun) < seconds:
        embedder.embed_passages([texts[(done + at) % len(texts)] for at in range(step)])
        done += step
    return done / took


def using(base: OnnxEmbedder, way: Way) -> Embedder:
    """The embedder that goes that way."""
    return OnnxEmbedder(base.folder, base.name, way.batch, way.threads) if way.kind == "onnx" else ManyTexts(base, way)


def best(found: Sequence[Measured]) -> Measured:
    """The fastest of those that are right; the export, where nothing is clearly faster."""
    export = next(each for each in found if each.way == EXPORT)
    fastest = max((each for each in found if each.right), key=lambda each: each.rate, default=export)
    return fastest if fastest.rate >= GAIN * export.rate else export


def file_of(base: OnnxEmbedder) -> Path:
    """Where what was measured of this model is remembered: beside its export."""
    return base.folder.with_name(f"{base.digest}.bulk.json")


def machine() -> dict[str, Any]:
    """What a measurement holds for."""
    return {"machine": platform.machine(), "cores": os.cpu_count(), "bf16": has_bf16()}


def remember(base: OnnxEmbedder, found: Sequence[Measured]) -> Measured:
    """Writes down what was measured; gives the way that is taken from now on."""
    from index.generation import replace

    taken = best(found)
    rows = [{**asdict(each.way), "rate": round(each.rate, 1), "cosine": round(each.cosine, 6)} for each in found]
    told = {"for": machine(), "way": asdict(taken.way), "measured": rows}
    replace(file_of(base), json.dumps(told, indent=1))
    return taken


def remembered(base: OnnxEmbedder) -> Way:
    """The way that was the fastest on a machine like this; the export where none was measured, or it cannot be read."""
    try:
        told = json.loads(file_of(base).read_text(encoding="utf-8"))
        way = Way(**told["way"])
        known = way.kind in KINDS and all(type(each) is int for each in (way.batch, way.threads)) and way.batch > 0
        return way if known and told["for"] == machine() else EXPORT
    except (OSError, ValueError, KeyError, TypeError):
        return EXPORT


def for_many(embedder: Embedder, count: int) -> Embedder:
    """The embedder for so many texts: the way that `index calibrate` found fastest, from `FEW` on."""
    if count < FEW or not isinstance(embedder, OnnxEmbedder):
        return embedder
    way = remembered(embedder)
    if way == EXPORT or (way.kind == "cuda" and not has_cuda()):
        return embedder
    return opened(embedder, way)


@functools.lru_cache(1)
def opened(base: OnnxEmbedder, way: Way) -> Embedder:
    """`using`, the last one kept: passages and sentences are embedded one after the other."""
    return using(base, way)
