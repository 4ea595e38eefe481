"""F16: an article that is gone is returned by no route: by vector, by words, by id, in an answer."""

import json
from pathlib import Path
from random import Random

import pytest
from conftest import with_models
from test_index_building import embedder  # noqa: F401

from assistant.answering import Assistant
from assistant.settings import AssistantSettings
from index.building import apply
from index.errors import UnknownDocumentError
from index.filters import Filters
from index.searching import LocalIndex
from index.settings import IndexSettings
from index.upkeep import withdraw

pytestmark = pytest.mark.slow
ARTICLES, DELETED, BATCH = 1100, 1000, 250
PLACES = "ferry harbour orchard quarry bridge weir chapel market mill lighthouse".split()


def line(number: int) -> str:
    """An article of one sentence with a word that no other has."""
    place, year = PLACES[number % len(PLACES)], 1900 + number % 100
    text = (
        f"The envoys met at the {place} in {year} and called the paper that they signed there the word{number}x paper."
    )
    return json.dumps({"_id": f"paper-{number}", "title": f"The word{number}x paper", "text": text})


def test_f16_a_thousand_deletions(tmp_path: Path, models: Path) -> None:
    home, source = with_models(tmp_path / "home", models), tmp_path / "papers.jsonl"
    settings = IndexSettings.load(home=home)
    left = list(range(ARTICLES))
    source.write_text("\n".join(map(line, left)), encoding="utf-8")
    apply(settings, [source])
    first = LocalIndex.open(settings)
    vectors = first.dense.index.reconstruct_n()
    row = {each.doc_id: key for key, each in enumerate(first.passages(range(ARTICLES)))}
    assert first.by_words("word7x", 5, Filters())[0][0] == row["paper-7"], "each is found before it is deleted"
    gone: set[str] = set()
    order = Random(0).sample(left, DELETED)
    for start in range(0, DELETED, BATCH):
        batch = order[start : start + BATCH]
        if start % (2 * BATCH):
            withdraw(home, [f"paper-{number}" for number in batch])
        else:
            left = [number for number in left if number not in batch]
            source.write_text("\n".join(map(line, left)), encoding="utf-8")
        apply(settings, yes=True)
        gone |= {f"paper-{number}" for number in batch}
        index = LocalIndex.open(settings)
        assistant = Assistant.over(index, AssistantSettings.load())
        assert index.status().documents == ARTICLES - len(gone)
        for name in sorted(gone):
            with pytest.raises(UnknownDocumentError):
                index.document(name)
            found = [key for key, _ in index.by_vector(vectors[row[name]], 10, Filters())]
            found += [key for key, _ in index.by_words(f"word{name.removeprefix('paper-')}x", 10, Filters())]
            assert not {each.doc_id for each in index.passages(found)} & gone
        for number in batch[:20]:
            answer = assistant.ask(f"What is the word{number}x paper, and where was it signed?")
            told = {each.doc_id for each in (*answer.citations, *answer.nearest)}
            told |= {each.passage.doc_id for each in answer.passages}
            assert not told & gone
    assert len(gone) == DELETED
