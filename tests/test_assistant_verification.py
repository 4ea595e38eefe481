"""Each rule of the check of written sentences, by hand: what it lets pass and what it refuses."""

import numpy as np
import pytest

from assistant.claim_names import fold, letters_met, names_met
from assistant.claim_negation import negations_agree
from assistant.claim_numbers import Date, dates_of, numbers_met, numbers_of, swapped
from assistant.verification import verify
from index.types import Span

SAME = np.array([1, 0], dtype=np.float32)
ACROSS = np.array([0, 1], dtype=np.float32)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("twelve of 12 and the twelfth", [12, 12, 12]),
        ("75,000 dead and 1.2 million displaced", [75_000, 1_200_000]),
        ("in 1993-95", [1993, 1995]),
        ("thirty-five states, two hundred votes", [35, 200]),
        ("three decades and two centuries", [30, 200]),
        ("in the 1990s", [1990]),
        ("on 20 January 1993", [1993]),
    ],
)
def test_numbers_by_value(text: str, values: list[float]) -> None:
    assert [number.value for number in numbers_of(text)] == values


def test_dates_by_part() -> None:
    assert [date for date, _, _ in dates_of("January 20, 1993")] == [Date(20, 1, 1993)]
    assert [date for date, _, _ in dates_of("20 January 1993")] == [Date(20, 1, 1993)]
    assert [date for date, _, _ in dates_of("17-18 May 2003")] == [Date(17, 5, 2003), Date(18, 5, 2003)]
    assert [date for date, _, _ in dates_of("in May 2003")] == [Date(None, 5, 2003)]


@pytest.mark.parametrize(
    ("text", "cited", "met"),
    [
        ("It has twelve members.", "It has 12 members.", True),
        ("It has twelve members.", "It has 13 members.", False),
        ("On January 20, 1993 it began.", "It began on 20 January 1993.", True),
        ("On January 21, 1993 it began.", "It began on 20 January 1993.", False),
        ("It began in January 1993.", "It began on 20 January 1993.", True),
        ("It began in March 1993.", "It began on 20 January 1993.", False),
        ("It ended in 1995.", "It lasted from 1993-95.", True),
        ("It ended in 1994.", "It lasted from 1993-95.", False),
        ("It met in the 1990s.", "It met in 1994.", True),
        ("It met in the 1980s.", "It met in 1994.", False),
    ],
)
def test_numbers_met(text: str, cited: str, met: bool) -> None:
    assert numbers_met(text, cited) is met


def test_swapped_numbers() -> None:
    cited = "The centre counted 300 partners in 20 countries and trained 45 experts in Helsinki."
    assert swapped("The centre counted 45 partners in 20 countries and trained 300 experts in Helsinki.", cited)
    assert not swapped("It trained 45 experts and counted 300 partners.", cited)


@pytest.mark.parametrize(
    ("text", "cited", "met"),
    [
        ("The talks with Kissinger began.", "Kissinger's talks began.", True),
        ("The talks with Dobrynin began.", "Kissinger's talks began.", False),
        ("Dobrynin told him.", "Kissinger told him.", False),
        ("Negotiators met in Oslo.", "Envoys met in Oslo.", True),
        ("They met Rod-Larsen.", "They met Rød-Larsen.", True),
        ("The Norwegian team came.", "The team came from Norway.", True),
        ("The Swedish team came.", "The team came from Norway.", False),
        ("The US team came.", "The American team came.", True),
        ("The talks of the HDC began.", "Talks of the Humanitarian Dialogue Centre began.", True),
        ("The talks of the CMI began.", "Talks of the Humanitarian Dialogue Centre began.", False),
    ],
)
def test_names_met(text: str, cited: str, met: bool) -> None:
    assert names_met(text, cited) is met


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("Kissinger came.", True),
        ("Kissіnger came.", False),  # Cyrillic і
        ("Kissinger cοmes.", False),  # Greek ο, in no name
        ("Kissİnger came.", False),
        ("Kißinger came.", False),
        ("Kissin\u200bger came.", False),
        ("Kissinger came to a café.", True),
    ],
)
def test_letters_met(text: str, met: bool) -> None:
    assert letters_met(text, "Kissinger came.") is met


def test_a_letter_of_the_cited_text_may_be_written() -> None:
    assert letters_met("İnönü came.", "İnönü was there.")
    assert fold("İNÖNÜ") == "inonu"


@pytest.mark.parametrize(
    ("text", "cited", "agree"),
    [
        ("The truce was not signed.", "The truce was signed.", False),
        ("The truce was signed.", "The truce was not signed.", False),
        ("The attempt did not succeed.", "The attempt failed.", True),
        ("No agreement was signed.", "They parted without a signed agreement.", True),
        ("Hanoi agreed to mutual withdrawal.", "Hanoi refused to agree to mutual withdrawal.", False),
        ("They had lacked formal relations.", "They had been without formal relations.", True),
    ],
)
def test_negations(text: str, cited: str, agree: bool) -> None:
    assert negations_agree(text, cited) is agree


def test_a_quote_points_to_its_exact_characters() -> None:
    text = "İnönü met Weiß."
    quote = f"In İzmir, it is said, {text} Nobody else came."
    verdict = verify(text, SAME, ["Another.", quote], [ACROSS, SAME])
    assert (verdict.support, verdict.bearing, verdict.within) == ("quoted", (1,), Span(22, 22 + len(text)))
    assert verdict.within
    assert quote[verdict.within.start : verdict.within.end] == text
    assert verify("other came.", SAME, ["Another came."], [ACROSS]).support == "unsupported", "no part of a word"


def test_a_supported_sentence_points_to_its_nearest_span() -> None:
    quotes = ["The weather in Oslo was cold.", "The envoys met in Oslo in 1993 and agreed on water."]
    verdict = verify("In 1993 the envoys met in Oslo and agreed on water.", SAME, quotes, [ACROSS, SAME])
    assert (verdict.support, verdict.bearing, verdict.within) == ("supported", (1,), Span(0, len(quotes[1])))
    assert not verdict.reasons


def test_two_spans_support_a_sentence_clause_by_clause() -> None:
    quotes = ["Pundak met Qurei in London in 1992.", "Savir joined the talks in Oslo in 1993."]
    both = "Qurei met Pundak in London in 1992, and Savir joined the Oslo talks in 1993."
    assert verify(both, SAME, quotes, [SAME, SAME]).support == "supported"
    stitched = "Pundak met Qurei in London joined the talks in Oslo in 1993."
    assert verify(stitched, SAME, quotes, [SAME, SAME]).support == "unsupported"


def test_another_subject_before_the_same_words() -> None:
    quote = "Closed meetings in Norway led to agreement on water and land."
    verdict = verify("Public protest led to agreement on water and land.", SAME, [quote], [SAME])
    assert verdict.reasons == ("stitched",)


def test_the_title_stands_for_what_a_span_calls_it() -> None:
    text, quote = "The Oslo agreement was signed in 1993.", "The agreement was signed in Washington in 1993."
    assert verify(text, SAME, [quote], [SAME]).support == "unsupported"
    assert verify(text, SAME, [quote], [SAME], ["The Oslo channel"]).support == "supported"


def test_nobody_speaks_in_what_is_cited() -> None:
    quote = "The envoys met in Oslo in 1993."
    assert verify("I think the envoys met in Oslo in 1993.", SAME, [quote], [SAME]).reasons == ("speaker",)


def test_nothing_cited_or_not_near() -> None:
    assert verify("The talks began.", SAME, [], []).reasons == ("citation",)
    assert "meaning" in verify("The talks went well.", SAME, ["The talks began well."], [ACROSS]).reasons
