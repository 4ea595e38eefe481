"""What the tests share: the exported model, homes, the library of data/articles, and the material of ../shared."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.answering import Assistant
from index.building import Applied, apply
from index.embedding import PACKAGED, open_embedder
from index.settings import IndexSettings

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
ARTICLES = ROOT / "data" / "articles"

MakeHome = Callable[..., Path]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("BACKCHANNEL_")]:
        monkeypatch.delenv(name)


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
    """`index apply` on a home, from Python."""
    return apply(IndexSettings.load(home=home, **settings), sources)


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
    index(home, folder / "articles")
    return home


@pytest.fixture(scope="session")
def whole_library(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Path:
    """A home that holds the index of all of data/articles, for slow tests; tests must not change it."""
    home = with_models(tmp_path_factory.mktemp("whole") / "home", models)
    index(home, ARTICLES)
    return home


@pytest.fixture(scope="session")
def assistant(library: Path) -> Assistant:
    return Assistant.open(library)
