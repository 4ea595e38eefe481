"""Many clients at the page at once, by the protocol that its own script speaks: how long answers take, what is refused.

Every question ends as answered, refused in words, or lost.
"""

import asyncio
import json
import secrets
import ssl
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evals.page_servers import Served

if TYPE_CHECKING:
    import httpx

__all__ = ["CLIENTS", "Asked", "conversations", "drive"]

CLIENTS = (1, 5, 25, 100, 250)
QUESTIONS = (
    "How did the Oslo talks start?",
    "Who hosted the talks in Aceh?",
    "What is the Chatham House Rule?",
    "Where did the Dartmouth Conference meet?",
)
LONGEST = 90.0  # seconds that one question may take before it counts as lost
REFUSED = (429, 503)
IDLE = 2.0  # seconds after which a connection is not used again; the server closes it after five


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: `outcome` is answered, refused or lost; seconds to the first frame, which on the page
    is "Looking through the articles…" and no word of the answer yet, and to its end.
    """

    outcome: str
    first: float
    total: float
    said: str = ""  # all that came, as JSON; of a refusal its sentence


async def drive(at: Served, clients: int, rounds: int, way: str = "page") -> list[Asked]:
    """So many clients at once, each asking `rounds` times, one question after the other; `way` = page or api."""

    async def one(number: int, client: "httpx.AsyncClient") -> list[Asked]:
        found, session = [], secrets.token_hex(8)  # a browser's is one for as long as its page is open
        for turn in range(rounds):
            question = QUESTIONS[(number + turn) % len(QUESTIONS)]
            asking = by_page(client, at, question, session) if way == "page" else by_api(client, at, question)
            found.append(await bounded(asking))
        return found

    async with visitors(clients) as everybody:
        found = await asyncio.gather(*(one(number, client) for number, client in enumerate(everybody)))
    return [each for one_s in found for each in one_s]


@asynccontextmanager
async def visitors(count: int) -> "AsyncIterator[list[httpx.AsyncClient]]":
    """So many clients, each with an address of its own where the system has them: on Linux all of 127.0.0.0/8."""
    import httpx

    plain = ssl.create_default_context()  # one for all: nothing here is encrypted
    limits = httpx.Limits(keepalive_expiry=IDLE)
    async with AsyncExitStack() as stack:
        clients = []
        for number in range(count):
            address = f"127.1.{number // 250}.{number % 250 + 1}" if sys.platform == "linux" else None
            transport = httpx.AsyncHTTPTransport(verify=plain, limits=limits, local_address=address)
            clients.append(await stack.enter_async_context(httpx.AsyncClient(transport=transport, timeout=LONGEST)))
        yield clients


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


async def by_page(client: "httpx.AsyncClient", at: Served, question: str, session: str = "") -> Asked:
    """Joins the queue, then listens until the stream is closed."""
    begun = time.monotonic()
    session = session or secrets.token_hex(8)
    body = at.body(question, session)
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
    words = [f"canary{secrets.token_hex(6)}" for _ in range(count)]
    async with visitors(count) as everybody:
        pairs = zip(everybody, words, strict=True)
        asking = [bounded(by_page(client, at, f"{QUESTIONS[0]} {word}", word)) for client, word in pairs]
        found = await asyncio.gather(*asking)
    crossings = sum(
        other in each.said for each, word in zip(found, words, strict=True) for other in words if other != word
    )
    own = sum(word in each.said for each, word in zip(found, words, strict=True))
    return own, crossings
