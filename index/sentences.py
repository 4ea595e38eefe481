"""Sentence boundaries: NLTK's Punkt, its parameters from llama-index-core, and the field's abbreviations."""

import functools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from index.tokens import bundled
from index.types import Span

if TYPE_CHECKING:
    from nltk.tokenize.punkt import PunktSentenceTokenizer

__all__ = ["sentence_spans"]

# Titles, ranks and the like, without the last full stop, which Punkt's newspaper corpus knew too few of.
ABBREVIATIONS = (
    "adm amb approx art brig c ca capt cf ch chr cmdr col ed eds esp est et al fig figs fr gen gov hon jr lt maj mr "
    "mrs ms dr no nos op p para pp pres prof rep res rev sen sgt sr st v vol vols vs i.e e.g u.s u.k u.n u.s.s.r d.c "
    "e.u a.m p.m jan feb mar apr jun jul aug sep sept oct nov dec"
).split()
LONGEST = 100_000  # characters of a paragraph; Punkt takes 0.3 s for it
# Punkt takes an initial before a word that often starts sentences for an end.
INITIAL = re.compile(r"(?:^|\s)[A-Z]\.$")
# What Punkt is asked about mostly: a word of letters with a full stop, and the word after it.
PLAIN = re.compile(r"([A-Za-z]{2,})\. +([A-Za-z]+),?")


@functools.cache
def tokenizer() -> "PunktSentenceTokenizer":
    """Punkt for English; no pickle is read, nothing is downloaded."""
    import nltk.data
    from nltk.tokenize.punkt import PunktTokenizer

    folder = str(bundled("nltk_cache"))
    if folder not in nltk.data.path:  # NLTK reads only below the folders named there
        nltk.data.path.insert(0, folder)

    class Quicker(PunktTokenizer):  # type: ignore[misc]  # NLTK has no types
        """Sees at once what Punkt finds by making tokens of it: three in five decisions, a third of its time."""

        def text_contains_sentbreak(self, text: str) -> bool:
            """A full stop after a word ends a sentence, unless that is an abbreviation or goes with the next word."""
            if plain := PLAIN.fullmatch(text):
                word, following = plain[1].lower(), plain[2].lower()
                if word not in self._params.abbrev_types and (word, following) not in self._params.collocations:
                    return True
            return bool(super().text_contains_sentbreak(text))

    made = Quicker("english")
    made._params.abbrev_types.update(ABBREVIATIONS)
    return made


def sentence_spans(text: str, start: int, end: int) -> list[Span]:
    """Spans of the sentences of `text[start:end]`, one paragraph; no span begins or ends with white space."""
    paragraph = text[start:end]
    found: list[Span] = []
    for left, right in punkt_spans(paragraph):
        piece = paragraph[left:right]
        left += len(piece) - len(piece.lstrip())
        right -= len(piece) - len(piece.rstrip())
        if left >= right:
            continue
        if found and joins(paragraph[found[-1].start - start : found[-1].end - start], paragraph[left:right]):
            found[-1] = Span(found[-1].start, start + right)
        else:
            found.append(Span(start + left, start + right))
    return found


def punkt_spans(paragraph: str) -> Iterator[tuple[int, int]]:
    """Starts and ends as Punkt has them; a paragraph too long for it is read in windows that begin with a sentence.

    NLTK gives up with a `TimeoutError` when one takes it more than five seconds, waiting included.
    """
    start = 0
    while start < len(paragraph):
        end = start + LONGEST
        if end < len(paragraph) and (blank := paragraph.rfind(" ", start, end)) > start:
            end = blank
        spans = list(tokenizer().span_tokenize(paragraph[start:end]))
        cut_off = spans.pop() if end < len(paragraph) and len(spans) > 1 else None
        yield from ((start + left, start + right) for left, right in spans)
        start = start + cut_off[0] if cut_off else end


def joins(before: str, after: str) -> bool:
    """Whether Punkt cut too early: after an initial (`George W. Bush`), or before what cannot start a sentence."""
    return bool(INITIAL.search(before)) or after[0].islower() or not any(c.isalnum() for c in after)
