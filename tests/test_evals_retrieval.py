"""A collection end to end: the real model, both searches, documents by their best passage, measured."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import DATA, IN_FULL

from assistant.settings import AssistantSettings
from evals.collections import read_beir, read_gold
from evals.errors import EvalsError
from evals.retrieval import Run, configured, run_collection
from index.settings import IndexSettings

BEIR = DATA / "beir_small"
IN_MINUTES = pytest.mark.skipif(not IN_FULL, reason="takes minutes; run it with: make long")


@pytest.fixture
def run(home: Path) -> Callable[..., Run]:
    """`run_collection` on a folder, with the settings given."""

    def run_folder(folder: Path, **settings: object) -> Run:
        indexing = IndexSettings.load(home=home, **settings)
        return run_collection(read_beir(folder), indexing, AssistantSettings.load(**settings))

    return run_folder


def test_the_small_collection_ranks_as_it_reads(run: Callable[..., Run]) -> None:
    found = run(BEIR)
    assert (found.queries, found.documents, found.passages, found.skipped) == (4, 6, 7, ())
    orders = {query: list(scores) for query, scores in found.scores.items()}
    assert orders["q1"][0] == "sheep-path"
    assert orders["q2"][0] == "market-day"  # its answer stands in the second of its two passages
    assert orders["q3"][:2] == ["well-rope", "mill-stream"]
    assert orders["q4"][0] == "bell-tower"
    assert all(sorted(order) == sorted(orders["q1"]) and len(order) == 6 for order in orders.values())
    assert found.means["RR@10"] == found.means["R@10"] == 1.0
    # q4: grade 2 first, grade 1 third: (2 + 1/log2(4)) / (2 + 1/log2(3)) = 2.5 / 2.63093; the others are 1.
    assert orders["q4"][2] == "market-day"
    assert found.means["nDCG@10"] == pytest.approx((3 + 2.5 / 2.6309297535714575) / 4)
    assert 0 < found.latency_ms(50) <= found.latency_ms(95)


@pytest.mark.slow
def test_a_second_run_builds_nothing_and_finds_the_same(run: Callable[..., Run], home: Path) -> None:
    first, second = run(BEIR), run(BEIR)
    assert first.scores == second.scores
    (made,) = (home / "evals").iterdir()
    assert len(list((made / "generations").iterdir())) == 1
    assert made.name.startswith("beir_small-")
    for shared in ("models", "cache"):
        assert (made / shared).resolve() == (home / shared).resolve()
    assert not (home / "current").exists()  # the articles' own index is left alone


@pytest.mark.slow
def test_another_corpus_is_another_home(run: Callable[..., Run], home: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(BEIR, tmp_path / "beir_small"))
    run(BEIR)
    with (copy / "corpus.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"_id": "dance", "text": "The two choirs of Mellow agreed to sing in turn."}\n')
        file.write('{"_id": "empty", "title": "A title alone", "text": ""}\n')
    found = run(copy)
    assert len(list((home / "evals").iterdir())) == 2
    assert found.documents == 7
    assert [each.source.rsplit("/", 1)[-1] for each in found.skipped] == ["corpus.jsonl#L8"]


@pytest.mark.slow
def test_two_settings_live_side_by_side(run: Callable[..., Run], home: Path) -> None:
    for tokens in (224, 64, 224, 64):
        run(BEIR, passage_tokens=tokens)
    run(BEIR, keep_generations=1, depth=50)  # decides nothing in a generation
    made = list((home / "evals").iterdir())
    assert len(made) == 2
    assert all(len(list((each / "generations").iterdir())) == 1 for each in made)


@pytest.mark.slow
def test_measures_that_look_deeper_rank_more(run: Callable[..., Run], home: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(BEIR, tmp_path / "many"))
    with (copy / "corpus.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(f'{{"_id": "n{i}", "text": "Boat number {i} lies in the harbour."}}\n' for i in range(120))
    indexing, chosen, _ = configured(["depth=20"], home)
    for names, count in ((("R@100",), 100), (("AP", "R@120"), 120)):
        found = run_collection(read_beir(copy), indexing, chosen, measures=names)
        assert {len(scores) for scores in found.scores.values()} == {count}
        assert list(found.means) == list(names)


GOLD_LINES = """
{"id": "a", "question": "Who kept the mill?", "type": "factual", "answerable": true, "evidence": [{"doc_id": "mill",
 "quote": "Two sisters kept the mill.", "alternatives": [{"doc_id": "road", "quote": "sisters of the mill"}]}],
 "short_answer": "", "history": [], "standalone": "", "split": "dev"}
{"id": "b", "question": "And why did they?", "type": "follow_up", "answerable": true, "evidence": [{"doc_id": "road",
 "quote": "Nobody else wanted it. The wheel", "alternatives": []}], "short_answer": "",
 "history": [{"role": "user", "content": "Who kept the mill?"}], "standalone": "Why?", "split": "dev"}
{"id": "c", "question": "Who kept the inn?", "type": "unanswerable", "answerable": false, "evidence": [],
 "short_answer": "", "history": [], "standalone": "", "split": "dev"}
{"id": "d", "question": "Who kept it?", "type": "factual", "answerable": true, "evidence": [{"doc_id": "mill",
 "quote": "Two sisters", "alternatives": []}], "short_answer": "", "history": [], "standalone": "", "split": "test"}
