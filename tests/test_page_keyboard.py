"""The page by keyboard alone and as a screen reader is told of it, in a real Chromium."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import BROWSER, LOST, SLOWLY, Open, ask, fits, focused, serving

pytestmark = BROWSER

OSLO = "How did the Oslo talks start?"
PERU = "What is the capital of Peru?"
# All that Tab should reach, in the order of the document, with how each looks while it has not the focus.
LIST = """() => {
    const parts = (each) => [each, each.closest("label"), ...each.querySelectorAll(".hit, .point")].filter(Boolean);
    window.look = (each) => JSON.stringify(parts(each).map((part) => {
        const { outline, boxShadow, borderColor, stroke, transform } = getComputedStyle(part);
        return [outline, boxShadow, borderColor, stroke, transform];
    }));
    const all = "a[href], button, input, textarea, select, summary, [tabindex]";
    window.stops = [...document.querySelectorAll(all)].filter((each) =>
        each.tabIndex >= 0 && !each.disabled && !each.closest("[inert]") && each.getClientRects().length
        && each.checkVisibility({ visibilityProperty: true }));
    window.looks = stops.map(look);
    return stops.map((each) => each.id || each.getAttribute("aria-label") || each.name
        || each.textContent.trim() || each.placeholder);
}"""
STOP = """() => {
    const at = stops.indexOf(document.activeElement);
    const box = document.activeElement.getBoundingClientRect();
    const seen = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
    return [at, at < 0 || (seen && look(document.activeElement) !== looks[at])];
}"""
# Every text that a live region has held, one after the other.
LISTEN = """() => {
    window.told = [];
    const note = () => {
        for (const region of document.querySelectorAll('[role="status"], [role="alert"], [aria-live="assertive"]')) {
            const text = region.innerText.trim();
            if (text && region.last !== text) told.push(text);
            region.last = text;
        }
    };
    note();
    told.length = 0;
    new MutationObserver(note).observe(document.body, { childList: true, characterData: true, subtree: true });
}"""


@pytest.fixture(scope="module")
def address(library: Path) -> Iterator[str]:
    with serving(library, "--maintainer") as address:
        yield address


@pytest.fixture(scope="module")
def slow(library: Path) -> Iterator[str]:
    with serving(library, program=SLOWLY) as address:
        yield address


def walked(page: Any) -> list[str]:
    """Goes round with Tab once: all that can be used is reached, in the document's order, and shows that it is."""
    page.evaluate("document.activeElement.blur()")
    names = page.evaluate(LIST)
    page.locator("#skip").focus() if "skip" in names else page.locator("#back").focus()
    reached: list[int] = [int(page.evaluate(STOP)[0])]
    unseen = []
    for _ in range(2 * len(names)):
        page.keyboard.press("Tab")
        at, seen = page.evaluate(STOP)
        if not seen:
            unseen.append(names[at])
        if at == reached[0] or (at < 0 and len(reached) == len(names)):
            break
        if at >= 0:
            reached.append(at)
    assert not unseen, unseen
    assert [names[at] for at in reached] == names
    return [str(name) for name in names]


def kept(page: Any) -> str:
    """What has the focus, a moment after something was done; never nothing."""
    page.wait_for_timeout(400)
    assert not page.evaluate(LOST), page.evaluate("document.activeElement.outerHTML").split(">")[0]
    return focused(page)


# -- by keyboard -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1280, 390])
def test_tab_reaches_everything_on_ask(address: str, opened: Open, width: int) -> None:
    page = opened(address, width)
    names = walked(page)
    assert names[:2] == ["skip", "Ask"]
    ask(page, OSLO)
    page.locator("#next a.ask").first.wait_for()
    page.locator("#filters").click()
    page.locator("#narrow-regions label").first.click()
    page.locator("#chips button").wait_for()
    names = walked(page)
    assert names.index("Citation 1: The Oslo channel, 1992-93") < names.index("Copy") < names.index("filters")
    page.locator("#chat a.cite").first.click()
    page.locator("#quote").wait_for()
    names = walked(page)
    assert {"back", "following"} <= set(names)
    assert ("skip" in names) == (width == 1280)  # on a phone the article covers the page


