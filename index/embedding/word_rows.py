"""A model's word vectors, kept out of its ONNX file: a row is read from disk when a text first uses it.

The table is half of a small model (30,522 rows of 384 float32: 47 MB), and questions and articles use a few thousand
rows. Mapping the file would not do: the kernel maps sixteen pages around each that is touched, soon nearly all of them.
"""

import threading
import weakref
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["ROWS", "WORDS", "WordRows", "set_apart"]

WORDS = "words.npy"
ROWS = "word_rows"  # the input of the graph that takes their place
FEWEST_BYTES = 1 << 20  # of a table that is worth it
KEPT = 4096  # rows in memory: 6 MB of 384 numbers, more words than 500 questions and what they found use


def set_apart(model: Path) -> tuple[str, ...]:
    """Moves the largest table that the graph looks up by one of its inputs from model.onnx into words.npy beside it.

    The graph takes the rows, `(texts, tokens, dimension)` float32, as the input `word_rows` instead. Returns the names
    of the model's files: model.onnx, and words.npy where there is such a table.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    whole = onnx.load(str(model))
    graph = whole.graph
    inputs = {each.name: each for each in graph.input}
    uses = [name for node in graph.node for name in node.input]
    tables = {each.name: each for each in graph.initializer if each.data_type == TensorProto.FLOAT}
    looked_up = [
        node
        for node in graph.node
        if node.op_type == "Gather" and node.input[0] in tables and node.input[1] in inputs
        if uses.count(node.input[0]) == 1 and len(tables[node.input[0]].dims) == 2
        if all(each.i == 0 for each in node.attribute if each.name == "axis")
    ]
    if not looked_up:
        return (model.name,)
    node = max(looked_up, key=lambda each: tables[each.input[0]].dims[0])
    table = numpy_helper.to_array(tables[node.input[0]])
    if table.nbytes < FEWEST_BYTES:
        return (model.name,)
    np.save(model.with_name(WORDS), np.ascontiguousarray(table), allow_pickle=False)
    axes = [each.dim_param or each.dim_value for each in inputs[node.input[1]].type.tensor_type.shape.dim]
    graph.input.append(helper.make_tensor_value_info(ROWS, TensorProto.FLOAT, [*axes, table.shape[1]]))
    for other in graph.node:
        for place, name in enumerate(other.input):
            if name == node.output[0]:
                other.input[place] = ROWS
    graph.initializer.remove(tables[node.input[0]])
    graph.node.remove(node)
    onnx.checker.check_model(whole)
    onnx.save(whole, str(model))
    return (model.name, WORDS)


class WordRows:
    """The rows of words.npy; those used last stay in memory."""

    def __init__(self, path: Path) -> None:
        self.table: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
        assert isinstance(self.table, np.memmap)
        count, width = self.table.shape
        self.first_byte, self.bytes_of_a_row = self.table.offset, width * self.table.itemsize
        self.file = path.open("rb", buffering=0)
        weakref.finalize(self, self.file.close)
        self.kept = np.empty((min(KEPT, count), width), dtype=np.float32)
        self.places = np.full(count, -1, dtype=np.int32)  # of a word in `kept`; -1: not there
        self.used = 0
        self.lock = threading.Lock()

    def of(self, words: NDArray[np.int64]) -> NDArray[np.float32]:
        """`(*words.shape, dimension)`: the rows of these words, by number."""
        with self.lock:
            distinct = np.unique(words)
            if len(distinct) > len(self.kept):
                return np.asarray(self.table[words])
            missing = distinct[self.places[distinct] < 0]
            if self.used + len(missing) > len(self.kept):
                self.places[:] = -1
                self.used, missing = 0, distinct
            for word in missing.tolist():
                self.file.seek(self.first_byte + word * self.bytes_of_a_row)
                if self.file.readinto(self.kept[self.used].data) != self.bytes_of_a_row:
                    raise OSError(f"{self.file.name} ends before row {word}")
                self.places[word] = self.used
                self.used += 1
            rows: NDArray[np.float32] = self.kept[self.places[words]]
            return rows
