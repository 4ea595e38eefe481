"""The map of meaning: near is alike, the same articles give the same map, and no two points coincide."""

from pathlib import Path

import numpy as np
import pytest
from conftest import index
from numpy.typing import NDArray

from assistant.answering import Assistant
from index import mapping
from index.mapping import DECIMALS, apart, document_vectors, draw_map, principal, trustworthiness
from index.searching import LocalIndex
from index.settings import IndexSettings

Rows = NDArray[np.float32]


def clusters(count: int, each: int, spread: float = 0.15, seed: int = 0) -> Rows:
    """Unit rows around `count` directions of 32, `each` of them in a row."""
    random = np.random.default_rng(seed)
    found = np.repeat(np.eye(32)[:count], each, axis=0) + spread * random.normal(size=(count * each, 32))
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)


def test_neighbours_on_the_map_are_alike() -> None:
    found = draw_map(clusters(6, 15))
    far = np.linalg.norm(found.places[:, None] - found.places, axis=2)
    nearest = far.argsort(axis=1, kind="stable")[:, 1:6]
    assert (nearest // 15 == np.arange(90)[:, None] // 15).mean() > 0.98
    assert (found.method, found.trustworthiness > 0.9) == ("t-SNE", True)


def test_f17_the_same_rows_give_the_same_map_and_nearly_the_same_rows_nearly_the_same_map() -> None:
    rows = clusters(6, 15, spread=0.5)
    found = draw_map(rows)
    assert np.array_equal(found.places, draw_map(rows.copy()).places)
    noise = np.random.default_rng(1).normal(size=rows.shape).astype(np.float32)
    assert np.abs(found.places - draw_map(rows + 1e-6 * noise).places).max() < 1e-3


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6, 13])
def test_a_small_library_has_a_map_too(count: int) -> None:
    found = draw_map(clusters(13, 1)[:count])
    assert found.places.shape == (count, 2)
    assert ((found.places >= 0) & (found.places <= 1)).all()
    assert len({tuple(place) for place in found.places.tolist()}) == count
    assert found.method == ("t-SNE" if count >= 5 else "PCA")
    assert 0 <= found.trustworthiness <= 1
    assert count != 1 or found.places.tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("count", [2, 30, 300])
def test_points_that_would_coincide_stand_apart(count: int) -> None:
    found = draw_map(np.tile(clusters(1, 1), (count, 1)))
    far = np.linalg.norm(found.places[:, None] - found.places, axis=2)
    np.fill_diagonal(far, 1)
    assert far.min() >= 0.0039
    assert np.isfinite(found.places).all()
    assert far.max() <= 1


def test_apart_moves_only_what_coincides() -> None:
    places = np.array([[0.2, 0.2], [0.9, 0.1], [0.2, 0.2], [0.5, 0.5]])
    found = apart(places)
    assert np.array_equal(found[[0, 1, 3]], places[[0, 1, 3]])
    assert np.linalg.norm(found[2] - places[0]) == pytest.approx(0.004, abs=10**-DECIMALS)


def test_rows_without_a_passage_do_no_harm() -> None:
    rows = clusters(3, 5)
    rows[4] = 0
    assert np.isfinite(draw_map(rows).places).all()


def test_past_the_largest_the_map_is_the_two_principal_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping, "LARGEST", 10)
    found = draw_map(clusters(3, 5))
    assert found.method == "PCA"
    assert found.places.min() == 0
    assert found.places.max() == 1


def test_principal_axes_by_hand() -> None:
    """Points on one line: their order and distances along it, around their mean, and nothing beside it."""
    rows = np.outer([0.0, 1.0, 3.0], [0.6, 0.8])
    assert principal(rows) == pytest.approx(np.array([[-4 / 3, 0], [-1 / 3, 0], [5 / 3, 0]]), abs=1e-6)


def test_document_vectors_are_normalised_means() -> None:
    passages = np.array([[1, 0], [0, 1], [0, 1]], dtype=np.float32)
    found = document_vectors(passages, [2, 0, 1])
    assert found == pytest.approx(np.array([[0.5**0.5, 0.5**0.5], [0, 0], [0, 1]]))


