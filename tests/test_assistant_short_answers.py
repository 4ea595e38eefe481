"""What a question asks for, and where a sentence says it."""

import pytest

from assistant.short_answers import asks_time, best_short, kind_of, short_answer
from assistant.short_forms import candidates
from assistant.short_questions import focused
from index.lexical import analyze


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


def likeliest(question: str, sentence: str) -> str:
    """What is marked in the sentence, each stem of the question weighing 1."""
    kind = kind_of(question)
    assert kind
    found = best_short(kind, sentence, dict.fromkeys(analyze(question), 1.0), question=question)
    return sentence[found[1].start : found[1].end] if found else ""


@pytest.mark.parametrize(
    ("question", "sentence", "said"),
    [
        (
            "When did the Germans occupy the city?",
            "They left in 1930, and Germans occupied the city in 1936.",
            "1936",
        ),
        ("When was he elected khan?", "In 1186 he was elected khan.", "1186"),
        ("Since what year has it met in Oslo?", "In Oslo it met in 2011, and has met since 2009.", "2009"),
        ("When did the forests spread?", "The forests spread by 9000 BP.", "9000 BP"),
        ("When were the talks held?", "The talks were held in the early 1990s.", "the early 1990s"),
        ("How many rounds were held?", "After nine rounds of talks the three teams held a fair.", "nine rounds"),
        ("How many guests attended?", "The dinner was attended by 2000 guests.", "2000 guests"),
        ("How many Swedes took part?", "In 2017, about 400 people took part, Swedes among them.", "about 400"),
        (
            "How much did it cost the fund?",
            "In two rounds it cost the fund 4.3 million dollars.",
            "4.3 million dollars",
        ),
        ("How long was Norway involved?", "Norway was involved from 1997 to 2009 in three wars.", "from 1997 to 2009"),
        ("How long did it last?", "It lasted almost two weeks, with ten people.", "almost two weeks"),
        ("Who built the fort?", "The fort in Syria was built by Charles Richard.", "Charles Richard"),
        ("Who started the workshops?", "The diplomat Hasjim Djalal started the workshops in Bali.", "Hasjim Djalal"),
        ("Who arranged the dinner?", "On 5 May the head of the mission arranged a dinner.", "the head of the mission"),
        ("Who paid for the meetings?", "Germany's foreign office paid for the meetings.", "Germany's foreign office"),
        (
            "Who are custodians of peace?",
            "Stedman calls them custodians of peace, the actors that watch over it.",
            "the actors that watch over it",
        ),
        (
            "Who were the two envoys?",
            "The envoys were Satinder Lambah and, for Pakistan, Tariq Aziz.",
            "Satinder Lambah and, for Pakistan, Tariq Aziz",
        ),
        ("Whom did Kissinger meet in Paris?", "In Paris Henry Kissinger would meet Xuan Thuy.", "Xuan Thuy"),
        ("Where was the first attempt?", "The first attempt was in Lebanon, according to Mario Giro.", "Lebanon"),
        (
            "Which countries sent monitors?",
            "Thailand, the Philippines and Norway lent monitors in Banda Aceh.",
            "Thailand, the Philippines and Norway",
        ),
        ("Where do the pharmacists work?", "The pharmacists work in nursing homes.", "nursing homes"),
    ],
)
def test_the_question_says_which_of_them(question: str, sentence: str, said: str) -> None:
    assert likeliest(question, sentence) == said


def test_the_first_thing_asked_counts_most() -> None:
    question = "Where is its seat, and who runs the forum? (the council)"
    rarity = {"seat": 2.0, "run": 1.0, "forum": 3.0, "council": 4.0}
    assert focused(question, rarity) == pytest.approx({"seat": 2.0, "run": 0.4, "forum": 1.2, "council": 4.0})
    assert focused("the forum", rarity) == rarity


def test_a_likelihood_is_higher_the_more_the_sentence_says_of_the_question() -> None:
    question, rarity = "When was the truce signed in Wanni?", {"truce": 3.0, "sign": 2.0, "wanni": 4.0}
    full = best_short("when", "The truce was signed in Wanni in 2002.", rarity, question=question)
    part = best_short("when", "Another truce came in 2003.", rarity, question=question)
    assert full
    assert part
    assert 0 < part[0] < full[0] < 1


def test_one_of_a_pair_is_no_candidate_and_a_list_keeps_its_parts() -> None:
    pair, three = "Stephen Orlins and Wu Shicun met.", "Norway, Sweden and Denmark met."
    assert [pair[each.start : each.end] for each in candidates("who", pair)] == ["Stephen Orlins and Wu Shicun"]
    assert [three[each.start : each.end] for each in candidates("where", three)] == [
        "Norway",
        "Sweden",
        "Denmark",
        "Norway, Sweden and Denmark",
    ]


def test_what_is_too_long_to_read_is_not_searched() -> None:
    assert best_short("who", "A of the " * 200, {"talk": 1.0}) is None
