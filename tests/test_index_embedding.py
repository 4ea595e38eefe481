"""Texts to vectors: the packaged model's export against the model itself, a second model, and models that are amiss."""

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import DATA, ROOT, index

from index.dense import DenseIndex
from index.embedding import PACKAGED, Embedder, OnnxEmbedder, embedder_digest, open_embedder
from index.embedding.models import PACKAGED_SHA256, folder_digest, model_folder, sha256
from index.embedding.torch_backend import SentenceTransformerEmbedder
from index.errors import EmbedderError
from index.filters import Filters
from index.searching import LocalIndex
from index.settings import IndexSettings

PARAGRAPH = "The two sides met in a boathouse on the northern shore for the whole of that winter, and nobody knew. "
TEXTS = [(PARAGRAPH * 12)[: 3 + 55 * i] for i in range(20)]  # one word to some 220 tokens


@pytest.fixture(scope="module")
def embedder(models: Path) -> Embedder:
    return open_embedder(PACKAGED, models)


def flip(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        (byte,) = file.read(1)
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


def test_the_packaged_model(embedder: Embedder) -> None:
    assert isinstance(embedder, OnnxEmbedder)
    assert (embedder.name, embedder.backend, embedder.dimension, embedder.max_tokens) == (PACKAGED, "onnx", 384, 256)
    assert embedder.digest == embedder_digest(PACKAGED)
    folder = model_folder(PACKAGED)
    assert folder is not None
    assert sha256(folder / "model.safetensors") == PACKAGED_SHA256


def test_rows_are_unit_vectors_in_the_order_given(embedder: Embedder) -> None:
    rows = embedder.embed_passages(TEXTS)
    assert (rows.shape, rows.dtype) == ((20, 384), np.float32)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(20), abs=1e-5)
    assert np.linalg.norm(embedder.embed_query("Who?")) == pytest.approx(1, abs=1e-5)
    assert embedder.embed_passages([]).shape == (0, 384)


@pytest.mark.slow
def test_padding_does_not_change_vectors(embedder: Embedder) -> None:
    together = embedder.embed_passages(TEXTS)
    alone = np.stack([embedder.embed_passages([text])[0] for text in TEXTS])
    asked = np.stack([embedder.embed_query(text) for text in TEXTS])
    assert np.abs(together - alone).max() < 1e-5
    assert np.abs(together - asked).max() < 1e-5


def test_near_in_meaning_is_near_in_space(embedder: Embedder) -> None:
    vectors = embedder.embed_passages(["Secret peace negotiations", "Hidden talks to end a war", "A recipe for bread"])
    assert vectors[0] @ vectors[1] > 0.5 > 0.2 > vectors[0] @ vectors[2]


def test_tokens_count_special_ones_and_are_not_cut_off(embedder: Embedder) -> None:
    assert embedder.count_tokens(["", "hello world", "hello " * 1000]) == [2, 4, 1002]


def test_an_indexed_vector_finds_itself_before_and_after_save_and_load(embedder: Embedder, tmp_path: Path) -> None:
    vectors = embedder.embed_passages(TEXTS)
    built = DenseIndex.build(vectors)
    (tmp_path / "passages.faiss").write_bytes(built.to_bytes())
    for found in (built, DenseIndex.load(tmp_path / "passages.faiss")):
        for key, vector in enumerate(vectors):
            (best, score), *rest = found.search(vector, 5)
            assert (best, score) == (key, pytest.approx(1.0, abs=1e-5))
            assert all(score < 1 - 1e-5 for _, score in rest)


