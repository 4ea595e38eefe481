"""What reading does to the evidence: with made-up logits, and over twelve articles with the shipped reader."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from test_assistant_writing import evidence

from assistant.answering import Assistant
from assistant.reading import LOWEST, READ, UNREAD, WEIGHT, in_context, open_reader, read_evidence
from index.errors import EmbedderError
from index.filters import Filters


@dataclass
class FakeReader:
    """Gives the logits that it is told, and keeps what it was asked."""

    logits: Sequence[float]

    def read(self, first: str, seconds: Sequence[str]) -> list[float]:
        self.asked = (first, list(seconds))
        return list(self.logits)


def test_reading_moves_a_sentence_up_or_down() -> None:
    given = [evidence(k, 0.6 - k / 100, f"Sentence {k} of the mill talks.") for k in range(3)]
    reader = FakeReader([-1.0, 4.0, -20.0])
    found = read_evidence(reader, "What was said?", given)
    assert [each.sentence.key for each in found] == [1, 0, 2]
    assert [each.score for each in found] == pytest.approx([0.59 + 4 * WEIGHT, 0.6 - WEIGHT, 0.58 + LOWEST * WEIGHT])
    assert [each.answers for each in found] == [4.0, -1.0, -20.0]
    assert reader.asked == ("What was said?", [f"The mill: Sentence {k} of the mill talks." for k in range(3)])


def test_only_the_best_are_read() -> None:
    given = [evidence(k, 0.9 - k / 100, f"Sentence {k}.") for k in range(READ + 2)]
    found = read_evidence(FakeReader([0.0] * READ), "?", given)
    assert [each.answers is None for each in found] == [False] * READ + [True, True]
    assert found[-1].score == pytest.approx(0.9 - (READ + 1) / 100 + UNREAD)
    low = [evidence(k, 0.1, f"Sentence {k}.") for k in range(READ + 1)]
    assert read_evidence(FakeReader([0.0] * READ), "?", low)[-1].score == 0.0
    assert read_evidence(FakeReader([]), "?", []) == []


def test_a_sentence_that_points_back_is_read_with_the_one_before() -> None:
    assert in_context("The mill", "Two envoys met.", "They agreed.") == "The mill: Two envoys met. "
    assert in_context("The mill", "Two envoys met.", "Envoys agreed.") == "The mill: "
    assert in_context("The mill", "", "They agreed.") == "The mill: "
    assert in_context("t" * 999, "b" * 999, "They agreed.") == f"{'t' * 120}: {'b' * 240} ", (
        "the sentence is not crowded out"
    )
    given = [evidence(1, 0.8, "They agreed on all of it."), evidence(0, 0.7, "Two envoys met at the mill.")]
    reader = FakeReader([0.0, 0.0])
    read_evidence(reader, "?", given)
    assert reader.asked[1][0] == "The mill: Two envoys met at the mill. They agreed on all of it."


@pytest.mark.parametrize(
    ("covered", "near_miss"),
    [
        ("Who mediated the talks in Aceh in 2005?", "Who paid for Ahtisaari's hotel in Helsinki in 2005?"),
        ("What does the Chatham House Rule allow?", "How many lawyers drafted the Chatham House Rule?"),
        ("How did Kissinger get to Beijing in secret?", "Which film did Kissinger see on his flight to Beijing?"),
    ],
)
def test_a_near_miss_is_less_sure_than_what_is_covered(assistant: Assistant, covered: str, near_miss: str) -> None:
    sure, unsure = assistant.ask(covered), assistant.ask(near_miss)
    assert sure.outcome == "answered"
    assert unsure.confidence < sure.confidence - 0.1
    assert unsure.outcome == "not_covered"


def test_without_a_reader_the_evidence_is_not_read(assistant: Assistant) -> None:
    plain = Assistant(assistant.index, assistant.settings, assistant.retriever)
    question = "How did the Oslo talks start?"
    found = plain.evidence(question, question, plain.retriever.retrieve(question, 10, Filters()))
    assert {each.answers for each in found} == {None}
    assert plain.ask(question).outcome == "answered"


@pytest.mark.slow
def test_a_home_that_cannot_hold_the_reader_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(EmbedderError, match=r"could not be exported to .*models: .*BACKCHANNEL_READER=false"):
        open_reader(tmp_path / "models")
