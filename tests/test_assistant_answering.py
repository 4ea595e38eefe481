"""From a question to an answer over the library: citations byte for byte, order, abstention, what cannot be asked."""

import dataclasses
import json
from pathlib import Path

import pytest
from conftest import IN_FULL
from conftest import index as index_sources

from assistant.abstention import names_of
from assistant.answering import Assistant
from assistant.errors import QuestionError
from assistant.types import Turn
from index.errors import SettingsError
from index.filters import Filters

QUESTIONS = [
    "How did the Oslo talks start?",
    "Who mediated the peace talks in Aceh?",
    "What does the Chatham House Rule allow?",
    "Why did Kissinger travel secretly to Beijing?",
    "Where does the term track two come from?",
    "How did the Community of Sant'Egidio mediate in Mozambique?",
    "What is the difference between track two and a back channel?",
]
UNCOVERED = [
    "What is the capital of Peru?",
    "Who won the football World Cup in 2018?",
    "How do vaccines work?",
    "How do I reset the password of my mailbox?",
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_sentence_is_cited_to_its_exact_words(assistant: Assistant, question: str) -> None:
    answer = assistant.ask(question)
    assert answer.outcome == "answered"
    assert 2 <= len(answer.sentences) <= 5
    assert [citation.number for citation in answer.citations] == list(range(1, len(answer.citations) + 1))
    by_number = {citation.number: citation for citation in answer.citations}
    for sentence in answer.sentences:
        assert sentence.support == "quoted"
        assert len(sentence.citations) == 1
        citation = by_number[sentence.citations[0]]
        document = assistant.index.document(citation.doc_id)
        assert citation.quote.encode() == document.text[citation.start : citation.end].encode()
        assert sentence.text == citation.quote
        assert citation.version == document.version
        assert citation.onward, "every sentence of our articles names its source"
    assert len({sentence.text for sentence in answer.sentences}) == len(answer.sentences)
    assert answer.ledger == {
        "sentences": len(answer.sentences),
        "quoted": len(answer.sentences),
        "supported": 0,
        "unsupported": 0,
        "uncited": 0,
        "invented": 0,
        "withdrawn": 0,
    }


def test_the_oslo_answer_names_who_met_whom_when_and_where(assistant: Assistant) -> None:
    answer = assistant.ask("How did the Oslo talks start?")
    first = answer.sentences[0].text
    for name in ("Hirschfeld", "Qurei", "London", "December 1992"):
        assert name in first
    assert answer.citations[0].doc_id == "oslo-channel"
    starts = [citation.start for citation in answer.citations]
    assert starts == sorted(starts), "sentences of one article come in its own order"


def test_onward_sources_are_those_of_the_footnotes(assistant: Assistant) -> None:
    answer = assistant.ask("How did the Oslo talks start?")
    source = answer.citations[0].onward[0]
    known = assistant.index.document("oslo-channel").metadata["sources"]
    assert source in known
    assert source["title"]


@pytest.mark.parametrize("question", UNCOVERED)
def test_not_covered_is_an_answer(assistant: Assistant, question: str) -> None:
    answer = assistant.ask(question)
    assert answer.outcome == "not_covered"
    assert answer.sentences == ()
    assert answer.citations == ()
    assert len(answer.nearest) == 3
    assert len({near.doc_id for near in answer.nearest}) == 3
    assert answer.passages, "the passages that were looked at are still shown"
    assert answer.confidence < 0.5


def test_names_that_the_evidence_lacks_are_said_to_be_missing(assistant: Assistant) -> None:
    assert "Peru" in assistant.ask("What is the capital of Peru?").missing
    assert assistant.ask("How did the Oslo talks start?").missing == ()


def test_names_of_a_question() -> None:
    assert names_of("Who met Ahmed Qurei in London in 1992?") == ["Ahmed", "Qurei", "London", "1992"]
    assert names_of("What is track two?") == []


@pytest.mark.slow
def test_the_seed_answers_from_itself_or_not_at_all(shared: Path, home: Path) -> None:
    index_sources(home, shared / "seed")
    assistant = Assistant.open(home)
    answer = assistant.ask("Why do negotiators use track two before formal talks?")
    assert answer.outcome == "answered"
    assert len({citation.doc_id for citation in answer.citations}) == 1
    assert assistant.ask("What is the capital of Peru?").outcome == "not_covered"


@pytest.mark.slow
@pytest.mark.long
def test_essays_of_others_are_indexed_and_answer(shared: Path, home: Path, tmp_path: Path) -> None:
    """All 747 by `make long`, which take some ten minutes; else every 33rd, the one asked about among them."""
    lines = (shared / "corpora" / "hsg_articles.jsonl").read_text(encoding="utf-8").splitlines()
    chosen = [line for number, line in enumerate(lines) if IN_FULL or number % 33 == 0]
    (tmp_path / "essays.jsonl").write_text("\n".join(chosen), encoding="utf-8")
    done = index_sources(home, tmp_path / "essays.jsonl")
    assert done.generation.manifest["counts"]["documents"] == (747 if IN_FULL else 23)
    assert done.plan.gathered.skipped == ()
    answer = Assistant.open(home).ask("How did Nixon reach out to China in secret?")
    assert answer.outcome == "answered"
    assert "milestones/1969-1976/rapprochement-china" in {citation.doc_id for citation in answer.citations}
    assert "Yahya Khan" in answer.text


@pytest.mark.parametrize(
    ("question", "said"),
    [("", "is empty"), ("   \n", "is empty"), ("?!", "no words"), ("a" * 2001, "2,001 characters; at most 2,000")],
)
def test_what_cannot_be_asked(assistant: Assistant, question: str, said: str) -> None:
    with pytest.raises(QuestionError, match=said):
        assistant.ask(question)


def test_2000_characters_are_read(assistant: Assistant) -> None:
    assert assistant.ask("Oslo " * 399 + "talks").question.startswith("Oslo")


def test_stream_grows_by_sentences_and_ends_with_the_answer(assistant: Assistant) -> None:
    seen = list(assistant.stream("How did the Oslo talks start?"))
    lengths = [len(answer.sentences) for answer in seen]
    assert lengths == [*range(1, lengths[-1] + 1), lengths[-1]]
    for answer in seen:
        numbers = {number for sentence in answer.sentences for number in sentence.citations}
        assert {citation.number for citation in answer.citations} == numbers
    whole = assistant.ask("How did the Oslo talks start?")
    assert dataclasses.replace(seen[-1], timings_ms={}) == dataclasses.replace(whole, timings_ms={})


def test_json_has_the_fields_of_an_answer(assistant: Assistant) -> None:
    plain = json.loads(json.dumps(assistant.ask("How did the Oslo talks start?").to_json()))
    assert list(plain) == [field.name for field in dataclasses.fields(assistant.ask("Oslo talks"))]
    fields = "number doc_id version title source date start end quote onward page also"
    assert list(plain["citations"][0]) == fields.split()
    assert list(plain["passages"][0]) == "passage_id doc_id title heading text start end score dense lexical".split()
    assert set(plain["timings_ms"]) == {"understanding", "retrieval", "evidence", "writing", "total"}


def test_a_follow_up_is_completed_by_the_question_before(assistant: Assistant) -> None:
    history = [Turn("user", "How did the Oslo talks start?"), Turn("assistant", "They began in London.")]
    answer = assistant.ask("and when were they signed?", history)
    assert answer.understood == "When were they signed? (Oslo talks)"
    assert answer.question == "and when were they signed?"
    assert answer.citations[0].doc_id == "oslo-channel"


def test_filters_narrow_the_answer(assistant: Assistant) -> None:
    answer = assistant.ask("How did the talks start?", filters=Filters.parse(regions=["southeast-asia"]))
    documents = {each.passage.doc_id for each in answer.passages}
    assert all("southeast-asia" in assistant.index.document(name).metadata["regions"] for name in documents)
    assert "aceh" in documents


def test_same_question_same_answer(assistant: Assistant) -> None:
    first, second = (dataclasses.replace(assistant.ask("Who was Brendan Duddy?"), timings_ms={}) for _ in range(2))
    assert first == second


def test_control_characters_and_lone_surrogates_do_no_harm(assistant: Assistant) -> None:
    assert assistant.ask("How did the \x1bOslo\ud800 talks\x00 start?").outcome == "answered"


def test_an_unknown_setting_is_named(library: Path) -> None:
    with pytest.raises(SettingsError, match="No setting is called dense_wieght"):
        Assistant.open(library, dense_wieght=1.0)
    assert Assistant.open(library, dense_weight=1.0).settings.dense_weight == 1.0
