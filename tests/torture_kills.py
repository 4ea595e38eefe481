"""Cases of tests/torture.py: killed at every step and at random, and asked to stop."""

import io
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

from numbered_library import EMBEDDER, Child, forked, judged, settings_of, verdict_of, write_library
from torture import CHANGING, KILL, KILL_AFTER, Row, case, room
from torture_bench import (
    Task,
    again,
    control_row,
    counted,
    home_of,
    judged_and_killed,
    outcome,
    publish,
    relay,
    rubbish,
    traced,
    usual_length,
    warmed,
)

import app
import index.building
import index.generation
from index.planning import make_plan
from index.progress import Progress, silent
from index.upkeep import clear, roll_back

# --- F1: killed at every step


@case("f1", 20)
def f1(times: int) -> Iterator[Row]:
    """SIGKILL before each system call that changes something, or after it, or in the middle of a write."""
    with room() as folder:
        warmed(folder)
        for number in (3, 4):
            write_library(folder / str(number), number)
        base = home_of(folder, 1, 2)
        new = partial(publish, library=folder / "3")
        few = min(times, 5)
        some = times == 1  # the short form
        yield killed_at_each_step("publish, and prune", folder, base, new, {2, 3}, {3}, times, 2 if some else 1)
        nothing = folder / "nothing"
        yield killed_at_each_step("the first publish", folder, nothing, new, {-1, 3}, {3}, few, 9 if some else 1)
        yield killed_at_each_step(
            "rollback", folder, base, lambda home: str(roll_back(home) and "done"), {2, 1}, {1}, few
        )
        yield killed_at_each_step("gc", folder, base, lambda home: str(clear(home, 1) and "done"), {2}, {2}, few)


def killed_at_each_step(
    what: str,
    folder: Path,
    base: Path,
    work: Callable[[Path], str],
    allowed: set[int],
    done: set[int],
    times: int,
    every: int = 1,
) -> Row:
    """After one kill a step (where there is but one, after every ninth), a publish follows on what was left.

    `allowed` are the numbers that may be live after a kill, `done` the one that must be after the work was done.
    """
    row = Row("F1", f"kill -9 at every step: {what}")
    home, after = again(base, folder / "home"), partial(publish, library=folder / "4")
    total = forked(lambda: counted(home, lambda: work(home)))
    steps = range(1, total + 1, every)
    row.notes.append(f"{len(steps)} of {total} steps x {times}")

    def tasks() -> Iterator[Task]:
        for at in steps:
            for turn in range(times):
                yield Task(work, f"step {at}", base, (KILL_AFTER if turn % 2 else KILL, CHANGING, at))
                if turn == 0 and (times > 1 or at % 9 == 1 or total < 30):
                    yield Task(after, f"after step {at}")

    for task, said, found in relay(home, tasks()):
        if isinstance(said, dict):
            bad, about = "crashed", str(said)
        elif task.strike:
            bad, about = outcome(found, done if said else allowed)
        else:
            bad, about = outcome(found, {4})
            if not bad and rubbish(home):
                bad, about = "rubbish", str(rubbish(home))
        row.count(bad, f"{task.about}, {about}")
    return row


@case("f1_sources", 10)
def f1_sources(times: int) -> Iterator[Row]:
    """After the pointer has moved and before the sources are noted: `apply` without sources must take the new ones."""
    row = Row("F1", "kill -9 between the pointer and the note of its sources")
    with room() as folder:
        warmed(folder)
        library = write_library(folder / "3", 3)
        base = home_of(folder, 1, 2)
        new = partial(publish, library=library)
        steps = traced(again(base, folder / "home"), new)
        moved = steps.index(["rename", "/current"]) + 1
        row.notes.append(f"{len(steps) - moved} steps x {times}")
        struck = [Task(new, f"step {at}", base, (KILL, CHANGING, at)) for at in range(moved + 1, len(steps) + 1)]
        home = folder / "home"
        for task, _, found in relay(home, [each for each in struck for _ in range(times)]):
            bad, about = outcome(found, {3})
            taken = forked(
                lambda home=home: [str(each) for each in make_plan(settings_of(home), (), False, "").sources]
            )
            row.count(bad or ("" if taken == [str(library)] else "other sources"), f"{task.about}: {about} {taken}")
    yield row


# --- F2: killed at random


