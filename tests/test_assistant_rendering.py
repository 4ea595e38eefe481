"""Answers in every format: exact texts of a made-up answer, hostile words, the fields of CSL-JSON."""

import json
import random
import re
import string
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from assistant.answering import Assistant
from assistant.rendering import FORMATS, UNSUPPORTED, csl_items, csl_json, escaped, json_text, markdown, plain
from assistant.types import Answer, AnswerSentence, Citation, NearArticle

TIME = {"id": "time", "title": "Swimming", "publisher": "Time", "year": 1993, "url": "https://time.com/a?b=c_d"}
BOOK = {"id": "savir", "title": "The Process", "author": "Uri Savir", "year": "c. 1998"}
ANSWER = Answer(
    question="Who?",
    understood="Who?",
    outcome="answered",
    sentences=(
        AnswerSentence("They met at a mill.", "quoted", (1,)),
        AnswerSentence("They signed.", "supported", (2, 3), lead_in="Mill *two*"),
        AnswerSentence("They danced.", "unsupported", (4,)),
        AnswerSentence("Nobody knows.", "unsupported", ()),
    ),
    citations=(
        Citation(1, "mill", "v", "The mill_talks", "a/mill.md", "1994-05-03", 10, 29, "They met at a mill.", (TIME,)),
        Citation(2, "two", "w", "Mill *two*", "https://mill.org/two", "1995", 0, 9, "They sig-\nned", (BOOK, TIME)),
        Citation(3, "mill", "v", "The mill_talks", "a/mill.md", "1994-05-03", 40, 52, "And signed.", ()),
        Citation(4, "mill", "v", "The mill_talks", "a/mill.md", "1994-05-03", 60, 64, "Tea.", (TIME,)),
    ),
    passages=(),
    missing=("Rome",),
    nearest=(),
    confidence=0.9,
    writer="llm",
    generation="g1",
    ledger={"sentences": 4, "unsupported": 2},
    notices=("A notice.",),
)
NOT_COVERED = replace(
    ANSWER,
    outcome="not_covered",
    sentences=(),
    citations=(),
    notices=(),
    ledger={},
    nearest=(NearArticle("d", "A [title]", "About it.", 0.4),),
)


def test_plain() -> None:
    assert plain(ANSWER) == (
        "They met at a mill. [1]\n"
        "Mill *two*: They signed. [2] [3] They danced. [4] [not found in the articles] "
        "Nobody knows. [not found in the articles]\n"
        "What was found does not mention Rome.\n"
        "\n"
        "[1] The mill_talks (a/mill.md, characters 10-29)\n"
        "[2] Mill *two* (https://mill.org/two, characters 0-9)\n"
        "[3] The mill_talks (a/mill.md, characters 40-52)\n"
        "[4] The mill_talks (a/mill.md, characters 60-64)"
    )
    assert plain(NOT_COVERED) == (
        "The articles do not cover this. What was found does not mention Rome.\nNearest articles:\n  A [title] (d)"
    )


def test_markdown() -> None:
    time = r"Swimming, Time, 1993 <https://time.com/a?b=c_d>"
    assert markdown(ANSWER).split("\n\n") == [
        "They met at a mill.[^1]",
        r"Mill \*two\*: They signed.[^2][^3] They danced.[^4] \[not found in the articles\] "
        r"Nobody knows. \[not found in the articles\]",
        "A notice.",
        "What was found does not mention Rome.",
        r'[^1]: The mill\_talks (a/mill.md, characters 10-29): "They met at a mill." '
        rf"The article has this from: {time}.",
        r'[^2]: Mill \*two\* (https\://mill.org/two, characters 0-9): "They sig- ned" '
        rf"The article has this from: Uri Savir, The Process, c. 1998; {time}.",
        r'[^3]: The mill\_talks (a/mill.md, characters 40-52): "And signed." The article gives no source for this.',
        rf'[^4]: The mill\_talks (a/mill.md, characters 60-64): "Tea." The article has this from: {time}.',
    ]
    assert markdown(NOT_COVERED) == (
        "The articles do not cover this. What was found does not mention Rome.\n\n"
        "Nearest articles:\n\n- A \\[title\\] (d)"
    )


def test_an_unsure_answer_says_so_first() -> None:
    unsure = replace(ANSWER, writer="extractive", confidence=0.4)
    for render in (plain, markdown):
        assert render(unsure).startswith("Nothing found answers this for sure. The nearest:\n")


