"""The maintainer's view in a real Chromium: the index, a trial, feedback, and a report that cannot leave its frame."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import BROWSER, SHAPES, Open, fits, focused, leave, marked, serving
from living_home import with_heron

from assistant.answering import Assistant
from assistant.feedback import Feedback
from assistant.receipts import receipt_of
from index.upkeep import history

pytestmark = BROWSER

OSLO = "How did the Oslo talks start?"
HOSTILE = "<img src=x onerror=alert(1)> [a](javascript:alert(1)) </p><script>alert(2)</script>"
# A report of an attacker: what it gets hold of it writes down.
ESCAPING = """<!doctype html><meta charset="utf-8"><title>Report</title><p id="said">nothing ran</p><script>
const said = [];
for (const [name, reach] of [
  ["parent", () => parent.document.title], ["top", () => (top.location.href = "about:blank")],
  ["storage", () => localStorage.length], ["cookie", () => document.cookie], ["window", () => open("/")],
]) { try { said.push(`${name} ${reach() === null ? "refused" : "reached"}`); } catch { said.push(`${name} refused`); } }
fetch("/config").then(() => said.push("fetch reached"), () => said.push("fetch refused"))
  .then(() => { document.getElementById("said").textContent = said.join(", "); });
</script>"""


@pytest.fixture(scope="module")
def kept(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of two generations with a hostile article, votes and reports."""
    text = f"The heron of Ribe was fed by a lamplighter. {HOSTILE}"
    home, articles = with_heron(library, tmp_path_factory.mktemp("maintained"), HOSTILE, text)
    (articles / "kayak.md").write_text("---\ntitle: The kayak\n---\n\nNobody paddled it.\n", encoding="utf-8")
    (articles / "<img src=x onerror=alert(3)>.pdf").write_bytes(b"%PDF-1.4 no more")
    assistant = Assistant.open(home)
    feedback = Feedback.open(home)
    feedback.keep(True, "Just so.", receipt_of(assistant, assistant.ask(OSLO)), "a", assistant.index)
    feedback.keep(False, HOSTILE, receipt_of(assistant, assistant.ask(HOSTILE)), "b", assistant.index)
    for age in range(3):
        report(home, f"report-{age}.html", f"<!doctype html><title>r</title><h1>Evaluation {age}</h1>", age + 1)
    return home


def report(home: Path, name: str, text: str, age: int) -> None:
    path = home / "reports" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (1_800_000_000 - age,) * 2)


@pytest.fixture(scope="module")
def address(kept: Path) -> Iterator[str]:
    with serving(kept, "--maintainer") as address:
        yield address


def maintain(page: Any) -> Any:
    """Opens the view by its link, and waits until it has been filled."""
    page.locator('#views a[href="#/maintain"]').click()
    page.locator("#maintain-status .facts").wait_for()
    page.locator("#maintain-difference .difference").wait_for()
    return page


def compare(page: Any, query: str, dense: str) -> list[str]:
    """Tries a dense_weight; gives the places of the trial as they are shown: addresses of passages."""
    page.fill("#trial-query :is(textarea, input)", query)
    page.fill("#knob-dense input[type=number]", dense)
    page.keyboard.press("Tab")
    page.locator("#trial-compare").click()
    page.locator("#trial-found .side strong", has_text=f"dense_weight {dense}").wait_for()
    links = page.locator("#trial-found .side").nth(1).locator("a.found")
    return [str(each.get_attribute("href")).split("/", 2)[2] for each in links.all()]


@pytest.mark.parametrize(("width", "scheme"), SHAPES)
def test_the_view_shows_all_its_parts(address: str, opened: Open, kept: Path, width: int, scheme: str) -> None:
    page = maintain(opened(address, width, scheme))
    newest, *_, first = [each.name for each in history(kept)]
    assert "13 articles" in page.locator("#maintain-status").inner_text()
    assert f"{newest} live" in " ".join(page.locator("#maintain-history tbody tr").first.inner_text().split())
    assert first in page.locator("#maintain-history").inner_text()
    assert "1 added" in page.locator("#maintain-difference").inner_text()
    votes = page.locator("#maintain-feedback tbody tr")
    assert votes.count() == 2
    assert HOSTILE in votes.first.inner_text()
    assert page.locator("#maintain-list a.report").all_inner_texts() == [f"report-{age}.html" for age in range(3)]
    page.locator("#maintain-frame").scroll_into_view_if_needed()
    page.frame_locator("#maintain-frame iframe").locator("h1", has_text="Evaluation 0").wait_for()
    assert fits(page)
    assert page.locator("#q textarea").is_hidden()


def test_a_trial_changes_the_ranking_and_its_passages_open(address: str, opened: Open) -> None:
    page = maintain(opened(address))
    question = "secret talks arranged by a private person"
    by_words, by_meaning = compare(page, question, "0"), compare(page, question, "1")
    assert len(by_words) == len(by_meaning) == 10
    assert by_words != by_meaning
    changes = page.locator("#trial-found .change").all_inner_texts()
    assert len(changes) == 10
    assert any(each.startswith(("↑", "↓", "new")) for each in changes)
    assert "BACKCHANNEL_DENSE_WEIGHT=1.0 python app.py" in page.locator("#trial-found .adopt").inner_text()
    link = page.locator("#trial-found .side").nth(1).locator("a.found").first
    link.focus()
    page.keyboard.press("Enter")
    assert len(marked(page)) > 50
    page.keyboard.press("Escape")
    page.locator("#reader").wait_for(state="hidden")
    assert focused(page) == link.get_attribute("href")
    page.locator("#trial-back").click()
    page.locator("#trial-found .adopt", has_text="The trial has the live settings").wait_for()
    assert page.locator("#knob-dense input[type=number]").input_value() == "0.55"


