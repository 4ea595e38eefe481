"""The page for those who do not see it or use no mouse: axe-core over every state in a real Chromium."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import BROWSER, SHAPES, Open, ask, serving
from conftest import ROOT
from living_home import with_heron

from assistant.answering import Assistant
from assistant.feedback import Feedback
from assistant.receipts import receipt_of

AXE = ROOT / ".venv" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
pytestmark = [
    *BROWSER,
    pytest.mark.skipif(
        not AXE.is_file(),
        reason="axe-core is not installed: `make test` installs it where npm is (apt-get install npm)",
    ),
]

OSLO = "How did the Oslo talks start?"
# A frame with a report has an origin of its own and is not the page's mark-up. `target-size` is off by default.
RUN = """() => axe.run(document, {
    iframes: false, preload: false, resultTypes: ["violations"], rules: {"target-size": {enabled: true}},
}).then(({ violations }) => violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map((node) => [id, node.target.flat().join(" "), node.failureSummary])))"""

# What is Gradio's and cannot be mended from outside: (rule, selector) and the cause.
KNOWN: dict[tuple[str, str], str] = {}


@pytest.fixture(scope="module")
def kept(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two generations, a vote and a report."""
    home, _ = with_heron(library, tmp_path_factory.mktemp("accessible"), "The heron", "A lamplighter fed it.")
    assistant = Assistant.open(home)
    Feedback.open(home).keep(False, "Too short.", receipt_of(assistant, assistant.ask(OSLO)), "a", assistant.index)
    (home / "reports").mkdir()
    (home / "reports" / "report.html").write_text("<!doctype html><title>r</title><h1>Evaluation</h1>", "utf-8")
    return home


@pytest.fixture(scope="module")
def address(kept: Path) -> Iterator[str]:
    with serving(kept, "--maintainer") as address:
        yield address


# -- the states, in the order in which a visit goes through them -----------------------------------------------------


def answer(page: Any) -> None:
    ask(page, OSLO)
    page.locator("#next a.ask").first.wait_for()


def article(page: Any) -> None:
    page.locator("#chat a.cite").first.click()
    page.locator("#quote").wait_for()


def back(page: Any) -> None:
    page.locator("#back").click()
    page.locator("#reader").wait_for(state="hidden")


def export_menu(page: Any) -> None:
    back(page)
    page.locator("#export summary").click()


def note(page: Any) -> None:
    page.locator("#export summary").click()
    page.locator('#toolbar [data-vote="no"]').click()
    page.locator("#note input").wait_for()


def filters(page: Any) -> None:
    page.locator("#filters").click()
    page.locator("#narrow-regions label").first.click()
    page.locator("#chips button").wait_for()


def not_covered(page: Any) -> None:
    page.locator("#chips button").click()
    page.locator("#filters").click()
    ask(page, "What is the capital of Peru?")
    page.locator("#next a.ask").first.wait_for()


def refused(page: Any) -> None:
    page.fill("#q textarea", "word " * 401)
    page.locator("#send").click()
    page.locator("#announced", has_text="2,004 characters").wait_for()


def busy(page: Any) -> None:
    page.route("**/queue/join*", lambda route: route.fulfill(status=429, json={"detail": "Many are asking just now."}))
    page.fill("#q textarea", OSLO)
    page.locator("#send").click()
    page.locator(".toast-body").wait_for()
    while page.locator(".toast-body").evaluate("(each) => getComputedStyle(each).opacity") != "1":
        page.wait_for_timeout(50)  # it fades in
    page.unroute("**/queue/join*")


def conversations(page: Any) -> None:
    page.locator(".toast-close").click()
    page.locator(".toast-body").wait_for(state="detached")  # while it fades, its words have little contrast
    page.locator("#talks").click()
    page.locator("#reader .talks .open").first.wait_for()


def renaming(page: Any) -> None:
    page.locator(".talks").get_by_role("button", name="Rename").first.click()
    page.locator(".talks form").wait_for()


def offline(page: Any) -> None:
    back(page)
    page.context.set_offline(True)
    page.locator("body.offline").wait_for()


def search(page: Any) -> None:
    page.context.set_offline(False)
    page.locator("body:not(.offline)").wait_for()
    page.locator("#views a.view-search").click()
    page.locator("#search-title").wait_for()


def results(page: Any) -> None:
    page.fill("#s :is(input, textarea)", "secret talks in Norway")
    page.keyboard.press("Enter")
    page.locator("#found .passages").wait_for()
    if page.viewport_size["width"] <= 760:
        page.locator("#s-filters").click()
    page.locator("#s-regions label").first.click()
    page.locator("#s-chips button").wait_for()


def nothing_found(page: Any) -> None:
    page.fill("#s-period input", "1400")
    page.keyboard.press("Enter")
    page.locator("#found .none").wait_for()


def table(page: Any) -> None:
    page.locator("#views a.view-library").click()
    page.locator("#library tbody tr").first.wait_for()


def timeline(page: Any) -> None:
    page.locator("#lib-tab-timeline").click()
    page.locator("#lib-timeline").wait_for()


def map_of_meaning(page: Any) -> None:
    page.locator("#lib-tab-map").click()
    page.locator("#lib-map").wait_for()
    page.locator("#lib-map svg:visible a").first.focus()


def whole_article(page: Any) -> None:
    page.locator("#lib-tab-table").click()
    page.locator("#library tbody a", has_text="The Oslo channel").click()
    page.locator("#reader .asking").wait_for()


def maintain(page: Any) -> None:
    back(page)
    page.locator("#views a.view-maintain").click()
    page.locator("#maintain-difference .difference").wait_for()
    page.locator("#maintain-look").click()
    page.locator("#maintain-plan .plan").wait_for()


def trial(page: Any) -> None:
    page.fill("#trial-query :is(textarea, input)", OSLO)
    page.keyboard.press("Enter")
    page.locator("#trial-found .ranking").first.wait_for()


STATES: tuple[Callable[[Any], None], ...] = (
    answer, article, export_menu, note, filters, not_covered, refused, busy, conversations, renaming, offline,
    search, results, nothing_found, table, timeline, map_of_meaning, whole_article, maintain, trial,
)  # fmt: skip


def findings(page: Any) -> list[tuple[str, str, str]]:
    """(rule, selector, what is wrong) of what axe-core calls serious or critical."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    # On a phone the question box lies over what has not been scrolled to yet, which axe-core would call covered.
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    return [tuple(each) for each in page.evaluate(RUN)]


@pytest.mark.parametrize(("width", "scheme"), SHAPES)
def test_axe_finds_nothing_serious_in_any_state(address: str, opened: Open, width: int, scheme: str) -> None:
    page = opened(address, width, scheme, policed=False)  # being offline is told in the console
    found = {("empty", *each) for each in findings(page)}
    for state in STATES:
        state(page)
        found |= {(state.__name__, *each) for each in findings(page)}
    page.goto(f"{address}/api")
    found |= {("api", *each) for each in findings(page)}
    assert {(rule, selector) for _, rule, selector, _ in found} == set(KNOWN), sorted(found)
