"""Faults of an index, in their short forms (the long ones: `make torture`); codes are those of ../shared/faults.md.

What is killed, struck or raced for runs in processes forked from a `tests/torture.py` of its own, with a made-up
library and embedder; the rest runs here with the real model.
"""

import functools
import io
import json
import os
import select
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import DATA, ROOT, index, with_models
from test_index_building import add, files_of_at_most, opened, opened_index, state
from test_index_embedding import tiny  # noqa: F401
from test_index_generation import resealed

from index.building import Applied, apply
from index.embedding import PACKAGED, Embedder, embedder_digest, open_embedder
from index.errors import BackchannelError, DamagedIndexError, EmbedderError, IndexingError, NoIndexError
from index.filters import Filters
from index.generation import FORMAT, live, measured, newest_whole, verified
from index.searching import LocalIndex, status_of
from index.settings import IndexSettings
from index.upkeep import roll_back

Rows = dict[str, dict[str, Any]]
Torment = Callable[..., Rows]

needs_cc = pytest.mark.skipif(not (shutil.which("cc") or shutil.which("gcc")), reason="no C compiler for the shim")


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """Three articles."""
    return Path(shutil.copytree(DATA / "library", tmp_path / "articles"))


@pytest.fixture(autouse=True)
def embedder(models: Path, monkeypatch: pytest.MonkeyPatch) -> Embedder:
    """The packaged model, opened once for all tests."""
    found = opened(PACKAGED, models)
    for module in ("building", "searching"):
        monkeypatch.setattr(f"index.{module}.open_embedder", lambda *named: found)
    monkeypatch.setattr("index.building.embedder_digest", lambda name: found.digest)
    return found


