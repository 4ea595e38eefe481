"""An index on a Milvus server: what it gives is what the home gives of the same generation.

Those marked `dense` are run against a real server too, by `make test-milvus`.
"""

import json
from collections.abc import Iterator
from math import log
from pathlib import Path

import numpy as np
import pytest
from conftest import DATA, Run, index, with_models
from milvus_servers import Server, any_server, connected, settings_of

from index.building import words_of
from index.errors import FilterError, MilvusError, SourceError, UnknownDocumentError
from index.filters import Filters
from index.lexical import K1, B, analyze, stems
from index.milvus.address import Address
from index.milvus.connection import Connection
from index.milvus.layout import condition, names_in, names_of, record_id
from index.milvus.publishing import publish_to, roll_back_at
from index.milvus.searching import MilvusIndex
from index.searching import LocalIndex
from index.settings import IndexSettings
from index.upkeep import withdraw

pytestmark = pytest.mark.slow
dense = pytest.mark.dense
QUESTIONS = ("How did the Oslo talks start?", "Who carried letters to the IRA?", "secret channel Pakistan")
FILTERS = (
    Filters(),
    Filters.parse("1990-1995"),
    Filters.parse("-1970"),
    Filters.parse("2000-"),
    Filters.parse(regions=["africa"]),
    Filters.parse("1985-1995", regions=["africa", "europe"], topics=["secret-talks"]),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with any_server(tmp_path_factory.mktemp("milvus")) as found:
        yield found


@pytest.fixture(scope="module")
def settings(library: Path, server: Server) -> IndexSettings:
    """The library's dozen articles, published there."""
    found = settings_of(library, server)
    published = publish_to(Address.parse(found.index_from), found)
    print(f"\nMilvus {published.version}")
    assert published.copied
    return found


@pytest.fixture(scope="module")
def there(settings: IndexSettings) -> MilvusIndex:
    return MilvusIndex.open(settings)


@pytest.fixture(scope="module")
def here(settings: IndexSettings) -> LocalIndex:
    return LocalIndex.open(settings)


@dense
def test_an_indexed_vector_finds_itself(there: MilvusIndex, here: LocalIndex) -> None:
    for key in (0, 7, there.status().passages - 1):
        (found,) = there.by_vector(here.dense.rows(key, key + 1)[0], 1, Filters())
        assert found == (key, pytest.approx(1.0, abs=1e-6))


@dense
def test_a_graph_finds_them_too(server: Server, library: Path, here: LocalIndex) -> None:
    """In so small a library all of them, also within a filter."""
    given = settings_of(library, server, "graph").model_copy(update={"milvus_vectors": "hnsw"})
    assert publish_to(Address.parse(given.index_from), given).copied
    there = MilvusIndex.open(given)
    assert (there.status().vectors, there.status().recall) == ("hnsw", 1.0)
    for question in QUESTIONS:
        vector = here.embedder.embed_query(question)
        for filters in FILTERS:
            ours, theirs = here.by_vector(vector, 10, filters), there.by_vector(vector, 10, filters)
            assert [key for key, _ in theirs] == [key for key, _ in ours]
            assert [score for _, score in theirs] == pytest.approx([score for _, score in ours], abs=1e-5)


@dense
@pytest.mark.parametrize("filters", FILTERS)
def test_the_same_passages_are_near(there: MilvusIndex, here: LocalIndex, filters: Filters) -> None:
    for question in QUESTIONS:
        vector = here.embedder.embed_query(question)
        for k in (1, 10, 10_000):
            ours, theirs = (found.by_vector(vector, k, filters) for found in (here, there))
            assert [key for key, _ in ours] == [key for key, _ in theirs]
            assert [score for _, score in ours] == pytest.approx([score for _, score in theirs], abs=1e-6)


@dense
def test_filters_that_name_nothing(there: MilvusIndex, here: LocalIndex) -> None:
    said = []
    for found in (there, here):
        with pytest.raises(FilterError) as error:
            found.by_vector(here.embedder.embed_query("Oslo"), 3, Filters.parse(regions=["atlantis"]))
        said.append(str(error.value))
    assert said[0] == said[1]


@dense
def test_all_else_is_the_same(there: MilvusIndex, here: LocalIndex) -> None:
    vector = here.embedder.embed_query(QUESTIONS[0])
    keys = [key for key, _ in here.by_vector(vector, 40, Filters())]
    assert there.status() == here.status()
    assert there.newest() == here.status().generation
    assert there.passages([*keys, keys[0]]) == here.passages([*keys, keys[0]])
    assert there.similarities(vector, keys) == here.similarities(vector, keys)
    assert there.similarities(vector, []) == []
    assert there.best_sentences(vector, keys) == here.best_sentences(vector, keys)
    for ours, theirs in zip(here.sentences(vector, keys), there.sentences(vector, keys), strict=True):
        assert ours.sentence == theirs.sentence
        assert ours.cosine == pytest.approx(theirs.cosine, abs=1e-6)
        assert np.array_equal(ours.vector, theirs.vector)
    assert there.summaries() == here.summaries()
    ids = [each.doc_id for each in here.summaries()]
    assert [there.document(name) for name in ids] == [here.document(name) for name in ids]
    assert there.facts([*ids, "nobody"]) == here.facts([*ids, "nobody"])
    for facet in ("regions", "topics", "track"):
        assert there.facet_values(facet) == here.facet_values(facet) != []
    for text in (*QUESTIONS, "zyzzyva", "Who hosted the Osslo tallks in Norwey?"):
        assert there.rarity(text) == here.rarity(text)
        assert there.respell(text) == here.respell(text)
        assert [there.holds(stem) for stem in analyze(text)] == [here.holds(stem) for stem in analyze(text)]
    assert there.respell("the Osslo channel") == "the Oslo channel"
    with pytest.raises(UnknownDocumentError) as error:
        there.document("nobody")
    assert str(error.value) == f"No article 'nobody' in generation {there.status().generation}"


@pytest.mark.parametrize("filters", FILTERS)
def test_words_are_scored_by_bm25(there: MilvusIndex, here: LocalIndex, filters: Filters) -> None:
    """By hand; tantivy keeps a length in one byte, rounded down by up to an eighth: the score is up to 5 % higher."""
    passages = {each.key: stems(words_of(each)) for each in here.passages(range(here.status().passages))}
    average = sum(map(len, passages.values())) / len(passages)

    def bm25(question: str, key: int) -> float:
        total = 0.0
        for stem in set(analyze(question)):
            frequency = here.lexical.document_frequency(stem)
            rarity = log(1 + (len(passages) - frequency + 0.5) / (frequency + 0.5))
            count = passages[key].count(stem)
            total += rarity * count * (K1 + 1) / (count + K1 * (1 - B + B * len(passages[key]) / average))
        return total

    assert there.warning == ""
    for question in QUESTIONS:
        found = there.by_words(question, 1000, filters)
        assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
        for key, score in found:
            assert score == pytest.approx(bm25(question, key), rel=1e-4)
        local = dict(here.by_words(question, 1000, filters))
        assert local.keys() == dict(found).keys()
        for key, score in found:
            assert score == pytest.approx(local[key], rel=0.05)
    assert there.by_words("of the and", 5, filters) == []


@dense
def test_publishing_again_copies_nothing(settings: IndexSettings, server: Server) -> None:
    before = sorted(connected(server).collections())
    again = publish_to(Address.parse(settings.index_from), settings)
    assert not again.copied
    assert sorted(connected(server).collections()) == before


@dense
def test_rows_that_are_sent_twice_are_there_once(settings: IndexSettings, server: Server) -> None:
    connection = connected(server)
    names = names_of("articles", MilvusIndex.open(settings).status().generation)
    rows = connection.rows(names.records, 'kind == "about"', ["id", "kind", "name", "place", "part", "parts", "body"])
    count = connection.count(names.records)
    assert {row["id"] for row in rows} == {record_id("about", row["name"]) for row in rows}
    connection.upsert(names.records, [{**row, "nothing": [0.0, 1.0]} for row in rows])
    assert connection.count(names.records) == count


@pytest.fixture
def own(tmp_path: Path, models: Path, server: Server) -> IndexSettings:
    """A home with three articles, published there under a name of its own."""
    home = with_models(tmp_path / "home", models)
    index(home, DATA / "library")
    name = f"own{abs(hash(tmp_path))}"
    found = settings_of(home, server, name)
    publish_to(Address.parse(found.index_from), found)
    return found


MILL = "What happened at the mill?"


def seen(found: MilvusIndex) -> set[str]:
    """The ids of all articles that a search finds."""
    vector = found.embedder.embed_query(MILL)
    keys = [key for key, _ in found.by_vector(vector, 1000, Filters())]
    keys += [key for key, _ in found.by_words(MILL, 1000, Filters())]
    return {each.doc_id for each in found.passages(keys)}


@dense
def test_a_deletion_is_never_seen_once_apply_has_returned(own: IndexSettings) -> None:
    address = Address.parse(own.index_from)
    old = MilvusIndex.open(own)
    assert seen(old) == {"lighthouse-channel", "mill-talks", "orchard-workshop"}
    withdraw(own.home, ["mill-talks"])
    index(own.home)
    publish_to(address, own)
    for _ in range(20):
        found = MilvusIndex.open(own)
        assert seen(found) == {"lighthouse-channel", "orchard-workshop"}
        assert [each.doc_id for each in found.summaries()] == ["lighthouse-channel", "orchard-workshop"]
    assert old.newest() != old.status().generation
    assert seen(old.successor()) == {"lighthouse-channel", "orchard-workshop"}
    kept = old.past(old.status().generation)
    assert kept
    assert kept.document("mill-talks")
    assert old.past("20200101T000000000000Z-00000000") is None


@dense
def test_reads_wait_until_the_copy_is_there_and_not_until_now(there: MilvusIndex) -> None:
    """Strong has a real server wait 0.2 s at each call. Milvus Lite does not tell when a collection was made."""
    strong = there.connection.as_of(0)
    assert strong.reading == {"consistency_level": "Strong"}
    told = strong.client.describe_collection(there.names.records).get("created_timestamp", 0)
    written = there.manifest["written"]
    if told:
        assert 100 <= (written - told >> 18) < 120_000, "milliseconds between the first collection and the last row"
        assert there.connection.reading == {"consistency_level": "Customized", "guarantee_timestamp": written}
    else:
        assert (written, there.connection.reading) == (0, strong.reading)
    for name, rows in zip(there.names.all, there.manifest["rows"], strict=True):
        assert strong.count(name) == rows


@dense
def test_a_copy_of_before_time_stamps_were_kept_is_read_strongly(there: MilvusIndex) -> None:
    manifest = {name: value for name, value in there.manifest.items() if name != "written"}
    old = MilvusIndex(there.connection, there.names, manifest, there.embedder, there.models)
    assert old.connection.reading == {"consistency_level": "Strong"}
    assert old.passages([0]) == there.passages([0])


@dense
def test_rollback_wants_a_word_where_withdrawn_articles_come_back(own: IndexSettings) -> None:
    address = Address.parse(own.index_from)
    before = MilvusIndex.open(own).status().generation
    withdraw(own.home, ["mill-talks"])
    after = index(own.home).generation.name
    publish_to(address, own)
    with pytest.raises(SourceError, match=f"Generation {before} holds 1 withdrawn article \\(mill-talks\\)"):
        roll_back_at(address, own)
    assert MilvusIndex.open(own).status().generation == after
    assert roll_back_at(address, own, yes=True) == before
    assert "mill-talks" in seen(MilvusIndex.open(own))
    with pytest.raises(SourceError, match="There is none before it at"):
        roll_back_at(address, own)
    again = publish_to(address, own)
    assert (again.generation, again.copied) == (after, False)
    assert "mill-talks" not in seen(MilvusIndex.open(own))
    with pytest.raises(SourceError, match="0 generations begin with '1999'"):
        roll_back_at(address, own, "1999")


@dense
def test_a_copy_that_breaks_off_is_never_seen(
    own: IndexSettings, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address = Address.parse(own.index_from)
    live = MilvusIndex.open(own).status().generation
    (tmp_path / "more.md").write_text("# The ferry\n\nThe ferry carried letters between the two banks until 1911.\n")
    index(own.home, DATA / "library", tmp_path / "more.md")
    sent = []
    upsert, drop = Connection.upsert, Connection.drop

    def broken(self: Connection, collection: str, rows: list[dict[str, object]]) -> None:
        sent.append(collection)
        if len(sent) == 3:
            raise MilvusError("the line went dead")
        upsert(self, collection, rows)

    monkeypatch.setattr(Connection, "upsert", broken)
    monkeypatch.setattr(Connection, "drop", lambda self, collection: None)  # as where the process is killed
    with pytest.raises(MilvusError, match="the line went dead"):
        publish_to(address, own)
    assert MilvusIndex.open(own).status().generation == live
    monkeypatch.setattr(Connection, "upsert", upsert)
    monkeypatch.setattr(Connection, "drop", drop)
    connection = connected(server, address.collection)
    assert len(names_in(address.collection, connection.collections())) == 2
    done = publish_to(address, own)
    assert done.copied
    assert "more" in seen(MilvusIndex.open(own))


@dense
def test_the_last_few_generations_stay(own: IndexSettings, server: Server, tmp_path: Path) -> None:
    address = Address.parse(own.index_from)
    fewer = own.model_copy(update={"keep_generations": 2})
    names = [MilvusIndex.open(own).names]
    for number in range(2):
        (tmp_path / "more.md").write_text(f"# The ferry\n\nThe ferry carried {number} letters between the banks.\n")
        index(own.home, DATA / "library", tmp_path / "more.md")
        publish_to(address, fewer)
        names.append(MilvusIndex.open(own).names)
    there = connected(server, address.collection).collections()
    assert names_in(address.collection, there) == [names[2], names[1]]
    assert {each for each in there if each.startswith(f"{address.collection}__")} == {*names[1].all, *names[2].all}


@dense
def test_collections_of_others_are_left_alone(library: Path, server: Server) -> None:
    connection = connected(server, "foreign")
    fields = [("key", "INT64", {}), ("vector", "FLOAT_VECTOR", {"dim": 4})]
    connection.create("foreign", fields, K1, B)
    try:
        settings = settings_of(library, server, "foreign")
        said = "milvus://.*/foreign is a collection that `index apply` did not make"
        with pytest.raises(MilvusError, match=said):
            publish_to(Address.parse(settings.index_from), settings)
        with pytest.raises(MilvusError, match=said):
            MilvusIndex.open(settings)
        assert "foreign" in connection.collections()
    finally:
        connection.drop("foreign")


def test_llama_index_reads_the_vectors(settings: IndexSettings, here: LocalIndex, server: Server) -> None:
    """Its store wants the collection's own name, which `index status --from` tells: it does not look for aliases."""
    milvus = pytest.importorskip("llama_index.vector_stores.milvus")
    from llama_index.core.vector_stores.types import VectorStoreQuery

    store = milvus.MilvusVectorStore(
        uri=f"http://{server.host}:{server.port}",
        collection_name=MilvusIndex.open(settings).names.passages,
        dim=here.embedder.dimension,
        embedding_field="vector",
        text_key="text",
        doc_id_field="doc_id",
        output_fields=["passage_id", "doc_id", "title", "start", "end"],
        similarity_metric="IP",
        consistency_level="Strong",
        use_async_client=False,
    )
    vector = here.embedder.embed_query(QUESTIONS[0])
    found = store.query(VectorStoreQuery(query_embedding=vector.tolist(), similarity_top_k=5))
    ours = here.by_vector(vector, 5, Filters())
    assert found.ids == [key for key, _ in ours]
    assert found.similarities == pytest.approx([score for _, score in ours], abs=1e-6)
    passages = here.passages([key for key, _ in ours])
    assert [node.get_content() for node in found.nodes] == [each.text for each in passages]
    assert [node.metadata["passage_id"] for node in found.nodes] == [each.passage_id for each in passages]


def test_the_command_line(run: Run, tmp_path: Path, models: Path, server: Server) -> None:
    home, url = with_models(tmp_path / "home", models), server.url("commands")
    status, out, err = run("index", "apply", DATA / "library", "--to", url, "--home", home)
    assert (status, err) == (0, "")
    generation = LocalIndex.open(IndexSettings.load(home=home)).status().generation
    version = connected(server).version
    assert out.splitlines()[-1] == f"Published to {url} (Milvus {version}): generation {generation}"
    assert run("index", "apply", "--to", url, "--home", home)[1].splitlines()[-1].startswith(f"Live at {url}")
    status, out, _ = run("index", "status", "--json", "--from", url, "--home", home)
    told = json.loads(out)
    assert (status, told["generation"], told["server"]) == (0, generation, version)
    assert told["collection"] == f"commands__{generation.replace('-', '_')}"
    for command in (("search", MILL, "--json", "--k", "3"), ("ask", MILL, "--json")):
        there, here = (json.loads(run(*command, "--home", home, *more)[1]) for more in (("--from", url), ()))
        assert [each["passage_id"] for each in there["passages"]] == [each["passage_id"] for each in here["passages"]]
    assert run("index", "remove", "mill-talks", "--home", home)[0] == 0
    assert run("index", "apply", "--to", url, "--home", home)[0] == 0
    _, out, _ = run("search", MILL, "--json", "--from", url, "--home", home)
    assert "mill-talks" not in out
    assert run("index", "rollback", "--to", url, "--yes", "--home", home)[1] == f"Live at {url}: {generation}\n"
    assert "mill-talks" in run("search", MILL, "--json", "--from", url, "--home", home)[1]


def test_conditions_hold_numbers_only() -> None:
    facets = [("regions", "a"), ("regions", 'b" or key >= 0'), ("topics", "a")]
    filters = Filters.parse("1990-1995", regions=['b" or key >= 0'], topics=["a"])
    said = "until >= 1990 and since <= 1995 and array_contains_any(facets, [1]) and array_contains_any(facets, [2])"
    assert condition(filters, facets) == said
    assert condition(Filters(), facets) == ""
