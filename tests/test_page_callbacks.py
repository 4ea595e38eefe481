"""What happens on the page when somebody asks, without a browser; Gradio is imported, hence slow."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from assistant.answering import Assistant
from assistant.conversations import answer_of, borne_out, read
from assistant.living import LiveAssistant
from assistant.page import streaming
from assistant.page.examples import EXAMPLES
from assistant.page.metrics import REGISTRY
from assistant.receipts import receipt_of, to_json
from assistant.suggesting import Suggestions
from index.errors import DamagedIndexError

pytestmark = pytest.mark.slow

OSLO = "How did the Oslo talks start?"
PERU = "What is the capital of Peru?"
BOX, CHAT, SOURCES, STATUS, NEXT, RECORD, MASTHEAD = range(7)


class Asker:
    """Stands for Gradio's request: who asks, in which tab."""

    def __init__(self, session: str) -> None:
        self.session_hash = session
        self.client = None


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "PAUSE", 0.0)


@pytest.fixture
def callbacks(assistant: Assistant) -> Any:
    from assistant.page.callbacks import Callbacks
    from assistant.page.front import Front

    live = LiveAssistant(assistant)
    unhurried = Suggestions(assistant, clock=lambda: 0.0)  # however slow the machine is
    return Callbacks(live, Front(live), suggestions={assistant.index.status().generation: unhurried})


def kept(yields: list[Any], before: str = "") -> str:
    """The conversation as the browser would keep it after an answer."""
    record = next(each[RECORD] for each in yields if isinstance(each[RECORD], str))
    return json.dumps([*json.loads(before or "[]"), json.loads(record)["receipt"]])


def updates(only: Any, *places: int) -> bool:
    """Whether nothing changes in these places."""
    return all(only[place]["__type__"] == "update" for place in places)


def test_an_answer_grows_and_the_box_is_emptied_at_once(callbacks: Any) -> None:
    yields = list(callbacks.ask(f"  {OSLO} ", ""))
    assert yields[0][BOX] == ""
    assert "Looking through the articles" in yields[0][CHAT][1]["content"]
    assert "busy" in yields[0][STATUS]
    assert "Answers from 12 articles" in yields[0][MASTHEAD]
    lengths = [len(each[CHAT][1]["content"]) for each in yields[1:] if isinstance(each[CHAT], list)]
    assert lengths == sorted(lengths)
    assert 5 <= len(lengths) <= 15
    done = next(each for each in yields if each[STATUS] == '<p class="idle">Answer ready&#44; 2 citations</p>')
    assert done[SOURCES].count('class="card"') == 2
    assert yields[-1][NEXT].count('class="ask"') == 3  # what could be asked next comes after the answer


def test_the_record_is_a_receipt_of_the_answer(callbacks: Any, assistant: Assistant) -> None:
    (receipt,) = read(kept(list(callbacks.ask(OSLO, ""))))
    answer = assistant.ask(OSLO)
    assert replace(receipt_of(assistant, answer), passages=[]) == replace(receipt, passages=[])
    assert answer_of(receipt).sentences == answer.sentences
    assert borne_out(answer_of(receipt), assistant.index)[1] == 0


def test_the_conversation_that_comes_along_is_shown_and_leaned_upon(callbacks: Any) -> None:
    before = kept(list(callbacks.ask(OSLO, "")))
    yields = list(callbacks.ask("Who took part in the first session?", before))
    chat = [each[CHAT] for each in yields if isinstance(each[CHAT], list)][-1]
    assert [each["role"] for each in chat] == ["user", "assistant"] * 2
    assert "Understood as" in chat[3]["content"]
    after = read(kept(yields, before))
    assert [each.question for each in after] == [OSLO, "Who took part in the first session?"]
    assert after[1].history[0] == {"role": "user", "content": OSLO}


def test_filters_are_said_and_kept(callbacks: Any) -> None:
    yields = list(callbacks.ask("Who met in secret?", "", "1985-1990", ["africa"], [], []))
    chat = [each[CHAT] for each in yields if isinstance(each[CHAT], list)][-1]
    assert "Only articles on&#58; 1985&#45;1990&#59; Africa" in chat[0]["content"]
    (receipt,) = read(kept(yields))
    assert receipt.filters == {"since": 1985, "until": 1990, "regions": ["africa"], "topics": [], "track": []}
    (only,) = callbacks.ask("Who met in secret?", "", "sometime")
    assert "is not two years" in only[CHAT][1]["content"]


def test_not_covered_is_an_answer(callbacks: Any) -> None:
    yields = list(callbacks.ask(PERU, ""))
    chat = [each[CHAT] for each in yields if isinstance(each[CHAT], list)][-1]
    assert "The articles do not cover this" in chat[1]["content"]
    assert chat[1]["content"].count("<li>") == 3
    assert "What the articles do answer" in yields[-1][NEXT]
    assert read(kept(yields))[0].answer["outcome"] == "not_covered"


@pytest.mark.parametrize("question", ["", "  \n ", None])
def test_f35_an_empty_question_changes_nothing(callbacks: Any, question: str | None) -> None:
    (only,) = callbacks.ask(question, "")
    assert only[STATUS] == '<p class="idle">Type a question first</p>'
    assert updates(only, BOX, CHAT, SOURCES, NEXT, RECORD)


@pytest.mark.parametrize(
    ("question", "says"),
    [("x" * 2001, "The question has 2&#44;001 characters"), ("?!", "has no words in it")],
)
def test_what_cannot_be_asked_stays_in_its_box(callbacks: Any, question: str, says: str) -> None:
    before = kept(list(callbacks.ask(OSLO, "")))
    (only,) = callbacks.ask(question, before)
    assert says in only[CHAT][3]["content"]
    assert len(only[CHAT][2]["content"]) < 500
    assert updates(only, BOX, RECORD)


