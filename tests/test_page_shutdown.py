"""SIGTERM: nothing new from that moment, answers end or are told, the process is gone within ten seconds."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import httpx
import pytest
from browsing import SLOWLY
from llm_server import LLMServer
from served_page import Page, heard, served

from assistant.page.stopping import SENTENCE, Stopping, StoppingError, until

OSLO = "How did the Oslo talks start?"
LATEST = 10.0  # seconds


def test_answers_end_with_the_server() -> None:
    stopping, closed = Stopping(), Event()

    def growing() -> Iterator[int]:
        try:
            yield from range(100)
        finally:
            closed.set()

    answers = until(stopping.over, growing())
    assert [next(answers), next(answers)] == [0, 1]
    stopping.begin()
    assert next(answers) == 2  # those under way have their time
    stopping.end()
    with pytest.raises(StoppingError, match=r"^The server is stopping\. Ask again when it is back$"):
        next(answers)
    assert closed.is_set()


async def streams(page: Page, count: int, then: Callable[[], None]) -> list[list[dict[str, object]]]:
    """Asks from so many browsers, waits until all have begun, does `then`; all that they were told."""
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=500)) as client:
        bodies = [page.join(OSLO) for _ in range(count)]
        for body in bodies:
            (await client.post(f"{page.queue}/join", json=body, timeout=30)).raise_for_status()
        told = [asyncio.create_task(heard(client, page, body["session_hash"])) for body in bodies]
        await asyncio.sleep(1.0)
        then()
        return list(await asyncio.gather(*told))


def last_words(messages: list[dict[str, object]]) -> str:
    """How an answer ended, whole or broken off; "" where its browser was not told."""
    done = [each for each in messages if each["msg"] == "process_completed"]
    return str(done[-1]) if done else ""


@pytest.mark.slow
def test_f44_an_idle_server_goes_at_once_and_without_a_word(library: Path) -> None:
    for sign in (signal.SIGTERM, signal.SIGINT):
        with served(library) as page:
            httpx.get(page.address, timeout=30)
            gone = page.stop(sign)
            assert (gone.status, gone.out, gone.err) == (0, "", "")
            assert gone.took < 5.0


@pytest.mark.slow
def test_f44_not_ready_at_once_and_running_answers_end(library: Path) -> None:
    """Answers that take three seconds are let end; meanwhile probes and questions are told."""
    found: list[httpx.Response] = []
    with served(library, program=SLOWLY) as page:
        begun = time.monotonic()

        def stop() -> None:
            nonlocal begun
            begun = time.monotonic()
            page.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            found.append(httpx.get(f"{page.address}/healthz", timeout=5))
            found.append(httpx.get(f"{page.address}/readyz", timeout=5))
            found.append(httpx.post(f"{page.queue}/join", json=page.join(OSLO), timeout=5))

        told = asyncio.run(streams(page, 3, stop))
        gone = page.ended(begun)
    healthz, readyz, question = found
    assert (healthz.status_code, healthz.text) == (200, "ok")
    assert readyz.status_code == 503
    assert readyz.json() == {"ready": False, "reason": "stopping", "detail": "The server is stopping"}
    assert (question.status_code, question.json()) == (503, {"detail": SENTENCE})
    assert question.headers["retry-after"] == "5"
    assert gone.status == 0
    assert gone.took < LATEST
    assert "Traceback" not in gone.err
    for messages in told:
        completed = [each for each in messages if each["msg"] == "process_completed"]
        assert len(completed) == 1
        assert completed[0]["success"] or SENTENCE in str(completed[0]) or "stopping" in str(messages)
        assert messages[-1]["msg"] == "close_stream"


def stopped_under_load(library: Path, number: int) -> str:
    """One server, stopped in one of five ways; what is wrong with how it went, or ""."""
    kind = ("answers", "hanging", "silent", "flood", "idle")[number % 5]
    with LLMServer("hangs after the first tokens" if kind == "hanging" else "hangs before the head") as model:
        settings = {"llm_base_url": model.address, "llm_model": "fake"} if kind in ("hanging", "silent") else {}
        with served(library, **settings) as page:
            begun = [0.0]

            def stop() -> None:
                begun[0] = time.monotonic()
                page.process.send_signal(signal.SIGINT if number % 2 else signal.SIGTERM)

            count = {"answers": 8, "hanging": 4, "silent": 4, "flood": 60, "idle": 0}[kind]
            told = asyncio.run(streams(page, count, stop))
            gone = page.ended(begun[0])
    wrong = []
    if gone.status != 0:
        wrong.append(f"status {gone.status}")
    if gone.took > LATEST:
        wrong.append(f"{gone.took:.1f} s")
    if gone.out or [line for line in gone.err.splitlines() if not line.startswith("Stopping: ")]:
        wrong.append(gone.out + gone.err)
    wrong += [f"not told: {messages[-2:]}" for messages in told if not last_words(messages)]
    return f"{number} {kind}: {'; '.join(wrong)}" if wrong else ""


@pytest.mark.slow
def test_f44_twenty_of_twenty_under_load(library: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        wrong = [each for each in pool.map(lambda number: stopped_under_load(library, number), range(20)) if each]
    assert wrong == []
