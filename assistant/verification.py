"""Does a written sentence follow from what it cites? Its letters, numbers, names, negations, words and meaning."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from assistant.claim_names import letters_met, names_met
from assistant.claim_negation import negations_agree
from assistant.claim_numbers import numbers_met, swapped
from assistant.places import canonical, words_of
from assistant.types import Reason, Support
from index.embedding import Vectors
from index.lexical import analyze
from index.types import Span

__all__ = ["LIMITS", "Limits", "Verdict", "covered_share", "verify"]

CLAUSE = re.compile(r";\s+|,\s+(?=(?:and|but|while|whereas|yet|although)\b)")
SPEAKER = re.compile(r"(?:^|(?<=[\s\"“(]))(?:I|i|me|my|you|your|we|our)(?=[\s'’.,!?]|$)|\?\s*$")
ROW = 3  # stems in a row that both have, from which on they are taken for the same words
VERBATIM = 0.9  # share of the stems from there on that are the quote's
OTHERWISE: frozenset[Reason] = frozenset({"letters", "swapped", "negation", "stitched"})
MUCH = 0.75  # share of a sentence's stems in a quote from which what is unmet contradicts it, and is not merely absent
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
    """How a sentence is supported; `bearing` counts, from 0, the cited spans that bear it out, the nearest first.

    `within` is where the first of them holds the sentence or, where it is not verbatim, all of that span; characters.
    `reasons` say what is not met by the nearest span, empty where the sentence is supported; `contradicted`, that it
    says something else and is not merely silent.
    """

    support: Support
    bearing: tuple[int, ...] = ()
    within: Span | None = None
    reasons: tuple[Reason, ...] = ()
    contradicted: bool = False


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
    one quote meets it or, if none contradicts it, each of its clauses is met by one; else `unsupported`. Titles, none
    or one a quote, count for names and words.
    """
    for at, quote in enumerate(quotes):
        start = verbatim(text, quote)
        if start is not None:
            return Verdict("quoted", (at,), Span(start, start + len(text)))
    if not quotes or not text.strip():
        return Verdict("unsupported", reasons=("citation",))
    cosines = [float(vector @ each) for each in vectors]
    nearest = sorted(range(len(quotes)), key=lambda at: -cosines[at])
    titled = list(titles) or [""] * len(quotes)

    def meeting(part: str) -> int | None:
        """The nearest quote that meets a part of the text."""
        return next((at for at in nearest if not unmet(part, cosines[at], quotes[at], titled[at], limits)), None)

    first = quotes[nearest[0]]
    reasons = unmet(text, cosines[nearest[0]], first, titled[nearest[0]], limits)
    against = contradicts(first, text, reasons)
    if cosines[nearest[0]] < limits.similar:
        return Verdict("unsupported", reasons=(*reasons, "meaning"), contradicted=against)
    met = [meeting(text)]
    if met[0] is None and len(quotes) > 1 and not against:
        met = [meeting(part) for part in clauses(text)]
    if None in met:
        return Verdict("unsupported", reasons=reasons, contradicted=against)
    bearing = tuple(at for at in nearest if at in met)
    return Verdict("supported", bearing, Span(0, len(quotes[bearing[0]])))


def contradicts(quote: str, text: str, reasons: Sequence[Reason]) -> bool:
    """Whether a quote says nearly the same and yet something else, so that no other quote can make the text true."""
    return not OTHERWISE.isdisjoint(reasons) or (bool(reasons) and covered_share(text, quote)[0] >= MUCH)


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
