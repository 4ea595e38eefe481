"""`index apply`: what it publishes, what it embeds, and what it refuses with the index unchanged."""

import functools
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from conftest import DATA, ROOT, index, with_models

from index.building import apply
from index.embedding import PACKAGED, Embedder, Vectors, open_embedder
from index.errors import (
    DamagedIndexError,
    IndexingError,
    LockedError,
    NoIndexError,
    SourceError,
    UnknownDocumentError,
)
from index.filters import Filters
from index.generation import live, newest_whole, published
from index.planning import CUT_VERSION
from index.progress import Advance, Progress, bars, silent
from index.searching import LocalIndex
from index.settings import IndexSettings


@functools.cache
def opened(name: str, models: Path) -> Embedder:
    """The real embedder, which embeds each text once for all tests of this file and then knows it."""
    found = open_embedder(name, models)
    embed, known = found.embed_passages, dict[str, Vectors]()

    def embed_passages(texts: Sequence[str], progress: Progress = silent) -> Vectors:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, embed(new, progress), strict=True))
        return np.stack([known[text] for text in texts])

    found.embed_passages = embed_passages  # type: ignore[method-assign]
    return found


@pytest.fixture(autouse=True)
def embedder(models: Path, monkeypatch: pytest.MonkeyPatch) -> Embedder:
    """The packaged model, opened once for all tests of this file and not once for each `apply`."""
    found = opened(PACKAGED, models)
    monkeypatch.setattr("index.building.open_embedder", lambda *named: found)
    monkeypatch.setattr("index.building.embedder_digest", lambda name: found.digest)
    monkeypatch.setattr("index.searching.open_embedder", lambda *named: found)
    return found


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """A copy of the small library: three articles."""
    shutil.copytree(DATA / "library", tmp_path / "articles")
    return tmp_path / "articles"


def state(home: Path) -> dict[str, bytes]:
    """Everything published in a home, byte for byte, and the sources that it remembers."""
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for part in ("current", "sources.json", "generations")
        for path in [home / part, *(home / part).rglob("*")]
        if path.is_file()
    }


def opened_index(home: Path) -> LocalIndex:
    return LocalIndex.open(IndexSettings.load(home=home))


