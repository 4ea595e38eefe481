"""What retrieval is measured on: BEIR folders, TREC files, the gold questions. Each is a `Collection`.

A BEIR folder holds corpus.jsonl (`_id`, `title`, `text`), queries.jsonl (`_id`, `text`), qrels/test.tsv with a header.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistant.conversation import understand
from evals.errors import EvalsError
from evals.evidence import holds, places
from evals.questions import GOLD, Question, load_questions
from evals.trec import common_queries, fail, grade, lines, read_qrels, read_topics
from index.protocol import Index
from index.readers import scan
from index.types import Passage

__all__ = ["Collection", "read_beir", "read_collection", "read_gold", "read_trec"]

CORPUS, QUERIES, QRELS = "corpus.jsonl", "queries.jsonl", "qrels/test.tsv"
HEADER = ("query-id", "corpus-id", "score")
ARTICLES = Path("data/articles")
HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Collection:
    """Queries over a corpus, a file or folder that `index` reads, with judgments of its documents or its passages.

    `qrels[query][document]` is a grade; above 0 is relevant, higher is better. Every id of it is one of `queries` and
    of the corpus. With `questions`, passages are judged instead, once they are cut: see `judgments`.
    """

    name: str
    corpus: Path
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()

    @property
    def judged(self) -> dict[str, str]:
        """The queries that are judged, in their order; only these are run and measured."""
        return {query: text for query, text in self.queries.items() if self.questions or query in self.qrels}

    @property
    def of_passages(self) -> bool:
        """Whether passages are ranked and judged, not documents."""
        return bool(self.questions)

    def judgments(self, index: Index) -> Mapping[str, Mapping[str, int]]:
        """The qrels over what `index` holds of the corpus."""
        return quotes_as_qrels(self.questions, index) if self.questions else self.qrels


def read_collection(name: str, split: str = "dev") -> Collection:
    """The gold questions of a split for the word `gold`, else the collection in the BEIR folder of that name."""
    return read_gold(split) if name == "gold" else read_beir(Path(name))


def read_gold(split: str = "dev", articles: Path = ARTICLES, path: Path = GOLD) -> Collection:
    """The answerable gold questions of a split over the articles; a follow-up is completed as the assistant does it."""
    if split not in ("dev", "test"):
        raise EvalsError(f"There is no split {split!r}. Choose: python app.py eval retrieval gold --split dev")
    if not articles.is_dir():
        fail(str(articles), "it is not a folder", "Go to the folder of app.py")
    questions = tuple(each for each in load_questions(path) if each.split == split and each.answerable)
    if not questions:
        fail(str(path), f"it holds no answerable question of the split {split}", "Add some")
    queries = {each.id: understand(each.question, each.history) for each in questions}
    return Collection(f"gold-{split}", articles, queries, questions=questions)


def quotes_as_qrels(questions: tuple[Question, ...], index: Index) -> dict[str, dict[str, int]]:
    """Grade 1 for each passage that covers a whole quote, or one of its alternatives.

    A quote that the cut has parted stays as a passage of its own span, which nothing can find: a cut that destroys
    evidence shall not be forgiven for it.
    """
    cut: dict[str, list[Passage]] = defaultdict(list)
    for passage in index.passages(range(index.status().passages)):
        cut[passage.doc_id].append(passage)
    qrels: dict[str, dict[str, int]] = {}
    for each in questions:
        judged = qrels.setdefault(each.id, {})
        for choices in places(each, index.document):
            covering = [p.passage_id for doc_id, span in choices for p in cut[doc_id] if holds(p, doc_id, span)]
            doc_id, span = choices[0]
            judged |= dict.fromkeys(covering or [f"{doc_id}#{span.start}-{span.end}"], 1)
    return qrels


def read_trec(topics: Path, qrels: Path, corpus: Path) -> Collection:
    """The topics that the qrels judge, named after their file; the corpus is a folder of articles or a .jsonl file."""
    queries = read_topics(topics)
    documents = read_ids(corpus)
    judged = read_qrels(qrels, documents)
    common = common_queries({topics: queries, qrels: judged})
    relevant = {query: judged[query] for query in common}
    return Collection(
        topics.name.removesuffix(topics.suffix), corpus, {name: queries[name] for name in common}, relevant
    )


def read_ids(corpus: Path) -> set[str]:
    """The ids of the documents that `index` reads from a folder or file."""
    if corpus.suffix == ".jsonl" and corpus.is_file():
        return set(read_texts(corpus, "document", may_be_empty=True))
    return {reading.document.doc_id for reading in scan([corpus]).readings}


def read_beir(folder: Path) -> Collection:
    """The collection in a BEIR folder, named after it; `CollectionError` names the file and line that is wrong."""
    if not folder.is_dir():
        fail(str(folder), "it is not a folder", "Give a BEIR folder")
    for name in (CORPUS, QUERIES, QRELS):
        if not (folder / name).is_file():
            fail(str(folder), f"it has no {name}", f"A BEIR folder holds {CORPUS}, {QUERIES} and {QRELS}: add the file")
    documents = read_texts(folder / CORPUS, "document", may_be_empty=True)  # BEIR has documents of a title alone
    if not any(text.strip() for text in documents.values()):
        fail(str(folder / CORPUS), f"none of its {len(documents)} documents has a text", "Add some")
    queries = read_texts(folder / QUERIES, "query")
    judged = read_beir_qrels(folder / QRELS, queries, documents)
    return Collection(folder.resolve().name, folder / CORPUS, queries, judged)


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
        if not (may_be_empty or whole(text)):
            fail(place, f"the text of the {noun} {name} holds half a character ({text[:60]!a})")
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
    if not whole(str(name)):
        fail(place, f"the _id {str(name)[:60]!a} holds half a character")
    return str(name)


def whole(text: str) -> bool:
    """Whether it can be encoded: JSON can spell half of a surrogate pair, which no embedder reads and no file holds."""
    return not HALF.search(text)


def read_beir_qrels(path: Path, queries: Mapping[str, str], documents: Mapping[str, str]) -> dict[str, dict[str, int]]:
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
