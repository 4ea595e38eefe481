"""FAISS, tantivy, the store and the filters, each on cases small enough to work out by hand."""

import math
from pathlib import Path

import numpy as np
import pytest

from index.building import words
from index.chunking import Cut
from index.dense import DenseIndex
from index.errors import DamagedIndexError, FilterError
from index.filters import Filters
from index.lexical import CEILING, STOP_WORDS, LexicalIndex, analyze
from index.sentence_scores import BLOCK, best_of, of_neighbours, rows_of, widened
from index.store import Store
from index.storing import write_store
from index.types import Document, Dropped, Note, Passage, Reading, Sentence, Span

# --- by vector


def unit(*rows: tuple[float, ...]) -> np.ndarray:
    made = np.array(rows, dtype=np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def test_scores_are_cosines_best_first() -> None:
    dense = DenseIndex.build(unit((3, 4), (1, 0), (0, 1), (-1, 0)))
    assert dense.search(np.array([1, 0], np.float32), 10) == [
        (1, pytest.approx(1.0)),
        (0, pytest.approx(0.6)),
        (2, pytest.approx(0.0)),
        (3, pytest.approx(-1.0)),
    ]
    assert dense.similarities(np.array([1, 0], np.float32), [3, 0]) == [pytest.approx(-1), pytest.approx(0.6)]
    assert dense.similarities(np.array([1, 0], np.float32), []) == []
    assert (len(dense), dense.dimension) == (4, 2)


def test_scores_equal_numpy_before_and_after_save_and_load(tmp_path: Path) -> None:
    generator = np.random.default_rng(7)
    vectors = unit(*generator.normal(size=(300, 48)))
    built = DenseIndex.build(vectors)
    (tmp_path / "passages.faiss").write_bytes(built.to_bytes())
    for dense in (built, DenseIndex.load(tmp_path / "passages.faiss")):
        for query in unit(*generator.normal(size=(5, 48))):
            cosines = vectors @ query
            best = sorted(range(300), key=lambda key: (-cosines[key], key))[:20]
            found = dense.search(query, 20)
            assert [key for key, _ in found] == best
            assert [score for _, score in found] == pytest.approx(cosines[best], abs=1e-6)


def test_ties_come_by_key_and_within_holds() -> None:
    dense = DenseIndex.build(unit((1, 0), (1, 0), (0, 1), (1, 0)))
    query = np.array([1, 0], np.float32)
    assert [key for key, _ in dense.search(query, 4)] == [0, 1, 3, 2]
    assert [key for key, _ in dense.search(query, 4, np.array([3, 2], np.int64))] == [3, 2]
    assert [key for key, _ in dense.search(query, 1, np.array([2], np.int64))] == [2]
    assert dense.search(query, 4, np.array([], np.int64)) == []


def test_a_cosine_does_not_depend_on_the_place_of_its_row() -> None:
    """`rows @ vector` gives one row different last bits in different places: equal passages would not tie."""
    row, query = unit(*np.random.default_rng(7).normal(size=(2, 384)))
    for count in (2, 3, 5, 64, 129):
        dense = DenseIndex.build(np.tile(row, (count, 1)))
        assert len(set(dense.similarities(query, list(range(count))))) == 1


# --- the best sentence


def test_float16_is_widened_exactly() -> None:
    """Every finite one of the 65,536: both zeros, subnormal numbers, the largest."""
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)].reshape(-1, 8)
    assert finite.size == 2**16 - 2 * 2**10
    made = widened(finite)
    assert made.dtype == np.float32
    assert made.tobytes() == finite.astype(np.float32).tobytes()


def test_rows_of_ranges() -> None:
    assert rows_of(np.array([[4, 7], [0, 0], [5, 6], [0, 2]], np.int32)).tolist() == [4, 5, 6, 5, 0, 1]
    assert rows_of(np.empty((0, 2), np.int32)).tolist() == []


def test_the_best_of_each_range_by_hand() -> None:
    """Rows 1 and 2 together are (0.5, 1.25), and 3 and 4 (-0.75, -0.5): below the better one of each two."""
    rows = np.array([[1, 0], [0, 1], [0.5, 0.25], [-1, 0], [0.25, -0.5]], np.float16)
    ranges = np.array([[1, 3], [3, 4], [2, 2], [0, 5], [3, 5], [5, 5]], np.int32)
    assert best_of(rows, ranges, np.array([1, 0], np.float32)) == [0.5, -1.0, -1.0, 1.0, 0.25, -1.0]
    assert best_of(rows, ranges[2:3], np.array([1, 0], np.float32)) == [-1.0]
    assert best_of(rows, ranges[:0], np.array([1, 0], np.float32)) == []


