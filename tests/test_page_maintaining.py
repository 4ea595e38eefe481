"""The maintainer's view without a browser: the index, retrieval tests, feedback, reports; hostile text in all."""

import hashlib
import html
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import index, with_models
from fastapi import FastAPI
from living_home import Home as LivingHome
from starlette.testclient import TestClient

from assistant.answering import Assistant
from assistant.errors import QuestionError
from assistant.feedback import FILE, Feedback
from assistant.living import LiveAssistant
from assistant.page import report_frame
from assistant.page.maintaining_feedback import feedback_shown, reports_shown
from assistant.page.maintaining_index import difference_shown, generations, plan_shown, status_shown
from assistant.page.maintaining_trial import trial_shown
from assistant.page.report_frame import MOST, reports, router
from assistant.page.tables import command
from assistant.page.trying import KNOBS, Trial, tried
from assistant.receipts import receipt_of
from assistant.retrieval import HybridRetriever
from assistant.settings import AssistantSettings
from index.building import plan_for
from index.errors import SettingsError
from index.filters import Filters
from index.protocol import Index
from index.settings import IndexSettings
from index.showing import plan_lines
from index.upkeep import difference, history

OSLO = "How did the Oslo talks start?"
HOSTILE = '<img src=x onerror=alert(1)> [a](javascript:alert(1)) `code` "quoted" <script>alert(2)</script>'


def words(markup: str) -> str:
    """The text of mark-up as a browser shows it."""
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def tags(markup: str) -> set[str]:
    return set(re.findall(r"<([a-z0-9]+)", markup))


def all_bytes(home: Path) -> dict[str, str]:
    """The digest of every file of a home but the models."""
    files = [path for path in home.rglob("*") if path.is_file() and "models" not in path.parts]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


# -- the retrieval test ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_meaning(assistant: Assistant) -> Trial:
    """Meaning alone, without sentences."""
    return tried(assistant, OSLO, {"dense_weight": 1.0, "sentence_weight": 0.0}, Filters())


def test_a_trial_ranks_by_its_own_settings_and_changes_nothing_live(assistant: Assistant, by_meaning: Trial) -> None:
    before = assistant.settings.model_dump()
    found = assistant.search(OSLO)
    chosen = AssistantSettings.load(dense_weight=1.0, sentence_weight=0.0)
    expected = HybridRetriever(assistant.index, chosen).retrieve(OSLO, 10)
    assert by_meaning.trial.passages == expected.passages
    assert by_meaning.live.passages == found
    cosines = [each.dense for each in by_meaning.trial.passages]
    assert cosines == sorted(cosines, reverse=True)
    assert by_meaning.changed == {"dense_weight": 1.0, "sentence_weight": 0.0}
    assert assistant.settings.model_dump() == before
    assert assistant.search(OSLO) == found


def test_places_are_told_by_how_far_a_passage_has_come(by_meaning: Trial) -> None:
    live = [each.passage.key for each in by_meaning.live.passages]
    compared = 0
    for place, each in enumerate(by_meaning.trial.passages, 1):
        if each.passage.key in live:
            assert by_meaning.moved(each.passage.key, place) == live.index(each.passage.key) + 1 - place
            compared += 1
    assert compared >= 5
    assert by_meaning.moved(-7, 1) is None
    shown = words(trial_shown(by_meaning))
    first = by_meaning.trial.passages[0].passage
    came = live.index(first.key)
    assert f"1{'=' if not came else f'↑{came}'}{first.title}" in shown


def test_weights_0_and_1_rank_differently(assistant: Assistant) -> None:
    question = "secret talks arranged by a private person"
    orders = []
    for weight in (0.0, 1.0):
        trial = tried(assistant, question, {"dense_weight": weight}, Filters())
        orders.append([each.passage.key for each in trial.trial.passages])
    assert orders[0] != orders[1]


