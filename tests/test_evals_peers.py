"""The comparison with other libraries: windows, best windows, ratios and the table by hand; ours through the driver."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import DATA
from typer.testing import CliRunner

from evals.collections import read_beir
from evals.commands.peers import peers as command
from evals.errors import EvalsError
from evals.peers import environments, running
from evals.peers.driver import Found, ask, best, memory, read_documents, run, windows
from evals.peers.environments import OURS, PEERS, bounded, chosen, environment, surroundings
from evals.peers.results import Compared, Measured
from evals.peers.running import measure_system, run_peers, sample
from evals.peers.table import NOTES, show
from evals.statistics import paired_interval
from index.progress import silent

BEIR = DATA / "beir_small"
QUERIES = ("a", "b", "c", "d")


def measured(name: str, quality: Sequence[float], times: Sequence[float], memory_mb: float | None = 500.0) -> Measured:
    """A made result: nDCG@10 and milliseconds of the first queries, as many as are given."""
    names = QUERIES[: len(times)]
    values = dict(zip(names, quality, strict=True))
    return Measured(
        name,
        "1.0",
        import_s=len(name) / 10,
        index_s=20.0,
        ready_mb=memory_mb,
        peak_mb=memory_mb,
        latencies_ms=dict(zip(names, times, strict=True)),
        scores={query: {} for query in names},
        values=dict.fromkeys(("nDCG@10", "R@10", "RR@10"), values),
    )


def made(home: Path) -> Path:
    """The home with the folder of the peers."""
    (home / "peers").mkdir()
    return home


@pytest.fixture
def compared() -> Compared:
    """Ours, a peer of all four queries, and one whose time was up after two."""
    ours = measured("ours", [1.0, 0.5, 0.5, 0.0], [4.0, 6.0, 8.0, 10.0], 400.0)
    slow = measured("slow", [0.5, 0.5], [100.0, 300.0], None)
    fast = measured("fast", [0.5, 0.5, 0.25, 0.25], [20.0, 20.0, 20.0, 24.0])
    return Compared("village", 1200, 4, ours, (slow, fast), {"gone": "it was ended after 5 s (see the log)"})


def test_windows_have_their_words_once_and_the_title_in_front() -> None:
    documents = [
        {"_id": "x", "title": "A title", "text": "one two\nthree  four five"},
        {"_id": "y", "title": "", "text": "six"},
        {"_id": "z", "title": "Alone", "text": ""},
    ]
    cut, owners = windows(documents, 2)
    assert [each["text"] for each in cut] == [
        "A title\none two",
        "A title\nthree four",
        "A title\nfive",
        "six",
        "Alone",
    ]
    assert [each["_id"] for each in cut] == ["0", "1", "2", "3", "4"]
    assert owners == {"0": "x", "1": "x", "2": "x", "3": "y", "4": "z"}


def test_a_window_has_160_words() -> None:
    text = " ".join(str(number) for number in range(321))
    cut, _ = windows([{"_id": "x", "title": "", "text": text}])
    assert [len(each["text"].split()) for each in cut] == [160, 160, 1]
    assert " ".join(each["text"] for each in cut) == text


def test_a_document_has_the_score_of_its_best_window() -> None:
    assert best([("0", 0.25), ("2", -0.5), ("1", 0.75)], {"0": "x", "1": "x", "2": "y"}) == {"x": 0.75, "y": -0.5}
    assert best([("x", 0.25), ("x", 0.5)], {}) == {"x": 0.5}  # passages of ours come by their document


class Shelf:
    """A system that finds the documents of the query's words, in their order; it notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def load(self) -> None:
        self.documents: list[dict[str, str]] = []

    def index(self, documents: list[dict[str, str]]) -> None:
        self.documents = documents

    def search(self, query: str, k: int) -> Found:
        self.asked.append(query)
        found = [each["_id"] for each in self.documents if set(query.split()) & set(each["text"].split())]
        return [(name, 1.0 / place) for place, name in enumerate(found[:k], 1)]


