"""History, differences, rollback, clearing, watching."""

import json
import threading
from pathlib import Path

import pytest
from conftest import Run, index
from test_index_building import embedder  # noqa: F401

from index.errors import DamagedIndexError, SourceError
from index.generation import live, published
from index.upkeep import Difference, clear, difference, history, roll_back
from index.watching import changes_in


@pytest.fixture
def three(home: Path, six_articles: Path) -> list[str]:
    """The names of three generations, the oldest first: six articles, one changed, one more."""
    index(home, six_articles)
    (six_articles / "barge.md").write_text("---\ntitle: The barge\n---\n\nIt sank in 1956. Nobody was on it.\n")
    index(home)
    (six_articles / "punt.md").write_text("---\ntitle: The punt\n---\n\nA punt came in 1980 and stayed.\n")
    index(home)
    return sorted(published(home))


def test_history_lists_the_newest_first_with_what_changed(home: Path, three: list[str], run: Run) -> None:
    found = history(home)
    assert [each.name for each in found] == three[::-1]
    assert [each.live for each in found] == [True, False, False]
    assert [each.manifest["changes"]["added"] for each in found] == [1, 0, 6]
    (home / "generations" / three[0] / "manifest.json").write_text("{}")
    assert history(home)[2].fault == f"Generation {three[0]} is damaged: its manifest cannot be read"
    lines = run("index", "history", "--home", home)[1].splitlines()
    assert lines[0].startswith(f"live {three[2]}")
    assert lines[0].endswith("7 articles, 9 passages  1 added")
    assert "cannot be read" in lines[2]


def test_two_generations_are_compared(home: Path, three: list[str], run: Run) -> None:
    assert difference(home, three[0], three[2]) == Difference(("punt",), ("barge",), (), ())
    assert difference(home, three[2], three[0]) == Difference((), ("barge",), (), ("punt",))
    assert json.loads(run("index", "diff", three[0], three[2], "--json", "--home", home)[1])["added"] == ["punt"]
    with pytest.raises(SourceError, match="No generation is called '1999'. See them with: python app.py index history"):
        difference(home, "1999", three[0])
    with pytest.raises(SourceError, match="3 generations begin with '2'"):
        difference(home, "2", three[0])


def test_t23_rollback_goes_one_back_or_to_a_name(home: Path, three: list[str], run: Run) -> None:
    assert roll_back(home).name == three[1] == live(home).name
    assert roll_back(home).name == three[0] == live(home).name
    with pytest.raises(SourceError, match=f"There is no generation before {three[0]}"):
        roll_back(home)
    assert run("index", "rollback", three[2], "--home", home)[0] == 0
    assert live(home).name == three[2]
    assert len(index(home).generation.manifest["counts"]) == 3, "the sources are as they were"


def test_a_rollback_to_a_damaged_generation_is_refused(home: Path, three: list[str]) -> None:
    (home / "generations" / three[1] / "sentences.npy").write_bytes(b"")
    with pytest.raises(DamagedIndexError, match="sentences.npy does not match its manifest"):
        roll_back(home)
    assert live(home).name == three[2]


def test_clearing_keeps_the_live_one(home: Path, three: list[str], run: Run) -> None:
    roll_back(home, three[0])
    assert clear(home, 2) == [three[1]]
    assert published(home) == [three[2], three[0]]
    assert "Removed 1 generation" in run("index", "gc", "--keep", "1", "--home", home)[1]
    assert published(home) == [three[0]]


@pytest.mark.slow
def test_changes_are_told_once_they_have_stood_still(tmp_path: Path) -> None:
    stop = threading.Event()
    seen: list[int] = []

    def watching() -> None:
        for count in changes_in([tmp_path], stop, still=0.4):
            seen.append(count)
            stop.set()

    thread = threading.Thread(target=watching)
    thread.start()
    threading.Event().wait(0.6)
    for number in range(5):
        (tmp_path / f"{number}.md").write_text("x")
        threading.Event().wait(0.1)
    thread.join(20)
    assert not thread.is_alive()
    assert seen == [5]
