"""Cases of tests/torture.py: disks that are full, and calls that fail."""

import errno
import os
import subprocess
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from numbered_library import (
    Verdict,
    forked,
    judge,
    judged,
    verdict_of,
    write_library,
)
from torture import CHANGING, COUNT, FAIL, FAIL_FROM, FILL, Row, case, room
from torture_bench import (
    CALLS,
    Task,
    again,
    counted,
    home_of,
    outcome,
    publish,
    relay,
    rubbish,
    warmed,
)

from index.errors import BackchannelError

UNCHANGED = "The index is as it was"


def attempt(home: Path, library: Path) -> dict[str, str]:
    """A publish: how it says that it ended."""
    try:
        return {"said": publish(home, library), "message": ""}
    except BackchannelError as error:
        return {"said": "refused", "message": str(error)}


def ended(said: dict[str, str] | None, found: Verdict, old: int, new: int) -> tuple[str, str]:
    """What is wrong with how a struck publish ended; ("", "") where nothing is."""
    about = f"{said} {found}"
    if said is None or "crash" in said:
        return "crashed", about
    if said["said"] == "published":
        bad, _ = outcome(found, {new})
        return ("false success" if bad else "", about)
    bad, _ = outcome(found, {old, new})
    if bad:
        return bad, about
    if "\n" in said["message"] or not said["message"]:
        return "not one sentence", about
    if UNCHANGED in said["message"] and found.number != old:
        return "said unchanged, is new", about
    return "", ""


# --- F4: a full disk


@case("f4", 4096)
def f4(last: int) -> Iterator[Row]:
    """Full after every 4 KB (in the short form 16), and after every byte of the last `last`; then success."""
    pages = 1 if last > 100 else 4
    with room() as folder:
        warmed(folder)
        library = write_library(folder / "3", 3)
        base = home_of(folder, 1, 2)
        if CALLS.there:
            home = again(base, folder / "home")
            needed = forked(lambda: written(home, library))
            rooms = range(0, needed, 4096 * pages)
            row = Row("F4", f"disk full after every {4 * pages} KB (write shim)")
            yield filled(row, base, home, library, rooms)
            rooms = range(max(0, needed - last), needed + 1)
            row = filled(Row("F4", f"disk full after every byte of the last {last}"), base, home, library, rooms)
            row.notes.append(f"a publish writes {needed:,} bytes")
            yield row
        if os.geteuid() == 0:
            yield small_file_systems(folder, base, library, pages)


def written(home: Path, library: Path) -> int:
    """Bytes that a publish writes."""
    CALLS.strike(COUNT, home)
    publish(home, library)
    count = CALLS.written()
    CALLS.off()
    return count


def filled(row: Row, base: Path, home: Path, library: Path, rooms: Sequence[int]) -> Row:
    """Of the last one, with room enough, it must succeed."""
    new = partial(attempt, library=library)
    tasks = [Task(new, f"{free} bytes", base, (FILL, CHANGING, 0, 0, free)) for free in [*rooms, 10**9]]
    successes = -1
    for task, said, found in relay(home, tasks):
        bad, about = ended(said, found, 2, 3)
        success = said is not None and said.get("said") == "published"
        successes += success
        if task is tasks[-1] and not success:
            bad = bad or "no success with room enough"
        row.count(bad, f"{task.about}: {about}")
    row.notes.append(f"{successes} successes, each re-read")
    return row


def small_file_systems(folder: Path, base: Path, library: Path, step: int) -> Row:
    """The kernel's own ENOSPC: a tmpfs with so many free pages, more each time until it succeeds."""
    row = Row("F4", f"disk full after every {4 * step} KB (tmpfs of that size)")
    place = folder / "small"
    place.mkdir()
    for pages in range(0, 1000, step):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", place], check=True)
        try:
            home = again(base, place / "home")
            found = os.statvfs(place)
            size = (found.f_blocks - found.f_bfree + pages) * found.f_bsize
            subprocess.run(["mount", "-o", f"remount,size={size}", place], check=True)
            said = forked(lambda home=home: attempt(home, library))
            row.count(*ended(said, judged(home), 2, 3))
        finally:
            subprocess.run(["umount", place], check=True)
        if said.get("said") == "published":
            break
    row.notes.append(f"succeeds with {pages} pages free")
    return row


# --- F5: calls that fail

FAILURES: tuple[tuple[int, tuple[str, ...]], ...] = (
    (errno.EIO, ("read", "write", "open", "create", "list", "sync", "rename", "remove", "mkdir", "truncate")),
    (errno.EDQUOT, ("write", "create", "sync", "rename", "mkdir")),
    (errno.EROFS, ("create", "rename", "remove", "mkdir")),
    (errno.EMFILE, ("open", "create", "list")),
)


@case("f5", 1)
def f5(every: int) -> Iterator[Row]:
    """The Nth call of each kind fails, once and from then on; every `every`-th N."""
    with room() as folder:
        warmed(folder)
        for number in (3, 4):
            write_library(folder / str(number), number)
        base = home_of(folder, 1, 2)
        for number, kinds in FAILURES if CALLS.there else ():
            yield failing(Row("F5", f"{errno.errorcode[number]} at the Nth call"), folder, base, number, kinds, every)


def failing(row: Row, folder: Path, base: Path, number: int, kinds: tuple[str, ...], every: int) -> Row:
    """Once, and from then on; after that, a publish without a fault leaves no rubbish."""
    home, new, after = folder / "home", partial(attempt, library=folder / "3"), partial(attempt, library=folder / "4")
    tasks = []
    for kind in kinds:
        again(base, home)
        total = forked(lambda kind=kind: counted(home, lambda: new(home), [kind]))
        row.notes.append(f"{kind} {total}")
        for at in range(1, total + 1, every):
            tasks += [Task(new, f"{kind} {at} {mode}", base, (mode, (kind,), at, number)) for mode in (FAIL, FAIL_FROM)]
            tasks.append(Task(after, f"after {kind} {at}"))
    for task, said, found in relay(home, tasks):
        bad, about = ended(said, found, 2, 3 if task.strike else 4)
        if not task.strike and not bad:
            bad = "not recovered" if found.number != 4 else "rubbish" if rubbish(home) else ""
        row.count(bad, f"{task.about}: {about}")
    return row


@case("f5_opening", 1)
def opening(every: int) -> Iterator[Row]:
    """A reader: what it opens is whole, the one before with a warning, or refused in one sentence."""
    row = Row("F5", "EIO, EMFILE at the Nth call while opening and searching")
    with room() as folder:
        warmed(folder)
        opened_and_searched(row, home_of(folder, 1, 2), every)
    yield row


def opened_and_searched(row: Row, home: Path, every: int) -> None:
    for number in (errno.EIO, errno.EMFILE):
        for kind in ("read", "open", "create", "list") if number == errno.EIO else ("open", "create", "list"):
            total = forked(lambda kind=kind: counted(home, lambda: judge(home), [kind]))
            for at in range(1, total + 1, every):
                for mode in (FAIL, FAIL_FROM):
                    found = verdict_of(forked(partial(opened, home, mode, kind, at, number)))
                    good = found.state == "unreadable" or (
                        found.state == "whole" and (found.number == 2 or found.warning)
                    )
                    bad = "" if good else found.state if found.state != "whole" else "silently old"
                    row.count(bad, f"{errno.errorcode[number]} {kind} {at} {found}")


def opened(home: Path, mode: int, kind: str, at: int, number: int) -> dict[str, Any]:
    CALLS.strike(mode, home, (kind,), at, number)
    try:
        return vars(judge(home))
    finally:
        CALLS.off()