def test_a_lone_surrogate_is_no_fault(callbacks: Any) -> None:
    (receipt,) = read(kept(list(callbacks.ask("How did the Oslo talks start\ud800?", ""))))
    assert receipt.question == f"{OSLO[:-1]}??"


@pytest.mark.parametrize("forged", ["no JSON", "{}", "[1]", '[{"format": 2}]', "[" * 100_000, "[]" * 500_000])
def test_what_is_no_conversation_is_a_sentence(callbacks: Any, forged: str) -> None:
    (only,) = callbacks.ask(OSLO, forged)
    assert "Begin a new" in only[CHAT][1]["content"] or "is damaged" in only[CHAT][1]["content"]
    assert only[STATUS] == '<p class="idle">Not asked</p>'
    assert callbacks.restored(forged)[STATUS] == '<p class="idle">Not asked</p>'


def test_a_forged_answer_shows_no_citation_of_its_own(callbacks: Any) -> None:
    (entry,) = json.loads(kept(list(callbacks.ask(OSLO, ""))))
    entry["answer"]["citations"][0]["quote"] = "Peru invited them."
    chat = callbacks.restored(json.dumps([entry]))[CHAT]
    assert "1 citation of this answer is left out" in chat[1]["content"]
    assert chat[1]["content"].count('class="cite"') == 1


def test_a_conversation_is_shown_again(callbacks: Any) -> None:
    first = kept(list(callbacks.ask(OSLO, "")))
    both = kept(list(callbacks.ask(PERU, first)), first)
    again = callbacks.restored(both)
    assert [each["role"] for each in again[CHAT]] == ["user", "assistant"] * 2
    assert "Nearest articles" in again[SOURCES]
    assert again[STATUS] == '<p class="idle">Conversation opened</p>'
    new = callbacks.restored("")
    assert (new[BOX], new[CHAT], new[RECORD]) == ("", [], "")
    assert new[SOURCES].count('class="entry"') == 12


def test_a_long_conversation_loses_its_beginning(callbacks: Any, assistant: Assistant) -> None:
    from assistant.page.callbacks import REMEMBERED

    one = to_json(receipt_of(assistant, assistant.ask(PERU)))
    chat = callbacks.restored(json.dumps([{**one, "question": f"Question {n}?"} for n in range(30)]))[CHAT]
    assert len(chat) == 2 * REMEMBERED
    assert "Question 10" in chat[0]["content"]


def test_what_was_written_until_stop_is_kept(callbacks: Any) -> None:
    stream = callbacks.ask(OSLO, "", request=Asker("mine"))
    grown = [next(stream) for _ in range(3)]
    stream.close()
    assert updates(callbacks.stopped(Asker("another's")), 1)
    status, record = callbacks.stopped(Asker("mine"))
    assert status == '<p class="idle">Stopped</p>'
    answer = answer_of(read(json.dumps([json.loads(record)["receipt"]]))[0])
    assert answer.notices == ("Stopped before its end.",)
    assert answer.text == " ".join(" ".join(each.text for each in answer.sentences).split())
    assert answer.text.endswith("…")
    assert len(answer.text.split()) == 24  # two frames of twelve words
    assert "Hirschfeld" in grown[-1][CHAT][1]["content"]
    assert callbacks.stopped(Asker("mine"))[1]["__type__"] == "update"  # and once only


def test_answers_under_way_are_remembered_within_bounds(callbacks: Any) -> None:
    from assistant.page.callbacks import UNDER_WAY

    for number in range(UNDER_WAY + 10):
        callbacks.note(str(number), None, None, 0)
    assert len(callbacks.under_way) == UNDER_WAY
    assert "9" not in callbacks.under_way


def last(yields: Iterator[Any]) -> Any:
    *_, final = yields
    return final


def test_an_index_that_fails_is_said_in_a_sentence(callbacks: Any, assistant: Assistant) -> None:
    class FailingAssistant:
        index = assistant.index

        def stream(self, question: str, history: Any, filters: Any, address: str = "") -> Iterator[Any]:
            raise DamagedIndexError("It is damaged. Rebuild it with: python app.py index apply")
            yield

    callbacks.live.assistant = FailingAssistant()
    final = last(callbacks.ask(OSLO, ""))
    assert "It is damaged" in final[CHAT][1]["content"]
    assert final[STATUS] == '<p class="idle">No answer</p>'


def test_an_answer_of_the_page_is_counted(callbacks: Any) -> None:
    labels = {"surface": "page", "outcome": "answered", "writer": "extractive"}
    before = REGISTRY.get_sample_value("backchannel_questions_total", labels) or 0.0
    list(callbacks.ask(OSLO, ""))
    assert REGISTRY.get_sample_value("backchannel_questions_total", labels) == before + 1


def test_f44_an_answer_under_way_is_told_of_the_server_s_end(callbacks: Any) -> None:
    stream = callbacks.ask(OSLO, "")
    next(stream)
    callbacks.live.ending.set()
    final = last(stream)
    assert "The server is stopping&#46; Ask again when it is back&#46;" in final[CHAT][1]["content"]
    assert final[STATUS] == '<p class="idle">No answer</p>'


def test_the_follow_up_of_an_example_is_offered_once(callbacks: Any) -> None:
    opening, then = next((question, then) for question, then in EXAMPLES.items() if then)
    first = list(callbacks.ask(opening, ""))
    assert "Which countries sent people" in first[-1][NEXT]
    before = kept(first)
    second = list(callbacks.ask(then, before))
    both = kept(second, before)
    assert "Which countries sent people" not in last(iter(list(callbacks.ask(opening, both))))[NEXT]
