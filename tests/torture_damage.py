"""Cases of tests/torture.py: bits that flip, files that are others, headers that ask for too much."""

import json
import os
import random
import resource
import shutil
import struct
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from numbered_library import forked, judge, judged
from torture import Row, case, room
from torture_bench import again, home_of, outcome, warmed

from index.errors import BackchannelError
from index.generation import digest_of, measured, newest_whole, published

# --- F12, F13: flipped bits, and files that are not what was published


@case("f12", 300)
def f12(flips: int) -> Iterator[Row]:
    """One bit in any file, as often as `flips` in each; the file is named, and the generation before is served."""
    row = Row("F12", "one bit flipped in a published file")
    with room() as folder:
        warmed(folder)
        home = home_of(folder, 1, 2)
        names = [path.relative_to(home).as_posix() for path in files_of(home)] + ["current"]
        for name in names:
            for outcome_and_about in forked(partial(flipped, home, name, flips)):
                row.count(*outcome_and_about)
        row.notes.append(f"{len(names)} files x {flips}")
        bad, about = outcome(judged(home), {2})
        row.count(bad, about)
    yield row


def files_of(home: Path) -> list[Path]:
    """The files of the live generation."""
    live = home / "generations" / published(home)[0]
    return sorted(path for path in live.rglob("*") if path.is_file() and not path.name.startswith("."))


def flipped(home: Path, name: str, flips: int) -> list[tuple[str, str]]:
    path = home / name
    whole = path.read_bytes()
    draw = random.Random(name.split("/")[-1])
    told = []
    for turn in range(flips):
        bit = draw.randrange(8 * len(whole))
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        told.append(served(home, path, f"bit {bit}", opens=turn < 2))
    path.write_bytes(whole)
    return told


def served(home: Path, path: Path, what: str, opens: bool = True) -> tuple[str, str]:
    """What is wrong where this file is not as it was published: silence, or no word of the file."""
    about = f"{path.name} {what}"
    newest = published(home)[0]
    try:
        found, warning = newest_whole(home)
    except BackchannelError as error:
        return "unreadable", f"{about}: {error}"
    except Exception as error:
        return "crashed", f"{about}: {error!r}"
    if path.name == "current" and not warning and found.name == newest:
        return "", ""  # white space of another kind
    said = {"current": "pointer", "manifest.json": "manifest"}.get(path.name, path.name)
    if not warning:
        return "silent", about
    if said not in warning.split(". Serving")[0] or found.name not in warning.split(". Serving")[1]:
        return "not named", f"{about}: {warning}"
    if opens:
        verdict = judge(home)
        if verdict.state != "whole" or bool(verdict.warning) is False:
            return verdict.state, f"{about}: {verdict}"
    return "", ""


@case("f13", 1)
def f13(_: int) -> Iterator[Row]:
    """Every file cut, longer, missing, a link, a folder, a pipe, of another generation; and some never published."""
    row = Row("F13", "truncated, missing, extra, replaced, from another generation")
    with room() as folder:
        warmed(folder)
        home = home_of(folder, 1, 2)
        live, before = (home / "generations" / name for name in published(home))
        for path in files_of(home):
            inside = path.relative_to(live)
            whole = path.read_bytes()
            other = before / (inside if (before / inside).exists() else max(before.glob(f"lexical/*{path.suffix}")))
            for name, make in tampering(path, whole, other.read_bytes()):
                path.unlink()
                make()
                said = forked(lambda path=path, name=name: served(home, path, name))
                row.count(*(said if isinstance(said, list) else ("hung", f"{inside} {name}: {said}")))
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
                path.write_bytes(whole)
        for extra in ("extra.bin", "lexical/extra.idx", "planted.pkl", ".hidden"):
            (live / extra).write_bytes(b"x")
            row.count(*forked(lambda extra=extra: served(home, live / extra, "extra")))
            (live / extra).unlink()
        for name, make in linked(live, before):
            make()
            row.count(*forked(lambda name=name: served(home, live / name, "extra")))
            (live / name).unlink()
        bad, about = outcome(judged(home), {2})
        row.count(bad, about)
    yield row


