"""A conversation that comes back from a browser: what is read of it, and what of it is believed."""

import json
from dataclasses import replace
from typing import Any

import pytest

from assistant.answering import Assistant
from assistant.conversations import LARGEST, LONGEST, answer_of, borne_out, read, turns_of
from assistant.errors import ConversationError
from assistant.receipts import receipt_of, to_json
from assistant.types import Answer

OSLO = "How did the Oslo talks start?"
PERU = "What is the capital of Peru?"


@pytest.fixture(scope="module")
def answer(assistant: Assistant) -> Answer:
    return assistant.ask(OSLO)


@pytest.fixture
def entry(assistant: Assistant, answer: Answer) -> dict[str, Any]:
    """An exchange as the browser has it, to be forged."""
    return dict(json.loads(json.dumps(to_json(receipt_of(assistant, answer)))))


def test_what_was_answered_is_read_as_it_was(assistant: Assistant, answer: Answer, entry: dict[str, Any]) -> None:
    (receipt,) = read(json.dumps([entry]))
    again = answer_of(receipt)
    assert again == replace(answer, passages=(), timings_ms={})
    assert borne_out(again, assistant.index) == (again, 0)


def test_what_was_said(assistant: Assistant, answer: Answer, entry: dict[str, Any]) -> None:
    peru = to_json(receipt_of(assistant, assistant.ask(PERU)))
    turns = turns_of(read(json.dumps([entry, peru])))
    assert [(turn.role, turn.content) for turn in turns] == [
        ("user", OSLO),
        ("assistant", answer.text),
        ("user", PERU),
        ("assistant", "The articles do not cover this."),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('"x"', "is no list of receipts"),
        ("[1]", "is no list of receipts"),
        ("[{}]", "Exchange 1 of the conversation has format None; this program reads format 2"),
        ('[{"format": 2}]', "Exchange 1 of the conversation is damaged: its question is missing"),
        ("[" + "{}," * LONGEST + "{}]", "has 201 exchanges; at most 200"),
        (" " * (LARGEST + 1), "has 900,001 characters; at most 900,000"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(text: str, says: str) -> None:
    with pytest.raises(ConversationError, match=says):
        read(text)


def test_nothing_is_an_empty_conversation() -> None:
    assert read("") == ()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("sentences", 0, "support"), "proven"),
        (("sentences", 0, "citations"), "1"),
        (("citations", 0, "start"), "a"),
        (("citations", 0, "onward"), 5),
        (("outcome",), "invented"),
        (("confidence",), "high"),
        (("ledger",), []),
    ],
)
def test_an_answer_of_another_kind_is_refused(entry: dict[str, Any], place: tuple[Any, ...], value: Any) -> None:
    part = entry["answer"]
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    with pytest.raises(ConversationError, match="Exchange 1 of the conversation is damaged"):
        read(json.dumps([entry]))


def forged(entry: dict[str, Any], assistant: Assistant) -> tuple[Answer, int]:
    return borne_out(answer_of(read(json.dumps([entry]))[0]), assistant.index)


@pytest.mark.parametrize(
    "change",
    [
        {"quote": "Peru invited them."},
        {"start": -5},
        {"start": 10**9, "end": 10**9 + 5},
        {"doc_id": "../../etc/passwd"},
        {"doc_id": "aceh"},
    ],
)
def test_a_citation_whose_words_do_not_stand_there_is_left_out(
    entry: dict[str, Any], assistant: Assistant, answer: Answer, change: dict[str, Any]
) -> None:
    entry["answer"]["citations"][0] |= change
    shown, gone = forged(entry, assistant)
    assert gone == 1
    assert [each.number for each in shown.citations] == [each.number for each in answer.citations[1:]]
    assert (shown.sentences[0].citations, shown.sentences[0].support) == ((), "unsupported")
    assert shown.sentences[1] == answer.sentences[1]


def test_title_and_sources_are_the_article_s(entry: dict[str, Any], assistant: Assistant, answer: Answer) -> None:
    entry["answer"]["citations"][0] |= {
        "title": "A title of my own",
        "source": "https://example.org",
        "date": "2030",
        "onward": [{"title": "Nothing"}],
        "also": ["elsewhere"],
        "page": 7,
        "version": "0",
    }
    assert forged(entry, assistant) == (replace(answer, passages=(), timings_ms={}), 0)


def test_words_that_are_no_quote_are_not_called_one(entry: dict[str, Any], assistant: Assistant) -> None:
    entry["answer"]["sentences"][0]["text"] = "The Oslo talks never took place."
    shown, gone = forged(entry, assistant)
    assert gone == 0
    assert shown.sentences[0].support == "unsupported"
    assert shown.sentences[1].support == "quoted"


def test_a_sentence_that_was_stopped_is_the_beginning_of_its_quote(entry: dict[str, Any], assistant: Assistant) -> None:
    sentence = entry["answer"]["sentences"][0]
    sentence["text"] = " ".join(sentence["text"].split()[:5]) + "…"
    assert forged(entry, assistant)[0].sentences[0].support == "quoted"
    sentence["text"] = "The talks in Peru…"
    assert forged(entry, assistant)[0].sentences[0].support == "unsupported"
