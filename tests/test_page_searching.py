"""What happens on the page when somebody searches, without a browser; Gradio is imported, hence slow."""

import html
from typing import Any

import pytest

from assistant.answering import Assistant
from assistant.finding import find
from assistant.living import LiveAssistant
from index.filters import Filters

pytestmark = pytest.mark.slow

OSLO = "secret talks in Norway"
FOUND, STATUS, PERIOD, DECADES, REGIONS, TOPICS, TRACK, MORE, SHOWN = range(9)


@pytest.fixture
def searching(assistant: Assistant) -> Any:
    from assistant.page.front import Front
    from assistant.page.searching import Searching

    live = LiveAssistant(assistant)
    return Searching(live, Front(live))


def read(markup: str) -> str:
    return html.unescape(markup)


def test_ten_passages_are_shown_then_ten_more_to_fifty(searching: Any, assistant: Assistant) -> None:
    finding = find(assistant, OSLO)
    made = searching.search(OSLO)
    assert made[STATUS] == f'<p class="idle">{len(finding.found)} passages in {finding.articles} articles</p>'
    assert made[FOUND].count("<li>") == made[SHOWN] == 10
    assert made[MORE].visible is True
    first = finding.found[0]
    place = f"#c/1/{first.passage.start}-{first.passage.end}/{finding.generation}/oslo-channel"
    assert f'href="{place}"' in made[FOUND]
    assert f'href="#a/{finding.generation}/oslo-channel"' in made[FOUND]
    assert "<mark>secret</mark> series of <mark>talks</mark> in <mark>Norway</mark>" in made[FOUND]
    assert "Found by meaning and words" in read(made[FOUND])
    assert f"Score {first.scored.score:.2f}: meaning {first.scored.dense:.2f}" in read(made[FOUND])
    assert 'href="#q/secret%20talks%20in%20Norway"' in made[FOUND]
    assert "Searched for:" not in read(made[FOUND])

    more = searching.more(OSLO, "", [], [], [], "relevance", 10)
    assert more[FOUND].count("<li>") == more[SHOWN] == 20
    last = searching.more(OSLO, "", [], [], [], "relevance", 45)
    assert last[SHOWN] == 50
    assert last[FOUND].count("<li>") == min(50, len(finding.found))
    assert last[MORE].visible is False
    for forged in (-5, 10**9, "10", None):
        assert searching.search(OSLO, shown=forged)[FOUND].count("<li>") in (10, min(50, len(finding.found)))


def test_facets_have_counts_and_what_is_ticked_stays(searching: Any, assistant: Assistant) -> None:
    counts = find(assistant, OSLO).counts["regions"]
    made = searching.search(OSLO)
    assert dict(map(reversed, made[REGIONS].choices))["europe"] == f"Europe ({counts['europe']})"
    assert {value for _, value in made[REGIONS].choices} == {value for value, count in counts.items() if count}
    assert made[REGIONS].value == []
    assert find(assistant, OSLO, Filters(regions=("africa",), topics=("nuclear",))).found == ()
    made = searching.search(OSLO, "", ["africa"], ["nuclear"])
    assert made[REGIONS].value == ["africa"]
    assert made[TOPICS].value == ["nuclear"]
    topics = dict(map(reversed, made[TOPICS].choices))
    assert topics["nuclear"] == "Nuclear (0)"


def test_a_decade_is_a_period(searching: Any, assistant: Assistant) -> None:
    made = searching.of_decade(OSLO, "1990-1999", "1800-", [], [], [], "relevance")
    expected = find(assistant, OSLO, Filters(since=1990, until=1999))
    assert made[PERIOD] == made[DECADES].value == "1990-1999"
    assert made[STATUS] == f'<p class="idle">{len(expected.found)} passages in {expected.articles} articles</p>'
    assert (f"1990s ({expected.articles})", "1990-1999") in made[DECADES].choices
    assert searching.search(OSLO, "1991-1994")[DECADES].value is None
    cleared = searching.cleared(OSLO, "relevance")
    assert (cleared[PERIOD], cleared[DECADES].value, cleared[REGIONS].value) == ("", None, [])
    assert cleared[FOUND] == searching.search(OSLO)[FOUND]


