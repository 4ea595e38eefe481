"""Sources against the live generation -> Plan: what would change, before anything is written."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from index.duplicates import Pair
from index.errors import DamagedIndexError, NoIndexError, SourceError
from index.gathering import Gathered, Known, gather
from index.generation import FORMAT, Generation, newest_whole, replace
from index.readers import scan
from index.register import Register, read_register
from index.settings import IndexSettings
from index.store import Store
from index.summaries import Summary
from index.types import Document

__all__ = ["CUT_VERSION", "DEFAULT_SOURCE", "Move", "Plan", "guard", "make_plan", "remember", "remembered"]

DEFAULT_SOURCE = Path("data/articles")
SOURCES = "sources.json"
CUT_VERSION = 2  # raised when cleaning, cutting, the context for embedding or the words change: all is then rebuilt
MOST_REMOVED = 0.2  # share of the live articles that may go without `--yes`


@dataclass(frozen=True, slots=True)
class Move:
    """An article whose file is elsewhere, or is called otherwise, than in the live generation."""

    doc_id: str
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What `apply` would do. `content` identifies everything that decides the result; equal means nothing to do.

    All of them are ids of articles: `removed` has those whose files are gone, `withdrawn` those that the register takes
    out now, `merged` those that become an address of another; `emptied` are folders all of whose articles are gone.
    `whole` is the generation compared with, None where there is none; `live` is that where it is the live one and not
    damaged.
    """

    sources: tuple[Path, ...]
    gathered: Gathered
    register: Register
    content: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    moved: tuple[Move, ...]
    removed: tuple[str, ...]
    withdrawn: tuple[str, ...]
    merged: tuple[Pair, ...]
    emptied: tuple[Path, ...]
    kept: int
    whole: Generation | None
    live: Generation | None

    @property
    def unchanged(self) -> bool:
        """Whether the live generation is already what this plan would make."""
        return self.live is not None and self.live.manifest["content"] == self.content

    @property
    def before(self) -> int:
        """How many articles the generation compared with has."""
        return int(self.whole.manifest["counts"]["documents"]) if self.whole else 0


def make_plan(settings: IndexSettings, sources: Sequence[Path], add: bool, embedder_digest: str) -> Plan:
    """Reads the sources (with none given, the remembered ones) and compares them with the live generation.

    `SourceError` where an article of the live index can no longer be read: it would be lost without being withdrawn.
    """
    whole, now = previous(settings.home)
    known = remembered(settings.home, whole) or [DEFAULT_SOURCE]
    chosen = tuple(dict.fromkeys([*known, *sources] if add or not sources else sources))
    register = read_register(settings.home, whole.manifest if whole else None)
    old: dict[str, Summary] = {}
    had = Known({}, {})
    if whole is not None:
        store = Store(whole.folder / "store.sqlite")
        old = {each.doc_id: each for each in store.summaries()}
        had = Known(store.versions(), store.signatures())
        store.close()
    found = gather(scan(list(chosen)), register, had, settings.merge_duplicates)
    documents = {each.document.doc_id: each.document for each in found.readings}
    others = {pair.other: pair.kept for pair in found.pairs if pair.merged}
    gone = [name for name in old if name not in documents]
    removed = tuple(name for name in gone if name not in others and name not in found.withheld)
    if lost := lost_article([old[name] for name in removed], found):
        raise lost
    return Plan(
        sources=chosen,
        gathered=found,
        register=register.with_found(found.renamed, others),
        content=content_digest(found, settings, embedder_digest),
        added=tuple(name for name in documents if name not in old),
        changed=tuple(n for n, each in documents.items() if n in old and had.versions[n] != each.version),
        moved=moves(documents, old),
        removed=removed,
        withdrawn=tuple(name for name in gone if name in found.withheld),
        merged=tuple(pair for pair in found.pairs if pair.merged and pair.other in gone),
        emptied=tuple(emptied(chosen, [old[name] for name in removed], found)),
        kept=sum(had.versions.get(name) == each.version for name, each in documents.items()),
        whole=whole,
        live=now,
    )


