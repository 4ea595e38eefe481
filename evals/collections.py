"""BEIR folders: corpus.jsonl (`_id`, `title`, `text`), queries.jsonl (`_id`, `text`), qrels/test.tsv with a header."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from evals.errors import CollectionError
from index.errors import ReadingError
from index.readers.blocks import decode

__all__ = ["Collection", "read_collection"]

CORPUS, QUERIES, QRELS = "corpus.jsonl", "queries.jsonl", "qrels/test.tsv"
HEADER = ("query-id", "corpus-id", "score")
# trec_eval, underneath ir_measures, holds a counter for each grade: at 2**40 it returned 0 for a perfect ranking, and
# in one trial the process died.
HIGHEST = 1000


@dataclass(frozen=True, slots=True)
class Collection:
    """Queries with judged documents. `qrels[query][document]` is a grade; above 0 is relevant, higher is better.

    The corpus stays a file: `index` reads it. Every id of `qrels` is one of `queries` and of the corpus.
    """

    name: str
    folder: Path
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]

    @property
    def corpus(self) -> Path:
        """The file of documents."""
        return self.folder / CORPUS

    @property
    def judged(self) -> dict[str, str]:
        """The queries that `qrels` judges, in their order; only these are run and measured."""
        return {query: text for query, text in self.queries.items() if query in self.qrels}


def read_collection(folder: Path) -> Collection:
    """The collection in a BEIR folder, named after it; `CollectionError` names the file and line that is wrong."""
    if not folder.is_dir():
        fail(str(folder), "it is not a folder", "Give a BEIR folder")
    for name in (CORPUS, QUERIES, QRELS):
        if not (folder / name).is_file():
            fail(str(folder), f"it has no {name}", f"A BEIR folder holds {CORPUS}, {QUERIES} and {QRELS}: add the file")
    documents = read_texts(folder / CORPUS, "document", may_be_empty=True)  # BEIR has documents of a title alone
    queries = read_texts(folder / QUERIES, "query")
    qrels = read_qrels(folder / QRELS, queries, documents)
    return Collection(folder.resolve().name, folder, queries, qrels)


def read_texts(path: Path, noun: str, may_be_empty: bool = False) -> dict[str, str]:
    """`_id` -> `text` of a JSON lines file in its order; for the whole corpus this is as much as `index` reads."""
    texts: dict[str, str] = {}
    first: dict[str, int] = {}
    for number, line in lines(path):
        place = f"{path}, line {number}"
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            fail(place, f"the line is not JSON ({error})")
        if not isinstance(entry, dict):
            fail(place, f"the line is a {type(entry).__name__}, not an object with _id and text")
        name, text = identifier(entry, place), entry.get("text")
        if not isinstance(text, str) or not (text.strip() or may_be_empty):
            fail(place, f"the {noun} {name} has no text")
        if name in texts:
            fail(place, f"the {noun} id {name} is already that of line {first[name]}")
        texts[name], first[name] = text, number
    if not texts:
        fail(str(path), f"it holds no {noun}", "Add some")
    return texts


def identifier(entry: Mapping[str, Any], place: str) -> str:
    """The `_id` of a line as text, as `index` takes it."""
    name = entry.get("_id")
    if not isinstance(name, str | int) or not str(name).strip():
        fail(place, "the line has no _id")
    return str(name)


def read_qrels(path: Path, queries: Mapping[str, str], documents: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """Grades by query and document; every id is known, and at least one document is relevant."""
    qrels: dict[str, dict[str, int]] = {}
    for number, line in lines(path):
        place = f"{path}, line {number}"
        fields = line.split("\t")
        if number == 1:
            if tuple(field.strip() for field in fields) != HEADER:
                fail(place, f"it is {line[:60]!r}, not the header {' '.join(HEADER)} (with tabs)", "Put it there")
            continue
        if len(fields) != len(HEADER):
            fail(place, f"there are {len(fields)} fields, not {len(HEADER)} ({', '.join(HEADER)}) with tabs between")
        query, document, score = (field.strip() for field in fields)
        if query not in queries:
            fail(place, f"the query {query!r} is not in {QUERIES}")
        if document not in documents:
            fail(place, f"the document {document!r} is not in {CORPUS}")
        judged = qrels.setdefault(query, {})
        value = grade(score, place)
        if judged.setdefault(document, value) != value:
            fail(place, f"{document} is judged {value} for {query}, and {judged[document]} on an earlier line")
    if not any(value > 0 for judged in qrels.values() for value in judged.values()):
        fail(str(path), "no query has a relevant document (a score above 0)", "Add some")
    return qrels


def grade(score: str, place: str) -> int:
    """A grade of relevance, a whole number; TREC also uses negative ones, for spam."""
    try:
        value = int(score)
    except ValueError:
        fail(place, f"the score {score[:20]!r} is not a whole number")
    if abs(value) > HIGHEST:
        fail(place, f"the score {value} is not between -{HIGHEST} and {HIGHEST}")
    return value


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that are not blank with their numbers from 1, decoded as `index` decodes the same file."""
    try:
        text = decode(path.read_bytes())
    except ReadingError as error:
        fail(str(path), str(error))
    except OSError as error:
        fail(str(path), f"it cannot be read ({error.strerror})")
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line


def fail(place: str, problem: str, remedy: str = "Mend it") -> NoReturn:
    """Raises `CollectionError` with one sentence and the next command."""
    raise CollectionError(f"{place}: {problem}. {remedy}, then run: python app.py eval retrieval DIR")