def test_trustworthiness_by_hand_and_by_scikit_learn() -> None:
    from sklearn.manifold import trustworthiness as reference

    line = np.outer([0.0, 1.0, 3.0, 6.0, 10.0], [1.0, 0.0])
    assert trustworthiness(line, line, 1) == 1
    # The ends change places: 0 is shown beside 6, its third neighbour (2 ranks too far), 1 beside 10, its fourth (3),
    # 10 beside 1, its third (2); of n = 5 and k = 1 that is 1 - 2 / (5 * (10 - 3 - 1)) * 7.
    assert trustworthiness(line, line[[4, 1, 2, 3, 0]], 1) == pytest.approx(8 / 15)
    random = np.random.default_rng(0)
    for count, k in ((20, 3), (60, 10)):
        rows, places = random.normal(size=(count, 12)), random.random((count, 2))
        assert trustworthiness(rows, places, k) == pytest.approx(reference(rows, places, n_neighbors=k))
    assert trustworthiness(rows, random.random((60, 2))) == pytest.approx(0.5, abs=0.1)


def vectors_of(found: LocalIndex) -> Rows:
    """The vectors of its documents."""
    counts = [len(found.store.cut(each.doc_id)[0].passages) for each in found.summaries()]
    return document_vectors(found.dense.index.reconstruct_n(0, len(found.dense)), counts)


def test_a_generation_holds_its_map(assistant: Assistant) -> None:
    found = assistant.index
    assert isinstance(found, LocalIndex)
    listed, status = found.summaries(), found.status()
    places = np.array([(each.x, each.y) for each in listed])
    rows = vectors_of(found)
    again = draw_map(rows)
    assert places == pytest.approx(again.places, abs=1e-3)
    assert (status.map_method, status.map_trust) == ("t-SNE", pytest.approx(again.trustworthiness, abs=0.01))
    assert len({tuple(place) for place in places.tolist()}) == len(listed) == 12


def test_summaries_say_what_lists_need(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "mill.md").write_text(
        "---\ntitle: The mill talks\nperiod: {from: 1991}\nregions: [europe, africa]\ntrack: two\n"
        "related: [weir, mill, gone]\nsources:\n  - id: a\n    title: A\n---\n\nThe envoys met at the mill.\n",
        encoding="utf-8",
    )
    (folder / "weir.md").write_text("---\ntitle: The weir\n---\n\nNobody met at the weir.\n", encoding="utf-8")
    index(home, folder)
    mill, weir = LocalIndex.open(IndexSettings.load(home=home)).summaries()
    assert (mill.since, mill.until, mill.regions, mill.topics, mill.track) == (
        1991,
        9999,
        ("europe", "africa"),
        (),
        ("two",),
    )
    assert (mill.related, mill.sources) == (("weir",), 1)
    assert (weir.since, weir.until, weir.related, weir.sources) == (None, None, (), 0)
    assert (mill.x, mill.y) != (weir.x, weir.y)


@pytest.mark.slow
def test_our_articles_are_drawn_better_than_by_their_axes_and_one_less_leaves_the_others_in_place(
    whole_library: Path,
) -> None:
    rows = vectors_of(LocalIndex.open(IndexSettings.load(home=whole_library)))
    found = draw_map(rows)
    assert found.trustworthiness > trustworthiness(rows, principal(rows)) + 0.05  # measured: 0.81 and 0.73
    moved = []
    for left_out in range(0, len(rows), 6):
        kept = np.delete(np.arange(len(rows)), left_out)
        moved.append(np.median(np.linalg.norm(found.places[kept] - draw_map(rows[kept]).places, axis=1)))
    print(f"one article less moves the median point by {np.median(moved):.3f}, at most {max(moved):.3f} of the side")
    assert max(moved) < 0.15  # measured: 0.07; a mirrored map has 0.3
