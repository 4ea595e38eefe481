"""The kinds of vector index: what each finds, what a filter lets through, what is chosen, and what is refused."""

import multiprocessing
import random
import resource
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import DATA, index, with_models

from index.building import plan_for
from index.dense import COMMON, DenseIndex, begins_well
from index.errors import DamagedIndexError, SettingsError
from index.generation import Generation
from index.kinds import KINDS, LEAST, NAMES, kind_for, lists_for
from index.searching import LocalIndex
from index.settings import IndexSettings
from index.showing import plan_json, plan_lines

LIBRARY = DATA / "library"
DIMENSION = 64
APPROXIMATE = [each for each in KINDS if each.name not in ("exact", "half")]


def drawn(count: int, seed: int = 7, dimension: int = DIMENSION) -> np.ndarray:
    """Unit rows around a hundred middles, as vectors of texts lie."""
    generator = np.random.default_rng(seed)
    middles = np.random.default_rng(0).normal(size=(100, dimension))
    rows = middles[generator.integers(0, 100, count)] + generator.normal(size=(count, dimension))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def read_back(folder: Path, built: DenseIndex) -> DenseIndex:
    path = folder / f"{built.kind.name}.faiss"
    path.write_bytes(built.to_bytes())
    return DenseIndex.load(path, built.kind)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_kind_finds_what_numpy_finds(tmp_path: Path, kind) -> None:
    vectors = drawn(3000)
    built = DenseIndex.build(vectors, kind)
    loaded = read_back(tmp_path, built)
    assert (len(loaded), loaded.dimension) == (3000, DIMENSION)
    assert np.abs(loaded.rows(0, 3000) - vectors).max() <= (0 if kind.name == "exact" else 2**-12)
    found = wanted = 0
    for query in drawn(20, seed=8):
        cosines = vectors @ query
        best = np.argsort(-cosines, kind="stable")[:10]
        pairs = loaded.search(query, 10)
        assert pairs == built.search(query, 10)
        assert [score for _, score in pairs] == sorted((score for _, score in pairs), reverse=True)
        assert all(score == pytest.approx(float(cosines[key]), abs=1e-3) for key, score in pairs)
        assert loaded.similarities(query, [key for key, _ in pairs]) == pytest.approx([s for _, s in pairs], abs=1e-5)
        found += len({key for key, _ in pairs} & set(best.tolist()))
        wanted += 10
    assert found / wanted >= {"exact": 1.0, "half": 0.99}.get(kind.name, 0.95)
    assert loaded.recall(drawn(20, seed=8)) >= 0.95


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("share", [0.5, 0.01, 0.001])
def test_within_a_filter_each_kind_compares_every_vector(kind, share: float) -> None:
    """Also where the filter lets through what no other search would come to: far from the question, a few of many."""
    vectors = drawn(3000)
    dense = DenseIndex.build(vectors, kind)
    within = np.random.default_rng(9).permutation(3000)[: int(3000 * share)].astype(np.int64)
    for query in drawn(10, seed=10):
        cosines = vectors[within] @ query
        wanted = sorted(zip(-cosines, within.tolist(), strict=True))[:10]
        pairs = dense.search(query, 10, within)
        assert len(pairs) == min(10, len(within))
        assert [score for _, score in pairs] == pytest.approx([-score for score, _ in wanted], abs=1e-3)
        assert {key for key, _ in pairs} <= set(within.tolist())
        lowest = -wanted[-1][0]
        assert all(cosines[within.tolist().index(key)] >= lowest - 1e-3 for key, _ in pairs)


@pytest.mark.parametrize("kind", [NAMES["codes"], NAMES["lists"]], ids=lambda kind: kind.name)
def test_vectors_that_are_their_own_middle_are_found(kind) -> None:
    """Their codes have nothing to say: of two places only, each is the middle of its list."""
    rows = np.zeros((2000, DIMENSION), np.float32)
    rows[:1000, 0] = rows[1000:, 1] = 1
    found = DenseIndex.build(rows, kind).search(rows[1500], 5)
    assert [score for _, score in found] == pytest.approx([1] * 5)
    assert all(key >= 1000 for key, _ in found)


