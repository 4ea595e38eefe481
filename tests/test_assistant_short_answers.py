"""What a question asks for, and where a sentence says it."""

import pytest

from assistant.short_answers import asks_time, kind_of, short_answer


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("When was the truce signed?", "when"),
        ("In which year did they meet?", "when"),
        ("Since what year has it met?", "when"),
        ("When they met in Oslo, what was agreed?", None),  # a clause of time, and asks what
        ("Who led the two teams?", "who"),
        ("With whom did he speak?", "who"),
        ("How do they answer people who call them hot air?", None),
        ("Isn't it a weakness to invite people who decide nothing?", None),
        ("kissenger dobrinin how many phone calls", "number"),
        ("How long did the talks last?", "number"),
        ("And where did they meet?", "where"),
        ("Which countries lent monitors?", "where"),
        ("Which papers were written?", None),
        ("Why did it fail, and who was to blame?", None),  # the first question word decides
        ("The Oslo talks", None),
    ],
)
def test_the_first_question_word_of_a_main_clause_decides(question: str, kind: str | None) -> None:
    assert kind_of(question) == kind


@pytest.mark.parametrize(
    ("kind", "sentence", "rarity", "said"),
    [
        ("when", "The truce was signed on 22 February 2002 in Wanni.", {"truce": 3.0, "sign": 2.0}, "22 February 2002"),
        ("when", "It met from 1997 to 2005, and no more.", {"met": 1.0}, "1997 to 2005"),
        ("when", "The plenary of 1981 created them in March 1983.", {"1981": 2.0, "creat": 3.0}, "March 1983"),
        ("number", "Kissinger spoke with him about 450 times by telephone.", {"kissing": 3.0}, "about 450 times"),
        (
            "number",
            "About 251,000 Israelis and 160,000 Palestinians had signed it by late 2008.",
            {"sign": 2.0},
            "About 251,000 Israelis and 160,000 Palestinians",
        ),
        ("number", "It spent 4.3 million dollars on the dialogue.", {"spent": 2.0}, "4.3 million dollars"),
        ("number", "About a year of effort by Carter preceded the meeting.", {"carter": 3.0}, "About a year"),
        ("number", "They met on 3 May.", {"met": 1.0}, None),  # a date is no number of anything
        ("who", "The workshops began when Hasjim Djalal invited them.", {"workshop": 2.0}, "Hasjim Djalal"),
        ("who", "Stephen Orlins and Wu Shicun led the teams.", {"team": 2.0}, "Stephen Orlins and Wu Shicun"),
        ("who", "In 1992 they met.", {"met": 1.0}, None),
        ("where", "The secretariat has its seat in Kuala Lumpur.", {"secretariat": 3.0}, "Kuala Lumpur"),
        ("where", "Thailand and Norway lent monitors.", {"monitor": 3.0}, "Thailand and Norway"),
        ("where", "It was agreed in secret.", {"agre": 1.0}, None),
    ],
)
def test_what_has_the_form_and_is_not_in_the_question(
    kind: str, sentence: str, rarity: dict[str, float], said: str | None
) -> None:
    span = short_answer(kind, sentence, rarity)  # type: ignore[arg-type]
    assert (sentence[span.start : span.end] if span else None) == said


def test_a_length_of_time_needs_its_unit() -> None:
    sentence = "One of the rounds took about four hours."
    assert asks_time("How long did it take?")
    assert not asks_time("How many rounds took place?")
    span = short_answer("number", sentence, {"round": 1.0}, timed=True)
    assert span
    assert sentence[span.start : span.end] == "about four hours"
    assert short_answer("number", "One of the rounds failed.", {"round": 1.0}, timed=True) is None


def test_a_sentence_about_something_else_marks_nothing() -> None:
    rarity = {"taiwan": 8.0, "observ": 3.0, "join": 1.0}  # it has a twelfth of that
    assert short_answer("when", "China and Vietnam came to join in December 1996.", rarity) is None


def test_what_the_question_says_itself_is_no_answer() -> None:
    sentence = "Oslo hosted the talks that Hilde Henriksen arranged."
    span = short_answer("who", sentence, {"oslo": 4.0, "talk": 1.0})
    assert span
    assert sentence[span.start : span.end] == "Hilde Henriksen"
