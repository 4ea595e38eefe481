"""The assistant over whatever generation is live: taken beside the old one, which goes on as long as it is used."""

import itertools
import json
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, index
from living_home import ANSWER, LANTERN, OSLO, WITHDRAWN, Home, add, texts_of

from assistant import living, reranking
from assistant.answering import Assistant
from assistant.living import AGAIN, LiveAssistant
from assistant.settings import AssistantSettings
from assistant.types import Answer
from index import searching
from index.errors import UnknownDocumentError
from index.generation import MANIFEST, POINTER, digest_of
from index.settings import IndexSettings

LEVELS = "What are the levels of track diplomacy?"


@pytest.fixture
def home(live_home: Home) -> Home:
    return live_home


def serving(live: LiveAssistant) -> str:
    return live.current().index.status().generation


def flip(path: Path, offset: int) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:offset] + bytes([whole[offset] ^ 1]) + whole[offset + 1 :])


# -- a new generation ------------------------------------------------------------------------------------------------


def test_f10_a_new_generation_is_taken_without_a_restart(home: Home, live: LiveAssistant) -> None:
    assert not live.look()
    first = live.current()
    assert serving(live) == home.old
    home.point(home.new)
    assert live.current() is first
    assert live.look()
    answer = live.current().ask(LANTERN)
    assert answer.generation == home.new
    assert answer.sentences[0].text == ANSWER.format(name="Asmund")
    assert home.exact(answer)
    assert first.ask(LANTERN).generation == home.old
    second = live.current()
    assert not live.look()
    assert live.current() is second


def test_f10_a_rollback_is_taken_as_well(home: Home, live: LiveAssistant) -> None:
    home.point(home.new)
    assert live.look()
    home.point(home.old)
    assert live.look()
    assert live.current().ask(LANTERN).generation == home.old
    assert serving(live) == home.old


def test_f16_an_article_that_is_withdrawn_is_gone_with_the_swap(home: Home, live: LiveAssistant) -> None:
    assert WITHDRAWN in {each.passage.doc_id for each in live.current().search(LEVELS)}
    home.point(home.new)
    assert live.look()
    now = live.current()
    assert WITHDRAWN not in {each.passage.doc_id for each in now.search(LEVELS, 1000)}
    assert WITHDRAWN not in {each.doc_id for each in now.index.summaries()}
    assert WITHDRAWN not in str(now.ask(LEVELS).to_json())
    with pytest.raises(UnknownDocumentError):
        now.index.document(WITHDRAWN)


def test_f11_a_running_answer_ends_on_the_generation_it_began_with(home: Home, live: LiveAssistant) -> None:
    """Also when that is pruned meanwhile: what is mapped or open stays readable."""
    expected = live.current().ask(OSLO)
    running = live.current().stream(OSLO)
    begun = next(running)
    old = live.current()
    home.point(home.new)
    assert live.look()
    home.prune(home.old)
    *_, ended = running
    assert begun.generation == ended.generation == home.old
    assert len(ended.citations) > 0
    assert ended.to_json()["citations"] == expected.to_json()["citations"]
    assert home.exact(ended)
    assert live.current().ask(OSLO).generation == home.new
    for question in (LANTERN, "What is a track-two dialogue?", "Who mediated in Mozambique?", "capital of Peru"):
        old.ask(question)  # from its first word on without its files
    assert len(old.index.summaries()) == len(home.texts[home.old])
    assert {each: old.index.document(each).text for each in home.texts[home.old]} == home.texts[home.old]


def test_models_are_loaded_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from llama_index.core.llms import MockLLM

    loaded = []

    class Reranker:
        def __init__(self, name: str) -> None:
            loaded.append(name)

        def rerank(self, question: str, passages: Any) -> Any:
            raise AssertionError("a question might wait for it")

    monkeypatch.setattr(reranking, "CrossEncoderReranker", Reranker)
    reranking.opened.cache_clear()
    opened = searching.LocalIndex.open(IndexSettings.load(home=home.path))
    settings = AssistantSettings.load(reranker="any")
    plain = Assistant.over(opened, settings)
    live = LiveAssistant(Assistant(opened, settings, language_model=MockLLM(), reader=plain.reader))
    first = live.current()
    home.point(home.new)
    assert live.look()
    second = live.current()
    reranking.opened.cache_clear()
    assert loaded == ["any"]
    assert first.model is not None
    assert second.model is first.model  # its budget and its circuit breaker with it
    assert second.reader is first.reader is not None
    assert second.index.embedder is first.index.embedder
    assert second.settings is first.settings
    assert isinstance(second.retriever, reranking.RerankingRetriever)
    assert second.retriever.retriever.index is second.index  # type: ignore[attr-defined]