def test_without_a_change_both_lists_are_one(assistant: Assistant) -> None:
    knobs = {name: getattr(assistant.settings, name) for name in KNOBS} | {"depth": None}  # a box that was emptied
    trial = tried(assistant, OSLO, knobs, Filters())
    assert trial.changed == {}
    assert trial.live.passages == trial.trial.passages
    assert trial.live.answer.confidence == trial.trial.answer.confidence
    assert "The trial has the live settings: change one above." in words(trial_shown(trial))


def test_filters_narrow_both_lists(assistant: Assistant) -> None:
    trial = tried(assistant, "secret talks", {"dense_weight": 0.1}, Filters.parse("", ["middle-east"]))
    for ranking in (trial.live, trial.trial):
        documents = [assistant.index.document(each.passage.doc_id) for each in ranking.passages]
        assert documents
        assert all("middle-east" in document.metadata["regions"] for document in documents)
    nowhere = tried(assistant, "secret talks", {}, Filters.parse("1000-1001"))
    assert words(trial_shown(nowhere)).count("No article passes these filters.") == 2


def test_the_reader_can_be_left_out(assistant: Assistant) -> None:
    trial = tried(assistant, OSLO, {"reader": False}, Filters())
    assert trial.changed == {"reader": False}
    assert trial.live.answer.confidence != trial.trial.answer.confidence
    assert "reader off" in words(trial_shown(trial))


@pytest.mark.parametrize(
    ("name", "value"),
    [("dense_weight", 1.5), ("dense_weight", float("nan")), ("sentence_weight", -1), ("depth", 0), ("passages", 10**9)],
)
def test_a_value_that_a_setting_cannot_have_is_told(assistant: Assistant, name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=f"The setting {name} cannot be "):
        tried(assistant, OSLO, {name: value}, Filters())


def test_a_query_that_cannot_be_asked_is_told(assistant: Assistant) -> None:
    with pytest.raises(QuestionError, match="has no words in it"):
        tried(assistant, "?!", {}, Filters())


def test_the_line_to_adopt_a_trial_sets_what_was_tried(
    by_meaning: Trial, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shown = trial_shown(by_meaning)
    lines = [words(each) for each in re.findall(r"<code>(.*?)</code>", shown)]
    assert lines[0] == "python app.py eval report --config dense_weight=1.0 --config sentence_weight=0.0"
    assert lines[1:3] == ["dense_weight = 1.0", "sentence_weight = 0.0"]
    assert lines[3] == "BACKCHANNEL_DENSE_WEIGHT=1.0 BACKCHANNEL_SENTENCE_WEIGHT=0.0 python app.py"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "backchannel.toml").write_text("\n".join(lines[1:3]), encoding="utf-8")
    assert AssistantSettings.load().model_dump() == by_meaning.trial.settings.model_dump()
    assert "comes before" not in words(shown)
    monkeypatch.setenv("BACKCHANNEL_DENSE_WEIGHT", "0.5")
    said = "BACKCHANNEL_DENSE_WEIGHT is set where this server was started, and comes before backchannel.toml."
    assert said in words(trial_shown(by_meaning))


def test_f30_a_hostile_passage_is_shown_as_text(by_meaning: Trial) -> None:
    scored = by_meaning.trial.passages[0]
    passage = replace(scored.passage, title=HOSTILE, heading=HOSTILE, text=HOSTILE, doc_id=f"a/{HOSTILE}")
    ranking = replace(by_meaning.trial, passages=(replace(scored, passage=passage),))
    shown = trial_shown(replace(by_meaning, live=ranking, trial=ranking))
    assert tags(shown) <= {"div", "h4", "p", "strong", "ol", "li", "span", "a", "code"}
    assert words(shown).count(f"{HOSTILE} · {HOSTILE}") == 2
    assert {each[:3] for each in re.findall(r'href="([^"]*)"', shown)} == {"#c/"}


# -- the index -------------------------------------------------------------------------------------------------------


