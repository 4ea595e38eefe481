"""`index plan`, and what `apply` makes of it: renamed articles keep their ids, withdrawn ones stay out."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Run, index, with_models
from test_index_building import embedder, state  # noqa: F401

from index.building import apply, plan_for
from index.errors import DamagedIndexError, SourceError, UnknownDocumentError
from index.planning import Move
from index.register import Register, read_register
from index.saved_plans import load_plan, save_plan
from index.searching import LocalIndex
from index.settings import IndexSettings
from index.upkeep import restore, roll_back, withdraw


def settings(home: Path, **more: object) -> IndexSettings:
    return IndexSettings.load(home=home, **more)


def ids(home: Path) -> list[str]:
    return [each.doc_id for each in LocalIndex.open(settings(home)).summaries()]


def test_a_plan_tells_everything_and_writes_nothing(home: Path, six_articles: Path) -> None:
    index(home, six_articles)
    (six_articles / "ferry.md").rename(six_articles / "old-ferry.md")
    (six_articles / "barge.md").write_text("---\ntitle: The barge\n---\n\nIt sank in 1956. Nobody was on it.\n")
    (six_articles / "raft.md").unlink()
    (six_articles / "punt.md").write_text("---\ntitle: The punt\n---\n\nA punt came in 1980 and stayed.\n")
    (six_articles / "noise.md").write_bytes(b"\x00\x01\x02" * 50)
    before = state(home)
    plan, costs = plan_for(settings(home))
    assert state(home) == before
    assert (plan.added, plan.changed, plan.removed, plan.withdrawn) == (("punt",), ("barge",), ("raft",), ())
    assert plan.moved == (Move("ferry", str(six_articles / "ferry.md"), str(six_articles / "old-ferry.md")),)
    assert plan.kept == 4
    assert [Path(each.source).name for each in plan.gathered.skipped if each.damaged] == ["noise.md"]
    assert costs
    assert (costs.passages_kept, costs.passages_new) == (6, 2)
    assert costs.to_embed == 2 + 3, "two passages and three sentences"
    assert apply(settings(home)).embedded == costs.to_embed
    plan, costs = plan_for(settings(home))
    assert plan.unchanged
    assert costs is None


def test_a_renamed_article_keeps_its_first_id_also_in_a_clean_rebuild(
    home: Path, six_articles: Path, tmp_path: Path, models: Path
) -> None:
    index(home, six_articles)
    (six_articles / "ferry.md").rename(six_articles / "a-boat.md")
    done = index(home)
    assert (done.embedded, done.plan.added, done.plan.removed) == (0, (), ())
    assert "ferry" in ids(home)
    assert "a-boat" not in ids(home)
    (six_articles / "a-boat.md").write_text("---\ntitle: The ferry\n---\n\nIt is another text under the same id.\n")
    assert index(home).plan.changed == ("ferry",)
    clean = with_models(tmp_path / "clean", models)
    shutil.copy(home / "register.json", clean)
    index(clean, six_articles)
    assert ids(clean) == ids(home)


def test_a_new_file_where_a_renamed_one_was_has_an_id_of_its_own(home: Path, six_articles: Path) -> None:
    index(home, six_articles)
    (six_articles / "ferry.md").rename(six_articles / "boat.md")
    index(home)
    (six_articles / "ferry.md").write_text("---\ntitle: Another ferry\n---\n\nThis one came in 1999.\n")
    index(home)
    opened = LocalIndex.open(settings(home))
    assert opened.document("ferry").source.endswith("boat.md")
    assert opened.document("ferry~2").source.endswith("ferry.md")
    assert read_register(home).first == {"boat": "ferry", "ferry": "ferry~2"}
    assert not index(home).published


def test_t24_over_a_fifth_is_removed_only_with_yes(home: Path, six_articles: Path, run: Run) -> None:
    index(home, six_articles)
    before = state(home)
    for name in ("ferry", "barge"):
        (six_articles / f"{name}.md").unlink()
    status, _, err = run("index", "apply", "--home", home)
    assert status == 2
    assert err == (
        "backchannel: 2 of 6 articles would be removed (barge, ferry). If that is meant, say so: "
        "python app.py index apply --yes. The index is unchanged\n"
    )
    assert state(home) == before
    assert run("index", "apply", "--yes", "--home", home)[0] == 0
    assert len(ids(home)) == 4


def test_f20_a_folder_that_is_empty_now_is_not_believed(home: Path, six_articles: Path, tmp_path: Path) -> None:
    share = tmp_path / "share"
    share.mkdir()
    (six_articles / "ferry.md").rename(share / "ferry.md")
    index(home, six_articles, share)
    (share / "ferry.md").unlink()
    before = state(home)
    with pytest.raises(SourceError, match=f"The folder {share} holds no article now, though the index has some of it"):
        apply(settings(home))
    assert state(home) == before
    assert apply(settings(home), yes=True).plan.removed == ("ferry",)


def test_a_saved_plan_is_done_or_refused(home: Path, six_articles: Path, tmp_path: Path) -> None:
    index(home, six_articles)
    saved = tmp_path / "plan.json"
    (six_articles / "punt.md").write_text("---\ntitle: The punt\n---\n\nA punt came in 1980 and stayed.\n")
    save_plan(saved, plan_for(settings(home))[0])
    assert json.loads(saved.read_text())["added"] == ["punt"]
    (six_articles / "ferry.md").write_text("---\ntitle: The ferry\n---\n\nIt was changed meanwhile.\n")
    before = state(home)
    with pytest.raises(SourceError, match=f"The sources have moved since the plan {saved} was made"):
        apply(settings(home), expected=load_plan(saved))
    assert state(home) == before
    save_plan(saved, plan_for(settings(home))[0])
    assert apply(settings(home), expected=load_plan(saved)).published
    with pytest.raises(SourceError, match="was made for generation .* is live now"):
        apply(settings(home), expected=load_plan(saved))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 99}', "\x00"])
def test_a_file_that_is_no_plan(tmp_path: Path, content: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(content)
    with pytest.raises(SourceError, match="is no plan of this program"):
        load_plan(path)


def test_the_plan_as_the_terminal_shows_it(home: Path, six_articles: Path, run: Run, tmp_path: Path) -> None:
    index(home, six_articles)
    shutil.copy(six_articles / "ferry.md", six_articles / "ferry-copy.md")
    (six_articles / "barge.md").rename(six_articles / "old-barge.md")
    status, out, _ = run("index", "plan", "--save", tmp_path / "p.json", "--home", home)
    assert status == 0
    assert "     1 renamed or moved" in out
    assert "ferry-copy is ferry (100% the same): one article with two addresses" in out
    assert "     6 unchanged" in out
    assert "6 passages are kept" not in out or "0 new" in out
    assert f"Do it with: python app.py index apply --plan {tmp_path / 'p.json'}" in out
    assert out.splitlines()[-1] == "Which gold questions it would break: python app.py eval regress"
    found = json.loads(run("index", "plan", "--json", "--home", home)[1])
    assert found["near_duplicates"] == [
        {"kept": "ferry", "other": "ferry-copy", "resemblance": 1.0, "merged": True, "why": ""}
    ]


def test_the_same_article_twice_is_one_with_two_addresses(home: Path, six_articles: Path) -> None:
    index(home, six_articles)
    shutil.copy(six_articles / "ferry.md", six_articles / "a-copy.md")
    done = index(home)
    assert (done.plan.added, done.embedded) == ((), 0)
    document = LocalIndex.open(settings(home)).document("ferry")
    assert (document.source, document.addresses) == (str(six_articles / "ferry.md"), (str(six_articles / "a-copy.md"),))
    assert read_register(home).merged == {"a-copy": "ferry"}
    (six_articles / "ferry.md").unlink()
    done = index(home)
    assert (done.plan.removed, done.embedded) == ((), 0), "the copy takes its place, under the first id"
    assert LocalIndex.open(settings(home)).document("ferry").source == str(six_articles / "a-copy.md")


def test_f18_kept_apart_where_the_setting_says_so(home: Path, six_articles: Path) -> None:
    shutil.copy(six_articles / "ferry.md", six_articles / "a-copy.md")
    apply(settings(home, merge_duplicates=False), [six_articles])
    assert {"ferry", "a-copy"} <= set(ids(home))


def test_a_withdrawn_article_stays_out_until_it_is_restored(home: Path, six_articles: Path) -> None:
    index(home, six_articles)
    withdraw(home, ["ferry", "raft"])
    done = apply(settings(home))
    assert (done.plan.withdrawn, done.plan.removed) == (("ferry", "raft"), ())
    (six_articles / "ferry.md").write_text("---\ntitle: The ferry\n---\n\nA new text of a withdrawn article.\n")
    assert not apply(settings(home)).published
    restore(home, ["ferry"])
    assert apply(settings(home)).plan.added == ("ferry",)
    assert "raft" not in ids(home)
    with pytest.raises(UnknownDocumentError, match="The article 'ferry' is not withdrawn. Withdrawn: raft"):
        restore(home, ["ferry"])
    with pytest.raises(UnknownDocumentError, match="No article 'submarine' in generation"):
        withdraw(home, ["submarine"])


def test_a_rollback_does_not_bring_withdrawn_articles_back_unasked(home: Path, six_articles: Path) -> None:
    first = index(home, six_articles).generation
    withdraw(home, ["ferry"])
    apply(settings(home))
    with pytest.raises(SourceError, match=rf"{first.name} holds 1 withdrawn article \(ferry\), which would be found"):
        roll_back(home)
    assert "ferry" not in ids(home)
    assert roll_back(home, yes=True) == first
    assert "ferry" in ids(home)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": 1, "first": {}, "withdrawn": {"a": 1}, "merged": {}}'])
def test_a_damaged_register_is_not_taken_for_an_empty_one(home: Path, six_articles: Path, content: str) -> None:
    index(home, six_articles)
    (home / "register.json").write_text(content)
    with pytest.raises(DamagedIndexError, match="it holds which articles are withdrawn"):
        apply(settings(home))


def test_a_lost_register_is_read_from_the_generation(home: Path, six_articles: Path) -> None:
    index(home, six_articles)
    withdraw(home, ["ferry"])
    apply(settings(home))
    (home / "register.json").unlink()
    (six_articles / "punt.md").write_text("---\ntitle: The punt\n---\n\nA punt came in 1980 and stayed.\n")
    apply(settings(home))
    assert "ferry" not in ids(home)
    assert set(read_register(home).withdrawn) == {"ferry"}
    assert read_register(home / "nowhere") == Register()


@pytest.mark.parametrize("clock", [0, 4_000_000_000])
def test_f21_the_content_decides_and_no_clock(home: Path, six_articles: Path, clock: int) -> None:
    index(home, six_articles)
    path = six_articles / "ferry.md"
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace("1911", "1912"), encoding="utf-8")  # as long as it was
    os.utime(path, (clock, clock))
    assert index(home).plan.changed == ("ferry",)
    for each in six_articles.iterdir():
        os.utime(each, (clock, clock))
    assert not index(home).published


def test_f19_a_file_that_changes_while_it_is_read_is_noted_and_the_index_stays(
    home: Path, six_articles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(home, six_articles)
    before = state(home)
    read = Path.read_bytes

    def while_somebody_writes(path: Path) -> bytes:
        data = read(path)
        if path.name == "ferry.md":
            path.write_bytes(data + b"One more line.\n")
        return data

    monkeypatch.setattr(Path, "read_bytes", while_somebody_writes)
    with pytest.raises(SourceError, match="ferry.md cannot be indexed: it changed while it was read"):
        apply(settings(home))
    monkeypatch.undo()
    assert state(home) == before
    assert apply(settings(home)).plan.changed == ("ferry",)


def test_f19_a_file_that_is_gone_before_it_is_read(
    home: Path, six_articles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(home, six_articles)
    before = state(home)
    read = Path.read_bytes

    def too_late(path: Path) -> bytes:
        if path.name == "ferry.md":
            path.unlink()
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", too_late)
    with pytest.raises(SourceError, match="ferry.md cannot be indexed: it cannot be read"):
        apply(settings(home))
    assert state(home) == before


@pytest.mark.slow
def test_a_small_change_embeds_what_is_new_and_imports_no_torch(home: Path, six_articles: Path) -> None:
    index(home, six_articles)
    path = six_articles / "ferry.md"
    path.write_text(f"{path.read_text(encoding='utf-8')}\nA sentence came in 1999.\n", encoding="utf-8")
    asked = (
        "import sys\nfrom pathlib import Path\nfrom index.building import apply\n"
        "from index.settings import IndexSettings\n"
        "done = apply(IndexSettings.load(home=Path(sys.argv[1])))\n"
        "print(done.embedded, sorted({'torch', 'transformers', 'sentence_transformers'} & sys.modules.keys()))"
    )
    told = subprocess.run(
        [sys.executable, "-c", asked, str(home)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout == "2 []\n", "one passage, one sentence"
