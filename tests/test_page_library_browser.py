"""The library in a real Chromium: sorted, filtered, its figures by mouse and keyboard, articles opened, asked about."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import BROWSER, SHAPES, Open, fits, focused, in_view, serving

from assistant.answering import Assistant

pytestmark = BROWSER
ROWS = "#library tbody tr:not([hidden])"


@pytest.fixture(scope="module")
def address(library: Path) -> Iterator[str]:
    with serving(library) as found:
        yield found


def at_library(opened: Open, address: str, width: int = 1280, scheme: str = "light", tab: str = "table") -> Any:
    """The page at its library, on one of its tabs."""
    page = opened(address, width, scheme, path="/#/library")
    page.locator(ROWS).first.wait_for()
    if tab != "table":
        page.click(f"#lib-tab-{tab}")
        page.locator(f"#lib-{tab}").wait_for()
    return page


def column(page: Any, name: str) -> list[str]:
    return [str(text) for text in page.locator(f"{ROWS} td.{name}").all_text_contents()]


def contrast(page: Any, selector: str, behind: str, paint: str = "color") -> float:
    """WCAG's contrast of an element's colour with the background of another."""
    script = """([selector, behind, paint]) => {
        const luminance = (colour) => {
            const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((each) => each / 255);
            const [r, g, b] = parts.map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const of = (element, name) => luminance(getComputedStyle(document.querySelector(element))[name]);
        const [one, two] = [of(selector, paint), of(behind, "backgroundColor")];
        return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    }"""
    return float(page.evaluate(script, [selector, behind, paint]))


# -- the table -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "scheme"), SHAPES)
def test_the_table_sorts_by_each_column_and_says_so(address: str, opened: Open, width: int, scheme: str) -> None:
    page = at_library(opened, address, width, scheme)
    assert fits(page)
    titles = column(page, "title")
    assert len(titles) == 12
    assert titles == sorted(titles, key=str.lower)
    for head in page.locator("#library th").all():
        name = str(head.get_attribute("class"))
        key = f"{ROWS} td.{name}"
        for expected in ("descending", "ascending") if name == "title" else ("ascending", "descending"):
            head.locator("button").click()
            assert head.get_attribute("aria-sort") == expected
            keys = page.eval_on_selector_all(key, "cells => cells.map((cell) => cell.dataset.key)")
            told = [each for each in keys if each]
            assert told == sorted(told, reverse=expected == "descending")
            assert keys == told + [""] * (len(keys) - len(told))
        assert page.locator("#library th[aria-sort=none]").count() == page.locator("#library th").count() - 1
    assert contrast(page, "#library td.period", "body") >= 4.5
    assert contrast(page, "#library td.title a", "body") >= 4.5


@pytest.mark.parametrize(("width", "scheme"), SHAPES)
def test_words_and_lists_filter_all_three_views(address: str, opened: Open, width: int, scheme: str) -> None:
    page = at_library(opened, address, width, scheme)
    count = page.locator("#library .lib-count")
    assert (count.inner_text(), count.get_attribute("aria-live")) == ("12 articles", "polite")
    page.fill("#lib-words", "OSLÖ channel")
    assert column(page, "title") == ["The Oslo channel, 1992-93"]
    assert count.inner_text() == "1 of 12 articles"
    page.click("#lib-tab-map")
    assert page.locator("#lib-map svg:visible a:not(.out)").count() == 1
    page.click("#lib-tab-timeline")
    assert page.locator("#lib-timeline svg:visible a:not(.out)").count() == 1
    page.fill("#lib-words", "no such article")
    page.click("#lib-tab-table")
    assert page.locator("#library .lib-none").is_visible()
    assert count.inner_text() == "0 of 12 articles"
    page.click("#lib-clear")
    assert (len(column(page, "title")), count.inner_text(), focused(page)) == (12, "12 articles", "lib-words")
    page.select_option("select[data-facet=regions]", "middle-east")
    regions = column(page, "regions")
    assert 0 < len(regions) < 12
    assert all("Middle East" in each for each in regions)
    page.select_option("select[data-facet=track]", "two")
    assert set(column(page, "track")) <= {"Track two"}
    assert fits(page)


def test_a_title_opens_its_article_by_mouse_and_by_keyboard(address: str, opened: Open) -> None:
    page = at_library(opened, address)
    page.click(f"{ROWS} td.title a >> text=The Oslo channel")
    page.locator("#reader h2", has_text="The Oslo channel, 1992-93").wait_for()
    assert page.locator("#reader .facts").inner_text().split("\n")[:2] == ["Period", "1992–1993"]
    page.keyboard.press("Escape")
    page.locator("#reader").wait_for(state="hidden")
    assert focused(page).endswith("/oslo-channel")
    page.keyboard.press("Enter")
    page.locator("#reader h2", has_text="The Oslo channel, 1992-93").wait_for()


# -- the timeline and the map --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "scheme"), SHAPES)
def test_the_timeline_by_mouse(address: str, opened: Open, width: int, scheme: str) -> None:
    page = at_library(opened, address, width, scheme, "timeline")
    assert fits(page)
    assert page.locator("#lib-timeline svg:visible").count() == 1
    page.locator("#lib-timeline svg:visible a[href$='/oslo-channel']").click()
    page.locator("#reader h2", has_text="The Oslo channel, 1992-93").wait_for()
    assert contrast(page, "#lib-timeline svg .bar", "body", "fill") >= 3
    assert contrast(page, "#lib-timeline svg a text", "body", "fill") >= 4.5
    assert contrast(page, "#lib-timeline svg .axis text", "body", "fill") >= 4.5


@pytest.mark.parametrize(("width", "scheme"), SHAPES)
def test_the_timeline_is_one_stop_for_tab_and_its_bars_are_reached_by_arrows(
    address: str, opened: Open, width: int, scheme: str
) -> None:
    page = at_library(opened, address, width, scheme, "timeline")
    links = page.locator("#lib-timeline svg:visible a")
    count = links.count()
    names = [links.nth(at).get_attribute("aria-label") for at in range(count)]
    assert page.locator("#lib-timeline svg:visible a[tabindex='0']").count() == 1
    page.locator("#lib-tab-timeline").focus()
    for _ in range(5):  # the box, three lists, then the figure
        page.keyboard.press("Tab")

    def here() -> str | None:
        return str(page.evaluate("document.activeElement.getAttribute('aria-label')"))

    assert here() == names[0]
    page.keyboard.press("ArrowUp")
    assert here() == names[0]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert here() == names[2]
    page.keyboard.press("End")
    assert here() == names[-1]
    assert in_view(page, "#lib-timeline svg:visible a:focus")
    page.keyboard.press("ArrowLeft")
    assert here() == names[-2]
    ring = page.evaluate("getComputedStyle(document.activeElement.querySelector('.hit')).strokeWidth")
    assert ring == "2px"
    page.keyboard.press("Enter")
    title = re.split(r"…| \d{4}", str(names[-2]))[0]  # the bar's name goes on with the years
    page.locator("#reader h2", has_text=title).wait_for()


@pytest.mark.parametrize(("width", "scheme"), SHAPES)
def test_the_map_by_keyboard(address: str, opened: Open, width: int, scheme: str, assistant: Assistant) -> None:
    page = at_library(opened, address, width, scheme, "map")
    assert fits(page)
    assert page.locator("#lib-map svg:visible a").count() == 12
    page.locator("#lib-map svg:visible a[tabindex='0']").focus()
    page.keyboard.press("Home")

    def here() -> tuple[str, float, float]:
        title, x, y = page.evaluate("['title', 'x', 'y'].map((name) => document.activeElement.dataset[name])")
        return str(title), float(x), float(y)

    titles = sorted((each.title for each in assistant.index.summaries()), key=str.lower)
    assert here()[0] == titles[0]
    visited = {here()[0]}
    for key, axis, way in (("ArrowRight", 1, 1), ("ArrowLeft", 1, -1), ("ArrowDown", 2, 1), ("ArrowUp", 2, -1)):
        for _ in range(4):
            before = here()
            page.keyboard.press(key)
            after = here()
            moved = (float(after[axis]) - float(before[axis])) * way  # type: ignore[arg-type]
            assert moved > 0 or after == before
            visited.add(after[0])
    assert len(visited) >= 4
    assert page.locator("#lib-map svg:visible .told text").inner_html().replace("&amp;", "&") == here()[0]
    title = here()[0]
    page.keyboard.press("Enter")
    page.locator("#reader h2", has_text=title).wait_for()
    assert contrast(page, "#lib-map svg .names text", "#panel", "fill") >= 4.5


@pytest.mark.parametrize(("width", "scheme"), SHAPES)
def test_a_point_of_the_map_tells_its_title_and_opens_by_mouse(
    address: str, opened: Open, width: int, scheme: str
) -> None:
    page = at_library(opened, address, width, scheme, "map")
    point = page.locator("#lib-map svg:visible a[href$='/oslo-channel'] .hit")
    point.hover()
    assert page.locator("#lib-map svg:visible .told text").text_content() == "The Oslo channel, 1992-93"
    page.locator("#lib-map .lib-note").hover()
    assert page.locator("#lib-map svg:visible .told").count() == 0
    point.click()
    page.locator("#reader h2", has_text="The Oslo channel, 1992-93").wait_for()


@pytest.mark.parametrize("width", [1280, 390])
def test_names_on_the_map_do_not_overlap_as_the_browser_draws_them(address: str, opened: Open, width: int) -> None:
    page = at_library(opened, address, width, tab="map")
    boxes = page.eval_on_selector_all(
        "#lib-map svg .names text",
        """all => all.map((text) => text.getBoundingClientRect()).filter((box) => box.width)
            .map((box) => [box.left, box.top + 2, box.right, box.bottom - 2])""",
    )
    assert len(boxes) >= 4
    for at, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[:at]:
            assert left >= other[2] or other[0] >= right or top >= other[3] or other[1] >= bottom


# -- what is around ------------------------------------------------------------------------------------------------


def test_tabs_are_changed_by_arrows(address: str, opened: Open) -> None:
    page = at_library(opened, address)
    page.locator("#lib-tab-table").focus()
    for key, name in (("ArrowRight", "timeline"), ("ArrowRight", "map"), ("ArrowRight", "table"), ("ArrowLeft", "map")):
        page.keyboard.press(key)
        assert focused(page) == f"lib-tab-{name}"
        assert page.locator("#library [role=tabpanel]:visible").get_attribute("id") == f"lib-{name}"
        assert page.locator(f"#lib-tab-{name}").get_attribute("aria-selected") == "true"


@pytest.mark.parametrize("width", [1280, 390])
def test_an_article_is_asked_about_and_leads_to_its_relatives(address: str, opened: Open, width: int) -> None:
    page = at_library(opened, address, width)
    page.click(f"{ROWS} td.title a >> text=The Oslo channel")
    page.locator("#reader .asking").wait_for()
    assert page.locator("#reader .ask-about").get_attribute("href") == "#ask/oslo-channel"
    questions = page.locator("#reader .asking li a")
    assert questions.count() == 4
    question = questions.first.inner_text()
    questions.first.click()
    page.locator("#chat .asked", has_text=question).wait_for()
    page.locator("#status .idle", has_text="Answer ready").wait_for()
    assert page.evaluate("document.body.dataset.view") == "ask"


def test_f41_a_library_that_cannot_be_fetched_says_so_and_is_fetched_again(address: str, opened: Open) -> None:
    page = opened(address, policed=False)
    page.route("**/library", lambda route: route.abort())
    page.evaluate("location.hash = '#/library'")
    page.locator("#library .lib-failed").wait_for()
    assert page.locator("#library [role=alert]").inner_text() == (
        "The library could not be fetched. Is the server still running?"
    )
    page.unroute("**/library")
    page.click("#lib-again")
    page.locator(ROWS).first.wait_for()
