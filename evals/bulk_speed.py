"""How fast a library is indexed, all included, beside SentenceTransformer.encode alone on the same passages."""

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from evals.errors import EvalsError
from index.building import apply
from index.calibrating import calibrate
from index.embedding import SentenceTransformerEmbedder, open_embedder
from index.embedding.bulk import FEW, Measured
from index.preparing import cut_as, cut_settings, passage_texts
from index.readers import scan
from index.settings import IndexSettings
from index.types import Document

__all__ = ["Round", "calibrated", "measure", "portions"]


@dataclass(frozen=True, slots=True)
class Round:
    """Passages, and the seconds that each took: encode alone, and ours with all there is to an index but sentences."""

    passages: int
    encode: float
    ours: float

    @property
    def ratio(self) -> float:
        """How many times as many passages a second ours makes."""
        return self.encode / self.ours


def calibrated(settings: IndexSettings, sources: Sequence[Path], home: Path, seconds: float) -> Measured:
    """A calibration in a home of its own, whose models are links to those of `settings.home`."""
    open_embedder(settings.embedder, settings.home / "models")  # exported there, where it is not yet
    (home / "models").mkdir(parents=True)
    for each in (settings.home / "models").iterdir():
        if each.is_dir():
            (home / "models" / each.name).symlink_to(each.resolve())
    return calibrate(settings.model_copy(update={"home": home}), sources, seconds).taken


def portions(
    documents: Sequence[Document], settings: IndexSettings, passages: int, rounds: int
) -> list[list[Document]]:
    """So many rounds of whole documents, each with so many passages or a few more; `EvalsError` where they run out."""
    embedder = open_embedder(settings.embedder, settings.home / "models")
    wanted, found, count = cut_settings(settings, embedder), [list[Document]()], 0
    for document in documents:
        if count >= passages:
            if len(found) == rounds:
                return found
            found.append([])
            count = 0
        found[-1].append(document)
        count += len(cut_as(wanted, document, embedder).passages)
    if len(found) < rounds or count < passages:
        raise EvalsError(
            f"The sources have too few passages for {rounds} rounds of {passages:,}; ask for fewer with --passages"
        )
    return found


def measure(
    settings: IndexSettings, sources: Sequence[Path], home: Path, passages: int, rounds: int
) -> Iterator[Round]:
    """Rounds on other documents each, by `home`'s calibration; below `FEW` passages it would not be used."""
    if passages < FEW:
        raise EvalsError(
            f"The calibrated way is gone from {FEW:,} texts on, and a round has {passages:,}; "
            f"ask for more with --passages"
        )
    documents = [each.document for each in scan(list(sources)).readings]
    plain = SentenceTransformerEmbedder(settings.embedder).model
    for some in portions(documents, settings, passages, rounds):
        with TemporaryDirectory() as folder:
            source = Path(folder) / "articles"
            source.mkdir()
            for number, document in enumerate(some):
                (source / f"{number:06}.txt").write_text(document.text, encoding="utf-8")
            own = settings.model_copy(update={"home": Path(folder) / "home", "sentence_vectors": "off"})
            shutil.copytree(home / "models", own.home / "models", symlinks=True)
            begun = time.perf_counter()
            done = apply(own, [source], yes=True)
            ours = time.perf_counter() - begun
            texts = indexed(done.generation, own)
        begun = time.perf_counter()
        plain.encode(texts, show_progress_bar=False)
        yield Round(len(texts), time.perf_counter() - begun, ours)


def indexed(generation: Any, settings: IndexSettings) -> list[str]:
    """The texts of a generation's passages, as they were embedded."""
    from index.store import Store

    embedder = open_embedder(settings.embedder, settings.home / "models")
    limit = generation.manifest["settings"]["passage_tokens"]
    store = Store(generation.folder / "store.sqlite")
    found = store.passages(range(generation.manifest["counts"]["passages"]))
    store.close()
    return passage_texts(found.values(), embedder, limit)