# -- what is not taken -----------------------------------------------------------------------------------------------


def refuse(home: Home, live: LiveAssistant, caplog: pytest.LogCaptureFixture) -> str:
    """Looks thrice and gives the one warning."""
    before = live.current()
    with caplog.at_level(logging.WARNING):
        assert [live.look() for _ in range(3)] == [False] * 3
    assert live.current() is before
    (record,) = caplog.records
    assert before.index.warning == record.getMessage()
    answer = live.current().ask(OSLO)
    assert (answer.generation, answer.notices[0]) == (home.old, before.index.warning)
    return before.index.warning


@pytest.mark.parametrize("file", ["store.sqlite", "passages.faiss", "sentences.npy", "lexical/meta.json", MANIFEST])
def test_f12_a_damaged_new_generation_is_not_taken(
    home: Home, live: LiveAssistant, file: str, caplog: pytest.LogCaptureFixture
) -> None:
    flip(home.path / "generations" / home.new / file, 60)
    home.point(home.new)
    warning = refuse(home, live, caplog)
    assert warning.startswith(f"Generation {home.new} is damaged: ")
    assert warning.endswith(f". Serving generation {home.old} instead; mend with: python app.py index apply")
    assert "\n" not in warning
    home.point(home.old)
    assert not live.look()
    assert live.current().index.warning == ""


def test_a_refused_generation_is_tried_again_after_a_minute(home: Home) -> None:
    now = [0.0]
    live = LiveAssistant(Assistant.open(home.path), clock=lambda: now[0])
    heard: list[str] = []
    live.listeners.append(lambda: heard.append(live.current().index.warning))
    store = home.path / "generations" / home.new / "store.sqlite"
    flip(store, 60)
    home.point(home.new)
    assert not live.look()
    flip(store, 60)
    now[0] = AGAIN - 0.1
    assert not live.look()
    now[0] = AGAIN
    assert live.look()
    assert serving(live) == home.new
    assert (len(heard), heard[1]) == (2, "")


