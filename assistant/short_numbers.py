"""What dates, quantities and lengths of time look like in a sentence."""

import re
from collections.abc import Iterator

from index.lexical import STOP_WORDS

__all__ = ["DATE", "MONTH", "dates", "lengths", "numbers"]

MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
CARDINALS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand dozen"
).replace(" ", "|")
ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth twenty-first"
).replace(" ", "|")
UNIT = (
    r"(?:years?|months?|weeks?|days?|hours?|minutes?|seconds|decades?|centuries|times|dollars?|euros?|pounds?|"
    r"per ?cent|miles|metres|meters|feet|km|kilometres|kilometers)"
)

YEAR = r"(?:1\d\d\d|20\d\d)"
DAYS = r"\d{1,2}(?:st|nd|rd|th)?(?:(?:\s?[-–]\s?|\s(?:and|to)\s)\d{1,2})?"
PLAIN_DATE = (
    rf"(?:{DAYS} (?:{MONTH})|(?:{MONTH})(?: {DAYS}\b(?!,\d))?)(?:,? {YEAR})?|{YEAR}s?(?:\s?[-–]\s?(?:{YEAR}|\d\d))?"
)
WAR = (
    r"(?:before|after|during|until|end of|outbreak of|start of) (?:the )?"
    r"(?:World War I{1,2}|(?:First|Second) World War|Cold War)"
)
AGO = (
    r"(?:(?:around|about) )?an? (?:million|billion) years ago|"
    r"\d[\d,.]*(?: (?:million|billion))? (?:years ago|BP|BCE?|AD|CE)|AD \d{1,4}"
)
CENTURY = rf"(?:\d\d?(?:st|nd|rd|th)|{ORDINALS}) century(?: BCE?)?"
DATE = re.compile(
    r"\b(?:(?:the )?(?:(?:early|late|mid|middle|end|start|beginning|spring|summer|autumn|fall|winter)[- ])"
    rf"(?:(?:of|in) (?:the )?)?)?(?:{AGO}|{WAR}|{CENTURY}|{PLAIN_DATE})\b"
    r"(?:,?\s(?:to|until|and|or)\s(?:the )?(?:(?:early|late|mid)[- ])?"
    rf"(?:{CENTURY}|(?:{DAYS} )?(?:(?:{MONTH}) )?{YEAR}s?)\b)?"
)
DATED = re.compile(r"\b(?:in|of|since|from|until|by|for|during|after|before|to|and|early|late) $", re.I)
RANGE = re.compile(rf"\b(?:[Ff]rom|[Bb]etween) (?:{PLAIN_DATE})(?: (?:to|and|until) |\s?[-–]\s?)(?:{PLAIN_DATE})\b")

FIGURE = rf"(?:\d[\d,.]*\d|\d|\b(?:{CARDINALS})(?:[- ](?:{CARDINALS}))*\b)"
QUANTITY = (
    rf"[$€£]?{FIGURE}½?(?:\s?[-–]\s?{FIGURE}|(?: to | or ){FIGURE})?%?"
    r"(?: (?:million|billion|hundred|thousand|dozen)\b)?"
)
ABOUT = (
    r"(?:about|some|over|nearly|almost|around|approximately|at least|at most|up to|roughly|(?:more|fewer|less) than|"
    r"only) "
)
VAGUE = (
    rf"(?:an?|several|many|a few|a couple of) (?:more )?{UNIT}|once|twice|"
    r"(?:hundreds|thousands|millions|dozens|tens|half|one third|two thirds|one-third|two-thirds|a dozen)\b"
)
NUMBER = re.compile(
    rf"\b(?:{ABOUT})?(?:(?<![\w.,])(?:{QUANTITY})(?:[- ]{UNIT}\b| (?-i:[A-Z])\w+(?= and {FIGURE} (?-i:[A-Z])))?"
    rf"(?: and {FIGURE} (?-i:[A-Z])\w+)?|\b(?:{VAGUE})\b)|[$€£]{QUANTITY}",
    re.I,
)


def dates(sentence: str) -> Iterator[tuple[int, int]]:
    """Days, months, years, centuries, and from one to another."""
    for found in DATE.finditer(sentence):
        if not counts(sentence, found) or DATED.search(sentence[: found.start()]):
            yield found.span()


def counts(sentence: str, found: re.Match[str]) -> bool:
    """Whether what looks like a year may count things: 2000 guests."""
    follows = re.match(r" ([a-z]+s|people)\b", sentence[found.end() :])
    return found[0].isdigit() and bool(follows) and follows[1] not in STOP_WORDS  # type: ignore[index]


def numbers(sentence: str) -> Iterator[tuple[int, int]]:
    """Quantities, with the unit after them; not dates."""
    dated = [found.span() for found in DATE.finditer(sentence) if not counts(sentence, found)]
    for found in NUMBER.finditer(sentence):
        start, end = found.span()
        if not any(left <= start and end <= right for left, right in dated) and not re.match(
            rf" ?(?:{MONTH})\b", sentence[end:]
        ):
            yield start, end


def lengths(sentence: str) -> Iterator[tuple[int, int]]:
    """Lengths of time, also as from one date to another."""
    for start, end in numbers(sentence):
        if re.search(r"(?:year|month|week|day|hour|minute|second|decade|centur)", sentence[start:end], re.I):
            yield start, end
    yield from (found.span() for found in RANGE.finditer(sentence))
    for found in re.finditer(rf"\b(?:until|till) (?:{DATE.pattern})", sentence):
        yield found.span()
