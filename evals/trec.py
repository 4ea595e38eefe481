"""TREC's files: topics (`id TAB text`, or <top><num><title>), qrels (`query 0 document grade`) and runs, in and out."""

import math
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from evals.errors import CollectionError, EvalsError
from index.errors import ReadingError
from index.readers.encoding import decode

__all__ = [
    "common_queries",
    "fail",
    "grade",
    "lines",
    "read_qrels",
    "read_run",
    "read_topics",
    "write_qrels",
    "write_run",
    "write_topics",
]

RETRIEVAL, AGAIN = "run: python app.py eval retrieval DIR", "run the same command again"
# trec_eval, underneath ir_measures, holds a counter for each grade: at 2**40 it returned 0 for a perfect ranking, and
# in one trial the process died.
HIGHEST = 1000
TOP = re.compile(r"^[ \t]*<top>", re.I | re.M)
NUMBER = re.compile(r"<num>\s*(?:number:)?([^<\n]*)", re.I)
TITLE = re.compile(
    r"<title>\s*(?:topic:)?(.*?)(?=<[a-z/]|\Z)", re.I | re.S
)  # the earliest TREC files say "Topic:" before each title


def read_topics(path: Path) -> dict[str, str]:
    """Texts by query id in the order of the file, of either form; of the classic one the titles."""
    text = text_of(path, AGAIN)
    topics: dict[str, str] = {}
    for number, query, words in classic_topics(path, text) if TOP.search(text) else simple_topics(path):
        place = f"{path}, line {number}"
        if not query or query.split() != [query]:
            refuse(place, f"the query id {query[:60]!r} is not one word")
        if not words:
            refuse(place, f"the query {query} has no text")
        if query in topics:
            refuse(place, f"the query id {query} is already that of an earlier topic")
        topics[query] = words
    if not topics:
        refuse(str(path), "it holds no topic", "Add some")
    return topics


def simple_topics(path: Path) -> Iterator[tuple[int, str, str]]:
    """(line, id, text) of `id TAB text` lines."""
    for number, line in lines(path, AGAIN):
        query, tab, words = line.partition("\t")
        if not tab:
            refuse(f"{path}, line {number}", f"there is no tab after the query id in {line[:60]!r}")
        yield number, query.strip(), words.strip()


def classic_topics(path: Path, text: str) -> Iterator[tuple[int, str, str]]:
    """(line, id, title) of <top> blocks."""
    before, *blocks = TOP.split(text)
    number = 1 + before.count("\n")
    if before.strip():
        refuse(f"{path}, line 1", "there is text before the first <top>")
    for block in blocks:
        query, title = NUMBER.search(block), TITLE.search(block)
        for tag, found in (("<num>", query), ("<title>", title), ("</top>", re.search("</top>", block, re.I))):
            if not found:
                refuse(f"{path}, line {number}", f"the topic that begins here has no {tag}")
        assert query
        assert title
        yield number, query[1].strip(), " ".join(title[1].split())
        number += block.count("\n")


def read_qrels(path: Path, documents: Collection[str] | None = None) -> dict[str, dict[str, int]]:
    """Grades by query and document, at least one above 0; with `documents`, all must be among these."""
    qrels: dict[str, dict[str, int]] = {}
    for place, (query, _, document, score) in fields(path, "query 0 document grade"):
        known(document, documents, place)
        judged = qrels.setdefault(query, {})
        if document in judged:
            refuse(place, f"the document {document} is judged a second time for the query {query}")
        judged[document] = grade(score, place, AGAIN)
    if not any(value > 0 for judged in qrels.values() for value in judged.values()):
        refuse(str(path), "no query has a relevant document (a grade above 0)", "Add some")
    return qrels


def read_run(path: Path, documents: Collection[str] | None = None) -> dict[str, dict[str, float]]:
    """Finite scores by query and document, higher is better; with `documents`, all must be among these.

    As in trec_eval, the order of the lines and their ranks say nothing.
    """
    run: dict[str, dict[str, float]] = {}
    for place, (query, _, document, _, score, _) in fields(path, "query Q0 document rank score tag"):
        known(document, documents, place)
        scores = run.setdefault(query, {})
        if document in scores:
            refuse(place, f"the document {document} is ranked a second time for the query {query}")
        try:
            scores[document] = float(score)
        except ValueError:
            refuse(place, f"the score {score[:20]!r} is not a number")
        if not math.isfinite(scores[document]):
            refuse(place, f"the score {score[:20]!r} is not finite")
    if not run:
        refuse(str(path), "it holds no ranked document", "Add some")
    return run


