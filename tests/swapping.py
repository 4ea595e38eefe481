"""A process of its own in which a live assistant goes from one generation to the other again and again; it prints the
files and threads that it has after each turn.

In the process of the tests the files of other tests are opened and closed at moments of their own.
"""

import gc
import itertools
import json
import sys
import threading
from contextlib import suppress
from pathlib import Path

from assistant.living import LiveAssistant
from index.generation import POINTER, replace

FDS = Path("/proc/self/fd")
TURNS = 50


def held(home: Path) -> list[str]:
    """The files of a home's generations that this process has open or mapped, sorted."""
    found = [target for _, target in opened_files()]
    found += {line.split(maxsplit=5)[5] for line in Path("/proc/self/maps").read_text().splitlines() if "/" in line}
    return sorted(name for name in found if f"{home}/generations/" in name)


def opened_files() -> set[tuple[str, str]]:
    """Number and target of each file, pipe and socket that this process has open."""
    found = set()
    for link in FDS.iterdir():
        with suppress(FileNotFoundError):  # the listing's own
            found.add((link.name, str(link.readlink())))
    return found


def main(home: Path, names: list[str]) -> dict[str, object]:
    """Counts after each turn, of files of the home, of all files and of threads; what is served and held at the end."""
    live = LiveAssistant.open(home)
    counts = []
    for _, name in zip(range(TURNS), itertools.cycle(names), strict=False):
        replace(home / POINTER, f"{name}\n")
        assert live.look()  # it searches
        gc.collect()  # what is only garbage is held by nobody; by itself it would go at some later moment
        counts.append((len(held(home)), len(opened_files()), threading.active_count()))
    return {"counts": counts, "serving": live.current().index.status().generation, "held": held(home)}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2:])))
