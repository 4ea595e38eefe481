"""Checks the articles' own rules: front matter, footnotes both ways, a source for every sentence, nothing said twice.

The rules are those of `vocabulary.yaml` beside the articles: its closed values, and under `exempt` the sentences that
may stand without a footnote.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.errors import ReadingError, SourceError
from index.readers.encoding import decode
from index.readers.markdown import MARK, front_matter, vocabulary_of
from index.sentences import sentence_spans

__all__ = ["ArticleSource", "Finding", "lint"]

VOCABULARY = "vocabulary.yaml"
MOST_WORDS = 130  # of a paragraph
HEADINGS = range(1, 6)
QUESTIONS = range(2, 5)
SUMMARY_WORDS = 40
FIELDS = {"title", "summary", "period", "regions", "topics", "actors", "track", "related", "questions", "sources"}
NEEDED = FIELDS - {"period"}
SOURCE_FIELDS = {"id", "title", "author", "publisher", "year", "url"}
YEAR = re.compile(r"\b(1[5-9]\d\d|20\d\d)\b")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend: where, what, and what to do. A warning does not fail the check."""

    path: str
    line: int
    text: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class SourceSentence:
    """A sentence as written: its line, its text without marks, and the footnotes after its full stop."""

    line: int
    text: str
    notes: tuple[str, ...]


