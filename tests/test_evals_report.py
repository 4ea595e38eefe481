"""The report: what its sections hold, the Markdown twin, and the page, opened from disk in Chromium."""

import shutil
from pathlib import Path

import pytest
from browsing import CHROMIUM
from conftest import DATA
from test_evals_judging import made
from typer.testing import CliRunner

from assistant.answering import Assistant
from assistant.types import Turn
from evals.answers import Answers
from evals.collections import Collection
from evals.commands import app as group
from evals.commands.report import clustered
from evals.confidence import trust
from evals.judging import Judged
from evals.page_speed import chromium
from evals.provenance import entry, installed, provenance
from evals.questions import Question
from evals.report import figures
from evals.report.answering import failures_section, silence_section
from evals.report.page import POLICY, page
from evals.report.sections import Section, Sides, Table, as_markdown, escaped
from evals.statistics import Estimate, Interval
from index.errors import BackchannelError

BEIR = DATA / "beir_small"
ATTACK = "</script><img src=x onerror=alert(1)>"


def test_markdown_says_what_the_page_says() -> None:
    inner = Section("A question?", facts=[("says", "Nothing | at *all*")], folded=True)
    whole = Section(
        "Retrieval",
        ["In short."],
        tables=[Table([("name", "nDCG@10", "why"), ("a|b", "0.5 [0.4, 0.6]", "so")], "All", text=2)],
        text="kept\n  lines",
        parts=[inner],
    )
    assert as_markdown("A title", [whole]).splitlines() == [
        "# A title", "", "## Retrieval", "", "In short.", "", "All:", "",
        "| name | nDCG@10 | why |", "| --- | ---: | --- |", "| a\\|b | 0.5 [0.4, 0.6] | so |", "",
        "    kept", "      lines", "",
        "### A question?", "", "- **says**: Nothing | at \\*all\\*",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[click](https://a.example)", "\\[click\\](https://a.example)"),
        ("0.5 [0.4, 0.6]", "0.5 [0.4, 0.6]"),
        ("<b>", "\\<b\\>"),
        ("xquad_en _so_", "xquad_en \\_so\\_"),
        ("# not a heading", "\\# not a heading"),
        ("1. no list\n- nor here", "\\1. no list - nor here"),
    ],
)
def test_nothing_in_a_text_is_markup(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_every_text_of_the_page_is_escaped() -> None:
    figure = figures.estimates({ATTACK: {ATTACK: Estimate(0.5, Interval(0.4, 0.6), 3)}}, ATTACK)
    section = Section(
        ATTACK,
        [ATTACK],
        {ATTACK: figure},
        [Table([(ATTACK, "n"), (ATTACK, ATTACK)], ATTACK)],
        [(ATTACK, ATTACK)],
        [Sides(ATTACK, [ATTACK], [ATTACK]), Sides(ATTACK, [ATTACK], [], marked=True)],
        ATTACK,
    )
    written = page(ATTACK, [section, Section(ATTACK, folded=True)])
    assert "<img src=x" not in written
    assert f'content="{POLICY}"' in written
    assert len(page("No figures", [Section("So", ["It is."])])) < 10_000  # five megabytes less


def test_the_curve_marks_the_operating_point() -> None:
    found = trust(
        [0.9, 0.8, 0.6, 0.1], [True] * 4, [True, False, True, False], [False, False, False, True], 0.5, resamples=5
    )
    risk, everything, shipped = figures.risk_coverage(found, answered=0.75).data
    assert (risk.x, risk.y) == ((0.25, 0.5, 0.75, 1.0), (0.0, 0.5, pytest.approx(1 / 3), 0.5))
    assert (everything.x, everything.y) == ((0.0, 1.0), (0.5, 0.5))
    assert (shipped.x, shipped.y) == ((0.75,), (pytest.approx(1 / 3),))
    diagonal, _, groups = figures.reliability(found).data
    assert (diagonal.x, diagonal.y) == ((0.0, 1.0), (0.0, 1.0))
    assert (groups.x, groups.y) == ((0.1, 0.6, 0.8, 0.9), (0.0, 1.0, 0.0, 1.0))


def test_estimates_stand_in_rows_with_their_bars() -> None:
    (drawn,) = figures.estimates(
        {"nDCG@10": {"one": Estimate(0.5, Interval(0.4, 0.7), 9), "two": Estimate(0.3, None, 1)}}, "x"
    ).data
    assert (drawn.x, drawn.y) == ((0.5, 0.3), (0.0, 1.0))
    assert drawn.error_x.array == (pytest.approx(0.2), 0.0)
    assert drawn.error_x.arrayminus == (pytest.approx(0.1), 0.0)
    assert drawn.text[0] == "one<br>nDCG@10 0.500 [0.400, 0.700], n = 9"
    (times,) = figures.latencies({"search": [float(ms) for ms in range(101)]}).data
    assert (times.x, times.error_x.arrayminus, times.error_x.array) == ((50.0,), (45.0,), (45.0,))


def test_failed_questions_are_grouped_by_what_went_wrong(assistant: Assistant) -> None:
    answer = assistant.ask("How did the Oslo talks start?")
    lured = Question("x2", "Which hotel?", "unanswerable", False, (), "", (Turn("user", "The Oslo talks?"),), "", "dev")
    judged = Judged(lured, answer, answer, {"refused": 0.0}, False)
    section = failures_section(Answers("dev", (judged, made("factual", 1)), 0.5))
    assert section.prose == ["1 of 2 questions; open one to see what was found, and what should have been."]
    (group_of_one,) = section.parts
    assert group_of_one.heading == "Answered, though the articles do not say it"
    (shown,) = group_of_one.parts
    assert shown.heading == "Which hotel? (x2, unanswerable)"
    facts = dict(shown.facts)
    assert facts["before it"] == "user: The Oslo talks?"
    assert facts["should say"] == "that the articles do not cover it"
    assert facts["says"].endswith(f"({answer.citations[-1].doc_id})")
    assert f"found, {answer.passages[0].score:.3f}" in facts


def test_silence_is_shown_where_all_is_answerable(assistant: Assistant) -> None:
    answer = assistant.ask("How did the Oslo talks start?")
    asked = [Question(f"x{n}", "?", "factual", True, (), "", (), "", "dev") for n in range(4)]
    judged = tuple(Judged(each, answer, answer, {"contained": 1.0}, True) for each in asked)
    answers = Answers("dev", judged, 0.5)
    (figure_table, _) = silence_section(answers, answers.trust()).tables
    rows = {row[0]: row[1] for row in figure_table.rows}
    assert rows["AUROC"] == rows["wrongly answered"] == "not defined"
    assert rows["wrongly refused"].startswith("0.000 [0.000, ")


def test_queries_are_clustered_by_the_text_before_the_mark() -> None:
    queries = {"a": "Aceh: talks", "b": "Aceh: truce", "c": "Oslo"}
    headings = Collection("headings", BEIR, queries, {name: {"d": 1} for name in queries})
    plain = Collection("plain", BEIR, {"a": "Aceh?"}, {"a": {"d": 1}})
    assert clustered([headings, plain], ":") == {"headings": {"a": "Aceh", "b": "Aceh", "c": "Oslo"}}


def test_provenance_names_versions_and_the_machine(tmp_path: Path) -> None:
    facts = dict(provenance())
    assert "faiss-cpu 1." in facts["packages"]
    assert " cores, " in facts["machine"]
    assert installed("no-such-package") == "not installed"
    (tmp_path / "cpuinfo").write_text("vendor: x\nmodel name\t: A processor\n")
    assert entry(tmp_path / "cpuinfo", "model name") == "A processor"
    assert entry(tmp_path / "nothing", "model name") == ""


def test_a_folder_that_is_not_there_is_told_before_anything_is_indexed(home: Path) -> None:
    done = CliRunner().invoke(group, ["report", str(BEIR), "--out", "nowhere/r.html", "--home", str(home)])
    assert isinstance(done.exception, BackchannelError)
    assert str(done.exception) == "There is no folder nowhere for --out. Make it, or name another file"
    assert not (home / "evals").exists()


@pytest.mark.usefixtures("gold_read_once")
@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed")
def test_the_report_opens_from_disk_and_fetches_nothing(whole_library: Path, home: Path) -> None:
    """Gold and two collections, as its reader sees them, at both widths, in light and dark."""
    (home / "cache").symlink_to(whole_library / "cache")
    second = Path(shutil.copytree(BEIR, home / "second_village"))
    done = CliRunner().invoke(group, ["report", str(BEIR), str(second), "--home", str(home), "--quiet"])
    assert (done.exit_code, done.stderr) == (0, "")
    written, twin = (Path(line) for line in done.stdout.splitlines())
    assert written.parent == home / "reports"
    assert "| second_village | 4 | 6 documents |" in twin.read_text(encoding="utf-8")
    with chromium() as browser:
        for width, scheme in ((1280, "light"), (390, "dark")):
            shown = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
            asked: list[str] = []
            said: list[str] = []
            shown.on("request", lambda request, asked=asked: asked.append(request.url))
            shown.on("console", lambda message, said=said: said.append(message.text))
            shown.on("pageerror", lambda error, said=said: said.append(str(error)))
            shown.goto(written.as_uri())
            shown.wait_for_selector("#figure-6 .main-svg")
            assert (asked, said) == ([written.as_uri()], [])
            assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert [each.inner_text() for each in shown.query_selector_all("h2")] == [
                "In short", "Retrieval", "Answers", "Knowing what is not covered", "Conversation", "Latency",
                "Failed questions", "How this was made",
            ]  # fmt: skip
            first = shown.locator("details details, section section details").first
            assert not first.locator("dl").is_visible()
            first.locator("summary").click()
            assert first.locator("dl").is_visible()
        browser.close()
