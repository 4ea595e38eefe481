"""Every gold question is asked of the whole library: each quote stands in its article, byte for byte (counts: -s)."""

from pathlib import Path
from typing import NamedTuple

import pytest

from assistant.answering import Assistant
from assistant.types import Answer, Citation
from evals.questions import Question, load_questions
from index.types import Document, Span

pytestmark = pytest.mark.slow  # 350 questions in about a minute, and the index before them


class Cited(NamedTuple):
    question: Question
    citation: Citation
    document: Document


@pytest.fixture(scope="module")
def whole(whole_library: Path) -> Assistant:
    return Assistant.open(whole_library)


@pytest.fixture(scope="module")
def answers(whole: Assistant) -> list[tuple[Question, Answer]]:
    return [(each, whole.ask(each.question, each.history)) for each in load_questions()]


@pytest.fixture(scope="module")
def cited(whole: Assistant, answers: list[tuple[Question, Answer]]) -> list[Cited]:
    return [
        Cited(question, citation, whole.index.document(citation.doc_id))
        for question, answer in answers
        for citation in answer.citations
    ]


def test_all_gold_questions_are_asked(answers: list[tuple[Question, Answer]], cited: list[Cited]) -> None:
    answered = sum(answer.outcome == "answered" for _, answer in answers)
    follow_ups = sum(bool(question.history) for question, _ in answers)
    print(f"\n{len(answers)} questions, {follow_ups} follow-ups, {answered} answered, {len(cited)} citations")
    assert {question.split for question, _ in answers} == {"dev", "test"}
    assert len(answers) >= 300
    assert follow_ups >= 30
    assert answered >= len(answers) / 2, "else little is proved here"
    assert all((answer.outcome == "answered") == bool(answer.citations) for _, answer in answers)


def test_every_quote_is_the_stored_text_byte_for_byte(cited: list[Cited]) -> None:
    for question, citation, document in cited:
        assert 0 <= citation.start < citation.end <= len(document.text), question.id
        stored = document.text[citation.start : citation.end]
        assert citation.quote.encode() == stored.encode(), question.id
        assert citation.quote == citation.quote.strip(), question.id


def test_every_citation_is_of_the_article_as_it_is_stored(cited: list[Cited]) -> None:
    for question, citation, document in cited:
        named = (citation.version, citation.title, citation.source, citation.date)
        assert named == (document.version, document.title, document.source, document.date), question.id


def test_every_sentence_is_its_quote_and_no_more(answers: list[tuple[Question, Answer]]) -> None:
    for question, answer in answers:
        quotes = {citation.number: citation.quote for citation in answer.citations}
        assert answer.writer == ("extractive" if answer.sentences else "none"), question.id
        for sentence in answer.sentences:
            assert sentence.support == "quoted", question.id
            assert [quotes[number] for number in sentence.citations] == [sentence.text], question.id


def test_numbers_run_from_one_in_order_of_first_use(answers: list[tuple[Question, Answer]]) -> None:
    for question, answer in answers:
        first_use = list(dict.fromkeys(number for sentence in answer.sentences for number in sentence.citations))
        assert first_use == list(range(1, len(answer.citations) + 1)), question.id
        assert first_use == [citation.number for citation in answer.citations], question.id


def test_no_span_is_cited_twice_in_an_answer(answers: list[tuple[Question, Answer]]) -> None:
    for question, answer in answers:
        spans = [(citation.doc_id, citation.start, citation.end) for citation in answer.citations]
        assert len(spans) == len(set(spans)), question.id


def test_onward_sources_are_those_that_the_article_gives_for_the_span(cited: list[Cited]) -> None:
    for question, citation, document in cited:
        span = Span(citation.start, citation.end)
        assert citation.onward == tuple(document.onward(span)), question.id
        assert citation.onward, f"{question.id}: every sentence of our articles names its source"