def test_the_status_says_what_is_served(assistant: Assistant, library: Path) -> None:
    status = assistant.index.status()
    shown = words(status_shown(assistant.index, library))
    for said in (
        f"Generation {status.generation}",
        f"Holds {status.documents} articles, {status.passages} passages, {status.sentences} sentences",
        f"Embedder {status.embedder} (digest {status.embedder_digest[:12]})",
        f"Published {status.published_at[:10]} {status.published_at[11:16]} UTC",
        f"Sources {library.parent / 'articles'}",
        "Withdrawn none",
        f"Home {library}",
    ):
        assert said in shown


def test_the_status_names_what_is_withdrawn_and_a_warning(live_home: LivingHome, run: Any) -> None:
    assert run("index", "remove", "kashmir-back-channel", "--home", live_home.path)[0] == 0
    opened: Index = Assistant.open(live_home.path).index
    opened.warning = f"Generation x is damaged {HOSTILE}"
    shown = status_shown(opened, live_home.path)
    assert f"Generation x is damaged {HOSTILE}." in words(shown)
    assert "img" not in tags(shown)
    assert re.search(r"Withdrawn kashmir-back-channel \(\d{4}-\d\d-\d\d\)", words(shown))


def test_the_history_marks_what_is_live_and_names_damage(live_home: LivingHome) -> None:
    (live_home.path / "generations" / live_home.new / "manifest.json").write_text("{", encoding="utf-8")
    shown = generations(history(live_home.path), live_home.path)
    rows = [words(each) for each in re.findall(r"<tr>(.*?)</tr>", shown)][1:]
    assert f"Generation{live_home.new}" in rows[0]
    assert "live" not in rows[0]
    assert "manifest" in rows[0]
    assert f"Generation{live_home.old} live" in rows[1]
    assert "Articles12" in rows[1]
    assert f"python app.py index rollback NAME --home {live_home.path}" in words(shown)


def test_two_generations_are_compared(live_home: LivingHome) -> None:
    found = difference(live_home.path, live_home.old, live_home.new)
    shown = words(difference_shown(live_home.old, live_home.new, found))
    assert shown == (
        f"From {live_home.old} to {live_home.new}: 1 changed, 1 removed.Changed oslo-channelRemoved track-levels"
    )
    same = difference_shown("a", "b", difference(live_home.path, live_home.old, live_home.old))
    assert words(same) == "From a to b: no article differs."


@pytest.fixture
def planned(tmp_path: Path, models: Path, six_articles: Path) -> Path:
    """A home over the six articles."""
    home = with_models(tmp_path / "home", models)
    index(home, six_articles)
    return home


def test_what_would_change_has_the_words_of_index_plan_and_writes_nothing(planned: Path, six_articles: Path) -> None:
    (six_articles / "<img src=x>.pdf").write_bytes(b"%PDF-1.4 no more")
    (six_articles / "canoe.md").write_text("---\ntitle: The canoe\n---\n\nNobody crossed in it.\n", encoding="utf-8")
    before = all_bytes(planned)
    plan, costs = plan_for(IndexSettings.load(home=planned))
    shown = plan_shown(plan, costs, planned)
    said = words(shown)
    for line in plan_lines(plan, costs):
        assert " ".join(line.split()) in said
    assert "1 added" in said
    assert "<img src=x>.pdf: " in said
    assert "img" not in tags(shown)
    assert f"python app.py index apply --home {planned}" in said
    assert f"python app.py eval regress --home {planned}" in said
    assert all_bytes(planned) == before


def test_where_nothing_would_change_there_is_no_command(planned: Path) -> None:
    said = words(plan_shown(*plan_for(IndexSettings.load(home=planned)), planned))
    assert said.endswith("Nothing would change.")
    assert "python" not in said


def test_what_apply_would_refuse_is_said_beforehand(planned: Path, six_articles: Path) -> None:
    for name in ("ferry", "barge"):
        (six_articles / f"{name}.md").unlink()
    said = words(plan_shown(*plan_for(IndexSettings.load(home=planned)), planned))
    assert "2 removed" in said
    assert "2 of 5 articles would be removed" in said or "2 of 6 articles would be removed" in said
    assert "If that is meant, say so: python app.py index apply --yes" in said


