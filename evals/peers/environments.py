"""Makes and keeps the environment of each peer: `HOME/peers/KEY`, from the requirements beside this file."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.errors import EvalsError
from index.progress import Progress, silent

__all__ = ["OURS", "PEERS", "System", "bounded", "chosen", "environment", "surroundings"]

HERE = Path(__file__).resolve().parent
INSTALLING = 1800.0  # seconds for each of venv, pip and the requirements, the largest of which is torch
STAMP = "made-from"
SHOWN = 300  # characters of the last line of a log, which a message repeats
NOISE = ("WARNING:", "[notice]")  # lines of pip that are never the reason


@dataclass(frozen=True, slots=True)
class System:
    """What is measured: its name, and the package whose version is shown beside it."""

    name: str
    package: str

    @property
    def key(self) -> str:
        """As it stands in the names of its adapter, its requirements and its folder."""
        return self.name.lower().replace("-", "_")

    @property
    def requirements(self) -> Path:
        """What its environment is made from."""
        return HERE / f"{self.key}.txt"


OURS = System("Backchannel", "backchannel")
PEERS = (System("txtai", "txtai"), System("llama-index", "llama-index-core"), System("haystack", "haystack-ai"))


def chosen(names: Sequence[str]) -> tuple[System, ...]:
    """The peers of these names, each once and in the order of `PEERS`; all of them where none is named."""
    known = [each.name for each in PEERS]
    for name in names:
        if name not in known:
            raise EvalsError(
                f"There is no peer {name!r}. Choose from {', '.join(known)}: "
                f"python app.py eval peers DIR --only {known[0]}"
            )
    return tuple(each for each in PEERS if not names or each.name in names)


def environment(system: System, home: Path, progress: Progress = silent) -> Path:
    """The interpreter of a peer's environment, made where it is missing or its requirements have changed; or our own.

    `EvalsError` with the end of pip's message where it cannot be made.
    """
    if system is OURS:
        return Path(sys.executable)
    folder = home / "peers" / system.key
    interpreter = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    wanted = f"{sys.version}\n{hashlib.sha256(system.requirements.read_bytes()).hexdigest()}\n"
    stamp = folder / STAMP
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted and interpreter.exists():
        return interpreter
    install = [str(interpreter), "-m", "pip", "install", "--quiet"]
    steps = (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [*install, "--upgrade", "pip"],  # what comes with Python tries old releases for minutes
        [*install, "--requirement", str(system.requirements)],
    )
    log = folder.parent / f"{system.key}-install.log"
    with progress(f"installing {system.name}", len(steps)) as advance:
        for step in steps:
            wrong = bounded(step, log, INSTALLING, surroundings())
            if wrong:
                raise EvalsError(
                    f"The environment of {system.name} could not be made in {folder}: {wrong}. Mend that and run "
                    f"again, or leave it out: python app.py eval peers DIR --only {other(system).name}"
                )
            advance()
    stamp.write_text(wanted, encoding="utf-8")  # last: an environment that is half made is made again
    return interpreter


def other(system: System) -> System:
    """A peer that is not this one."""
    return next(each for each in PEERS if each is not system)


def surroundings(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of a process: ours without those of Python and of our settings, and `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "BACKCHANNEL_"))}
    return kept | dict(more or {})


def bounded(
    command: Sequence[str], log: Path, seconds: float, variables: Mapping[str, str], folder: Path | None = None
) -> str:
    """Runs a process, its output in `log`, and ends it after `seconds`; what went wrong with it, or nothing."""
    with log.open("wb") as output:
        try:
            done = subprocess.run(
                command, stdout=output, stderr=subprocess.STDOUT, env=dict(variables), cwd=folder, timeout=seconds
            )
        except subprocess.TimeoutExpired:
            return f"it was ended after {seconds:g} s"
        except OSError as error:
            return f"{command[0]} cannot be run ({error.strerror})"
    if not done.returncode:
        return ""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    said = next((line for line in reversed(lines) if line and not line.startswith(NOISE)), "nothing")
    return f"it ended with {done.returncode} and said: {said[-SHOWN:].rstrip('.')} (see {log})"