@pytest.mark.parametrize("width", [1280, 390])
def test_tab_reaches_everything_on_search_and_library(address: str, opened: Open, width: int) -> None:
    page = opened(address, width, path="/#/search")
    page.fill("#s :is(input, textarea)", "secret talks in Norway")
    page.keyboard.press("Enter")
    page.locator("#found .passages").wait_for()
    if width == 390:
        page.locator("#s-filters").click()
    page.locator("#s-regions label").first.click()
    page.locator("#s-chips button").wait_for()
    page.wait_for_timeout(500)
    walked(page)
    page.locator("#views a.view-library").click()
    page.locator("#library tbody tr").first.wait_for()
    for tab in ("table", "timeline", "map"):
        page.locator(f"#lib-tab-{tab}").click()
        walked(page)


def test_tab_reaches_everything_on_maintain(address: str, opened: Open) -> None:
    page = opened(address, path="/#/maintain")
    page.locator("#maintain-list", has_text="There is no report").wait_for()
    names = walked(page)
    assert names.index("maintain-again") < names.index("maintain-look") < names.index("trial-compare")


def test_the_first_stop_leads_past_the_masthead(address: str, opened: Open) -> None:
    page = opened(address)
    for view, words, then in (
        ("ask", "To the question", "textarea"),
        ("search", "To the search box", "input"),
        ("library", "To the articles", "lib-words"),
        ("maintain", "To the index", "maintain-again"),
    ):
        page.locator(f"#views a.view-{view}").click()
        if view == "library":
            page.locator("#lib-words").wait_for()
        link = page.locator("#skip", has_text=words)  # the view changes a moment after the click
        link.wait_for(state="attached")
        assert link.inner_text() == words
        link.focus()
        page.wait_for_timeout(100)
        assert link.bounding_box()["y"] > 0
        url = page.url
        page.keyboard.press("Enter")
        assert then in page.evaluate("document.activeElement.id || document.activeElement.tagName.toLowerCase()")
        assert page.url == url


@pytest.mark.parametrize("width", [1280, 390])
def test_the_focus_is_never_lost(address: str, slow: str, opened: Open, width: int) -> None:
    page = opened(slow, width, policed=False)  # Gradio's mark of a cancelled call has a style attribute
    page.fill("#q textarea", OSLO)
    page.keyboard.press("Enter")
    page.locator("#chat .said").wait_for()
    page.locator("#stop").focus()
    page.keyboard.press("Enter")
    page.locator("#status", has_text="Stopped").wait_for()
    kept(page)

    page = opened(address, width)
    for question in (OSLO, PERU):
        ask(page, question)
        page.locator("#next a.ask").first.wait_for()
        page.locator("#clear").focus()
        page.keyboard.press("Enter")
        page.locator("#status", has_text="New conversation").wait_for()
        kept(page)
    page.locator("#recent button").first.focus()
    page.keyboard.press("Enter")
    page.locator("#status", has_text="Conversation opened").wait_for()
    kept(page)
    page.locator("#talks").focus()
    page.keyboard.press("Enter")
    gone = page.locator(".talks li", has_text=OSLO).locator(".own").last
    gone.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.locator(".talks li", has_text=OSLO).wait_for(state="detached")
    kept(page)
    page.locator(".talks").get_by_role("button", name="Rename").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.type("Geography")
    page.keyboard.press("Enter")
    kept(page)
    page.keyboard.press("Escape")
    page.locator("#reader").wait_for(state="hidden")
    assert kept(page) == "talks"
    page.locator("#filters").focus()
    page.keyboard.press("Enter")
    box = page.locator("#narrow-regions input").first
    box.focus()
    page.keyboard.press("Space")
    page.locator("#chips button").focus()
    page.keyboard.press("Enter")
    page.locator("#chips button").wait_for(state="detached")
    assert kept(page) == "filters"
    box.focus()
    page.keyboard.press("Escape")
    assert kept(page) == "filters"
    assert not page.locator("#narrow").is_visible()


def test_the_export_menu_by_keyboard(address: str, opened: Open) -> None:
    page = opened(address)
    ask(page, OSLO)
    page.locator("#export summary").focus()
    page.keyboard.press("Space")
    assert page.locator("#export > div").is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Markdown"
    page.keyboard.press("Escape")
    assert not page.locator("#export > div").is_visible()
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


# -- as it is told ---------------------------------------------------------------------------------------------------


