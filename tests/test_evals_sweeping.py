"""Sweeps: the grid, the front, what is stored and taken up again, the table, and the page with its plots."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from browsing import CHROMIUM
from conftest import DATA
from typer.testing import CliRunner

from evals import sweeping
from evals.collections import Collection, read_beir
from evals.commands.sweep import sweep as command
from evals.commands.sweep import table, tell
from evals.errors import EvalsError
from evals.grid import Cell, Grid, read_grid
from evals.page_speed import chromium
from evals.report.figures import sweep_figures
from evals.report.page import POLICY, page
from evals.report.sections import Section
from evals.sweeping import Figures, Point, Sweep, compared_with, source_digest, sweep
from index.errors import BackchannelError
from index.progress import Progress

BEIR = DATA / "beir_small"
GRID = ["dense_weight=0.5,0.55", "passage_tokens=64,224"]
COMMAND = typer.Typer()
COMMAND.command()(command)

# nDCG@10 of eight queries for the four cells of GRID, with p50 and bytes; the last is the reference.
MADE: list[tuple[list[float], float, int]] = [
    ([0.5] * 8, 9.0, 2_000_000),  # as fast as the next, and worse
    ([0.75] * 8, 9.0, 1_500_000),  # best, and fastest
    ([0.25] * 4 + [0.5] * 4, 9.5, 2_000_000),
    ([0.25] * 8, 10.0, 1_500_000),
]


def figures(values: Sequence[float], p50: float, size: int) -> Figures:
    measured = {f"q{at}": value for at, value in enumerate(values)}
    return Figures(len(values), 6, 7, 0, size, p50, 2 * p50, {"nDCG@10": measured, "AP": measured})


@pytest.fixture
def made() -> Sweep:
    """A sweep of the figures of MADE."""
    grid = read_grid(GRID)
    points = tuple(Point(cell, figures(*each)) for cell, each in zip(grid.cells, MADE, strict=True))
    return Sweep("village", grid.swept, points, grid.reference, compared_with(grid.reference, points))


def test_the_first_setting_of_a_grid_changes_slowest() -> None:
    grid = read_grid(["dense_weight=0.5, 0.7", "depth=100", "passage_tokens=96,224"])
    assert [list(cell.values.values()) for cell in grid.cells] == [
        [0.5, 100, 96],
        [0.5, 100, 224],
        [0.7, 100, 96],
        [0.7, 100, 224],
    ]
    assert grid.swept == ("dense_weight", "passage_tokens")
    assert grid.cells[1].label == "dense_weight=0.5 depth=100 passage_tokens=224"
    assert [(each.retrieval.dense_weight, each.retrieval.depth) for each in grid.cells[1:3]] == [(0.5, 100), (0.7, 100)]
    assert [each.indexing.passage_tokens for each in grid.cells] == [96, 224, 96, 224]


def test_the_reference_is_what_is_set_now_where_the_grid_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_grid(GRID).reference == 3  # the defaults, 0.55 and 224
    assert read_grid([*GRID, "depth=100"]).reference == 3  # one value of a setting sweeps nothing
    monkeypatch.setenv("BACKCHANNEL_DENSE_WEIGHT", "0.50")
    assert read_grid(GRID).reference == 1
    monkeypatch.setenv("BACKCHANNEL_PASSAGE_TOKENS", "100")
    assert read_grid(GRID).reference == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "A sweep has two points or more, and this has 0. Give values: python app.py eval sweep gold --config den"),
        (["depth=100"], "A sweep has two points or more, and this has 1. Give values: python app.py eval sweep gold"),
        (["depth"], "'depth' is not NAME=VALUE. See all settings with: python app.py settings"),
        (["dense_wait=0.5,0.7"], "There is no setting 'dense_wait'. See all settings with: python app.py settings"),
        (["dense_wait=0.5,"], "There is no setting 'dense_wait'. See all settings with: python app.py settings"),
        (["depth="], "The setting depth has an empty value. Give values with commas between: python app.py eval swee"),
        (["depth=1,,2"], "The setting depth has an empty value. Give values with commas between: python app.py eval s"),
        (["depth=1,deep"], "The setting depth cannot be 'deep': Input should be a valid integer"),
        (["passage_tokens=224,1"], "The setting passage_tokens cannot be '1': Input should be greater than or equal t"),
        (["dense_weight=0.5,0.7,.50"], "The setting dense_weight has the value .50 twice (as 0.5). Leave one out"),
        (
            ["depth=1,2", "depth=3"],
            "The setting depth is given twice ('1,2' and '3'). Give all its values at once: --config depth=1,2,3",
        ),
        (["home=a,b"], "The setting home changes no figure. Sweep others: python app.py eval sweep gold --config dens"),
        (
            [f"depth={','.join(map(str, range(1, 251)))}", "passages=1,2,3"],
            "These values make 750 points, and 500 is the most. Give fewer values",
        ),
    ],
)
def test_what_makes_no_grid_is_one_sentence_before_anything_is_indexed(
    tmp_path: Path, words: list[str], said: str
) -> None:
    options = [option for word in words for option in ("--config", word)]
    done = CliRunner().invoke(COMMAND, [str(BEIR), *options, "--home", str(tmp_path / "home")])
    assert isinstance(done.exception, BackchannelError)  # for which `app.main` exits with 2
    assert str(done.exception).startswith(said)
    assert "\n" not in str(done.exception)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nowhere: it is not a folder"),
        (["--split", "train"], "There is no split 'train'"),
        (["--measures", "goodness"], "There is no measure 'goodness'"),
        (["--out", "nowhere/plot.html"], "There is no folder nowhere for --out. Make it, or name another file"),
    ],
)
def test_other_bad_options_are_one_sentence_too(root: Path, tmp_path: Path, words: list[str], said: str) -> None:
    done = CliRunner().invoke(COMMAND, [*words, "--config", GRID[0], "--home", str(tmp_path / "home")])
    assert isinstance(done.exception, EvalsError)
    assert str(done.exception).startswith(said)
    assert not (tmp_path / "home").exists()


def test_the_front_holds_what_nothing_beats(made: Sweep) -> None:
    assert made.front == (False, True, False, False)
    # (quality, p50): better for more time, a tie of two, and one that loses in one and gains in none.
    pairs = [(0.5, 9.0), (0.75, 12.0), (0.75, 12.0), (0.5, 9.5), (0.25, 8.0), (0.75, 13.0)]
    points = tuple(Point(made.points[0].cell, figures([quality], p50, 1)) for quality, p50 in pairs)
    assert replace(made, points=points).front == (True, True, True, False, True, False)


def test_each_point_is_compared_with_the_reference(made: Sweep) -> None:
    first, best, half, reference = made.compared
    assert reference is None
    assert first is not None
    assert best is not None
    assert half is not None
    assert [each.difference for each in (first, best, half)] == [0.25, 0.5, 0.125]
    # All eight up: 2 of 2 ** 8 sign patterns; four up, four ties: 2 of 2 ** 4. Holm: times 3, times 2, times 1.
    assert [each.p for each in (first, best, half)] == [2 / 2**8, 2 / 2**8, 2 / 2**4]
    assert [each.corrected for each in (first, best, half)] == [6 / 2**8, 6 / 2**8, 2 / 2**4]
    assert [each.real for each in (first, best, half)] == [True, True, False]
    listed = made.to_json()
    assert listed["reference"] == {"dense_weight": 0.55, "passage_tokens": 224}
    assert [each["front"] for each in listed["points"]] == [False, True, False, False]
    assert listed["points"][3]["against"] is None
    assert listed["points"][1] | {"per_query": {}, "against": {}} == {
        "settings": {"dense_weight": 0.5, "passage_tokens": 224},
        "measures": {"nDCG@10": 0.75, "AP": 0.75},
        "per_query": {},
        "latency_ms": {"p50": 9.0, "p95": 18.0},
        "bytes": 1_500_000,
        "passages": 7,
        "stored": False,
        "front": True,
        "against": {},
    }
    assert listed["points"][1]["against"]["interval"] == {"low": 0.5, "high": 0.5}


def test_the_table_of_a_sweep(made: Sweep) -> None:
    assert table(made).split("\n") == [
        "village: 8 queries, 6 documents",
        "",
        "    dense_weight  passage_tokens  nDCG@10      AP  difference       95 % interval  p (Holm)  p50 ms  p95 ms"
        "    MB  passages",
        "             0.5              64   0.5000  0.5000     +0.2500  [+0.2500, +0.2500]   0.0234*     9.0    18.0"
        "  2.00         7",
        " +           0.5             224   0.7500  0.7500     +0.5000  [+0.5000, +0.5000]   0.0234*     9.0    18.0"
        "  1.50         7",
        "            0.55              64   0.3750  0.3750     +0.1250  [+0.0312, +0.2188]   0.1250      9.5    19.0"
        "  2.00         7",
        "=           0.55             224   0.2500  0.2500           -                   -        -     10.0    20.0"
        "  1.50         7",
        "",
        "= the reference; the difference is that of nDCG@10 to it",
        "+ no point beats it in both nDCG@10 and p50",
        "* real: p of the two-sided randomisation test, corrected by Holm over all points, is at most 0.05",
    ]


@pytest.fixture
def unhashed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The 90 MB of the model are not hashed for each sweep, as nothing embeds; nor is our code, which may change."""
    monkeypatch.setattr(sweeping, "source_digest", lambda: "our code")
    monkeypatch.setattr("evals.retrieval.embedder_digest", lambda name: f"digest of {name}")


