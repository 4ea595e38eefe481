"""A question with the sentences it is trained on: those that answer it, and the likest of those that do not."""

import hashlib
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assistant.reading import in_context
from evals.errors import EvalsError
from index.embedding import Embedder, Vectors
from index.embedding.pair_training import Candidate, Group
from index.progress import Progress, silent
from index.sentences import sentence_spans
from index.types import Span

__all__ = ["QUESTIONS", "Written", "groups_of", "is_held", "read_written"]

QUESTIONS = Path(__file__).with_name("questions.jsonl")
OWN, STRANGE = 9, 5  # of its own text the likest sentences, and of other texts, beside those that answer
LOTS = 2  # of its own text's other sentences, drawn by lot
NEAR = 60  # likest sentences among which those of other texts are looked for
HELD = 20  # of 256 documents, whose questions measure and do not train


@dataclass(frozen=True, slots=True)
class Written:
    """A question that we wrote. Spans count characters of its document's text.

    `evidence` are sentences that each answer it, none where the document does not; `short` are the words that do;
    `tempting` is a sentence that seems to.
    """

    source: str
    doc_id: str
    question: str
    type: str
    evidence: tuple[Span, ...]
    short: Span | None
    tempting: Span | None


@dataclass(frozen=True, slots=True)
class Text:
    """A document's title and its sentences."""

    title: str
    text: str
    sentences: tuple[Span, ...]

    def said(self, place: int) -> str:
        """The sentence at `place`, on one line."""
        span = self.sentences[place]
        return self.text[span.start : span.end].replace("\n", " ")

    def context(self, place: int) -> str:
        """What stands before it when it is read."""
        return in_context(self.title, self.said(place - 1) if place else "", self.said(place))


def read_written(path: Path = QUESTIONS) -> list[Written]:
    """The questions of a file; `EvalsError` names the line that is none."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            entry = json.loads(line)
            evidence = tuple(Span(*span) for span in entry["evidence"])
            short, tempting = (Span(*entry[name]) if name in entry else None for name in ("short", "tempting"))
            source, doc_id, question, kind = (entry[name] for name in ("source", "doc_id", "question", "type"))
            found.append(Written(source, doc_id, question, kind, evidence, short, tempting))
        except (ValueError, KeyError, TypeError) as error:
            raise EvalsError(f"{path}:{number}: the line is no question for the reader ({error!r})") from error
    return found


def is_held(doc_id: str) -> bool:
    """Whether a document's questions measure instead of training."""
    return hashlib.sha256(doc_id.encode()).digest()[0] < HELD


def texts_of(shared: Path) -> dict[tuple[str, str], Text]:
    """The public texts by source and doc_id; `EvalsError` where the folder lacks them."""
    files = {"hsg_articles": shared / "corpora" / "hsg_articles.jsonl"}
    for name in ("musique_train100", "hotpotqa_train100", "xquad_en"):
        files[name] = shared / "collections" / name / "corpus.jsonl"
    found = {}
    for source, path in files.items():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise EvalsError(
                f"The texts {path} cannot be read: {error.strerror}. Give their folder: --texts"
            ) from error
        for entry in map(json.loads, lines):
            found[source, entry["_id"]] = Text(entry["title"], entry["text"], tuple(split(entry["text"])))
    return found


def split(text: str) -> Iterator[Span]:
    """The sentences of all lines."""
    start = 0
    for line in text.split("\n"):
        if line.strip():
            yield from sentence_spans(text, start, start + len(line))
        start += len(line) + 1


def groups_of(
    written: Sequence[Written], shared: Path, embedder: Embedder, seed: int = 0, progress: Progress = silent
) -> tuple[list[Group], list[Group]]:
    """The groups to train on, those of XQuAD's own questions among them, and the held ones."""
    texts = texts_of(shared)
    used = {(each.source, each.doc_id) for each in written}
    places = [(key, place) for key in texts if key in used for place in range(len(texts[key].sentences))]
    rows: dict[tuple[str, str], list[int]] = {}
    for row, (key, _) in enumerate(places):
        rows.setdefault(key, []).append(row)
    asked = [*written, *xquad(shared, texts)]
    vectors = embedder.embed_passages([texts[key].said(place) for key, place in places], progress)
    questions = embedder.embed_passages([each.question for each in asked], progress)
    lots = random.Random(seed)
    train: list[Group] = []
    held: list[Group] = []
    for each, vector in zip(asked, questions, strict=True):
        chosen = candidates(each, texts, places, rows[each.source, each.doc_id], vectors @ vector, lots)
        (held if is_held(each.doc_id) else train).append(Group(each.question, each.type, tuple(chosen)))
    return train, held


def candidates(
    each: Written,
    texts: Mapping[tuple[str, str], Text],
    places: Sequence[tuple[tuple[str, str], int]],
    own: Sequence[int],
    likeness: Vectors,
    lots: random.Random,
) -> Iterator[Candidate]:
    """Those that answer, the tempting one, the likest of its text, two by lot, the likest of other texts."""
    text = texts[each.source, each.doc_id]
    first = own[0]
    answering = [first + place for place, span in enumerate(text.sentences) if span in each.evidence]
    tempting = [first + place for place, span in enumerate(text.sentences) if span == each.tempting]
    likest = sorted(own, key=lambda row: -likeness[row])
    chosen = [*answering, *tempting, *likest[:OWN]]
    rest = [row for row in own if row not in chosen]
    lots.shuffle(rest)
    likely = np.argpartition(-likeness, NEAR)[:NEAR]
    near = [int(row) for row in likely[np.argsort(-likeness[likely])] if places[int(row)][0] != places[first][0]]
    for row in dict.fromkeys([*chosen, *rest[:LOTS], *near[:STRANGE]]):
        key, place = places[row]
        before = texts[key].context(place)
        answers = row in answering
        short = within(each.short, texts[key].sentences[place], len(before)) if answers else None
        yield Candidate(before + texts[key].said(place), answers, short)


def within(short: Span | None, sentence: Span, before: int) -> Span | None:
    """A short answer counted from the start of what is read; None where it is not in the sentence."""
    if short is None or not (sentence.start <= short.start and short.end <= sentence.end):
        return None
    return Span(before + short.start - sentence.start, before + short.end - sentence.start)


def xquad(shared: Path, texts: Mapping[tuple[str, str], Text]) -> Iterator[Written]:
    """The questions of XQuAD's English part, each with the sentence of its paragraph that has the answer."""
    folder = shared / "collections" / "xquad_en"
    lines = (folder / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    for entry in map(json.loads, lines):
        text = texts["xquad_en", entry["doc"]]
        found = text.text.find(entry["answers"][0])
        short = Span(found, found + len(entry["answers"][0]))
        evidence = [span for span in text.sentences if found >= 0 and span.start <= found and short.end <= span.end]
        if evidence:
            yield Written("xquad_en", entry["doc"], entry["question"], "direct", tuple(evidence), short, None)
