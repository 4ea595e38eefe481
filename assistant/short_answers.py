"""What short answer a question asks for (when, who, where, how many), and where in a sentence it stands."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from index.lexical import analyze
from index.types import Span

__all__ = ["Kind", "asks_time", "kind_of", "short_answer"]

Kind = Literal["when", "who", "where", "number"]

# A question word counts where one of these, or nothing, stands before it: "people who ..." asks for nobody.
BEFORE = frozenset("and or but so by with from for to of in at on since until then about".split())
ASKS: tuple[tuple[Kind, str], ...] = (
    ("when", r"when|(?:what|which) (?:years?|dates?|months?|day|decade)"),
    ("number", r"how (?:many|much|long|often|old|large|big|far)"),
    ("who", r"who|whom|whose"),
    ("where", r"where|(?:what|which) (?:city|cities|country|countries|place|places|town|towns|capital)"),
)
QUESTION_WORD = re.compile(
    rf"\b(?:{'|'.join(f'(?P<{kind}>{words})' for kind, words in ASKS)}|what|which|why|how)\b", re.I
)
AUXILIARY = re.compile(
    r"\s+(?:and|did|do|does|was|were|is|are|has|had|have|will|would|can|could|might|exactly|in)\b", re.I
)

MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
DAYS = r"\d{1,2}(?:(?:\s?[-–]\s?|\s(?:and|to)\s)\d{1,2})?"
DATE = re.compile(
    rf"\b(?:(?:early|late|mid|spring|summer|autumn|winter)[- ](?:of )?)?(?:(?:{DAYS} )?(?:{MONTH})(?: \d{{4}})?|"
    r"1[6-9]\d\d(?:\s?[-–]\s?\d{2,4})?s?|20\d\d(?:\s?[-–]\s?\d{2,4})?)\b(?:\s(?:to|and)\s(?:\d{1,2} )?"
    rf"(?:(?:{MONTH}) )?(?:1[6-9]|20)\d\d\b)?"
)
WORDS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand dozen once twice"
).replace(" ", "|")
UNIT = r"(?:years?|months?|weeks?|days?|hours?|minutes?|times|dollars|euros|pounds|rounds?|people|per cent)"
FIGURE = rf"(?:\d[\d,.]*\d|\d|\b(?:{WORDS})(?:[- ](?:{WORDS}))*\b)"
NUMBER = re.compile(
    r"(?:\b(?:about|some|over|nearly|almost|around|at least|more than|fewer than|up to|roughly) )?"
    rf"(?:[$€£]?{FIGURE}(?: (?:million|billion|hundred|thousand|dozen))?(?: {UNIT}\b| (?-i:[A-Z])\w+)?"
    rf"(?: and {FIGURE} (?-i:[A-Z])\w+)?|\ban? (?:year|month|week|day|hour|decade|century)\b)",
    re.I,
)
PART = r"[A-ZÀ-Þ][\w'’-]*"
LINK = r"(?:(?:of|the|de|del|al|bin|ibn|van|von|for|on|and|du|la|le|y)[ -])*"
ONE = rf"{PART}(?: {LINK}{PART})*"
NAME = re.compile(rf"\b{ONE}(?:(?:, (?:the )?{ONE})* and (?:the )?{ONE})?")
PLACE = re.compile(rf"\b(?:in|at|near|from|outside|to|visited|namely) (?:the )?({ONE}(?:(?:, {ONE})* and {ONE})?)")
ABOUT = 0.1  # share of the weight of the question's words that a sentence must have for its short answer to be marked
TIME = re.compile(r"\b(?:years?|months?|weeks?|days?|hours?|minutes?|decades?|centur(?:y|ies))\b", re.I)
LONG = re.compile(r"\bhow (?:long|much time)\b", re.I)
SUBJECT = 2.0  # what a name at the head of its sentence counts more than others
NOT_NAMES = frozenset(
    f"{MONTH}|The|A|An|In|On|At|By|It|He|She|They|This|That|These|Those|But|And|For|After|Before".split("|")
)


def kind_of(question: str) -> Kind | None:
    """What the first question word of a main clause asks for; None for what, which, why, how, and no question word."""
    for found in QUESTION_WORD.finditer(question):
        before = re.findall(r"[\w'’]+|[^\w\s]", question[: found.start()])[-1:]
        kind = next((name for name, words in found.groupdict().items() if words), None)
        if kind == "number":
            return "number"
        if before and before[0].isalnum() and before[0].casefold() not in BEFORE:
            continue
        if kind == "when" and not AUXILIARY.match(question, found.end()) and found[0].casefold() == "when":
            continue  # "When they met, what ...?" tells when
        return kind  # type: ignore[return-value]
    return None


def asks_time(question: str) -> bool:
    """Whether a length of time is asked for."""
    return bool(LONG.search(question))


def short_answer(kind: Kind, sentence: str, rarity: Mapping[str, float], timed: bool = False) -> Span | None:
    """Where the sentence says it: of what has the right form and is not in the question, the nearest to its words.

    `rarity` weighs the question's stems; `timed` asks for a length of time. None where nothing has the form, or the
    sentence has too few of the question's words to be about it.
    """
    asked = set(rarity)
    total = sum(rarity.values())
    if total and sum(rarity[stem] for stem in asked & set(analyze(sentence))) < ABOUT * total:
        return None
    told = [(found.start(), weight_of(found[0], rarity)) for found in re.finditer(r"[\w'’-]+", sentence)]
    told = [(place, weight) for place, weight in told if weight]
    best: tuple[float, Span] | None = None
    for span in candidates(kind, sentence):
        said = sentence[span.start : span.end]
        stems = set(analyze(said))
        if (stems and stems <= asked) or (timed and not TIME.search(said)):
            continue
        near = sum(weight / (20 + abs(place - span.start)) for place, weight in told)
        score = near * (0.5 if stems & asked else 1.0) * preference(kind, said, span.start)
        if best is None or score > best[0]:
            best = (score, span)
    return best[1] if best else None


def weight_of(word: str, rarity: Mapping[str, float]) -> float:
    """The rarity of a word that the question has, else 0."""
    return max((rarity.get(stem, 0.0) for stem in analyze(word)), default=0.0)


def candidates(kind: Kind, sentence: str) -> Iterator[Span]:
    """Everything in the sentence that has the form of such an answer."""
    found: re.Match[str]
    matches = list({"when": DATE, "number": NUMBER, "who": NAME, "where": PLACE}[kind].finditer(sentence))
    for found in matches or (NAME.finditer(sentence) if kind == "where" else ()):
        start, end = found.span(found.lastindex or 0) if kind == "where" else found.span()
        said = sentence[start:end]
        if kind in ("who", "where") and (said.split()[0] in NOT_NAMES or DATE.fullmatch(said)):
            if " " not in said or kind == "where":
                continue
            start += len(said.split()[0]) + 1
        if kind == "number" and (DATE.fullmatch(said.strip()) or re.match(rf" ?(?:{MONTH})\b", sentence[end:])):
            continue
        while end > start and sentence[end - 1] in " .,;":
            end -= 1
        if end > start:
            yield Span(start, end)


def preference(kind: Kind, said: str, start: int) -> float:
    """Fuller answers are better: a whole date than a year, a full name than a surname; and who did it stands first."""
    words = len(said.split())
    if kind == "who" and start == 0:
        return SUBJECT * (1 + 0.2 * min(words, 3))
    return {
        "when": 1 + 0.25 * min(words, 3),
        "number": 1.0 + 0.2 * (words > 1),
        "who": 1 + 0.2 * min(words, 3),
        "where": 1.0,
    }[kind]
