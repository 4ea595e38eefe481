"""Sources against the live generation -> Plan: what would change, before anything is written."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from index.errors import DamagedIndexError, NoIndexError, SourceError
from index.generation import FORMAT, Generation, live, replace
from index.readers import Scan, scan
from index.settings import IndexSettings
from index.store import Store
from index.types import Skipped

__all__ = ["DEFAULT_SOURCE", "Plan", "make_plan", "remember", "remembered"]

DEFAULT_SOURCE = Path("data/articles")
SOURCES = "sources.json"
CUT_VERSION = 1  # raised when cleaning, cutting or the context for embedding change: old generations are then rebuilt


@dataclass(frozen=True, slots=True)
class Plan:
    """What `apply` would do. `content` identifies everything that decides the result; equal means nothing to do."""

    sources: tuple[Path, ...]
    scan: Scan
    content: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    live: Generation | None

    @property
    def unchanged(self) -> bool:
        """Whether the live generation is already what this plan would make."""
        return self.live is not None and self.live.manifest["content"] == self.content


def make_plan(settings: IndexSettings, sources: Sequence[Path], add: bool, embedder_digest: str) -> Plan:
    """Reads the sources (with none given, the remembered ones) and compares them with the live generation.

    `SourceError` where an article of the live index can no longer be read: it would be lost without being withdrawn.
    """
    known = remembered(settings.home)
    chosen = list(sources) or known or [DEFAULT_SOURCE]
    if add:
        chosen = list(dict.fromkeys([*known, *sources]))
    found = scan(chosen)
    try:
        now: Generation | None = live(settings.home)
    except (NoIndexError, DamagedIndexError):
        now = None
    old = {}
    if now is not None:
        store = Store(now.folder / "store.sqlite")
        old = store.versions()
        lost = lost_article(store, found.skipped)
        store.close()
        if lost:
            raise lost
    new = {reading.document.doc_id: reading.document.version for reading in found.readings}
    return Plan(
        sources=tuple(chosen),
        scan=found,
        content=content_digest(new, settings, embedder_digest),
        added=tuple(name for name in new if name not in old),
        changed=tuple(name for name in new if name in old and old[name] != new[name]),
        removed=tuple(name for name in old if name not in new),
        live=now,
    )


def lost_article(store: Store, skipped: Sequence[Skipped]) -> SourceError | None:
    """The error for the first damaged file that the live index holds an article of."""
    indexed = {summary.source for summary in store.summaries()}
    for each in skipped:
        if each.damaged and each.source in indexed:
            return SourceError(
                f"{each.source} is in the live index, but now {each.reason}. Mend the file, or take it away "
                f"to withdraw the article, then run again: python app.py index apply. The index is unchanged"
            )
    return None


def content_digest(versions: dict[str, str], settings: IndexSettings, embedder_digest: str) -> str:
    """SHA-256 of all that decides a generation: documents, settings of the cut, embedder, formats."""
    cutting = [settings.passage_tokens, settings.passage_overlap, CUT_VERSION, FORMAT]
    seen = [sorted(versions.items()), cutting, embedder_digest]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()


def remembered(home: Path) -> list[Path]:
    """The set of sources that the last `apply` was given; empty before the first."""
    try:
        return [Path(name) for name in json.loads((home / SOURCES).read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return []


def remember(home: Path, sources: Sequence[Path]) -> None:
    """Keeps the set for the next `apply` without sources."""
    replace(home / SOURCES, json.dumps([str(source) for source in sources]))