def previous(home: Path) -> tuple[Generation | None, Generation | None]:
    """The newest whole generation, to compare with; and the live one, None where it is damaged or there is none."""
    try:
        whole, damage = newest_whole(home)
    except (NoIndexError, DamagedIndexError):
        return None, None
    return whole, None if damage else whole


def moves(documents: Mapping[str, Document], old: Mapping[str, Summary]) -> tuple[Move, ...]:
    """The articles that stand elsewhere."""
    return tuple(
        Move(name, old[name].source, each.source)
        for name, each in documents.items()
        if name in old and old[name].source != each.source
    )


def guard(plan: Plan, yes: bool) -> None:
    """`SourceError` where a plan would remove more than a fifth of the articles, or all of a source, unless `yes`."""
    if yes:
        return
    again = "If that is meant, say so: python app.py index apply --yes. The index is unchanged"
    for source in plan.emptied:
        raise SourceError(f"The folder {source} holds no article now, though the index has some of it. {again}")
    if len(plan.removed) > MOST_REMOVED * plan.before:
        named = ", ".join(plan.removed[:3]) + (" …" if len(plan.removed) > 3 else "")
        raise SourceError(f"{len(plan.removed)} of {plan.before} articles would be removed ({named}). {again}")


def emptied(sources: Sequence[Path], removed: Sequence[Summary], found: Gathered) -> Iterator[Path]:
    """The folders of which the index has articles and that hold none now: a share that is not mounted looks so."""
    for source in sources:
        had = any(within(each.source, source) for each in removed)
        if had and source.is_dir() and not any(within(each.document.source, source) for each in found.readings):
            yield source


def within(source: str, folder: Path) -> bool:
    """Whether a document's source lies in a folder."""
    return file_of(source).is_relative_to(folder.absolute())


def lost_article(removed: Sequence[Summary], found: Gathered) -> SourceError | None:
    """The error for the first damaged file, or line of one, with which an indexed article would go unnoticed."""
    gone = {file_of(summary.source): summary.doc_id for summary in removed}
    for each in found.unreadable:
        if lost := gone.get(file_of(each.source)):
            return SourceError(
                f"{each.source} cannot be indexed: {each.reason}; the article {lost} of the live index would be lost. "
                f"Mend the file, or take it away to withdraw its articles, then run again: python app.py index apply. "
                f"The index is unchanged"
            )
    return None


def file_of(source: str) -> Path:
    """The file of a document's `source`, without the number of a JSON line."""
    return Path(re.sub(r"#L\d+\Z", "", source)).absolute()


def content_digest(found: Gathered, settings: IndexSettings, embedder_digest: str) -> str:
    """SHA-256 of all that decides a generation: documents and their places, settings of the cut, embedder, formats."""
    cutting: list[int | str] = [settings.passage_tokens, settings.passage_overlap, CUT_VERSION, FORMAT]
    if settings.sentence_vectors != "auto":
        cutting.append(settings.sentence_vectors)
    if settings.vector_index != "auto":
        cutting.append(settings.vector_index)
    documents = [reading.document for reading in found.readings]
    seen = [[(each.doc_id, each.version, each.source, each.addresses) for each in documents], cutting, embedder_digest]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()


def remembered(home: Path, whole: Generation | None = None) -> list[Path]:
    """The set of sources that the last `apply` was given; empty before the first.

    They are in a note, and in the manifest of the generation that was made from them: what is newer counts, for a
    process can die between the two.
    """
    try:
        note = json.loads((home / SOURCES).read_text(encoding="utf-8"))
        noted = note if isinstance(note, list) else note["sources"]  # a list, until the format of generations was 3
        if whole is None or isinstance(note, list) or note["generation"] >= whole.name:
            return [Path(name) for name in noted]
    except (OSError, ValueError, TypeError, KeyError):
        pass
    return [Path(name) for name in whole.manifest["sources"]] if whole else []


def remember(home: Path, sources: Sequence[Path], generation: str) -> None:
    """Keeps the set for the next `apply` without sources."""
    replace(home / SOURCES, json.dumps({"generation": generation, "sources": [str(source) for source in sources]}))