def test_sorted_by_period(searching: Any) -> None:
    def firsts(order: str) -> list[int]:
        text = read(searching.search(OSLO, order=order, shown=50)[FOUND])
        years = [part.split("<")[0].split("since ")[-1] for part in text.split('<span class="years"><bdi>')[1:]]
        return [int(year[:4]) for year in years]

    assert firsts("earliest") == sorted(firsts("earliest"))
    assert firsts("earliest")[0] < 1992
    assert sorted(firsts("latest")) == firsts("earliest")
    assert firsts("latest") != firsts("earliest")
    assert searching.search(OSLO, order="<b>")[FOUND] == searching.search(OSLO)[FOUND]


def test_searched_for_other_words(searching: Any) -> None:
    made = searching.search("secret talks in Norwey")
    assert "Searched for: <q>secret talks in Norway</q>" in read(made[FOUND])
    assert 'href="#q/secret%20talks%20in%20Norway"' in made[FOUND]


@pytest.mark.parametrize("words", [None, "", "  \n"])
def test_f35_nothing_typed(searching: Any, words: str | None) -> None:
    made = searching.search(words)
    assert made[STATUS] == '<p class="idle">Type a few words first</p>'
    assert "Type a few words or a whole question" in read(made[FOUND])
    assert searching.cleared(words, "relevance")[REGIONS].value == []


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        (("?!",), "has no words in it"),
        (("x" * 2001,), "has 2,001 characters; at most 2,000 are read"),
        ((OSLO, "soon"), "The period 'soon' is not two years. Write it as 1990-1995"),
        ((OSLO, "1995-1990"), "ends before it begins"),
        ((OSLO, "", ["atlantis"]), "No article has 'atlantis' among its regions"),
        (("a\ud800?!",), "Nothing"),
    ],
)
def test_f30_f36_what_cannot_be_searched_for_is_said_in_a_sentence(
    searching: Any, inputs: tuple[Any, ...], says: str
) -> None:
    made = searching.search(*inputs)
    if says == "Nothing":  # a lone surrogate is a question mark then, and the words are searched for
        assert made[STATUS] == '<p class="idle">Nothing found</p>'
        return
    assert says in read(made[FOUND])
    assert made[STATUS] == '<p class="idle">Not searched</p>'
    assert made[REGIONS]["__type__"] == made[PERIOD]["__type__"] == "update"  # they stay as they are


def test_nothing_found_and_nothing_with_these_filters(searching: Any, assistant: Assistant) -> None:
    made = searching.search("banana bread")
    assert made[STATUS] == '<p class="idle">Nothing found</p>'
    assert "Try other words, or fewer" in read(made[FOUND])
    assert "#/library" in made[FOUND]
    made = searching.search(OSLO, "1801-1802")
    unfiltered = find(assistant, OSLO)
    offer = f"Take the filters off: {len(unfiltered.found)} passages in {unfiltered.articles} articles"
    assert offer in read(made[FOUND])
    assert "unfilter" not in searching.search("banana bread", "1801-1802")[FOUND]


def test_t20_a_fault_is_logged_without_the_words(
    searching: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from assistant.page import searching as module

    def fails(*_: Any) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(module, "find", fails)
    made = searching.search("my canary words")
    assert "Something went wrong here" in read(made[FOUND])
    assert "A search failed" in caplog.text
    assert "canary" not in caplog.text


def test_t8_text_of_articles_stays_text(assistant: Assistant) -> None:
    from assistant.excerpts import Piece
    from assistant.page.escaping import safe_markdown
    from assistant.page.found import pieces

    hostile = '<img src=x onerror="alert(1)"> **b** $x$ [1](#c/1/0-1/g/a) </mark>'
    made = safe_markdown(f"<p>{pieces([Piece('a '), Piece(hostile, True), Piece(' b')])}</p>")
    assert made.startswith("<p>a <mark>&#60;img ")
    assert made.endswith("&#60;&#47;mark&#62;</mark> b</p>")
    assert read(made) == f"<p>a <mark>{hostile}</mark> b</p>"
    assert made.count("<") == 4
