"""Servers to be driven, each in a process of its own on loopback: our page, and a bare chat of Gradio's."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.errors import EvalsError

__all__ = ["Served", "bare", "copied", "free_port", "page", "running", "served"]

START = 60.0  # seconds that a server has to answer for the first time


@dataclass(frozen=True, slots=True)
class Served:
    """A server that is up: its address, the event that answers, and the types of its inputs, the question first."""

    address: str
    event: int
    inputs: tuple[str, ...]

    def body(self, question: object, session: str) -> dict[str, Any]:
        """The request that asks, the other inputs as nobody has touched them."""
        values = [question, *map(untouched, self.inputs[1:])]
        return {"fn_index": self.event, "data": values, "session_hash": session, "trigger_id": None}


def untouched(kind: str) -> Any:
    """What an input holds at first."""
    return "" if kind == "textbox" else [] if kind in ("checkboxgroup", "chatbot", "state") else None


def copied(home: Path, folder: Path) -> Path:
    """A copy of a home for the time of the run; the models, which do not change, are linked."""
    if not (home / "generations").is_dir():
        raise EvalsError(f"No index at {home}. Build one with: python app.py index apply")
    copy = folder / "home"
    shutil.copytree(home, copy, symlinks=True, ignore=shutil.ignore_patterns("models", "cache", "reports", "lock"))
    (copy / "models").symlink_to((home / "models").resolve())
    return copy


@contextmanager
def page(home: Path) -> Iterator[Served]:
    """Our page, as it is for others: with `--open` each address is counted, though it listens on loopback."""
    port = free_port()
    with started(["-m", "app", "serve", "--home", str(home), "--port", str(port), "--open"], port) as address:
        yield served(address, "q")


@contextmanager
def bare(home: Path) -> Iterator[Served]:
    """Gradio's own chat around the same answers, with the same places and the same pace."""
    port = free_port()
    with started(["-m", "evals.bare_chat", str(home), str(port)], port) as address:
        yield served(address, "")


@contextmanager
def started(arguments: Sequence[str], port: int) -> Iterator[str]:
    """A process of ours, from its first answer to its end."""
    import httpx

    address = f"http://127.0.0.1:{port}"
    with running(arguments) as process:
        until = time.monotonic() + START
        while True:
            try:
                httpx.get(f"{address}/config", timeout=10)
                break
            except httpx.TransportError as error:
                if process.poll() is not None or time.monotonic() > until:
                    raise EvalsError(f"The server did not start: {' '.join(arguments)}") from error
                time.sleep(0.2)
        yield address


@contextmanager
def running(arguments: Sequence[str], stdout: int = subprocess.DEVNULL) -> Iterator["subprocess.Popen[str]"]:
    """Python with these arguments and none of our settings from outside; told to end, and killed where it does not."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BACKCHANNEL_")}
    process = subprocess.Popen([sys.executable, *arguments], env=kept, stdout=stdout, text=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def served(address: str, box: str) -> Served:
    """The event whose first input is the box of that elem_id; of the bare chat the one named chat."""
    import httpx

    config = httpx.get(f"{address}/config", timeout=30).json()
    parts = {part["id"]: part for part in config["components"]}
    for event in config["dependencies"]:
        inputs = [parts[each] for each in event["inputs"]]
        first = inputs[0]["props"].get("elem_id") if inputs else None
        if (box and first == box) or (not box and event.get("api_name") == "chat"):
            return Served(address, int(event["id"]), tuple(each["type"] for each in inputs))
    raise EvalsError(f"The page at {address} has no event that asks")


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
