"""What the cases of tests/torture.py share: homes, what is done to them, and what may be found afterwards."""

import gc
import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from numbered_library import EMBEDDER, Child, Verdict, apply, forked, judge, use_the_fake, verdict_of, write_library
from torture import CHANGING, COUNT, Calls, Row

from index.chunking import cut
from index.gathering import Known, gather
from index.readers import scan
from index.register import Register

use_the_fake()

CALLS = Calls()

KEEP = 2


def warmed(folder: Path) -> None:
    """Reads and cuts once in this process, which opens no index: what is imported late is there for every child."""
    import index.dense
    import index.lexical
    import index.spelling
    import index.store  # noqa: F401

    found = gather(scan([write_library(folder / "warm", 1)]), Register(), Known({}, {}))
    for reading in found.readings:
        cut(reading.document, EMBEDDER.count_tokens, EMBEDDER.max_tokens)
    gc.collect()
    gc.freeze()
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "no threads, so that forks are safe"


def home_of(folder: Path, *numbers: int) -> Path:
    """A home in which these numbers were published one after the other."""
    home = folder / "-".join(map(str, ("home", *numbers)))
    for number in numbers:
        said = forked(lambda number=number: publish(home, write_library(folder / str(number), number)))
        assert said == "published", said
    return home


def publish(home: Path, library: Path) -> str:
    return "published" if apply(home, library, keep_generations=KEEP).published else "unchanged"


def again(base: Path, home: Path) -> Path:
    """`home` as `base` is."""
    shutil.rmtree(home, ignore_errors=True)
    if base.exists():
        shutil.copytree(base, home)
    return home


def rubbish(home: Path) -> list[str]:
    """What a killed or failed publish left."""
    left = [path.name for path in [*home.iterdir(), *(home / "generations").iterdir()]]
    return [name for name in left if name.startswith(".")]


def outcome(found: Verdict, allowed: set[int]) -> tuple[str, str]:
    """What is wrong with a home where one of these numbers must be live (-1: none yet), and more about it; else ""."""
    if found.state not in ("whole", "none"):
        return found.state, str(found)
    if found.number not in allowed:
        return "lost", f"{found}, not {allowed}"
    if found.warning and not (-1 in allowed and found.warning.startswith("The pointer")):
        return "warned", str(found)  # only a first publish may leave a generation to which nothing points yet
    return "", ""


def counted(home: Path, work: Callable[[], Any], kinds: Sequence[str] = CHANGING) -> int:
    """How many steps of these kinds the work takes."""
    CALLS.strike(COUNT, home, kinds)
    work()
    steps = CALLS.steps()
    CALLS.off()
    return steps


def traced(home: Path, work: Callable[[Path], str]) -> list[list[str]]:
    """Kind and path of every step of the work that changes something."""

    def tell(child: Child) -> str:
        CALLS.strike(COUNT, home, trace=child.out)
        said = work(home)
        CALLS.off()
        return said

    child = Child(tell)
    heard = b""
    while more := os.read(child.out, 65536):
        heard += more
    child.close()
    return [line.split(" ", 1) for line in heard.decode().splitlines() if " " in line]


@dataclass(frozen=True)
class Task:
    """Work on a home, in a process of its own: first made again from `base`, where given, and then struck.

    `strike` is what `Calls.strike` takes after the folder's place: mode, kinds, step, error, bytes of room.
    """

    work: Callable[[Path], Any]
    about: str
    base: Path | None = None
    strike: tuple[Any, ...] = ()

    def run(self, home: Path, child: Child) -> Any:
        """In the child: judges what there is; then, told to, does the work."""
        child.say(vars(judge(home)))
        child.wait_for_go()
        if self.strike:
            CALLS.strike(self.strike[0], home, *self.strike[1:])
        try:
            return self.work(home)
        finally:
            CALLS.off()


def relay(home: Path, tasks: Iterable[Task]) -> Iterator[tuple[Task, Any, Verdict]]:
    """Each task with what it said (None where it was killed) and how the home was found by the process after it."""
    before: tuple[Task, Any] | None = None
    for task in [*tasks, None]:
        child = Child(partial((task or Task(judge, "the last look")).run, home))
        found = verdict_of(child.hear())
        if before:
            yield *before, found
        if task:
            if task.base:
                again(task.base, home)
            child.start()
            before = task, child.hear()
        child.close()


def usual_length(folder: Path, home: Path, how: Callable[[Path, Path], str]) -> float:
    """Median of nine publishes, seconds."""
    taken = []
    for number in range(50, 59):
        library = write_library(folder / "library", number)
        child = Child(partial(when_told, lambda library=library: how(home, library)))
        started = time.perf_counter()
        child.start()
        child.hear()
        taken.append(time.perf_counter() - started)
        child.close()
    return statistics.median(taken)


def when_told(work: Callable[[], Any], child: Child) -> Any:
    """Works when told to, says what came of it, and waits for its death."""
    child.wait_for_go()
    child.say(work())
    time.sleep(600)


def judged_and_killed(home: Path, library: Path, how: Callable[[Path, Path], str], child: Child) -> None:
    """Judges what there is; then, told to, publishes and waits for its death."""
    child.say(vars(judge(home)))
    when_told(lambda: how(home, library), child)


def control_row(name: str, what: str, found: Row) -> Row:
    """A row for what must go wrong: that nothing did is its one bad outcome, for then the harness sees nothing."""
    row = Row(name, what, found.trials, notes=[f"{found.bad.total()} of {found.trials} went wrong, as they must"])
    if not found.bad:
        row.bad["nothing seen"] += 1
    return row