def test_an_export_needs_no_torch(models: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom index.embedding import PACKAGED, embedder_digest, open_embedder\n"
        f"open_embedder(PACKAGED, Path({str(models)!r})).embed_query('Who?')\n"
        "assert not {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT, timeout=60)


# --- damage


def test_one_flipped_bit_of_the_weights_is_another_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = model_folder(PACKAGED)
    assert folder is not None
    copy = tmp_path / "model"
    shutil.copytree(folder, copy)
    assert folder_digest(copy) == embedder_digest(PACKAGED)
    flip(copy / "model.safetensors", 50_000_000)
    assert folder_digest(copy) != embedder_digest(PACKAGED)
    monkeypatch.setattr("index.embedding.torch_backend.model_folder", lambda name: copy)
    with pytest.raises(EmbedderError) as found:
        SentenceTransformerEmbedder(PACKAGED)
    assert str(found.value).startswith(f"The weights of {PACKAGED} are not the published ones (SHA-256 ")
    assert f"expected {PACKAGED_SHA256[:12]}). Reinstall with: make clean run" in str(found.value)


@pytest.mark.parametrize("file", ["model.onnx", "words.npy", "tokenizer.json", "export.json"])
def test_a_damaged_export_is_not_opened(models: Path, tmp_path: Path, file: str) -> None:
    digest = embedder_digest(PACKAGED)
    copy = tmp_path / digest
    shutil.copytree(models / digest, copy)
    assert OnnxEmbedder.open(copy, PACKAGED) is not None
    flip(copy / file, (copy / file).stat().st_size // 2)
    assert OnnxEmbedder.open(copy, PACKAGED) is None
    (copy / file).unlink()
    assert OnnxEmbedder.open(copy, PACKAGED) is None


def test_every_field_of_an_export_is_checked(models: Path, tmp_path: Path) -> None:
    """A changed prompt or limit would change vectors as silently as a changed weight."""
    digest = embedder_digest(PACKAGED)
    copy = tmp_path / digest
    shutil.copytree(models / digest, copy)
    about = json.loads((copy / "export.json").read_text())
    for changed in ({"max_tokens": 512}, {"query_prompt": "query: "}, {"pad_id": 1}, {"layout": 1}, {"sha256": {}}):
        (copy / "export.json").write_text(json.dumps({**about, **changed}))
        assert OnnxEmbedder.open(copy, PACKAGED) is None
    for text in ("", "[]", "null", "{}"):
        (copy / "export.json").write_text(text)
        assert OnnxEmbedder.open(copy, PACKAGED) is None


def test_f46_an_index_of_another_embedder(home: Path) -> None:
    index(home, DATA / "library")
    with pytest.raises(EmbedderError) as found:
        LocalIndex.open(IndexSettings.load(home=home, embedder="all-mpnet-base-v2"))
    assert str(found.value) == (
        f"The index at {home} was built with the embedder {PACKAGED}, but the setting is all-mpnet-base-v2. "
        f"Rebuild it with: python app.py index apply, or set BACKCHANNEL_EMBEDDER={PACKAGED}"
    )


@pytest.mark.slow
def test_f46_a_model_that_changed_under_its_name(models: Path) -> None:
    with pytest.raises(EmbedderError) as found:
        open_embedder(PACKAGED, models, digest="0" * 64)
    assert str(found.value).startswith(f"The model {PACKAGED} has changed since the index was built (digest ")
    assert str(found.value).endswith("the index has 000000000000). Rebuild the index with: python app.py index apply")


@pytest.fixture
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **named: object) -> None:
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.slow
@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize("name", ["no-such-model-of-ours", "no-such/model", "not a model!"])
def test_f46_a_name_that_names_no_model(home: Path, name: str) -> None:
    with pytest.raises(EmbedderError) as found:
        index(home, DATA / "library", embedder=name)
    said = str(found.value)
    assert said.startswith(f"The embedder {name} cannot be loaded: ")
    assert said.endswith(f"or the packaged one: BACKCHANNEL_EMBEDDER={PACKAGED}")
    assert "\n" not in said
    assert not (home / "generations").exists()


@pytest.mark.slow
def test_f46_a_folder_that_holds_no_model(home: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmbedderError, match="cannot be loaded") as found:
        index(home, DATA / "library", embedder=str(tmp_path / "empty"))
    assert "\n" not in str(found.value)


@pytest.mark.slow
def test_t19_weights_in_a_pickle_are_not_loaded(home: Path, tiny: Path, tmp_path: Path) -> None:
    import torch

    copy = tmp_path / "pickled"
    shutil.copytree(tiny, copy)
    (copy / "model.safetensors").unlink()
    torch.save({}, copy / "pytorch_model.bin")
    with pytest.raises(EmbedderError, match="cannot be loaded"):
        index(home, DATA / "library", embedder=str(copy))


@pytest.mark.slow
def test_truncated_weights_are_one_sentence(home: Path, tiny: Path, tmp_path: Path) -> None:
    """The error of safetensors has no base but Exception; the reranker's own test is in test_assistant_reranking."""
    copy = Path(shutil.copytree(tiny, tmp_path / "truncated"))
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(EmbedderError, match="cannot be loaded"):
        index(home, DATA / "library", embedder=str(copy))


# --- against sentence-transformers


@pytest.mark.slow
def test_the_export_agrees_with_sentence_transformers(embedder: Embedder) -> None:
    from sentence_transformers import SentenceTransformer

    folder = model_folder(PACKAGED)
    model = SentenceTransformer(str(folder), device="cpu")
    theirs = model.encode(TEXTS, normalize_embeddings=True)
    assert np.sum(embedder.embed_passages(TEXTS) * theirs, axis=1).min() >= 0.9999
    ours = SentenceTransformerEmbedder(PACKAGED)
    assert np.sum(ours.embed_passages(TEXTS) * theirs, axis=1).min() >= 0.9999
    assert ours.count_tokens(["", "hello world", "hello " * 1000]) == [2, 4, 1002]
    assert (ours.digest, ours.dimension, ours.max_tokens) == (embedder.digest, 384, 256)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers model of our own: two layers of 32, random weights, a vocabulary of letters."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
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
        max_position_embeddings=128,
    )
    BertModel(config).save_pretrained(folder / "bert")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder / "bert")
    words = Transformer(str(folder / "bert"), max_seq_length=96)
    SentenceTransformer(modules=[words, Pooling(32)], device="cpu").save(str(folder / "model"))
    return folder / "model"


