"""`eval page`, short: a page is opened, questions are typed, its server is weighed; and how the figures are told."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from browsing import CHROMIUM
from conftest import Run

from evals import page_memory, page_speed
from evals.commands.page import MEMORY, PAINT, WORDS, row, sample, weighed, within
from evals.errors import EvalsError
from evals.page_load import Asked
from evals.page_memory import Held, Mixed, Process, process, used
from evals.page_servers import Served, copied
from evals.page_speed import PATIENCE, Load, chromium, first_words, loads
from evals.questions import load_questions

TYPED = ("Who hosted the talks in Aceh?", "How did the Oslo talks start?", "What is the Chatham House Rule?")


def test_a_row_of_the_table() -> None:
    assert row("first paint, cold", [float(each) for each in range(1, 22)], "under 1500 ms") == (
        "first paint, cold",
        "21",
        "11",
        "20",
        "under 1500 ms",
    )
    assert row("Enter to first words", [], "") == ("Enter to first words", "0", "", "", "")


def test_the_limits_are_for_the_median_and_the_largest_size() -> None:
    assert within([PAINT - 1, PAINT - 1, 60_000], [WORDS, WORDS, 60_000], MEMORY)
    assert not within([PAINT], [WORDS], MEMORY)
    assert not within([1], [WORDS + 1], MEMORY)
    assert not within([1], [1], MEMORY + 0.1)
    assert not within([1], [], MEMORY)


def test_questions_are_taken_evenly_from_those_that_are_answered_by_themselves() -> None:
    fit = [each for each in load_questions() if each.answerable and not each.history]
    few = sample(5)
    assert [fit.index(each) for each in few] == [number * (len(fit) // 5) for number in range(5)]
    assert sample(10 * len(fit)) == fit


def test_memory_is_told_in_mib_and_where_it_is_not_in_a_sentence() -> None:
    held = Process("", os.getpid()).held()
    assert 10 < held.pss <= held.rss < 100_000
    with pytest.raises(
        EvalsError, match=r"^The memory of process 4194305 is not told here: No such file or directory$"
    ):
        Process("", 4_194_305).held()  # above the most that Linux gives


def test_mixed_use_is_counted_with_what_went_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fakes: a page that answers each question, opens no article and breaks off each search."""
    asking, searching = Served("http://127.0.0.1:1", 1, ("textbox",)), Served("http://127.0.0.1:1", 2, ("textbox",))
    texts: list[str] = []

    async def by_page(_: httpx.AsyncClient, at: Served, question: str) -> Asked:
        if at is asking:
            texts.append(question)
        return Asked("answered" if at is asking else "lost", 0.1, 0.2)

    client = httpx.AsyncClient
    transport = httpx.MockTransport(lambda request: httpx.Response(404))
    monkeypatch.setattr(page_memory, "by_page", by_page)
    monkeypatch.setattr(httpx, "AsyncClient", lambda timeout: client(transport=transport, timeout=timeout))
    cited = [each for each in load_questions() if each.evidence][:7]
    assert asyncio.run(used(asking, searching, cited, 20)) == Mixed(questions=20, articles=4, searches=4, failed=8)
    assert len(set(texts)) == 20  # no question comes twice in the same words


class Weighed:
    """A fake server that grows."""

    address = "http://127.0.0.1:1"

    def __init__(self, *sizes: float) -> None:
        self.sizes = iter(sizes)

    def held(self) -> Held:
        size = next(self.sizes)
        return Held(size, size / 2)


def fake(monkeypatch: pytest.MonkeyPatch, server: Weighed, words: Sequence[float]) -> None:
    """In place of the server, the browser and the clients."""

    @contextmanager
    def one(*_: object) -> Iterator[Any]:
        yield server

    monkeypatch.setattr(page_memory, "process", one)
    monkeypatch.setattr(page_memory, "mixed", lambda address, questions, count: Mixed(count, 2, 3, 1))
    monkeypatch.setattr(page_speed, "chromium", one)
    monkeypatch.setattr(page_speed, "loads", lambda *_: ([Load(100, 200)], [Load(50, 60)]))
    monkeypatch.setattr(page_speed, "first_words", lambda *_: list(words))


def test_the_largest_size_counts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    fake(monkeypatch, Weighed(200, 390.4, 380), [])
    assert weighed(Path(), 500) == 390.4
    assert capsys.readouterr().out.splitlines() == [
        "| memory of the server | resident MiB | proportional MiB |",
        "| --- | ---: | ---: |",
        "| started | 200 | 100 |",
        "| after 100 questions | 390 | 195 |",
        "| after mixed use of 500 | 380 | 190 |",
        "",
        "Mixed use: 500 questions, 2 articles opened, 3 searches, 1 failed. Asked: at most 381 MiB, which are 400 MB.",
    ]


@pytest.mark.parametrize(("words", "status"), [([100.0, 200.0], 0), ([400.0], 1), ([], 1)])
def test_the_command_prints_its_tables_and_tells_by_its_status(
    run: Run, library: Path, monkeypatch: pytest.MonkeyPatch, words: list[float], status: int
) -> None:
    fake(monkeypatch, Weighed(200, 300, 300), words)
    found, out, _ = run("eval", "page", "--loads", 1, "--questions", 2, "--home", library)
    assert found == status
    lines = out.splitlines()
    assert [line.split(" | ")[:3] for line in lines[:7]] == [
        ["| what", "n", "median"],
        ["| ---", "---:", "---:"],
        ["| first paint, cold", "1", "100"],
        ["| first paint, reload", "1", "50"],
        ["| question box, cold", "1", "200"],
        ["| question box, reload", "1", "60"],
        ["| Enter to first words", str(len(words)), f"{sum(words) / len(words):.0f}" if words else ""],
    ]
    assert "| after mixed use of 500 | 300 | 150 |" in lines


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")
def test_figures_of_the_page_and_its_server(library: Path, tmp_path: Path) -> None:
    with process(copied(library, tmp_path)) as server:
        started = server.held()
        with chromium() as browser:
            cold, warm = loads(browser, server.address, 2)
            words = first_words(browser, server.address, TYPED)
    assert (len(cold), len(warm), len(words)) == (2, 2, 2)  # the first question only wakes the server
    assert all(0 < each.painted < PATIENCE and 0 < each.box < PATIENCE for each in cold + warm)
    assert all(0 < each < PATIENCE for each in words)
    assert 50 < started.pss <= started.rss < 2000