class Meter:
    """In place of a measurement: gives the figures of MADE by the cell, and is interrupted where it is told to be."""

    def __init__(self, grid: Grid) -> None:
        self.places = {self.key(cell): at for at, cell in enumerate(grid.cells)}
        self.asked: list[int] = []
        self.stop = -1

    @staticmethod
    def key(cell: Cell) -> tuple[float, int]:
        return cell.retrieval.dense_weight, cell.indexing.passage_tokens

    def __call__(self, collection: Collection, cell: Cell, progress: Progress, measures: Sequence[str]) -> Figures:
        at = self.places[self.key(cell)]
        if at == self.stop:
            raise KeyboardInterrupt
        self.asked.append(at)
        return figures(*MADE[at])


@pytest.mark.usefixtures("unhashed")
def test_a_sweep_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid, collection, stored = read_grid(GRID, tmp_path), read_beir(BEIR), tmp_path / "sweeps"
    meter = Meter(grid)

    def swept(grid: Grid = grid, collection: Collection = collection, **options: Any) -> tuple[list[int], Sweep]:
        """The places of the points that were measured, and the sweep."""
        meter.asked = []
        return meter.asked, sweep(collection, grid, measuring=meter, **options)

    meter.stop = 2
    with pytest.raises(KeyboardInterrupt):
        swept()
    assert meter.asked == [0, 1]
    assert len(list(stored.iterdir())) == 2
    meter.stop = -1
    asked, done = swept()
    assert (asked, done.stored, [point.stored for point in done.points]) == ([2, 3], 2, [True, True, False, False])
    assert [(point.figures, point.cell) for point in done.points] == [
        (figures(*each), cell) for each, cell in zip(MADE, grid.cells, strict=True)
    ]
    assert swept()[0] == []
    assert swept(fresh=True)[0] == [0, 1, 2, 3]

    # A grid of other names shares the points whose settings are all the same.
    assert swept(read_grid(["passage_tokens=224,64", "dense_weight=0.55,0.5"], tmp_path))[1].stored == 4

    # What decides a point has changed.
    assert swept(measures=["AP"])[0] == [0, 1, 2, 3]
    assert swept(read_grid([*GRID, "depth=100"], tmp_path))[1].stored == 0
    judged = {**collection.qrels, "q1": {"sheep-path": 1}}
    assert swept(collection=replace(collection, qrels=judged))[0] == [0, 1, 2, 3]
    monkeypatch.setattr("evals.retrieval.embedder_digest", lambda name: "another model")
    assert swept()[0] == [0, 1, 2, 3]
    monkeypatch.setattr(sweeping, "source_digest", lambda: "other code")
    assert swept()[0] == [0, 1, 2, 3]
    assert not [path.name for path in stored.iterdir() if path.suffix != ".json"]


