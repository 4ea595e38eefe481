"""What happens on the page when somebody asks, without a browser; Gradio is imported, hence slow."""

from collections.abc import Iterator
from typing import Any

import pytest

from assistant.answering import Assistant
from assistant.living import LiveAssistant
from assistant.page import streaming
from assistant.page.examples import EXAMPLES
from assistant.types import Turn
from index.errors import DamagedIndexError

pytestmark = pytest.mark.slow

OSLO = "How did the Oslo talks start?"
BOX, CHAT, SOURCES, STATUS, FOLLOW, CONVERSATION, MASTHEAD = range(7)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "PAUSE", 0.0)


@pytest.fixture
def callbacks(assistant: Assistant) -> Any:
    from assistant.page.callbacks import Callbacks
    from assistant.page.front import Front

    return Callbacks(LiveAssistant(assistant), Front())


@pytest.fixture
def nothing() -> Any:
    from assistant.page.callbacks import Conversation

    return Conversation()


def last(yields: Iterator[Any]) -> Any:
    *_, final = yields
    return final


def test_an_answer_grows_and_the_box_is_emptied_at_once(callbacks: Any, nothing: Any) -> None:
    yields = list(callbacks.ask(f"  {OSLO} ", nothing))
    assert yields[0][BOX] == ""
    assert "Looking through the articles" in yields[0][CHAT][1]["content"]
    assert "busy" in yields[0][STATUS]
    assert "Answers from 12 articles&#44; generation " in yields[0][MASTHEAD]
    lengths = [len(each[CHAT][1]["content"]) for each in yields[1:] if isinstance(each[CHAT], list)]
    assert lengths == sorted(lengths)
    assert 5 <= len(lengths) <= 15
    assert yields[-1][STATUS] == '<p class="idle">Answer ready&#44; 2 citations</p>'
    assert yields[-1][SOURCES].count('class="card"') == 2
    assert yields[-1][FOLLOW]["visible"] is False


def test_the_conversation_is_kept_and_leaned_upon(callbacks: Any, nothing: Any, assistant: Assistant) -> None:
    conversation = last(callbacks.ask(OSLO, nothing))[CONVERSATION]
    assert conversation.turns == (Turn("user", OSLO), Turn("assistant", assistant.ask(OSLO).text))
    final = last(callbacks.ask("Who took part in the first session?", conversation))
    assert len(final[CONVERSATION].turns) == 4
    assert [each["role"] for each in final[CHAT]] == ["user", "assistant"] * 2
    assert "Understood as" in final[CHAT][3]["content"]
    assert final[FOLLOW]["visible"] is False


def test_not_covered_is_an_answer(callbacks: Any, nothing: Any) -> None:
    final = last(callbacks.ask("What is the capital of Peru?", nothing))
    assert "The articles do not cover this" in final[CHAT][1]["content"]
    assert final[CHAT][1]["content"].count("<li>") == 3
    assert final[CONVERSATION].turns[1] == Turn("assistant", "The articles do not cover this.")


@pytest.mark.parametrize("question", ["", "  \n ", None])
def test_an_empty_question_changes_nothing(callbacks: Any, nothing: Any, question: str | None) -> None:
    (only,) = callbacks.ask(question, nothing)
    assert only[STATUS] == '<p class="idle">Type a question first</p>'
    assert all(only[i]["__type__"] == "update" for i in (BOX, CHAT, SOURCES, FOLLOW, CONVERSATION))


@pytest.mark.parametrize(
    ("question", "says"),
    [("x" * 2001, "The question has 2&#44;001 characters"), ("?!", "has no words in it")],
)
def test_what_cannot_be_asked_stays_in_its_box(callbacks: Any, nothing: Any, question: str, says: str) -> None:
    before = last(callbacks.ask(OSLO, nothing))[CONVERSATION]
    (only,) = callbacks.ask(question, before)
    assert says in only[CHAT][3]["content"]
    assert len(only[CHAT][2]["content"]) < 500
    assert only[BOX]["__type__"] == only[CONVERSATION]["__type__"] == "update"


def test_a_lone_surrogate_is_no_fault(callbacks: Any, nothing: Any) -> None:
    final = last(callbacks.ask("How did the Oslo talks start\ud800?", nothing))
    assert final[CONVERSATION].turns[0].content == f"{OSLO[:-1]}??"


def test_an_index_that_fails_is_said_in_a_sentence(callbacks: Any, nothing: Any, assistant: Assistant) -> None:
    class FailingAssistant:
        index = assistant.index

        def stream(self, question: str, history: Any, address: str = "") -> Iterator[Any]:
            raise DamagedIndexError("It is damaged. Rebuild it with: python app.py index apply")
            yield

    callbacks.live.assistant = FailingAssistant()
    final = last(callbacks.ask(OSLO, nothing))
    assert "It is damaged" in final[CHAT][1]["content"]
    assert final[STATUS] == '<p class="idle">No answer</p>'


def test_a_new_conversation_forgets(callbacks: Any, nothing: Any) -> None:
    cleared = callbacks.clear()
    assert (cleared[BOX], cleared[CHAT], cleared[CONVERSATION]) == ("", [], nothing)
    assert cleared[SOURCES].count('class="entry"') == 12


def test_a_long_conversation_loses_its_beginning(nothing: Any) -> None:
    from assistant.page.callbacks import REMEMBERED

    conversation = nothing
    for i in range(50):
        conversation = conversation.asked(str(i)).answered(f"answer {i}")
    assert len(conversation.shown) == REMEMBERED
    assert conversation.turns[-1] == Turn("user", "49")
    assert len(conversation.turns) == 2 * REMEMBERED


def test_the_follow_up_of_an_example_is_offered_once(callbacks: Any, nothing: Any) -> None:
    opening, then = next((question, then) for question, then in EXAMPLES.items() if then)
    first = last(callbacks.ask(opening, nothing))
    assert (first[FOLLOW]["value"], first[FOLLOW]["visible"]) == (then, True)
    second = last(callbacks.ask(then, first[CONVERSATION]))
    third = last(callbacks.ask(opening, second[CONVERSATION]))
    assert third[FOLLOW]["visible"] is False
