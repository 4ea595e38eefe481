"""SentenceTransformerEmbedder: any sentence-transformers model through torch, and its export to ONNX."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from index.embedding.export import export_onnx
from index.embedding.loading import LOADING, load, reason_of
from index.embedding.models import PACKAGED, PACKAGED_SHA256, folder_digest, model_folder, sha256
from index.embedding.onnx_backend import OnnxEmbedder
from index.embedding.protocol import Vectors
from index.errors import EmbedderError
from index.progress import Progress, silent

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["SentenceTransformerEmbedder"]

AGREES = 0.9999  # lowest cosine of an exported model's vectors with those of the model itself
PROBES = ("How did the talks start?", "The channel", "A secret meeting was held in Oslo in January 1993. " * 4)


class SentenceTransformerEmbedder:
    """Any sentence-transformers model, by name or folder, through torch. Remote code never runs; safetensors only."""

    backend = "torch"

    def __init__(self, name: str) -> None:
        folder = model_folder(name)
        if name == PACKAGED and folder and (seen := sha256(folder / "model.safetensors")) != PACKAGED_SHA256:
            raise EmbedderError(
                f"The weights of {PACKAGED} are not the published ones (SHA-256 {seen[:12]}, expected "
                f"{PACKAGED_SHA256[:12]}). Reinstall with: make clean run"
            )
        self.name = name
        self.model = load_model(str(folder or name), local=folder is not None)
        self.model.eval()
        self.max_tokens = int(self.model.max_seq_length or 512)
        self.dimension = int(self.embed_passages([PROBES[0]]).shape[1])
        self.digest = folder_digest(folder) if folder else self.saved_digest()

    def saved_digest(self) -> str:
        """The digest of a model that came by name, from the files it saves."""
        with tempfile.TemporaryDirectory() as folder:
            self.model.save_pretrained(folder, safe_serialization=True)
            (Path(folder) / "README.md").unlink(missing_ok=True)
            return folder_digest(Path(folder))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Embedder`."""
        prompt = (self.model.prompts or {}).get("document") or ""
        encoded = self.model.tokenizer([prompt + text for text in texts], truncation=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]

    def embed_passages(self, texts: Sequence[str], progress: Progress = silent) -> Vectors:
        """See `Embedder`."""
        with progress("embedding", len(texts)) as advance:
            rows = self.model.encode_document(list(texts), normalize_embeddings=True, show_progress_bar=False)
            advance(len(texts))
        return np.asarray(rows, dtype=np.float32)

    def embed_few(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder`."""
        return self.embed_passages(texts)

    def embed_query(self, text: str) -> Vectors:
        """See `Embedder`."""
        row = self.model.encode_query(text, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(row, dtype=np.float32)

    def exported(self, models: Path) -> "OnnxEmbedder | None":
        """The model exported to `models/<digest>`; None where it cannot be, or the export disagrees with it."""
        models.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".export-", dir=models))
        try:
            about = {
                "name": self.name,
                "digest": self.digest,
                "dimension": self.dimension,
                "max_tokens": self.max_tokens,
            }
            export_onnx(self.model, work, about)
            made = OnnxEmbedder(work, self.name)
            ours = np.stack([made.embed_query(text) for text in PROBES])
            theirs = np.stack([self.embed_query(text) for text in PROBES])
            batch = np.sum(made.embed_passages(PROBES) * self.embed_passages(PROBES), axis=1)
            if min(np.sum(ours * theirs, axis=1).min(), batch.min()) < AGREES:
                return None
            final = models / self.digest
            shutil.rmtree(final, ignore_errors=True)
            work.replace(final)
            return OnnxEmbedder(final, self.name)
        except (EmbedderError, RuntimeError, TypeError, ValueError, AttributeError):
            return None  # an architecture that the exporter does not know: torch answers, slower and as well
        finally:
            shutil.rmtree(work, ignore_errors=True)


def load_model(name: str, local: bool) -> "SentenceTransformer":
    """The model, on the processor; only safetensors, never code that comes with it. `EmbedderError` in one sentence."""

    def opened(on_this_machine: bool) -> "SentenceTransformer":
        from sentence_transformers import SentenceTransformer

        return SentenceTransformer(
            name,
            device="cpu",
            trust_remote_code=False,
            local_files_only=on_this_machine,
            model_kwargs={"use_safetensors": True},
        )

    try:
        return load(opened, local)
    except LOADING as error:
        raise EmbedderError(
            f"The embedder {name} cannot be loaded: {reason_of(error)}. "
            f"Name a sentence-transformers model or folder, or the packaged one: BACKCHANNEL_EMBEDDER={PACKAGED}"
        ) from error
