"""Publishing and verifying: old or new and never a mixture, and no byte is parsed that was not hashed."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import DATA, ROOT, index, with_models

from index.errors import DamagedIndexError, LockedError, NoIndexError
from index.filters import Filters
from index.generation import FORMAT, digest_of, live, newest_whole, publish, published, verified, writing_lock
from index.searching import LocalIndex, status_of
from index.settings import IndexSettings


def parts(text: str) -> Callable[[Path], dict[str, Any]]:
    """A made-up generation: two files and one in a folder."""

    def write(folder: Path) -> dict[str, Any]:
        (folder / "store").write_text(text, encoding="utf-8")
        (folder / "empty").touch()
        (folder / "words").mkdir()
        (folder / "words" / "postings").write_bytes(bytes(range(256)))
        return {"content": text}

    return write


def files(home: Path) -> dict[str, bytes]:
    """Every file of a home with its bytes, but for the lock."""
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and path.name != "lock"
    }


def flip(path: Path, offset: int) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:offset] + bytes([whole[offset] ^ 1]) + whole[offset + 1 :])


# --- publishing


def test_the_manifest_lists_every_file_with_size_and_sha256(tmp_path: Path) -> None:
    made = publish(tmp_path, "g1", parts("one"), 3)
    assert (made.name, made.folder, made.size) == ("g1", tmp_path / "generations" / "g1", 3 + 256)
    manifest = json.loads((made.folder / "manifest.json").read_text())
    assert manifest["files"] == {
        "empty": {"sha256": hashlib.sha256(b"").hexdigest(), "size": 0},
        "store": {"sha256": hashlib.sha256(b"one").hexdigest(), "size": 3},
        "words/postings": {"sha256": hashlib.sha256(bytes(range(256))).hexdigest(), "size": 256},
    }
    assert (manifest["format"], manifest["generation"], manifest["content"]) == (4, "g1", "one")
    assert manifest.pop("digest") == digest_of(manifest)
    assert (tmp_path / "current").read_text() == "g1\n"
    assert live(tmp_path) == made
    assert newest_whole(tmp_path) == (made, "")


def test_the_lock_that_tantivy_leaves_late_is_no_part_of_a_generation(tmp_path: Path) -> None:
    """Its watcher may write it a moment after the index was written: CI found it once in a manifest."""

    def write(folder: Path) -> dict[str, Any]:
        (folder / "lexical").mkdir()
        (folder / "lexical" / "meta.json").write_bytes(b"{}")
        (folder / "lexical" / ".tantivy-meta.lock").touch()
        return {"content": "one"}

    made = publish(tmp_path, "g1", write, 3)
    assert set(made.manifest["files"]) == {"lexical/meta.json"}
    (made.folder / "lexical" / ".tantivy-meta.lock").unlink()
    assert verified(tmp_path, "g1") == made


def test_old_generations_are_pruned_and_the_pointer_names_the_new(tmp_path: Path) -> None:
    for i in range(1, 6):
        publish(tmp_path, f"g{i}", parts(str(i)), 3)
        assert live(tmp_path).name == f"g{i}"
    assert published(tmp_path) == ["g5", "g4", "g3"]
    publish(tmp_path, "g6", parts("6"), 1)
    assert published(tmp_path) == ["g6"]


def test_a_clock_that_went_back_prunes_no_live_generation(tmp_path: Path) -> None:
    for name in ("g7", "g8", "g1"):
        publish(tmp_path, name, parts(name), 2)
    assert live(tmp_path).name == "g1"
    assert "g8" in published(tmp_path)


def test_strange_files_beside_the_generations_do_not_count(tmp_path: Path) -> None:
    publish(tmp_path, "g1", parts("1"), 2)
    (tmp_path / "generations" / "zz-notes.txt").touch()
    (tmp_path / "generations" / ".DS_Store").touch()
    publish(tmp_path, "g2", parts("2"), 2)
    assert published(tmp_path) == ["g2", "g1"]


def test_f3_every_file_is_synced_before_the_rename_and_the_pointer_comes_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not on the disk when the pointer moves can be lost by a power cut afterwards."""
    seen: list[str] = []
    fsync, rename, replace = os.fsync, Path.rename, Path.replace

    def name(path: str) -> str:
        return path.removeprefix(str(tmp_path)).replace(".unfinished-", "")

    def synced(descriptor: int) -> None:
        seen.append(f"sync {name(str(Path(f'/proc/self/fd/{descriptor}').readlink()))}")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "rename", lambda path, to: (seen.append(f"rename {name(str(to))}"), rename(path, to))[1])
    monkeypatch.setattr(
        Path, "replace", lambda path, to: (seen.append(f"replace {name(str(to))}"), replace(path, to))[1]
    )
    publish(tmp_path, "g", parts("1"), 3)
    folder = "/generations/g"
    inside = ["", "/empty", "/manifest.json", "/store", "/words", "/words/postings"]
    assert sorted(seen[:6]) == [f"sync {folder}{each}" for each in inside]
    assert seen[6:] == [
        f"rename {folder}",
        "sync /generations",
        "sync /.current.new",
        "replace /current",
        "sync ",
    ]


