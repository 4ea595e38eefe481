"""The routes by which a visitor takes a conversation along and votes: files, refusals in a sentence, foreign sites."""

import io
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import docx
import pytest
from conftest import copied
from fastapi import FastAPI
from httpx import Response
from starlette.middleware.cors import CORSMiddleware
from starlette.testclient import TestClient

from assistant.feedback import FILE, Feedback
from assistant.living import LiveAssistant
from assistant.page import taking
from assistant.page.guards import WRITTEN, Guards
from assistant.page.taking import disposition
from assistant.receipts import from_json, receipt_of, replay, to_json

OSLO = "How did the Oslo talks start?"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.fixture(scope="module")
def home(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the library's home, to vote in."""
    return copied(library, tmp_path_factory.mktemp("taking") / "home")


@pytest.fixture(scope="module")
def live(home: Path) -> LiveAssistant:
    return LiveAssistant.open(home)


@pytest.fixture(scope="module")
def own(live: LiveAssistant) -> TestClient:
    """The routes behind what stands before them on the page."""
    app = FastAPI(openapi_url=None)
    app.add_middleware(CORSMiddleware, allow_origins=[])
    app.add_middleware(Guards)
    app.include_router(taking.router(live))
    return TestClient(app)


@pytest.fixture(scope="module")
def receipts(live: LiveAssistant) -> list[dict[str, Any]]:
    """As a browser keeps them."""
    assistant = live.current()
    return [to_json(receipt_of(assistant, assistant.ask(each))) for each in (OSLO, "Who was Brendan Duddy?")]


@pytest.fixture
def votes(home: Path) -> Feedback:
    """The feedback of the home, empty."""
    (home / FILE).unlink(missing_ok=True)
    return Feedback.open(home)


def refusal(answer: Response) -> tuple[int, str]:
    """Status and sentence; there is but one."""
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.count("\n") == 0
    assert "Traceback" not in answer.text
    return answer.status_code, answer.text


# -- export ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "kind", "suffix"),
    [
        ("markdown", "text/markdown; charset=utf-8", ".md"),
        ("docx", WORD, ".docx"),
        ("json", "application/json", ".json"),
        ("csl", "application/vnd.citationstyles.csl+json", ".csl.json"),
    ],
)
def test_a_conversation_comes_as_a_file(
    own: TestClient, receipts: list[dict[str, Any]], form: str, kind: str, suffix: str
) -> None:
    answer = own.post(f"/export/{form}", json={"name": "Oslo: Gespräche", "receipts": receipts})
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert answer.headers["content-disposition"] == (
        f"attachment; filename=\"Oslo-Gespr-che{suffix}\"; filename*=UTF-8''Oslo%3A%20Gespr%C3%A4che{suffix}"
    )
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert f"/export/{form}" in WRITTEN


def test_the_contents_are_the_conversation(
    own: TestClient, live: LiveAssistant, receipts: list[dict[str, Any]]
) -> None:
    body = {"name": "Two talks", "receipts": receipts}
    text = own.post("/export/markdown", json=body).text
    assert text.startswith(f"# Two talks\n\n## {OSLO}\n\n")
    word = docx.Document(io.BytesIO(own.post("/export/docx", json=body).content))
    assert [each.text for each in word.paragraphs if each.style and each.style.name == "Heading 1"][0] == OSLO
    entry = own.post("/export/json", json=body).json()
    assert (entry["name"], entry["receipts"]) == ("Two talks", receipts)
    assert replay(from_json(entry["receipts"][0], "it"), live.current()).identical
    cited = {each["doc_id"] for one in receipts for each in one["answer"]["citations"]}
    assert cited <= {each["id"] for each in own.post("/export/csl", json=body).json()}


@pytest.mark.parametrize(
    ("name", "plain", "whole"),
    [
        ("Oslo", "Oslo.md", "Oslo.md"),
        ('a"; filename="evil.exe', "a-filename-evil-exe.md", 'a"; filename="evil.exe.md'),
        ("../../etc/passwd", "etc-passwd.md", ".. .. etc passwd.md"),
        ("خلفية", "Conversation.md", "خلفية.md"),
        ("a\r\nSet-Cookie: x=1", "a-Set-Cookie-x-1.md", "a\r\nSet-Cookie: x=1.md"),
        ("\ud800", "Conversation.md", "?.md"),
    ],
)
def test_t8_a_name_is_a_name(name: str, plain: str, whole: str) -> None:
    """Whatever a conversation is called, the header names one file, in ASCII, outside no folder."""
    header = disposition(name, ".md")
    assert header.isascii()
    assert header.isprintable()
    found = re.fullmatch(r"attachment; filename=\"([^\"\\]*)\"; filename\*=UTF-8''([A-Za-z0-9._~%-]*)", header)
    assert found
    assert (found[1], unquote(found[2])) == (plain, whole)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"name": "A"}, 422, "The receipts are missing. Send the conversation as a list of them."),
        ({"receipts": []}, 422, "The conversation is empty. Ask something first."),
        ({"receipts": [3]}, 422, "The conversation is no list of receipts. Begin a new one."),
        ({"receipts": [{"format": 1}]}, 422, "Exchange 1 of the conversation has format 1; this program reads format"),
        ({"receipts": [], "name": "x" * 121}, 422, "The name has 121 characters; at most 120. Shorten it."),
        ({"receipts": [], "name": 7}, 422, "The name is no text. Send a string."),
        ([], 400, "The request is no JSON object. Send one."),
        (7, 400, "The request is no JSON object. Send one."),
    ],
)
def test_f36_what_is_no_conversation_is_told_in_one_sentence(
    own: TestClient, body: Any, status: int, said: str
) -> None:
    answer = refusal(own.post("/export/markdown", json=body))
    assert answer[0] == status
    assert answer[1].startswith(said)