def test_what_would_change_is_shown_and_nothing_is_published(address: str, opened: Open, kept: Path) -> None:
    page = maintain(opened(address))
    before = [each.name for each in history(kept)]
    page.locator("#maintain-look").click()
    page.locator("#maintain-plan code").first.wait_for()
    said = page.locator("#maintain-plan").inner_text()
    assert "1 added" in said
    assert "<img src=x onerror=alert(3)>.pdf: " in said
    assert f"python app.py index apply --home {kept}" in said
    assert page.locator("#view-maintain img").count() == 0
    assert [each.name for each in history(kept)] == before


def test_f30_hostile_titles_and_questions_are_shown_as_text(address: str, opened: Open) -> None:
    page = maintain(opened(address))
    page.fill("#trial-query :is(textarea, input)", f"the heron of Ribe {HOSTILE}")
    page.keyboard.press("Enter")
    first = page.locator("#trial-found .side").first.locator("li").first
    first.wait_for()
    assert HOSTILE in first.inner_text()
    assert page.locator("#view-maintain :is(img, script)").count() == 0


def test_feedback_of_one_kind(address: str, opened: Open) -> None:
    page = maintain(opened(address))
    page.locator("#maintain-kind label", has_text="Not helpful").click()
    page.locator("#maintain-feedback", has_text="1 shown").wait_for()
    assert page.locator("#maintain-feedback tbody tr").all_inner_texts()[0].count("no") >= 1


def test_another_report_is_chosen_by_keyboard_and_kept(address: str, opened: Open) -> None:
    page = maintain(opened(address))
    link = page.locator("#maintain-list a.report").nth(2)
    link.focus()
    page.keyboard.press("Enter")
    page.frame_locator("#maintain-frame iframe").locator("h1", has_text="Evaluation 2").wait_for()
    assert link.get_attribute("aria-current") == "true"
    assert page.locator("#maintain-list [aria-current]").count() == 1
    assert page.url.endswith("#/maintain")
    page.locator("#maintain-again").click()
    page.wait_for_timeout(700)
    assert page.locator("#maintain-frame iframe").get_attribute("src") == "/report/report-2.html"


def test_t7_a_report_cannot_reach_the_page(address: str, opened: Open, kept: Path) -> None:
    report(kept, "hostile.html", ESCAPING, -10)
    try:
        page = maintain(opened(address, policed=False))  # what it tries is told in the console
        frame = page.locator("#maintain-frame iframe")
        frame.scroll_into_view_if_needed()
        assert frame.get_attribute("sandbox") == "allow-scripts"
        said = page.frame_locator("#maintain-frame iframe").locator("#said", has_text="fetch")
        said.wait_for()
        assert said.inner_text() == (
            "parent refused, top refused, storage refused, cookie refused, window refused, fetch refused"
        )
        assert page.url == f"{address}/#/maintain"
        assert len(page.context.pages) == 1
    finally:
        (kept / "reports" / "hostile.html").unlink()


def test_the_figures_of_a_real_report_are_drawn_in_the_frame(address: str, opened: Open, kept: Path) -> None:
    from evals.report.page import page as made
    from evals.report.plots import curves
    from evals.report.sections import Section

    figure = curves({"risk": ((0.0, 0.5, 1.0), (0.0, 0.1, 0.3))}, "coverage", "risk")
    report(kept, "drawn.html", made("Evaluation", [Section("In short", figures={"Risk": figure})]), -20)
    try:
        page = maintain(opened(address))
        page.locator("#maintain-frame iframe").scroll_into_view_if_needed()
        page.frame_locator("#maintain-frame iframe").locator(".js-plotly-plot path.js-line").first.wait_for()
    finally:
        (kept / "reports" / "drawn.html").unlink()


def test_a_home_without_reports_and_votes(own_home: Path, opened: Open) -> None:
    with serving(own_home, "--maintainer") as address:
        page = opened(address, path="/#/maintain")
        page.locator("#maintain-list", has_text="There is no report in this home yet.").wait_for()
        assert f"python app.py eval report --home {own_home}" in page.locator("#maintain-list").inner_text()
        assert "No feedback yet" in page.locator("#maintain-feedback").inner_text()
        page.locator("#maintain-difference", has_text="Choose two generations").wait_for()
        assert page.locator("#maintain-frame").count() == 0
        leave(page)


def test_without_maintainer_there_is_no_such_view(library: Path, opened: Open) -> None:
    with serving(library) as address:
        page = opened(address, path="/#/maintain", policed=False)
        assert page.locator("#view-maintain").count() == 0
        assert page.locator('#views a[href="#/maintain"]').count() == 0
        assert page.request.get(f"{address}/report/latest").status == 404
        leave(page)