def add(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


# --- what is published


def test_the_first_apply(home: Path, articles: Path, embedder: Embedder) -> None:
    done = index(home, articles)
    assert (done.plan.added, done.plan.changed, done.plan.removed) == (
        ("lighthouse-channel", "mill-talks", "orchard-workshop"),
        (),
        (),
    )
    assert done.published
    assert done.plan.live is None
    manifest = done.generation.manifest
    assert manifest["counts"] == {"documents": 3, "passages": 5, "sentences": 17}
    assert done.embedded == 5 + 17
    assert manifest["sources"] == [str(articles)]
    assert manifest["settings"] == {"passage_tokens": 224, "passage_overlap": 0, "cut_version": CUT_VERSION}
    assert manifest["embedder"] == {
        "name": PACKAGED,
        "digest": embedder.digest,
        "backend": "onnx",
        "dimension": 384,
        "max_tokens": 256,
    }
    assert set(manifest["files"]) > {"store.sqlite", "passages.faiss", "sentences.npy", "lexical/meta.json"}
    assert live(home) == done.generation
    vectors = np.load(done.generation.folder / "sentences.npy", allow_pickle=False)
    assert (vectors.shape, vectors.dtype) == ((17, 384), np.float16)


def test_apply_twice_publishes_nothing(home: Path, articles: Path) -> None:
    first = index(home, articles)
    before = state(home)
    os.utime(articles / "mill-talks.md", (0, 0))
    second = index(home, articles)
    assert (second.published, second.embedded, second.generation) == (False, 0, first.generation)
    assert index(home).published is False
    assert state(home) == before


def test_a_changed_article_embeds_only_its_new_texts(home: Path, articles: Path) -> None:
    index(home, articles)
    add(articles / "orchard-workshop.txt", "\nA beehive was the seal of it. So it stayed.\n")
    done = index(home)
    assert (done.plan.added, done.plan.changed, done.plan.removed) == ((), ("orchard-workshop",), ())
    assert done.generation.manifest["counts"]["sentences"] == 19
    assert done.embedded == 1 + 2, "its passage and two sentences"
    assert opened_index(home).passages([4])[0].text.endswith("A beehive was the seal of it. So it stayed.")


def test_going_back_embeds_nothing(home: Path, articles: Path) -> None:
    first = index(home, articles)
    whole = (articles / "mill-talks.md").read_bytes()
    add(articles / "mill-talks.md", "\nOne line more.\n")
    index(home)
    (articles / "mill-talks.md").write_bytes(whole)
    third = index(home)
    assert (third.published, third.embedded) == (True, 0)
    assert third.generation.manifest["content"] == first.generation.manifest["content"]


def test_a_moved_folder_is_published_with_its_new_place(home: Path, articles: Path, tmp_path: Path) -> None:
    index(home, articles)
    articles.rename(tmp_path / "elsewhere")
    done = index(home, tmp_path / "elsewhere")
    assert (done.published, done.embedded) == (True, 0)
    assert opened_index(home).document("mill-talks").source == f"{tmp_path}/elsewhere/mill-talks.md"


def test_a_withdrawn_article_is_found_by_no_route(home: Path, articles: Path) -> None:
    index(home, articles)
    (articles / "lighthouse-channel.md").unlink()
    done = index(home)
    assert done.plan.removed == ("lighthouse-channel",)
    found = opened_index(home)
    vector = found.embedder.embed_query("lighthouse keepers signalled with lamps across a closed border")
    for keys in (found.by_vector(vector, 100, Filters()), found.by_words("lighthouse lamps signals", 100, Filters())):
        assert all(passage.doc_id != "lighthouse-channel" for passage in found.passages([key for key, _ in keys]))
    assert "signals" not in found.facet_values("topics")
    with pytest.raises(UnknownDocumentError, match="No article 'lighthouse-channel' in generation"):
        found.document("lighthouse-channel")


def test_incremental_equals_a_clean_rebuild(home: Path, articles: Path, tmp_path: Path, models: Path) -> None:
    index(home, articles)
    add(articles / "mill-talks.md", "\n## After\n\nThe mill burnt down. Its line stayed.\n")
    (articles / "lighthouse-channel.md").rename(articles / "a-lighthouse.md")
    shutil.copy(DATA / "footnotes.md", articles)
    (articles / "orchard-workshop.txt").unlink()
    index(home)
    clean = with_models(tmp_path / "clean", models)
    shutil.copy(home / "register.json", clean)
    index(clean, articles)
    one, two = opened_index(home), opened_index(clean)
    keys = range(one.status().passages)
    assert one.status().passages == two.status().passages
    assert one.passages(keys) == two.passages(keys)
    assert [one.document(s.doc_id) for s in one.summaries()] == [two.document(s.doc_id) for s in two.summaries()]
    assert np.abs(one.dense.index.reconstruct_n() - two.dense.index.reconstruct_n()).max() < 1e-5
    assert np.array_equal(one.sentence_vectors, two.sentence_vectors)
    question = "Which line is still used in dry years?"
    vector = one.embedder.embed_query(question)
    best, other = one.by_vector(vector, 10, Filters()), two.by_vector(vector, 10, Filters())
    assert [key for key, _ in best] == [key for key, _ in other]
    assert [score for _, score in best] == pytest.approx([score for _, score in other], abs=1e-5)
    assert one.by_words(question, 10, Filters()) == two.by_words(question, 10, Filters())


@pytest.mark.parametrize("changed", [{"passage_tokens": 64}, {"passage_overlap": 1}])
def test_settings_of_the_cut_make_another_generation(home: Path, articles: Path, changed: dict[str, int]) -> None:
    index(home, articles)
    done = index(home, articles, **changed)
    assert done.published
    assert changed.items() <= done.generation.manifest["settings"].items()


def test_generations_are_kept_for_rollback(home: Path, articles: Path) -> None:
    for i in range(4):
        add(articles / "mill-talks.md", f"\nLine {i}.\n")
        done = index(home, articles, keep_generations=2)
    assert len(published(home)) == 2
    assert published(home)[0] == done.generation.name


def test_steps_are_shown_with_their_size(home: Path, articles: Path) -> None:
    seen: dict[str, list[int]] = {}

    @contextmanager
    def progress(what: str, total: int) -> Iterator[Advance]:
        steps = seen.setdefault(what, [])

        def advance(steps_done: int = 1) -> None:
            steps.append(steps_done)

        yield advance
        assert sum(steps) >= total or what == "embedding"

    apply(IndexSettings.load(home=home), [articles], progress=progress)
    assert {name: sum(steps) for name, steps in seen.items()} == {"cutting": 3, "embedding": 22, "publishing": 1}


def test_bars_are_for_those_who_watch(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for watched in (False, True):
        monkeypatch.setattr(sys.stderr, "isatty", lambda watched=watched: watched)
        monkeypatch.setenv("TERM", "xterm")
        with bars("embedding", 4) as advance:
            advance(3)
            advance()
        out, err = capsys.readouterr()
        assert out == ""
        assert ("embedding" in err) == watched


# --- which sources


def test_sources_are_the_complete_set_and_remembered(home: Path, articles: Path) -> None:
    index(home, articles, DATA / "wrapped.txt")
    note = json.loads((home / "sources.json").read_text())
    assert note == {"generation": live(home).name, "sources": [str(articles), str(DATA / "wrapped.txt")]}
    assert index(home).published is False
    done = index(home, articles)
    assert done.plan.removed == ("wrapped",)
    assert index(home).plan.sources == (articles,)


def test_add_adds_to_the_remembered_ones(home: Path, articles: Path) -> None:
    settings = IndexSettings.load(home=home)
    index(home, articles)
    done = apply(settings, [DATA / "wrapped.txt"], add=True)
    assert (done.plan.added, done.plan.sources) == (("wrapped",), (articles, DATA / "wrapped.txt"))
    again = apply(settings, [DATA / "wrapped.txt"], add=True)
    assert (again.published, again.plan.sources) == (False, (articles, DATA / "wrapped.txt"))
    assert apply(settings, [], add=True).published is False


def test_the_first_set_is_data_articles(
    home: Path, articles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    articles.rename(tmp_path / "data" / "articles")
    monkeypatch.chdir(tmp_path)
    done = apply(IndexSettings.load(home=home), [DATA / "wrapped.txt"], add=True)
    assert done.plan.sources == (Path("data/articles"), DATA / "wrapped.txt")
    assert done.generation.manifest["counts"]["documents"] == 4
    assert opened_index(home).document("mill-talks").source == "data/articles/mill-talks.md"


@pytest.mark.parametrize("note", [b"", b"garbage", b"7", b"\xff", None])
def test_a_lost_note_of_the_sources_is_read_from_the_generation(home: Path, articles: Path, note: bytes | None) -> None:
    index(home, articles)
    (home / "sources.json").unlink()
    if note is not None:
        (home / "sources.json").write_bytes(note)
    done = index(home)
    assert (done.plan.sources, done.published) == ((articles,), False)
    assert json.loads((home / "sources.json").read_text())["sources"] == [str(articles)]


def test_one_source_twice_is_one_source(home: Path, articles: Path) -> None:
    assert index(home, articles, articles).plan.sources == (articles,)


# --- what is refused, with the index unchanged


def refused(home: Path, *sources: Path) -> str:
    """The one sentence of a refusal; what is published is as it was, byte for byte."""
    before = state(home)
    with pytest.raises(IndexingError) as found:
        index(home, *sources)
    assert state(home) == before
    assert not list((home / "generations").glob(".*"))
    assert "\n" not in str(found.value)
    return str(found.value)


def test_f20_sources_that_hold_nothing(home: Path, articles: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="the folder is empty"):
        index(home, tmp_path / "empty")
    with pytest.raises(NoIndexError):
        live(home)
    assert not (home / "sources.json").exists()
    index(home, articles)
    assert "the folder is empty" in refused(home, tmp_path / "empty")
    assert "There is no" in refused(home, tmp_path / "missing")
    for path in articles.iterdir():
        path.unlink()
    assert f"No article to index in {articles} (the folder is empty)" in refused(home), "an unmounted share"
    articles.rmdir()
    assert f"There is no {articles}" in refused(home)
    assert opened_index(home).status().documents == 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0", "it is not text (it holds NUL bytes)"),
        (b"\x80\xff\x80\xff", "it is in no encoding that is known here; save it as UTF-8"),
        (b"", "there is no text in it"),
        (b"---\ntitle: [\n---\nBody.\n", "its front matter is not valid YAML in line"),
        (None, "it is not a regular file"),
    ],
)
def test_t24_a_damaged_file_of_an_indexed_article(
    home: Path, articles: Path, content: bytes | None, reason: str
) -> None:
    index(home, articles)
    mill = articles / "mill-talks.md"
    mill.unlink()
    if content is None:
        mill.symlink_to(articles / "lighthouse-channel.md")
    else:
        mill.write_bytes(content)
    said = refused(home)
    assert said.startswith(f"{mill} cannot be indexed: {reason}")
    assert "the article mill-talks of the live index would be lost. Mend the file, or take it away" in said
    assert said.endswith("then run again: python app.py index apply. The index is unchanged")
    mill.unlink()
    assert index(home).plan.removed == ("mill-talks",), "taken away, it is withdrawn"


def test_a_damaged_file_is_known_however_its_folder_is_named(
    home: Path, articles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(home, articles)
    (articles / "mill-talks.md").write_bytes(b"\0")
    monkeypatch.chdir(articles.parent)
    assert "articles/mill-talks.md cannot be indexed" in refused(home, Path("articles"))


def test_a_damaged_file_that_was_never_indexed_is_only_skipped(home: Path, articles: Path) -> None:
    (articles / "new.md").write_bytes(b"\0")
    done = index(home, articles)
    assert [Path(each.source).name for each in done.plan.gathered.skipped] == ["new.md"]
    assert done.generation.manifest["counts"]["documents"] == 3


def test_damaged_json_lines_of_indexed_articles(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    lines = [json.dumps({"_id": name, "text": f"The text of {name}."}) for name in ("one", "two", "three")]
    path.write_text("\n".join(lines))
    index(home, path, DATA / "wrapped.txt")
    path.write_text("\n".join([lines[0], lines[1][:-4], lines[2]]))
    assert refused(home).startswith(f"{path}#L2 cannot be indexed: the line is not JSON")
    path.write_text("\n".join(["{", lines[0], lines[2]]))
    assert "the article two of the live index would be lost" in refused(home), "whatever line it stood in"
    path.write_bytes(b"\0" * 100)
    assert refused(home).startswith(f"{path} cannot be indexed: it is not text")
    path.write_text("\n".join(["not an article", *lines]))
    assert index(home).published, "a damaged line that was never one of them loses nothing"
    path.write_text("\n".join(lines[:2]))
    assert index(home).plan.removed == ("three",)


def test_f8_another_writer_is_at_work(home: Path, articles: Path) -> None:
    index(home, articles)
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom index.generation import writing_lock\n"
        "with writing_lock(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(home)], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        started = time.perf_counter()
        before = state(home)
        with pytest.raises(LockedError, match=f"pid {process.pid}"):
            index(home)
        assert time.perf_counter() - started < 1
        assert state(home) == before
    finally:
        process.kill()
        process.communicate()
    assert index(home).published is False


def test_a_damaged_live_generation_is_built_anew(home: Path, articles: Path) -> None:
    first = index(home, articles)
    (first.generation.folder / "store.sqlite").write_bytes(b"")
    with pytest.raises(DamagedIndexError):
        newest_whole(home)
    second = index(home)
    assert (second.published, second.embedded) == (True, 0)
    assert newest_whole(home) == (second.generation, "")


def test_an_older_generation_still_guards_its_articles(home: Path, articles: Path) -> None:
    index(home, articles)
    add(articles / "mill-talks.md", "\nOne more line.\n")
    second = index(home)
    (second.generation.folder / "store.sqlite").write_bytes(b"")
    (articles / "mill-talks.md").write_bytes(b"\0")
    assert "the article mill-talks of the live index would be lost" in refused(home)


# --- disks that fail


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Stands in for a full disk: the kernel refuses to let any file grow over `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_f4_a_full_disk_loses_nothing(home: Path, articles: Path) -> None:
    index(home, articles)
    add(articles / "mill-talks.md", "\nOne more line.\n")
    for size in (0, 5, 100, 1000, 4096, 8192, 20_000):
        with files_of_at_most(size):
            said = refused(home)
        assert said.startswith(f"The index could not be written to {home}: ")
        assert said.endswith("mend that, then run again: python app.py index apply")
    index(home)
    assert live(home).manifest["counts"]["sentences"] == 18


def test_f4_a_full_disk_while_the_parts_are_written(home: Path, articles: Path) -> None:
    """With every vector known, so that the parts of the generation themselves are refused."""
    whole = (articles / "mill-talks.md").read_text()
    index(home, articles)
    add(articles / "mill-talks.md", "\nOne more line.\n")
    largest = max(entry["size"] for entry in index(home).generation.manifest["files"].values())
    (articles / "mill-talks.md").write_text(whole)
    index(home)
    add(articles / "mill-talks.md", "\nOne more line.\n")
    for size in (500, 2000, 7000, 15_000, largest - 4096, largest - 1):
        with files_of_at_most(size):
            assert refused(home).startswith(f"The index could not be written to {home}: ")
    with files_of_at_most(largest + 100):
        assert index(home).published


def test_f4_tantivy_on_a_full_disk_fails_as_an_os_error(tmp_path: Path) -> None:
    from index.lexical import LexicalIndex

    rows = [(i, i, f"some words number {i} stand here word{i}") for i in range(100)]
    for i, size in enumerate((0, 50, 800, 1500)):
        with files_of_at_most(size), pytest.raises(OSError, match="tantivy: "):
            LexicalIndex.build(tmp_path / str(i), rows)


@pytest.mark.parametrize("call", ["fsync", "rename", "replace"])
def test_f5_a_system_call_that_fails(home: Path, articles: Path, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    index(home, articles)
    add(articles / "mill-talks.md", "\nOne more line.\n")

    def fail(*arguments: object) -> None:
        raise OSError(5, "Input/output error")

    before = state(home)
    with monkeypatch.context() as patched:
        patched.setattr(os if call == "fsync" else Path, call, fail)
        with pytest.raises(IndexingError, match=f"could not be written to {home}: Input/output error. "):
            index(home)
    assert state(home).items() >= before.items(), "the old generation is live and whole"
    assert live(home).manifest["counts"]["sentences"] == 17
    assert index(home).published
    left = [path.name for path in [*home.iterdir(), *(home / "generations").iterdir()]]
    assert not [name for name in left if name.startswith(".")]


def test_a_home_that_is_a_file(tmp_path: Path, articles: Path) -> None:
    (tmp_path / "home").touch()
    with pytest.raises(IndexingError, match=f"could not be written to {tmp_path / 'home'}: File exists"):
        index(tmp_path / "home", articles)


def test_a_cache_of_garbage_is_set_aside(home: Path, articles: Path) -> None:
    (home / "cache").mkdir()
    (home / "cache" / "vectors.sqlite").write_bytes(b"garbage" * 1000)
    assert index(home, articles).embedded == 22
    assert (home / "cache" / "vectors.damaged").exists()
