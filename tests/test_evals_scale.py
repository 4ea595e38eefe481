"""`eval scale`: copies of articles, their vectors, the exact ten best, and the command on a small library."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import Run, with_models

from evals.commands.scale import numbers, row
from evals.errors import EvalsError
from evals.report.scale import short
from evals.scale import Asked, Best, Built, copies, moved, read, stocked, written
from index.embedding import open_embedder
from index.settings import IndexSettings
from index.vectors import VectorCache

ENTRIES = [
    {
        "_id": "weir",
        "title": "The weir",
        "text": "Two millers met at the weir in 1931. They agreed.\n\nIt held.",
    },
    {"_id": "mill", "title": "The mill", "text": "A third miller was not asked. He wrote to the council in 1932."},
]


def test_copies_come_after_the_articles_themselves_and_are_told_by_id_and_title() -> None:
    found = [(entry["_id"], entry["title"], place) for entry, place in copies(ENTRIES, [2, 1], 8)]
    assert found == [
        ("weir", "The weir", 0),
        ("mill", "The mill", 1),
        ("weir~1", "The weir, copy 1", 0),
        ("mill~1", "The mill, copy 1", 1),
        ("weir~2", "The weir, copy 2", 0),
    ]
    assert [entry["_id"] for entry, _ in copies(ENTRIES, [2, 1], 2)] == ["weir"]


def test_a_copy_is_moved_and_of_length_one() -> None:
    """(1, 0) + 0.6 (0, 1) has the length 1.16619."""
    rows, others = np.array([[1, 0], [0, 1]], np.float32), np.array([[0, 1], [0, 1]], np.float32)
    assert moved(rows, others).tolist() == [pytest.approx([0.857493, 0.514496]), [0.0, 1.0]]


def test_the_best_are_those_of_all_that_went_by() -> None:
    draw = np.random.default_rng(3)
    vectors, questions = draw.normal(size=(500, 8)).astype(np.float32), draw.normal(size=(4, 8)).astype(np.float32)
    best = Best(questions)
    for start in (0, 7, 100, 350):
        end = {0: 7, 7: 100, 100: 350, 350: 500}[start]
        best.add([str(key) for key in range(start, end)], vectors[start:end])
    for found, question in zip(best.ids.tolist(), questions, strict=True):
        assert [int(name) for name in found] == np.argsort(-(vectors @ question), kind="stable")[:10].tolist()


def test_a_percentile_by_hand() -> None:
    asked = Asked((1, 2, 3, 4, 5), 0, 0, 0, 1, 0, 0)
    assert [asked.percentile(percent) for percent in (50, 99)] == [3, pytest.approx(4.96)]


@pytest.mark.parametrize("packed", [False, True])
def test_articles_are_read_packed_or_not(tmp_path: Path, packed: bool) -> None:
    data = "".join(json.dumps(each) + "\n" for each in ENTRIES).encode()
    path = tmp_path / ("a.jsonl.gz" if packed else "a.jsonl")
    path.write_bytes(gzip.compress(data) if packed else data)
    assert read(path, 10) == ENTRIES
    assert read(path, 1) == ENTRIES[:1]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it has no line"),
        (b'{"_id": "a", "title": "A"}\n', "a line has no _id, title or text"),
        (b"[1]\n", "'list' object has no attribute 'keys'"),
        (b"# An article\n", "Expecting value: line 1 column 1"),
        (None, "No such file or directory"),
    ],
)
def test_what_holds_no_articles(tmp_path: Path, content: bytes | None, why: str) -> None:
    path = tmp_path / "a.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EvalsError, match=rf"a\.jsonl cannot be read as articles \({why}.*\); name a file of"):
        read(path, 5)


def test_an_article_that_is_there_twice(tmp_path: Path) -> None:
    with pytest.raises(EvalsError, match="The article empty cannot be read, or is there twice"):
        written([*ENTRIES, {"_id": "empty", "title": "", "text": ""}], tmp_path / "a.jsonl")


def test_sizes_are_numbers() -> None:
    assert numbers("300,20, 20") == [20, 300]
    for bad in ("", "many", "10,,20", "0,5", "-3"):
        with pytest.raises(EvalsError, match="is no list of numbers of passages; give it as --sizes 10000,100000"):
            numbers(bad)


def test_a_row_of_the_table() -> None:
    built = Built(1_000_010, 40_000, 68_383, "lists", 1199.6, 6000.4, 2_500_400_000, 890_600_000)
    told = Asked((10.0, 20.0, 30.0), 4.04, 6.06, 7.0, 0.98765, 1500.2, 1400.0)
    assert row(built, told) == (
        "1,000,010",
        "68,383",
        "lists",
        "1200",
        "6,000",
        "2,500",
        "891",
        "1,500",
        "20.0",
        "29.8",
        "4.0",
        "6.1",
        "7.0",
        "0.9877",
    )


def test_the_cache_has_what_will_be_asked_of_it(home: Path, tmp_path: Path) -> None:
    """All vectors of the written library: of the articles the embedder's own, of copies others of length one."""
    settings = IndexSettings.load(home=home)
    (home / "cache").mkdir()
    real, best = stocked(settings, ENTRIES, 5, tmp_path / "all.jsonl", ["Who met at the weir?"])
    lines = [json.loads(each) for each in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [each["_id"] for each in lines] == ["weir", "mill", "weir~1", "mill~1", "weir~2"]
    assert real == 2
    embedder = open_embedder(settings.embedder, home / "models")
    texts = [f"{each['title']}\n{each['text']}" for each in lines]
    with VectorCache.open(home / "cache" / "vectors.sqlite") as cache:
        rows, embedded = cache.embed(embedder, texts)
    assert embedded == 0
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1.0] * 5, abs=1e-6)
    assert np.abs(rows[:2] - embedder.embed_passages(texts[:2])).max() < 1e-5
    assert [float(rows[0] @ rows[at]) < 0.9999 for at in (2, 4)] == [True, True]
    question = embedder.embed_query("Who met at the weir?")
    order = np.argsort(-(rows @ question), kind="stable")
    assert [name.partition("#")[0] for name in best.ids[0]] == [lines[at]["_id"] for at in order]


