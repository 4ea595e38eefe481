"""Feedback: kept once for each visitor and answer, checked, bounded, private; candidates for gold; disks that fail."""

import json
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT, Run

from assistant.answering import Assistant
from assistant.candidates import candidate
from assistant.errors import FeedbackError
from assistant.feedback import FILE, LARGEST_RECEIPT, Counts, Feedback
from assistant.receipts import Receipt, receipt_of
from assistant.types import Turn
from evals.errors import EvalsError
from evals.questions import FIELDS, load_questions, question_faults, split_of

OSLO = "How did the Oslo talks start?"


@pytest.fixture(scope="module")
def receipt(assistant: Assistant) -> Receipt:
    return receipt_of(assistant, assistant.ask(OSLO))


@pytest.fixture
def feedback(tmp_path: Path) -> Feedback:
    return Feedback.open(tmp_path)


def forged(receipt: Receipt, quote: str = "They met on the moon.") -> Receipt:
    """With words for its first citation that the article does not have."""
    first, *others = receipt.answer["citations"]
    return replace(receipt, answer={**receipt.answer, "citations": [{**first, "quote": quote}, *others]})


def about(receipt: Receipt, number: int) -> Receipt:
    """Another question's receipt."""
    return replace(receipt, question=f"Question {number}?")


def kept(feedback: Feedback) -> list[str]:
    return [each.question for each in feedback.rows()]


# -- keeping ---------------------------------------------------------------------------------------------------------


def test_a_vote_is_kept_whole(feedback: Feedback, assistant: Assistant, receipt: Receipt) -> None:
    assert feedback.rows() == []
    assert feedback.counts() == Counts(0, 0, 0, 0)
    assert not feedback.path.exists(), "reading makes no file"
    feedback.keep(True, "  Just what\n I asked \x1b[31m", receipt, "visitor", assistant.index)
    (row,) = feedback.rows()
    assert (row.helpful, row.checked, row.note, row.question) == (True, True, "Just what\n I asked [31m", OSLO)
    assert row.receipt == receipt
    assert row.generation == assistant.index.status().generation
    assert row.at.endswith("+00:00")
    assert stat.S_IMODE(feedback.path.stat().st_mode) == 0o600


def test_a_second_vote_of_a_visitor_replaces_the_first(
    feedback: Feedback, assistant: Assistant, receipt: Receipt
) -> None:
    for helpful, visitor in ((True, "a"), (True, "b"), (False, "a"), (True, ""), (True, "")):
        feedback.keep(helpful, "", receipt, visitor, assistant.index)
    assert feedback.counts() == Counts(helpful=3, unhelpful=1, noted=0, unchecked=0)
    assert feedback.counts().all == len(feedback.rows()) == 4
    feedback.keep(False, "", about(receipt, 1), "a", assistant.index)
    assert feedback.counts().all == 5


def test_newest_first_and_so_many(feedback: Feedback, assistant: Assistant, receipt: Receipt) -> None:
    for number in range(5):
        feedback.keep(True, "", about(receipt, number), "a", assistant.index)
    assert [each.question for each in feedback.rows(2)] == ["Question 4?", "Question 3?"]
    assert len(feedback.rows(0)) == 0


def test_the_newest_of_one_kind(feedback: Feedback, assistant: Assistant, receipt: Receipt) -> None:
    for number in range(6):
        feedback.keep(number % 2 == 0, "", about(receipt, number), "a", assistant.index)
    helpful, unhelpful, either = (feedback.rows(2, kind) for kind in (True, False, None))
    assert [each.question for each in helpful] == ["Question 4?", "Question 2?"]
    assert [each.question for each in unhelpful] == ["Question 5?", "Question 3?"]
    assert [each.question for each in either] == ["Question 5?", "Question 4?"]
    assert len(feedback.rows(helpful=False)) == 3


def test_forged_citations_are_told_apart(feedback: Feedback, assistant: Assistant, receipt: Receipt) -> None:
    feedback.keep(True, "", forged(receipt), "a", assistant.index)
    elsewhere = replace(receipt, generation={**receipt.generation, "name": "no-such-generation"})
    feedback.keep(True, "", elsewhere, "a", assistant.index)
    assert [each.checked for each in feedback.rows()] == [True, False], "what stands in the article now is borne out"
    assert feedback.counts().unchecked == 1


def test_no_address_and_no_visitor_is_stored(feedback: Feedback, assistant: Assistant, receipt: Receipt) -> None:
    feedback.keep(True, "", receipt, "canary-visitor-7431", assistant.index)
    assert b"canary-visitor" not in feedback.path.read_bytes()
    with sqlite3.connect(feedback.path) as db:
        columns = [each[1] for each in db.execute("PRAGMA table_info(feedback)")]
    assert columns == ["id", "key", "at", "helpful", "checked", "generation", "question", "note", "receipt"]


def test_f30_texts_that_no_file_holds(feedback: Feedback, assistant: Assistant, receipt: Receipt) -> None:
    bad = "a\x00\x1b\ud800\ufffez"
    hostile = replace(receipt, question=bad, generation={**receipt.generation, "name": bad})
    feedback.keep(False, bad, hostile, bad, assistant.index)
    (row,) = feedback.rows()
    assert (row.question, row.note, row.generation) == ("az", "az", "az")