def test_a_generation_of_another_embedder_is_not_taken(
    home: Home, live: LiveAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    path = home.path / "generations" / home.new / MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8"))
    del manifest["digest"]
    manifest["embedder"] |= {"name": "another", "digest": "0" * 64}
    path.write_text(json.dumps({**manifest, "digest": digest_of(manifest)}), encoding="utf-8")
    home.point(home.new)
    assert refuse(home, live, caplog) == (
        f"Generation {home.new} was built with another embedder, another (digest 000000000000); restart with it to "
        f"serve that. Serving generation {home.old} instead"
    )


@pytest.mark.parametrize("content", [None, b"", b"no-such-generation\n", b"\xff\xfe", b"../../etc\n"])
def test_a_pointer_that_points_nowhere_changes_nothing(
    home: Home, live: LiveAssistant, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    pointer = home.path / POINTER
    pointer.unlink()
    if content is not None:
        pointer.write_bytes(content)
    assert refuse(home, live, caplog).startswith(f"The pointer {pointer} ")


def test_a_fault_of_ours_changes_nothing_and_is_in_the_log(
    home: Home, live: LiveAssistant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: Any) -> Any:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(searching.LocalIndex, "successor", broken)
    live.listeners.append(lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    home.point(home.new)
    with caplog.at_level(logging.ERROR):
        assert not live.look()
    assert "ZeroDivisionError" in caplog.text
    assert live.current().index.warning == (
        f"Generation {home.new} could not be opened (RuntimeError('unforeseen')). Serving generation {home.old} instead"
    )


def test_a_generation_that_is_pruned_while_it_is_opened_is_passed_over(
    home: Home, live: LiveAssistant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With one generation kept, the next publishing removes it under the reader's hands."""
    whole = searching.live

    def slow(path: Path) -> Any:
        found = whole(path)
        if found.name == "passing":
            home.prune("passing")
            home.point(home.new)
        return found

    shutil.copytree(home.path / "generations" / home.new, home.path / "generations" / "passing")
    manifest = json.loads((home.path / "generations" / "passing" / MANIFEST).read_text(encoding="utf-8"))
    del manifest["digest"]
    manifest["generation"] = "passing"
    text = json.dumps({**manifest, "digest": digest_of(manifest)})
    (home.path / "generations" / "passing" / MANIFEST).write_text(text, encoding="utf-8")
    monkeypatch.setattr(searching, "live", slow)
    home.point("passing")
    assert not live.look()
    assert live.look()
    assert serving(live) == home.new
    assert (live.current().index.warning, caplog.records) == ("", [])


# -- beside the questions --------------------------------------------------------------------------------------------


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "too late"
        time.sleep(0.005)


def test_no_question_waits_for_a_generation_that_is_being_opened(
    home: Home, live: LiveAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening, opened = threading.Event(), threading.Event()
    whole = living.successor

    def slow(old: Assistant) -> Assistant:
        opening.set()
        assert opened.wait(10)
        return whole(old)

    monkeypatch.setattr(living, "successor", slow)
    with live.following(every=0.01):
        home.point(home.new)
        assert opening.wait(10)
        assert live.current().ask(OSLO).generation == home.old
        opened.set()
        wait_until(lambda: serving(live) == home.new)
        home.point(home.old)
        wait_until(lambda: serving(live) == home.old)
    assert "following" not in {thread.name for thread in threading.enumerate()}
    home.point(home.new)
    time.sleep(0.05)
    assert serving(live) == home.old


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts in /proc")
def test_f43_files_and_threads_stay_as_many(home: Home) -> None:
    arguments = [sys.executable, str(ROOT / "tests" / "swapping.py"), str(home.path), home.new, home.old]
    found = subprocess.run(
        arguments, capture_output=True, text=True, check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    told = json.loads(found.stdout)
    counts = [tuple(each) for each in told["counts"]]
    assert len(counts) == 50
    assert len(set(counts[3:])) == 1  # from then on two stores of older generations are open
    assert told["serving"] == home.old
    assert [Path(name).name for name in told["held"] if f"/{home.new}/" in name] == ["store.sqlite"]


@pytest.mark.slow
def test_f10_twenty_publishings_under_four_asking_threads(home: Home, tmp_path: Path, library: Path) -> None:
    """Each answer from one generation only, whose words it quotes; no error; the last is answered from in the end."""
    articles = tmp_path / "articles"
    shutil.copytree(library.parent / "articles", articles)
    add(articles, "Bartholomaeus")
    third = index(home.path, articles).generation
    templates = []  # in each the words of the Oslo article stand elsewhere
    for name in (home.old, home.new, third.name):
        home.texts[name] = texts_of(home.path, name)
        templates.append(shutil.move(home.path / "generations" / name, tmp_path / name))
    home.publish(templates[0], "g00", 1)
    home.texts["g00"] = home.texts[home.old]
    live = LiveAssistant.open(home.path, reader=False)  # many quick answers
    answers: list[Answer] = []
    faults: list[BaseException] = []
    over = threading.Event()
    questions = (OSLO, LANTERN, "Who mediated in Mozambique?", "What is the Chatham House Rule?")

    def asks(start: int) -> None:
        for question in itertools.islice(itertools.cycle(questions), start, None):
            if over.is_set():
                return
            try:
                answers.append(live.current().ask(question))
            except BaseException as fault:
                faults.append(fault)

    threads = [threading.Thread(target=asks, args=(start,)) for start in range(4)]
    with live.following(every=0.02):
        for thread in threads:
            thread.start()
        try:
            for number in range(1, 21):
                template = templates[number % 3]
                home.texts[f"g{number:02}"] = home.texts[template.name]
                home.publish(template, f"g{number:02}", keep=1 + number % 2)
                if number % 4:  # else the next one comes at once, perhaps while this one is being opened
                    wait_until(lambda number=number: serving(live) == f"g{number:02}")  # type: ignore[misc]
            wait_until(lambda: serving(live) == "g20")
            count = len(answers)
            wait_until(lambda: len(answers) > count + 8)
        finally:
            over.set()
            for thread in threads:
                thread.join(30)
    assert faults == []
    assert live.current().index.warning == ""
    assert not [answer for answer in answers if not home.exact(answer)]
    assert sum(bool(answer.citations) for answer in answers) > len(answers) / 2
    assert len({answer.generation for answer in answers}) > 10
    assert answers[-1].generation == "g20"
    assert live.current().ask(LANTERN).sentences[0].text == ANSWER.format(name="Bartholomaeus")