JSON = {"content-type": "application/json"}


def test_f36_bodies_that_are_no_json(own: TestClient) -> None:
    for content in (b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b"9" * 10_000):
        status, said = refusal(own.post("/export/json", content=content, headers=JSON))
        assert (status, said) == (400, "The request is not JSON. Send one object.")
    assert own.post("/export/json", content=b" " * 1_000_001, headers=JSON).status_code == 413


def test_a_form_that_there_is_not(own: TestClient, live: LiveAssistant, receipts: list[dict[str, Any]]) -> None:
    assert own.post("/export/pdf", json={"receipts": receipts}).status_code == 404
    app = FastAPI()
    app.include_router(taking.router(live))
    status, said = refusal(TestClient(app).post("/export/pdf", json={"receipts": receipts}))
    assert (status, said) == (404, "There is no export 'pdf'. Choose one of markdown, docx, json, csl.")


@pytest.mark.parametrize("path", ["/export/json", "/feedback"])
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_t13_another_site_cannot_send_a_form(own: TestClient, votes: Feedback, path: str, kind: str) -> None:
    """What a browser sends elsewhere without asking first is refused, and what asks first is not allowed."""
    status, said = refusal(own.post(path, content=b"{}", headers={"content-type": kind}))
    assert (status, said.endswith("Send application/json.")) == (415, True)
    foreign = {"content-type": "application/json", "origin": "https://evil.example"}
    assert own.post(path, content=b"{}", headers=foreign).status_code == 403
    asks = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    assert "access-control-allow-origin" not in own.options(path, headers=asks).headers
    assert votes.rows() == []


# -- feedback --------------------------------------------------------------------------------------------------------


def test_a_vote_is_kept_and_changed(own: TestClient, votes: Feedback, receipts: list[dict[str, Any]]) -> None:
    vote = {"helpful": True, "note": "Yes", "receipt": receipts[0], "visitor": "abc"}
    answer = own.post("/feedback", json=vote)
    assert (answer.status_code, answer.content) == (204, b"")
    assert own.post("/feedback", json={**vote, "helpful": False, "note": ""}).status_code == 204
    (row,) = votes.rows()
    assert (row.helpful, row.note, row.question, row.checked) == (False, "", OSLO, True)
    assert own.post("/feedback", json={"helpful": True, "receipt": receipts[1]}).status_code == 204
    assert votes.counts().all == 2


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"helpful": "yes"}, 422, "The vote is missing. Send helpful: true or false."),
        ({"helpful": None}, 422, "The vote is missing. Send helpful: true or false."),
        ({"note": "x" * 2001}, 422, "The note has 2,001 characters; at most 2,000. Shorten it."),
        ({"note": ["x"]}, 422, "The note is no text. Send a string."),
        ({"visitor": "x" * 101}, 422, "The visitor has 101 characters; at most 100. Shorten it."),
        ({"receipt": [1]}, 422, "The receipt is missing. Send that of the answer."),
        ({"receipt": {}}, 422, "Exchange 1 of the conversation has format None"),
    ],
)
def test_f36_what_is_no_vote(
    own: TestClient, votes: Feedback, receipts: list[dict[str, Any]], change: Any, status: int, said: str
) -> None:
    answer = refusal(own.post("/feedback", json={"helpful": True, "receipt": receipts[0], **change}))
    assert answer[0] == status
    assert answer[1].startswith(said)
    assert votes.rows() == []


def test_t9_a_large_receipt_is_not_kept(own: TestClient, votes: Feedback, receipts: list[dict[str, Any]]) -> None:
    large = {**receipts[0], "understood": "x" * 200_000}
    status, said = refusal(own.post("/feedback", json={"helpful": True, "receipt": large}))
    assert status == 413
    assert "feedback is kept on at most 100,000" in said
    assert votes.rows() == []


def test_a_damaged_file_is_told_and_the_page_goes_on(
    own: TestClient, votes: Feedback, home: Path, receipts: list[dict[str, Any]]
) -> None:
    (home / FILE).write_bytes(b"no database " * 400)
    status, said = refusal(own.post("/feedback", json={"helpful": True, "receipt": receipts[0]}))
    assert (status, str(home) in said) == (503, False)
    assert said.startswith("Your feedback could not be kept here, through no fault of yours")
    assert own.post("/export/csl", json={"receipts": receipts}).status_code == 200
    (home / FILE).unlink()
    assert own.post("/feedback", json={"helpful": True, "receipt": receipts[0]}).status_code == 204


def test_forged_receipts_are_marked(own: TestClient, votes: Feedback, receipts: list[dict[str, Any]]) -> None:
    forged = json.loads(json.dumps(receipts[0]))
    forged["answer"]["citations"][0]["quote"] = "They met on the moon."
    assert own.post("/feedback", json={"helpful": True, "receipt": forged}).status_code == 204
    assert [each.checked for each in votes.rows()] == [False]
    assert "moon" not in own.post("/export/markdown", json={"receipts": [forged]}).text
