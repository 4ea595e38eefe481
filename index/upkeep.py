"""What maintainers do with generations and articles beside `apply`: withdraw, restore, roll back, compare, clear."""

import datetime
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.errors import DamagedIndexError, NoIndexError, SourceError, UnknownDocumentError
from index.generation import (
    POINTER,
    Generation,
    live,
    newest_whole,
    pointed,
    published,
    read_manifest,
    replace,
    verified,
    writing_lock,
)
from index.register import read_register, write_register
from index.store import Store

__all__ = ["Difference", "Entry", "clear", "difference", "history", "restore", "roll_back", "withdraw"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A generation in the home; `manifest` is empty and `fault` says why where it cannot be read."""

    name: str
    live: bool
    manifest: dict[str, Any]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """The ids of articles that one generation has and another has not, or has otherwise."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    moved: tuple[str, ...]
    removed: tuple[str, ...]


def history(home: Path) -> list[Entry]:
    """All generations of the home, newest first; their manifests are read, not every byte."""
    pointed = pointer(home)
    entries = []
    for name in published(home):
        try:
            entries.append(Entry(name, name == pointed, read_manifest(home / "generations" / name)))
        except DamagedIndexError as error:
            entries.append(Entry(name, name == pointed, {}, str(error)))
    return entries


def pointer(home: Path) -> str:
    """The name that the pointer holds, of a generation or not; "" where there is none to read."""
    try:
        return pointed(home)
    except (NoIndexError, DamagedIndexError):
        return ""


def difference(home: Path, before: str, after: str) -> Difference:
    """What `after` has that `before` has not; `DamagedIndexError` where one cannot be read."""
    old, new = (articles_of(verified(home, named(home, name))) for name in (before, after))
    return Difference(
        added=tuple(sorted(new.keys() - old.keys())),
        changed=tuple(sorted(name for name in new.keys() & old.keys() if new[name][0] != old[name][0])),
        moved=tuple(sorted(name for name in new.keys() & old.keys() if new[name][1] != old[name][1])),
        removed=tuple(sorted(old.keys() - new.keys())),
    )


def articles_of(generation: Generation) -> dict[str, tuple[str, str]]:
    """(version, source) of each article by its id."""
    store = Store(generation.folder / "store.sqlite")
    versions = store.versions()
    found = {each.doc_id: (versions[each.doc_id], each.source) for each in store.summaries()}
    store.close()
    return found


def named(home: Path, name: str) -> str:
    """The one generation that a name, or the beginning of one, means."""
    there = published(home)
    meant = [each for each in there if each == name] or [each for each in there if each.startswith(name)]
    if len(meant) != 1:
        what = f"{len(meant)} generations begin with" if meant else "No generation is called"
        raise SourceError(f"{what} {name!r}. See them with: python app.py index history")
    return meant[0]


def roll_back(home: Path, name: str = "", yes: bool = False) -> Generation:
    """Points to an earlier generation, verified first: the newest before the live one, or `name`.

    `SourceError` where it would bring back withdrawn articles and `yes` does not say so. A later `apply` makes the
    index of the sources again.
    """
    with writing_lock(home):
        if name:
            chosen = verified(home, named(home, name))
        else:
            now = pointer(home)
            earlier = [each for each in published(home) if each < now]
            if not earlier:
                raise SourceError(
                    f"There is no generation before {now or 'the live one'}. See them with: python app.py index history"
                )
            chosen = verified(home, earlier[0])
        withdrawn = read_register(home, chosen.manifest).withdrawn
        back = sorted(articles_of(chosen).keys() & withdrawn.keys())
        if back and not yes:
            raise SourceError(
                f"Generation {chosen.name} holds {len(back)} withdrawn article{'s' if len(back) > 1 else ''} "
                f"({', '.join(back[:3])}), which would be found again. If that is meant, say so: "
                f"python app.py index rollback {chosen.name} --yes. The index is unchanged"
            )
        replace(home / POINTER, f"{chosen.name}\n")
        return chosen


def clear(home: Path, keep: int) -> list[str]:
    """Removes generations but the live one and the newest, `keep` in all; gives the names of those that went."""
    with writing_lock(home):
        now = live(home).name
        kept = {now, *[name for name in published(home) if name != now][: keep - 1]}
        gone = [name for name in published(home) if name not in kept]
        for name in gone:
            shutil.rmtree(home / "generations" / name, ignore_errors=True)
        return gone


def withdraw(home: Path, doc_ids: Sequence[str]) -> None:
    """Records that these articles of the live index are not to be indexed any more; the next `apply` takes them out."""
    with writing_lock(home):
        generation, _ = newest_whole(home)
        register = read_register(home, generation.manifest)
        known = articles_of(generation).keys() | register.withdrawn.keys()
        if unknown := [name for name in doc_ids if name not in known]:
            raise UnknownDocumentError(
                f"No article {unknown[0]!r} in generation {generation.name}. Find its id with: "
                f"python app.py search WORDS"
            )
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        new = {name: today for name in doc_ids if name not in register.withdrawn}
        write_register(home, register.with_withdrawn(new))


def restore(home: Path, doc_ids: Sequence[str]) -> None:
    """Takes withdrawals back; the next `apply` indexes what the sources have of them."""
    with writing_lock(home):
        generation, _ = newest_whole(home)
        register = read_register(home, generation.manifest)
        if unknown := [name for name in doc_ids if name not in register.withdrawn]:
            listed = ", ".join(sorted(register.withdrawn)) or "none"
            raise UnknownDocumentError(f"The article {unknown[0]!r} is not withdrawn. Withdrawn: {listed}")
        write_register(home, register.restored(list(doc_ids)))
