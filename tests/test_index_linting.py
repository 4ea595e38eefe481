"""The check of our own articles: each fault is named with its file and line, and data/articles has none."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ARTICLES, ROOT

from index.errors import ReadingError, SourceError
from index.linting import ArticleSource, lint

VOCABULARY = """
regions: {europe: Europe., global: No single region.}
topics: {concepts: A term., mediation: A third party., peace-talks: Contacts.}
track: {two: Private persons., concept: An idea.}
exempt:
  - Nobody wrote it down.
  - No record was kept.
"""
GOOD = """---
title: The mill talks
summary: How two villages shared a mill.
period: {from: 1991, to: 1992}
regions: [europe]
topics: [mediation, peace-talks]
actors: [The miller]
track: two
related: [weir]
questions: ["When did the mill talks begin?", "Who was the miller?"]
sources:
  - {id: diary, title: A miller's diary, year: 1993}
  - {id: paper, title: The valley paper}
---

The mill talks began in May 1991 in a mill.[^diary] Two villages took part.[^diary][^paper]

## What came of it

The villages shared the water from 1992.[^paper]
Nobody wrote it down.
"""
OTHER = GOOD.replace("[weir]", "[mill]").replace(
    "The mill talks began in May 1991 in a mill.", "A weir was built in 1992."
)
OTHER = OTHER.replace("Two villages took part.", "It still stands.").replace("The villages shared", "Both of them used")
OTHER = OTHER.replace("Nobody wrote it down.", "No record was kept.")


def lines(folder: Path, article: str) -> list[str]:
    """What is found wrong with `mill.md`, as line: text; the other article is sound."""
    (folder / "vocabulary.yaml").write_text(VOCABULARY)
    (folder / "weir.md").write_text(OTHER)
    (folder / "mill.md").write_text(article)
    findings, _, _ = lint(folder)
    assert [each for each in findings if not each.path.endswith("mill.md")] == []
    return [f"{each.line}: {'warning: ' if each.warning else ''}{each.text}" for each in findings]


def test_a_sound_article(tmp_path: Path) -> None:
    assert lines(tmp_path, GOOD) == []
    _, words, exempt = lint(tmp_path)
    assert words["mill"] == 25  # 10 + 4 + 7 + 4, headings and marks aside
    assert exempt == ["Nobody wrote it down.", "No record was kept."]


NO_FOOTNOTE = (
    "16: no footnote after 'The mill talks began in May 1991 in a mill.': add one, or list the sentence under `exempt`"
)
MISPLACED = "16: a footnote mark stands after 'l': put it directly after the full stop"
TITLE_TWICE = "18: a heading must begin with two number signs; the title is in the front matter"
LONG = "May 1991 " + "and so on " * 45 + "in a mill."


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("regions: [europe]", "regions: [mars]", "5: `regions` has 'mars'; the vocabulary holds europe, global"),
        ("track: two", "track: three", "8: `track` has 'three'; the vocabulary holds concept, two"),
        ("related: [weir]", "related: [dam]", "9: `related` names 'dam', which is no other article: correct it"),
        ("actors: [The miller]\n", "", "1: `actors` is missing from the front matter: add it"),
        ("track: two", "track: two\ncolour: red", "9: `colour` is no field of an article: remove it"),
        (', "Who was the miller?"', "", "10: `questions` must hold two to four"),
        ("{from: 1991, to: 1992}", "{from: 1992, to: 1991}", "4: `period` must be {from: YEAR, to: YEAR}"),
        ("period: {from: 1991, to: 1992}\n", "", "1: `period` is missing; only concepts may leave it out"),
        ("from: 1991", "from: 1992", "16: warning: 1991 lies before the period, which begins in 1992: check both"),
        ("[^diary][^paper]", "[^dairy]", "16: footnote [^dairy] names no source of the front matter: add the source"),
        ("1992.[^paper]", "1992.[^diary]", None),
        ("mill.[^diary]", "mill.", NO_FOOTNOTE),
        ("a mill.[^diary]", "a mill[^diary].", MISPLACED),
        ("## What came of it", "# What came of it", TITLE_TWICE),
        ("## What came of it\n\n", "", "15: there are 0 headings: have one to five"),
        ("May 1991 in a mill.", LONG, "16: the paragraph has 149 words: cut it to at most 130"),
    ],
)
def test_each_fault_is_named(tmp_path: Path, old: str, new: str, found: str | None) -> None:
    assert old in GOOD
    changed = lines(tmp_path, GOOD.replace(old, new, 1))
    assert (found in changed) if found else changed == []


def test_a_sentence_in_two_articles(tmp_path: Path) -> None:
    (found,) = lines(tmp_path, GOOD) or [""]
    changed = GOOD.replace("Two villages took part.", "Both of them used the water from 1992.")
    (tmp_path / "mill.md").write_text(changed)
    findings, _, _ = lint(tmp_path)
    assert [each.text.split(" at ")[0] for each in findings] == ["the sentence also stands"]
    assert findings[0].path.endswith("weir.md")
    assert findings[0].line == 20


def test_an_unused_source(tmp_path: Path) -> None:
    assert lines(tmp_path, GOOD.replace("[^paper]", "[^diary]")) == [
        "11: source 'paper' is never used: use it or remove it"
    ]


def test_unreadable_front_matter(tmp_path: Path) -> None:
    (found,) = lines(tmp_path, GOOD.replace("title: The mill talks", "title: [The mill"))
    assert found.startswith("1: cannot be read: its front matter is not valid YAML in line ")


def test_sentences_know_their_lines_and_notes() -> None:
    article = ArticleSource(ARTICLES / "oslo-channel.md")
    text = (ARTICLES / "oslo-channel.md").read_text(encoding="utf-8").split("\n")
    for sentence in article.sentences():
        assert sentence.text[:20] in text[sentence.line - 1]
        assert sentence.notes


@pytest.mark.slow
def test_our_library_is_clean() -> None:
    done = subprocess.run(
        [sys.executable, "app.py", "index", "lint", "data/articles", "--quiet"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.strip().endswith("warnings")


@pytest.mark.parametrize(
    ("text", "said"), [("regions: [", "is not valid YAML"), ("regions: {}", "does not hold regions, topics")]
)
def test_a_vocabulary_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "vocabulary.yaml").write_text(text)
    with pytest.raises(ReadingError, match=said):
        lint(tmp_path)


def test_a_folder_without_a_vocabulary(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="give the folder of the articles: index lint data/articles"):
        lint(tmp_path)
