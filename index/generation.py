"""Generations: write, publish, open, verify. A published folder never changes; one pointer names the live one.

    home/
      current              the pointer: the name of the live generation
      generations/NAME/    store.sqlite passages.faiss sentences.npy lexical/ manifest.json
      lock                 held (flock) by the one process that publishes

Publishing writes a new folder, syncs every file and the folder, renames it into place and then replaces the pointer:
old or new, never a mixture. Every byte is hashed before anything parses it.
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.errors import DamagedIndexError, LockedError, NoIndexError
from index.kinds import NAMES, Kind

__all__ = [
    "FORMAT",
    "SENTENCES",
    "Generation",
    "live",
    "newest_whole",
    "pointed",
    "publish",
    "published",
    "writing_lock",
]

FORMAT = 4
MANIFEST = "manifest.json"
POINTER = "current"
# tantivy writes that empty file whenever it opens a folder, and at times a moment after it has written one
UNLISTED = {MANIFEST, "lexical/.tantivy-meta.lock"}
UNFINISHED = ".unfinished-"
LARGEST_NOTE = 64_000_000  # bytes of a manifest or the pointer, which are read whole; a manifest takes some kilobytes


SENTENCES = "sentences.npy"  # left out of a generation that keeps no vectors of sentences


@dataclass(frozen=True, slots=True)
class Generation:
    """A published folder whose every file has been verified."""

    name: str
    folder: Path
    manifest: Mapping[str, Any]

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(int(entry["size"]) for entry in self.manifest["files"].values())

    @property
    def keeps_sentences(self) -> bool:
        """Whether it has a vector for each sentence."""
        return SENTENCES in self.manifest["files"]

    @property
    def kind(self) -> Kind:
        """How it keeps the vectors of passages: exactly where it says nothing, as all did before there was a choice."""
        name = self.manifest.get("vectors", {}).get("kind", "exact")
        if name not in NAMES:
            raise DamagedIndexError(f"Generation {self.name} keeps its vectors as {str(name)[:40]!r}, unknown here")
        return NAMES[name]


def published(home: Path) -> list[str]:
    """Names of all generations in the home, newest first."""
    folder = home / "generations"
    paths = folder.iterdir() if folder.is_dir() else ()
    return sorted((path.name for path in paths if path.is_dir() and not path.name.startswith(".")), reverse=True)


def live(home: Path) -> Generation:
    """The generation that the pointer names, verified; `NoIndexError` or `DamagedIndexError` otherwise."""
    name = pointed(home)
    if name not in published(home):
        raise DamagedIndexError(f"The pointer {home / POINTER} names {name[:60]!r}, which is not there")
    return verified(home, name)


def pointed(home: Path) -> str:
    """The name that the pointer holds, of a generation or not; the errors of `live` where there is none to read."""
    try:
        return note(home / POINTER).decode().strip()
    except FileNotFoundError:
        if published(home):
            raise DamagedIndexError(f"The pointer {home / POINTER} is missing") from None
        raise NoIndexError(f"No index at {home}. Build one with: python app.py index apply") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DamagedIndexError(f"The pointer {home / POINTER} cannot be read ({error})") from error


def newest_whole(home: Path) -> tuple[Generation, str]:
    """The live generation; where that is damaged, the newest that verifies, with one line that says so.

    `NoIndexError` where nothing was ever published, `DamagedIndexError` where nothing is whole.
    """
    try:
        return live(home), ""
    except DamagedIndexError as error:
        damage = str(error)
    for name in published(home):
        try:
            found = verified(home, name)
        except DamagedIndexError:
            continue
        return found, f"{damage}. Serving generation {name} instead; mend with: python app.py index apply"
    raise DamagedIndexError(f"{damage}, and no other generation is whole. Rebuild with: python app.py index apply")


def verified(home: Path, name: str) -> Generation:
    """The generation `name`, every file compared with its manifest; `DamagedIndexError` names one that differs."""
    folder = home / "generations" / name
    manifest = read_manifest(folder)
    if manifest["generation"] != name:
        raise DamagedIndexError(f"The manifest of generation {name} is that of {manifest['generation']}")
    files = listed(folder)
    if differing := sorted(files ^ set(manifest["files"])):
        found = "is not in" if differing[0] in files else "is missing, though in"
        raise DamagedIndexError(f"Generation {name} is damaged: {differing[0]} {found} its manifest")
    for file, entry in manifest["files"].items():
        if not matches(folder / file, entry):
            raise DamagedIndexError(f"Generation {name} is damaged: {file} does not match its manifest")
    return Generation(name, folder, manifest)


def listed(folder: Path) -> set[str]:
    """The files of a generation that its manifest is to list, by their paths in it."""
    paths = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
    return {path.relative_to(folder).as_posix() for path in paths} - UNLISTED


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest, checked against the digest it carries; other formats are named and refused."""
    try:
        manifest = json.loads(note(folder / MANIFEST))
        digest = manifest.pop("digest")
        version = manifest["format"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedIndexError(f"Generation {folder.name} is damaged: its manifest cannot be read") from error
    if digest != digest_of(manifest):
        raise DamagedIndexError(f"Generation {folder.name} is damaged: its manifest does not match its own digest")
    if version != FORMAT:
        raise DamagedIndexError(f"Generation {folder.name} has format {version}; this program reads format {FORMAT}")
    if not isinstance(manifest.get("generation"), str) or not isinstance(manifest.get("files"), dict):
        raise DamagedIndexError(f"Generation {folder.name} is damaged: its manifest names no files")
    return dict(manifest)


def note(path: Path) -> bytes:
    """The bytes of a small file; `OSError` where it is none: a pipe in its place would never end."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_NOTE:
        raise OSError(errno.EINVAL, "it is no small regular file")
    return path.read_bytes()


def matches(path: Path, entry: Any) -> bool:
    """Whether a file is the one that a manifest lists. Its kind and size come first: they bound what is read."""
    try:
        status = path.lstat()
    except OSError as error:
        raise DamagedIndexError(f"{path} cannot be read ({error.strerror})") from error
    if not stat.S_ISREG(status.st_mode) or not isinstance(entry, dict) or status.st_size != entry.get("size"):
        return False
    return measured(path) == entry


def publish(home: Path, name: str, write: Callable[[Path], dict[str, Any]], keep: int) -> Generation:
    """Makes the generation `name` from what `write` puts into its folder, and points to it.

    `write` returns what the manifest says beside the files. The caller holds `writing_lock`. Of the older
    generations, `keep - 1` stay for rollback.
    """
    generations = home / "generations"
    generations.mkdir(parents=True, exist_ok=True)
    for left in generations.glob(f"{UNFINISHED}*"):
        shutil.rmtree(left, ignore_errors=True)
    work = generations / f"{UNFINISHED}{name}"
    work.mkdir()
    try:
        manifest = {"format": FORMAT, "generation": name, **write(work)}
        manifest["files"] = {file: measured(work / file) for file in sorted(listed(work))}
        manifest["digest"] = digest_of(manifest)
        (work / MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False), encoding="utf-8")
        for path in [*work.rglob("*"), work]:
            sync(path)
        work.rename(generations / name)
        sync(generations)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    found = verified(home, name)  # read back: a disk that lied is found here, before the pointer moves
    replace(home / POINTER, f"{name}\n")
    with suppress(OSError):  # it is published; what cannot be listed now is pruned by the next one
        for old in published(home)[keep:]:
            if old != name:
                shutil.rmtree(generations / old, ignore_errors=True)
    return found


def replace(path: Path, text: str) -> None:
    """Writes a small file whole: the old content or the new, whatever happens."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    sync(new)
    new.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Has the system write a file or folder to the disk now."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def measured(path: Path) -> dict[str, Any]:
    """SHA-256 and size of a file."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return {"sha256": digest, "size": file.tell()}
    except OSError as error:
        raise DamagedIndexError(f"{path} cannot be read ({error.strerror})") from error


def digest_of(manifest: Mapping[str, Any]) -> str:
    """SHA-256 of a manifest without its digest."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@contextmanager
def writing_lock(home: Path) -> Iterator[None]:
    """Held by the one process that publishes; the kernel lets go of it when that process dies."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(
                f"Another process (pid {holder(home / 'lock')}) is publishing in {home}. "
                f"Wait for it, then run the command again"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)  # so that whoever is refused a moment later does not name this process


def holder(lock: Path) -> str:
    """Who holds the lock: it says so a moment after it took it, and until then a dead one's number may stand there."""
    for _ in range(20):
        pid = lock.read_text(encoding="utf-8").strip()
        if pid and Path(f"/proc/{pid}").exists():
            return pid
        time.sleep(0.01)
    return pid or "unknown"
