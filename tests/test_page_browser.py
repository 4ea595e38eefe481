"""The page in a real Chromium: ask, open citations by mouse and by keyboard, light and dark, wide and narrow."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import (
    BROWSER,
    PAYLOAD,
    SLOWLY,
    Open,
    announced,
    answered,
    ask,
    fits,
    focused,
    in_view,
    marked,
    ready,
    serving,
)
from conftest import with_models

from assistant.answering import Assistant
from assistant.types import Citation
from index.building import apply
from index.settings import IndexSettings

pytestmark = BROWSER

OSLO = "How did the Oslo talks start?"


@pytest.fixture(scope="module")
def address(library: Path) -> Iterator[str]:
    with serving(library) as address:
        yield address


def quote_of(assistant: Assistant, citation: Citation) -> str:
    return assistant.index.document(citation.doc_id).text[citation.start : citation.end]


def test_a_question_is_answered_and_citation_1_opens_by_mouse_and_by_keyboard(
    address: str, opened: Open, assistant: Assistant
) -> None:
    expected = assistant.ask(OSLO)
    page = opened(address)
    served = assistant.index.status().generation
    assert page.locator("#generation").inner_text().strip() == f"Answers from 12 articles, generation {served}."
    assert page.title() == "Backchannel"
    ask(page, OSLO)
    assert page.locator("#status").inner_text().strip() == f"Answer ready, {len(expected.citations)} citations"
    numbers = page.locator("#chat .said sup").all_text_contents()
    assert numbers == [str(citation.number) for citation in expected.citations]
    said = page.evaluate(
        "(() => { const p = document.querySelector('#chat .said').cloneNode(true);"
        " p.querySelectorAll('sup').forEach((e) => e.remove()); return p.textContent; })()"
    )
    assert said == expected.text
    first = expected.citations[0]
    chip = page.locator("#chat a.cite").first
    assert chip.get_attribute("aria-label") == f"Citation 1: {first.title}"

    chip.click()
    assert marked(page) == first.quote == quote_of(assistant, first)
    assert focused(page) == "quote"
    assert in_view(page, "#quote")
    assert chip.get_attribute("aria-current") == "true"
    assert "Swimming the Oslo Channel, Time, 1993" in page.locator("#reader .onward").inner_text()
    page.keyboard.press("Escape")
    page.locator("#reader").wait_for(state="hidden")
    assert focused(page) == chip.get_attribute("href")
    assert chip.get_attribute("aria-current") is None

    page.keyboard.press("Tab")  # from the first citation to the second
    page.keyboard.press("Enter")
    assert marked(page) == quote_of(assistant, expected.citations[1])
    page.locator("#back").click()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.locator("#quote", has_text=first.quote).wait_for()
    assert marked(page) == first.quote
    assert focused(page) == "quote"
    assert page.url == address + "/"


def test_every_citation_and_every_card_opens_its_own_words(address: str, opened: Open, assistant: Assistant) -> None:
    page = opened(address)
    question = "Define back-channel negotiation."
    page.locator("#examples a.ask", has_text=question).click()
    answered(page)
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"  # the link is gone, the focus is not
    citations = assistant.ask(question).citations
    assert len(citations) >= 2
    for citation in citations:
        page.locator("#chat a.cite").nth(citation.number - 1).click()
        page.locator("#quote", has_text=citation.quote).wait_for()
        assert marked(page) == citation.quote
        assert in_view(page, "#quote")
    page.locator("#back").click()
    last = page.locator("#sources a.card").nth(len(citations) - 1)
    assert citations[-1].quote in last.inner_text()
    assert "The article has this from: " in last.inner_text()
    last.click()
    assert marked(page) == citations[-1].quote
    page.keyboard.press("Escape")
    assert focused(page) == last.get_attribute("href")


def test_what_the_articles_do_not_cover(address: str, opened: Open) -> None:
    page = opened(address)
    ask(page, "What is the capital of Peru?")
    answer = page.locator("#chat .answer")
    assert "The articles do not cover this. What was found does not mention Peru." in answer.inner_text()
    assert page.locator("#status").inner_text().strip() == "Answer ready: not covered by the articles"
    near = answer.locator("a.near")
    assert near.count() == 3
    title = near.first.inner_text()
    near.first.click()
    page.locator("#reader h2", has_text=title).wait_for()
    assert page.locator("#reader mark").count() == 0
    assert page.locator("#reader p").count() > 5


def test_a_follow_up_and_a_new_conversation(address: str, opened: Open) -> None:
    page = opened(address)
    ask(page, "Was there any truce in Aceh before the agreement of 2005?")
    page.locator("#next a.ask", has_text="Which countries sent people to watch over it?").click()
    page.locator("#chat .answer").nth(1).wait_for()
    answered(page)
    second = page.locator("#chat .answer").nth(1).inner_text()
    understood = "Which countries sent people to watch over it? (truce in Aceh before the agreement of 2005)"
    assert f"Understood as: {understood}" in second
    assert "Thailand, the Philippines and Norway lent monitors" in second
    assert page.locator("#chat .answer").count() == 2
    page.locator("#chat a.cite").first.click()  # citations of the earlier answer still open
    page.locator("#quote").wait_for()
    page.locator("#clear").click()
    page.locator("#status", has_text="New conversation").wait_for()
    page.locator("#welcome").wait_for()
    assert page.locator("#chat .answer").count() == 0
    assert page.locator("#sources h2").inner_text() == "The articles"
    assert not page.locator("#reader").is_visible()
    ask(page, "When did his role become public?")  # nothing is left to lean upon
    assert "Understood as" not in page.locator("#chat .answer").inner_text()


def test_what_cannot_be_asked(address: str, opened: Open) -> None:
    page = opened(address)
    page.locator("#send").click()
    page.locator("#status", has_text="Type a question first").wait_for()
    page.fill("#q textarea", "word " * 401)
    page.keyboard.press("Enter")
    assert announced(page) == "The question has 2,004 characters; at most 2,000 can be asked. Shorten it."
    assert page.locator("#q textarea").input_value().startswith("word word")
    page.locator("#send").click()
    page.fill("#q textarea", "?!")
    page.keyboard.press("Enter")
    page.locator("#chat .answer", has_text="has no words in it").wait_for()
    page.fill("#q textarea", OSLO)
    page.locator("#send").click()
    page.locator("#status", has_text="Answer ready").wait_for()
    assert page.locator("#chat .answer").count() == 1  # the refusal is not part of the conversation


def test_an_answer_can_be_stopped(library: Path, opened: Open) -> None:
    with serving(library, program=SLOWLY) as address:
        page = opened(address, policed=False)  # Gradio's mark of a cancelled call has a style attribute
        page.fill("#q textarea", OSLO)
        page.locator("#send").click()
        page.locator("#chat .said").wait_for()
        assert page.get_attribute("#chat", "aria-busy") == "true"
        page.fill("#q textarea", "too early")
        page.keyboard.press("Enter")
        assert page.locator("#q textarea").input_value() == "too early"
        page.locator("#stop").click()
        page.locator("#status", has_text="Stopped").wait_for()
        page.locator("#toolbar").wait_for()  # it is kept as far as it came
        begun = page.locator("#chat .said").inner_text()
        assert page.get_attribute("#chat", "aria-busy") == "false"
        ask(page, "What is the capital of Peru?")  # longer than the next words would have taken
        earlier = page.locator("#chat .answer").first.inner_text()
        assert earlier.startswith(begun + "…")
        assert "Stopped before its end." in earlier


def test_a_citation_in_a_tab_of_its_own(address: str, opened: Open, assistant: Assistant) -> None:
    citation = assistant.ask(OSLO).citations[0]
    place = f"{citation.start}-{citation.end}/{assistant.index.status().generation}"
    page = opened(address, path=f"/#c/1/{place}/{citation.doc_id}")
    assert marked(page) == citation.quote


def test_light_or_dark_is_remembered(address: str, opened: Open) -> None:
    page = opened(address)
    root = page.locator("html")
    assert root.get_attribute("data-theme") == "light"
    page.locator("#theme").click()
    assert root.get_attribute("data-theme") == "dark"
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(26, 24, 21)"
    page.reload()
    ready(page)
    assert root.get_attribute("data-theme") == "dark"
    assert page.evaluate("document.body.classList.contains('dark')")
    page.locator("#theme").click()
    assert page.evaluate(ground) == "rgb(251, 249, 244)"
    assert (
        page.evaluate("localStorage.getItem('backchannel:theme')") is None
    )  # as the system has it: nothing to remember


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_and_can_be_looked_at(
    address: str, opened: Open, assistant: Assistant, tmp_path_factory: pytest.TempPathFactory, width: int, scheme: str
) -> None:
    shots = tmp_path_factory.mktemp(f"screenshots-{width}-{scheme}-")
    page = opened(address, width, scheme)
    assert page.locator("html").get_attribute("data-theme") == scheme

    def look(name: str) -> None:
        assert fits(page), name
        page.screenshot(path=shots / f"{name}.png")
        assert (shots / f"{name}.png").stat().st_size > 10_000

    look("1-empty")
    ask(page, OSLO)
    assert in_view(page, "#chat .asked")
    look("2-answer")
    chip = page.locator("#chat a.cite").first
    chip.click()
    assert marked(page) == assistant.ask(OSLO).citations[0].quote
    assert in_view(page, "#quote")
    look("3-article")
    reader = page.locator("#reader").bounding_box()
    if width == 390:
        assert (reader["x"], reader["y"], reader["width"], reader["height"]) == (0, 0, 390, 844)
        assert page.locator("#back").inner_text() == "Back to the answer"
        assert page.evaluate("document.querySelector('#left').inert")
        page.go_back()  # as the phone's own button does
    else:
        assert reader["x"] > 640
        page.locator("#back").click()
    page.locator("#reader").wait_for(state="hidden")
    assert focused(page) == chip.get_attribute("href")
    assert in_view(page, "#chat a.cite")
    assert not page.evaluate("document.querySelector('#left').inert")
    ask(page, "What is the capital of Peru?")
    look("4-not-covered")


def test_hostile_articles_and_questions_do_nothing(
    tmp_path_factory: pytest.TempPathFactory, models: Path, opened: Open
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    text = f"The Lindmark talks on the salt islands started in a boathouse in 1962. {PAYLOAD} ended them in 1964."
    record = {"_id": "../<b>/x?y#z", "title": f"Lindmark {PAYLOAD}", "text": text}
    (folder / "articles.jsonl").write_text(json.dumps(record), encoding="utf-8")
    home = with_models(folder / "home", models)
    apply(IndexSettings.load(home=home), [folder / "articles.jsonl"])
    stored = Assistant.open(home).index.document(record["_id"])
    with serving(home) as address:
        page = opened(address)
        assert page.locator("#sources .title").inner_text() == stored.title
        ask(page, f"When did the Lindmark talks on the salt islands start? {PAYLOAD}")
        assert page.locator("#chat .asked").inner_text().endswith(PAYLOAD)
        ask(page, "When did the Lindmark talks on the salt islands start?")
        page.locator("#chat a.cite").last.click()
        assert marked(page) in stored.text
        assert page.locator("#reader h2").inner_text() == stored.title
        assert PAYLOAD in page.locator("#reader .article").inner_text()
        inside = "#chat :is(img, script, b, code, strong, em, .katex), #panel :is(img, script, b, code, .katex)"
        assert page.locator(inside).count() == 0
        links = page.locator("#chat a").evaluate_all("(all) => all.map((a) => a.getAttribute('href'))")
        assert all(link.endswith("/..%2F%3Cb%3E%2Fx%3Fy%23z") for link in links)