# --- failures while publishing


class Broken(OSError):
    """The failure that a test injects."""


def test_f5_a_write_that_fails_leaves_the_old_generation_live(tmp_path: Path) -> None:
    publish(tmp_path, "g1", parts("1"), 3)
    before = files(tmp_path)

    def write(folder: Path) -> dict[str, Any]:
        parts("2")(folder)
        raise Broken

    for error in (Broken, KeyboardInterrupt):
        with pytest.raises(error):
            publish(tmp_path, "g2", write if error is Broken else interrupted, 3)
        assert files(tmp_path) == before
        assert [path.name for path in (tmp_path / "generations").iterdir()] == ["g1"]


def interrupted(folder: Path) -> dict[str, Any]:
    (folder / "half").touch()
    raise KeyboardInterrupt


def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fail_at: int) -> int:
    """Publishes g2 over g1 with the `fail_at`-th system call failing; gives the number of calls made."""
    made = 0

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:
            nonlocal made
            made += 1
            if made == fail_at:
                raise Broken(28, "No space left on device")
            return call(*arguments, **named)

        return step

    publish(tmp_path, "g1", parts("1"), 3)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", counted(os.fsync))
        for name in ("rename", "replace", "mkdir", "write_text", "open"):
            patched.setattr(Path, name, counted(getattr(Path, name)))
        try:
            publish(tmp_path, "g2", parts("2"), 3)
        except (Broken, DamagedIndexError):
            assert made >= fail_at
    return made


def test_f5_a_failure_at_any_step_leaves_old_or_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    total = steps(tmp_path / "0", monkeypatch, 0)
    assert total > 20
    assert live(tmp_path / "0").name == "g2"
    for fail_at in range(1, total + 1):
        home = tmp_path / str(fail_at)
        steps(home, monkeypatch, fail_at)
        found, warning = newest_whole(home)
        assert (found.manifest["content"], warning) in (("1", ""), ("2", ""))
        assert (home / "current").read_text() == f"{found.name}\n"
        publish(home, "g3", parts("3"), 3)
        assert live(home).name == "g3"
        left = [path.name for path in [*home.iterdir(), *(home / "generations").iterdir()]]
        assert not [name for name in left if name.startswith(".")], "no rubbish after the next run"


def test_f1_a_folder_left_by_a_killed_process_goes_with_the_next_run(tmp_path: Path) -> None:
    left = tmp_path / "generations" / ".unfinished-g0"
    left.mkdir(parents=True)
    (left / "half").touch()
    assert published(tmp_path) == []
    with pytest.raises(NoIndexError):
        live(tmp_path)
    publish(tmp_path, "g1", parts("1"), 3)
    assert not left.exists()


@pytest.mark.slow
def test_f2_killed_at_random_it_is_old_or_new(tmp_path: Path) -> None:
    """`kill -9` over the whole time that a publish takes; a following publish always succeeds."""
    script = (
        "import sys, time\nfrom pathlib import Path\nsys.path.insert(0, 'tests')\n"
        "from index.generation import publish, writing_lock\nfrom test_index_generation import parts\n"
        "home = Path(sys.argv[1])\nprint('ready', flush=True)\n"
        "with writing_lock(home):\n"
        "    for i in range(2, 10_000):\n        publish(home, f'g{i:05}', parts(str(i)), 3)\n"
    )
    publish(tmp_path, "g00001", parts("1"), 3)
    for trial in range(12):
        process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.01 + 0.013 * trial)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        found, warning = newest_whole(tmp_path)
        assert warning == ""
        assert found.name == f"g{int(found.manifest['content']):05}"
        with writing_lock(tmp_path):
            shutil.rmtree(tmp_path / "generations")
            publish(tmp_path, "g00001", parts("1"), 3)


# --- the pointer


