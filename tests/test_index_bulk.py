"""Many texts: which way is taken, what is remembered of it and for which machine, and that all ways give one space."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import ARTICLES, Run, index, with_models

from index.embedding import PACKAGED, OnnxEmbedder, bulk, embedder_digest
from index.embedding.bulk import EXPORT, FEW, ManyTexts, Measured, Way, best, file_of, for_many, remember, remembered
from index.embedding.torch_backend import SentenceTransformerEmbedder
from index.progress import Lines

BF16 = Way("bf16", 8)
TEXTS = [("Two envoys met at the mill, and nobody knew of it for years. " * 9)[: 20 + 30 * at] for at in range(17)]


@pytest.fixture
def export(models: Path, tmp_path: Path) -> OnnxEmbedder:
    """The export through a link, so that what is remembered of it lies in a folder of its own."""
    digest = embedder_digest(PACKAGED)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / digest).symlink_to(models / digest)
    return OnnxEmbedder(tmp_path / "models" / digest, PACKAGED)


@pytest.mark.parametrize(
    ("found", "taken"),
    [
        ([Measured(EXPORT, 50, 1), Measured(BF16, 90, 0.9999)], BF16),
        ([Measured(EXPORT, 50, 1), Measured(BF16, 90, 0.9989)], EXPORT),
        ([Measured(EXPORT, 50, 1), Measured(BF16, 90, float("nan"))], EXPORT),
        ([Measured(EXPORT, 50, 1), Measured(BF16, 52, 0.9999)], EXPORT),
        ([Measured(EXPORT, 50, 1), Measured(Way("onnx", 32), 60, 1), Measured(BF16, 40, 0.9999)], Way("onnx", 32)),
        ([Measured(EXPORT, 50, 1)], EXPORT),
    ],
    ids=["faster", "too far away", "no number", "hardly faster", "larger batches", "nothing else"],
)
def test_the_fastest_that_is_right(found: list[Measured], taken: Way) -> None:
    assert best(found).way == taken


def test_what_was_measured_is_remembered_for_this_machine(
    export: OnnxEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert remembered(export) == EXPORT
    found = [Measured(EXPORT, 50.04, 1), Measured(BF16, 90, 0.99991234)]
    assert remember(export, found).way == BF16
    assert remembered(export) == BF16
    told = json.loads(file_of(export).read_text())
    assert told["measured"][1] == {"kind": "bf16", "batch": 8, "threads": 0, "rate": 90, "cosine": 0.999912}
    assert [each.name for each in file_of(export).parent.iterdir() if each.is_file()] == [file_of(export).name]
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    assert remembered(export) == EXPORT


@pytest.mark.parametrize(
    "way", [{"kind": "gpu", "batch": 8}, {"kind": "bf16", "batch": 0}, {"kind": "bf16", "batch": "8"}]
)
def test_a_way_that_there_is_not_is_passed_over(export: OnnxEmbedder, way: dict[str, object]) -> None:
    file_of(export).write_text(json.dumps({"for": bulk.machine(), "way": way}))
    assert remembered(export) == EXPORT


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"for": {}, "way": {}}', '{"for": 1', "\x00"])
def test_a_file_that_is_none_is_passed_over(export: OnnxEmbedder, text: str) -> None:
    file_of(export).write_text(text)
    assert remembered(export) == EXPORT


def test_few_texts_are_embedded_by_the_export(export: OnnxEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    class Fake:
        """Stands for what `using` opens."""

    monkeypatch.setattr(bulk, "using", lambda base, way: (base, way))
    bulk.opened.cache_clear()
    remember(export, [Measured(EXPORT, 50, 1), Measured(BF16, 90, 1)])
    assert for_many(export, FEW - 1) is export
    assert for_many(export, FEW) == (export, BF16)
    other = Fake()
    assert for_many(other, FEW) is other  # type: ignore[arg-type, comparison-overlap]
    remember(export, [Measured(EXPORT, 50, 1), Measured(Way("cuda", 512), 9000, 1)])
    monkeypatch.setattr(bulk, "has_cuda", lambda: False)
    assert for_many(export, FEW) is export, "the card has gone"
    bulk.opened.cache_clear()


@pytest.mark.slow
def test_all_ways_give_one_space_in_the_order_given(export: OnnxEmbedder) -> None:
    own = SentenceTransformerEmbedder(PACKAGED).embed_passages(TEXTS)
    for made in (ManyTexts(export, Way("bf16", 4)), OnnxEmbedder(export.folder, PACKAGED, 5, 1)):
        rows = made.embed_passages(TEXTS)
        assert (rows.shape, rows.dtype) == ((17, 384), np.float32)
        assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(17), abs=1e-5)
        assert np.vecdot(rows, own).min() >= bulk.AGREES
        assert made.embed_passages([]).shape == (0, 384)
        assert (made.digest, made.backend, made.dimension) == (export.digest, "onnx", 384)


@pytest.mark.slow
def test_a_calibration_on_the_command_line_and_an_index_by_it(
    run: Run, export: OnnxEmbedder, tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured for moments only, so the way that is taken is then set."""
    monkeypatch.setattr(bulk, "ways", lambda: [EXPORT, BF16])
    monkeypatch.setattr(bulk, "CHECKED", 8)
    home = export.folder.parent.parent
    status, out, err = run("index", "calibrate", ARTICLES, "--home", home, "--seconds", 0.1, "--quiet")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["way", "texts/s", "lowest", "cosine"]
    assert [line.split("by")[0].strip() for line in lines[1:3]] == ["ONNX, float32,", "torch, bfloat16,"]
    assert lines[-1].startswith("Taken from 1,000 texts on: ")
    remember(export, [Measured(EXPORT, 1, 1), Measured(BF16, 9, 1)])
    monkeypatch.setattr(bulk, "FEW", 2)
    made = [index(one, ARTICLES / "aceh.md").generation for one in (home, with_models(tmp_path / "other", models))]
    ours, theirs = (np.load(each.folder / "sentences.npy").astype(np.float32) for each in made)
    assert 0.999 < np.vecdot(ours, theirs).min() < 0.99999, "else it was not embedded that way"


def test_too_little_to_measure_with(refused: object, export: OnnxEmbedder, tmp_path: Path) -> None:
    (tmp_path / "one.md").write_text("# One\n\nTwo villages met at a mill.\n")
    said = refused("index", "calibrate", tmp_path / "one.md", "--home", export.folder.parent.parent)  # type: ignore[operator]
    assert said == (
        "The sources have 1 passages; at least 64 are needed to measure with. Name larger ones: "
        "python app.py index calibrate FOLDER"
    )


def test_where_nobody_watches_a_line_a_minute_says_how_fast_it_goes(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    lines = Lines("embedding", 183_000, lambda: now[0])
    for second in range(1, 122):
        now[0] = float(second)
        lines(50)
    assert capsys.readouterr().err.splitlines() == [
        "embedding: 3,000 of 183,000, 50.0 a second, 60 minutes left",
        "embedding: 6,000 of 183,000, 50.0 a second, 59 minutes left",
    ]