@pytest.mark.slow
def test_a_second_model_indexes_and_answers(tiny: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = index(home, DATA / "library", embedder=str(tiny))
    about = made.generation.manifest
    assert about["embedder"] == {
        "name": str(tiny),
        "digest": folder_digest(tiny),
        "backend": "onnx",
        "dimension": 32,
        "max_tokens": 96,
    }
    assert about["settings"]["passage_tokens"] == 96, "never longer than it reads"
    found = LocalIndex.open(IndexSettings.load(home=home, embedder=str(tiny)))
    assert isinstance(found.embedder, OnnxEmbedder)
    for passage in found.passages(range(found.status().passages)):
        text = f"{passage.title}\n{passage.heading}\n{passage.text}" if passage.heading else ""
        text = text or f"{passage.title}\n{passage.text}"
        if passage.title == "The lighthouse channel" or passage.heading == "Who sat at the table":
            (best, score), *_ = found.by_vector(found.embedder.embed_query(text), 3, Filters())
            assert (best, score) == (passage.key, pytest.approx(1.0, abs=1e-5))
    assert index(home, embedder=str(tiny)).published is False


@pytest.mark.slow
def test_a_damaged_export_is_made_again(tiny: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    index(home, DATA / "library", embedder=str(tiny))
    model = home / "models" / folder_digest(tiny) / "model.onnx"
    whole = model.read_bytes()
    flip(model, len(whole) // 2)
    settings = IndexSettings.load(home=home, embedder=str(tiny))
    found = LocalIndex.open(settings)
    assert isinstance(found.embedder, OnnxEmbedder)
    assert sha256(model) == json.loads((model.parent / "export.json").read_text())["sha256"]["model.onnx"]
    assert [path.name for path in (home / "models").iterdir()] == [folder_digest(tiny)], "nothing half-made is left"


@pytest.mark.slow
def test_a_model_that_cannot_be_exported_answers_through_torch(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("this exporter knows no such model")

    monkeypatch.setattr("index.embedding.torch_backend.export_onnx", fail)
    home = tmp_path / "home"
    made = index(home, DATA / "library", embedder=str(tiny))
    assert made.generation.manifest["embedder"]["backend"] == "torch"
    found = LocalIndex.open(IndexSettings.load(home=home, embedder=str(tiny)))
    assert isinstance(found.embedder, SentenceTransformerEmbedder)
    (passage,) = found.passages([0])
    vector = found.embedder.embed_query(f"{passage.title}\n{passage.text}")
    assert found.by_vector(vector, 1, Filters()) == [(0, pytest.approx(1.0, abs=1e-5))]
    assert list((home / "models").iterdir()) == []


@pytest.mark.slow
def test_another_embedder_makes_another_index(home: Path, tiny: Path) -> None:
    first = index(home, DATA / "library")
    second = index(home, embedder=str(tiny))
    assert second.published
    assert second.embedded > 0
    assert second.generation.name != first.generation.name
    with pytest.raises(EmbedderError, match=str(tiny)):
        LocalIndex.open(IndexSettings.load(home=home))
