"""What the chat and the sources panel say of an answer, and the pace at which it grows."""

import re
from dataclasses import replace

import pytest

from assistant.page import messages
from assistant.page.streaming import PAUSE, WORDS, paced
from assistant.types import Answer, AnswerSentence, Citation, NearArticle
from index.errors import BackchannelError
from index.summaries import Summary


def citation(number: int, doc_id: str = "d", title: str = "Title") -> Citation:
    quote = f"Quote {number}."
    onward = ({"title": "Source", "year": 1993},) if number == 1 else ()
    return Citation(number, doc_id, "v", title, f"{doc_id}.md", "", number * 10, number * 10 + 8, quote, onward)


ANSWERED = Answer(
    question="Who?",
    understood="Who?",
    outcome="answered",
    sentences=(AnswerSentence("One two three.", "quoted", (1,)), AnswerSentence("Four five.", "quoted", (2, 3))),
    citations=(citation(1), citation(2), citation(3, "e", "Other <i>")),
    passages=(),
    missing=(),
    nearest=(),
    confidence=0.9,
    writer="extractive",
    generation="g1",
    ledger={"sentences": 2, "unsupported": 0},
)
NOT_COVERED = replace(
    ANSWERED,
    outcome="not_covered",
    sentences=(),
    citations=(),
    missing=("Peru",),
    nearest=(NearArticle("d", "Title", "About it.", 0.4),),
)


def shown(markdown: str) -> str:
    """The text that a reader sees: without tags, references read."""
    markup = re.sub(r"</?bdi>", "", markdown)
    text = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), re.sub(r"<[^>]*>", "|", markup))
    return re.sub(r"\|+", "|", text).strip("|")


def test_answer_with_its_citations_after_each_sentence() -> None:
    markdown = messages.answered(ANSWERED)
    assert shown(markdown) == "One two three.|1| Four five.|2|3|The articles cover this"
    assert re.findall(r'href="([^"]*)"', markdown) == ["#c/1/10-18/g1/d", "#c/2/20-28/g1/d", "#c/3/30-38/g1/e"]
    assert 'title="Other &lt;i&gt;"' in markdown


def test_a_card_names_the_page_and_further_places() -> None:
    scanned = replace(citation(2), page=7, also=("copies/d.pdf",))
    card = shown(messages.cards(replace(ANSWERED, citations=(scanned,))))
    assert card.endswith("Page 7. The article gives no source for this. Also at: copies/d.pdf")


def test_an_unsupported_sentence_says_why() -> None:
    alone = replace(ANSWERED.sentences[0], support="unsupported", reasons=("numbers", "names"), citations=())
    markdown = messages.answered(replace(ANSWERED, sentences=(alone,), ledger={"unsupported": 1}))
    assert 'class="unsupported" title="a number or date, a name"' in markdown
    assert "could not be found in the articles (a number or date, a name)." in shown(markdown)


def test_a_citation_comes_with_the_last_word_of_its_sentence() -> None:
    growing = [shown(messages.answered(ANSWERED, words)) for words in range(6)]
    assert growing == [
        "",
        "One",
        "One two",
        "One two three.|1",
        "One two three.|1| Four",
        "One two three.|1| Four five.|2|3",
    ]


@pytest.mark.parametrize(
    ("confidence", "missing", "says"),
    [
        (0.8, (), "The articles cover this"),
        (0.799, (), "The articles probably cover this"),
        (0.45, (), "The articles probably cover this"),
        (0.449, (), "This is not sure"),
        (0.9, ("Rome",), "The articles cover a part of this"),
    ],
)
def test_how_sure_it_is_in_words_and_as_a_number(confidence: float, missing: tuple[str, ...], says: str) -> None:
    markdown = messages.answered(replace(ANSWERED, confidence=confidence, missing=missing))
    assert shown(markdown).endswith(f"|{says}")
    assert f"Confidence {confidence:.2f}: the estimated probability" in markdown


def test_understood_only_where_it_differs() -> None:
    assert "Understood" not in messages.answered(replace(ANSWERED, question=" Who? "))
    followed = messages.answered(replace(ANSWERED, understood="Talks: Who?"))
    assert shown(followed).startswith("Understood as: |Talks: Who?|One two three.")


