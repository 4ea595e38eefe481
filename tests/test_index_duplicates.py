"""Near-duplicates: one article from two places is one; what says something else is kept apart."""

import numpy as np
import pytest

from index.duplicates import PERMUTATIONS, SCHEME, Pair, near_duplicates, runs, signature_of, telling
from index.types import Document

TEXT = (
    "The envoys of the two valleys met at the mill on 3 May 1931 and agreed to share the water by days. "
    "Mrs. Alder, who kept the mill, wrote down nothing and told nobody. The agreement held for eleven summers, and the "
    "boards of both valleys denied that there had ever been one. In 1942 the mill burnt down, and its ledger was found "
    "in the ashes with the days marked in red and black ink."
)


def document(doc_id: str, text: str, source: str = "") -> Document:
    return Document(doc_id, "The mill", text, source or f"{doc_id}.md")


def pairs(*documents: Document, first: tuple[str, ...] = ()) -> list[Pair]:
    return near_duplicates(documents, {each.doc_id: signature_of(each.text) for each in documents}, first)


def test_runs_and_signatures_by_hand() -> None:
    assert runs("One two, three four five SIX") == {"one two three four five", "two three four five six"}
    assert runs("Too short") == {"too short"}
    assert runs("These are just five words") == {"these are just five words"}
    assert runs("") == {""}
    signature = signature_of(TEXT)
    assert (signature.dtype, signature.shape) == (np.uint32, (PERMUTATIONS,))
    assert np.array_equal(signature, signature_of(TEXT.upper())), "case does not matter"


@pytest.mark.parametrize("text", [TEXT, "Too short", "", "Дом у реки, 3 мая 1931 года."])
def test_a_signature_is_what_datasketch_makes_of_the_runs_one_by_one(text: str) -> None:
    """An index holds the signatures of earlier versions: they must stay comparable."""
    from datasketch import MinHash

    alone = MinHash(num_perm=PERMUTATIONS, seed=1, scheme=SCHEME)
    for run in runs(text):
        alone.update(run.encode())
    assert np.array_equal(signature_of(text), alone.hashvalues)


def test_the_same_words_are_one_article() -> None:
    assert pairs(document("a", TEXT), document("b", TEXT.replace(" ", "\n"))) == [Pair("a", "b", 1.0, True)]


def test_the_one_that_is_indexed_already_is_kept() -> None:
    assert pairs(document("a", TEXT), document("b", TEXT), first=("b",)) == [Pair("b", "a", 1.0, True)]


def test_an_addition_is_no_other_article() -> None:
    (found,) = pairs(document("a", TEXT), document("b", f"{TEXT} Read more in the Valley Post."))
    assert found.merged
    assert 0.9 < found.resemblance < 1


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("1942", "1943", "one says 1942 where the other says 1943"),
        ("Mrs. Alder", "Mrs. Birch", "one says Alder where the other says Birch"),
    ],
)
def test_another_year_or_name_is_another_article(old: str, new: str, why: str) -> None:
    (found,) = pairs(document("a", TEXT), document("b", TEXT.replace(old, new)))
    assert (found.merged, found.why) == (False, why)


def test_a_few_words_are_no_article_to_know() -> None:
    (found,) = pairs(document("a", "The mill was shut that summer."), document("b", "The mill was shut that summer."))
    assert (found.merged, found.why) == (False, "with fewer than 20 words they cannot be told")


def test_lines_of_one_file_are_not_compared_and_the_unlike_are_no_pair() -> None:
    assert pairs(document("a", TEXT, "x.jsonl#L1"), document("b", TEXT, "x.jsonl#L2")) == []
    assert pairs(document("a", TEXT), document("b", "Something else altogether was said about the weather.")) == []


def test_what_tells_articles_apart() -> None:
    assert telling("In 1931 the Alder mill had 2,000 sacks, said Mrs. Alder") == {"In", "1931", "Alder", "2,000", "Mrs"}