HOSTILE = [
    "<script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "![x](http://evil.example/x.png)",
    "<http://evil.example>",
    "see https://evil.example or www.evil.example",
    "# A heading",
    "- a list",
    "1. a list",
    "1) a list",
    "+ a list",
    "=====",
    "---",
    "> quoted",
    "```\ncode\n```",
    "    code",
    "a\n\n[^1]: forged",
    "[a]: http://evil.example",
    "**bold** _it_ `code` ~~no~~ $x$ &lt; &copy;",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "\\[a\\](b) \\<b>",
    "a\\",
    "title=\"x\" 'y'",
]
RENDERERS = [MarkdownIt("commonmark"), MarkdownIt("commonmark").enable(["table", "strikethrough"])]


def seen(source: str, renderer: MarkdownIt) -> str:
    """What a reader sees of one paragraph that holds nothing but text; fails on any other token."""
    opened, inline, closed = renderer.parse(source)
    assert (opened.type, closed.type) == ("paragraph_open", "paragraph_close")
    assert inline.children is not None
    assert {each.type for each in inline.children} <= {"text"}, source
    return "".join(each.content for each in inline.children)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_stay_words_in_markdown(text: str) -> None:
    for renderer in RENDERERS:
        assert seen(escaped(text), renderer) == " ".join(text.split())


def test_random_punctuation_stays_itself_in_markdown() -> None:
    source = random.Random(7)
    for _ in range(2000):
        text = "".join(source.choice(string.punctuation + "  ab1\n") for _ in range(12)).strip()
        if text:
            assert seen(escaped(text), RENDERERS[1]) == " ".join(text.split()), text


def test_a_hostile_article_makes_no_structure() -> None:
    """Titles, quotes, sources, ids and addresses: still one definition a citation, and links only to the web."""
    for text in HOSTILE:
        onward = ({"id": text, "title": text, "author": text, "url": text}, {"url": "javascript:alert(1)"})
        citation = Citation(1, text, "v", text, text, text, 0, 5, text, onward)
        sentence = AnswerSentence(text, "quoted", (1,), lead_in=text)
        made = markdown(replace(ANSWER, sentences=(sentence,), citations=(citation,), notices=(text,), missing=(text,)))
        assert len(re.findall(r"^\[\^\d+\]:", made, re.M)) == 1
        for token in RENDERERS[1].parse(made):
            assert token.type in ("paragraph_open", "paragraph_close", "inline")
            for child in token.children or ():
                assert child.type == "text" or "http" in str(child.attrs) or child.type == "link_close"
        json.loads(csl_json(replace(ANSWER, citations=(citation,))))


def test_nothing_commands_the_terminal() -> None:
    wild = replace(ANSWER, sentences=(AnswerSentence("\x1b[2JGone\x07.", "supported", (1,)),))
    for name in ("text", "markdown"):
        assert "\x1b" not in FORMATS[name](wild)
        assert "Gone." in FORMATS[name](wild)
    assert "\x1b" not in json_text(wild), "JSON has it as an escape"


def test_json_is_the_answer_s_own() -> None:
    assert json.loads(json_text(ANSWER)) == json.loads(json.dumps(ANSWER.to_json()))
    assert json.loads(json_text(ANSWER))["sentences"][2]["support"] == "unsupported"


def test_csl_items() -> None:
    assert csl_items(ANSWER) == [
        {
            "id": "mill",
            "type": "article",
            "title": "The mill_talks",
            "source": "a/mill.md",
            "issued": {"date-parts": [[1994, 5, 3]]},
            "note": '[1] characters 10-29: "They met at a mill."; [3] characters 40-52: "And signed."; '
            f'[4] characters 60-64: "Tea." {UNSUPPORTED}',
        },
        {
            "id": "two",
            "type": "webpage",
            "URL": "https://mill.org/two",
            "title": "Mill *two*",
            "issued": {"date-parts": [[1995]]},
            "note": '[2] characters 0-9: "They sig-\nned"',
        },
        {
            "id": "mill/time",
            "type": "webpage",
            "URL": "https://time.com/a?b=c_d",
            "title": "Swimming",
            "publisher": "Time",
            "issued": {"date-parts": [[1993]]},
            "note": 'Given by "The mill_talks" for its characters 10-29 [1], 60-64 [4]',
        },
        {
            "id": "two/savir",
            "type": "article",
            "title": "The Process",
            "author": [{"literal": "Uri Savir"}],
            "issued": {"literal": "c. 1998"},
            "note": 'Given by "Mill *two*" for its characters 0-9 [2]',
        },
        {
            "id": "two/time",
            "type": "webpage",
            "URL": "https://time.com/a?b=c_d",
            "title": "Swimming",
            "publisher": "Time",
            "issued": {"date-parts": [[1993]]},
            "note": 'Given by "Mill *two*" for its characters 0-9 [2]',
        },
    ]
    assert csl_json(NOT_COVERED) == "[]"


@pytest.mark.parametrize(
    ("date", "issued"),
    [
        ("1994-05", {"issued": {"date-parts": [[1994, 5]]}}),
        ("1994-05-03T10:00:00Z", {"issued": {"date-parts": [[1994, 5, 3]]}}),
        ("1994-13", {"issued": {"literal": "1994-13"}}),
        ("", {}),
    ],
)
def test_csl_dates(date: str, issued: dict[str, object]) -> None:
    cited = replace(ANSWER, citations=(replace(ANSWER.citations[0], date=date, onward=()),))
    (item,) = csl_items(cited)
    assert {name: value for name, value in item.items() if name == "issued"} == issued


def test_sources_without_an_id_are_told_apart() -> None:
    cited = replace(ANSWER.citations[0], onward=({"title": "A"}, {"title": "B"}))
    ids = [item["id"] for item in csl_items(replace(ANSWER, citations=(cited,)))]
    assert ids == ["mill", "mill/source-1", "mill/source-2"]


def test_every_footnote_resolves_to_article_span_and_source(assistant: Assistant) -> None:
    answer = assistant.ask("How did the Oslo talks start?")
    made = markdown(answer)
    assert set(re.findall(r"\[\^(\d+)\](?!:)", made)) == {str(each.number) for each in answer.citations}
    sources = {summary.source: summary.doc_id for summary in assistant.index.summaries()}
    definitions = re.findall(r"^\[\^(\d+)\]: (.*)$", made, re.M)
    assert len(definitions) == len(answer.citations) > 0
    for (number, text), citation in zip(definitions, answer.citations, strict=True):
        assert int(number) == citation.number
        place = re.search(
            r"\((\S+), characters (\d+)-(\d+)\): \"", seen(re.sub(r"<https?:\S+>", "", text), RENDERERS[0])
        )
        assert place
        document = assistant.index.document(sources[place[1]])
        assert document.text[int(place[2]) : int(place[3])] == citation.quote
        assert escaped(citation.quote) in text
        assert citation.onward
        for source in citation.onward:
            assert escaped(source["title"]) in text
            assert not source.get("url") or f"<{source['url']}>" in text