def test_commands_name_a_home_that_is_not_the_usual_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strange = tmp_path / "a home; rm"
    assert words(command("index apply", strange)) == f"python app.py index apply --home '{strange}'"
    monkeypatch.setenv("BACKCHANNEL_HOME", str(strange))
    assert words(command("index apply", strange)) == "python app.py index apply"


# -- feedback --------------------------------------------------------------------------------------------------------


@pytest.fixture
def voted(assistant: Assistant, tmp_path: Path) -> Path:
    """A folder with three votes, one of them on a forged answer."""
    answer = assistant.ask(OSLO)
    receipt = receipt_of(assistant, answer)
    forged = receipt_of(
        assistant, replace(answer, citations=tuple(replace(each, quote="never said") for each in answer.citations))
    )
    kept = Feedback.open(tmp_path)
    kept.keep(True, "", receipt, "a", assistant.index)
    kept.keep(False, HOSTILE, receipt, "b", assistant.index)
    kept.keep(False, "x" * 2000, forged, "c", assistant.index)
    return tmp_path


def rows(shown: str) -> list[str]:
    return [words(each) for each in re.findall(r"<tr>(.*?)</tr>", shown)][1:]


def test_feedback_is_listed_newest_first(voted: Path, assistant: Assistant) -> None:
    shown = feedback_shown(voted, "All")
    said = "3 in all: 1 helpful, 2 not, 2 with a note, 1 whose citations are not all borne out. 3 shown, newest first."
    assert said in words(shown)
    newest, middle, oldest = rows(shown)
    assert f"Note{'x' * 300}…Citationsnot borne out" in newest
    assert f"QuestionHow did the Oslo talks start?Note{HOSTILE}Citationsborne out" in middle
    assert "Helpfulyes" in oldest
    assert f"Generation{assistant.index.status().generation}" in oldest
    assert "python app.py feedback export --out candidates.jsonl" in words(shown)


def test_f30_a_hostile_note_is_shown_as_text(voted: Path) -> None:
    shown = feedback_shown(voted, "All")
    assert tags(shown) == {"div", "p", "table", "thead", "tbody", "tr", "th", "td", "span", "strong", "code"}
    assert HOSTILE in words(shown)


def test_feedback_of_one_kind(voted: Path) -> None:
    assert len(rows(feedback_shown(voted, "Helpful"))) == 1
    assert len(rows(feedback_shown(voted, "Not helpful"))) == 2


def test_no_feedback_has_words_of_its_own(tmp_path: Path) -> None:
    assert "No feedback yet" in words(feedback_shown(tmp_path, "All"))
    assert not (tmp_path / FILE).exists()


# -- reports ---------------------------------------------------------------------------------------------------------


def write_report(home: Path, name: str, age: int, text: str = "A report") -> Path:
    """A file among the reports, so many seconds older than a fixed moment."""
    path = home / "reports" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"<!doctype html><title>{text}</title><p>{text}</p>", encoding="utf-8")
    os.utime(path, (1_800_000_000 - age,) * 2)
    return path


@pytest.fixture
def reported(own_home: Path) -> Path:
    """A home with the library, twelve reports, and what is none."""
    for age in range(12):
        write_report(own_home, f"report-{age:02}.html", age, f"Number {age}")
    write_report(own_home, "report-00.md", 0)
    (own_home / "reports" / "secret.html").symlink_to(own_home / "register.json")
    (own_home / "reports" / "folder.html").mkdir()
    os.mkfifo(own_home / "reports" / "pipe.html")
    return own_home


@pytest.fixture
def own(reported: Path) -> TestClient:
    app = FastAPI()
    app.include_router(router(LiveAssistant.open(reported)))
    return TestClient(app)


