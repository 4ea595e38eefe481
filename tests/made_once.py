"""What is made once for all homes of the tests: they link to one folder of models, and the same objects serve them all.

Outside of tests each home opens its own models, which takes half a second and 100 MB; here a thousand would be opened.
"""

import fcntl
import functools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import assistant.answering
import assistant.reading
import evals.regress
import evals.retrieval
import index.building
import index.embedding
import index.inspecting
import index.milvus.fallback
import index.milvus.searching
import index.searching
from assistant.reading import Reader
from evals.regress import Once
from index.embedding import PACKAGED, Embedder


@functools.cache
def packaged(models: Path) -> Embedder:
    """The packaged model from a folder that holds its export."""
    return index.embedding.open_embedder(PACKAGED, models)


@functools.cache
def packaged_digest() -> str:
    """The digest of the packaged model, whose 90 MB are read for it."""
    return index.embedding.embedder_digest(PACKAGED)


@contextmanager
def opened_once(models: Path) -> Iterator[None]:
    """Meanwhile, by the modules that open models; of any folder but `models` (no link) they open them as ever."""

    def open_embedder(name: str, folder: Path, digest: str = "") -> Embedder:
        if name == PACKAGED and folder.resolve() == models and digest in ("", packaged_digest()):
            return packaged(models)
        return index.embedding.open_embedder(name, folder, digest)

    def embedder_digest(name: str) -> str:
        return packaged_digest() if name == PACKAGED else index.embedding.embedder_digest(name)

    def open_reader(folder: Path) -> Reader:
        return assistant.reading.open_reader(models if folder.resolve() == models else folder)

    with pytest.MonkeyPatch.context() as patch:
        opening = (index.building, index.searching, index.inspecting, index.milvus.fallback, index.milvus.searching)
        for module in opening:
            patch.setattr(module, "open_embedder", open_embedder)
        for module in (index.building, index.inspecting, evals.retrieval):
            patch.setattr(module, "embedder_digest", embedder_digest)
        for module in (assistant.answering, evals.regress):
            patch.setattr(module, "open_reader", open_reader)
        yield


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """No other process of the tests is in `folder` meanwhile: what one worker has made, the next one finds."""
    with folder.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def vectors_kept(models: Path, home: Path) -> Iterator[None]:
    """Meanwhile the home is indexed, with the vectors of the last time; they go by model and text, so none is stale."""
    kept = models.parent / f"{home.parent.name.rstrip('0123456789')}.sqlite"
    vectors = home / "cache" / "vectors.sqlite"
    with alone(models):
        if kept.exists():
            vectors.parent.mkdir()
            shutil.copy(kept, vectors)
        yield
        shutil.copy(vectors, kept)


@functools.cache
def remembering(models: Path) -> Once:
    """The packaged reader, for tests that ask all gold questions again and again of one library."""
    return Once(assistant.reading.open_reader(models))
