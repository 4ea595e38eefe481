"""The long forms of the faults of an index: killed, out of disk, refused by the system, damaged, raced for.

    .venv/bin/python tests/torture.py            all cases in full, a table, and exit status 1 for any bad outcome
    .venv/bin/python tests/torture.py f2 f8=20   these cases, F8 with 20 trials
    .venv/bin/python tests/torture.py --serve    a case a line on standard input, a row of JSON a line for each

Every trial runs in a process forked from this one, which has everything imported and no threads. Its library and its
embedder are made up (`numbered_library`); publishing, files and locks are the real ones. System calls are counted and
struck by `faulty_calls.c`, which is compiled here. `tests/test_index_durability.py` runs the short forms.
"""

import ctypes
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SHIM = "BACKCHANNEL_FAULTY_CALLS"
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
NOT_NEEDED = ("matplotlib", "pandas", "scipy.stats", "sklearn")  # NLTK tries them; without, a fork takes half the time
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]


def prepared() -> None:
    """Begins again with the shim loaded and one thread in every library."""
    if SHIM in os.environ:
        return
    folder = tempfile.mkdtemp(prefix="backchannel-shim-")
    library = Path(folder) / "faulty_calls.so"
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler:
        source = ROOT / "tests" / "faulty_calls.c"
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True)
    environment = {**os.environ, **dict.fromkeys(ONE_THREAD, "1"), SHIM: folder, "PYTHONWARNINGS": "ignore"}
    if compiler:
        environment["LD_PRELOAD"] = str(library)
    os.execve(sys.executable, [sys.executable, *sys.argv], environment)


OFF, COUNT, KILL, KILL_AFTER, FAIL, FAIL_FROM, FILL = range(7)
KINDS = ("read", "write", "open", "create", "list", "sync", "rename", "remove", "mkdir", "truncate")
CHANGING = ("write", "create", "sync", "rename", "remove", "mkdir", "truncate")


class Calls:
    """The shim. Steps are counted from 1, of the kinds that are asked for, below one folder."""

    def __init__(self) -> None:
        self.there = "faulty_calls" in os.environ.get("LD_PRELOAD", "")
        self.library = ctypes.CDLL(None) if self.there else None

    def strike(
        self,
        mode: int,
        folder: Path,
        kinds: Sequence[str] = CHANGING,
        at: int = 0,
        number: int = 0,
        room: int = 0,
        trace: int = -1,
    ) -> None:
        assert self.library, "no C compiler, so no shim"
        mask = sum(1 << KINDS.index(kind) for kind in kinds)
        place = os.fsencode(folder.resolve())
        self.library.faulty_calls(mode, place, mask, ctypes.c_long(at), number, ctypes.c_long(room), trace)

    def off(self) -> None:
        if self.library:
            self.library.faulty_calls(OFF, b"/", 0, ctypes.c_long(0), 0, ctypes.c_long(0), -1)

    def steps(self) -> int:
        assert self.library
        return int(self.library.faulty_steps())

    def written(self) -> int:
        assert self.library
        return int(self.library.faulty_written())


@dataclass
class Row:
    """One line of the table; `bad` counts outcomes that must not be."""

    case: str
    what: str
    trials: int = 0
    bad: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    first: str = ""
    seconds: float = 0.0

    def count(self, outcome: str, about: str = "") -> None:
        """One trial; an empty outcome is a good one."""
        self.trials += 1
        if outcome:
            self.bad[outcome] += 1
            self.first = self.first or f"{outcome}: {about}"

    def entry(self) -> dict[str, Any]:
        return {**vars(self), "bad": dict(self.bad)}

    def line(self) -> str:
        bad = ", ".join(f"{count} {name}" for name, count in self.bad.items()) or "0"
        notes = "; ".join([*self.notes, *([self.first] if self.first else [])])
        return f"{self.case:4} {self.what:58} {self.trials:6} {bad:>18} {self.seconds:8.1f}  {notes}"


Case = Callable[[int], Iterator[Row]]
CASES: dict[str, tuple[Case, int]] = {}


def case(name: str, trials: int) -> Callable[[Case], Case]:
    """Registers a case with the trials of its long form."""

    def register(run: Case) -> Case:
        CASES[name] = run, trials
        return run

    return register


def rows_of(name: str, trials: int) -> Iterator[Row]:
    """The rows of a case, each with the time it took."""
    started = time.monotonic()
    for row in CASES[name][0](trials):
        now = time.monotonic()
        row.seconds = round(now - started, 1)
        started = now
        yield row


@contextmanager
def room() -> Iterator[Path]:
    """A folder for trials, in memory where there is room: a kill does not care, and syncing a disk takes time."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="backchannel-", dir=memory if os.access(memory, os.W_OK) else None))
    owner = os.getpid()
    try:
        yield folder
    finally:
        if os.getpid() == owner:  # not a forked child that unwinds
            shutil.rmtree(folder, ignore_errors=True)


def main(arguments: list[str]) -> int:
    """The table, or rows for whoever asks."""
    sys.modules.update(dict.fromkeys(NOT_NEEDED))
    for name in ("kills", "power", "races", "disks", "damage"):
        importlib.import_module(f"torture_{name}")  # registers its cases

    if arguments == ["--serve"]:
        for line in sys.stdin:
            name, trials = line.split()
            print(json.dumps([row.entry() for row in rows_of(name, int(trials))]), flush=True)
        return 0
    wanted = dict(each.partition("=")[::2] for each in arguments) or dict.fromkeys(CASES, "")
    bad, started = 0, time.monotonic()
    print(f"{'case':4} {'what':58} {'trials':>6} {'bad':>18} {'seconds':>8}  notes")
    for name, trials in wanted.items():
        for row in rows_of(name, int(trials or CASES[name][1])):
            print(row.line(), flush=True)
            bad += row.bad.total()
    print(f"{bad} bad outcomes; {time.monotonic() - started:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    prepared()
    sys.modules["torture"] = sys.modules["__main__"]
    try:
        status = main(sys.argv[1:])
    finally:
        shutil.rmtree(os.environ[SHIM], ignore_errors=True)
    sys.exit(status)
