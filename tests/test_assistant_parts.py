"""Questions of several parts, words that mean one country, misspelt questions: by hand, and over twelve articles."""

import pytest

from assistant.answering import Assistant
from assistant.fusion import reciprocal
from assistant.parts import as_asked, parts_of
from assistant.places import canonical, words_of
from assistant.retrieval import retrieve_parts
from assistant.types import Turn
from index.filters import Filters

TWO = {
    "When was the ceasefire in Sri Lanka signed and when did it formally end?": (
        "When was the ceasefire in Sri Lanka signed?",
        "When did it formally end? (ceasefire in Sri Lanka signed)",
    ),
    "Where does CSCAP have its secretariat, and what body organises the Shangri-La Dialogue?": (
        "Where does CSCAP have its secretariat?",
        "What body organises the Shangri-La Dialogue?",
    ),
    "I'm writing about Asian waters. Who began the Bali workshops, and who paid for them?": (
        "I'm writing about Asian waters. Who began the Bali workshops?",
        "Who paid for them? (I'm writing about Asian waters. Who began the Bali workshops)",
    ),
    "In what capacity did Syrians sit in Geneva, as against the Yemenis at Berghof's meetings?": (
        "In what capacity did Syrians sit in Geneva?",
        "What about the Yemenis at Berghof's meetings? (In what capacity did Syrians sit in Geneva)",
    ),
    "How do Chaophraya and Ottawa differ in who organises them?": (
        "How do Chaophraya differ in who organises them?",
        "How do Ottawa differ in who organises them?",
    ),
    "What became of the accords signed in Oslo in 1993 and in Helsinki?": (
        "What became of the accords signed in Oslo in 1993?",
        "What became of the accords signed in Oslo in Helsinki?",
    ),
}
ONE = [
    "How did the Oslo talks start?",
    "When and where was CSCAP established?",
    "Who were the two envoys of India and Pakistan?",
    "When did the truce end, and how?",
    "In whose house did John Hume and Gerry Adams meet in January 1988?",
    "",
    "and",
    "who and what and when and where and why and how did it end?",
]


@pytest.mark.parametrize("question", list(TWO)[:5])
def test_a_question_is_cut_where_another_begins(question: str) -> None:
    assert parts_of(question) == TWO[question]


@pytest.mark.parametrize("question", ONE)
def test_one_question_has_no_parts(question: str) -> None:
    assert parts_of(question) == ()


def test_the_parts_of_a_list_are_its_items() -> None:
    assert parts_of("Kissinger used contacts in 1967, 1969 and 1971: with whom each time?") == (
        "Kissinger used contacts in 1967: with whom each time?",
        "Kissinger used contacts in 1969: with whom each time?",
        "Kissinger used contacts in 1971: with whom each time?",
    )


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("When did it formally end? (ceasefire in Sri Lanka signed)", "When did it formally end?"),
        ("Who paid?", "Who paid?"),
        ("In 1967 (the year of Pennsylvania), with whom?", "In 1967 (the year of Pennsylvania), with whom?"),
        ("What about the Yemenis", "What about the Yemenis?"),
    ],
)
def test_a_part_is_named_as_it_was_asked(part: str, said: str) -> None:
    assert as_asked(part) == said


def test_reciprocal_ranks_by_hand() -> None:
    assert reciprocal([[7, 8], [8, 9]]) == pytest.approx({7: 1 / 60, 8: 1 / 61 + 1 / 60, 9: 1 / 61})
    assert reciprocal([]) == {}


BOTH = "What does the Chatham House Rule allow, and who was Brendan Duddy?"


def test_parts_bring_their_passages(assistant: Assistant) -> None:
    """Each part's own best passage is among the five best of the whole question."""
    parts = parts_of(BOTH)
    assert len(parts) == 2
    found, by_part = retrieve_parts(assistant.retriever, BOTH, parts, 10, Filters())
    assert len(found.passages) == 10
    assert [each.passages for each in by_part] == [found.passages, found.passages]
    assert not (by_part[0].vector == by_part[1].vector).all()
    for part in parts:
        best = assistant.retriever.retrieve(part, 1, Filters()).passages[0].passage.key
        assert best in [each.passage.key for each in found.passages[:5]]
    assert {"chatham-house-rule", "northern-ireland-duddy"} <= {each.passage.doc_id for each in found.passages[:5]}
    scores = [each.score for each in found.passages]
    assert scores == sorted(scores, reverse=True)


def test_an_answer_has_a_sentence_for_each_part(assistant: Assistant) -> None:
    answer = assistant.ask(BOTH)
    assert answer.outcome == "answered"
    assert {each.doc_id for each in answer.citations} >= {"chatham-house-rule", "northern-ireland-duddy"}
    assert "hidden intermediary" in answer.text
    assert answer.missing == ()


def test_a_part_that_is_not_covered_is_named(assistant: Assistant) -> None:
    answer = assistant.ask("Who mediated in Aceh, and how do vaccines against measles work?")
    assert answer.outcome == "answered"
    assert answer.missing[-1] == "How do vaccines against measles work?"


def test_words_for_one_country_are_one() -> None:
    assert words_of("Delhi and the Indians") == ["india", "india"]
    assert words_of("Pyongyang's envoys") == ["pyongyang", "envoy"]
    assert words_of("North Korean envoys") == ["north", "korea", "envoy", "pyongyang"]
    assert words_of("the Mideast talks") == ["mideast", "talk"]
    assert words_of("talks on the Middle East") == ["talk", "middl", "east", "mideast"]
    assert canonical([]) == []
    assert words_of("Salvadorans and Serbs") == ["salvador", "serbia"]


def test_a_capital_is_met_by_its_country(assistant: Assistant) -> None:
    answer = assistant.ask("Did Delhi and Islamabad talk in secret about Kashmir?")
    assert answer.outcome == "answered"
    assert answer.missing == ()
    assert answer.citations[0].doc_id == "kashmir-back-channel"
    assert "Atlantis" in assistant.ask("Did Delhi and Atlantis talk in secret about Kashmir?").missing


def test_a_misspelt_question_is_answered_as_if_it_were_not(assistant: Assistant) -> None:
    answer = assistant.ask("What was the comunity of Sant'Edigio's role in Mozambiq?")
    assert answer.outcome == "answered"
    assert answer.question == "What was the comunity of Sant'Edigio's role in Mozambiq?"
    assert answer.understood == "What was the community of Sant'Egidio's role in Mozambique?"
    assert answer.missing == ()
    assert answer.citations[0].doc_id == "mozambique-sant-egidio"
    followed = assistant.ask("Who hosted them?", [Turn("user", "Where were the Mozambiq talks held?")])
    assert "Mozambique talks" in followed.understood