def test_nothing_published_yet(tmp_path: Path) -> None:
    for home in (tmp_path, tmp_path / "not" / "there"):
        with pytest.raises(NoIndexError) as found:
            newest_whole(home)
        assert str(found.value) == f"No index at {home}. Build one with: python app.py index apply"
    assert not (tmp_path / "not").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "is missing"),
        (b"", "names '', which is not there"),
        (b"g9\n", "names 'g9', which is not there"),
        (b"../../etc\n", "names '../../etc', which is not there"),
        (b"\xff\xfe", "cannot be read"),
        (b"x" * 10_000, "names 'xxxxxxxxxx"),
    ],
)
def test_a_pointer_that_points_nowhere(tmp_path: Path, content: bytes | None, said: str) -> None:
    publish(tmp_path, "g1", parts("1"), 3)
    (tmp_path / "current").unlink()
    if content is not None:
        (tmp_path / "current").write_bytes(content)
    with pytest.raises(DamagedIndexError, match=f"The pointer {tmp_path / 'current'} {said}"):
        live(tmp_path)
    found, warning = newest_whole(tmp_path)
    assert found.name == "g1"
    assert warning.startswith(f"The pointer {tmp_path / 'current'} {said}")
    assert warning.endswith(". Serving generation g1 instead; mend with: python app.py index apply")
    assert "\n" not in warning
    assert len(warning) < 400


# --- damage


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Path:
    """A home with two real generations of the small library; tests put back what they damage."""
    home = with_models(tmp_path_factory.mktemp("two") / "home", models)
    index(home, DATA / "library")
    index(home, DATA / "library", DATA / "wrapped.txt")
    LocalIndex.open(IndexSettings.load(home=home))  # tantivy leaves its empty lock file in the folder
    return home


@pytest.fixture
def kept(two: Path) -> Iterator[Path]:
    """The newer of the two generations; put back afterwards."""
    folder = two / "generations" / published(two)[0]
    with_copy = two.parent / "copy"
    shutil.copytree(folder, with_copy)
    yield folder
    shutil.rmtree(folder)
    with_copy.rename(folder)
    assert newest_whole(two)[1] == ""


