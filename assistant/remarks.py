"""What is said beside an answer, on the page as in the terminal: what is missing, how sure it is, what went wrong."""

import re
from collections.abc import Mapping, Sequence

from assistant.types import Answer, Reason
from index.filters import OPEN_END, period
from index.types import Document

__all__ = ["UNSURE", "dated", "opening", "remarks", "uncovered", "why"]

WHY: Mapping[Reason, str] = {
    "citation": "no passage named",
    "letters": "letters that only look alike",
    "numbers": "a number or date",
    "swapped": "numbers that changed places",
    "names": "a name",
    "negation": "a negation",
    "speaker": "who speaks",
    "stitched": "another subject",
    "words": "its words",
    "meaning": "its meaning",
    "invented": "a passage that does not exist",
    "instruction": "an instruction, not a fact",
}
UNSURE = 0.45  # confidence below which the evidence more likely lies elsewhere: the asker is told before reading


def opening(answer: Answer) -> str:
    """A line to stand before the sentences where none of them may answer; else empty."""
    if answer.outcome == "answered" and answer.writer != "llm" and answer.confidence < UNSURE:
        return "Nothing found answers this for sure. The nearest:"
    return ""


def remarks(answer: Answer) -> list[str]:
    """What stands below an answer: notices, what is missing from it, and sentences that nothing bears out."""
    found = list(answer.notices)
    if answer.outcome == "answered":
        found += absent(answer.missing)
    if alone := answer.ledger.get("unsupported", 0):
        reasons = [reason for each in answer.sentences for reason in each.reasons]
        because = f" ({why(reasons)})" if reasons else ""
        sentences = f"{alone} sentence{'s' if alone > 1 else ''}"
        found.append(f"{sentences}, underlined, could not be found in the articles{because}.")
    return found


def why(reasons: Sequence[Reason]) -> str:
    """What of written sentences is not met, in words, none twice."""
    return ", ".join(dict.fromkeys(WHY[reason] for reason in reasons))


def uncovered(answer: Answer) -> str:
    """What is said in place of an answer: that there is none, and what is missing."""
    return " ".join(["The articles do not cover this.", *absent(answer.missing)])


def absent(missing: Sequence[str]) -> list[str]:
    """`Answer.missing` in sentences: parts of the question end in a question mark, all else are names and years."""
    names = [each for each in missing if not each.endswith("?")]
    parts = [each for each in missing if each.endswith("?")]
    said = [f"What was found does not mention {listed(names)}."] if names else []
    return said + [f"Not answered: {part}" for part in parts]


def listed(names: Sequence[str]) -> str:
    """Names in a row: Oslo, Peru and 2027."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def dated(missing: Sequence[str], document: Document) -> tuple[str, ...]:
    """The names, a year that lies outside those that the nearest article is about with what these are."""
    since, until = period(document)
    found = []
    for name in missing:
        year = int(name) if re.fullmatch(r"\d{4}", name) else None
        if year and until not in (None, OPEN_END) and year > until:
            name += f' (the article "{document.title}" ends in {until})'
        elif year and since is not None and year < since:
            name += f' (the article "{document.title}" begins in {since})'
        found.append(name)
    return tuple(found)