def test_the_newest_reports_are_listed(reported: Path) -> None:
    found = reports(reported)
    assert [each.name for each in found] == [f"report-{age:02}.html" for age in range(MOST)]
    assert found[0].written == "2027-01-15 08:00 UTC"
    shown = reports_shown(found, reported)
    assert shown.count('<a class="report" href="#/report/report-') == MOST
    assert "report-00.html 2027-01-15 08:00 UTC" in words(shown)


def test_where_there_is_no_report_it_is_said_how_to_make_one(tmp_path: Path) -> None:
    assert reports(tmp_path) == []
    shown = words(reports_shown([], tmp_path))
    assert f"There is no report in this home yet.Make one: python app.py eval report --home {tmp_path}" in shown


def test_a_report_is_served_by_its_name_and_the_newest_as_latest(own: TestClient, reported: Path) -> None:
    assert "Number 0" in own.get("/report/latest").text
    assert own.get("/report/report-03.html").text == (reported / "reports" / "report-03.html").read_text("utf-8")
    assert own.get("/report/report-03.html").headers["cache-control"] == "no-store"
    assert own.get("/report/report-11.html").status_code == 404  # past the last ten


@pytest.mark.parametrize(
    "name",
    [
        "..%2fregister.json",
        "%2e%2e%2fregister.json",
        "..%2f..%2fetc%2fpasswd",
        "%2fetc%2fpasswd",
        "report-00.md",
        "secret.html",
        "folder.html",
        "pipe.html",
        "report-00.html%00",
        "..",
        "",
        "%3Cimg%20src=x%3E",
    ],
)
def test_t12_nothing_but_reports_can_be_had(own: TestClient, name: str) -> None:
    answer = own.get(f"/report/{name}")
    assert answer.status_code == 404
    assert "withdrawn" not in answer.text
    assert "<img" not in answer.text