class ArticleSource:
    """One article's file, taken apart with its line numbers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        text = decode(path.read_bytes())
        self.metadata, body = front_matter(text)
        self.offset = text[: len(text) - len(body)].count("\n")  # lines before the body
        self.paragraphs = [
            (self.offset + body[: found.start()].count("\n") + 1, found[0].strip())
            for found in re.finditer(r"\S(?:[^\n]|\n(?!\s*(?:\n|$)))*", body)
        ]

    @property
    def headings(self) -> list[tuple[int, str]]:
        """Line and text of each heading."""
        return [(line, text) for line, text in self.paragraphs if text.startswith("#")]

    @property
    def prose(self) -> list[tuple[int, str]]:
        """Line and text, marks included, of each paragraph."""
        return [(line, text) for line, text in self.paragraphs if not text.startswith("#")]

    @property
    def words(self) -> int:
        """Words of the prose without footnote marks."""
        return sum(len(MARK.sub("", text).split()) for _, text in self.prose)

    def sentences(self) -> Iterator[SourceSentence]:
        """Every sentence with the notes that stand directly after it."""
        for line, raw in self.prose:
            marks = [(found.start(), found[1], len(found[0])) for found in MARK.finditer(raw)]
            text = MARK.sub("", raw)
            at: list[tuple[int, str]] = []
            removed = 0
            for start, name, length in marks:
                at.append((start - removed, name))
                removed += length
            for span in sentence_spans(text, 0, len(text)):
                notes = tuple(name for offset, name in at if span.start < offset <= span.end)
                yield SourceSentence(line + text[: span.start].count("\n"), text[span.start : span.end], notes)

    def line_of(self, field: str) -> int:
        """The line on which a field of the front matter stands; 1 where it does not."""
        for number, line in enumerate(self.path.read_text(encoding="utf-8").split("\n")[: self.offset], 1):
            if line.startswith(f"{field}:"):
                return number
        return 1


def lint(folder: Path) -> tuple[list[Finding], dict[str, int], list[str]]:
    """Findings over all articles of a folder, the words of each article, and the exempt sentences that were met."""
    if not (folder / VOCABULARY).is_file():
        raise SourceError(
            f"There is no {folder / VOCABULARY}; give the folder of the articles: index lint data/articles"
        )
    vocabulary = vocabulary_of(folder / VOCABULARY)
    exempt = {str(each) for each in vocabulary.get("exempt") or ()}
    findings: list[Finding] = []
    articles: list[ArticleSource] = []
    paths = sorted(folder.glob("*.md"))
    slugs = {path.stem for path in paths}
    for path in paths:
        try:
            articles.append(ArticleSource(path))
        except ReadingError as error:
            findings.append(Finding(str(path), 1, f"cannot be read: {error}"))
    first: dict[str, str] = {}
    met: list[str] = []
    for article in articles:
        name = str(article.path)
        findings += [Finding(name, line, text, w) for line, text, w in front_matter_faults(article, vocabulary, slugs)]
        findings += [Finding(name, line, text) for line, text in layout_faults(article)]
        findings += [Finding(name, line, text) for line, text in footnote_faults(article, exempt)]
        for sentence in article.sentences():
            key = " ".join(sentence.text.casefold().split())
            if key in first:
                findings.append(
                    Finding(name, sentence.line, f"the sentence also stands at {first[key]}: write it anew")
                )
            first.setdefault(key, f"{name}:{sentence.line}")
            met += [sentence.text] if sentence.text in exempt and not sentence.notes else []
    return findings, {article.path.stem: article.words for article in articles}, met


def front_matter_faults(
    article: ArticleSource, vocabulary: dict[str, Any], slugs: set[str]
) -> Iterator[tuple[int, str, bool]]:
    """Missing and unknown fields, values outside the vocabularies, unknown `related`; years outside the period."""
    data = article.metadata
    for field in sorted(NEEDED - data.keys()):
        yield 1, f"`{field}` is missing from the front matter: add it", False
    for field in sorted(data.keys() - FIELDS):
        yield article.line_of(field), f"`{field}` is no field of an article: remove it", False
    for field in ("regions", "topics", "track"):
        known = {str(value) for value in vocabulary[field]}
        values = data.get(field) or []
        for value in values if isinstance(values, list) else [values]:
            if str(value) not in known:
                listed = ", ".join(sorted(known))
                yield article.line_of(field), f"`{field}` has {value!r}; the vocabulary holds {listed}", False
    for slug in data.get("related") or []:
        if slug not in slugs or slug == article.path.stem:
            yield article.line_of("related"), f"`related` names {slug!r}, which is no other article: correct it", False
    if len(data.get("questions") or []) not in QUESTIONS:
        yield article.line_of("questions"), "`questions` must hold two to four", False
    if len(str(data.get("summary", "")).split()) > SUMMARY_WORDS:
        yield article.line_of("summary"), f"`summary` has over {SUMMARY_WORDS} words: shorten it", False
    for source in data.get("sources") or []:
        if wrong := sorted(source.keys() - SOURCE_FIELDS):
            yield article.line_of("sources"), f"source {source['id']!r} has an unknown field {wrong[0]!r}", False
        if not source.get("title"):
            yield article.line_of("sources"), f"source {source['id']!r} has no title: add it", False
    yield from period_faults(article)


def period_faults(article: ArticleSource) -> Iterator[tuple[int, str, bool]]:
    """A period that is none, and, as warnings, years of the text before it begins."""
    period = article.metadata.get("period")
    if period is None:
        if article.metadata.get("track") != "concept":
            yield 1, "`period` is missing; only concepts may leave it out", False
        return
    given = period if isinstance(period, dict) else {}
    since, until = given.get("from"), given.get("to", 9999)
    if not isinstance(since, int) or not isinstance(until, int) or since > until:
        yield article.line_of("period"), "`period` must be {from: YEAR, to: YEAR}", False
        return
    for sentence in article.sentences():
        for year in {int(found) for found in YEAR.findall(sentence.text)}:
            if year < since:
                yield sentence.line, f"{year} lies before the period, which begins in {since}: check both", True


def layout_faults(article: ArticleSource) -> Iterator[tuple[int, str]]:
    """Headings and the length of paragraphs."""
    if len(article.headings) not in HEADINGS:
        yield article.offset + 1, f"there are {len(article.headings)} headings: have one to five"
    for line, text in article.headings:
        if not text.startswith("## "):
            yield line, "a heading must begin with two number signs; the title is in the front matter"
    for line, text in article.prose:
        words = len(MARK.sub("", text).split())
        if words > MOST_WORDS:
            yield line, f"the paragraph has {words} words: cut it to at most {MOST_WORDS}"


def footnote_faults(article: ArticleSource, exempt: set[str]) -> Iterator[tuple[int, str]]:
    """Footnotes without a source, sources never used, sentences without a footnote, marks away from the full stop."""
    known = {str(source["id"]) for source in article.metadata.get("sources") or []}
    used: set[str] = set()
    for sentence in article.sentences():
        used.update(sentence.notes)
        for name in sentence.notes:
            if name not in known:
                yield sentence.line, f"footnote [^{name}] names no source of the front matter: add the source"
        if not sentence.notes and sentence.text not in exempt:
            shown = sentence.text[:60]
            yield sentence.line, f"no footnote after {shown!r}: add one, or list the sentence under `exempt`"
    for name in sorted(known - used):
        yield article.line_of("sources"), f"source {name!r} is never used: use it or remove it"
    for line, text in article.prose:
        for found in re.finditer(r"([^\]]?)\[\^", text):
            if found[1] not in tuple(".!?\"'”’)") and found[1]:
                at = line + text[: found.start()].count("\n")
                yield at, f"a footnote mark stands after {found[1]!r}: put it directly after the full stop"