def test_two_neighbours_count_together_within_their_range() -> None:
    """Towards (0.6, 0.8) rows 0 and 1 have 0.6 and 0.8, their mean (1, 1) / 1.4142 has 1.4 / 1.4142 = 0.98995."""
    rows = np.array([[1, 0], [0, 1], [0, -1], [1, 0]], np.float16)
    vector = np.array([0.6, 0.8], np.float32)
    assert best_of(rows, np.array([[0, 2], [0, 1], [1, 2]], np.int32), vector) == pytest.approx([0.98995, 0.6, 0.8])
    assert best_of(rows, np.array([[2, 4], [2, 3], [3, 4]], np.int32), vector) == pytest.approx([0.6, -0.8, 0.6])
    assert best_of(rows, np.array([[0, 1], [1, 2]], np.int32), vector) == pytest.approx([0.6, 0.8]), "not across ranges"


def test_opposite_neighbours_have_no_direction() -> None:
    rows = np.array([[0, 1], [0, -1]], np.float16)
    assert best_of(rows, np.array([[0, 2]], np.int32), np.array([0, 1], np.float32)) == [1.0]
    assert of_neighbours(rows.astype(np.float32), np.array([-0.5, 0.5], np.float32)).tolist() == [0.0]


def test_the_best_of_ranges_over_several_blocks_equals_numpy() -> None:
    generator = np.random.default_rng(7)
    rows = unit(*generator.normal(size=(2 * BLOCK + 7, 48))).astype(np.float16)
    (query,) = unit(generator.normal(size=48))
    ranges = np.array([[0, BLOCK + 1], [BLOCK - 1, BLOCK + 1], [5, 2 * BLOCK + 7], [0, 1]], np.int32)
    expected = []
    for first, end in ranges:
        held = rows[first:end].astype(np.float32)
        pairs = held[:-1] + held[1:]
        pairs /= np.linalg.norm(pairs, axis=1, keepdims=True)
        expected.append(float((np.concatenate([held, pairs]) @ query).max()))
    assert best_of(rows, ranges, query) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("content", [b"", b"x", b"IxFI" + b"\0" * 10, b"not an index" * 100])