def test_t12_a_report_that_becomes_a_link_is_not_followed(
    own: TestClient, reported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the listing and the opening."""
    listed = reports(reported)
    path = reported / "reports" / "report-00.html"
    path.unlink()
    path.symlink_to(reported / "register.json")
    monkeypatch.setattr(report_frame, "reports", lambda home: listed)
    answer = own.get("/report/report-00.html")
    assert (answer.status_code, "withdrawn" in answer.text) == (404, False)


def test_a_file_name_with_marks_is_linked_and_shown_as_text(own: TestClient, reported: Path) -> None:
    name = "<img src=x onerror=alert(1)> & 100%.html"
    write_report(reported, name, -10, "Strange")
    shown = reports_shown(reports(reported), reported)
    assert name in words(shown)
    assert "img" not in tags(shown)
    (link,) = [each for each in re.findall(r'href="#/report/([^"]*)"', shown) if each.startswith("%3C")]
    assert "Strange" in own.get(f"/report/{link}").text


# -- the view and its routes, with Gradio ----------------------------------------------------------------------------


def page_of(live: LiveAssistant, maintainer: bool) -> TestClient:
    from assistant.page.listening import Serving
    from assistant.page.service import build_app

    return TestClient(build_app(live, Serving(maintainer=maintainer)), base_url="http://127.0.0.1:7860")


@pytest.mark.slow
def test_the_view_and_its_reports_are_there_for_the_maintainer(reported: Path) -> None:
    page = page_of(LiveAssistant.open(reported), maintainer=True)
    shell = page.get("/")
    assert re.search(r'src="/own/maintain\.js\?v=[0-9a-f]{12}"', shell.text)
    assert "frame-src 'self'" in shell.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in shell.headers["content-security-policy"]
    parts = {part["props"].get("elem_id") for part in page.get("/config").json()["components"]}
    assert {"view-maintain", "maintain-history", "trial-found", "maintain-feedback"} <= parts
    report = page.get("/report/latest")
    policy = report.headers["content-security-policy"]
    assert report.status_code == 200
    assert policy.startswith("sandbox allow-scripts;")
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert report.headers["x-frame-options"] == "SAMEORIGIN"
    assert page.post("/report/latest").status_code == 404


@pytest.mark.slow
def test_without_maintainer_there_is_neither_view_nor_route(reported: Path) -> None:
    page = page_of(LiveAssistant.open(reported), maintainer=False)
    shell = page.get("/")
    assert "maintain.js" not in shell.text
    assert "frame-src" not in shell.headers["content-security-policy"]
    config = page.get("/config").text
    assert "view-maintain" not in config
    assert "trial-query" not in config
    for path in ("/report/latest", "/report/report-00.html", "/report/"):
        assert page.get(path).status_code == 404


@pytest.fixture
def maintaining(live: LiveAssistant) -> Any:
    from assistant.page.maintaining import Maintaining

    return Maintaining(live)


@pytest.mark.slow
def test_looking_again_shows_what_has_been_published_since(
    maintaining: Any, live: LiveAssistant, live_home: LivingHome
) -> None:
    status, past, before, after, received, listed = maintaining.look("All")
    assert f"Generation {live_home.old}" in words(status)
    assert before["choices"] == after["choices"] == [each.name for each in history(live_home.path)]
    assert after["value"] == live_home.new
    assert "No feedback yet" in words(received)
    assert "There is no report" in words(listed)
    assert f"{live_home.old} live" in words(past)
    live_home.point(live_home.new)
    assert live.look()
    status, past, *_ = maintaining.look("All")
    assert f"Generation {live_home.new}" in words(status)
    assert f"{live_home.new} live" in words(past)


@pytest.mark.slow
def test_knobs_are_tried_and_put_back(maintaining: Any, live: LiveAssistant) -> None:
    values = maintaining.values()
    assert values == tuple(getattr(live.current().settings, name) for name in KNOBS)
    assert "The trial has the live settings" in words(maintaining.compare(OSLO, *values, "", [], [], []))
    tried_out = words(maintaining.compare(OSLO, 0.0, *values[1:], "", [], [], []))
    assert "dense_weight = 0.0" in tried_out
    assert maintaining.back() == (*values, "", [], [], [])
    assert "Type a question" in words(maintaining.compare("  ", *values, "", [], [], []))
    assert "is not two years" in words(maintaining.compare(OSLO, *values, "soon", [], [], []))
    assert "cannot be 7" in words(maintaining.compare(OSLO, 7, *values[1:], "", [], [], []))
    assert "Oslo" in words(maintaining.compare("Oslo \ud800 talks", *values, None, None, [], []))


@pytest.mark.slow
def test_a_plan_and_a_difference_are_told_or_why_not(maintaining: Any, live_home: LivingHome) -> None:
    first, last = maintaining.plan()
    assert words(first) == "Reading the sources, as python app.py index plan does…"
    assert "Nothing would change." in words(last) or "unchanged" in words(last)
    assert "1 changed, 1 removed" in words(maintaining.differences(live_home.old, live_home.new))
    assert "Choose two generations" in words(maintaining.differences(live_home.old, live_home.old))
    assert "No generation is called '../../etc'" in words(maintaining.differences("../../etc", live_home.new))
    (live_home.path / "generations" / live_home.new / "passages.faiss").write_bytes(b"x")
    assert live_home.new in words(maintaining.differences(live_home.old, live_home.new))


@pytest.mark.slow
def test_feedback_that_cannot_be_read_is_told_in_one_sentence(maintaining: Any, live_home: LivingHome) -> None:
    (live_home.path / FILE).write_bytes(b"no database" * 100)
    shown = maintaining.feedback("All")
    assert "cannot be read" in words(shown)
    assert "Traceback" not in shown


@pytest.mark.slow
def test_a_fault_of_ours_is_logged_and_told_in_one_sentence(caplog: pytest.LogCaptureFixture) -> None:
    from assistant.page.maintaining import told

    def broken() -> str:
        raise RuntimeError("secret")

    assert words(told(broken)) == "Something went wrong here, and the reason is in the server's log."
    assert "RuntimeError: secret" in caplog.text