@case("f2", 2000)
def f2(trials: int) -> Iterator[Row]:
    """One home through all of it: each publish is killed at random within 1.8 times its usual length."""
    with room() as folder:
        warmed(folder)
        yield killed_at_random(Row("F2", "kill -9 at random within 1.8 x a publish"), folder, trials, publish)
        if trials >= 500:
            control = killed_at_random(Row("F2", ""), folder, trials // 20, publish_in_place)
            yield control_row("F2", "control: generations written in place", control)


def killed_at_random(row: Row, folder: Path, trials: int, how: Callable[[Path, Path], str]) -> Row:
    shutil.rmtree(folder / "home-1", ignore_errors=True)
    home = home_of(folder, 1)
    length = usual_length(folder, home, how)
    draw = random.Random(7)
    before, allowed, done = judged(home).number, {0}, 0
    for number in range(100, 101 + trials):
        library = write_library(folder / "library", number)
        child = Child(partial(judged_and_killed, home, library, how))
        found = verdict_of(child.hear())
        if number > 100:
            bad, about = outcome(found, allowed)
            row.count(bad, about)
            if bad:
                again(folder / "nothing", home)
                found = judged(home_of(folder, 1))
        before = found.number
        child.start()
        time.sleep(draw.uniform(0, 1.8 * length))
        published_it = "published" in child.end()
        done += published_it
        allowed = {number} if published_it else {before, number}
    row.notes.append(f"a publish takes {length * 1000:.0f} ms; {done} of them were done before the kill")
    return row


def publish_in_place(home: Path, library: Path) -> str:
    """How it must not be done: the files of the one generation are written where they are read."""
    real = index.generation.publish

    def in_place(home: Path, name: str, write: Callable[[Path], dict[str, Any]], keep: int) -> Any:
        folder = home / "generations" / "only"
        shutil.rmtree(folder / "lexical", ignore_errors=True)
        (folder / "store.sqlite").unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        manifest = {"format": index.generation.FORMAT, "generation": "only", **write(folder)}
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "manifest.json"]
        manifest["files"] = {path.relative_to(folder).as_posix(): index.generation.measured(path) for path in paths}
        manifest["digest"] = index.generation.digest_of(manifest)
        (folder / "manifest.json").write_text(index.generation.json.dumps(manifest), encoding="utf-8")
        index.generation.replace(home / "current", "only\n")
        return index.generation.verified(home, "only")

    index.building.publish = in_place
    try:
        for path in (home / "generations").glob("2*"):
            shutil.rmtree(path)
        return publish(home, library)
    finally:
        index.building.publish = real


# --- F6: asked to stop


@case("f6", 50)
def f6(trials: int) -> Iterator[Row]:
    """SIGTERM, SIGINT (Ctrl-C) and SIGHUP (a closed terminal) at random, to the command line as it is."""
    row = Row("F6", "SIGTERM, SIGINT, SIGHUP at random in `index apply`")
    slowest, statuses = 0.0, set()
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    with room() as folder:
        warmed(folder)
        home = home_of(folder, 1)
        draw = random.Random(5)
        live_number = 1
        for number in range(100, 100 + trials):
            library = write_library(folder / "library", number)
            sent = signals[number % len(signals)]
            child = Child(partial(slowly_on_the_command_line, home, library))
            child.hear()
            time.sleep(draw.uniform(0, 0.7))
            started = time.perf_counter()
            os.kill(child.pid, sent)
            heard = child.rest()
            slowest = max(slowest, took := time.perf_counter() - started)
            status = child.close()
            how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"status {heard[-1]['exit']}"
            statuses.add(f"{sent.name} {how}")
            found = judged(home)
            bad, about = outcome(found, {live_number, number})
            if not bad and took > 5:
                bad, about = "slow", f"{took:.1f} s"
            if not bad and heard and "Traceback" in heard[-1].get("err", ""):
                bad, about = "traceback", heard[-1]["err"]
            row.count(bad, about)
            live_number = found.number
        said = forked(lambda: publish(home, write_library(folder / "library", 99)))
        bad, about = outcome(judged(home), {99})
        row.count(bad or ("rubbish" if rubbish(home) else ""), f"the next publish: {said} {about} {rubbish(home)}")
    row.notes.append(f"stopped in {slowest:.2f} s at most; {', '.join(sorted(statuses))}")
    yield row


def slowly_on_the_command_line(home: Path, library: Path, child: Child) -> dict[str, Any]:
    """`python app.py index apply`, with an embedder that takes its time; it is heard once that has begun."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    real = EMBEDDER.embed_passages

    def slow(texts: Any, progress: Progress = silent) -> Any:
        time.sleep(0.2)
        return real(texts)

    EMBEDDER.embed_passages = slow  # type: ignore[method-assign]
    sys.argv = ["app.py", "index", "apply", str(library), "--home", str(home)]
    out, err = io.StringIO(), io.StringIO()

    def begun(name: str) -> str:
        child.say("ready")
        return EMBEDDER.digest

    index.building.embedder_digest = begun
    with redirect_stdout(out), redirect_stderr(err):
        try:
            app.main()
        except SystemExit as stop:
            return {"exit": stop.code, "err": err.getvalue()}
        except KeyboardInterrupt:
            return {"exit": "traceback", "err": traceback.format_exc()}
    return {"exit": 0, "err": err.getvalue()}