"""


@pytest.fixture
def village(tmp_path: Path) -> tuple[Path, Path]:
    """A folder of two articles and a file of four gold questions on them."""
    (tmp_path / "articles").mkdir()
    rest = " ".join(f"In year {i} the river rose and the wheel stood still for days." for i in range(8))
    (tmp_path / "articles" / "mill.md").write_text(f"# The mill\n\nTwo sisters kept the mill. {rest}\n")
    road = f"The sisters of the mill built a road. {rest} Nobody else wanted it. The wheel was broken. {rest}"
    (tmp_path / "articles" / "road.md").write_text(f"# The road\n\n{road}\n")
    questions = tmp_path / "gold.jsonl"
    questions.write_text(GOLD_LINES.replace("\n ", " ").lstrip())
    return tmp_path / "articles", questions


@pytest.mark.slow
def test_gold_quotes_become_qrels_of_any_cut(village: tuple[Path, Path], home: Path) -> None:
    gold = read_gold("dev", *village)
    assert gold.name == "gold-dev"
    assert gold.judged == {"a": "Who kept the mill?", "b": "Why did they? (Who kept the mill)"}
    assert list(read_gold("test", *village).judged) == ["d"]
    text = (village[0] / "road.md").read_text().split("\n\n", 1)[1]
    for tokens in (2000, 64):
        indexing, chosen, _ = configured([f"passage_tokens={tokens}"], home)
        found = run_collection(gold, indexing, chosen)
        assert list(found.qrels) == ["a", "b"]
        assert {name.split("#")[0] for name in found.qrels["a"]} == {"mill", "road"}  # a quote and its alternative
        for name in (*found.qrels["a"], *found.qrels["b"]):
            start, end = map(int, name.split("#")[1].split("-"))
            quotes = ("Two sisters kept the mill.", "sisters of the mill", "Nobody else wanted it. The wheel")
            article = text if name.startswith("road") else (village[0] / "mill.md").read_text().split("\n\n", 1)[1]
            assert any(quote in article[start:end] for quote in quotes)
        assert found.means["R@100"] == 1.0
        assert set(found.scores["a"]) >= set(found.qrels["a"])


def test_a_quote_that_the_cut_has_parted_counts_as_not_found(village: tuple[Path, Path], home: Path) -> None:
    indexing, chosen, _ = configured(["passage_tokens=16"], home)
    found = run_collection(read_gold("dev", *village), indexing, chosen)
    text = (village[0] / "road.md").read_text().split("\n\n", 1)[1]
    start = text.index("Nobody else wanted it.")
    assert found.qrels["b"] == {f"road#{start}-{start + 32}": 1}
    assert found.measured["R@100"]["b"] == 0.0
    assert found.measured["R@100"]["a"] == 1.0


def test_a_quote_that_is_in_no_article_is_one_sentence(village: tuple[Path, Path], home: Path) -> None:
    articles, questions = village
    questions.write_text(
        questions.read_text().replace("Two sisters kept", "Three sisters kept").replace("s of the", "z")
    )
    indexing, chosen, _ = configured([], home)
    with pytest.raises(
        EvalsError, match=r"^A quote of the gold question a is not in mill: 'Three sisters .*gold check$"
    ):
        run_collection(read_gold("dev", articles, questions), indexing, chosen)


@pytest.mark.slow
def test_settings_decide_the_cut_and_the_weights(run: Callable[..., Run]) -> None:
    assert run(BEIR, passage_tokens=64).passages > 7
    by_words = run(BEIR, dense_weight=0.0, sentence_weight=0.0)
    # Nothing but words: BM25 over what the question's words allow, see assistant/fusion.py.
    assert next(iter(by_words.scores["q1"])) == "sheep-path"
    assert 0.5 < by_words.scores["q1"]["sheep-path"] < 1


@pytest.mark.slow
def test_deeper_searches_fill_the_ranking_below_what_the_settings_give(run: Callable[..., Run]) -> None:
    shallow = run(BEIR, depth=1)
    for query, scores in shallow.scores.items():
        assert len(scores) == 6, query
        assert list(scores.values()) == sorted(scores.values(), reverse=True)
    assert next(iter(shallow.scores["q2"])) == "market-day"
    assert list(shallow.scores["q2"].values())[1] < shallow.scores["q2"]["market-day"] - 0.9


def test_a_home_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(EvalsError, match=r"No home for beir_small can be made in .*--home FOLDER$"):
        run_collection(read_beir(BEIR), IndexSettings.load(home=tmp_path / "file" / "home"), AssistantSettings.load())


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "queries", "aim"),
    [
        ("xquad_en", 1190, 0.980),
        pytest.param("hotpotqa_train100", 100, 0.835, marks=IN_MINUTES),
        pytest.param("musique_train100", 100, 0.655, marks=IN_MINUTES),
        pytest.param("frus_tune_topics", 1792, 0.452, marks=IN_MINUTES),
    ],
)
def test_the_shared_collections_reach_their_aims(
    run: Callable[..., Run], shared: Path, name: str, queries: int, aim: float
) -> None:
    found = run(shared / "collections" / name)
    assert found.queries == queries
    assert found.skipped == ()
    assert found.means["nDCG@10"] >= aim
    assert all(len(scores) == 100 for scores in found.scores.values())
