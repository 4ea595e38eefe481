"""Does a written sentence follow from what it cites? Its letters, numbers, names, negations, words and meaning."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from assistant.claim_names import letters_met, names_met
from assistant.claim_negation import negations_agree
from assistant.claim_numbers import numbers_met, swapped
from assistant.places import canonical, words_of
from assistant.types import Support
from index.embedding import Vectors
from index.lexical import analyze
from index.types import Span

__all__ = ["LIMITS", "Limits", "Reason", "Verdict", "covered_share", "support_of", "verify"]

Reason = Literal[
    "citation", "letters", "numbers", "swapped", "names", "negation", "speaker", "stitched", "words", "meaning"
]
CLAUSE = re.compile(r";\s+|,\s+(?=(?:and|but|while|whereas|yet|although)\b)")
SPEAKER = re.compile(r"(?:^|(?<=[\s\"“(]))(?:I|i|me|my|you|your|we|our)(?=[\s'’.,!?]|$)|\?\s*$")
ROW = 3  # stems in a row that both have, from which on they are taken for the same words
VERBATIM = 0.9  # share of the stems from there on that are the quote's
FEWEST = 3  # stems that a part of a sentence has to be checked by itself


@dataclass(frozen=True, slots=True)
class Limits:
    """Fitted by `evals.grounding_check.fit` on the fit halves of BEGIN, our mutations and our paraphrases."""

    similar: float = 0.35  # lowest cosine of a sentence with its best cited span
    close: float = 1.4  # lowest cosine + 2 * share of the sentence's stems that its cited span has, at most 3
    run: int = 6  # most stems in a row that the cited span lacks


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a sentence is supported; `best` counts the cited spans from 0, None where none is cited.

    `within` is where the best span holds the sentence or, where it is not verbatim, all of that span; characters.
    `reasons` say what is not met by any span, empty where the sentence is supported.
    """

    support: Support
    best: int | None
    within: Span | None
    reasons: tuple[Reason, ...] = ()


def verify(
    text: str,
    vector: Vectors,
    quotes: Sequence[str],
    vectors: Sequence[Vectors],
    titles: Sequence[str] = (),
    limits: Limits = LIMITS,
) -> Verdict:
    """The verdict on a sentence and the quotes it cites, each with its unit vector and its article's title.

    `quoted` where a quote holds the text verbatim; `supported` where it is similar enough to its nearest quote and
    each of its clauses is met by one quote; else `unsupported`. Titles, none or one a quote, count for names and words.
    """
    for at, quote in enumerate(quotes):
        start = verbatim(text, quote)
        if start is not None:
            return Verdict("quoted", at, Span(start, start + len(text)))
    if not quotes or not text.strip():
        return Verdict("unsupported", None, None, ("citation",))
    cosines = [float(vector @ each) for each in vectors]
    best = max(range(len(quotes)), key=cosines.__getitem__)
    titled = list(titles) or [""] * len(quotes)
    reasons = list(unmet(text, cosines[best], quotes[best], titled[best], limits))
    if reasons and len(quotes) > 1:
        parts = clauses(text)
        for part in parts:
            if all(unmet(part, *each, limits) for each in zip(cosines, quotes, titled, strict=True)):
                break
        else:
            reasons = []
    if cosines[best] < limits.similar:
        reasons.append("meaning")
    whole = Span(0, len(quotes[best]))
    return Verdict("unsupported" if reasons else "supported", best, whole, tuple(reasons))


def support_of(
    text: str, vector: Vectors, quotes: Sequence[str], vectors: Sequence[Vectors], titles: Sequence[str] = ()
) -> Support:
    """`verify`'s verdict alone."""
    return verify(text, vector, quotes, vectors, titles).support


def verbatim(text: str, quote: str) -> int | None:
    """Where the quote holds the text as whole words, character for character; None where it does not."""
    if not text.strip():
        return None
    found = re.search(rf"(?<!\w){re.escape(text)}(?!\w)", quote)
    return found.start() if found else None


def clauses(text: str) -> list[str]:
    """The parts of a sentence that can be true by themselves; a short one stays with the one before."""
    parts: list[str] = []
    for part in CLAUSE.split(text):
        if parts and len(words_of(part)) < FEWEST:
            parts[-1] = f"{parts[-1]}, {part}"
        else:
            parts.append(part)
    return parts


def unmet(text: str, cosine: float, quote: str, title: str = "", limits: Limits = LIMITS) -> tuple[Reason, ...]:
    """What of the text this one quote does not meet."""
    known = f"{title} . {quote}"
    share, run = covered_share(text, known)
    checks: tuple[tuple[Reason, bool], ...] = (
        ("letters", letters_met(text, known)),
        ("numbers", numbers_met(text, quote)),
        ("swapped", not swapped(text, quote)),
        ("names", names_met(text, known)),
        ("negation", negations_agree(text, quote)),
        ("speaker", bool(SPEAKER.search(quote)) or not SPEAKER.search(text)),
        ("stitched", not stitched(text, quote)),
        ("words", cosine + 2 * share >= limits.close and run <= limits.run),
    )
    return tuple(reason for reason, met in checks if not met)


def covered_share(text: str, quote: str) -> tuple[float, int]:
    """The share of the text's stems that the quote has, in [0, 1], and its longest row of stems that it lacks."""
    there = set(words_of(quote))
    met = [stem in there for stem in words_of(text)]
    run = longest = 0
    for each in met:
        run = 0 if each else run + 1
        longest = max(longest, run)
    return (sum(met) / len(met) if met else 0.0), longest


def stitched(text: str, quote: str) -> bool:
    """Whether the text keeps a row of the quote's words but puts others before it: its predicate, not its subject."""
    said, there = analyze(text), analyze(quote)
    row = SequenceMatcher(None, said, there, autojunk=False).find_longest_match()
    before, rest = set(canonical(said[: row.a])), said[row.a :]
    own = set(canonical(there[: row.b])) - set(canonical(there[row.b :]))
    if row.size < ROW or sum(stem in there for stem in rest) < VERBATIM * len(rest):
        return False
    return bool(before and own) and not before & set(canonical(there)) and not own & set(canonical(said))
