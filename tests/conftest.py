"""What the tests share: the exported model, homes, the library of data/articles, and the material of ../shared."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from made_once import alone, opened_once, remembering, vectors_kept

import app
from assistant.answering import Assistant
from assistant.living import LiveAssistant
from index.building import Applied, apply
from index.embedding import PACKAGED, open_embedder
from index.settings import IndexSettings

if TYPE_CHECKING:
    from browsing import Open
    from living_home import Home as LivingHome
    from llm_server import Serve

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
ARTICLES = ROOT / "data" / "articles"
IN_FULL = bool(os.environ.get("BACKCHANNEL_LONG_TESTS"))  # by `make long`: tests marked `long` take all there is

MakeHome = Callable[..., Path]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("BACKCHANNEL_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _models_opened_once(request: pytest.FixtureRequest) -> Iterator[None]:
    cache: pytest.Cache | None = request.config.cache
    assert cache
    with opened_once(cache.mkdir("models").resolve()):
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The material beside the repository; the test is skipped where it is absent."""
    folder = ROOT.parent / "shared"
    if not (folder / "collections").is_dir():
        pytest.skip("the material of ../shared is not there")
    return folder


@pytest.fixture(scope="session")
def models(request: pytest.FixtureRequest) -> Path:
    """A folder with the packaged model exported to ONNX: made once and kept in pytest's cache, its digests checked."""
    cache: pytest.Cache | None = request.config.cache
    assert cache
    folder = cache.mkdir("models")
    with alone(folder):
        open_embedder(PACKAGED, folder)
    return folder


@pytest.fixture
def home(tmp_path: Path, models: Path) -> Path:
    """An empty home that has the exported model."""
    return with_models(tmp_path / "home", models)


def with_models(home: Path, models: Path) -> Path:
    home.mkdir(parents=True)
    (home / "models").symlink_to(models)
    return home


def index(home: Path, *sources: Path, **settings: object) -> Applied:
    """`index apply --yes` on a home, from Python."""
    return apply(IndexSettings.load(home=home, **settings), sources, yes=True)


# A fixed dozen, so that what the tests expect does not move when the library grows.
DOZEN = (
    "aceh back-channel-diplomacy chatham-house-rule dartmouth-conference kashmir-back-channel mozambique-sant-egidio "
    "northern-ireland-duddy oslo-channel south-africa-mells-park track-levels track-two-origin us-china-kissinger-1971"
).split()


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Path:
    """A home that holds the index of twelve of our articles; tests must not change it."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "articles").mkdir()
    for name in DOZEN:
        shutil.copy(ARTICLES / f"{name}.md", folder / "articles")
    home = with_models(folder / "home", models)
    with vectors_kept(models, home):
        index(home, folder / "articles")
    return home


def copied(library: Path, home: Path) -> Path:
    """A copy of the library's home, without what other tests have asked and voted there."""
    shutil.copytree(library, home, symlinks=True, ignore=shutil.ignore_patterns("spent.sqlite*", "feedback.sqlite*"))
    return home


@pytest.fixture
def gold_read_once(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading is most of what a gold question takes, and commands that ask them all are run several times a test."""
    monkeypatch.setattr("assistant.answering.open_reader", lambda _: remembering(models.resolve()))


@pytest.fixture
def own_home(library: Path, tmp_path: Path) -> Path:
    """A copy of the library's home, to change."""
    return copied(library, tmp_path / "own")


@pytest.fixture(scope="session")
def whole_library(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Path:
    """A home that holds the index of all of data/articles, for slow tests; tests must not change it."""
    home = with_models(tmp_path_factory.mktemp("whole") / "home", models)
    with vectors_kept(models, home):
        index(home, ARTICLES)
    return home


@pytest.fixture(scope="session")
def assistant(library: Path) -> Assistant:
    return Assistant.open(library)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line in this process: exit status, standard output, standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["app.py", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            app.main()
        out, err = capsys.readouterr()
        assert isinstance(stop.value.code, int | None)
        return stop.value.code or 0, out, err

    return call


@pytest.fixture
def refused(run: Run) -> Callable[..., str]:
    """The one sentence of a refusal: exit status 2, nothing on standard output, no traceback."""

    def call(*arguments: object) -> str:
        status, out, err = run(*arguments)
        assert (status, out) == (2, "")
        assert err.count("\n") == 1
        assert "Traceback" not in err
        return err.removeprefix("backchannel: ").strip()

    return call


BODY = "The ferry carried letters between the two banks until {year}, and its master read none of them."


@pytest.fixture
def six_articles(tmp_path: Path) -> Path:
    """A folder of six short articles."""
    folder = tmp_path / "articles"
    shutil.copytree(DATA / "library", folder)
    for name, year in (("ferry", 1911), ("barge", 1955), ("raft", 1978)):
        text = f"{BODY.format(year=year)} Nobody thanked the {name}."
        (folder / f"{name}.md").write_text(f"---\ntitle: The {name}\n---\n\n{text}\n", encoding="utf-8")
    return folder


@pytest.fixture
def serve() -> "Iterator[Serve]":
    """Starts fake language-model servers, and ends them."""
    from llm_server import LLMServer

    with ExitStack() as stack:
        yield lambda *how, **more: stack.enter_context(LLMServer(*how, **more))


@pytest.fixture(scope="session")
def live_homes(library: Path, tmp_path_factory: pytest.TempPathFactory) -> "LivingHome":
    """A home of three generations of the library, which no test may change."""
    from living_home import make_home

    return make_home(library, tmp_path_factory.mktemp("living"))


@pytest.fixture
def live_home(live_homes: "LivingHome", tmp_path: Path) -> "LivingHome":
    """A copy of it, to publish in."""
    return live_homes.copied(tmp_path / "home")


@pytest.fixture
def live(live_home: "LivingHome") -> "LiveAssistant":
    return LiveAssistant.open(live_home.path)


@pytest.fixture(scope="module")
def browser() -> "Iterator[Any]":
    """A real Chromium; not for longer than a module, since no event loop can be run beside it."""
    from evals.page_speed import chromium

    with chromium() as browser:
        yield browser


@pytest.fixture
def opened(browser: Any) -> "Iterator[Open]":
    """Opens pages in it and watches them."""
    from browsing import watched

    with watched(browser) as go:
        yield go
