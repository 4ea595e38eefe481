"""How much memory the serving process holds: when it has started, after questions, and after a day's mixed use."""

import asyncio
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from evals.errors import EvalsError
from evals.memory import Held, held_by
from evals.page_load import by_page
from evals.page_servers import Served, free_port, running, served
from evals.questions import Question

__all__ = ["Held", "Mixed", "mixed", "process"]

AT_ONCE = 4  # clients
ARTICLES, SEARCHES = 5, 5  # of so many questions one is followed by an opened article, one by a search


@dataclass(frozen=True, slots=True)
class Mixed:
    """What was done, and how much of it went wrong."""

    questions: int
    articles: int
    searches: int
    failed: int


@dataclass(frozen=True, slots=True)
class Process:
    """A server in a process of its own."""

    address: str
    pid: int

    def held(self) -> Held:
        """Its memory now; `EvalsError` where the system does not tell."""
        return held_by(self.pid)


@contextmanager
def process(home: Path) -> Iterator[Process]:
    """`python app.py serve` over a home, from its greeting on."""
    arguments = ["-m", "app", "serve", "--home", str(home), "--port", str(free_port())]
    with running(arguments, subprocess.PIPE) as started:
        assert started.stdout
        words = started.stdout.readline().split()
        address = next((word for word in words if word.startswith("http://")), "")
        if not address:
            raise EvalsError(f"The server did not start: {' '.join(arguments)}")
        yield Process(address, started.pid)


def mixed(address: str, questions: Sequence[Question], count: int) -> Mixed:
    """So many questions by the page's own protocol, an article opened and a search made after some of them."""
    return asyncio.run(used(served(address, "q"), served(address, "s"), questions, count))


async def used(asking: Served, searching: Served, questions: Sequence[Question], count: int) -> Mixed:
    """A few clients that take the next question in turn."""
    import httpx

    numbers = iter(range(count))
    done = {"questions": 0, "articles": 0, "searches": 0, "failed": 0}

    async def client(http: "httpx.AsyncClient") -> None:
        for number in numbers:
            question = questions[number % len(questions)]
            # A word of its own makes it another question than the last time it came.
            text = question.question if number < len(questions) else f"{question.question} {secrets.token_hex(2)}"
            note("questions", (await by_page(http, asking, text)).outcome == "answered")
            if number % ARTICLES == 0 and question.evidence:
                opened = await http.get(f"{asking.address}/article/{quote(question.evidence[0].doc_id)}")
                note("articles", opened.status_code == 200)
            if number % SEARCHES == 2:
                note("searches", (await by_page(http, searching, question.question)).outcome == "answered")

    def note(name: str, well: bool) -> None:
        done[name] += 1
        done["failed"] += not well

    async with httpx.AsyncClient(timeout=90) as http:
        await asyncio.gather(*(client(http) for _ in range(AT_ONCE)))
    return Mixed(**done)
