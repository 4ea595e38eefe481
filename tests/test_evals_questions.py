"""The gold questions: their check finds each kind of fault, and the set in the repository has none."""

import dataclasses
import json
import re
from pathlib import Path

import pytest
from conftest import ARTICLES

from assistant.retrieval import Retrieved
from assistant.types import Turn
from evals.errors import EvalsError
from evals.evidence import by_type, evidence_recall, held, places
from evals.questions import (
    TYPES,
    Evidence,
    Question,
    check_questions,
    load_questions,
    question_faults,
    shared_stems,
    split_of,
    table,
)
from index.filters import Filters
from index.readers import scan
from index.types import Document, Passage, ScoredPassage

MILL = Document(
    "mill", "The mill", "The talks began in a mill. The miller took the chair. He said so. He said so.", "mill.md"
)
WEIR = Document("weir", "The weir", "The weir was built in 1992 by both villages.", "weir.md")
DOCUMENTS = {"mill": MILL, "weir": WEIR}
CHAIR = Evidence("mill", "The miller took the chair.", ())
QUESTION = Question("q1", "Who led the meetings?", "paraphrase", True, (CHAIR,), "The miller.", (), "", split_of("q1"))


def faults(**changed: object) -> list[str]:
    return list(question_faults(dataclasses.replace(QUESTION, **changed), DOCUMENTS))


def test_a_sound_question() -> None:
    assert faults() == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"evidence": (Evidence("mill", "He said so.", ()),)}, "stands 2 times in mill"),
        ({"evidence": (Evidence("mill", "He never said so.", ()),)}, "stands 0 times in mill"),
        ({"evidence": (Evidence("dam", "x", ()),)}, "there is no article dam"),
        ({"evidence": (Evidence("mill", CHAIR.quote, (("weir", "no"),)),)}, "stands 0 times in weir"),
        ({"question": "Who took the chair?"}, "shares chair, took with its evidence"),
        ({"split": "train"}, "by the hash of its id it must be"),
        ({"answerable": False}, "answerable, type and evidence disagree"),
        ({"type": "unanswerable"}, "answerable, type and evidence disagree"),
        ({"type": "riddle"}, "unknown type 'riddle'"),
        ({"type": "two_articles"}, "needs evidence from two articles"),
        ({"type": "follow_up"}, "a follow-up has a history"),
        ({"history": (Turn("user", "x"),)}, "a follow-up has a history"),
        ({"short_answer": ""}, "has no short answer"),
    ],
)
def test_each_fault_is_named(changed: dict[str, object], said: str) -> None:
    assert any(said in fault for fault in faults(**changed)), faults(**changed)


def test_names_and_numbers_may_be_shared_by_a_paraphrase() -> None:
    evidence = Evidence("x", "Ahmed Qurei met Hirschfeld in London in 1992.", ())
    question = dataclasses.replace(
        QUESTION, question="Where did Qurei first see the lecturer in 1992?", evidence=(evidence,)
    )
    assert shared_stems(question) == set()
    assert shared_stems(dataclasses.replace(question, question="Whom was met?")) == {"met"}


def test_the_whole_set_is_counted() -> None:
    found = check_questions([QUESTION, dataclasses.replace(QUESTION, id="q2", split=split_of("q2"))], DOCUMENTS)
    assert "there are 2 questions, fewer than 300" in found
    assert "there are 0 questions of type unanswerable, fewer than 90" in found
    assert "no question is on weir" in found
    assert any("near-copies" in fault for fault in found)


def test_splits_are_halves_by_hash() -> None:
    splits = [split_of(f"g{i:03}") for i in range(1000)]
    assert split_of("g001") == split_of("g001")
    assert 440 < splits.count("dev") < 560


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text('\n{"id": "x"}\n')
    with pytest.raises(EvalsError, match=r"questions\.jsonl:2: the line is no gold question"):
        load_questions(path)


def passage(document: Document, start: int, end: int) -> Passage:
    return Passage("p", document.doc_id, start, end, "", 1, document.text[start:end])


def covered(evidence: Evidence, passages: list[Passage], documents: dict[str, Document]) -> bool:
    """Whether the passages hold a question's one piece of evidence."""
    (choices,) = places(dataclasses.replace(QUESTION, evidence=(evidence,)), documents.__getitem__)
    return held(choices, passages)


def test_a_passage_counts_when_it_covers_the_quote() -> None:
    start = MILL.text.index(CHAIR.quote)
    end = start + len(CHAIR.quote)
    assert covered(CHAIR, [passage(MILL, start, end)], DOCUMENTS)
    assert not covered(CHAIR, [passage(MILL, start + 1, end)], DOCUMENTS)
    assert not covered(CHAIR, [passage(MILL, 0, end - 1)], DOCUMENTS)
    other = Evidence("mill", CHAIR.quote, (("weir", WEIR.text),))
    assert covered(other, [passage(WEIR, 0, len(WEIR.text))], DOCUMENTS)


class FakeRetriever:
    """A fake: seven passages of the weir, then the mill's."""

    def retrieve(self, question: str, k: int, filters: Filters) -> Retrieved:
        passages = [passage(WEIR, 0, 5)] * 6 + [passage(MILL, 0, len(MILL.text))]
        return Retrieved(tuple(ScoredPassage(each, 1.0, 1.0, 1.0) for each in passages), None)


def test_recall_by_type_by_hand() -> None:
    both = dataclasses.replace(QUESTION, type="two_articles", evidence=(CHAIR, Evidence("weir", "The w", ())))
    found = evidence_recall([QUESTION, both], DOCUMENTS, FakeRetriever())
    assert [each.recall for each in found] == [{5: 0.0, 10: 1.0}, {5: 0.5, 10: 1.0}]
    assert by_type(found) == [
        ("paraphrase", 1, {5: 0.0, 10: 1.0}),
        ("two_articles", 1, {5: 0.5, 10: 1.0}),
        ("all", 2, {5: 0.25, 10: 1.0}),
    ]


@pytest.fixture(scope="module")
def gold() -> list[Question]:
    return load_questions()


def test_the_gold_set_passes_its_check(gold: list[Question]) -> None:
    documents = {reading.document.doc_id: reading.document for reading in scan([ARTICLES]).readings}
    assert check_questions(gold, documents) == []


def test_its_table_adds_up(gold: list[Question]) -> None:
    rows = table(gold)
    assert [name for name, *_ in rows] == [*TYPES, "all"]
    assert rows[-1][3] == len(gold) >= 300
    assert all(dev + test == whole for _, dev, test, whole in rows)


@pytest.mark.slow
def test_no_question_is_copied_from_an_article(gold: list[Question]) -> None:
    suggested = {
        " ".join(str(question).casefold().split())
        for reading in scan([ARTICLES]).readings
        for question in reading.document.metadata["questions"]
    }
    assert not suggested & {" ".join(each.question.casefold().split()) for each in gold}


def test_the_sixty_first_questions_are_among_them(shared: Path, gold: list[Question]) -> None:
    asked = [
        line.removeprefix("Question: ").strip()
        for line in (shared / "questions.md").read_text().splitlines()
        if line.startswith("Question: ")
    ]
    assert len(asked) == 60
    plain = {re.sub(r" \(follow-up: .*\)$", "", question) for question in asked}  # the note is the history of ours
    assert plain <= {each.question for each in gold}


def test_the_file_is_one_json_object_a_line() -> None:
    from evals.questions import GOLD

    for line in GOLD.read_text(encoding="utf-8").splitlines():
        assert isinstance(json.loads(line), dict)