@pytest.fixture
def _really_opened(embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each model is looked for and opened as it is outside of tests."""
    for module in ("building", "searching"):
        monkeypatch.setattr(f"index.{module}.open_embedder", open_embedder)
    monkeypatch.setattr("index.building.embedder_digest", embedder_digest)


@pytest.fixture(scope="module")
def torment() -> Iterator[Torment]:
    """Runs a case of tests/torture.py with so many trials: its rows by what they say."""
    command = [sys.executable, str(ROOT / "tests" / "torture.py"), "--serve"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BACKCHANNEL_")}
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environment, text=True, bufsize=1
    )
    assert process.stdin
    assert process.stdout

    @functools.cache
    def run(case: str, trials: int) -> Rows:
        process.stdin.write(f"{case} {trials}\n")
        ready, _, _ = select.select([process.stdout], [], [], 300)
        assert ready, f"{case} has said nothing for 300 s"
        return {row["what"]: row for row in json.loads(process.stdout.readline())}

    yield run
    process.stdin.close()
    process.wait(10)
    process.stdout.close()


def bad(rows: Rows) -> dict[str, dict[str, int]]:
    """The bad outcomes, by row."""
    return {what: row["bad"] for what, row in rows.items() if row["bad"]}


def first(rows: Rows) -> str:
    return "; ".join(row["first"] for row in rows.values() if row["first"])


# --- killed


@pytest.mark.slow
@needs_cc
def test_f1_t1_killed_at_every_step_it_is_old_or_new(torment: Torment) -> None:
    rows = torment("f1", 1)
    assert bad(rows) == {}, first(rows)
    trials = {what.partition(": ")[2]: row["trials"] for what, row in rows.items()}
    assert set(trials) == {"publish, and prune", "the first publish", "rollback", "gc"}
    assert trials["publish, and prune"] > 100, "every other step"
    assert min(trials.values()) >= 12


@pytest.mark.slow
@needs_cc
def test_f1_the_sources_of_a_generation_are_remembered_with_it(torment: Torment) -> None:
    rows = torment("f1_sources", 1)
    assert bad(rows) == {}, first(rows)


@pytest.mark.slow
def test_f2_killed_at_random_it_is_old_or_new(torment: Torment) -> None:
    rows = torment("f2", 40)
    assert bad(rows) == {}, first(rows)
    assert [row["trials"] for row in rows.values()] == [40]


@pytest.mark.slow
def test_f3_what_was_acknowledged_is_there_after_a_kill_and_a_power_cut(torment: Torment) -> None:
    rows = torment("f3", 20)
    assert bad(rows) == {}, first(rows)
    assert rows["acknowledged, then kill -9 at once"]["trials"] == 20
    if os.geteuid() == 0 and shutil.which("mkfs.ext4"):
        assert rows["ext4 without power, at once after the acknowledgement"]["trials"] == 4
        assert rows["control: power cut, and nothing was ever synced"]["trials"] == 3, "each of which went wrong"


@pytest.mark.slow
def test_f6_asked_to_stop_it_stops_and_nothing_is_lost(torment: Torment) -> None:
    rows = torment("f6", 6)
    assert bad(rows) == {}, first(rows)
    assert [row["trials"] for row in rows.values()] == [6 + 1]


# --- disks that are full or fail


@pytest.mark.slow
@needs_cc
def test_f4_a_full_disk_is_never_a_success(torment: Torment) -> None:
    rows = torment("f4", 24)
    assert bad(rows) == {}, first(rows)
    assert rows["disk full after every byte of the last 24"]["trials"] == 24 + 2
    assert rows["disk full after every 16 KB (write shim)"]["trials"] > 10


@pytest.mark.slow
@needs_cc
def test_f5_a_call_that_fails_loses_nothing(torment: Torment) -> None:
    rows = torment("f5", 40)
    publishing = {what: row for what, row in rows.items() if "opening" not in what}
    assert bad(rows) == {}, first(rows)
    assert len(publishing) == 4
    assert sum(row["trials"] for row in rows.values()) > 60


@pytest.mark.slow
@needs_cc
def test_f5_a_disk_that_fails_while_an_index_is_opened_is_one_sentence(torment: Torment) -> None:
    rows = torment("f5_opening", 3)
    assert bad(rows) == {}, first(rows)


# --- two at once


@pytest.mark.slow
def test_f8_t2_of_two_publishers_one_is_refused_and_told_by_whom(torment: Torment) -> None:
    rows = torment("f8", 12)
    assert bad(rows) == {}, first(rows)
    assert [row["trials"] for row in rows.values()] == [12]


@pytest.mark.slow
def test_f9_t2_the_lock_of_a_killed_publisher_is_taken_over(torment: Torment) -> None:
    rows = torment("f9", 5)
    assert bad(rows) == {}, first(rows)
    assert [row["trials"] for row in rows.values()] == [5]


@pytest.mark.slow
def test_f10_f11_readers_through_twelve_publishes(torment: Torment) -> None:
    rows = torment("f10", 12)
    assert bad(rows) == {}, first(rows)
    assert rows["8 readers through 12 publishes"]["trials"] > 100
    assert rows["a reader whose generation is pruned keeps it"]["trials"] > 10


# --- files that are not what was published


@pytest.mark.slow
def test_f12_t3_one_flipped_bit_is_found_and_its_file_named(torment: Torment) -> None:
    rows = torment("f12", 10)
    assert bad(rows) == {}, first(rows)
    assert [row["trials"] for row in rows.values()] == [12 * 10 + 1], (
        "store, faiss, npy, manifest, pointer, 7 of tantivy"
    )


@pytest.mark.slow
def test_f13_t3_files_that_are_not_themselves_are_found(torment: Torment) -> None:
    rows = torment("f13", 1)
    assert bad(rows) == {}, first(rows)
    assert [row["trials"] > 100 for row in rows.values()] == [True]


@pytest.mark.slow
def test_f15_t4_crafted_headers_are_refused_before_they_are_parsed(torment: Torment) -> None:
    rows = torment("f15", 40)
    assert rows["crafted headers, refused before they are parsed"]["bad"] == {}, first(rows)
    assert [row["trials"] for row in rows.values()] == [40, 40]


def test_f15_a_flat_index_that_asks_for_more_than_there_is(tmp_path: Path) -> None:
    """Refused by FAISS itself, where it allocates nothing first; see the long form for what it allocates."""
    from index.dense import DenseIndex

    whole = DenseIndex.build(np.eye(4, 8, dtype=np.float32)).to_bytes()
    for offset, number in ((4, 2**31 - 1), (4, 0), (8, 2**60), (8, 2**63 - 1), (8, 5)):
        size = 4 if offset == 4 else 8
        (tmp_path / "a.faiss").write_bytes(whole[:offset] + number.to_bytes(size, "little") + whole[offset + size :])
        with pytest.raises(DamagedIndexError, match="is not a FAISS index"):
            DenseIndex.load(tmp_path / "a.faiss")


def test_f14_manifests_that_were_sealed_by_another_hand(home: Path, articles: Path) -> None:
    made = index(home, articles).generation
    whole = json.loads((made.folder / "manifest.json").read_text())
    entry = {"store.sqlite": 7}
    for changed, said in (
        ({"generation": 7}, "names no files"),
        ({"files": None}, "names no files"),
        ({"files": []}, "names no files"),
        ({"files": {}}, "lexical/.managed.json is not in its manifest"),
        ({"files": {**whole["files"], **entry}}, "store.sqlite does not match its manifest"),
        ({"files": {**whole["files"], "../../current": whole["files"]["store.sqlite"]}}, "../../current is missing"),
        ({"format": 99, "files": None}, f"has format 99; this program reads format {FORMAT}"),
    ):
        (made.folder / "manifest.json").write_text(json.dumps(whole))
        (made.folder / "manifest.json").write_text(resealed(made.folder, **changed))
        with pytest.raises(DamagedIndexError) as found:
            newest_whole(home)
        assert said in str(found.value)


# --- formats


@pytest.mark.parametrize("other", [1, 2, 3, 99])
def test_f48_an_index_of_another_format_is_refused_and_rebuilt_and_kept(
    home: Path,
    articles: Path,
    other: int,
) -> None:
    old = index(home, articles).generation
    (old.folder / "manifest.json").write_text(resealed(old.folder, format=other))
    kept = {path.name: path.read_bytes() for path in old.folder.iterdir() if path.is_file()}
    before = state(home)
    said = f"Generation {old.name} has format {other}; this program reads format {FORMAT}"
    for opening in (opened_index, lambda home: status_of(IndexSettings.load(home=home)), roll_back):
        with pytest.raises(BackchannelError) as found:
            opening(home)
        assert "\n" not in str(found.value)
        assert said in str(found.value) or "no generation before" in str(found.value)
    assert state(home) == before
    done = index(home)
    assert (done.published, done.embedded) == (True, 0)
    assert {path.name: path.read_bytes() for path in old.folder.iterdir() if path.is_file()} == kept
    with pytest.raises(DamagedIndexError, match=said):
        roll_back(home)
    assert live(home) == done.generation


def test_f48_a_newer_format_beside_ours_is_passed_over_with_a_warning(home: Path, articles: Path) -> None:
    ours = index(home, articles).generation
    add(articles / "mill-talks.md", "\nOne more line.\n")
    newer = index(home).generation
    (newer.folder / "manifest.json").write_text(resealed(newer.folder, format=99))
    found = opened_index(home)
    assert found.generation == ours
    assert found.warning == (
        f"Generation {newer.name} has format 99; this program reads format {FORMAT}. Serving generation {ours.name} "
        f"instead; mend with: python app.py index apply"
    )


# --- what maintainers do by mistake


def applied(home: Path, *sources: Path, **settings: object) -> Applied:
    """`index apply`, without `--yes`."""
    return apply(IndexSettings.load(home=home, **settings), sources)


def everything(home: Path) -> dict[str, bytes]:
    """All that an index has and remembers, byte for byte."""
    return {**state(home), "register.json": (home / "register.json").read_bytes()}


def empty(articles: Path) -> list[Path]:
    (articles.parent / "empty").mkdir()
    return [articles.parent / "empty"]


def unmounted(articles: Path) -> list[Path]:
    for path in articles.iterdir():
        path.unlink()
    return []


def gone(articles: Path) -> list[Path]:
    shutil.rmtree(articles)
    return []


def missing(articles: Path) -> list[Path]:
    return [articles, articles.parent / "missing"]


def missing_file(articles: Path) -> list[Path]:
    return [articles / "no-such-article.md"]


def dangling(articles: Path) -> list[Path]:
    (articles.parent / "link").symlink_to("nowhere")
    return [articles.parent / "link"]


def only_hidden(articles: Path) -> list[Path]:
    for path in list(articles.iterdir()):
        path.rename(path.with_name(f".{path.name}"))
    return []


def only_pictures(articles: Path) -> list[Path]:
    for path in list(articles.iterdir()):
        path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
        path.rename(path.with_suffix(".png"))
    return []


def all_empty(articles: Path) -> list[Path]:
    for path in articles.iterdir():
        path.write_bytes(b"")
    return []


def one_of_two_unmounted(articles: Path) -> list[Path]:
    unmounted(articles)
    return [articles, DATA / "library"]


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (empty, "the folder is empty"),
        (unmounted, "the folder is empty"),
        (gone, "There is no"),
        (missing, "There is no"),
        (missing_file, "There is no"),
        (dangling, "There is no"),
        (only_hidden, "the folder is empty"),
        (only_pictures, "no reader for .png"),
        (all_empty, "there is no text in it"),
        (one_of_two_unmounted, "holds no article now, though the index has some of it"),
    ],
)
def test_f20_sources_that_are_not_there_remove_nothing(
    home: Path,
    articles: Path,
    mistake: Callable[[Path], list[Path]],
    said: str,
) -> None:
    wrapped = articles / "wrapped.txt"
    shutil.copy(DATA / "wrapped.txt", wrapped)
    index(home, articles)
    sources = mistake(articles)
    before = everything(home)
    with pytest.raises(IndexingError) as found:
        applied(home, *sources)
    assert said in str(found.value)
    assert "\n" not in str(found.value)
    assert everything(home) == before
    assert opened_index(home).status().documents == 4


def another_library(home: Path, articles: Path) -> None:
    other = articles.parent / "other"
    other.mkdir()
    for name in ("mill-talks.md", "wrapped.txt"):
        shutil.copy(DATA / "library" / name if name == "mill-talks.md" else DATA / name, other)
    applied(home, other)


def wrong_embedder(home: Path, articles: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("index.building.open_embedder", open_embedder)
        patch.setattr("index.building.embedder_digest", embedder_digest)
        applied(home, embedder="no-such/model")


def half_read(home: Path, articles: Path) -> None:
    (articles / "mill-talks.md").write_bytes(b"\0\0\0\0")
    applied(home)


def full_disk(home: Path, articles: Path) -> None:
    add(articles / "mill-talks.md", "\nOne more line.\n")
    with files_of_at_most(8192):
        applied(home)


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        pytest.param(wrong_embedder, "The embedder no-such/model cannot be loaded", marks=pytest.mark.slow),
        (lambda home, articles: applied(home, *empty(articles)), "the folder is empty"),
        (half_read, "the article mill-talks of the live index would be lost"),
        (lambda home, articles: applied(home, *missing(articles)), "There is no"),
        (another_library, "2 of 3 articles would be removed"),
        (full_disk, "The index could not be written to"),
    ],
    ids=["wrong-embedder", "empty-folder", "half-read-folder", "missing-source", "another-library", "full-disk"],
)
def test_t24_the_live_index_is_byte_identical_after_each_mistake(
    home: Path,
    articles: Path,
    mistake: Callable[[Path, Path], object],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index(home, articles)
    before = everything(home)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(IndexingError) as found:
        mistake(home, articles)
    assert said in str(found.value)
    assert "\n" not in str(found.value)
    assert everything(home) == before
    assert newest_whole(home)[1] == ""


# --- a cold start


def forbidden(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """No network; the attempts."""
    tried: list[object] = []

    def refuse(*arguments: object, **named: object) -> None:
        tried.append(arguments)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return tried


@pytest.mark.slow
@pytest.mark.usefixtures("_really_opened")
def test_f46_without_a_network_all_of_it_works_and_none_is_asked_for(
    home: Path,
    articles: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = forbidden(monkeypatch)
    index(home, articles)
    found = opened_index(home)
    (best, _), *_ = found.by_vector(found.embedder.embed_query("Who met in the mill?"), 1, Filters())
    assert found.passages([best])[0].doc_id == "mill-talks"
    assert tried == []


def test_f46_no_index(tmp_path: Path) -> None:
    with pytest.raises(NoIndexError, match=f"No index at {tmp_path}. Build one with: python app.py index apply"):
        opened_index(tmp_path)


@pytest.mark.usefixtures("_really_opened")
def test_f46_no_model(home: Path, articles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index(home, articles)
    tried = forbidden(monkeypatch)
    monkeypatch.setattr("index.embedding.models.importlib.util.find_spec", lambda name: None)
    (home / "models").unlink()
    with pytest.raises(EmbedderError, match=f"The package {PACKAGED} is not installed. Install it with: make run"):
        opened_index(home)
    assert tried == []


def test_f46_another_model(home: Path, articles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index(home, articles)
    tried = forbidden(monkeypatch)
    with pytest.raises(EmbedderError) as found:
        LocalIndex.open(IndexSettings.load(home=home, embedder="all-mpnet-base-v2"))
    assert str(found.value).startswith(
        f"The index at {home} was built with the embedder {PACKAGED}, but the setting is"
    )
    assert tried == []


def test_f46_another_dimension(
    home: Path,
    articles: Path,
    embedder: Embedder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = index(home, articles).generation
    monkeypatch.setattr(embedder, "dimension", 768)
    with pytest.raises(DamagedIndexError) as found:
        opened_index(home)
    assert str(found.value) == f"The parts of generation {made.name} disagree in size: (5, 5, 17, 384)"


# --- nothing runs what it reads


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[bytes]:
    """A pickle that leaves a file when it is loaded, which is tried first; at the end there must be none."""
    ran = tmp_path / "ran"
    planted = f"cos\nsystem\n(S'touch {ran}'\ntR.".encode()
    subprocess.run(
        [sys.executable, "-c", "import pickle, sys; pickle.load(sys.stdin.buffer)"], input=planted, check=True
    )
    assert ran.exists(), "a canary that cannot sing proves nothing"
    ran.unlink()
    yield planted
    assert not ran.exists()


@pytest.mark.slow
@pytest.mark.usefixtures("_really_opened")
def test_t4_a_planted_pickle_never_runs(
    tmp_path: Path,
    models: Path,
    articles: Path,
    canary: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = tmp_path / "home"
    exported = home / "models" / embedder_digest(PACKAGED)
    exported.mkdir(parents=True)
    for path in (models / exported.name).iterdir():
        (exported / path.name).symlink_to(path)
    first_one = index(home, articles).generation
    add(articles / "mill-talks.md", "\nOne more line.\n")
    second = index(home).generation
    for folder in (home, home / "cache", home / "models", exported):
        for name in ("index.pkl", "docstore.pickle", "pytorch_model.bin", "vectors.joblib"):
            (folder / name).write_bytes(canary)
    assert opened_index(home).generation == second
    assert index(home).published is False
    (second.folder / "index.pkl").write_bytes(canary)
    assert opened_index(home).generation == first_one
    with pytest.raises(DamagedIndexError, match="index.pkl is not in its manifest"):
        verified(home, second.name)
    (second.folder / "index.pkl").unlink()
    (home / "cache" / "vectors.sqlite").write_bytes(canary)
    add(articles / "mill-talks.md", "\nAnd another.\n")
    assert index(home).published
    (home / "sources.json").write_bytes(canary)
    assert index(home).published is False
    (home / "register.json").write_bytes(canary)
    with pytest.raises(DamagedIndexError, match="register.json"):
        index(home)


class Sings:
    """Its pickle runs a command."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


def test_t4_an_array_of_objects_is_not_loaded_even_where_the_manifest_fits(
    home: Path,
    articles: Path,
    canary: bytes,
    tmp_path: Path,
) -> None:
    made = index(home, articles).generation
    file = io.BytesIO()
    np.save(file, np.array([Sings(f"touch {tmp_path / 'ran'}")], dtype=object), allow_pickle=True)
    (made.folder / "sentences.npy").write_bytes(file.getvalue())
    listed = {**made.manifest["files"], "sentences.npy": measured(made.folder / "sentences.npy")}
    (made.folder / "manifest.json").write_text(resealed(made.folder, files=listed))
    verified(home, made.name)
    with pytest.raises(DamagedIndexError, match="cannot be opened .*[Oo]bject"):
        opened_index(home)


@pytest.mark.slow
@pytest.mark.usefixtures("_really_opened")
def test_t19_code_beside_an_embedder_never_runs(
    tiny: Path,  # noqa: F811
    tmp_path: Path,
    models: Path,
    canary: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Beside known weights it is passed over; where the model needs it, it is refused."""
    code = f"import os\nos.system('touch {tmp_path / 'ran'}')\nclass Canary: pass\n"
    names = ("AutoConfig", "AutoModel", "AutoTokenizer")

    def with_code(folder: str, **fields: object) -> Path:
        copy = Path(shutil.copytree(tiny, tmp_path / folder))
        (copy / "modeling_canary.py").write_text(code)
        (copy / "pytorch_model.bin").write_bytes(canary)
        config = json.loads((copy / "config.json").read_text())
        changed = {**config, "auto_map": dict.fromkeys(names, "modeling_canary.Canary"), **fields}
        (copy / "config.json").write_text(json.dumps(changed))
        return copy

    home = with_models(tmp_path / "home", models)
    known = with_code("known")
    made = index(home, DATA / "library", embedder=str(known))
    assert made.generation.manifest["embedder"]["dimension"] == 32
    assert LocalIndex.open(IndexSettings.load(home=home, embedder=str(known))).status().documents == 3
    before = state(home)
    for folder in (with_code("unknown", model_type="no_such_canary"), with_code("pickled")):
        if folder.name == "pickled":
            (folder / "model.safetensors").unlink()
        with pytest.raises(EmbedderError, match="cannot be loaded"):
            index(home, embedder=str(folder))
    assert state(home) == before