@pytest.mark.usefixtures("unhashed")
def test_a_damaged_point_is_measured_anew(tmp_path: Path) -> None:
    grid, collection = read_grid(GRID, tmp_path), read_beir(BEIR)
    meter = Meter(grid)
    sweep(collection, grid, measuring=meter)
    paths = sorted((tmp_path / "sweeps").iterdir())
    whole = paths[0].read_bytes()
    for damaged in (
        b"",
        whole[:-9],
        whole.replace(b'": 9', b'": 8').replace(b"0.25", b"0.26"),
        b"[]",
        b"\xff",
        b"[" * 9999,
    ):
        assert damaged != whole
        meter.asked = []
        paths[0].write_bytes(damaged)
        assert sweep(collection, grid, measuring=meter).stored == 3
        assert len(meter.asked) == 1
    paths[0].write_bytes(paths[1].read_bytes())  # another point under this name
    assert sweep(collection, grid, measuring=meter).stored == 3


def test_other_source_is_another_digest(tmp_path: Path) -> None:
    digests = set()
    for name, text in (("index/a.py", "x = 1\n"), ("index/a.py", "x = 2\n"), ("evals/b.py", ""), ("tests/c.py", "")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        digests.add(source_digest(tmp_path))
    assert len(digests) == 3  # the tests decide nothing


@pytest.mark.usefixtures("unhashed")
def test_a_point_that_cannot_be_stored_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "sweeps").write_text("no folder")
    grid = read_grid(GRID, tmp_path)
    with pytest.raises(
        EvalsError, match=r"The point cannot be stored as .*: File exists. Give a folder .*--home FOLDER"
    ):
        sweep(read_beir(BEIR), grid, measuring=Meter(grid))


