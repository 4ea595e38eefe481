"""F17: after any edits, what an incremental `apply` makes is what a clean rebuild with the same register makes."""

import shutil
from pathlib import Path
from random import Random

import numpy as np
import pytest
from conftest import IN_FULL, index, with_models
from numpy.typing import NDArray
from test_index_building import embedder  # noqa: F401  # the real one, which knows what it has embedded

from index.filters import Filters
from index.searching import LocalIndex
from index.settings import IndexSettings

pytestmark = pytest.mark.slow
SCRIPTS = 200 if IN_FULL else 30
NAMES = "ferry harbour orchard quarry bridge weir chapel market".split()
FACTS = (
    "The envoys met at the {place} in {year}.",
    "Nobody at the {place} kept minutes in {year}, and both sides were glad of it.",
    "A letter of {year} names the {place} as the only room without a telephone.",
    "Two clerks walked to the {place} every spring until {year}.",
    "What was agreed at the {place} came out in {year}, when the archive was opened.",
)


def article(random: Random, place: str) -> str:
    """A short article of three to five sentences, which other seeds word otherwise."""
    facts = random.sample(FACTS, random.randint(3, len(FACTS)))
    body = " ".join(fact.format(place=place, year=random.randint(1900, 1999)) for fact in facts)
    return f"---\ntitle: The {place} talks\n---\n\n{body}\n"


def edit(folder: Path, random: Random) -> str:
    """One random edit of the folder; what it was."""
    files = sorted(folder.rglob("*.md"))
    kind = random.choice(["add", "edit", "rename", "move", "touch", "delete"])
    chosen = random.choice(files)
    if kind == "add":
        place = random.choice(NAMES)
        (folder / f"{place}-{random.randint(0, 99)}.md").write_text(article(random, place), encoding="utf-8")
    elif kind == "edit":
        chosen.write_text(article(random, chosen.stem.split("-")[0]), encoding="utf-8")
    elif kind == "rename":
        chosen.rename(chosen.with_name(f"{chosen.stem.split('-')[0]}-{random.randint(100, 999)}.md"))
    elif kind == "move":
        other = folder / random.choice(["north", "south"])
        other.mkdir(exist_ok=True)
        chosen.rename(other / chosen.name)
    elif kind == "touch":
        chosen.touch()
    elif len(files) > 2:
        chosen.unlink()
    return kind


def content(home: Path) -> tuple[list[object], list[object], LocalIndex]:
    """Documents and passages with their ids and spans."""
    found = LocalIndex.open(IndexSettings.load(home=home))
    passages = found.passages(range(found.status().passages))
    return [found.document(each.doc_id) for each in found.summaries()], list(passages), found


def places(found: LocalIndex) -> NDArray[np.float64]:
    """`(documents, 2)`: where they stand on the map of meaning."""
    return np.array([(each.x, each.y) for each in found.summaries()])


@pytest.mark.long
def test_f17_random_edit_scripts(tmp_path: Path, models: Path) -> None:
    kinds: dict[str, int] = {}
    for seed in range(SCRIPTS):
        random = Random(seed)
        folder, home = tmp_path / f"articles-{seed}", with_models(tmp_path / f"home-{seed}", models)
        folder.mkdir()
        for place in random.sample(NAMES, 4):
            (folder / f"{place}.md").write_text(article(random, place), encoding="utf-8")
        index(home, folder)
        for _ in range(random.randint(1, 5)):
            kind = edit(folder, random)
            kinds[kind] = kinds.get(kind, 0) + 1
            if random.random() < 0.6:
                index(home)
        index(home)
        clean = with_models(tmp_path / f"clean-{seed}", models)
        shutil.copy(home / "register.json", clean)
        index(clean, folder)
        (documents, passages, one), (others, cut, two) = content(home), content(clean)
        assert documents == others, f"script {seed}"
        assert passages == cut, f"script {seed}"
        assert np.abs(one.dense.index.reconstruct_n() - two.dense.index.reconstruct_n()).max() < 1e-5
        assert np.array_equal(one.sentence_vectors, two.sentence_vectors), f"script {seed}"
        assert np.abs(places(one) - places(two)).max() < 1e-3, f"script {seed}"
        vector = one.embedder.embed_query("Who met at the ferry?")
        ranked, again = (each.by_vector(vector, 10, Filters()) for each in (one, two))
        assert [key for key, _ in ranked] == [key for key, _ in again], f"script {seed}"
        assert one.by_words("met ferry", 10, Filters()) == two.by_words("met ferry", 10, Filters()), f"script {seed}"
        for path in (folder, home, clean):
            shutil.rmtree(path)
    assert min(kinds.values()) > SCRIPTS // 5, kinds
    print(f"{SCRIPTS} edit scripts: {kinds}")
