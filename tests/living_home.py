"""Homes with two generations, for the tests of what is served while another is published, and of the maintainer."""

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import copied, index

from assistant.types import Answer
from index.generation import MANIFEST, POINTER, publish, replace

OSLO = "How did the Oslo talks start?"
LANTERN = "Who lit the lantern of Ribe?"
ANSWER = "The lantern of Ribe was lit by a bellringer called {name}."
WITHDRAWN = "track-levels"

Texts = dict[str, dict[str, str]]  # generation, doc_id, text


def texts_of(home: Path, generation: str) -> dict[str, str]:
    """What the articles of a generation say, read past everything that is tested here."""
    with closing(sqlite3.connect(home / "generations" / generation / "store.sqlite")) as store:
        return dict(store.execute("SELECT doc_id, text FROM documents"))


def add(articles: Path, name: str) -> None:
    """One more paragraph at the head of an article, which answers LANTERN; an earlier one goes. All below it moves."""
    path = articles / "oslo-channel.md"
    front, title, *paragraphs = path.read_text(encoding="utf-8").split("\n\n")
    if paragraphs[0].startswith(ANSWER[:20]):
        del paragraphs[0]
    path.write_text("\n\n".join([front, title, ANSWER.format(name=name), *paragraphs]), encoding="utf-8")


@dataclass(frozen=True)
class Home:
    """A home with two generations: `old` is the library's dozen, in `new` one is changed and one withdrawn."""

    path: Path
    old: str
    new: str
    texts: Texts

    def point(self, name: str) -> None:
        """As publishing does last, and a rollback."""
        replace(self.path / POINTER, f"{name}\n")

    def prune(self, name: str) -> None:
        shutil.rmtree(self.path / "generations" / name)

    def exact(self, answer: Answer) -> bool:
        """Whether its quotes stand in the generation that it names."""
        texts = self.texts[answer.generation]
        return all(texts[each.doc_id][each.start : each.end] == each.quote for each in answer.citations)

    def publish(self, template: Path, name: str, keep: int) -> None:
        """Publishes a copy of a generation's folder under another name, in a twentieth of the time of `index apply`."""
        manifest = json.loads((template / MANIFEST).read_text(encoding="utf-8"))
        about = {key: manifest[key] for key in manifest if key not in ("format", "generation", "files", "digest")}

        def write(folder: Path) -> dict[str, Any]:
            shutil.copytree(template, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST, ".*"))
            return about

        publish(self.path, name, write, keep)

    def copied(self, path: Path) -> "Home":
        """The same somewhere else, pointing to the old generation."""
        shutil.copytree(self.path, path, symlinks=True)
        found = Home(path, self.old, self.new, self.texts)
        found.point(found.old)
        return found


def make_home(library: Path, folder: Path) -> Home:
    """In `folder`, from a copy of the library, which stays as it is."""
    path, articles = with_articles(library, folder)
    old = index(path, articles).generation.name
    add(articles, "Asmund")
    (articles / f"{WITHDRAWN}.md").unlink()
    new = index(path, articles).generation.name
    return Home(path, old, new, {name: texts_of(path, name) for name in (old, new)})


def with_articles(library: Path, folder: Path) -> tuple[Path, Path]:
    """A copy of the library's home in `folder`, and one of its articles."""
    articles = folder / "articles"
    shutil.copytree(library.parent / "articles", articles)
    return copied(library, folder / "home"), articles


def with_heron(library: Path, folder: Path, title: str, text: str) -> tuple[Path, Path]:
    """The same, but with an article of that title and text added in a second generation."""
    home, articles = with_articles(library, folder)
    (articles / "heron.md").write_text(f"---\ntitle: '{title}'\n---\n\n{text}\n", encoding="utf-8")
    index(home, articles)
    return home, articles