@pytest.mark.usefixtures("unhashed")
def test_the_command_stops_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    meter = Meter(read_grid(GRID))
    monkeypatch.setattr(sweeping, "measure_cell", meter)
    words = [str(BEIR), *[option for word in GRID for option in ("--config", word)], "--home", str(home)]
    meter.stop = 2
    stopped = CliRunner().invoke(COMMAND, words)
    assert (stopped.exit_code, stopped.stdout) == (130, "")
    assert stopped.stderr == "Stopped; what is measured is kept, and the same command goes on from there\n"
    meter.stop = -1
    done = CliRunner().invoke(COMMAND, words)
    assert done.exit_code == 0
    assert done.stderr == (
        f"2 of 4 points of beir_small were measured before, their times too ({home / 'sweeps'}); measure all anew with "
        f"--fresh\n"
    )
    (plot,) = (home / "reports").iterdir()
    assert re.fullmatch(r"sweep-beir_small-[0-9a-f]{8}\.html", plot.name)
    assert done.stdout.startswith("beir_small: 8 queries, 6 documents\n\n    dense_weight  passage_tokens  nDCG@10")
    assert done.stdout.endswith(f"\n\nplot: {plot}\n")
    listed = json.loads(CliRunner().invoke(COMMAND, [*words, "--json", "--out", str(tmp_path / "x.html")]).stdout)
    assert listed["plot"] == str(tmp_path / "x.html")
    assert [each["stored"] for each in listed["collections"][0]["points"]] == [True] * 4
    assert (tmp_path / "x.html").read_bytes() == plot.read_bytes()


@pytest.mark.slow
def test_documents_that_could_not_be_indexed_are_a_warning(made: Sweep, capsys: pytest.CaptureFixture[str]) -> None:
    first = replace(made.points[0], figures=replace(made.points[0].figures, skipped=3))
    tell(replace(made, points=(first, *made.points[1:])), read_grid(GRID))
    assert capsys.readouterr().err == (
        "warning: 3 documents of village were not indexed and count as not found; see which with: "
        "python app.py eval retrieval\n"
    )


def test_the_plots_show_the_figures(made: Sweep) -> None:
    times, sizes = sweep_figures(made).values()
    line, beaten, front, reference = times.data
    assert (line.x, line.y) == ((9.0,), (0.75,))
    assert [(each.name, each.x, each.y) for each in (beaten, front, reference)] == [
        ("beaten", (9.0, 9.5), (0.5, 0.375)),
        ("nothing beats it", (9.0,), (0.75,)),
        ("reference", (10.0,), (0.25,)),
    ]
    assert beaten.error_y.array == (0.0, 0.09375)  # half a query's spread either way: see the table
    assert beaten.error_y.arrayminus == (0.0, 0.09375)
    assert beaten.text[0].split("<br>") == [
        "dense_weight = 0.5",
        "passage_tokens = 64",
        "nDCG@10 0.5000",
        "p50 9.0 ms, p95 18.0 ms, 2.00 MB",
    ]
    assert [each.x for each in sizes.data] == [(2.0, 2.0), (1.5,), (1.5,)]


