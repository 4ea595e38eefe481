"""Search as the page shows it: why a passage was found, counts, order, and excerpts with their words marked."""

import time
from dataclasses import replace
from typing import Any

import pytest
import regex

from assistant.answering import Assistant
from assistant.counting import by_decade
from assistant.errors import QuestionError
from assistant.excerpts import LENGTH, excerpt, marked
from assistant.finding import DEPTH, LISTED, NEAR, Finding, FoundPassage, find, in_order, why
from index.errors import FilterError
from index.filters import FACETS, OPEN_END, Filters
from index.summaries import Facts
from index.types import Passage, ScoredPassage, Span

OSLO = "secret talks in Norway"


@pytest.fixture(scope="module")
def oslo(assistant: Assistant) -> Finding:
    return find(assistant, OSLO)


def words(pieces: Any) -> list[str]:
    return [each.text for each in pieces if each.marked]


def whole(pieces: Any) -> str:
    return "".join(each.text for each in pieces)


def test_the_best_passages_are_those_of_the_search_itself(oslo: Finding, assistant: Assistant) -> None:
    expected = assistant.search(OSLO, DEPTH)
    kept = [each for each in expected if each.lexical > 0 or each.dense >= NEAR]
    assert [each.scored for each in oslo.found] == kept
    assert [each.rank for each in oslo.found] == list(range(1, len(kept) + 1))
    assert oslo.found[0].passage.doc_id == "oslo-channel"
    assert (oslo.found[0].since, oslo.found[0].until) == (1992, 1993)
    assert (oslo.typed, oslo.searched) == (OSLO, OSLO)


@pytest.mark.parametrize(
    ("dense", "lexical", "expected"),
    [(NEAR, 0.0, "meaning"), (NEAR - 0.01, 0.1, "words"), (NEAR, 0.1, "both"), (NEAR - 0.01, 0.0, None)],
)
def test_why_a_passage_was_found(dense: float, lexical: float, expected: str | None) -> None:
    passage = Passage("a#0-1", "a", 0, 1, "", 1, "x")
    assert why(ScoredPassage(passage, 1.0, dense, lexical)) == expected


def test_what_was_found_by_words_has_them_and_what_was_not_has_none(assistant: Assistant) -> None:
    reasons = set()
    for question in (OSLO, "who paid for the meetings", "enemies who learn to trust"):
        finding = find(assistant, question)
        for each in finding.found:
            passage = each.passage
            seen = [whole for text in (passage.text, passage.title, passage.heading) for whole in finding.marked(text)]
            assert any(piece.marked for piece in seen) == (each.why != "meaning"), (question, passage.passage_id)
            reasons.add(each.why)
    assert reasons == {"meaning", "words", "both"}


def test_counts_are_articles_and_a_facet_counts_without_itself(oslo: Finding, assistant: Assistant) -> None:
    articles = dict.fromkeys(each.passage.doc_id for each in oslo.found)
    metadata = [assistant.index.document(name).metadata for name in articles]
    assert oslo.articles == len(articles)
    for facet in ("regions", "topics"):
        for value, count in oslo.counts[facet].items():
            assert count == sum(value in each[facet] for each in metadata), value
    assert oslo.counts["track"]["multi"] == sum(each["track"] == "multi" for each in metadata)

    narrowed = find(assistant, OSLO, Filters(regions=("europe",)))
    assert {
        "europe" in assistant.index.document(each.passage.doc_id).metadata["regions"] for each in narrowed.found
    } == {True}
    assert narrowed.counts["regions"] == oslo.counts["regions"]  # what else could be ticked
    assert narrowed.articles == narrowed.counts["regions"]["europe"]
    assert sum(narrowed.counts["track"].values()) == narrowed.articles  # each article has one track
    assert narrowed.counts["track"] != oslo.counts["track"]

    dated = find(assistant, OSLO, Filters(since=1990, until=1999))
    assert dated.decades == oslo.decades
    assert dated.articles == dated.decades[1990]


def test_decades_by_hand() -> None:
    def article(since: int | None, until: int | None) -> Facts:
        return Facts(dict.fromkeys(FACETS, ()), since, until)

    articles = [article(1989, 1993), article(1992, 1992), article(2003, OPEN_END), article(None, None)]
    assert by_decade(articles, now=2026) == {1980: 1, 1990: 2, 2000: 1, 2010: 1, 2020: 1}
    assert by_decade([article(1999, 1991)], now=2026) == {1990: 1}  # a period that ends before it begins
    assert by_decade([article(2050, OPEN_END)], now=2026) == {}
    started = time.perf_counter()
    assert list(by_decade([article(-(10**15), OPEN_END - 1)], now=2026)) == list(range(9900, 10000, 10))
    assert time.perf_counter() - started < 0.1