def common_queries(files: Mapping[Path, Collection[str]]) -> list[str]:
    """The queries that every file has, in the order of the first; `CollectionError` where there are none."""
    (first, queries), *others = files.items()
    common = [query for query in queries if all(query in other for _, other in others)]
    if not common:
        named = ", ".join(str(path) for path, _ in others)
        example = next(iter(queries), "none")
        refuse(str(first), f"no query (the first: {example}) is also in {named}", "Give files of the same queries")
    return common


def write_topics(path: Path, queries: Mapping[str, str]) -> None:
    """Writes `id TAB text` lines; white space inside a text becomes single spaces."""
    write(path, (f"{word(query)}\t{' '.join(text.split())}" for query, text in queries.items()))


def write_qrels(path: Path, qrels: Mapping[str, Mapping[str, int]]) -> None:
    """Writes `query 0 document grade` lines."""
    write(
        path,
        (
            f"{word(query)} 0 {word(document)} {value}"
            for query, judged in qrels.items()
            for document, value in judged.items()
        ),
    )


def write_run(path: Path, scores: Mapping[str, Mapping[str, float]], tag: str = "backchannel") -> None:
    """Writes `query Q0 document rank score tag` lines, best first, ranks from 1; scores are read back equal."""
    rows = []
    for query, of_query in scores.items():
        order = sorted(of_query, key=lambda name: (of_query[name], name), reverse=True)
        for rank, document in enumerate(order, 1):
            rows.append(f"{word(query)} Q0 {word(document)} {rank} {float(of_query[document])!r} {word(tag)}")
    write(path, iter(rows))


def write(path: Path, rows: Iterator[str]) -> None:
    """Writes the lines; `EvalsError` where the file cannot be written."""
    text = "".join(f"{row}\n" for row in rows)
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise EvalsError(f"{path} cannot be written: {error.strerror}. Name another file, then {AGAIN}") from error


def word(name: str) -> str:
    """The id as it is; `EvalsError` where white space would make two fields of it."""
    if name.split() != [name]:
        raise EvalsError(f"The id {name!r} cannot stand in a TREC file: it is not one word. Rename it, then {AGAIN}")
    return name


def fields(path: Path, names: str) -> Iterator[tuple[str, list[str]]]:
    """(place, fields) of each line, as many as `names` has."""
    wanted = len(names.split())
    for number, line in lines(path, AGAIN):
        found = line.split()
        place = f"{path}, line {number}"
        if len(found) != wanted:
            refuse(place, f"there are {len(found)} fields, not {wanted} ({names})")
        yield place, found


def known(document: str, documents: Collection[str] | None, place: str) -> None:
    """Fails where the document is not one of `documents`."""
    if documents is not None and document not in documents:
        refuse(place, f"the document {document!r} is not in the corpus")


def grade(score: str, place: str, then: str = RETRIEVAL) -> int:
    """A grade of relevance, a whole number; TREC also uses negative ones, for spam."""
    try:
        value = int(score)
    except ValueError:
        fail(place, f"the score {score[:20]!r} is not a whole number", then=then)
    if abs(value) > HIGHEST:
        fail(place, f"the score {value} is not between -{HIGHEST} and {HIGHEST}", then=then)
    return value


def lines(path: Path, then: str = RETRIEVAL) -> Iterator[tuple[int, str]]:
    """Lines that are not blank with their numbers from 1."""
    for number, line in enumerate(text_of(path, then).split("\n"), 1):
        if line.strip():
            yield number, line


def text_of(path: Path, then: str) -> str:
    """A file decoded as `index` decodes the same file."""
    try:
        return decode(path.read_bytes())
    except ReadingError as error:
        fail(str(path), str(error), then=then)
    except OSError as error:
        fail(str(path), f"it cannot be read ({error.strerror})", then=then)


def fail(place: str, problem: str, remedy: str = "Mend it", then: str = RETRIEVAL) -> NoReturn:
    """Raises `CollectionError` with one sentence and what to do next."""
    raise CollectionError(f"{place}: {problem}. {remedy}, then {then}")


def refuse(place: str, problem: str, remedy: str = "Mend it") -> NoReturn:
    """`fail` for TREC's files, which more than one command reads."""
    fail(place, problem, remedy, AGAIN)
