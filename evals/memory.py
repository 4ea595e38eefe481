"""How much memory a process holds."""

import re
from dataclasses import dataclass
from pathlib import Path

from evals.errors import EvalsError

__all__ = ["Held", "held_by"]


@dataclass(frozen=True, slots=True)
class Held:
    """Memory of a process in MiB: resident, and proportional (what it shares with others is divided among them)."""

    rss: float
    pss: float


def held_by(pid: int) -> Held:
    """The memory of a process now; `EvalsError` where the system does not tell."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError as error:
        raise EvalsError(f"The memory of process {pid} is not told here: {error.strerror}") from error
    found = {name: int(size) / 1024 for name, size in re.findall(r"^(Rss|Pss):\s+(\d+) kB", text, re.MULTILINE)}
    return Held(found["Rss"], found["Pss"])