def linked(live: Path, before: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Folders that were never published."""
    yield "linked-folder", lambda: (live / "linked-folder").symlink_to(before)


def tampering(path: Path, whole: bytes, other: bytes) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What a file may be instead of itself."""
    for name, content in (("0 bytes", b""), ("1 byte", whole[:1]), ("n-1 bytes", whole[:-1]), ("n+1", whole + b"\0")):
        if content != whole:
            yield name, partial(path.write_bytes, content)
    if other != whole:
        yield "of another generation", partial(path.write_bytes, other)
    yield "missing", lambda: None
    yield "a folder", path.mkdir
    yield "a dangling link", partial(path.symlink_to, "nowhere")
    yield "a pipe", partial(os.mkfifo, path)
    yield "a terabyte", partial(sparse, path)


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40 if path.name != "manifest.json" else 1 << 34)


# --- F15: crafted headers

HOSTILE = (0, 1, 2**31 - 1, 2**31, 2**33, 2**40, 2**60, 2**63, 2**64 - 1)


@case("f15", 300)
def f15(mutants: int) -> Iterator[Row]:
    """Headers that ask for 2^60 rows or none: refused by their hash before anything parses them; and, where somebody
    made the manifest fit them, by what parses them, within bounds of memory and time.
    """
    with room() as folder:
        warmed(folder)
        base = home_of(folder, 1)
        home = folder / "home"
        refused = Row("F15", "crafted headers, refused before they are parsed")
        fitting = Row("F15", "the same with a manifest that fits them: 200 MB, 2 s")
        draw, untold = random.Random(15), 0
        for turn in range(mutants):
            again(base, home)
            name = ("passages.faiss", "passages.faiss", "sentences.npy", "store.sqlite")[turn % 4]
            path = home / "generations" / published(home)[0] / name
            while not (what := craft(path, draw)):
                pass
            said = forked(lambda: vars(judge(home)))
            good = said.get("state") == "unreadable" and f"{name} does not match its manifest" in said["why"]
            refused.count("" if good else said.get("state", "crashed"), f"{name} {what}: {said}")
            reseal(path.parent)
            bad, about, foreign = bounded(home, f"{name} {what}")
            fitting.count(bad, about)
            untold += foreign
        yield refused
        fitting.notes.append(f"{untold} refused, but not in a sentence of ours")
        yield fitting


def craft(path: Path, draw: random.Random) -> str:
    """Puts a hostile number somewhere into the first bytes of a file, and says which; "" where it was there already."""
    data = bytearray(path.read_bytes())
    value = draw.choice(HOSTILE)
    form = draw.choice(("<I", "<Q", ">I", ">Q"))
    offset = draw.randrange(0, 100 if path.suffix == ".sqlite" else 46)
    if path.suffix == ".npy" and draw.random() < 0.5:
        header = str({"descr": "<f2", "fortran_order": False, "shape": (value, draw.choice((32, value)))}).encode()
        data[8:128] = struct.pack("<H", 118) + header.ljust(117) + b"\n"
        form = "shape"
    else:
        size = struct.calcsize(form)
        data[offset : offset + size] = struct.pack(form, value % 2 ** (8 * size))
    if data == path.read_bytes():
        return ""
    path.write_bytes(data)
    return f"{form} {value} at {offset}"


def reseal(folder: Path) -> None:
    """Makes the manifest fit the files: the work of somebody with more than a loose cable."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest.pop("digest")
    manifest["files"] = {name: measured(folder / name) for name in manifest["files"]}
    (folder / "manifest.json").write_text(json.dumps({**manifest, "digest": digest_of(manifest)}))


def bounded(home: Path, what: str) -> tuple[str, str, bool]:
    """How a reader fares: what is wrong, more about it, and whether an error was none of ours.

    Whoever seals it may put any numbers into it, so what it says is not judged.
    """

    def work() -> dict[str, Any]:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.perf_counter()
        found = judge(home)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        return {"state": found.state, "why": found.why, "MB": grown >> 10, "s": time.perf_counter() - started}

    said = forked(work)
    if "state" not in said:
        return "killed", f"{what}: {said}", False
    bad = "over 200 MB" if said["MB"] > 200 else "over 2 s" if said["s"] > 2 else ""
    return bad, f"{what}: {said}", said["state"] == "crashed"
