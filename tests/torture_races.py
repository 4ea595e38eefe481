"""Cases of tests/torture.py: two writers, a dead one, and readers while it all changes."""

import fcntl
import random
import statistics
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from numbered_library import EMBEDDER, NUMBER, Child, forked, judged, settings_of, write_library
from torture import Row, case, room
from torture_bench import home_of, outcome, publish, usual_length, warmed, when_told

from index.errors import LockedError, NoIndexError
from index.filters import Filters
from index.generation import published
from index.searching import LocalIndex

# --- F8, F9: two writers, and a dead one


@case("f8", 100)
def f8(trials: int) -> Iterator[Row]:
    """Two publishers start together: one publishes, the other is refused at once and told by whom."""
    row = Row("F8", "two publishers together")
    slowest, refused = 0.0, 0
    with room() as folder:
        warmed(folder)
        home = home_of(folder, 1)
        for number in range(100, 100 + 2 * trials, 2):
            pair = [write_library(folder / name, number + i) for i, name in enumerate(("one", "two"))]
            children = [Child(partial(contend, home, library)) for library in pair]
            for child in children:
                child.start()
            said = [child.hear() for child in children]
            for child in children:
                child.close()
            won = {number + i for i, each in enumerate(said) if each.get("said") == "published"}
            bad, about = outcome(judged(home), won)
            for i, each in enumerate(said):
                if each.get("said") == "refused":
                    refused += 1
                    slowest = max(slowest, each["seconds"])
                    if f"(pid {children[1 - i].pid})" not in each["message"]:
                        bad, about = bad or "not named", f"{each['message']}; the other is {children[1 - i].pid}"
                    elif each["seconds"] > 1:
                        bad, about = bad or "slow", str(each)
                elif each.get("said") != "published":
                    bad, about = bad or "crashed", str(each)
            row.count(bad or ("" if won else "nobody published"), about)
    row.notes.append(f"{refused} refused, in {slowest * 1000:.0f} ms at most")
    yield row


def contend(home: Path, library: Path, child: Child) -> dict[str, Any]:
    child.wait_for_go()
    started = time.perf_counter()
    try:
        return {"said": publish(home, library)}
    except LockedError as error:
        return {"said": "refused", "message": str(error), "seconds": time.perf_counter() - started}


@case("f9", 20)
def f9(trials: int) -> Iterator[Row]:
    """A publisher is killed while it holds the lock; the next one takes over without hands."""
    row = Row("F9", "lock of a publisher that was killed: taken over")
    with room() as folder:
        warmed(folder)
        home = home_of(folder, 1)
        length = usual_length(folder, home, publish)
        draw = random.Random(9)
        while row.trials < trials:
            library = write_library(folder / "library", 100 + row.trials)
            child = Child(partial(when_told, lambda library=library: publish(home, library)))
            child.start()
            time.sleep(draw.uniform(0.1, 0.8) * length)
            held = locked(home)
            child.end()
            if not held:
                continue
            said = forked(lambda library=library: publish(home, library))
            bad, about = outcome(judged(home), {100 + row.trials})
            row.count(bad if said in ("published", "unchanged") else "not taken over", f"{said} {about}")
    yield row


def locked(home: Path) -> bool:
    """Whether somebody publishes."""
    with (home / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


# --- F10, F11: read while it changes

NOTHING = {"answers": 0, "bad": {}, "first": "", "numbers": [], "taken": [0.0], "generation": ""}


@case("f10", 100)
def f10(publishes: int) -> Iterator[Row]:
    """Eight readers, each of which reopens after ten rounds of searches, and one that never does."""
    row = Row("F10", f"8 readers through {publishes} publishes")
    stays = Row("F11", "a reader whose generation is pruned keeps it")
    with room() as folder:
        warmed(folder)
        home = home_of(folder, 1)
        alone = together(folder, home, 0)
        told = together(folder, home, publishes)
        for each in told[:-1]:
            row.trials += each["answers"]
            row.bad.update(each["bad"])
            row.first = row.first or each["first"]
        old = told[-1]
        stays.trials = old["answers"]
        stays.bad.update(old["bad"])
        stays.first = old["first"]
        if old["generation"] in published(home) or set(old["numbers"]) != {1}:
            stays.count("not pruned", str(old))
        last = judged(home)
        if last.number != 99 + publishes:
            row.count("lost", str(last))
        seen = {number for each in told[:-1] for number in each["numbers"]}
        ratio = slow_end(told[:-1]) / slow_end(alone[:-1])
        row.notes.append(f"{len(seen)} generations seen; p99 of a round {ratio:.1f} x that without publishing")
    yield row
    yield stays


def slow_end(told: list[dict[str, Any]]) -> float:
    """The 99th percentile of all rounds, seconds."""
    return statistics.quantiles([taken for each in told for taken in each["taken"]], n=100)[-1]


def together(folder: Path, home: Path, publishes: int) -> list[dict[str, Any]]:
    """What eight readers tell and the one that stays, of so many publishes, or of a second without any."""
    end = folder / "end"
    end.unlink(missing_ok=True)
    readers = [Child(partial(read_on, home, end, stays)) for stays in [*[False] * 8, True]]
    for reader in readers:
        assert reader.hear() == "ready"
    for number in range(100, 100 + publishes):
        library = write_library(folder / "library", number)
        said = forked(lambda library=library: publish(home, library))
        assert said == "published", said
    if not publishes:
        time.sleep(1)
    end.touch()
    told = []
    for reader in readers:
        said = reader.hear()
        told.append(said if said and "crash" not in said else {**NOTHING, "bad": {"crashed": 1}, "first": str(said)})
        reader.close()
    return told


def read_on(home: Path, end: Path, stays: bool, child: Child) -> dict[str, Any]:
    """Searches until it is told to stop; every answer must be of one generation."""
    row = Row("", "")
    numbers: set[int] = set()
    taken: list[float] = []
    found = LocalIndex.open(settings_of(home))
    name = found.generation.name
    child.say("ready")
    while not end.exists():
        try:
            if not stays:
                found = LocalIndex.open(settings_of(home))
                row.count("warned" if found.warning else "", found.warning)
            for _ in range(10):
                started = time.perf_counter()
                number, why = answer(found)
                taken.append(time.perf_counter() - started)
                row.count("mixed" if why else "", why)
                numbers.add(number)
        except NoIndexError as error:
            row.count("lost", str(error))
        except Exception as error:
            row.count("error", repr(error))
    told = {"answers": row.trials, "bad": dict(row.bad), "first": row.first, "numbers": sorted(numbers)}
    return {**told, "taken": taken, "generation": name}


def answer(found: LocalIndex) -> tuple[int, str]:
    """One round by words and by vector, with passages, sentences and an article."""
    doc_id = found.summaries()[0].doc_id
    (carried, *_) = NUMBER.findall(found.document(doc_id).text)
    words = found.by_words(carried, 20, Filters())
    vector = EMBEDDER.embed_query(carried)
    near = found.by_vector(vector, 20, Filters())
    keys = [key for key, _ in near]
    seen = {each for passage in found.passages(keys) for each in NUMBER.findall(passage.text)}
    sentences = found.sentences(vector, keys)
    rows = EMBEDDER.embed_passages([each.sentence.text for each in sentences])
    agree = min(float(row @ each.vector) for row, each in zip(rows, sentences, strict=True)) > 0.999
    if seen != {carried} or len(words) != len(near) or len(near) != found.status().passages or not agree:
        return int(carried[1:]), f"{carried}: {seen}, {len(words)} by words, {len(near)} by vector, {agree}"
    return int(carried[1:]), ""
