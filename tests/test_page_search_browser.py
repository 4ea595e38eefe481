"""The Search view in a real Chromium: by keyboard and by mouse, filters with counts, order, articles beside."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from browsing import BROWSER, LOST, PAYLOAD, Open, fits, focused, in_view, marked, serving
from conftest import Path, with_models

from assistant.answering import Assistant
from assistant.finding import find, in_order
from index.building import apply
from index.filters import Filters
from index.settings import IndexSettings

pytestmark = BROWSER

OSLO = "secret talks in Norway"
BOX = "#s :is(input, textarea)"


@pytest.fixture(scope="module")
def address(library: Path) -> Iterator[str]:
    with serving(library) as address:
        yield address


def search(page: Any, words: str) -> None:
    """Types words into the box and waits for what is found."""
    page.fill(BOX, words)
    page.keyboard.press("Enter")


def said(page: Any, text: str) -> None:
    page.locator("#s-status", has_text=text).wait_for()


def status_of(assistant: Assistant, words: str, filters: Filters | None = None) -> str:
    finding = find(assistant, words, filters or Filters())
    several = "" if finding.articles == 1 else "s"
    return f"{len(finding.found)} passages in {finding.articles} article{several}"


def test_by_keyboard_alone(address: str, opened: Open, assistant: Assistant) -> None:
    page = opened(address)
    page.locator("#views a.view-search").focus()
    page.keyboard.press("Enter")
    page.locator("#found .hint").wait_for()
    page.locator("#s :is(input, textarea):focus").wait_for()
    page.keyboard.type(OSLO)
    page.keyboard.press("Enter")
    said(page, status_of(assistant, OSLO))
    assert page.get_attribute("#s-status", "role") == "status"
    assert page.evaluate("document.activeElement.closest('#s') !== null")
    finding = find(assistant, OSLO)
    first = finding.found[0]
    item = page.locator("#found .passages > li").first
    assert item.locator(".rank").inner_text() == "1"
    assert item.locator("a.title").inner_text() == first.passage.title
    assert item.locator(".years").inner_text() == "1992–1993"
    assert item.locator(".why").inner_text() == "Found by meaning and words"
    shown = " ".join("".join(each.text for each in finding.excerpt(first)).split())
    assert item.locator(".excerpt").inner_text().strip() == shown
    expected = [each.text for each in finding.excerpt(first) if each.marked]
    assert item.locator(".excerpt mark").all_text_contents() == expected

    item.locator("a.title").focus()
    page.keyboard.press("Tab")  # to its words
    page.keyboard.press("Enter")
    assert " ".join(marked(page).split()) == " ".join(first.passage.text.split())
    assert focused(page) == "quote"
    assert in_view(page, "#quote")
    assert page.locator("#back").inner_text() == "Back"
    page.keyboard.press("Escape")
    page.locator("#reader").wait_for(state="hidden")
    assert focused(page) == item.locator(".excerpt a").get_attribute("href")


def test_facets_narrow_and_are_taken_off(address: str, opened: Open, assistant: Assistant) -> None:
    page = opened(address, path="/#/search")
    assert not page.locator("#s-facets").is_visible()
    search(page, OSLO)
    said(page, status_of(assistant, OSLO))
    counts = find(assistant, OSLO).counts["regions"]
    europe = page.locator("#s-regions label", has=page.locator('input[name="europe"]'))
    europe.wait_for()
    assert europe.inner_text().strip() == f"Europe ({counts['europe']})"
    before = find(assistant, OSLO).counts["topics"]["peace-talks"]
    page.locator("#s-topics label", has_text=f"Peace talks ({before})").wait_for()
    europe.click()
    said(page, status_of(assistant, OSLO, Filters(regions=("europe",))))
    assert europe.locator("input").is_checked()
    after = find(assistant, OSLO, Filters(regions=("europe",))).counts["topics"]["peace-talks"]
    assert after < before
    page.locator("#s-topics label", has_text=f"Peace talks ({after})").wait_for()
    page.locator("#s-decades label", has_text="1990s").click()
    both = Filters(since=1990, until=1999, regions=("europe",))
    said(page, status_of(assistant, OSLO, both))
    page.locator("#s-chips button", has_text="1990-1999").wait_for()  # the parts of the page are redrawn one by one
    assert page.locator("#s-period :is(input, textarea)").input_value() == "1990-1999"
    assert page.locator("#s-chips button").all_inner_texts() == ["1990-1999", "Europe"]
    page.locator('#s-chips button[aria-label="Take off the filter Europe"]').click()
    said(page, status_of(assistant, OSLO, Filters(since=1990, until=1999)))
    assert not page.evaluate(LOST)
    page.locator('#s-chips button[aria-label="Take off the filter 1990-1999"]').click()
    said(page, status_of(assistant, OSLO))
    page.locator("#s-chips").wait_for(state="hidden")
    page.locator("#s-decades input:checked").wait_for(state="detached")

    page.fill("#s-period :is(input, textarea)", "1801-1802")
    page.keyboard.press("Enter")
    said(page, "Nothing found")
    page.locator("a.unfilter", has_text=status_of(assistant, OSLO)).click()
    said(page, status_of(assistant, OSLO))
    page.locator("#s-chips").wait_for(state="hidden")
    assert page.locator("#s-period :is(input, textarea)").input_value() == ""
    page.fill("#s-period :is(input, textarea)", "soon")
    page.keyboard.press("Enter")
    page.locator("#found .none", has_text="The period 'soon' is not two years.").wait_for()
    page.locator("#s-clear").click()
    said(page, status_of(assistant, OSLO))


def test_sorted_by_period_and_more_of_it(address: str, opened: Open, assistant: Assistant) -> None:
    page = opened(address, path="/#/search")
    search(page, OSLO)
    said(page, status_of(assistant, OSLO))
    finding = find(assistant, OSLO)
    assert page.locator("#found .passages > li").count() == 10
    page.locator("#s-more").click()
    page.locator("#found .passages > li").nth(19).wait_for()
    assert page.evaluate("document.activeElement.id") == "s-more"
    page.locator("#s-order label", has_text="Earliest first").click()
    earliest = in_order(finding.found[:50], "earliest")[:10]
    page.locator("#found .rank >> nth=0", has_text=str(earliest[0].rank)).wait_for()
    assert page.locator("#found .rank").all_inner_texts() == [str(each.rank) for each in earliest]
    assert page.locator("#found a.title").all_inner_texts() == [each.passage.title for each in earliest]


def test_nothing_found_empty_and_too_long(address: str, opened: Open) -> None:
    page = opened(address, path="/#/search")
    page.locator("#s-go").click()
    said(page, "Type a few words first")
    search(page, "banana bread")
    page.locator("#found .none", has_text="No passage has these words or speaks of this.").wait_for()
    page.locator("#found .next a").click()
    page.locator('body[data-view="library"]').wait_for()
    page.go_back()
    search(page, "word " * 401)
    page.locator("#found .none", has_text="at most 2,000 are read").wait_for()
    search(page, "secret talks in Norwey")
    page.locator("#found .respelt", has_text="Searched for: secret talks in Norway").wait_for()


def test_the_search_becomes_a_question(address: str, opened: Open, assistant: Assistant) -> None:
    page = opened(address, path="/#/search")
    question = "How did the Oslo talks start?"
    search(page, question)
    page.locator("#found a.to-ask").click()
    page.locator("#status", has_text="Answer ready").wait_for()
    assert page.locator("#chat .asked").inner_text() == question
    page.locator("#views a.view-search").click()
    assert page.locator(BOX).input_value() == question
    assert page.locator("#found .passages > li").count() == 10
    page.locator("#found .excerpt a").nth(2).click()  # opens here too, though there is an answer in the other view
    assert find(assistant, question).found[2].passage.text[:40] in marked(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_and_can_be_looked_at(
    address: str, opened: Open, assistant: Assistant, tmp_path_factory: pytest.TempPathFactory, width: int, scheme: str
) -> None:
    shots = tmp_path_factory.mktemp(f"search-{width}-{scheme}-")
    page = opened(address, width, scheme, path="/#/search")

    def look(name: str) -> None:
        assert fits(page), name
        page.screenshot(path=shots / f"{name}.png")

    look("1-empty")
    search(page, OSLO)
    said(page, status_of(assistant, OSLO))
    look("2-found")
    opener = page.locator("#s-filters")
    if width == 390:
        assert not page.locator("#s-facets").is_visible()
        opener.click()
        assert opener.get_attribute("aria-expanded") == "true"
        assert page.evaluate("document.activeElement.closest('#s-period') !== null")
        look("3-filters")
    else:
        assert not opener.is_visible()
    page.locator('#s-regions label:has(input[name="europe"])').click()
    said(page, status_of(assistant, OSLO, Filters(regions=("europe",))))
    if width == 390:
        page.locator('#s-regions input[name="europe"]').press("Escape")
        page.locator("#s-facets").wait_for(state="hidden")
        assert opener.inner_text() == "Filters (1)"
        assert focused(page) == "s-filters"
    look("4-narrowed")
    link = page.locator("#found .excerpt a").first
    link.click()
    page.locator("#quote").wait_for()
    look("5-article")
    if width == 390:
        page.go_back()
    else:
        page.locator("#back").click()
    page.locator("#reader").wait_for(state="hidden")
    assert focused(page) == link.get_attribute("href")
    search(page, "banana bread")
    said(page, "Nothing found")
    look("6-nothing")


def test_t8_f33_hostile_articles_show_as_text(
    tmp_path_factory: pytest.TempPathFactory, models: Path, opened: Open
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    text = f"The Lindmark talks on the salt islands started in a boathouse in 1962. {PAYLOAD} ended them in 1964."
    title = f"Lindmark {PAYLOAD} \u202egpj.exe"
    metadata = {"regions": ["<img src=x onerror=alert(2)>"], "topics": ["**b** $x$ [l](javascript:alert(3))"]}
    record = {"_id": "../<b>/x?y#z", "title": title, "text": text, "metadata": metadata}
    (folder / "articles.jsonl").write_text(json.dumps(record), encoding="utf-8")
    home = with_models(folder / "home", models)
    apply(IndexSettings.load(home=home), [folder / "articles.jsonl"])
    stored = Assistant.open(home).index.document(record["_id"])  # type: ignore[arg-type]
    with serving(home) as address:
        page = opened(address, path="/#/search")
        search(page, f"Lindmark talks onerror alert {PAYLOAD}")
        page.locator("#found .passages > li").first.wait_for()
        assert page.locator("#found a.title").first.text_content() == " ".join(stored.title.split())
        assert "<img src=http://127.0.0.1:9/x onerror=" in str(page.locator("#found .excerpt").first.text_content())
        assert page.locator("#found bdi a, #found a > bdi").count() >= 2
        inside = "#view-search :is(img, script, b, code, strong, em, .katex), #found .md [style]"
        assert page.locator(inside).count() == 0
        facet = page.locator("#s-regions label")
        assert facet.inner_text().strip() == "<img Src=x Onerror=alert(2)> (1)"
        facet.click()
        page.locator("#s-chips button").wait_for()
        assert page.locator("#s-chips button").inner_text() == "<img Src=x Onerror=alert(2)>"
        assert page.locator(inside).count() == 0
        links = page.locator("#found .passages a").evaluate_all("(all) => all.map((a) => a.getAttribute('href'))")
        assert all(link.endswith("/..%2F%3Cb%3E%2Fx%3Fy%23z") for link in links)
        page.locator("#found .excerpt a").first.click()
        assert PAYLOAD in marked(page)
