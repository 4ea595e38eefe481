"""What is said beside an answer, by hand."""

from dataclasses import replace

import pytest
from test_page_messages import ANSWERED, NOT_COVERED

from assistant.remarks import UNSURE, dated, opening, remarks, uncovered
from index.types import Document

NEEMRANA = Document("n", "The Neemrana Dialogue", "", "n.md", metadata={"period": {"from": 1991, "to": 2018}})


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (("Peru",), ["What was found does not mention Peru."]),
        (("Oslo", "Peru", "2027"), ["What was found does not mention Oslo, Peru and 2027."]),
        (("Who paid for it?",), ["Not answered: Who paid for it?"]),
        (("Peru", "Who paid?"), ["What was found does not mention Peru.", "Not answered: Who paid?"]),
        ((), []),
    ],
)
def test_what_is_missing_is_said(missing: tuple[str, ...], said: list[str]) -> None:
    assert remarks(replace(ANSWERED, missing=missing, notices=(), ledger={})) == said
    assert uncovered(replace(NOT_COVERED, missing=missing)) == " ".join(["The articles do not cover this.", *said])


def test_a_year_outside_the_article_is_explained() -> None:
    assert dated(("Lahore", "2024", "2010", "1988"), NEEMRANA) == (
        "Lahore",
        '2024 (the article "The Neemrana Dialogue" ends in 2018)',
        "2010",
        '1988 (the article "The Neemrana Dialogue" begins in 1991)',
    )
    open_ended = replace(NEEMRANA, metadata={"period": {"from": 1991, "to": None}})
    assert dated(("2024",), open_ended) == ("2024",)
    assert dated(("2024",), replace(NEEMRANA, metadata={})) == ("2024",)


def test_an_unsure_answer_says_so_first() -> None:
    unsure = replace(ANSWERED, confidence=UNSURE - 0.01, writer="extractive")
    assert opening(unsure) == "Nothing found answers this for sure. The nearest:"
    assert opening(replace(unsure, confidence=UNSURE)) == ""
    assert opening(replace(unsure, writer="llm")) == ""
    assert opening(NOT_COVERED) == ""
