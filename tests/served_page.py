"""`python app.py serve` as a process of its own on loopback, and Gradio's queue spoken to as its page does."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from conftest import ROOT

__all__ = ["Gone", "Page", "free_port", "served"]


@dataclass
class Gone:
    """How the process ended: its status, all that it wrote after its greeting, and the seconds it took."""

    status: int
    out: str
    err: str
    took: float


class Page:
    """A running server."""

    def __init__(self, process: "subprocess.Popen[str]", address: str, err: Path) -> None:
        self.process = process
        self.address = address
        self.err = err
        self.gone: Gone | None = None

    def log(self) -> str:
        """Standard error so far."""
        return self.err.read_text(encoding="utf-8")

    def stop(self, signal: int = 15, patience: float = 15.0) -> Gone:
        """Signals it and waits."""
        begun = time.monotonic()
        self.process.send_signal(signal)
        return self.ended(begun, patience)

    def ended(self, begun: float, patience: float = 15.0) -> Gone:
        """Waits for its end."""
        out = self.process.communicate(timeout=patience)[0]
        self.gone = Gone(self.process.returncode, out, self.log(), time.monotonic() - begun)
        return self.gone

    def config(self) -> dict[str, Any]:
        """What Gradio tells a browser of the page."""
        return dict(httpx.get(f"{self.address}/config", timeout=30).json())

    def join(self, question: object, session: str = "", config: dict[str, Any] | None = None) -> dict[str, Any]:
        """The body of a request that asks, as the page sends it."""
        number, inputs = asking(config or self.config())
        values = [question if name == "q" else empty(kind) for name, kind in inputs]
        return {"fn_index": number, "data": values, "session_hash": session or uuid4().hex, "trigger_id": None}


def asking(config: dict[str, Any]) -> tuple[int, list[tuple[str, str]]]:
    """The event that answers questions: its number, and (elem_id, type) of each of its inputs."""
    parts = {part["id"]: part for part in config["components"]}
    for event in config["dependencies"]:
        names = [(parts[each]["props"].get("elem_id") or "", parts[each]["type"]) for each in event["inputs"]]
        if any(name == "q" for name, _ in names):
            return int(event["id"]), names
    raise LookupError("no event of the page reads the question box")


def empty(kind: str) -> object:
    """What an input holds that nobody has touched."""
    return [] if kind == "checkboxgroup" else None if kind == "state" else ""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def served(home: Path, *options: str, program: Sequence[str] = ("app.py",), **settings: object) -> Iterator[Page]:
    """The server, from its greeting on; ended, where a test has not ended it, without regard to how."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BACKCHANNEL_")}
    kept |= {f"BACKCHANNEL_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, *program, "serve", "--port", str(free_port()), "--home", str(home), *options]
    with tempfile.TemporaryDirectory() as folder:
        err = Path(folder) / "err"
        with err.open("w", encoding="utf-8") as written:
            process = subprocess.Popen(command, cwd=ROOT, env=kept, stdout=subprocess.PIPE, stderr=written, text=True)
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert line.startswith("Backchannel answers at http://"), line + err.read_text(encoding="utf-8")
            yield Page(process, line.split()[3], err)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()


async def heard(client: httpx.AsyncClient, address: str, session: str) -> list[dict[str, Any]]:
    """All messages to a session until its stream is closed."""
    found: list[dict[str, Any]] = []
    url = f"{address}/gradio_api/queue/data"
    async with client.stream("GET", url, params={"session_hash": session}, timeout=60) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data:"):
                found.append(json.loads(line[5:]))
                if found[-1]["msg"] == "close_stream":
                    break
    return found


async def asked(
    client: httpx.AsyncClient, page: Page, body: dict[str, Any]
) -> tuple[httpx.Response, list[dict[str, Any]]]:
    """Joins the queue and listens to the end; no messages where it was refused."""
    answer = await client.post(f"{page.address}/gradio_api/queue/join", json=body, timeout=60)
    if answer.status_code != 200:
        return answer, []
    return answer, await heard(client, page.address, body["session_hash"])


def run(coroutine: Any) -> Any:
    """The coroutine's result."""
    return asyncio.run(coroutine)