def test_order_by_relevance_and_by_period() -> None:
    def passage(rank: int, since: int | None, until: int | None) -> FoundPassage:
        scored = ScoredPassage(Passage(f"a#{rank}", "a", 0, 1, "", 1, "x"), 1.0, 1.0, 1.0)
        return FoundPassage(rank, scored, "both", since, until)

    found = [
        passage(1, 1992, 1993),
        passage(2, None, None),
        passage(3, 1971, OPEN_END),
        passage(4, 1971, 1972),
        passage(5, 1992, 1993),
    ]

    def ranks(order: str) -> list[int]:
        return [each.rank for each in in_order(list(reversed(found)), order)]

    assert ranks("relevance") == ranks("anything else") == [1, 2, 3, 4, 5]
    assert ranks("earliest") == [4, 3, 1, 5, 2]
    assert ranks("latest") == [3, 1, 5, 4, 2]


def test_misspelt_words_are_respelt(assistant: Assistant) -> None:
    finding = find(assistant, "secret talks in Norwey")
    assert finding.typed == "secret talks in Norwey"
    assert finding.searched == "secret talks in Norway"
    assert finding.found[0].passage.doc_id == "oslo-channel"


def test_nothing_is_found_where_no_word_is_there_and_nothing_is_near(assistant: Assistant) -> None:
    finding = find(assistant, "banana bread")
    assert (finding.found, finding.articles, finding.decades) == ((), 0, {})
    assert finding.counts == {"regions": {}, "topics": {}, "track": {}}


@pytest.mark.parametrize("question", ["", "  ", "?!", "x" * 2001])
def test_f35_f36_what_cannot_be_searched_for(assistant: Assistant, question: str) -> None:
    with pytest.raises(QuestionError):
        find(assistant, question)


def test_an_unknown_value_of_a_facet_is_said(assistant: Assistant) -> None:
    with pytest.raises(FilterError, match="No article has 'atlantis' among its regions"):
        find(assistant, OSLO, Filters(regions=("atlantis",)))


# -- excerpts ----------------------------------------------------------------------------------------------------------

TALK = {"talk": 2.0, "secret": 1.0}


def test_a_stem_marks_each_form_of_its_word() -> None:
    pieces = marked("Talks, talking and a talkative SECRET; secretary.", TALK)
    assert words(pieces) == ["Talks", "talking", "SECRET"]
    assert whole(pieces) == "Talks, talking and a talkative SECRET; secretary."
    assert marked("", TALK) == []
    assert words(marked("talk", {})) == []


def test_a_short_text_is_shown_whole_and_a_long_one_around_its_words() -> None:
    short = "The talks were secret."
    assert whole(excerpt(short, TALK)) == short
    filler = "Nothing of note was said here at all by anybody. " * 20
    text = f"{filler}At last the secret talks began. {filler}"
    pieces = excerpt(text, TALK)
    assert words(pieces) == ["secret", "talks"]
    assert whole(pieces).startswith("… ")
    assert whole(pieces).endswith(" …")
    assert len(whole(pieces)) <= LENGTH + 4
    inside = whole(pieces).removeprefix("… ").removesuffix(" …")
    assert inside in text
    assert inside[0].isupper()  # a sentence begins there


def test_without_its_words_the_sentence_nearest_in_meaning_is_shown() -> None:
    filler = "Nothing of note was said here at all by anybody. " * 20
    text = f"{filler}The enemies met by night. {filler}"
    at = text.index("The enemies")
    pieces = excerpt(text, {"talk": 1.0}, Span(at, at + 25))
    assert "The enemies met by night." in whole(pieces)
    assert words(pieces) == []


def test_the_nearest_sentence_of_a_passage_is_within_it(oslo: Finding) -> None:
    for each in oslo.found[:LISTED]:
        assert each.best is not None
        assert 0 <= each.best.start < each.best.end <= len(each.passage.text)
        inside = whole(oslo.excerpt(each)).removeprefix("… ").removesuffix(" …")
        assert inside in each.passage.text


CLUSTERS = {
    "family": "👨‍👩‍👧‍👦" * 200,
    "zalgo": "t" + "\u0335\u0301" * 10_000 + "alk",
    "chinese": "和平会谈在挪威举行" * 60,
    "devanagari": "वार्ता " * 200,
    "flags": "🇳🇴🇮🇱" * 200,
    "decomposed": "e\u0301cole talks " * 60,
}


@pytest.mark.parametrize("text", CLUSTERS.values(), ids=CLUSTERS)
def test_f34_no_cluster_is_cut_and_nothing_stalls(text: str) -> None:
    started = time.perf_counter()
    pieces = excerpt(text, {**TALK, "ecol": 1.0, "वार्ता": 1.0})
    assert time.perf_counter() - started < 0.5
    inside = whole(pieces).removeprefix("… ").removesuffix(" …")
    start = text.index(inside)
    ends = {0, *(each.end() for each in regex.finditer(r"\X", text))}
    at = start
    assert at in ends
    for each in (piece for piece in pieces if piece.text not in ("… ", " …")):
        at += len(each.text)
        assert at in ends, each


def test_ranks_stay_what_they_are_when_a_list_is_cut(oslo: Finding) -> None:
    best = in_order([replace(each) for each in oslo.found[:LISTED]], "earliest")
    assert sorted(each.rank for each in best) == list(range(1, len(best) + 1))
