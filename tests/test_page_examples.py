"""The page's examples are gold questions of the `dev` half, and the answers still rest on their evidence."""

from pathlib import Path

import pytest

from assistant.answering import Assistant
from assistant.page.examples import EXAMPLES
from assistant.types import Turn
from evals.questions import Question, load_questions


@pytest.fixture(scope="module")
def dev() -> dict[str, Question]:
    """Answerable questions of `dev` by their text, capital letters aside."""
    return {each.question.casefold(): each for each in load_questions() if each.split == "dev" and each.answerable}


def test_four_of_them_one_with_its_follow_up(dev: dict[str, Question]) -> None:
    assert len(EXAMPLES) == 4
    assert len([then for then in EXAMPLES.values() if then]) == 1
    for question, then in EXAMPLES.items():
        if then:
            assert dev[then.casefold()].history[0].content == question
        else:
            assert question.casefold() in dev


@pytest.mark.slow
def test_they_are_still_answered(whole_library: Path, dev: dict[str, Question]) -> None:
    assistant = Assistant.open(whole_library)
    for question, then in EXAMPLES.items():
        answer = assistant.ask(question)
        assert answer.outcome == "answered"
        gold = dev[(then or question).casefold()]
        if then:
            answer = assistant.ask(then, [Turn("user", question), Turn("assistant", answer.text)])
        quotes = {(citation.doc_id, citation.quote) for citation in answer.citations}
        for evidence in gold.evidence:
            assert quotes & set(evidence.choices), question
