"""What is counted and what is logged: no question, no address, no key; `/metrics` for this machine only."""

import json
import logging
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from assistant.answering import Assistant
from assistant.living import LiveAssistant
from assistant.page import logs, metrics
from assistant.page.crowd import Crowd
from assistant.page.health import router
from assistant.page.stopping import Stopping
from assistant.types import Answer
from index.errors import DamagedIndexError

OSLO = "How did the Oslo talks start?"


def value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


def test_an_answer_is_counted_once_in_each_way(assistant: Assistant) -> None:
    answer = assistant.ask(OSLO)
    labels = {"surface": "api", "outcome": "answered", "writer": "extractive"}
    before = value("backchannel_questions_total", **labels)
    quoted = value("backchannel_sentences_total", support="quoted")
    timed = value("backchannel_stage_seconds_count", stage="retrieval")
    metrics.answered(answer, "api")
    assert value("backchannel_questions_total", **labels) == before + 1
    assert value("backchannel_sentences_total", support="quoted") == quoted + answer.ledger["quoted"]
    assert value("backchannel_stage_seconds_count", stage="retrieval") == timed + 1


def test_a_stream_is_counted_at_its_end_and_only_then(assistant: Assistant, caplog: pytest.LogCaptureFixture) -> None:
    labels = {"surface": "mcp", "outcome": "answered", "writer": "extractive"}
    before = value("backchannel_questions_total", **labels)
    caplog.set_level(logging.INFO, logs.ANSWERS.name)
    growing = metrics.counted(assistant.stream(OSLO), "mcp")
    next(growing)
    growing.close()  # its reader has left
    assert (value("backchannel_questions_total", **labels), caplog.messages) == (before, [])
    *_, last = metrics.counted(assistant.stream(OSLO), "mcp")
    assert last.citations == assistant.ask(OSLO).citations
    assert value("backchannel_questions_total", **labels) == before + 1
    assert caplog.messages == ["answer"]


@pytest.mark.parametrize(("error", "fault"), [(KeyError("x"), 1), (DamagedIndexError("It is damaged"), 0)])
def test_a_fault_of_ours_is_counted_and_a_refusal_is_not(assistant: Assistant, error: Exception, fault: int) -> None:
    def fails() -> Iterator[Answer]:
        yield assistant.ask(OSLO)
        raise error

    before = value("backchannel_failures_total", surface="api")
    with pytest.raises(type(error)):
        list(metrics.counted(fails(), "api"))
    assert value("backchannel_failures_total", surface="api") == before + fault


def test_labels_do_not_grow_with_what_comes_from_outside(assistant: Assistant) -> None:
    metrics.answered(assistant.ask(OSLO), "x" * 100)
    assert value("backchannel_questions_total", surface="other", outcome="answered", writer="extractive") >= 1


def test_the_exposition_names_what_is_served_and_no_question(assistant: Assistant) -> None:
    metrics.answered(assistant.ask("What is the capital of Peru?"), "page")
    metrics.refused("busy")
    status = assistant.index.status()
    text = metrics.exposition(status, 3, 5).decode()
    families = {each.name: each for each in text_string_to_metric_families(text)}
    assert {sample.labels["generation"]: sample.value for sample in families["backchannel_generation"].samples} == {
        status.generation: 1.0
    }
    assert [families[f"backchannel_{name}"].samples[0].value for name in ("running", "waiting", "documents")] == [
        3.0,
        5.0,
        12.0,
    ]
    assert any(sample.labels.get("outcome") == "not_covered" for sample in families["backchannel_questions"].samples)
    assert "Peru" not in text


# -- who may see them ----------------------------------------------------------------------------------------------


def of_metrics(assistant: Assistant, peer: str, open_metrics: bool, headers: dict[str, str]) -> int:
    """The status of `/metrics` for a visitor from there."""
    from fastapi import FastAPI
    from gradio import Blocks

    from assistant.page.forwarded import Forwarded
    from assistant.settings import PageSettings

    app = FastAPI()
    app.add_middleware(Forwarded)
    blocks = Blocks(analytics_enabled=False)
    blocks.queue()
    crowd = Crowd(blocks._queue, PageSettings.load(), False)
    app.include_router(router(LiveAssistant(assistant), Stopping(), crowd, open_metrics))
    return TestClient(app, client=(peer, 1)).get("/metrics", headers=headers).status_code


