"""Sources against the live generation -> Plan: what would change, before anything is written."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from index.errors import DamagedIndexError, NoIndexError, SourceError
from index.generation import FORMAT, Generation, newest_whole, replace
from index.readers import Scan, scan
from index.settings import IndexSettings
from index.store import Store

__all__ = ["DEFAULT_SOURCE", "Plan", "make_plan", "remember", "remembered"]

DEFAULT_SOURCE = Path("data/articles")
SOURCES = "sources.json"
CUT_VERSION = 2  # raised when cleaning, cutting, the context for embedding or the words change: all is then rebuilt


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
    whole, now = previous(settings.home)
    known = remembered(settings.home) or sources_of(whole) or [DEFAULT_SOURCE]
    chosen = list(dict.fromkeys([*known, *sources] if add or not sources else sources))
    found = scan(chosen)
    old = {}
    if whole is not None:
        store = Store(whole.folder / "store.sqlite")
        old = store.versions()
        lost = lost_article(store, found)
        store.close()
        if lost:
            raise lost
    new = {reading.document.doc_id: reading.document.version for reading in found.readings}
    return Plan(
        sources=tuple(chosen),
        scan=found,
        content=content_digest(found, settings, embedder_digest),
        added=tuple(name for name in new if name not in old),
        changed=tuple(name for name in new if name in old and old[name] != new[name]),
        removed=tuple(name for name in old if name not in new),
        live=now,
    )


def previous(home: Path) -> tuple[Generation | None, Generation | None]:
    """The newest whole generation, to compare with; and the live one, None where it is damaged or there is none."""
    try:
        whole, damage = newest_whole(home)
    except (NoIndexError, DamagedIndexError):
        return None, None
    return whole, None if damage else whole


def lost_article(store: Store, found: Scan) -> SourceError | None:
    """The error for the first damaged file, or line of one, with which an indexed article would go unnoticed."""
    kept = {reading.document.doc_id for reading in found.readings}
    gone = {file_of(summary.source): summary.doc_id for summary in store.summaries() if summary.doc_id not in kept}
    for each in found.skipped:
        if each.damaged and (lost := gone.get(file_of(each.source))):
            return SourceError(
                f"{each.source} cannot be indexed: {each.reason}; the article {lost} of the live index would be lost. "
                f"Mend the file, or take it away to withdraw its articles, then run again: python app.py index apply. "
                f"The index is unchanged"
            )
    return None


def file_of(source: str) -> Path:
    """The file of a document's `source`, without the number of a JSON line."""
    return Path(re.sub(r"#L\d+\Z", "", source)).absolute()


def content_digest(found: Scan, settings: IndexSettings, embedder_digest: str) -> str:
    """SHA-256 of all that decides a generation: documents and their places, settings of the cut, embedder, formats."""
    cutting = [settings.passage_tokens, settings.passage_overlap, CUT_VERSION, FORMAT]
    documents = [reading.document for reading in found.readings]
    seen = [[(each.doc_id, each.version, each.source) for each in documents], cutting, embedder_digest]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()


def remembered(home: Path) -> list[Path]:
    """The set of sources that the last `apply` was given; empty before the first."""
    try:
        return [Path(name) for name in json.loads((home / SOURCES).read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return []


def sources_of(generation: Generation | None) -> list[Path]:
    """The sources that a generation was made from, for a home whose own note of them is lost."""
    return [Path(name) for name in generation.manifest["sources"]] if generation else []


def remember(home: Path, sources: Sequence[Path]) -> None:
    """Keeps the set for the next `apply` without sources."""
    replace(home / SOURCES, json.dumps([str(source) for source in sources]))
