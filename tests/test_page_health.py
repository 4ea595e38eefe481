"""`/healthz` and `/readyz`: alive whatever happens, ready only where a question would be answered (F45)."""

import asyncio
import shutil
import threading
import time
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from gradio import Blocks

from assistant.answering import Assistant
from assistant.living import LiveAssistant
from assistant.page import health
from assistant.page.crowd import Crowd
from assistant.page.health import Readiness, router
from assistant.page.stopping import Stopping
from assistant.settings import PageSettings
from index.errors import EmbedderError


class Probed:
    """The routes over a live assistant, asked in one event loop."""

    def __init__(self, live: LiveAssistant) -> None:
        blocks = Blocks(analytics_enabled=False)
        blocks.queue()
        self.stopping = Stopping()
        self.crowd = Crowd(blocks._queue, PageSettings.load(), False)
        self.app = FastAPI()
        self.app.include_router(router(live, self.stopping, self.crowd, False))

    def ask(self, *paths: str) -> list[httpx.Response]:
        async def all_of_them() -> list[httpx.Response]:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return [await client.get(path) for path in paths]

        return asyncio.run(all_of_them())

    def reason(self) -> str:
        """Why it is not ready; alive it is all the same."""
        alive, ready = self.ask("/healthz", "/readyz")
        assert (alive.status_code, alive.text) == (200, "ok")
        assert ready.status_code == 503
        assert ready.json()["ready"] is False
        assert set(ready.json()) == {"ready", "reason", "detail"}
        assert ready.headers["content-type"] == "application/json"
        return str(ready.json()["reason"])


def test_f45_ready_where_a_question_is_answered(assistant: Assistant) -> None:
    alive, ready = Probed(LiveAssistant(assistant)).ask("/healthz", "/readyz")
    assert (alive.status_code, alive.text) == (200, "ok")
    generation = assistant.index.status().generation
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "generation": generation, "documents": 12})


def test_f45_the_index_is_missing(own_home: Path) -> None:
    live = LiveAssistant.open(own_home)
    shutil.rmtree(own_home / "generations")
    (own_home / "current").unlink()
    assert Probed(live).reason() == "index"


def test_f45_the_index_is_damaged(own_home: Path) -> None:
    live = LiveAssistant.open(own_home)
    (store,) = own_home.glob("generations/*/store.sqlite")
    store.chmod(0o600)
    with store.open("r+b") as file:
        file.truncate(4096)
    assert Probed(live).reason() in ("index", "search")


def test_f45_the_model_is_missing(assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fake: the embedder fails as one does whose model cannot be read."""

    def fail(*args: object) -> None:
        raise EmbedderError("The model is gone")

    monkeypatch.setattr(assistant, "search", fail)
    assert Probed(LiveAssistant(assistant)).reason() == "model"


def test_f45_the_workers_are_stuck(assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LIMIT", 0.2)
    go_on = threading.Event()
    monkeypatch.setattr(assistant, "search", lambda *args: go_on.wait(5))
    threading.Timer(1.0, go_on.set).start()
    begun = time.monotonic()
    assert Probed(LiveAssistant(assistant)).reason() == "workers"
    assert time.monotonic() - begun < 5


def test_f45_all_places_are_taken_for_too_long(assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    probed = Probed(LiveAssistant(assistant))
    monkeypatch.setattr(probed.crowd, "oldest", lambda: health.STUCK + 1)
    assert probed.reason() == "workers"


def test_f45_the_server_is_stopping(assistant: Assistant) -> None:
    probed = Probed(LiveAssistant(assistant))
    assert probed.ask("/readyz")[0].status_code == 200
    probed.stopping.begin()
    assert probed.reason() == "stopping"


@pytest.mark.slow
def test_probes_by_the_hundred_cost_one_search(assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []
    search = assistant.search
    monkeypatch.setattr(assistant, "search", lambda question, k: searched.append(question) or search(question, k))
    live = LiveAssistant(assistant)
    probed = Probed(live)
    readiness = Readiness(live, probed.stopping, probed.crowd)

    async def many() -> list[bool]:
        return [found.ready for found in await asyncio.gather(*(readiness.finding() for _ in range(100)))]

    assert asyncio.run(many()) == [True] * 100
    assert len(searched) == 1
