"""A passage in a few lines: cut around the words that were searched for, which are marked in each of their forms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import regex

from assistant.shortening import whole
from index.lexical import analyze
from index.types import Span

__all__ = ["Piece", "excerpt", "marked"]

LENGTH = 250  # characters: three lines of the page's column
LEAD = 60  # characters at most that stand before the first marked word where no sentence begins nearby
# A word with all that belongs to its last letter (marks, joiners), so that a mark never ends inside a cluster.
WORD = regex.compile(r"[\p{Alphabetic}\p{N}][\p{Alphabetic}\p{N}\p{M}\p{Cf}]*+")
BEGINS = regex.compile(r"(?:^|(?<=[.!?…][\"'”’)\]]*\s))\S")  # a sentence, near enough for where to cut


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text; `marked` where it is a word that was searched for."""

    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A word of the text that has stems which are looked for."""

    span: Span
    stems: frozenset[str]


def marked(text: str, stems: Mapping[str, float]) -> list[Piece]:
    """The whole text in pieces; joined they are `text`."""
    return pieces(text, found_in(text, stems))


def excerpt(text: str, stems: Mapping[str, float], best: Span | None = None, length: int = LENGTH) -> list[Piece]:
    """At most `length` characters and dots of what is left out, where the stems that are there weigh most.

    Where none is there, from the beginning of `best`, the sentence that is nearest in meaning.
    """
    found = found_in(text, stems)
    if len(text) <= length:
        return pieces(text, found)
    window = place(text, found, stems, best or Span(0, len(text)), length)
    before, after = window.start > 0, window.end < len(text)
    shown = pieces(text, held(found, window), window)
    return [*([Piece("… ")] if before else []), *shown, *([Piece(" …")] if after else [])]


def found_in(text: str, stems: Mapping[str, float]) -> list[Found]:
    """The words of a text that have one of the stems, in order."""
    if not stems:
        return []
    found = ((Span(*each.span()), frozenset(stems.keys() & stems_of(each[0]))) for each in WORD.finditer(text))
    return [Found(span, matched) for span, matched in found if matched]


def held(found: Sequence[Found], window: Span) -> list[Found]:
    """The words that stand whole in a window."""
    return [each for each in found if window.start <= each.span.start and each.span.end <= window.end]


@lru_cache(20_000)
def stems_of(word: str) -> frozenset[str]:
    """What the index makes of a word; most words come again and again."""
    return frozenset(analyze(word))


def pieces(text: str, found: Sequence[Found], window: Span | None = None) -> list[Piece]:
    """The text of a window, with the words found in it as pieces of their own."""
    window = window or Span(0, len(text))
    made, at = [], window.start
    for each in found:
        made += [Piece(text[at : each.span.start]), Piece(text[each.span.start : each.span.end], True)]
        at = each.span.end
    made.append(Piece(text[at : window.end]))
    return [each for each in made if each.text]


def place(text: str, found: Sequence[Found], stems: Mapping[str, float], best: Span, length: int) -> Span:
    """The window to show: with the heaviest words; of equal ones that which has the best sentence, begins a sentence,
    and is not cut short by the end of the text.
    """
    begins = {each.start() for each in BEGINS.finditer(text)}
    starts = begins | {best.start} | {start_before(text, each.span.start) for each in found}
    windows = [Span(start, end_after(text, start, length)) for start in sorted(starts)]
    needed = min(best.end, best.start + length // 2)

    def worth(window: Span) -> tuple[float, bool, bool, bool]:
        stems_inside = {stem for each in held(found, window) for stem in each.stems}
        has_best = window.start <= best.start and needed <= window.end
        full = window.end - window.start >= length // 2
        return sum(stems[stem] for stem in stems_inside), has_best, window.start in begins, full

    return max(windows, key=worth)


def start_before(text: str, at: int) -> int:
    """Where to begin so that a word has something before it: after a space, at most `LEAD` characters back."""
    if at <= LEAD:
        return 0
    gap = regex.search(r"\s\S", text, pos=at - LEAD, endpos=at + 1)
    return gap.end() - 1 if gap else at


def end_after(text: str, start: int, length: int) -> int:
    """Where to end: at the last space within `length` characters, else between two clusters."""
    limit = start + length
    if limit >= len(text):
        return len(text)
    space = max((text.rfind(blank, start + length // 2, limit) for blank in " \n\t\u00a0"), default=-1)
    if space > start:
        return space
    return whole(text, start, limit)
