"""Many clients at the page at once, by the protocol that its own script speaks: how long answers take, what is refused.

Everything on loopback: the page in a process of its own over a copy of the home, and beside it a bare chat of Gradio's
around the same answers. Every question ends as answered, refused in words, or lost.
"""

import asyncio
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.errors import EvalsError

if TYPE_CHECKING:
    import httpx

__all__ = ["CLIENTS", "Asked", "Served", "bare", "conversations", "copied", "drive", "page"]

CLIENTS = (1, 5, 25, 100, 250)
QUESTIONS = (
    "How did the Oslo talks start?",
    "Who hosted the talks in Aceh?",
    "What is the Chatham House Rule?",
    "Where did the Dartmouth Conference meet?",
)
LONGEST = 90.0  # seconds that one question may take before it counts as lost
START = 60.0  # seconds that a server has to answer for the first time
REFUSED = (429, 503)
Input = tuple[str, str]  # elem_id and type of one of an event's inputs


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: `outcome` is answered, refused or lost; seconds to its first words and to its end."""

    outcome: str
    first: float
    total: float
    said: str = ""  # all that came, as JSON; of a refusal its sentence


@dataclass(frozen=True, slots=True)
class Served:
    """A server that is up: its address, and the event that answers."""

    address: str
    event: int
    inputs: tuple[Input, ...]

    def body(self, question: str, session: str, kept: str = "") -> dict[str, Any]:
        """The request that asks, the other inputs as nobody has touched them."""
        values: list[Any] = []
        for at, (name, kind) in enumerate(self.inputs):
            first = at == 0
            values.append(question if first else kept if name == "kept" else untouched(kind))
        return {"fn_index": self.event, "data": values, "session_hash": session, "trigger_id": None}


def untouched(kind: str) -> Any:
    """What an input holds at first."""
    return "" if kind == "textbox" else [] if kind in ("checkboxgroup", "chatbot", "state") else None


# -- servers -------------------------------------------------------------------------------------------------------


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
    """Our page."""
    port = free_port()
    with started(["-m", "app", "serve", "--home", str(home), "--port", str(port)], port) as address:
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
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BACKCHANNEL_")}
    import httpx

    process = subprocess.Popen([sys.executable, *arguments], env=kept, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
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
        inputs = tuple((parts[each]["props"].get("elem_id") or "", parts[each]["type"]) for each in event["inputs"])
        if (box and inputs and inputs[0][0] == box) or (not box and event.get("api_name") == "chat"):
            return Served(address, int(event["id"]), inputs)
    raise EvalsError(f"The page at {address} has no event that asks")


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


# -- clients -------------------------------------------------------------------------------------------------------


async def drive(at: Served, clients: int, rounds: int, way: str = "page") -> list[Asked]:
    """So many clients at once, each asking `rounds` times, one question after the other; `way` = page or api."""
    import httpx

    limits = httpx.Limits(max_connections=4 * clients, max_keepalive_connections=2 * clients)
    async with httpx.AsyncClient(limits=limits, timeout=LONGEST) as client:

        async def one(number: int) -> list[Asked]:
            found = []
            for turn in range(rounds):
                question = QUESTIONS[(number + turn) % len(QUESTIONS)]
                asking = by_page(client, at, question) if way == "page" else by_api(client, at, question)
                found.append(await bounded(asking))
            return found

        return [each for found in await asyncio.gather(*map(one, range(clients))) for each in found]


async def bounded(asking: Any) -> Asked:
    """The question's end; lost, where there is none in time or the connection breaks."""
    import httpx

    begun = time.monotonic()
    try:
        found = await asyncio.wait_for(asking, LONGEST)
    except (TimeoutError, httpx.HTTPError) as error:
        return Asked("lost", 0.0, time.monotonic() - begun, repr(error))
    assert isinstance(found, Asked)
    return found


async def by_page(client: "httpx.AsyncClient", at: Served, question: str, kept: str = "") -> Asked:
    """Joins the queue, then listens until the stream is closed."""
    begun = time.monotonic()
    session = secrets.token_hex(8)
    body = at.body(question, session, kept)
    joined = await client.post(f"{at.address}/gradio_api/queue/join", json=body)
    if joined.status_code in REFUSED:
        return Asked("refused", 0.0, time.monotonic() - begun, str(joined.json().get("detail", "")))
    if joined.status_code != 200:
        return Asked("lost", 0.0, time.monotonic() - begun, joined.text[:200])
    lines, first, ended = [], 0.0, False
    url, parameters = f"{at.address}/gradio_api/queue/data", {"session_hash": session}
    async with client.stream("GET", url, params=parameters) as stream:
        async for line in stream.aiter_lines():
            if not line.startswith("data:"):
                continue
            lines.append(line[5:])
            if not first and '"process_generating"' in line:
                first = time.monotonic() - begun
            if '"process_completed"' in line:
                ended = bool(json.loads(line[5:]).get("success"))
            if '"close_stream"' in line:
                break
    return Asked("answered" if ended else "lost", first, time.monotonic() - begun, "\n".join(lines))


async def by_api(client: "httpx.AsyncClient", at: Served, question: str) -> Asked:
    """One call of `/api/ask`."""
    begun = time.monotonic()
    answer = await client.post(f"{at.address}/api/ask", json={"question": question})
    took = time.monotonic() - begun
    if answer.status_code in REFUSED:
        return Asked("refused", 0.0, took, str(answer.json().get("error", "")))
    return Asked("answered" if answer.status_code == 200 else "lost", took, took, answer.text)


async def conversations(at: Served, count: int) -> tuple[int, int]:
    """So many conversations at once, each with a word of its own; (those answered, words found where not asked)."""
    import httpx

    words = [f"canary{secrets.token_hex(6)}" for _ in range(count)]
    limits = httpx.Limits(max_connections=4 * count)
    async with httpx.AsyncClient(limits=limits, timeout=LONGEST) as client:
        asking = [bounded(by_page(client, at, f"{QUESTIONS[0]} {word}")) for word in words]
        found = await asyncio.gather(*asking)
    crossings = sum(
        other in each.said for each, word in zip(found, words, strict=True) for other in words if other != word
    )
    own = sum(word in each.said for each, word in zip(found, words, strict=True))
    return own, crossings