def test_notices_what_is_missing_and_what_stands_alone_are_said_at_the_end() -> None:
    alone = replace(ANSWERED.sentences[1], support="unsupported", citations=())
    answer = replace(
        ANSWERED,
        sentences=(ANSWERED.sentences[0], alone),
        notices=("A notice.",),
        missing=("1994", "Rome"),
        ledger={"unsupported": 1},
    )
    assert shown(messages.answered(answer)) == (
        "One two three.|1| |Four five.|A notice.|What was found does not mention 1994 and Rome.|"
        "1 sentence, underlined, could not be found in the articles.|The articles cover a part of this"
    )
    assert "A notice" not in messages.answered(answer, 3)


def test_not_covered_says_so_and_names_the_nearest() -> None:
    markdown = messages.answered(NOT_COVERED)
    assert shown(markdown) == (
        "The articles do not cover this. What was found does not mention Peru.|Nearest articles|Title"
    )
    assert 'href="#a/g1/d"' in markdown
    none = shown(messages.answered(replace(NOT_COVERED, missing=(), nearest=())))
    assert none == "The articles do not cover this. Try other words, or a wider question."


def test_cards_stand_under_the_title_of_their_article() -> None:
    assert shown(messages.cards(ANSWERED)) == (
        "Sources|Title|1|Quote 1.|The article has this from: Source, 1993|"
        "2|Quote 2.|The article gives no source for this|"
        "Other <i>|3|Quote 3.|The article gives no source for this"
    )
    assert re.findall(r'href="([^"]*)"', messages.cards(ANSWERED)) == [
        "#c/1/10-18/g1/d",
        "#c/2/20-28/g1/d",
        "#c/3/30-38/g1/e",
    ]
    assert shown(messages.cards(NOT_COVERED)) == "Nearest articles|Title|About it."


def test_library_lists_titles_in_order_and_counts_the_rest() -> None:
    few = [Summary(name, name.title(), "", "", "", ()) for name in ("b", "a")]
    assert shown(messages.library(few, "g")) == "The articles|A|B"
    many = [Summary(str(i), f"{i:03}", "", "", "", ()) for i in range(1, 747)]
    assert shown(messages.library(many, "g")).endswith("|040|and 706 more")


def test_status_lines() -> None:
    assert messages.ready(ANSWERED) == "Answer ready, 3 citations"
    assert messages.ready(replace(ANSWERED, citations=ANSWERED.citations[:1])) == "Answer ready, 1 citation"
    assert messages.ready(NOT_COVERED) == "Answer ready: not covered by the articles"
    assert messages.status("Answering…", busy=True) == '<p class="busy">Answering…</p>'
    assert shown(messages.refused(BackchannelError("No <b>. Try again."))) == "No <b>. Try again."


def long(words: int) -> Answer:
    text = " ".join(str(i) for i in range(words))
    return replace(ANSWERED, sentences=(AnswerSentence(text, "quoted", (1,)),))


def test_the_pace_is_a_dozen_words_a_frame_and_the_end_is_whole() -> None:
    pauses: list[float] = []
    frames = [words for _, words in paced(iter([long(10), long(30), long(50), long(50)]), pauses.append)]
    assert WORDS == 12
    assert frames == [12, 24, 36, 48, None]
    assert pauses == [PAUSE] * 4
    assert sum(pauses) < 0.3


def test_an_answer_of_120_words_takes_less_than_the_0_8_seconds_a_reader_may_wait() -> None:
    pauses: list[float] = []
    assert [words for _, words in paced(iter([long(120)]), pauses.append)][-1] is None
    assert sum(pauses) < 0.8


def test_pace_of_answers_that_shrink_or_have_no_words() -> None:
    assert [words for _, words in paced(iter([long(30), long(5), long(30)]), lambda _: None)] == [12, 24, 17, 29, None]
    assert [words for _, words in paced(iter([NOT_COVERED]), lambda _: None)] == [None]
    assert list(paced(iter([]))) == []
