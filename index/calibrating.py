"""Which way many texts are embedded fastest on this machine, tried on passages of the maintainer's own sources."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from index.embedding import OnnxEmbedder, embedder_digest, open_embedder
from index.embedding.bulk import CHECKED, SECONDS, Measured, measured, remember
from index.errors import EmbedderError, SourceError
from index.planning import make_plan
from index.preparing import cut_as, cut_settings, passage_texts
from index.progress import Progress, silent
from index.settings import IndexSettings

__all__ = ["Calibration", "calibrate"]

SAMPLE = 512  # passages that are embedded again and again
DOCUMENTS = 400  # articles at most that are cut for them


@dataclass(frozen=True, slots=True)
class Calibration:
    """Each way as it was measured, the one that is taken, and of how many passages."""

    found: tuple[Measured, ...]
    taken: Measured
    passages: int


def calibrate(
    settings: IndexSettings, sources: Sequence[Path] = (), seconds: float = SECONDS, progress: Progress = silent
) -> Calibration:
    """Measures all ways for `seconds` each and remembers the fastest that gives the model's own vectors.

    `SourceError` where the sources hold no passage; `EmbedderError` for a model that cannot be exported.
    """
    digest = embedder_digest(settings.embedder)
    embedder = open_embedder(settings.embedder, settings.home / "models", digest)
    if not isinstance(embedder, OnnxEmbedder):
        raise EmbedderError(
            f"The model {settings.embedder} cannot be exported, so torch embeds all texts, and there is no choice"
        )
    texts = sample(settings, sources, embedder, progress)
    found = tuple(measured(embedder, texts, seconds, progress))
    return Calibration(found, remember(embedder, found), len(texts))


def sample(settings: IndexSettings, sources: Sequence[Path], embedder: OnnxEmbedder, progress: Progress) -> list[str]:
    """Passages of the sources, as they are embedded: at most `SAMPLE`, evenly from all that were cut."""
    readings = make_plan(settings, sources, False, embedder.digest).gathered.readings
    wanted = cut_settings(settings, embedder)
    chosen = readings[:: max(1, len(readings) // DOCUMENTS)]
    texts = []
    with progress("cutting", len(chosen)) as advance:
        for each in chosen:
            passages = cut_as(wanted, each.document, embedder).passages
            texts += passage_texts(passages, embedder, wanted["passage_tokens"])
            advance()
    if len(texts) < CHECKED:
        raise SourceError(
            f"The sources have {len(texts)} passages; at least {CHECKED} are needed to measure with. Name larger ones: "
            f"python app.py index calibrate FOLDER"
        )
    return texts[:: max(1, len(texts) // SAMPLE)][:SAMPLE]
