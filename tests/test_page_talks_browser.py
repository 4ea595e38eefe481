"""Conversations in a real Chromium: kept in the browser, several, named, deleted; filters, addresses, exports."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import BROWSER, LOST, Open, announced, answered, ask, fits, ready, reload, rest, serving

from assistant.answering import Assistant
from assistant.conversations import answer_of, read
from assistant.feedback import Feedback
from index.filters import Filters

pytestmark = BROWSER

OSLO = "How did the Oslo talks start?"
PERU = "What is the capital of Peru?"
CSCAP = "When and where was CSCAP established?"


@pytest.fixture(scope="module")
def address(library: Path) -> Iterator[str]:
    with serving(library) as address:
        yield address


def kept(page: Any) -> list[dict[str, Any]]:
    """The list of conversations as the browser has it."""
    return list(json.loads(page.evaluate("localStorage.getItem('backchannel:talks') || '[]'")))


def said(page: Any) -> list[str]:
    return [text.strip() for text in page.locator("#chat .asked h2").all_text_contents()]


def tool(page: Any, name: str) -> Any:
    return page.locator("#toolbar").get_by_role("button", name=name, exact=True)


def open_talk(page: Any, name: str) -> None:
    page.locator("#talks").click()
    page.locator("#reader .talks .open", has_text=name).click()
    page.locator("#chat .asked h2", has_text=name).wait_for()


def test_two_conversations_are_kept_over_a_reload(address: str, opened: Open, assistant: Assistant) -> None:
    page = opened(address)
    ask(page, OSLO)
    ask(page, "When was the agreement signed?")
    page.locator("#clear").click()
    page.locator("#status", has_text="New conversation").wait_for()
    ask(page, PERU)
    assert [(each["name"], each["count"]) for each in kept(page)] == [(PERU, 1), (OSLO, 2)]

    reload(page)
    page.locator("#status", has_text="Conversation opened").wait_for()
    assert said(page) == [PERU]
    open_talk(page, OSLO)
    assert said(page) == [OSLO, "When was the agreement signed?"]
    assert page.locator("#chat .answer").first.inner_text().startswith("The Oslo talks started as unofficial contact")
    page.locator("#chat a.cite").first.click()
    assert page.locator("#quote").inner_text() == assistant.ask(OSLO).citations[0].quote
    page.keyboard.press("Escape")
    ask(page, "Who were the negotiators?")  # goes on where it was
    assert kept(page)[0]["count"] == 3
    assert said(page)[2] == "Who were the negotiators?"


def test_they_are_renamed_and_deleted(address: str, opened: Open) -> None:
    page = opened(address)
    ask(page, PERU)
    page.locator("#clear").click()
    page.locator("#status", has_text="New conversation").wait_for()
    assert page.locator("#recent button").all_text_contents() == [PERU]
    ask(page, CSCAP)
    page.locator("#talks").click()
    page.locator(".talks li", has_text=PERU).get_by_role("button", name="Rename").click()
    page.keyboard.type("<b>Geography</b>")
    page.keyboard.press("Enter")
    assert page.locator(".talks .open").all_text_contents() == [CSCAP, "<b>Geography</b>"]
    gone = page.locator(".talks li", has_text=CSCAP).locator(".own").last
    gone.click()
    assert gone.inner_text() == "Really delete?"
    gone.click()
    page.locator("#welcome").wait_for()  # it was the one shown
    assert [each["name"] for each in kept(page)] == ["<b>Geography</b>"]
    reload(page)
    assert page.locator("#recent button").all_text_contents() == ["<b>Geography</b>"]
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.includes('talk:')).length") == 1


def test_nothing_of_them_is_on_the_server(address: str, opened: Open, browser: Any) -> None:
    first, second = opened(address), opened(address)
    ask(first, OSLO)
    assert kept(second) == []
    reload(second)
    assert second.locator("#chat .answer").count() == 0


def test_ask_again_and_edit_replace_the_last_exchange(address: str, opened: Open) -> None:
    page = opened(address)
    ask(page, OSLO)
    ask(page, PERU)
    before = page.evaluate("localStorage.getItem('backchannel:talks')")
    tool(page, "Ask again").click()
    while page.evaluate("localStorage.getItem('backchannel:talks')") == before:
        page.wait_for_timeout(50)
    answered(page)
    assert said(page) == [OSLO, PERU]
    tool(page, "Edit question").click()
    assert page.locator("#q textarea").input_value() == PERU
    page.keyboard.press("Escape")
    assert page.locator("#q textarea").input_value() == ""
    tool(page, "Edit question").click()
    page.fill("#q textarea", CSCAP)
    page.keyboard.press("Enter")
    page.locator("#chat .asked h2", has_text=CSCAP).wait_for()
    answered(page)
    assert said(page) == [OSLO, CSCAP]
    assert kept(page)[0]["count"] == 2


def test_a_forged_conversation_shows_no_citation(address: str, opened: Open) -> None:
    page = opened(address)
    ask(page, OSLO)
    page.evaluate(
        """(() => {
          const key = Object.keys(localStorage).find((each) => each.startsWith("backchannel:talk:"));
          const all = JSON.parse(localStorage.getItem(key));
          const { answer } = all[0].receipt;
          answer.sentences[0].text = "The talks were invented. <img src=x onerror=alert(1)>";
          answer.citations[0].quote = "The talks were invented.";
          answer.sentences.length = 1;
          answer.citations.length = 1;
          localStorage.setItem(key, JSON.stringify(all));
        })()"""
    )
    reload(page)
    answer = page.locator("#chat .answer")
    answer.wait_for()
    assert "The talks were invented. <img src=x onerror=alert(1)>" in answer.inner_text()
    assert answer.locator("a.cite").count() == 0
    assert answer.locator("img").count() == 0
    assert "1 citation of this answer is left out" in answer.inner_text()


def test_what_is_no_conversation_is_one_sentence(address: str, opened: Open) -> None:
    page = opened(address)
    ask(page, OSLO)
    page.evaluate(
        """(() => {
          const key = Object.keys(localStorage).find((each) => each.startsWith("backchannel:talk:"));
          localStorage.setItem(key, JSON.stringify([{ id: "x", receipt: { format: 1 } }]));
        })()"""
    )
    reload(page)
    page.locator("#chat .answer", has_text="has format 1; this program reads format 2").wait_for()
    page.locator("#clear").click()
    page.locator("#welcome").wait_for()
    ask(page, PERU)


def test_filters_are_chips_that_can_be_taken_off(address: str, opened: Open, assistant: Assistant) -> None:
    page = opened(address)
    page.locator("#filters").click()
    assert page.locator("#filters").get_attribute("aria-expanded") == "true"
    page.locator('#narrow-regions input[name="africa"]').check()
    page.fill("#narrow-period input", "1985-1990")
    chips = page.locator("#chips button")
    assert chips.all_text_contents() == ["1985-1990", "Africa"]
    assert page.locator("#filters").inner_text() == "Filters (2)"
    question = "Who took part in the secret meetings?"
    ask(page, question)
    expected = assistant.ask(question, (), Filters(1985, 1990, ("africa",)))
    assert page.locator("#chat .asked .quiet").inner_text() == "Only articles on: 1985-1990; Africa"
    assert page.locator("#chat a.cite").count() == len([n for each in expected.sentences for n in each.citations])
    assert {each["doc_id"] for each in json.loads(page.evaluate(LAST))["answer"]["citations"]} == {
        each.doc_id for each in expected.citations
    }
    page.get_by_role("button", name="Take off the filter Africa").click()
    page.locator("#filters", has_text="Filters (1)").wait_for()
    assert chips.all_text_contents() == ["1985-1990"]
    assert not page.evaluate(LOST)
    page.fill("#narrow-period input", "sometime")
    page.fill("#q textarea", OSLO)
    page.keyboard.press("Enter")
    page.locator("#chat .answer", has_text="'sometime' is not two years").wait_for()
    assert page.locator("#q textarea").input_value() == OSLO


LAST = """(() => {
  const key = Object.keys(localStorage).find((each) => each.startsWith("backchannel:talk:"));
  return JSON.stringify(JSON.parse(localStorage.getItem(key)).at(-1).receipt);
})()"""


def test_an_address_asks(address: str, opened: Open) -> None:
    page = opened(address, path="/?q=How+did+the+Oslo+talks+start%3F&region=middle-east&period=1992-1993")
    answered(page)
    assert said(page) == [OSLO]
    assert page.locator("#chips button").all_text_contents() == ["1992-1993", "Middle East"]
    assert page.url == address + "/"
    tool(page, "Copy link").click()
    assert announced(page) == "The address is copied: whoever opens it asks this question."
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == address + "/?q=How+did+the+Oslo+talks+start%3F&period=1992-1993&region=middle-east"
    other = opened(address, path=copied.removeprefix(address))
    answered(other)
    assert said(other) == [OSLO]
    rest(page)
    page.goto(copied)  # in the tab that has the conversation open: that one stays as it is
    ready(page)
    answered(page)
    assert [(each["name"], each["count"]) for each in kept(page)] == [(OSLO, 1), (OSLO, 1)]
    strange = opened(address, path="/?q=" + "%3Cscript%3Ealert(1)%3C/script%3E&region=mars")
    strange.locator("#chat .answer").wait_for()
    assert said(strange) == ["<script>alert(1)</script>"]


@pytest.mark.parametrize("width", [1280, 390])
def test_an_answer_is_copied_and_a_conversation_exported(address: str, opened: Open, width: int) -> None:
    page = opened(address, width)
    ask(page, OSLO)
    ask(page, PERU)
    tool(page, "Copy").click()
    assert announced(page) == "The answer is copied, with its citations."
    assert "The articles do not cover this." in page.evaluate("navigator.clipboard.readText()")
    for name, ending in (("Markdown", "md"), ("Word", "docx"), ("JSON with receipts", "json"), ("Citations", "json")):
        page.locator("#export summary").focus()
        page.keyboard.press("Enter")
        assert fits(page)
        with page.expect_download() as download:
            page.locator("#export").get_by_role("button", name=name).click()
        data = Path(download.value.path()).read_bytes()
        assert download.value.suggested_filename.endswith(f".{ending}")
        if name == "Markdown":
            text = data.decode()
            assert OSLO in text
            assert "The Oslo talks started as unofficial contact" in text
            assert len(re.findall(r"^\[\^\d+\]:", text, re.MULTILINE)) >= 2
        elif name == "Word":
            import docx

            folder = Path(download.value.path())
            paragraphs = [each.text for each in docx.Document(str(folder)).paragraphs]
            assert any(OSLO in each for each in paragraphs)
        elif name == "JSON with receipts":
            receipts = json.loads(data)["receipts"]
            assert [each["question"] for each in receipts] == [OSLO, PERU]
            assert answer_of(read(json.dumps(receipts))[1]).outcome == "not_covered"
        else:
            assert json.loads(data)[0]["id"] == "oslo-channel"


def test_thumbs_with_a_note_are_kept_with_the_receipt(address: str, opened: Open, library: Path) -> None:
    page = opened(address)
    ask(page, OSLO)
    tool(page, "Not helpful").click()
    assert announced(page).startswith("Thank you")
    assert tool(page, "Not helpful").get_attribute("aria-pressed") == "true"
    page.locator("#note input").fill("It leaves out the hosts.")
    page.keyboard.press("Enter")
    page.locator("#note").wait_for(state="detached")
    rows = Feedback.open(library).rows(10)
    assert [(row.helpful, row.note, row.question) for row in rows] == [(False, "It leaves out the hosts.", OSLO)]


def test_one_goes_from_citation_to_citation(address: str, opened: Open, assistant: Assistant) -> None:
    quotes = [each.quote for each in assistant.ask(OSLO).citations]
    page = opened(address)
    ask(page, OSLO)
    page.locator("#chat a.cite").first.click()
    assert page.locator("#among span").inner_text() == f"1 of {len(quotes)}"
    assert page.locator("#previous").is_disabled()
    page.locator("#following").focus()
    page.keyboard.press("Enter")
    page.locator("#quote", has_text=quotes[1]).wait_for()
    assert page.locator("#among span").inner_text() == f"2 of {len(quotes)}"
    page.locator("#previous").click()
    page.locator("#quote", has_text=quotes[0]).wait_for()


def test_a_full_storage_is_told(address: str, opened: Open) -> None:
    page = opened(address)
    page.evaluate("localStorage.setItem('filler', 'x'.repeat(5_242_000 - 8))")
    ask(page, OSLO)
    assert "no room left" in announced(page)
    ask(page, PERU)  # goes on from memory
    assert said(page) == [OSLO, PERU]


def test_views_have_addresses_and_can_be_gone_back_from(address: str, opened: Open) -> None:
    page = opened(address, path="/#/library")
    assert page.locator("#view-library").is_visible()
    assert not page.locator("#view-ask").is_visible()
    page.locator("#views a", has_text="Ask").click()
    page.locator("#view-ask").wait_for()
    page.go_back()
    page.locator("#view-library").wait_for()
    page.locator('#views a[aria-current="page"]', has_text="Library").wait_for()


def test_a_question_about_an_article_begins_with_its_name(address: str, opened: Open) -> None:
    page = opened(address)
    page.locator("#sources a.entry", has_text="The Oslo channel").click()
    page.locator("#reader .ask-about").click()
    assert page.locator("#q textarea").input_value() == "The Oslo channel, 1992-93: "
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    page.keyboard.type("how did the talks start?")
    page.keyboard.press("Enter")
    answered(page)
    assert "The Oslo talks started as unofficial contact" in page.locator("#chat .answer").inner_text()
