"""`python app.py serve` as a process of its own on loopback, and Gradio's queue spoken to as its page does."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from conftest import ROOT

from evals import page_servers

__all__ = ["Gone", "Page", "asked", "heard", "served"]


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

    @cached_property
    def asks(self) -> page_servers.Served:
        """The event that answers questions."""
        return page_servers.served(self.address, "q")

    @property
    def queue(self) -> str:
        """Where the page's script joins and listens."""
        return f"{self.address}/gradio_api/queue"

    def join(self, question: object) -> dict[str, Any]:
        """The body of a request that asks, as the page sends it, in a session of its own."""
        return self.asks.body(question, uuid4().hex)


@contextmanager
def served(home: Path, *options: str, program: Sequence[str] = ("app.py",), **settings: object) -> Iterator[Page]:
    """The server, from its greeting on; ended, where a test has not ended it, without regard to how."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BACKCHANNEL_")}
    kept |= {f"BACKCHANNEL_{name.upper()}": str(value) for name, value in settings.items()}
    port = str(page_servers.free_port())
    command = [sys.executable, *program, "serve", "--port", port, "--home", str(home), *options]
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


async def heard(client: httpx.AsyncClient, page: Page, session: str) -> list[dict[str, Any]]:
    """All messages to a session until its stream is closed."""
    found: list[dict[str, Any]] = []
    parameters = {"session_hash": session}
    async with client.stream("GET", f"{page.queue}/data", params=parameters, timeout=60) as stream:
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
    answer = await client.post(f"{page.queue}/join", json=body, timeout=60)
    if answer.status_code != 200:
        return answer, []
    return answer, await heard(client, page, body["session_hash"])