def test_many_at_once(feedback: Feedback, assistant: Assistant, receipt: Receipt) -> None:
    def vote(number: int) -> None:
        feedback.keep(bool(number % 2), "", about(receipt, number), "a", assistant.index)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(vote, range(40)))
    assert feedback.counts() == Counts(20, 20, 0, 0)


# -- bounds ----------------------------------------------------------------------------------------------------------


def test_t9_notes_and_receipts_are_bounded(feedback: Feedback, assistant: Assistant, receipt: Receipt) -> None:
    with pytest.raises(FeedbackError, match="The note has 2,001 characters; at most 2,000"):
        feedback.keep(True, "x" * 2001, receipt, "a", assistant.index)
    large = replace(receipt, understood="x" * LARGEST_RECEIPT)
    with pytest.raises(FeedbackError, match="bytes; feedback is kept on at most 100,000"):
        feedback.keep(True, "", large, "a", assistant.index)
    assert not feedback.path.exists()


def test_t9_what_tells_least_makes_room(feedback: Feedback, assistant: Assistant, receipt: Receipt) -> None:
    """Forged ones first, then those without a note, then the oldest; a forged one more changes nothing."""
    small = replace(feedback, most=3)
    small.keep(True, "", about(receipt, 1), "a", assistant.index)
    small.keep(True, "noted", about(receipt, 2), "a", assistant.index)
    small.keep(True, "noted", forged(about(receipt, 3)), "a", assistant.index)
    small.keep(False, "", about(receipt, 4), "a", assistant.index)
    assert kept(small) == ["Question 4?", "Question 2?", "Question 1?"]
    small.keep(False, "", about(receipt, 5), "a", assistant.index)
    assert kept(small) == ["Question 5?", "Question 4?", "Question 2?"]
    small.keep(True, "noted", forged(about(receipt, 6)), "a", assistant.index)
    assert kept(small) == ["Question 5?", "Question 4?", "Question 2?"]


def test_t9_the_file_stays_small(feedback: Feedback, assistant: Assistant, receipt: Receipt) -> None:
    small = replace(feedback, largest=400_000)
    sizes = []
    for number in range(30):
        padded = replace(about(receipt, number), understood="x" * 50_000)
        small.keep(True, "", padded, "a", assistant.index)
        sizes.append(small.path.stat().st_size)
    assert max(sizes) < 600_000
    assert kept(small)[0] == "Question 29?"
    assert 3 < len(kept(small)) < 8


# -- disks -----------------------------------------------------------------------------------------------------------

SORRY = "Your feedback could not be kept here, through no fault of yours"


