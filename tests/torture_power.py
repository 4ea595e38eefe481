"""Cases of tests/torture.py: acknowledged, and then killed at once or cut off from power."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from numbered_library import Child, forked, judged, verdict_of, write_library
from torture import Row, case, room
from torture_bench import (
    CALLS,
    again,
    control_row,
    home_of,
    judged_and_killed,
    outcome,
    publish,
    traced,
    usual_length,
    warmed,
    when_told,
)

import index.building
import index.generation


@case("f3", 1000)
def f3(trials: int) -> Iterator[Row]:
    """Acknowledged, then killed at once; the order of syncs; and what a disk holds that loses its power."""
    with room() as folder:
        warmed(folder)
        row = Row("F3", "acknowledged, then kill -9 at once")
        home = home_of(folder, 1)
        said = "published"
        for number in range(100, 101 + trials):
            library = write_library(folder / "library", number)
            child = Child(partial(judged_and_killed, home, library, publish))
            found = verdict_of(child.hear())
            if number > 100:
                bad, about = outcome(found, {number - 1})
                row.count(bad if said == "published" else "crashed", f"{said} {about}")
            child.start()
            said = child.hear()
            child.end()
        yield row
        if CALLS.there:
            yield synced_in_order(folder)
        cuts = max(4, trials // 10)
        if os.geteuid() == 0 and shutil.which("mkfs.ext4"):
            yield power_cuts(Row("F3", "ext4 without power, at once after the acknowledgement"), folder, cuts, True)
            yield power_cuts(Row("F3", "ext4 without power, at random within a publish"), folder, cuts, False)
            real, index.generation.sync = index.generation.sync, lambda path: None
            control = power_cuts(Row("F3", ""), folder, max(3, cuts // 10), True)
            index.generation.sync = real
            yield control_row("F3", "control: power cut, and nothing was ever synced", control)


def synced_in_order(folder: Path) -> Row:
    """Every file synced after its last write and every folder after its last entry, before the next step needs it."""
    row = Row("F3", "order of writes, syncs and renames, from the system calls")
    home = again(folder / "home-1", folder / "home")
    library = write_library(folder / "library", 99_000)

    steps = traced(home, partial(publish, library=library))
    for fault in unsynced(steps):
        row.count("not synced", fault)
    row.trials = len(steps)
    return row


def unsynced(steps: list[list[str]]) -> Iterator[str]:
    """What is not on the disk when it is first relied upon: the generation at its rename, all at the pointer's."""
    changed: set[str] = set()
    for kind, path in steps:
        parent = path.rsplit("/", 1)[0]
        if kind == "sync":
            changed.discard(path)
        elif kind in ("write", "truncate"):
            changed.add(path)
        elif kind in ("create", "mkdir"):
            changed |= {path, parent} if kind == "mkdir" or path not in changed else {path}
        elif kind == "remove":
            changed.discard(path)
        elif kind == "rename":
            if path.startswith("/generations/") and "/lexical/" not in path:
                inside = {each for each in changed if each.startswith("/generations/.unfinished-")}
                yield from (f"{each} at the rename of its generation" for each in inside)
                changed = (changed - inside) | {parent}
            elif path == "/current":
                relied = {each for each in changed if each.startswith(("/generations", "/.current"))}
                yield from (f"{each} when the pointer moved" for each in relied)
                changed |= {""}
            else:
                changed |= {parent}
    if "" in changed:
        yield "the home's folder at the end"


@contextmanager
def mounted(image: Path, place: Path) -> Iterator[Path]:
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop,commit=300", image, place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def power_cuts(row: Row, folder: Path, trials: int, acknowledged: bool) -> Row:
    """Copies the disk's own blocks while what was not synced is still in memory, and mounts the copy: the journal is
    replayed, as after a power cut.
    """
    image, copy = folder / "disk", folder / "copy"
    with image.open("wb") as file:
        file.truncate(32 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    draw = random.Random(11)
    lost_at_all = 0
    with mounted(image, folder / "disk-mounted") as disk:
        home = disk / "home"
        assert forked(lambda: publish(home, write_library(folder / "library", 1))) == "published"
        os.sync()
        live_number = 1
        length = usual_length(folder, home, publish)
        live_number = judged(home).number
        os.sync()
        for number in range(100, 100 + trials):
            library = write_library(folder / "library", number)
            child = Child(partial(when_told, lambda library=library: publish(home, library)))
            child.start()
            said = child.hear() if acknowledged else time.sleep(draw.uniform(0, 1.2 * length))
            stop(child.pid)
            subprocess.run(["cp", "--sparse=always", image, copy], check=True)
            if not acknowledged:
                said = child.hear(patience=0)  # published before it was halted, or nothing
            with mounted(copy, folder / "copy-mounted") as after:
                found = judged(after / "home")
            row.count(*outcome(found, {number} if said == "published" else {live_number, number}))
            lost_at_all += found.number != number
            os.kill(child.pid, signal.SIGCONT)
            child.end()
            live_number = judged(home).number
    if not acknowledged:
        row.notes.append(f"the old one was live after {lost_at_all} of them")
    return row


def stop(pid: int) -> None:
    """Halts a process, and waits until no thread of it is in the middle of a call."""
    os.kill(pid, signal.SIGSTOP)
    tasks = Path(f"/proc/{pid}/task")
    while any(state_of(task) not in "TtZX" for task in tasks.iterdir()):
        time.sleep(0.001)


def state_of(task: Path) -> str:
    with suppress(OSError):
        return (task / "stat").read_text().rsplit(")", 1)[1].split()[0]
    return "X"
