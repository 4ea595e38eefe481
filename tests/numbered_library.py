"""Five articles that all carry one number, an embedder that is made up, and a judge who reads a home and says whose
number it carries: whole, mixed, or not to be read at all. And forks, from a process that has no threads to lose.
"""

import hashlib
import json
import os
import random
import re
import select
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import index.building
import index.chunking
import index.searching
from index.chunking import embedded_text
from index.embedding import PACKAGED, Vectors
from index.errors import BackchannelError, NoIndexError
from index.filters import Filters
from index.progress import Progress, silent
from index.searching import LocalIndex
from index.settings import IndexSettings

DOCUMENTS = 5
DIMENSION = 32
PATIENCE = 60  # seconds after which a child counts as hung
NUMBER = re.compile(r"\bn\d{6}\b")
WORDS = (
    "harbour lantern orchard treaty river envoy winter border ferry granary ledger market mountain needle oath paper "
    "quarry railway salt timber uplands valley weather yard anchor bridge candle delta embassy forest garrison hill "
    "island journey kingdom letter monastery night ocean pasture queen road steppe tower union village wharf zone"
).split()


class FakeEmbedder:
    """Fake: a text's vector is its SHAKE-256, so that equal texts have equal vectors and others nearly none alike."""

    name = PACKAGED
    digest = "f" * 64
    backend = "fake"
    dimension = DIMENSION
    max_tokens = 256

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [2 + len(text.split()) for text in texts]

    def embed_passages(self, texts: Sequence[str], progress: Progress = silent) -> Vectors:
        drawn = b"".join(hashlib.shake_256(text.encode()).digest(4 * DIMENSION) for text in texts)
        rows = np.frombuffer(drawn, dtype=np.uint32).reshape(-1, DIMENSION) / 2.0**31 - 1
        made: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        return made

    def embed_few(self, texts: Sequence[str]) -> Vectors:
        return self.embed_passages(texts)

    def embed_query(self, text: str) -> Vectors:
        row: Vectors = self.embed_passages([text])[0]
        return row


EMBEDDER = FakeEmbedder()


def use_the_fake() -> None:
    """For this process and all that it forks."""
    index.building.open_embedder = lambda *named: EMBEDDER  # type: ignore[assignment]
    index.building.embedder_digest = lambda name: EMBEDDER.digest  # type: ignore[assignment]
    index.searching.open_embedder = lambda *named: EMBEDDER  # type: ignore[assignment]
    index.chunking.count_tokens = lambda text: len(text.split())  # tiktoken's table makes a fork take twice as long


def settings_of(home: Path, **given: Any) -> IndexSettings:
    return IndexSettings.load(home=home, **given)


def token(number: int) -> str:
    """The word that stands in every title and sentence of a numbered library, and nowhere else."""
    return f"n{number:06}"


def write_library(folder: Path, number: int, documents: int = DOCUMENTS) -> Path:
    """The articles of this number; no two of them, of this or of another number, are near-duplicates."""
    folder.mkdir(exist_ok=True)
    for document in range(documents):
        draw = random.Random(f"{number} {document}")

        def said(count: int, draw: random.Random = draw) -> str:
            return " ".join(draw.choices(WORDS, k=count))

        parts = [f"## The {said(2)}\n\nOf {token(number)} the {said(9)}. They {said(7)} {token(number)} {said(4)}.\n"]
        parts += [
            f"## A {said(2)}\n\nNo {token(number)} {said(12)}.\n",
            f"## On {said(1)}\n\n{token(number)} {said(9)}.\n",
        ]
        title = f"# {token(number)} and the {said(3)}\n"
        (folder / f"article-{document}.md").write_text("\n".join([title, *parts]), encoding="utf-8")
    return folder


def apply(home: Path, library: Path, **given: Any) -> index.building.Applied:
    return index.building.apply(settings_of(home, **given), [library])


@dataclass(frozen=True)
class Verdict:
    """`state` is whole, none (never published), mixed, unreadable (refused in one sentence) or crashed."""

    state: str
    number: int = -1
    warning: str = ""
    why: str = ""


def judge(home: Path) -> Verdict:
    """Opens the home as every search does."""
    try:
        found = LocalIndex.open(settings_of(home))
        number, why = examine(found)
    except NoIndexError:
        return Verdict("none")
    except BackchannelError as error:
        return Verdict("unreadable", why=str(error))
    except Exception as error:
        return Verdict("crashed", why=repr(error))
    return Verdict("mixed" if why else "whole", number, found.warning, why)


