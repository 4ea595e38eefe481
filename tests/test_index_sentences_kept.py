"""With and without a vector for each sentence: what is published, what is taken over, and that answers are alike."""

from pathlib import Path

import numpy as np
import pytest
from conftest import ARTICLES, DATA, index, with_models

from assistant.answering import Assistant
from index.building import plan_for
from index.searching import LocalIndex
from index.settings import IndexSettings

LIBRARY = DATA / "library"
ASKED = "What did the two sides agree on?"


def opened(home: Path) -> LocalIndex:
    return LocalIndex.open(IndexSettings.load(home=home))


def files(home: Path) -> set[str]:
    return set(opened(home).generation.manifest["files"])


def test_none_are_kept_where_none_are_wanted(home: Path) -> None:
    on = index(home, LIBRARY)
    assert "sentences.npy" in files(home)
    off = index(home, LIBRARY, sentence_vectors="off")
    assert off.published
    assert "sentences.npy" not in files(home)
    assert off.embedded == 0, "passages are taken over"
    counts = [each.generation.manifest["counts"] for each in (on, off)]
    assert counts[0] == counts[1]
    assert off.generation.size < on.generation.size
    assert not index(home, LIBRARY, sentence_vectors="off").published
    back = index(home, LIBRARY)
    assert back.published
    assert back.embedded == 0, "the cache has them"
    one, two = (np.load(each.generation.folder / "sentences.npy") for each in (on, back))
    assert np.array_equal(one, two)


def test_sentences_are_embedded_when_their_passages_are_asked_about(tmp_path: Path, models: Path) -> None:
    kept, made = (with_models(tmp_path / name, models) for name in ("kept", "made"))
    index(kept, LIBRARY)
    index(made, LIBRARY, sentence_vectors="off")
    one, two = opened(kept), opened(made)
    assert (one.sentences_kept, two.sentences_kept) == (True, False)
    vector = one.embedder.embed_query(ASKED)
    keys = range(one.status().passages)
    for ours, theirs in zip(one.sentences(vector, keys), two.sentences(vector, keys), strict=True):
        assert ours.sentence == theirs.sentence
        assert ours.cosine == pytest.approx(theirs.cosine, abs=1e-3)
        assert np.abs(ours.vector - theirs.vector).max() < 2**-10


def test_an_article_more_beside_those_taken_over(home: Path, tmp_path: Path) -> None:
    """The generation before keeps none, the next one all: what was taken over is embedded, too."""
    index(home, LIBRARY, sentence_vectors="off")
    settings = IndexSettings.load(home=home)
    (tmp_path / "more.md").write_text("# The weir\n\nTwo millers met at the weir in 1931. They agreed on all of it.\n")
    plan, costs = plan_for(settings, [LIBRARY, tmp_path / "more.md"])
    assert costs
    done = index(home, LIBRARY, tmp_path / "more.md")
    sentences = done.generation.manifest["counts"]["sentences"]
    assert costs.to_embed == done.embedded == sentences + 1
    assert costs.passages_kept == done.generation.manifest["counts"]["passages"] - 1
    assert len(opened(home).sentence_vectors) == sentences
    assert tuple(plan.added) == ("more",)


def test_auto_keeps_them_up_to_a_limit(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = index(home, LIBRARY).generation.manifest["counts"]["sentences"]
    monkeypatch.setattr("index.preparing.MOST_SENTENCES", count - 1)
    (home / "current").unlink()
    index(home, LIBRARY)
    assert "sentences.npy" not in files(home)
    index(home, LIBRARY, sentence_vectors="on")
    assert "sentences.npy" in files(home)


def test_an_answer_without_them_is_cited_and_checked(tmp_path: Path, models: Path) -> None:
    home = with_models(tmp_path / "home", models)
    index(home, ARTICLES / "aceh.md", sentence_vectors="off")
    answer = Assistant.open(home).ask("Who mediated the peace talks in Aceh in 2005?")
    assert answer.outcome == "answered"
    assert "Ahtisaari" in answer.text
    assert answer.ledger["sentences"] == answer.ledger["quoted"] > 0