@pytest.mark.parametrize("damage", ["no database", "cut", "another format", "a folder", "no home"])
def test_files_that_cannot_be_used(
    feedback: Feedback, assistant: Assistant, receipt: Receipt, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One sentence for the visitor, without a path; the path is in the log."""
    if damage == "a folder":
        feedback.path.mkdir()
    elif damage == "no home":
        feedback = Feedback.open(feedback.path.parent / "none")
    elif damage == "no database":
        feedback.path.write_bytes(b"no database " * 400)
    else:
        feedback.keep(True, "", receipt, "a", assistant.index)
        if damage == "cut":
            feedback.path.write_bytes(feedback.path.read_bytes()[:5000])
        else:
            with sqlite3.connect(feedback.path) as db:
                db.execute("PRAGMA user_version = 99")
    with pytest.raises(FeedbackError) as refused:
        feedback.keep(True, "", about(receipt, 2), "a", assistant.index)
    assert str(refused.value).startswith(SORRY)
    assert str(feedback.path) not in str(refused.value)
    assert str(feedback.path) in caplog.text
    if damage in ("no database", "cut", "a folder"):
        with pytest.raises(FeedbackError, match="cannot be read .*Move the file away"):
            feedback.rows()


FULL = """
import resource, signal, sys
from pathlib import Path
from assistant.answering import Assistant
from assistant.errors import FeedbackError
from assistant.feedback import Feedback
from assistant.receipts import read_receipt
from index.searching import LocalIndex
from index.settings import IndexSettings
home, receipt, index = Path(sys.argv[1]), read_receipt(Path(sys.argv[2])), None
index = LocalIndex.open(IndexSettings.load(home=Path(sys.argv[3])))
feedback = Feedback.open(home)
feedback.keep(True, "", receipt, "a", index)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
size = feedback.path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 4096, resource.RLIM_INFINITY))
told = 0
for number in range(20):
    try:
        feedback.keep(True, "x" * 2000, receipt, str(number), index)
    except FeedbackError:
        told += 1
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
before = len(feedback.rows())
feedback.keep(True, "", receipt, "b", index)
print(told, before, len(feedback.rows()))
"""


@pytest.mark.slow
def test_a_full_disk_is_told_and_harms_nothing(tmp_path: Path, library: Path, receipt: Receipt) -> None:
    """A process whose files may grow by one page only, then as they like again."""
    from assistant.receipts import write_receipt

    write_receipt(tmp_path / "receipt.json", receipt)
    arguments = [str(tmp_path), str(tmp_path / "receipt.json"), str(library)]
    done = subprocess.run(
        [sys.executable, "-c", FULL, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    told, before, after = map(int, done.stdout.split())
    assert told >= 18
    assert before == 1 + 20 - told
    assert after == before + 1


# -- candidates for gold -----------------------------------------------------------------------------------------------


def test_a_helpful_answer_is_a_candidate_with_its_evidence(
    feedback: Feedback, assistant: Assistant, receipt: Receipt
) -> None:
    feedback.keep(True, "Good", receipt, "a", assistant.index)
    (row,) = feedback.rows()
    found = candidate(row)
    assert found.keys() == FIELDS | {"outcome", "helpful", "note", "generation", "checked", "reviewed"}
    assert (found["answerable"], found["outcome"], found["reviewed"], found["note"]) == (
        True,
        "answered",
        False,
        "Good",
    )
    assert [(each["doc_id"], each["quote"]) for each in found["evidence"]] == [
        (each["doc_id"], each["quote"]) for each in receipt.answer["citations"]
    ]
    assert found["split"] == split_of(found["id"])
    assert candidate(row) == found


def test_a_reviewed_candidate_is_a_gold_question(
    feedback: Feedback, assistant: Assistant, receipt: Receipt, tmp_path: Path
) -> None:
    """`eval` refuses it as it is, and takes it once a reviewer has said what is left to say."""
    feedback.keep(True, "", receipt, "a", assistant.index)
    found = candidate(feedback.rows()[0])
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps(found), encoding="utf-8")
    with pytest.raises(EvalsError, match="unknown: checked, generation, helpful, note, outcome, reviewed"):
        load_questions(path)
    reviewed = {name: found[name] for name in FIELDS} | {"type": "factual", "short_answer": "in London"}
    path.write_text(json.dumps(reviewed), encoding="utf-8")
    (question,) = load_questions(path)
    documents = {each.doc_id: assistant.index.document(each.doc_id) for each in question.evidence}
    assert list(question_faults(question, documents)) == []


def test_what_was_not_helpful_or_is_forged_is_a_task_without_evidence(
    feedback: Feedback, assistant: Assistant, receipt: Receipt
) -> None:
    feedback.keep(False, "Too short", receipt, "a", assistant.index)
    feedback.keep(True, "", forged(receipt), "a", assistant.index)
    for each in map(candidate, feedback.rows()):
        assert (each["evidence"], each["answerable"], each["type"], each["short_answer"]) == ([], None, "", "")


def test_follow_ups_and_what_is_not_covered(feedback: Feedback, assistant: Assistant) -> None:
    history = [Turn("user", OSLO), Turn("assistant", "…")]
    for question in ("and who hosted them?", "What is the capital of Peru?"):
        answer = assistant.ask(question, history)
        feedback.keep(True, "", receipt_of(assistant, answer, history), "a", assistant.index)
    peru, follow_up = map(candidate, feedback.rows())
    assert (peru["type"], peru["answerable"], peru["evidence"], peru["history"]) == ("unanswerable", False, [], [])
    assert [each["content"] for each in follow_up["history"]] == [OSLO, "…"]


# -- the command line ------------------------------------------------------------------------------------------------


def test_list_and_export(run: Run, feedback: Feedback, assistant: Assistant, receipt: Receipt, tmp_path: Path) -> None:
    home = ("--home", tmp_path)
    assert run("feedback", "list", *home) == (0, "0 votes\n", "")
    feedback.keep(False, "Not\nthat", receipt, "a", assistant.index)
    feedback.keep(True, "", forged(receipt), "a", assistant.index)
    status, text, _ = run("feedback", "list", *home)
    first, second, note, last = text.splitlines()
    assert status == 0
    assert first.split()[2:] == ["helpful", "?", *OSLO.split()]
    assert second.split()[2:] == ["not", "helpful", *OSLO.split()]
    assert (note.strip(), last) == ("Not that", "2 votes")
    listed = json.loads(run("feedback", "list", "--json", *home)[1])
    assert [each["helpful"] for each in listed] == [True, False]
    assert listed[1]["receipt"]["question"] == OSLO
    _, lines, _ = run("feedback", "export", *home)
    assert [json.loads(line)["note"] for line in lines.splitlines()] == ["Not\nthat", ""]
    out = tmp_path / "candidates.jsonl"
    assert run("feedback", "export", "--out", out, *home) == (0, f"Wrote {out}: 2 candidates to review\n", "")
    assert out.read_text(encoding="utf-8") == lines
    gold = (ROOT / "evals" / "gold" / "questions.jsonl").read_text(encoding="utf-8")
    assert json.loads(lines.splitlines()[0])["id"] not in gold


def test_a_damaged_file_is_one_sentence(refused: Callable[..., str], feedback: Feedback, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database " * 400)
    assert "Move the file away, and new feedback begins another" in refused("feedback", "list", "--home", tmp_path)
    assert "cannot be read" in refused("feedback", "export", "--home", tmp_path)
