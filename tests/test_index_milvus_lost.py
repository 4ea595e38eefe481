"""A Milvus server that stops while it is asked: one sentence, or the home's own generation with a line that says so."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import DATA, Run, index, with_models
from milvus_servers import Server, free_port, lite, settings_of

from assistant.answering import Assistant
from assistant.living import LiveAssistant
from assistant.settings import AssistantSettings
from index.errors import UnreachableError
from index.filters import Filters
from index.milvus.address import Address
from index.milvus.fallback import FallbackIndex
from index.milvus.publishing import publish_to
from index.milvus.searching import MilvusIndex
from index.settings import IndexSettings
from index.upkeep import withdraw

pytestmark = pytest.mark.slow
MILL = "What happened at the mill?"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    pytest.importorskip("milvus_lite", reason="milvus-lite is not installed")
    with lite(tmp_path / "milvus") as found:
        yield found


@pytest.fixture
def settings(tmp_path: Path, models: Path, server: Server) -> IndexSettings:
    """A home with three articles, published there."""
    home = with_models(tmp_path / "home", models)
    index(home, DATA / "library")
    found = settings_of(home, server)
    publish_to(Address.parse(found.index_from), found)
    return found


def elsewhere(settings: IndexSettings, home: Path, models: Path) -> IndexSettings:
    """The same from a machine with an empty home."""
    return settings.model_copy(update={"home": with_models(home, models)})


class StopsAt:
    """A fake: a Milvus index whose server is stopped just before one of its methods is called."""

    def __init__(self, remote: MilvusIndex, server: Server, method: str) -> None:
        self.remote, self.server, self.method = remote, server, method

    def __getattr__(self, name: str) -> object:
        if name == self.method:
            self.server.stop()
        return getattr(self.remote, name)


@pytest.mark.parametrize("method", ["by_vector", "by_words", "passages", "sentences", "document"])
def test_the_home_goes_on_in_the_middle_of_a_question(settings: IndexSettings, server: Server, method: str) -> None:
    expected = Assistant.open(settings.home).ask(MILL)
    found = FallbackIndex(settings, StopsAt(MilvusIndex.open(settings), server, method))  # type: ignore[arg-type]
    assistant = Assistant.over(found, AssistantSettings.load())
    answer = assistant.ask(MILL)
    assert answer.generation == expected.generation
    assert [each.text for each in answer.sentences] == [each.text for each in expected.sentences]
    assert [(each.doc_id, each.start) for each in answer.citations] == [
        (each.doc_id, each.start) for each in expected.citations
    ]
    (notice,) = assistant.ask(MILL).notices
    assert notice.startswith(f"The Milvus server at 127.0.0.1:{server.port} does not answer")
    assert notice.endswith(f"These are answers from the home's generation {expected.generation}")


def test_without_a_generation_at_hand_it_is_one_sentence(
    settings: IndexSettings, server: Server, tmp_path: Path, models: Path
) -> None:
    away = elsewhere(settings, tmp_path / "away", models)
    found = FallbackIndex(away, StopsAt(MilvusIndex.open(away), server, "passages"))  # type: ignore[arg-type]
    assistant = Assistant.over(found, AssistantSettings.load())
    with pytest.raises(UnreachableError) as error:
        assistant.ask(MILL)
    assert str(error.value) == (
        f"The Milvus server at 127.0.0.1:{server.port} does not answer. Start it, or see whether {away.index_from} is "
        f"its address"
    )
    with pytest.raises(UnreachableError):
        FallbackIndex.open(away)


def test_another_generation_steps_in_with_the_next_question(
    settings: IndexSettings, server: Server, tmp_path: Path, models: Path
) -> None:
    """Its keys mean other passages, so that a question that has begun is not answered from it."""
    away = elsewhere(settings, tmp_path / "away", models)
    other = index(away.home, DATA / "library" / "mill-talks.md").generation.name
    found = FallbackIndex.open(away)
    live = LiveAssistant(Assistant.over(found, AssistantSettings.load()))
    server.stop()
    with pytest.raises(UnreachableError, match=f"The home has another generation, {other}: ask again"):
        live.current().ask(MILL)
    assert live.look()
    answer = live.current().ask(MILL)
    assert answer.generation == other
    assert answer.notices[0].endswith(f"These are answers from the home's generation {other}")
    assert not live.look()
    assert live.current().index.warning == answer.notices[0], "looking does not take the line away"


def test_a_server_that_is_back_is_asked_again(settings: IndexSettings, server: Server, tmp_path: Path) -> None:
    now = [0.0]
    found = FallbackIndex(settings, MilvusIndex.open(settings), clock=lambda: now[0])
    vector = found.embedder.embed_query(MILL)
    before = found.by_vector(vector, 3, Filters())
    server.stop()
    assert [key for key, _ in found.by_vector(vector, 3, Filters())] == [key for key, _ in before]
    assert found.local
    assert found.warning
    with lite(tmp_path / "milvus", server.port):
        assert found.newest() == found.status().generation
        assert found.warning, "it is not tried all the time"
        now[0] = 6.0
        assert found.newest() == found.status().generation
        assert found.warning == ""
        assert found.now is found.remote
        assert found.by_vector(vector, 3, Filters()) == before


def test_a_page_that_was_opened_without_the_server_takes_it_when_it_comes(
    settings: IndexSettings, server: Server, tmp_path: Path, models: Path
) -> None:
    away = elsewhere(settings, tmp_path / "away", models)
    other = index(away.home, DATA / "library" / "mill-talks.md").generation.name
    server.stop()
    now = [0.0]
    found = FallbackIndex.open(away)
    found.clock = lambda: now[0]
    found.again = 0.0
    live = LiveAssistant(Assistant.over(found, AssistantSettings.load()))
    assert live.current().ask(MILL).generation == other
    assert not live.look()
    with lite(tmp_path / "milvus", server.port):
        now[0] = 6.0
        assert live.look()
        answer = live.current().ask(MILL)
        assert answer.generation != other
        assert answer.notices == ()


def test_a_page_follows_what_is_published_there(settings: IndexSettings) -> None:
    live = LiveAssistant.open(settings.home, index_from=settings.index_from)
    assert "mill-talks" in {each.passage.doc_id for each in live.current().search(MILL)}
    assert not live.look()
    withdraw(settings.home, ["mill-talks"])
    published = index(settings.home).generation.name
    publish_to(Address.parse(settings.index_from), settings)
    assert live.look()
    assert live.current().index.status().generation == published
    assert "mill-talks" not in {each.passage.doc_id for each in live.current().search(MILL)}
    assert "mill-talks" not in str(live.current().ask(MILL).to_json())


def test_the_command_line(run: Run, tmp_path: Path, models: Path) -> None:
    home, url = with_models(tmp_path / "home", models), f"milvus://127.0.0.1:{free_port()}/articles"
    status, out, err = run("ask", MILL, "--from", url, "--home", home)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(
        f"backchannel: The Milvus server at {url[9:-9]} does not answer (Connection refused). Start it"
    )
    generation = index(home, DATA / "library").generation.name
    status, out, err = run("search", MILL, "--json", "--from", url, "--home", home)
    assert status == 0
    assert json.loads(out)["passages"][0]["doc_id"] == "mill-talks"
    assert err.startswith("warning: The Milvus server at ")
    assert err.endswith(f"These are answers from the home's generation {generation}\n")
    status, out, err = run("index", "apply", "--to", url, "--home", home)
    assert (status, out, err.count("\n")) == (2, "", 1)