def examine(found: LocalIndex) -> tuple[int, str]:
    """The number that articles, passages, words, vectors and sentences carry, and where they do not all carry it."""
    articles = [found.document(each.doc_id) for each in found.summaries()]
    numbers = {each for article in articles for each in NUMBER.findall(article.title + article.text)}
    if len(numbers) != 1:
        return -1, f"the articles carry {sorted(numbers)}"
    (carried,) = numbers
    number = int(carried[1:])
    counts = found.generation.manifest["counts"]
    keys = list(range(counts["passages"]))
    passages = found.passages(keys)
    if len(articles) != counts["documents"] or {each.doc_id for each in passages} != {each.doc_id for each in articles}:
        return number, f"{len(articles)} articles, where the manifest counts {counts['documents']}"
    if {each for passage in passages for each in NUMBER.findall(passage.text)} != numbers:
        return number, "the passages carry another number"
    if sorted(key for key, _ in found.by_words(carried, len(keys) + 1, Filters())) != keys:
        return number, "the words are those of another generation"
    limit = found.generation.manifest["settings"]["passage_tokens"]
    rows = EMBEDDER.embed_passages([embedded_text(each, EMBEDDER.count_tokens, limit) for each in passages])
    for key, row in zip(keys, rows, strict=True):
        best = found.by_vector(row, 1, Filters())
        if best[0][0] != key or best[0][1] < 0.9999 or found.similarities(row, [key])[0] < 0.9999:
            return number, f"the vector of passage {key} is another's"
    sentences = found.sentences(rows[0], keys)
    wanted = EMBEDDER.embed_passages([each.sentence.text for each in sentences])
    cosines = [float(row @ each.vector) for row, each in zip(wanted, sentences, strict=True)]
    if len(sentences) != counts["sentences"] or min(cosines) < 0.999:
        return number, "the vectors of the sentences are another's"
    return number, ""


class Child:
    """A forked process that does one thing; what it says comes line by line as JSON."""

    def __init__(self, work: Callable[["Child"], Any]) -> None:
        ours, theirs = os.pipe()
        told, go = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(ours)
            os.close(go)
            self.out, self.go = theirs, told
            try:
                self.say(work(self))
            except BaseException as error:
                self.say({"crash": repr(error)})
            finally:
                os._exit(0)
        os.close(theirs)
        os.close(told)
        self.out, self.go = ours, go
        self.buffer = b""
        self.status: int | None = None

    def say(self, what: Any) -> None:
        """In the child: one line to the parent."""
        os.write(self.out, json.dumps(what).encode() + b"\n")

    def wait_for_go(self) -> None:
        """In the child: until the parent says so."""
        os.read(self.go, 1)

    def start(self) -> None:
        """In the parent: lets the child go on."""
        os.write(self.go, b"!")

    def hear(self, patience: float = PATIENCE) -> Any:
        """In the parent: the next line; None where the child is dead, or hung for so long."""
        until = time.monotonic() + patience
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.out], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                return {"crash": f"nothing for {patience} s"}
            if not (more := os.read(self.out, 65536)):
                return None
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def end(self, number: int = signal.SIGKILL) -> list[Any]:
        """In the parent: sends a signal, waits for death, and gives what had still been said."""
        try:
            os.kill(self.pid, number)
            return self.rest()
        finally:
            self.close()

    def rest(self) -> list[Any]:
        """Everything until the child's end."""
        heard = []
        while (line := self.hear()) is not None:
            heard.append(line)
            if isinstance(line, dict) and "crash" in line:
                break
        return heard

    def close(self) -> int:
        """The child's wait status; it is dead by then, or dies now."""
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            _, self.status = os.waitpid(self.pid, 0)
            os.close(self.out)
            os.close(self.go)
        return self.status


def forked(work: Callable[[], Any]) -> Any:
    """What the function gives in a process of its own, through JSON; {"crash": …} where it died or hung."""
    child = Child(lambda _: work())
    said = child.hear()
    child.close()
    return said if said is not None else {"crash": f"died, status {child.status}"}


def judged(home: Path) -> Verdict:
    """What a fresh process reads."""
    return verdict_of(forked(lambda: vars(judge(home))))


def verdict_of(said: dict[str, Any] | None) -> Verdict:
    """What a child tells of a home."""
    if said is None or "crash" in said:
        return Verdict("crashed", why=str(said))
    return Verdict(**said)