@pytest.mark.parametrize(
    ("peer", "open_metrics", "headers", "status"),
    [
        ("127.0.0.1", False, {}, 200),
        ("::1", False, {}, 200),
        ("::ffff:127.0.0.1", False, {}, 200),
        ("192.0.2.1", False, {}, 403),
        ("192.0.2.1", True, {}, 200),
        ("192.0.2.1", False, {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("127.0.0.1", False, {"X-Forwarded-For": "192.0.2.1"}, 403),  # through a proxy that nobody has named
    ],
)
def test_metrics_are_for_this_machine(
    assistant: Assistant, peer: str, open_metrics: bool, headers: dict[str, str], status: int
) -> None:
    assert of_metrics(assistant, peer, open_metrics, headers) == status


# -- logs ----------------------------------------------------------------------------------------------------------

CANARY = "sk-canary-7731-a8f2"


@pytest.fixture
def logging_restored() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    logs.known_secrets.clear()
    for logger in (logs.ACCESS, logs.ANSWERS):
        logger.setLevel(logging.NOTSET)


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.usefixtures("logging_restored")
def test_json_logs_are_one_object_a_line(assistant: Assistant, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", access=True)
    metrics.answered(assistant.ask(OSLO), "page")
    logging.getLogger("assistant.x").warning("two\nlines\x1b[31m")
    try:
        raise ZeroDivisionError("by hand")
    except ZeroDivisionError:
        logging.getLogger("assistant.x").exception("A fault")
    answer, warning, fault = lines(capsys.readouterr().err)
    assert (answer["event"], answer["level"], answer["surface"], answer["outcome"], answer["writer"]) == (
        "answer",
        "info",
        "page",
        "answered",
        "extractive",
    )
    assert set(answer) >= {"time", "confidence", "generation", "ledger", "timings_ms"}
    assert "question" not in answer
    assert (warning["event"], warning["message"]) == ("message", "two\nlines\x1b[31m")
    assert "ZeroDivisionError: by hand" in str(fault["traceback"])


@pytest.mark.usefixtures("logging_restored")
def test_questions_are_logged_only_where_that_is_asked_for(
    assistant: Assistant, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = assistant.ask(OSLO)
    for questions in (False, True):
        logs.configure("json", access=True, questions=questions)
        metrics.answered(answer, "page")
        assert (OSLO in capsys.readouterr().err) is questions


@pytest.mark.usefixtures("logging_restored")
@pytest.mark.parametrize("form", ["json", "text"])
def test_t20_no_key_is_logged_in_whatever_way(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(form, access=True, keys=[CANARY])
    log = logging.getLogger("assistant.x")
    log.warning("key %s", CANARY)
    log.warning("header Authorization: Bearer abcdef123456 sent")
    logs.event(logs.ACCESS, "request", path=f"/x/{CANARY}")
    try:
        raise ValueError({"headers": {"authorization": f"Bearer {CANARY}"}, "key": CANARY})
    except ValueError:
        log.exception("A fault with %s", CANARY)
    err = capsys.readouterr().err
    assert CANARY not in err
    assert "abcdef123456" not in err
    assert err.count("***") >= 5
    assert "Traceback" in err


@pytest.mark.usefixtures("logging_restored")
def test_text_logs_write_control_characters_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("text", access=True)
    logs.event(logs.ACCESS, "request", path="/a\nFORGED \x1b[31m")
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert '"/a\\nFORGED \\u001b[31m"' in err


def test_an_address_is_told_apart_and_not_told() -> None:
    one, other = logs.pseudonym("192.0.2.1"), logs.pseudonym("192.0.2.2")
    assert one == logs.pseudonym("192.0.2.1") != other
    assert len(one) == 12