def test_the_driver_measures_a_system(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text('{"_id": 7, "title": "The well", "text": "a rope"}\n\n{"_id": "mill", "text": "a stream"}\n')
    assert read_documents(corpus)[0] == {"_id": "7", "title": "The well", "text": "a rope"}
    job = {"corpus": str(corpus), "documents": None, "whole": False, "package": "pytest", "budget": 9.0}
    shelf = Shelf()
    found = run(shelf, job | {"queries": [["q1", "stream"], ["q2", "a well"]]})
    assert found["scores"] == {"q1": {"mill": 1.0}, "q2": {"7": 1.0, "mill": 0.5}}
    assert list(found["latencies_ms"]) == ["q1", "q2"]
    assert found["version"] == pytest.__version__
    assert shelf.asked[-2:] == ["stream", "a well"]
    assert len(shelf.asked) == 5  # three untimed ones before
    assert 0 < found["ready_mb"] <= found["peak_mb"]
    assert memory("VmNothing") is None
    few = run(Shelf(), job | {"queries": [], "documents": 1, "whole": True})
    assert few["scores"] == {}


def test_no_query_is_asked_once_the_time_is_up() -> None:
    shelf = Shelf()
    shelf.load()
    assert ask(shelf, [["q1", "x"], ["q2", "y"]], {}, budget=0.0)["scores"] == {}
    assert list(ask(shelf, [["q1", "x"], ["q2", "y"]], {}, budget=1e-9)["scores"]) == ["q1"]


def test_the_sample_is_the_same_for_every_system() -> None:
    collection = read_beir(BEIR)
    whole = sample(collection, 0)
    assert sorted(whole) == sorted(collection.judged.items())
    assert sample(collection, 3) == whole[:3]
    assert sample(collection, 99) == whole


def test_a_peer_is_compared_on_the_queries_that_it_was_asked(compared: Compared) -> None:
    slow, fast = compared.peers
    # Ours on a and b: nDCG 0.75, p50 5 ms; on all: 0.5 and 7 ms.
    assert compared.ratios(slow)["nDCG@10"] == pytest.approx(0.5 / 0.75)
    assert compared.ratios(slow)["p50_ms"] == pytest.approx(200 / 5)
    assert compared.ratios(slow)["ready_mb"] is None
    assert compared.ratios(fast)["nDCG@10"] == pytest.approx(0.375 / 0.5)
    assert compared.ratios(fast)["p50_ms"] == pytest.approx(20 / 7)
    assert compared.ratios(fast)["peak_mb"] == 1.25
    assert compared.ratios(fast)["import_s"] == 1.0
    difference, interval = compared.difference(fast)
    assert difference == pytest.approx(-0.125)
    assert interval == paired_interval([1.0, 0.5, 0.5, 0.0], [0.5, 0.5, 0.25, 0.25])
    assert compared.share_of_fastest() == (pytest.approx(7 / 20), "fast")


def test_the_table_is_markdown_with_every_figure(compared: Compared) -> None:
    said, table, aims, gone, notes = show([compared]).split("\n\n")
    assert said == "village: 1,200 documents, 4 queries"
    head, rule, ours, slow, fast = table.splitlines()
    assert head == (
        "| system | queries | nDCG@10 | R@10 | RR@10 | nDCG@10 less ours | import s | index s | p50 ms | p95 ms | MB | "
        "peak MB |"
    )
    assert rule == "| --- |" + " ---: |" * 11
    # p95 of 4 6 8 10 lies 0.85 of the way from 8 to 10, as numpy interpolates.
    assert ours == "| ours 1.0 | 4 | 0.5000 | 0.5000 | 0.5000 |  | 0.40 | 20.0 | 7.0 | 9.7 | 400 | 400 |"
    assert slow.startswith("| slow 1.0 | 2 of 4 | 0.5000 (0.67) | 0.5000 (0.67) | 0.5000 (0.67) | -0.2500 [-0.5000, ")
    assert slow.endswith(" | 0.40 (1.00) | 20.0 (1.00) | 200.0 (40.00) | 290.0 (49.15) | - | - |")
    assert fast.endswith(" | 20.0 (2.86) | 23.4 (2.41) | 500 (1.25) | 500 (1.25) |")
    assert aims == (
        "Our p50 is 0.35 of the fastest peer's, fast (aim: at most 0.35). "
        "Our nDCG@10 less that of the best peer, fast: +0.1250 (aim: not below 0)."
    )
    assert gone == "gone was not measured: it was ended after 5 s (see the log)."
    assert notes == NOTES


def test_json_has_every_value(compared: Compared) -> None:
    found = json.loads(json.dumps(compared.to_json(), allow_nan=False))
    assert list(found) == ["name", "documents", "queries", "ours", "peers", "failures"]
    slow, fast = found["peers"]
    assert (slow["name"], slow["queries"], slow["p50_ms"], slow["ready_mb"]) == ("slow", 2, 200.0, None)
    assert fast["nDCG@10_to_ours"]["difference"] == pytest.approx(-0.125)
    assert fast["per_query"]["RR@10"] == {"a": 0.5, "b": 0.5, "c": 0.25, "d": 0.25}
    assert list(fast["ratios"]) == [
        *("nDCG@10", "R@10", "RR@10", "import_s", "index_s", "p50_ms", "p95_ms", "ready_mb", "peak_mb")
    ]


def test_the_peers_are_chosen_by_name() -> None:
    assert chosen([]) == PEERS
    assert [each.name for each in chosen(["haystack", "txtai", "txtai"])] == ["txtai", "haystack"]
    with pytest.raises(EvalsError) as caught:
        chosen(["txtai", "langchain"])
    assert str(caught.value) == (
        "There is no peer 'langchain'. Choose from txtai, llama-index, haystack: "
        "python app.py eval peers DIR --only txtai"
    )


@pytest.mark.parametrize("system", PEERS, ids=lambda each: each.key)
def test_requirements_are_exact_and_share_the_model_libraries(system: environments.System) -> None:
    pins = [line for line in system.requirements.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert all("==" in pin for pin in pins)
    ours = (environments.HERE.parent.parent / "constraints.txt").read_text(encoding="utf-8").splitlines()
    shared = [pin for pin in pins if pin.split("==")[0] in ("torch", "sentence-transformers", "transformers")]
    assert len(shared) == 3
    assert set(shared) <= set(ours)
    assert any(pin.startswith(f"{system.package}==") for pin in pins)


def test_adapters_are_short_and_each_system_has_one() -> None:
    found = {path.stem.removeprefix("adapter_"): path for path in environments.HERE.glob("adapter_*.py")}
    assert set(found) == {each.key for each in (OURS, *PEERS)}
    for path in found.values():
        assert len(path.read_text(encoding="utf-8").splitlines()) < 60


def test_an_environment_is_made_again_when_its_requirements_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def make(command: Sequence[str], *_: object) -> str:
        made.append(" ".join(command[1:4]))
        if "venv" in command:
            interpreter = Path(command[-1]) / "bin" / "python"
            interpreter.parent.mkdir(parents=True, exist_ok=True)
            interpreter.touch()
        return ""

    monkeypatch.setattr(environments, "bounded", make)
    monkeypatch.setattr(environments, "HERE", tmp_path)
    (tmp_path / "txtai.txt").write_text("txtai==1.0\n")
    assert environment(PEERS[0], tmp_path) == tmp_path / "peers" / "txtai" / "bin" / "python"
    assert made == ["-m venv --clear", "-m pip install", "-m pip install"]
    environment(PEERS[0], tmp_path)
    assert len(made) == 3
    (tmp_path / "txtai.txt").write_text("txtai==2.0\n")
    environment(PEERS[0], tmp_path)
    assert len(made) == 6
    assert environment(OURS, tmp_path) == Path(sys.executable)


def test_an_environment_that_cannot_be_made_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "bounded", lambda *_: "it ended with 1 and said: No such release")
    with pytest.raises(EvalsError) as caught:
        environment(PEERS[0], tmp_path)
    assert str(caught.value) == (
        f"The environment of txtai could not be made in {tmp_path / 'peers' / 'txtai'}: it ended with 1 and said: "
        "No such release. Mend that and run again, or leave it out: "
        "python app.py eval peers DIR --only llama-index"
    )
    assert not (tmp_path / "peers" / "txtai" / environments.STAMP).exists()


def test_a_process_is_bounded_and_says_why_it_failed(tmp_path: Path) -> None:
    def python(code: str, seconds: float = 20.0) -> str:
        return bounded([sys.executable, "-S", "-c", code], tmp_path / "log", seconds, surroundings())

    assert python("print('well')") == ""
    assert (tmp_path / "log").read_text() == "well\n"
    assert python("print('b.'); print('WARNING: a'); raise SystemExit(3)") == (
        f"it ended with 3 and said: b (see {tmp_path / 'log'})"
    )
    assert python("while True: pass", 0.2) == "it was ended after 0.2 s"
    assert bounded([str(tmp_path / "none")], tmp_path / "log", 1.0, {}) == (
        f"{tmp_path / 'none'} cannot be run (No such file or directory)"
    )


def test_nothing_of_our_settings_reaches_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKCHANNEL_DEPTH", "7")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    found = surroundings({"OMP_NUM_THREADS": "1"})
    assert not [name for name in found if name.startswith(("BACKCHANNEL_", "PYTHON"))]
    assert found["OMP_NUM_THREADS"] == "1"
    assert found["PATH"] == os.environ["PATH"]


def test_a_peer_that_fails_has_a_reason(tmp_path: Path) -> None:
    job = {"adapter": "nothing", "model": "", "corpus": "", "budget": 1.0}
    said = measure_system(PEERS[0], Path(sys.executable), job, made(tmp_path), 20.0)
    assert isinstance(said, str)
    assert said.startswith("it ended with 1 and said: ")
    assert said.endswith(f"No module named 'adapter_nothing' (see {tmp_path / 'peers' / 'txtai.log'})")
    assert [path.name for path in (tmp_path / "peers").iterdir()] == ["txtai.log"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "No collection is named. Name a BEIR folder: python app.py eval peers DIR"),
        ([str(BEIR), "--only", "lucene"], "There is no peer 'lucene'. Choose from txtai, llama-index, haystack: "),
        ([str(DATA)], f"{DATA}: it has no corpus.jsonl. A BEIR folder holds corpus.jsonl, queries.jsonl and "),
    ],
)
def test_bad_input_is_one_sentence_before_anything_is_made(tmp_path: Path, words: list[str], said: str) -> None:
    import typer

    alone = typer.Typer()
    alone.command()(command)
    done = CliRunner().invoke(alone, [*words, "--home", str(tmp_path / "home")])
    assert isinstance(done.exception, EvalsError)
    assert str(done.exception).startswith(said)
    assert not (tmp_path / "home").exists()


