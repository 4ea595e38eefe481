"""The mutation set, and what the check of written sentences is worth on the halves that nothing was fitted on."""

from collections import Counter
from pathlib import Path

import pytest

from assistant.claim_numbers import numbers_of
from evals.grounding_check import Grounding, Share, check_grounding, lines_of, refused, table_of
from evals.mutations import KINDS, Mutation, is_held, mutations_of
from index.searching import LocalIndex
from index.settings import IndexSettings

STRENGTHS = ("light", "medium", "strong")
pytestmark = pytest.mark.slow  # reads all articles: 6 s; the check itself another 40


@pytest.fixture(scope="module")
def made(root: Path) -> list[Mutation]:
    return mutations_of(root / "data" / "articles")


@pytest.fixture(scope="module")
def found(root: Path, whole_library: Path) -> Grounding:
    begin = root.parent / "shared" / "grounding" / "begin_dev_wow.jsonl"
    index = LocalIndex.open(IndexSettings.load(home=whole_library))
    return check_grounding(
        root / "data" / "articles", begin if begin.is_file() else None, index.embedder, rewordings=False, index=index
    )


@pytest.fixture(params=["shares", "passages"])
def shares(request: pytest.FixtureRequest, found: Grounding) -> tuple[Share, ...]:
    """Claims against their very quotes, and against whole passages, as in an answer."""
    return getattr(found, request.param)


def test_over_six_hundred_of_seven_kinds_on_both_halves(made: list[Mutation]) -> None:
    counts = Counter((each.kind, is_held(each.doc_id)) for each in made)
    assert len(made) >= 600
    assert set(counts) == {(kind, held) for kind in KINDS for held in (False, True)}
    assert all(counts[kind, False] + counts[kind, True] >= 100 for kind in KINDS)


def test_each_differs_from_what_it_cites(made: list[Mutation]) -> None:
    assert all(each.text not in quote for each in made for quote in each.quotes)
    for each in made:
        if each.kind == "wrong year":
            known = {number.value for number in numbers_of(each.quotes[0])}
            assert {number.value for number in numbers_of(each.text)} - known, each


def test_the_same_seed_makes_the_same(root: Path) -> None:
    first, again = (mutations_of(root / "data" / "articles", each=4, seed=3) for _ in range(2))
    assert first == again


def test_false_sentences_of_the_held_half_are_refused(shares: tuple[Share, ...]) -> None:
    assert refused(shares, KINDS, held=True) >= 0.97, table_of("", shares)
    assert {kind: share for kind in KINDS if (share := refused(shares, [kind], held=True)) < 0.85} == {}


def test_true_paraphrases_are_kept(shares: tuple[Share, ...]) -> None:
    assert sum(each.count for each in shares if each.kind in STRENGTHS) >= 150
    assert refused(shares, STRENGTHS) <= 0.08, table_of("", shares)


def test_begin_is_told_apart_better_than_by_chance(found: Grounding) -> None:
    if not found.told:
        pytest.skip("BEGIN is not there: ../shared/grounding is absent")
    ours = next(each for each in found.told if each.name == "our check")
    assert ours.interval
    assert ours.interval.low > 0.6, lines_of(found)
    assert {each.name for each in found.told} == {"our check", "cosine", "word overlap"}
