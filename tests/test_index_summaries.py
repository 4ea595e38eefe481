"""What lists and filters ask of documents: their facets and years, and the articles that they name as related."""

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import index

from assistant.answering import Assistant
from assistant.page.about import related as related_links
from assistant.suggesting import Suggestions
from index.filters import FACETS, period
from index.searching import LocalIndex
from index.settings import IndexSettings
from index.store import ASKED
from index.summaries import Facts, related, several

TEXT = "---\ntitle: The {name}\nrelated: [{related}]\nquestions: What did the {name} carry?\n---\n\n{text}\n"
# Names without the folder, with it, of another folder, of none; the barge's own name, and one that nothing has.
RELATED = {
    "river/barge": "raft, river/ferry, sea/cutter, pilot, barge, gone",
    "river/raft": "barge",
    "river/ferry": "",
    "sea/cutter": "barge, raft, pilot",
    "pilot": "barge, river/barge",
}


@pytest.fixture
def nested(home: Path, tmp_path: Path) -> Assistant:
    """Articles in two folders, and one in none."""
    for doc_id, named in RELATED.items():
        file = tmp_path / "articles" / f"{doc_id}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        text = f"The {file.stem} carried letters of the {file.stem} between the two banks until 1911."
        file.write_text(TEXT.format(name=file.stem, related=named, text=text), encoding="utf-8")
    index(home, tmp_path / "articles")
    return Assistant.open(home)


def test_a_related_article_may_be_named_without_the_folder_that_both_share(nested: Assistant) -> None:
    """Alike in lists, around an article, and for the next questions."""
    expected = {
        "river/barge": ["river/raft", "river/ferry", "sea/cutter", "pilot"],
        "river/raft": ["river/barge"],
        "river/ferry": [],
        "sea/cutter": ["pilot"],
        "pilot": ["river/barge"],
    }
    assert {each.doc_id: list(each.related) for each in nested.index.summaries()} == expected
    titles = {each.doc_id: each.title for each in nested.index.summaries()}
    for doc_id, names in expected.items():
        links = related_links(nested.index, nested.index.document(doc_id))
        assert [title for _, title in links] == [titles[name] for name in names], doc_id
    answer = nested.ask("What did the barge carry between the two banks?")
    cited = [each for each in answer.citations if each.doc_id == "river/barge"]
    read = [each.doc_id for each in Suggestions(nested).articles(replace(answer, citations=tuple(cited)))]
    assert read == ["river/barge", *expected["river/barge"]]


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (["weir"], ["weir"]),  # as it stands, though the folder has one too
        (["mill"], ["a/mill"]),
        (["dam", "a/dam"], []),  # itself
        (["b/lock", "lock"], ["b/lock"]),
        (["gone", "weir", "weir"], ["weir"]),  # two are looked up
        ("mill", ["a/mill"]),
        (None, []),
    ],
)
def test_an_id_is_completed_only_where_nothing_has_it_as_it_stands(named: object, expected: list[str]) -> None:
    there = {each: each for each in ("weir", "a/weir", "a/mill", "a/dam", "b/lock")}
    assert list(related("a/dam", {"related": named}, there.get, 2)) == expected


def test_facts_are_those_of_the_documents_themselves(assistant: Assistant) -> None:
    found = assistant.index
    ids = [each.doc_id for each in found.summaries()]
    expected = {}
    for each in map(found.document, ids):
        expected[each.doc_id] = Facts({facet: several(each.metadata, facet) for facet in FACETS}, *period(each))
    assert found.facts(ids) == expected
    assert found.facts(ids)["oslo-channel"].since == 1992
    assert found.facts(["oslo-channel", "gone", "' OR 1 --"]) == {"oslo-channel": expected["oslo-channel"]}
    assert found.facts([]) == {}


def test_facts_of_more_documents_than_one_query_asks_for(library: Path) -> None:
    found = LocalIndex.open(IndexSettings.load(home=library))
    ids = [f"gone-{number}" for number in range(ASKED)] + ["aceh", "oslo-channel"]
    assert found.facts(ids) == found.facts(["aceh", "oslo-channel"])
    assert len(found.facts(ids)) == 2
