"""Document -> Passages and Sentences with exact spans.

A passage is a run of whole sentences under one heading. What is embedded is title, heading and passage; only the
passage is inside the span. Nothing is cut off unseen: lengths are counted with the embedder's own tokenizer, and a
sentence too long for one passage is cut at white space.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from index.sentences import sentence_spans
from index.tokens import count_tokens
from index.types import Document, Passage, Sentence, Span

__all__ = ["Cut", "cut", "embedded_text"]

Counter = Callable[
    [Sequence[str]], list[int]
]  # texts -> tokens of each as the embedder reads it, special ones included


@dataclass(frozen=True, slots=True)
class Cut:
    """One document's passages and sentences, both in reading order."""

    passages: tuple[Passage, ...]
    sentences: tuple[Sentence, ...]


def cut(document: Document, count: Counter, limit: int, overlap: int = 0) -> Cut:
    """Passages of at most `limit` tokens (title, heading and special tokens included) and their sentences.

    `overlap` is the number of sentences repeated from the passage before.
    """
    passages: list[Passage] = []
    sentences: list[Sentence] = []
    special = count([""])[0]
    for heading, paragraphs in sections(document):
        spans = [span for part in paragraphs for span in sentence_spans(document.text, part.start, part.end)]
        if not spans:
            continue
        size = limit - count([context(document.title, heading, count, limit)])[0]
        fit = list(fitting(document.text, spans, count, size + special))
        pieces = [piece for piece, _ in fit]
        lengths = [length - special for _, length in fit]
        runs: list[range] = []
        for run in within(document.text, pieces, pack(lengths, size, overlap), count, size + special):
            if not runs or run.stop > runs[-1].stop:  # else all of it is in the passage before
                runs.append(run)
        made = [passage_of(document, heading, pieces[run.start], pieces[run.stop - 1]) for run in runs]
        first = {i: passage for run, passage in zip(reversed(runs), reversed(made), strict=True) for i in run}
        for i, piece in enumerate(pieces):
            text = document.text[piece.start : piece.end]
            sentences.append(Sentence(document.doc_id, piece.start, piece.end, first[i].passage_id, text))
        passages += made
    return Cut(tuple(passages), tuple(sentences))


def context(title: str, heading: str, count: Counter, limit: int) -> str:
    """Title and heading, one a line; what of them would take over half the room is left out."""
    choices = [f"{title}\n{heading}\n" if heading else f"{title}\n", f"{title}\n", f"{heading}\n"]
    return next((text for text in choices if text.strip() and count([text])[0] <= limit // 2), "")


def embedded_text(passage: Passage, count: Counter, limit: int) -> str:
    """What the embedder reads of a passage: its title and heading as context, then the passage."""
    return context(passage.title, passage.heading, count, limit) + passage.text


def sections(document: Document) -> Iterator[tuple[str, list[Span]]]:
    """Each heading ("" before the first) with the spans of the paragraphs under it."""
    heading = ""
    paragraphs: list[Span] = []
    headings = set(document.headings)
    offset = 0
    for part in document.text.split("\n\n"):
        span = Span(offset, offset + len(part))
        offset = span.end + 2
        if span in headings:
            yield heading, paragraphs
            heading, paragraphs = part, []
        else:
            paragraphs.append(span)
    yield heading, paragraphs


def fitting(text: str, spans: Sequence[Span], count: Counter, size: int) -> Iterator[tuple[Span, int]]:
    """Each span with its tokens, or where it has over `size` of them its halves, cut at the white space nearest to the
    middle.
    """
    lengths = count([text[span.start : span.end] for span in spans])
    for span, length in zip(spans, lengths, strict=True):
        if length <= size or span.end - span.start == 1:
            yield span, length
        else:
            yield from fitting(text, halves(text, span), count, size)


def halves(text: str, span: Span) -> list[Span]:
    """The span cut in two; the white space between them is in neither."""
    middle = (span.start + span.end) // 2
    gaps = [gap.start() + span.start for gap in re.finditer(r"\s", text[span.start : span.end])]
    at = min(gaps, key=lambda gap: abs(gap - middle), default=middle)
    right = at
    while right < span.end and text[right].isspace():
        right += 1
    return [Span(span.start, at), Span(right, span.end)]


def pack(lengths: Sequence[int], size: int, overlap: int) -> list[range]:
    """Runs of consecutive sentences of at most `size` tokens each, filled in order."""
    runs: list[range] = []
    first = total = 0
    for i, length in enumerate(lengths):
        if total + length > size and i > first:
            runs.append(range(first, i))
            first = repeated(lengths, first, i, size - length, overlap)
            total = sum(lengths[first:i])
        total += length
    return [*runs, range(first, len(lengths))]


def within(text: str, pieces: Sequence[Span], runs: Sequence[range], count: Counter, size: int) -> Iterator[range]:
    """The runs, halved where they have over `size` tokens after all: some tokenizers count what stands in between."""
    lengths = count([text[pieces[run.start].start : pieces[run.stop - 1].end] for run in runs])
    for run, length in zip(runs, lengths, strict=True):
        if length <= size or len(run) == 1:
            yield run
        else:
            middle = (run.start + run.stop) // 2
            yield from within(text, pieces, [range(run.start, middle), range(middle, run.stop)], count, size)


def repeated(lengths: Sequence[int], first: int, end: int, room: int, overlap: int) -> int:
    """Where the next run begins: up to `overlap` sentences back, as far as they leave room; never at `first` again."""
    start = end
    while end - start < overlap and start - 1 > first and sum(lengths[start - 1 : end]) <= room:
        start -= 1
    return start


def passage_of(document: Document, heading: str, first: Span, last: Span) -> Passage:
    """The passage from the first sentence to the last."""
    text = document.text[first.start : last.end]
    return Passage(
        passage_id=f"{document.doc_id}#{first.start}-{last.end}",
        doc_id=document.doc_id,
        start=first.start,
        end=last.end,
        heading=heading,
        tokens=count_tokens(text),
        text=text,
        title=document.title,
    )
