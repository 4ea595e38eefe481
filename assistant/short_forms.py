"""Everything in a sentence that has the form of a short answer."""

import re

from assistant.short_names import PAIR, people, places
from assistant.short_numbers import dates, lengths, numbers
from assistant.short_questions import Kind
from index.types import Span

__all__ = ["candidates"]


def candidates(kind: Kind, sentence: str, timed: bool = False) -> list[Span]:
    """What could be the answer, but the parts of a pair; `timed` asks for a length of time."""
    finders = {"when": dates, "number": lengths if timed else numbers, "who": people, "where": places}
    spans = (trimmed(sentence, *found) for found in finders[kind](sentence))
    found = [span for span in dict.fromkeys(spans) if span.start < span.end]
    pairs = [span for span in found if PAIR.fullmatch(sentence[span.start : span.end])]
    return [span for span in found if not any(within(span, pair) for pair in pairs)]


def within(span: Span, pair: Span) -> bool:
    """Whether it is one of a pair: who did it were both."""
    return span != pair and pair.start <= span.start and span.end <= pair.end


def trimmed(sentence: str, start: int, end: int) -> Span:
    """Without outer spaces and punctuation, and without the `'s` of a name."""
    while end > start and sentence[end - 1] in " .,;:'’\"":
        end -= 1
    while end > start and sentence[start] in " ,;":
        start += 1
    if re.search(r"\w['’]s$", sentence[start:end]) and sentence[start:end][0].isupper():
        end -= 2
    return Span(start, end)