def evil(made: Sweep) -> str:
    """A page on which every name tries to leave its place."""
    name = "</script><img src=x onerror=alert(1)>"
    values = {"embedder": name, "passage_tokens": 64}
    first = replace(made.points[0], cell=replace(made.points[0].cell, values=values))
    swept = replace(made, points=(first, *made.points[1:]))
    return page(name, [Section(name, figures=sweep_figures(swept), text=name)])


def test_the_page_is_whole_and_nothing_in_it_runs(made: Sweep) -> None:
    text = evil(made)
    assert f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">' in text
    assert "<img" not in text.split("<body>")[1]
    assert text.count("<figure>") == 2
    assert not re.findall(r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=", text.split("<body>")[1])


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_page_is_drawn_in_chromium_and_asks_for_nothing(
    made: Sweep, tmp_path: Path, width: int, scheme: str
) -> None:
    path = tmp_path / "plot.html"
    path.write_text(evil(made), encoding="utf-8")
    said: list[str] = []
    asked: list[str] = []
    with chromium() as browser:
        shown = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        shown.on("console", lambda message: said.append(message.text))
        shown.on("pageerror", lambda error: said.append(str(error)))
        shown.on("dialog", lambda dialog: (said.append(f"dialog {dialog.message}"), dialog.dismiss()))
        shown.on("request", lambda request: asked.append(request.url))
        shown.goto(path.as_uri())
        shown.locator("#figure-2 .main-svg").first.wait_for()
        assert shown.locator("#figure-1 .scatterlayer .point").count() == 4
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        boxes = [shown.locator(f"#figure-{at} .main-svg").first.bounding_box() for at in (1, 2)]
        if width > 1000:  # side by side, else below one another
            assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
        else:
            assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"]
        ink = shown.locator("#figure-1 .xtick text").first.evaluate("each => getComputedStyle(each).fill")
        assert ink == {"light": "rgb(29, 39, 51)", "dark": "rgb(230, 233, 237)"}[scheme]
        shown.locator("#figure-1 .scatterlayer .point").first.hover(force=True)
        shown.locator(".hoverlayer .hovertext", has_text="</script><img src=x onerror=alert(1)>").wait_for()
        browser.close()
    assert said == []
    assert asked == [path.as_uri()]


@pytest.mark.slow
def test_a_real_sweep_is_stopped_and_goes_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, count = sweeping.measure_cell, 0

    def stopping(*given: Any) -> Figures:
        nonlocal count
        if count == 2:
            raise KeyboardInterrupt
        count += 1
        return real(*given)

    source = source_digest()
    monkeypatch.setattr(sweeping, "source_digest", lambda: source)  # whoever edits meanwhile
    grid, collection = read_grid(GRID, home), read_beir(BEIR)
    with pytest.raises(KeyboardInterrupt):
        sweep(collection, grid, measuring=stopping)
    assert len(list((home / "sweeps").iterdir())) == 2
    words = [str(BEIR), *[option for word in GRID for option in ("--config", word)], "--home", str(home)]
    done = CliRunner().invoke(COMMAND, [*words, "--json"])
    assert (done.exit_code, done.stderr.split(" were")[0]) == (0, "2 of 4 points of beir_small")
    points = json.loads(done.stdout)["collections"][0]["points"]
    assert [point["stored"] for point in points] == [True, True, False, False]
    assert [point["passages"] for point in points] == [17, 7, 17, 7]
    assert [point["measures"]["nDCG@10"] for point in points] == [pytest.approx(0.98756, abs=1e-5)] * 4
    assert points[0]["bytes"] > points[1]["bytes"] > 10_000
    assert len(list((home / "evals").iterdir())) == 2  # each cut is indexed once
