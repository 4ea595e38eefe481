"""`eval bulk`: rounds of whole articles, ratios, and what cannot be measured."""

import json
from pathlib import Path

import pytest
from conftest import ARTICLES, Run, with_models

from evals.bulk_speed import Round, measure, portions
from evals.errors import EvalsError
from index.embedding.bulk import EXPORT
from index.readers import scan
from index.settings import IndexSettings


def test_the_ratio_is_of_passages_a_second() -> None:
    assert Round(1500, 50.0, 25.0).ratio == 2.0


def test_rounds_are_of_other_articles_with_enough_passages(home: Path) -> None:
    documents = [each.document for each in scan([ARTICLES]).readings]
    settings = IndexSettings.load(home=home)
    found = portions(documents, settings, 50, 3)
    assert [each for some in found for each in some] == documents[: sum(map(len, found))]
    assert all(some for some in found)
    with pytest.raises(EvalsError, match=r"^The sources have too few passages for 50 rounds of 50; ask for fewer with"):
        portions(documents, settings, 50, 50)


def test_a_round_that_the_calibration_is_not_for(home: Path) -> None:
    with pytest.raises(EvalsError, match=r"^The calibrated way is gone from 1,000 texts on, and a round has 999; ask"):
        next(measure(IndexSettings.load(home=home), [ARTICLES], home, 999, 1))


@pytest.mark.slow
def test_the_command_prints_its_rounds(run: Run, tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("evals.bulk_speed.FEW", "index.embedding.bulk.FEW"):
        monkeypatch.setattr(name, 10)
    monkeypatch.setattr("index.embedding.bulk.ways", lambda: [EXPORT])
    monkeypatch.setattr("index.embedding.bulk.CHECKED", 8)
    home = with_models(tmp_path / "home", models)
    options = ["--passages", 40, "--rounds", 2, "--seconds", 0.1, "--home", home]
    status, out, _ = run("eval", "bulk", ARTICLES, *options)
    assert status == 0
    lines = out.splitlines()
    assert lines[0].startswith("Embedded by: ")
    assert lines[2].startswith("| round | passages | encode a second | ours a second | ratio |")
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[4:6]]
    assert [cell[0] for cell in cells] == ["1", "2"]
    for _, passages, encode, ours, ratio in cells:
        assert int(passages) >= 40
        assert float(ours) / float(encode) == pytest.approx(float(ratio), rel=0.05)
    assert lines[-1].startswith("Median ratio ")
    assert json.dumps(sorted(each.name for each in home.iterdir())) == '["models"]'