def test_landmarks_headings_and_names(address: str, opened: Open) -> None:
    page = opened(address)
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("h1").all_inner_texts() == ["Backchannel"]
    for role, name in (("banner", None), ("navigation", "Views"), ("main", None), ("complementary", "Sources")):
        assert page.get_by_role(role, name=name).count() == 1, role
    assert page.get_by_role("navigation", name="Views").get_by_role("link").count() == 4
    assert page.get_by_role("textbox", name="Your question").count() == 1
    page.locator("#filters").click()
    assert page.get_by_role("textbox", name="Period").count() == 1
    for group in ("Regions", "Topics", "Track"):
        assert page.get_by_role("group", name=group).get_by_role("checkbox").count() > 0, group
    assert page.get_by_role("log", name="Conversation").count() == 0  # nothing has been said yet
    ask(page, OSLO)
    assert page.get_by_role("log", name="Conversation").count() == 1
    page.locator("#views a.view-search").click()
    assert page.get_by_role("textbox", name="Search the passages").count() == 1


def test_an_answer_is_announced_once(address: str, opened: Open) -> None:
    page = opened(address)
    page.evaluate(LISTEN)
    ask(page, OSLO)
    page.locator("#next a.ask").first.wait_for()
    page.wait_for_timeout(500)
    assert page.evaluate("told") == ["Answering…", "Answer ready, 2 citations"]
    assert page.get_attribute("#chat", "aria-busy") == "false"
    assert page.get_attribute('#chat [role="log"]', "aria-live") == "polite"


def test_the_title_says_where_one_is(address: str, opened: Open) -> None:
    page = opened(address)

    def titled(expected: str) -> None:
        page.wait_for_timeout(200)
        assert page.title() == expected

    titled("Backchannel")
    ask(page, OSLO)
    titled(f"{OSLO} — Backchannel")
    page.locator("#chat a.cite").first.click()
    page.locator("#quote").wait_for()
    titled("The Oslo channel, 1992-93 — Backchannel")
    page.keyboard.press("Escape")
    titled(f"{OSLO} — Backchannel")
    page.locator("#views a.view-search").click()
    titled("Search — Backchannel")
    page.locator("#views a.view-library").click()
    titled("Library — Backchannel")


# -- large letters, forced colours, no motion ------------------------------------------------------------------------


@pytest.mark.parametrize("width", [640, 320])  # 1280 at 200 and at 400 per cent
def test_nothing_has_to_be_scrolled_to_sideways(address: str, opened: Open, width: int) -> None:
    page = opened(address, width)
    assert fits(page)
    ask(page, OSLO)
    assert fits(page)
    page.locator("#filters").click()
    assert fits(page)
    page.locator("#chat a.cite").first.click()
    page.locator("#quote").wait_for()
    assert fits(page)
    page.keyboard.press("Escape")
    page.locator("#reader").wait_for(state="hidden")
    page.locator("#views a.view-search").click()
    page.fill("#s :is(input, textarea)", "secret talks in Norway")
    page.keyboard.press("Enter")
    page.locator("#found .passages").wait_for()
    assert fits(page)
    page.locator("#views a.view-library").click()
    for tab in ("timeline", "map", "table"):
        page.locator(f"#lib-tab-{tab}").click()
        assert fits(page), tab
    page.locator("#views a.view-maintain").click()
    page.locator("#maintain-list", has_text="There is no report").wait_for()
    assert fits(page)


def test_forced_colours_show_what_is_current(address: str, opened: Open, browser: Any) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, forced_colors="active")
    page = opened(address, context=context)
    ask(page, OSLO)
    page.locator("#chat a.cite").first.click()
    page.locator("#quote").wait_for()
    style = "(each) => { const s = getComputedStyle(each); return [s.color, s.backgroundColor, s.outlineStyle]; }"
    for selector in ("#views a[aria-current]", "#chat a.cite[aria-current]"):
        colour, ground, outline = page.locator(selector).evaluate(style)
        assert (colour != ground, outline) == (True, "solid"), selector
    colour, ground, _ = page.locator("#quote").evaluate(style)
    assert colour != ground


def test_nothing_moves_where_that_is_not_wanted(slow: str, opened: Open, browser: Any) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page = opened(slow, context=context)
    page.fill("#q textarea", OSLO)
    page.keyboard.press("Enter")
    page.locator("#chat .said").wait_for()
    assert page.evaluate("document.getAnimations().filter((each) => each.playState === 'running').length") == 0
    page.locator("#status .idle", has_text="Answer ready").wait_for()
    page.locator("#next a.ask").first.wait_for()