def test_numbers_of_passages_in_short() -> None:
    found = [short(each) for each in (12, 1_200, 10_001, 100_481, 1_014_297, 12_300_000)]
    assert found == ["12", "1.2 thousand", "10 thousand", "100 thousand", "1 million", "12 million"]


@pytest.mark.slow
def test_the_command_builds_asks_and_draws(run: Run, tmp_path: Path, models: Path) -> None:
    source = tmp_path / "source.jsonl"
    source.write_text("".join(json.dumps(each) + "\n" for each in ENTRIES))
    home = with_models(tmp_path / "home", models)
    options = ["--sizes", "3,9", "--rounds", 1, "--questions", 20, "--home", home, "--report", tmp_path / "page.html"]
    status, out, errors = run("eval", "scale", source, *options)
    assert (status, [line for line in errors.splitlines() if "p50" not in line]) == (0, [])
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in out.splitlines()[2:4]]
    assert [cell[:3] for cell in cells] == [["3", "2", "exact"], ["9", "2", "exact"]]
    assert [cell[-1] for cell in cells] == ["1.0000", "1.0000"]
    assert all(float(cell[8]) > 0 and float(cell[7]) > 50 for cell in cells)
    assert "From the smallest to the largest p50 grows" in out
    page = (tmp_path / "page.html").read_text()
    assert page.count('class="plotly') or "Plotly.newPlot" in page
    assert "The share of the exact ten nearest that is found" in page
    status, again, _ = run("eval", "scale", source, "--sizes", "3", "--again", "--questions", 5, "--home", home)
    assert (status, again.splitlines()[2].split("|")[1:8]) == (0, out.splitlines()[2].split("|")[1:8])
    status, _, errors = run("eval", "scale", source, "--sizes", "4", "--again", "--home", home)
    assert (status, errors[:57]) == (2, "backchannel: No library is there to be asked again: " + str(home)[:5])
    status, _, errors = run("eval", "scale", source, "--sizes", "3", "--again", "--questions", 30, "--home", home)
    assert status == 2
    assert errors.endswith("was built for 20 questions, not 30. Build it, without --again\n")
    status, _, errors = run("eval", "scale", source, "--sizes", "3", "--questions", 2, "--home", home)
    assert status == 0, "an earlier run's library is replaced"
    status, _, errors = run("eval", "scale", tmp_path / "none.jsonl", "--home", home)
    assert status == 2
    assert errors.startswith("backchannel: ")