def test_a_home_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EvalsError, match=r"The peers cannot be run in .*file: .* --home FOLDER$"):
        run_peers([read_beir(BEIR)], (), tmp_path / "file")


def test_ours_failing_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "bounded", lambda *_: "it was ended after 1 s")
    with pytest.raises(EvalsError) as caught:
        running.run_on(read_beir(BEIR), {OURS: Path(sys.executable)}, made(tmp_path), running.Limits(), silent)
    assert str(caught.value) == (
        "Backchannel could not be run on beir_small: it was ended after 1 s. "
        f"See whether this works: python app.py eval retrieval {BEIR}"
    )


@pytest.mark.slow
def test_ours_runs_through_the_driver(home: Path) -> None:
    (found,) = run_peers([read_beir(BEIR)], (), home)
    ours = found.ours
    figures = ours.figures(ours.latencies_ms)
    assert (found.documents, found.queries, found.peers, found.failures) == (6, 4, (), {})
    assert figures["nDCG@10"] == pytest.approx(0.98756, abs=1e-5)  # as `eval retrieval` has it
    assert figures["R@10"] == figures["RR@10"] == 1.0
    assert {query: max(scores, key=scores.__getitem__) for query, scores in ours.scores.items()} == {
        "q1": "sheep-path",
        "q2": "market-day",
        "q3": "well-rope",
        "q4": "bell-tower",
    }
    assert ours.version == "0.1.0"
    assert 0 < figures["p50_ms"] <= figures["p95_ms"]
    assert [path.name for path in (home / "peers").iterdir()] == ["backchannel.log"]  # its home is gone
    assert not (home / "cache").exists()
    assert show([found]).splitlines()[4].startswith("| Backchannel 0.1.0 | 4 | 0.9876 | 1.0000 | 1.0000 |  | ")
