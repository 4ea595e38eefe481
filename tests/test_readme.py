"""The documents are checked by a machine: README's commands run, its tree and Python are true, the pins are whole."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import IN_FULL, ROOT, with_models

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.S)
    for line in block.splitlines()
    if line.startswith(".venv/bin/python app.py")
]
GOLD = ("answers", "gate", "sweep", "report", "regress")  # of `eval`
OWN_FOLDER = {"~/my-articles": "articles", "~/my-index": "own-home"}


def test_there_are_commands_to_check() -> None:
    assert len(COMMANDS) >= 9
    assert {"make run", "make test"} <= {line.split("#")[0].strip() for line in README.splitlines()}


@pytest.mark.slow
@pytest.mark.long
def test_the_commands_run(tmp_path: Path, models: Path, whole_library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but `serve`, in the order of the README, from a new home; `make run` has the page's own tests.

    What asks all gold questions is only read, with its options, and run by `make long`.
    """
    home = with_models(tmp_path / "home", models)
    shutil.copytree(whole_library / "cache", home / "cache")  # which saves a minute of embedding
    (own := with_models(tmp_path / "own-home", models)).joinpath("unused").touch()
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "mill.md").write_text("# The mill talks\n\nTwo villages met at a mill in 1991.\n")
    monkeypatch.setenv("BACKCHANNEL_HOME", str(home))
    for command in COMMANDS:
        words = shlex.split(command)
        if words[2] == "serve":
            continue
        if words[2] == "eval" and words[3] in GOLD and not IN_FULL:
            words.append("--help")
        words = [str(tmp_path / OWN_FOLDER[word]) if word in OWN_FOLDER else word for word in words]
        done = subprocess.run([sys.executable, *words[1:]], cwd=ROOT, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert done.stdout
    assert (own / "current").exists()


def test_the_python_of_the_readme(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.S)
    assert len([line for line in code.splitlines() if line]) == 3
    exec(compile(code.replace('"var"', repr(str(library))), "README.md", "exec"), {})
    text, quote = capsys.readouterr().out.strip().split("\n")
    assert quote in text


def test_the_tree_is_the_repository() -> None:
    (tree,) = re.findall(r"## The tree\n\n```\n(.*?)```", README, re.S)
    named = [line.split()[0].rstrip("/") for line in tree.splitlines()]
    assert all((ROOT / name).exists() for name in named)
    packages = {
        path.parent.relative_to(ROOT).as_posix()
        for name in ("assistant", "evals", "index")
        for path in (ROOT / name).rglob("__init__.py")
    }
    assert packages <= set(named)
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    assert {name.replace("/", ".") for name in packages} == listed, "pyproject.toml lists every package by hand"


def test_the_screenshot_is_small() -> None:
    (path,) = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert 10_000 < (ROOT / path).stat().st_size < 300_000


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line) for line in lines)
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines}
    names = {re.split(r"[<>=\[~!]", each)[0].strip().lower().replace("_", "-") for each in wanted}
    assert names <= pinned


def test_help_names_every_command() -> None:
    shown = subprocess.run([sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True).stdout
    for command in ("ask", "search", "serve", "replay", "export", "feedback", "settings", "index", "eval"):
        assert re.search(rf"^  {command} ", shown, re.M)