def test_what_is_chosen() -> None:
    chosen = {count: kind_for(count).name for count in (1, 50_000, 50_001, 150_001, 500_001, 10**8)}
    assert chosen == {1: "exact", 50_000: "exact", 50_001: "half", 150_001: "codes", 500_001: "lists", 10**8: "lists"}
    assert kind_for(10**6, "hnsw").name == "hnsw"
    assert kind_for(LEAST - 1, "codes").name == "half"
    assert kind_for(LEAST, "lists").name == "lists"
    assert [lists_for(count) for count in (1, 1_000, 1_000_000, 100_000_000)] == [2, 64, 2048, 16384]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_bytes_are_those_that_are_told(kind) -> None:
    rows = drawn(20_000, dimension=384)
    size = len(DenseIndex.build(rows, kind).to_bytes())
    assert size == pytest.approx(kind.size(20_000, 384), rel=0.05)


def test_a_plan_says_how_vectors_will_be_kept(home: Path) -> None:
    settings = IndexSettings.load(home=home)
    plan, costs = plan_for(settings, [LIBRARY])
    assert costs
    passages = costs.passages_new
    assert plan_json(plan, costs)["vectors"] == "exact"
    assert plan_json(plan, costs)["vector_bytes"] == passages * 4 * 384
    told = next(line for line in plan_lines(plan, costs) if line.startswith("vectors: "))
    assert told == (
        "vectors: exact (every vector is compared); of the ten nearest 100.0% found; "
        f"{passages * 1536 / 1e6:.1f} MB. Another kind: BACKCHANNEL_VECTOR_INDEX=half|hnsw|codes|lists"
    )
    _, other = plan_for(IndexSettings.load(home=home, vector_index="hnsw"), [LIBRARY])
    assert other
    assert (other.kind.name, other.vector_bytes) == ("hnsw", passages * (2 * 384 + 284))


def test_a_kind_that_there_is_not(home: Path) -> None:
    with pytest.raises(SettingsError, match="vector_index cannot be 'flat'"):
        IndexSettings.load(home=home, vector_index="flat")


def test_another_kind_is_another_generation_and_back(home: Path) -> None:
    """16-bit vectors are taken over by other kinds of 16 bits; the exact kind has its own from the cache."""
    exact = index(home, LIBRARY)
    half = index(home, LIBRARY, vector_index="half")
    graph = index(home, LIBRARY, vector_index="hnsw")
    assert not index(home, LIBRARY, vector_index="hnsw").published
    back = index(home, LIBRARY)
    kinds = [each.generation.manifest["vectors"] for each in (exact, half, graph, back)]
    assert kinds == [{"kind": name, "recall": 1.0} for name in ("exact", "half", "hnsw", "exact")]
    assert [each.embedded for each in (half, graph, back)] == [0, 0, 0]
    paths = [each.generation.folder / "passages.faiss" for each in (back, exact) if each.generation.folder.exists()]
    one = LocalIndex.open(IndexSettings.load(home=home))
    assert (one.status().vectors, one.status().recall) == ("exact", 1.0)
    assert len({path.read_bytes() for path in paths}) == 1, "not a bit was lost on the way"


def test_without_a_cache_the_exact_kind_is_embedded_anew(home: Path) -> None:
    half = index(home, LIBRARY, vector_index="half")
    (home / "cache" / "vectors.sqlite").unlink()
    passages = half.generation.manifest["counts"]["passages"]
    _, costs = plan_for(IndexSettings.load(home=home), [LIBRARY])
    assert costs
    assert costs.to_embed == passages
    assert index(home, LIBRARY).embedded == passages