def test_f12_t3_a_flipped_byte_in_any_file_is_found_before_anything_is_parsed(two: Path, kept: Path) -> None:
    older = published(two)[1]
    names = [path.relative_to(kept).as_posix() for path in sorted(kept.rglob("*")) if path.is_file()]
    names.remove("lexical/.tantivy-meta.lock")
    assert {"manifest.json", "store.sqlite", "passages.faiss", "sentences.npy", "lexical/meta.json"} < set(names)
    for name in names:
        size = (kept / name).stat().st_size
        for offset in {0, size // 4, size // 2, size - 1}:
            flip(kept / name, offset)
            found, warning = newest_whole(two)
            assert found.name == older
            what = "its manifest" if name == "manifest.json" else f"{name} does not match its manifest"
            assert warning.startswith(f"Generation {kept.name} is damaged: {what}")
            assert warning.endswith(f". Serving generation {older} instead; mend with: python app.py index apply")
            assert "\n" not in warning
            flip(kept / name, offset)
    assert newest_whole(two) == (live(two), "")


def test_f13_t3_truncated_missing_extra_and_foreign_files(two: Path, kept: Path) -> None:
    older = two / "generations" / published(two)[1]
    store = kept / "store.sqlite"
    whole = store.read_bytes()

    def said() -> str:
        with pytest.raises(DamagedIndexError) as found:
            verified(two, kept.name)
        return str(found.value).removeprefix(f"Generation {kept.name} is damaged: ")

    for content in (b"", whole[:1], whole[:-1], whole + b"\0", (older / "store.sqlite").read_bytes()):
        store.write_bytes(content)
        assert said() == "store.sqlite does not match its manifest"
    store.unlink()
    assert said() == "store.sqlite is missing, though in its manifest"
    store.mkdir()
    assert said() == "store.sqlite is missing, though in its manifest"
    store.rmdir()
    store.write_bytes(whole)
    (kept / "lexical" / "planted.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    assert said() == "lexical/planted.pkl is not in its manifest"
    (kept / "lexical" / "planted.pkl").unlink()
    (kept / "dangling").symlink_to("nowhere")
    assert said() == "dangling is not in its manifest"
    (kept / "dangling").unlink()
    verified(two, kept.name)


def resealed(folder: Path, **changed: object) -> str:
    """The manifest with other values and a digest that fits them."""
    manifest = {**json.loads((folder / "manifest.json").read_text()), **changed}
    manifest.pop("digest")
    return json.dumps({**manifest, "digest": digest_of(manifest)})


def test_f14_manifests_that_cannot_be_trusted(two: Path, kept: Path) -> None:
    path = kept / "manifest.json"
    whole = path.read_text()

    def said(content: str) -> str:
        path.write_text(content)
        with pytest.raises(DamagedIndexError) as found:
            verified(two, kept.name)
        assert newest_whole(two)[0].name == published(two)[1]
        path.write_text(whole)
        return str(found.value).removeprefix(f"Generation {kept.name} ").removeprefix("is damaged: ")

    for content in ("", "not json", "[]", "null", "7", "{}", '{"digest": "x"}', "[" * 100_000, whole[:-2]):
        assert said(content) == "its manifest cannot be read"
    assert said(whole.replace('"format": 4', '"format": 5')) == "its manifest does not match its own digest"
    assert said(resealed(kept, format=5)) == "has format 5; this program reads format 4"
    assert said(resealed(kept, format=None)) == "has format None; this program reads format 4"
    older = two / "generations" / published(two)[1] / "manifest.json"
    assert said(older.read_text()) == f"The manifest of generation {kept.name} is that of {published(two)[1]}"
    path.unlink()
    assert newest_whole(two)[0].name == published(two)[1]


def test_the_older_generation_answers_and_says_so(two: Path, kept: Path) -> None:
    settings = IndexSettings.load(home=two)
    assert LocalIndex.open(settings).status().documents == 4
    flip(kept / "passages.faiss", 60)
    found = LocalIndex.open(settings)
    assert found.status().documents == 3
    assert found.generation.name in found.warning
    assert status_of(settings) == (found.status(), found.warning)
    (best, _), *_ = found.by_words("mill talks", 3, Filters())
    assert found.passages([best])[0].doc_id == "mill-talks"


def test_with_nothing_whole_left_it_is_an_error(two: Path, kept: Path) -> None:
    older = two / "generations" / published(two)[1] / "sentences.npy"
    flip(kept / "store.sqlite", 5000)
    flip(older, 200)
    try:
        with pytest.raises(DamagedIndexError) as found:
            LocalIndex.open(IndexSettings.load(home=two))
    finally:
        flip(older, 200)
    assert str(found.value) == (
        f"Generation {kept.name} is damaged: store.sqlite does not match its manifest, and no other generation is "
        f"whole. Rebuild with: python app.py index apply"
    )


def test_parts_that_disagree_in_size_are_refused(two: Path, kept: Path) -> None:
    """A manifest that fits its files, but whose files do not fit each other: a bug, or somebody's hand."""
    counts = json.loads((kept / "manifest.json").read_text())["counts"]
    (kept / "manifest.json").write_text(resealed(kept, counts={**counts, "passages": counts["passages"] + 1}))
    with pytest.raises(DamagedIndexError, match="disagree in size"):
        LocalIndex.open(IndexSettings.load(home=two))


def test_f48_a_home_of_an_older_program_says_what_to_do_and_is_rebuilt_without_embedding(
    tmp_path: Path, models: Path
) -> None:
    home = with_models(tmp_path / "home", models)
    settings = IndexSettings.load(home=home)
    old = index(home, DATA / "library").generation
    (old.folder / "manifest.json").write_text(resealed(old.folder, format=FORMAT - 1))
    with pytest.raises(DamagedIndexError) as found:
        LocalIndex.open(settings)
    assert str(found.value) == (
        f"Generation {old.name} has format 3; this program reads format 4, and no other generation is whole. "
        f"Rebuild with: python app.py index apply"
    )
    applied = index(home)
    assert (applied.published, applied.embedded, len(applied.plan.added)) == (True, 0, 3)
    assert LocalIndex.open(settings).warning == ""
    assert not index(home).published


# --- the lock

HOLDER = (
    "import sys, time\nfrom pathlib import Path\nfrom index.generation import writing_lock\n"
    "with writing_lock(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)\n"
)


def test_f8_t2_one_writer_at_a_time_and_the_lock_dies_with_it(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        started = time.perf_counter()
        with pytest.raises(LockedError) as found, writing_lock(tmp_path):
            pass
        assert time.perf_counter() - started < 1
        assert str(found.value) == (
            f"Another process (pid {process.pid}) is publishing in {tmp_path}. Wait for it, then run the command again"
        )
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    with writing_lock(tmp_path):
        assert (tmp_path / "lock").read_text() == str(os.getpid())
    with writing_lock(tmp_path):
        pass


def test_f9_a_lock_left_by_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("999999")
    with writing_lock(tmp_path):
        assert (tmp_path / "lock").read_text() == str(os.getpid())