def test_bytes_that_are_no_faiss_index(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.faiss").write_bytes(content)
    with pytest.raises(DamagedIndexError, match="is not a FAISS index"):
        DenseIndex.load(tmp_path / "a.faiss")


# --- by words


def lexical(folder: Path, *texts: str) -> LexicalIndex:
    """Passage i of document i."""
    LexicalIndex.build(folder / "lexical", ((i, i, text) for i, text in enumerate(texts)))
    return LexicalIndex.load(folder / "lexical")


def bm25(frequency: int, length: int, average: float, containing: int, total: int) -> float:
    """Robertson's BM25 of one term with k1 = 1.2, b = 0.75, and Lucene's inverse document frequency."""
    rarity = math.log(1 + (total - containing + 0.5) / (containing + 0.5))
    return rarity * frequency * 2.2 / (frequency + 1.2 * (0.25 + 0.75 * length / average))


def test_bm25_by_hand(tmp_path: Path) -> None:
    """Three passages of 3, 5 and 4 words; tantivy keeps lengths up to 40 exactly."""
    found = lexical(tmp_path, "oslo channel oslo", "channel mill weir river soup", "mill weir river soup")
    average = (3 + 5 + 4) / 3
    assert found.search(["oslo"], 10) == [(0, pytest.approx(bm25(2, 3, average, 1, 3), abs=1e-5))]
    assert found.search(["channel"], 10) == [
        (0, pytest.approx(bm25(1, 3, average, 2, 3), abs=1e-5)),
        (1, pytest.approx(bm25(1, 5, average, 2, 3), abs=1e-5)),
    ]
    both = bm25(2, 3, average, 1, 3) + bm25(1, 3, average, 2, 3)
    assert found.search(["oslo", "channel"], 1) == [(0, pytest.approx(both, abs=1e-5))]
    assert found.search(["oslo"], 10)[0][1] == pytest.approx(1.4506, abs=1e-4), "0.98083 * 4.4 / 2.975"
    assert (len(found), found.document_frequency("channel"), found.document_frequency("none")) == (3, 2, 0)


def test_bm25_of_a_word_stays_below_its_ceiling(tmp_path: Path) -> None:
    """The more often a word stands in a passage, the nearer to 2.2 times its rarity, log(1 + 2.5 / 1.5) here."""
    found = lexical(tmp_path, "oslo " * 1000, "mill", "weir")
    ((_, score),) = found.search(["oslo"], 10)
    rarity = math.log(1 + 2.5 / 1.5)
    assert score < CEILING * rarity
    assert score == pytest.approx(CEILING * rarity, rel=0.003), "1000 / (1000 + 1.2 * 2.5) = 0.997"


def test_a_word_of_the_title_counts_as_three(tmp_path: Path) -> None:
    """Titled: 3 + 2 words, of which oslo 3; untitled: 5 words, of which oslo 1; so the average length is 5."""
    titled = Passage("a#0-9", "a", 0, 9, "", 2, "mill weir", "Oslo")
    other = Passage("b#0-9", "b", 0, 9, "Mill", 2, "oslo mill weir river")
    rows = words([Cut((titled,), ()), Cut((other,), ())])
    assert rows == [(0, 0, "Oslo\nOslo\nOslo\n\nmill weir"), (1, 1, "\n\n\nMill\noslo mill weir river")]
    LexicalIndex.build(tmp_path / "lexical", rows)
    assert LexicalIndex.load(tmp_path / "lexical").search(["oslo"], 2) == [
        (0, pytest.approx(bm25(3, 5, 5, 2, 2), abs=1e-5)),
        (1, pytest.approx(bm25(1, 5, 5, 2, 2), abs=1e-5)),
    ]


def test_only_the_given_documents_are_searched_with_the_same_scores(tmp_path: Path) -> None:
    found = lexical(tmp_path, "mill talks", "mill talks held", "mill")
    everywhere = dict(found.search(["mill", "talk"], 10))
    assert found.search(["mill", "talk"], 10, [1, 2]) == [
        (1, pytest.approx(everywhere[1])),
        (2, pytest.approx(everywhere[2])),
    ]
    assert found.search(["mill"], 10, []) == []
    assert found.search(["mill"], 10, [77]) == []


def test_ties_come_by_key(tmp_path: Path) -> None:
    found = lexical(tmp_path, *6 * ["the same words"])
    assert [key for key, _ in found.search(["same"], 10)] == [0, 1, 2, 3, 4, 5]


def test_words_are_stemmed_folded_and_without_stop_words() -> None:
    assert analyze("How did the Negotiations in Kraków start?") == ["negoti", "krakow", "start"]
    assert analyze("negotiating NEGOTIATED") == ["negoti", "negoti"]
    assert analyze("What is this about?") == []
    assert analyze("?!") == analyze("") == []
    assert analyze("x" * 41 + " mill") == ["mill"], "longer words are not in the index either"
    assert "who" in STOP_WORDS
    assert "oslo" not in STOP_WORDS


@pytest.mark.parametrize(
    "words",
    [
        "mill AND weir",
        'mill" OR (soup',
        "mill^99 weir~",
        "words:mill",
        "key:0",
        "+mill -weir",
        "mill*",
        "[mill TO weir]",
        "/mill/",
        "\\mill\\",
        "IN [mill]",
        "mill'; DROP TABLE passages",
    ],
)
def test_the_syntax_of_queries_is_harmless(tmp_path: Path, words: str) -> None:
    found = lexical(tmp_path, "the mill and the weir", "nothing of the kind")
    assert [key for key, _ in found.search(analyze(words), 10)] == ([] if words == "key:0" else [0])


def test_a_question_of_stop_words_finds_nothing(tmp_path: Path) -> None:
    assert lexical(tmp_path, "who is it", "what was that").search(analyze("Who was it?"), 10) == []


def test_a_folder_that_is_no_tantivy_index(tmp_path: Path) -> None:
    for content in ("", "{}", "not json"):
        folder = tmp_path / f"lexical{len(content)}"
        folder.mkdir()
        (folder / "meta.json").write_text(content)
        with pytest.raises(DamagedIndexError, match="is not a tantivy index"):
            LexicalIndex.load(folder)


# --- the store


def passage(doc_id: str, start: int, end: int, text: str) -> Passage:
    return Passage(f"{doc_id}#{start}-{end}", doc_id, start, end, "H", 3, text, f"Title {doc_id}")


DOCUMENTS = (
    Document(
        "a",
        "Title a",
        "Ünö 🕊️ one. Two two.\n\nThree.",
        "a.md",
        "1999-05",
        {"period": {"from": 1991, "to": 1993}, "regions": ["europe", "global"], "topics": ["water"], "track": "two"},
        (Note(11, ("x", "y")),),
        (Span(0, 3),),
    ),
    Document("b", "Title b", "Four four.", "b.md", "1994-02-01", {"regions": ["europe"], "summary": "S"}),
    Document("c", "Title c", "Five five.", "c.md", "", {"period": {"from": 1958}, "track": "one"}),
    Document("d", "Title d", "Six six.", "d.md", "", {"questions": ["Who?"], "track": 1.5}),
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    a, b, c, d = DOCUMENTS
    parts = {"a": [(0, 11), (12, 20), (22, 28)], "b": [(0, 10)], "c": [(0, 10)], "d": [(0, 8)]}
    of_a = [passage("a", 0, 20, a.text[0:20]), passage("a", 12, 28, a.text[12:28])]
    homes = {"a": [of_a[0], of_a[0], of_a[1]]}
    rows = []
    for each in (a, b, c, d):
        made = of_a if each is a else [passage(each.doc_id, 0, len(each.text), each.text)]
        held = homes.get(each.doc_id, made)
        sentences = [
            Sentence(each.doc_id, start, end, home.passage_id, each.text[start:end])
            for (start, end), home in zip(parts[each.doc_id], held, strict=True)
        ]
        left_out = (Dropped("teaser", "Read me"),) if each is b else ()
        rows.append((Reading(each, left_out), Cut(tuple(made), tuple(sentences)), None))
    write_store(tmp_path / "store.sqlite", rows)
    return Store(tmp_path / "store.sqlite")


def test_documents_come_back_whole(store: Store) -> None:
    assert tuple(store.document(each.doc_id) for each in DOCUMENTS) == DOCUMENTS
    assert store.document("nobody") is None
    assert store.document("a' OR '1'='1") is None
    assert store.versions() == {each.doc_id: each.version for each in DOCUMENTS}
    assert [(s.doc_id, s.title, s.summary, s.questions) for s in store.summaries()] == [
        ("a", "Title a", "", ()),
        ("b", "Title b", "S", ()),
        ("c", "Title c", "", ()),
        ("d", "Title d", "", ("Who?",)),
    ]
    assert store.dropped("b") == [Dropped("teaser", "Read me")]
    assert store.dropped("a") == []


def test_passages_and_sentences_by_key_are_slices_of_their_document(store: Store) -> None:
    text = DOCUMENTS[0].text
    assert text[0:11] == "Ünö 🕊️ one."
    passages = store.passages([1, 0, 4])
    assert [(passages[key].text, passages[key].key) for key in (0, 1, 4)] == [
        (text[0:20], 0),
        (text[12:28], 1),
        ("Six six.", 4),
    ]
    assert (passages[0].heading, passages[0].title, passages[0].tokens) == ("H", "Title a", 3)
    sentences = store.sentences([0, 1, 2, 3])
    assert [sentences[key].text for key in (0, 1, 2, 3)] == [text[0:11], "Two two.", "Three.", "Four four."]
    assert [sentences[key].passage_id for key in (0, 1, 2)] == ["a#0-20", "a#0-20", "a#12-28"]
    assert store.sentence_ranges().tolist() == [[0, 2], [1, 3], [3, 4], [4, 5], [5, 6]]
    assert store.passages([]) == {}
    assert store.passages([99]) == {}


def test_texts_read_last_are_kept_up_to_a_bound(store: Store) -> None:
    """Documents a to d have 28, 10, 10 and 8 characters."""
    store.room = 30
    assert store.texts([0, 1]) == {0: DOCUMENTS[0].text, 1: "Four four."}
    assert (list(store.kept), store.room) == ([1], 20)
    store.texts([2, 3])
    store.texts([1])
    assert (list(store.kept), store.room) == ([2, 3, 1], 2)
    assert store.passages([1])[1].text == DOCUMENTS[0].text[12:28]
    assert (list(store.kept), store.room) == ([0], 2), "the others gave way"
    store.room = -21
    assert store.texts([3]) == {3: "Six six."}, "longer than the bound of 7: given, not kept"
    assert (store.kept, store.room) == ({}, 7)


def test_the_store_cannot_be_written(store: Store) -> None:
    with pytest.raises(DamagedIndexError, match="readonly"):
        store.rows("DELETE FROM documents")


def test_a_file_that_is_no_store(tmp_path: Path) -> None:
    for content in (b"", b"garbage" * 100):
        (tmp_path / "store.sqlite").write_bytes(content)
        with pytest.raises(DamagedIndexError, match="is not a database"):
            Store(tmp_path / "store.sqlite")


# --- filters


@pytest.mark.parametrize(
    ("period", "years"),
    [
        ("", (None, None)),
        ("1990-1995", (1990, 1995)),
        ("1990–1995", (1990, 1995)),
        (" 1990 - 1995 ", (1990, 1995)),
        ("1990-", (1990, None)),
        ("-1995", (None, 1995)),
        ("1990", (1990, 1990)),
        ("1990-1990", (1990, 1990)),
        ("800-900", (800, 900)),
    ],
)
def test_periods(period: str, years: tuple[int | None, int | None]) -> None:
    found = Filters.parse(period)
    assert (found.since, found.until) == years
    assert bool(found) == (years != (None, None))


@pytest.mark.parametrize(
    ("period", "said"),
    [
        ("soon", "The period 'soon' is not two years. Write it as 1990-1995, 1990-, -1995 or 1990"),
        ("-", "The period '-' is not two years"),
        ("90-95", "The period '90-95' is not two years"),
        ("19900-1995", "is not two years"),
        ("1990 1995", "is not two years"),
        ("19901995", "is not two years"),
        ("1990-1995-2000", "is not two years"),
        ("1995-1990", "The period '1995-1990' ends before it begins. Write the earlier year first"),
    ],
)
def test_periods_that_are_none(period: str, said: str) -> None:
    with pytest.raises(FilterError) as found:
        Filters.parse(period)
    assert said in str(found.value)


@pytest.mark.parametrize(
    ("filters", "documents"),
    [
        (Filters(), [0, 1, 2, 3]),
        (Filters.parse("1990-1995"), [0, 1, 2]),  # c began in 1958 and still goes on; d is of no time
        (Filters.parse("1993"), [0, 2]),
        (Filters.parse("1994-"), [1, 2]),  # b by the year of its date
        (Filters.parse("-1990"), [2]),
        (Filters.parse("1999"), [2]),  # a by its period, not by its date
        (Filters.parse("-1900"), []),
        (Filters.parse(regions=["europe"]), [0, 1]),
        (Filters.parse(regions=["global"]), [0]),
        (Filters.parse(track=["two", "one"]), [0, 2]),
        (Filters.parse(track=["1.5"]), [3]),
        (Filters.parse("1994", regions=["europe"]), [1]),
        (Filters.parse(regions=["europe"], topics=["water"]), [0]),
        (Filters.parse(regions=["europe"], track=["one"]), []),
    ],
)
def test_which_documents_meet_a_filter(store: Store, filters: Filters, documents: list[int]) -> None:
    assert store.matching(filters) == documents
    passages = {0: [0, 1], 1: [2], 2: [3], 3: [4]}
    assert store.passages_matching(filters) == [key for document in documents for key in passages[document]]


def test_a_value_that_no_article_has(store: Store) -> None:
    with pytest.raises(FilterError) as found:
        store.matching(Filters.parse(regions=["mars"]))
    assert str(found.value) == "No article has 'mars' among its regions. The index has: europe, global"
    with pytest.raises(FilterError, match="'x' among its track. The index has: 1.5, one, two"):
        store.passages_matching(Filters.parse(track=["two", "x"]))
    assert store.facet_values("topics") == ["water"], "articles without topics add none"


def test_no_article_has_a_facet_at_all(tmp_path: Path) -> None:
    each = DOCUMENTS[3]
    made = passage("d", 0, 8, each.text)
    write_store(
        tmp_path / "s.sqlite", [(Reading(each), Cut((made,), (Sentence("d", 0, 8, made.passage_id, each.text),)), None)]
    )
    with pytest.raises(FilterError, match="The index has: none at all"):
        Store(tmp_path / "s.sqlite").matching(Filters.parse(regions=["europe"]))
