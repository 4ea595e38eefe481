"""Articles of generations that are no longer served."""

import shutil
from pathlib import Path

import pytest
from conftest import index, with_models

from index.generation import published
from index.past import KEPT, PastGenerations
from index.store import Store


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, models: Path) -> tuple[Path, list[str]]:
    """A home with four generations of one article of a sentence, and their names, oldest first."""
    folder = tmp_path_factory.mktemp("past")
    home, article = with_models(folder / "home", models), folder / "articles" / "mill.md"
    article.parent.mkdir()
    found = []
    for year in range(1991, 1995):
        article.write_text(f"# The mill talks\n\nTwo villages met at a mill in {year}.\n", encoding="utf-8")
        found.append(index(home, article.parent, keep_generations=9).generation.name)
    return home, found


@pytest.fixture
def home(made: tuple[Path, list[str]], tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(made[0], tmp_path / "home", symlinks=True)
    return tmp_path / "home"


@pytest.fixture
def names(made: tuple[Path, list[str]]) -> list[str]:
    return made[1]


def said(past: PastGenerations, name: str) -> str:
    documents = past.documents(name)
    document = documents.document("mill") if documents else None
    return document.text[-5:] if document else ""


FDS = Path("/proc/self/fd")


def open_stores() -> int:
    return sum("store.sqlite" in str(link.readlink()) for link in FDS.iterdir() if link.is_symlink())


def test_each_generation_has_its_own_words(home: Path, names: list[str]) -> None:
    past = PastGenerations(home)
    assert [said(past, name) for name in names] == ["1991.", "1992.", "1993.", "1994."]
    documents = past.documents(names[0])
    assert documents
    assert documents.document("none") is None


@pytest.mark.skipif(not FDS.is_dir(), reason="counts in /proc")
def test_the_two_asked_for_last_stay_open_and_readable(home: Path, names: list[str]) -> None:
    past = PastGenerations(home)
    before = open_stores()
    for name in [*names, names[2]]:
        said(past, name)
    assert list(past.stores) == [names[3], names[2]]
    assert open_stores() == before + KEPT
    shutil.rmtree(home / "generations")
    assert [said(past, name) for name in names] == ["", "", "1993.", "1994."]
    del past
    assert open_stores() == before


def test_a_store_that_was_served_is_held(home: Path, names: list[str]) -> None:
    past = PastGenerations(home)
    past.keep(names[0], Store(home / "generations" / names[0] / "store.sqlite"))
    shutil.rmtree(home / "generations" / names[0])
    assert said(past, names[0]) == "1991."


def test_f12_a_damaged_one_is_not_read(home: Path, names: list[str]) -> None:
    folders = [home / "generations" / name for name in names]
    store = folders[0] / "store.sqlite"
    whole = store.read_bytes()
    for offset in range(0, len(whole), len(whole) // 20):
        store.write_bytes(whole[:offset] + bytes([whole[offset] ^ 1]) + whole[offset + 1 :])
        assert PastGenerations(home).documents(names[0]) is None
    store.write_bytes(whole[:-1])
    assert PastGenerations(home).documents(names[0]) is None
    store.unlink()
    assert PastGenerations(home).documents(names[0]) is None
    (folders[1] / "manifest.json").write_bytes(b"{}")
    assert PastGenerations(home).documents(names[1]) is None
    (folders[2] / "manifest.json").write_bytes((folders[3] / "manifest.json").read_bytes())  # another's
    assert PastGenerations(home).documents(names[2]) is None
    assert published(home) == names[::-1]


@pytest.mark.parametrize("name", ["", ".", "..", "../generations", "/", "current", "x\0y", ".unfinished-x", "ä" * 300])
def test_a_name_from_elsewhere_names_nothing(home: Path, names: list[str], name: str) -> None:
    (home / "generations" / ".unfinished-x").mkdir()
    assert PastGenerations(home).documents(name) is None


def test_an_empty_home_has_none(tmp_path: Path) -> None:
    assert PastGenerations(tmp_path / "none").documents("any") is None
