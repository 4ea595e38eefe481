"""Word vectors apart from their graph: what is moved, what the graph then gives, and which rows are in memory."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from index.embedding.word_rows import KEPT, ROWS, WORDS, WordRows, set_apart

TABLE = np.arange(300_000 * 2, dtype=np.float32).reshape(300_000, 2)  # 2.4 MB
WIDTH = 64


def graph(path: Path, table: NDArray[np.float32], axis: int = 0, uses: int = 1) -> Path:
    """Looks the words up and adds 1 to each number; the table is looked up `uses` times."""
    sums = [f"rows{number}" for number in range(uses)]
    nodes = [helper.make_node("Gather", ["table", "words"], [name], axis=axis) for name in sums]
    nodes.append(helper.make_node("Sum", [*sums, "one"], ["out"]))
    made = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("words", TensorProto.INT64, ["texts", "tokens"])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["a", "b", "c"])],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.float32([1]), "one")],
    )
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def run(path: Path, **given: object) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, given)
    return np.asarray(found)


def rows_of(tmp_path: Path, count: int) -> WordRows:
    table = np.repeat(np.arange(count, dtype=np.float32)[:, None], WIDTH, axis=1)
    np.save(tmp_path / WORDS, table)
    return WordRows(tmp_path / WORDS)


def test_the_graph_gives_the_same_from_the_rows(tmp_path: Path) -> None:
    words = np.array([[5, 299_999], [0, 5]])
    whole = run(graph(tmp_path / "whole.onnx", TABLE), words=words)
    assert whole.tolist() == [[[11, 12], [599_999, 600_000]], [[1, 2], [11, 12]]]
    model = graph(tmp_path / "model.onnx", TABLE)
    assert set_apart(model) == ("model.onnx", WORDS)
    assert model.stat().st_size < 1000
    assert np.array_equal(np.load(tmp_path / WORDS), TABLE)
    rows = WordRows(tmp_path / WORDS).of(words)
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    assert {each.name for each in session.get_inputs()} == {"words", ROWS}
    assert np.array_equal(run(model, words=words, **{ROWS: rows}), whole)


@pytest.mark.parametrize(
    ("table", "axis", "uses"),
    [(TABLE[:1000], 0, 1), (TABLE.T.copy(), 1, 1), (TABLE, 0, 2), (TABLE.astype(np.float64), 0, 1)],
    ids=["small", "by columns", "looked up twice", "doubles"],
)
def test_other_tables_stay_where_they_are(tmp_path: Path, table: NDArray[np.float32], axis: int, uses: int) -> None:
    path = tmp_path / "model.onnx"
    if table.dtype == np.float64:
        node = helper.make_node("Gather", ["table", "words"], ["out"])
        takes = [helper.make_tensor_value_info("words", TensorProto.INT64, ["texts"])]
        gives = [helper.make_tensor_value_info("out", TensorProto.DOUBLE, None)]
        held = [numpy_helper.from_array(table, "table")]
        onnx.save(helper.make_model(helper.make_graph([node], "test", takes, gives, held)), str(path))
    else:
        graph(path, table, axis, uses)
    before = path.read_bytes()
    assert set_apart(path) == ("model.onnx",)
    assert path.read_bytes() == before
    assert not (tmp_path / WORDS).exists()


def test_rows_by_number_in_any_shape(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, 100)
    found = rows.of(np.array([[3, 99, 3], [0, 7, 99]]))
    assert (found.shape, found.dtype) == ((2, 3, WIDTH), np.float32)
    assert found[..., 0].tolist() == [[3, 99, 3], [0, 7, 99]]
    assert (found == found[..., :1]).all()
    assert rows.used == 4
    assert rows.of(np.array([], dtype=np.int64)).shape == (0, WIDTH)


def test_memory_is_bounded_and_rows_stay_right(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, 3 * KEPT)
    lots = np.random.default_rng(1)
    for _ in range(60):
        words = lots.integers(0, 3 * KEPT, 500)
        assert np.array_equal(rows.of(words)[:, -1], words)
        assert rows.used <= KEPT
        assert len(rows.kept) == KEPT
    every = np.arange(3 * KEPT)
    assert np.array_equal(rows.of(every)[:, 0], every), "more at once than are kept"


def test_threads_do_not_get_each_others_rows(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, 3 * KEPT)

    def ask(seed: int) -> bool:
        lots = np.random.default_rng(seed)
        asked = [lots.integers(0, 3 * KEPT, 700) for _ in range(30)]
        return all(np.array_equal(rows.of(words)[:, 0], words) for words in asked)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(8)))


def test_its_file_is_closed_with_it(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, 100)
    file = rows.file
    assert not file.closed
    del rows
    assert file.closed


def test_a_file_that_ends_early_is_told(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, 100)
    with (tmp_path / WORDS).open("r+b") as file:
        file.truncate(128 + 50 * WIDTH * 4)
    assert rows.of(np.array([49]))[0, 0] == 49
    with pytest.raises(OSError, match=r"words\.npy ends before row 50"):
        rows.of(np.array([50]))
    assert rows.of(np.array([49, 3]))[:, 0].tolist() == [49, 3]
