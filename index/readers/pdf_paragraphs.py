"""Lines of a PDF -> paragraphs, over columns and pages; words divided at line ends are whole again."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.readers.pdf_lines import Line, Look

__all__ = ["Paragraph", "paragraphs"]

ENDED = re.compile(r"[.!?:;…。！？؟۔]['\")\]»”’›]*$")
BULLET = re.compile(r"[•◦▪●■□‣⁃∙·–—*-]\s")
WORD = re.compile(r"[^\W\d_]+(?:[-‐][^\W\d_]+)*")
DIVIDED = re.compile(r"[^\W\d_][-‐\xad]$")
SPAN = re.compile(r"\d[-–]$")  # 1995-1998
HYPHENS = "-‐"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """`starts` are the pages that begin within it, each with its offset in `text`."""

    text: str
    size: float
    bold: bool
    starts: tuple[tuple[int, int], ...]


def paragraphs(lines: Sequence[Line], usual: Look) -> Iterator[Paragraph]:
    """The paragraphs in the order of the lines."""
    words = whole_words(lines)
    begun: list[Line] = []
    for line, after in zip(lines, [*lines[1:], None], strict=True):
        if begun and parted(begun[-1], line, after, usual):
            yield paragraph(begun, words)
            begun = []
        begun.append(line)
    if begun:
        yield paragraph(begun, words)


def paragraph(lines: Sequence[Line], words: Counter[str]) -> Paragraph:
    """The lines as one text."""
    pieces: list[str] = []
    starts: list[tuple[int, int]] = []
    length = 0
    for before, line in zip([None, *lines], lines, strict=False):
        if before:
            cut, between = seam(before.text, line.text, words)
            pieces[-1] = pieces[-1][: len(pieces[-1]) - cut]
            pieces.append(between)
            length += len(between) - cut
        if before is None or before.page != line.page:
            starts.append((line.page, length))
        pieces.append(line.text)
        length += len(line.text)
    return Paragraph("".join(pieces), lines[0].size, all(line.bold for line in lines), tuple(starts))


def whole_words(lines: Sequence[Line]) -> Counter[str]:
    """How often each word stands in the document undivided, in small letters."""
    words: Counter[str] = Counter()
    divided = False
    for line in lines:
        found = WORD.findall(line.text.casefold())
        ends_divided = bool(DIVIDED.search(line.text))
        words.update(found[divided : len(found) - ends_divided])
        divided = ends_divided
    return words


def parted(before: Line, line: Line, after: Line | None, usual: Look) -> bool:
    """Whether `line` begins a paragraph."""
    fall = before.y - line.y
    if before.page == line.page and abs(fall) < 0.5 * usual.size:
        return False  # further along the same row
    if abs(before.size - line.size) > 0.08 * usual.size or before.bold != line.bold or BULLET.match(line.text):
        return True
    ended = bool(ENDED.search(before.text))
    full = len(before.text) > 0.7 * usual.width
    if before.page != line.page or fall < 0:  # the next page or column
        return ended or not (line.text[0].islower() or full)
    if fall > 1.35 * usual.leading * line.size:
        return True
    indented = line.x - before.x > 0.6 * line.size or (
        after is not None and after.page == line.page and line.x - after.x > 0.6 * line.size
    )
    return ended and not line.text[0].islower() and (indented or not full)


def seam(text: str, line: str, words: Counter[str]) -> tuple[int, str]:
    """How many characters go from the end of `text`, and what comes between it and `line`."""
    if text.endswith("\xad"):
        return 1, ""
    if DIVIDED.search(text):
        return (0 if compound(text, line, words) else 1), ""
    return 0, "" if text.endswith("—") or SPAN.search(text) and line[0].isdigit() else " "


def compound(text: str, line: str, words: Counter[str]) -> bool:
    """Whether the hyphen at the end of `text` belongs to the word: `back-channel`, and not `diplo-macy`.

    What the document writes elsewhere decides; else whether both halves are words of it and long enough not to be
    a syllable that happens to be one. A capital or a figure never follows a division.
    """
    left, right = WORD.findall(text.casefold()), WORD.match(line.casefold())
    if not left or not right or not line[0].islower():
        return True
    whole, apart = left[-1] + right[0], f"{left[-1]}-{right[0]}"
    if words[whole] != words[apart]:
        return words[apart] > words[whole]
    if any(hyphen in right[0] for hyphen in HYPHENS):
        return True
    first = re.split("[-‐]", left[-1])[-1]
    short = min(len(first), len(right[0])) < 4 and first == left[-1]
    return not short and words[first] > 0 and words[right[0]] > 0