@pytest.mark.parametrize("name", ["half", "hnsw"])
def test_questions_find_the_same_passages(tmp_path: Path, models: Path, name: str) -> None:
    exact, other = (with_models(tmp_path / each, models) for each in ("exact", "other"))
    index(exact, LIBRARY)
    index(other, LIBRARY, vector_index=name)
    one, two = (LocalIndex.open(IndexSettings.load(home=each)) for each in (exact, other))
    from index.filters import Filters

    for asked in ("Who met at the weir?", "What did the two sides agree on?"):
        vector = one.embedder.embed_query(asked)
        first, second = (each.by_vector(vector, 5, Filters()) for each in (one, two))
        assert [key for key, _ in first] == [key for key, _ in second]
        assert [s for _, s in first] == pytest.approx([s for _, s in second], abs=1e-3)


def test_a_manifest_with_a_kind_that_there_is_not(home: Path) -> None:
    made = index(home, LIBRARY).generation
    other = Generation(made.name, made.folder, {**made.manifest, "vectors": {"kind": "tree"}})
    with pytest.raises(DamagedIndexError, match="keeps its vectors as 'tree', unknown here"):
        _ = other.kind


# --- crafted files


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_f15_a_header_that_does_not_fit_the_file(tmp_path: Path, kind) -> None:
    built = DenseIndex.build(drawn(2000), kind)
    whole = built.to_bytes()
    path = tmp_path / "passages.faiss"
    for other in KINDS:
        if {kind.name, other.name} != {"codes", "lists"}:
            assert begins_well(whole[:45], other, len(whole)) == (kind == other)
    for dimension, count in ((DIMENSION, 2**60), (DIMENSION, 0), (0, 2000), (2**31 - 1, 2000), (DIMENSION, 9000)):
        four = whole[:4]
        head = COMMON.pack(four, dimension, count, 1 << 20, 1 << 20, True, 0)
        path.write_bytes(head + whole[COMMON.size :])
        with pytest.raises(DamagedIndexError, match=f"its header is not that of {len(whole)} bytes"):
            DenseIndex.load(path, kind)
    for cut in (0, 3, 40, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(DamagedIndexError):
            DenseIndex.load(path, kind)


def test_f15_codes_are_no_lists(tmp_path: Path) -> None:
    path = tmp_path / "passages.faiss"
    path.write_bytes(DenseIndex.build(drawn(2000), NAMES["codes"]).to_bytes())
    with pytest.raises(DamagedIndexError, match="not a FAISS index of the kind lists: its parts disagree"):
        DenseIndex.load(path, NAMES["lists"])


def opened_and_asked(path: str, kind: str, memory: int) -> None:
    """In a process of its own: exits with 0 where the file is refused in words or answers, 3 where that takes long."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    started = time.monotonic()
    try:
        dense = DenseIndex.load(Path(path), NAMES[kind])
        for query in drawn(3, seed=11):
            assert all(0 <= key < len(dense) for key, _ in dense.search(query, 10))
        dense.rows(0, len(dense))
    except (DamagedIndexError, MemoryError):
        pass
    raise SystemExit(3 if time.monotonic() - started > 2 else 0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", APPROXIMATE, ids=lambda kind: kind.name)
def test_f15_hostile_numbers_anywhere_in_a_file_that_was_made_to_fit(tmp_path: Path, kind) -> None:
    """The parts of a file that are no vectors, and a hostile number in each place: no crash, no gigabytes, 2 s."""
    whole = DenseIndex.build(drawn(1500), kind).to_bytes()
    path = tmp_path / "passages.faiss"
    draw = random.Random(15)
    context = multiprocessing.get_context("fork")
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    bad = []
    for _ in range(100):
        data = bytearray(whole)
        value = draw.choice((0, 1, 2**31 - 1, 2**31, 2**33, 2**40, 2**60, 2**63, 2**64 - 1))
        form = draw.choice(("<I", "<Q"))
        at = draw.choice((draw.randrange(0, 400), draw.randrange(0, len(data) - 8)))
        data[at : at + struct.calcsize(form)] = struct.pack(form, value % 2 ** (8 * struct.calcsize(form)))
        path.write_bytes(data)
        child = context.Process(target=opened_and_asked, args=(str(path), kind.name, used + 400_000_000))
        child.start()
        child.join(30)
        if child.exitcode != 0:
            bad.append((form, value, at, child.exitcode))
    assert bad == []
