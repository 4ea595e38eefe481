"""The numbers and dates of a sentence, each by its value: `twelve` is 12, `1993-95` is 1993 and 1995."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.lexical import analyze

__all__ = ["Date", "Number", "dates_of", "numbers_met", "numbers_of", "swapped"]

UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
ORDINALS = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
).split()
WORDS = {word: n for n, word in enumerate(UNITS)} | {word: 10 * n for n, word in enumerate(TENS, 2)}
WORDS |= {word: n for n, word in enumerate(ORDINALS)} | {"thirtieth": 30, "fortieth": 40, "fiftieth": 50}
WORDS |= {"once": 1, "twice": 2, "both": 2, "pair": 2, "neither": 2, "thrice": 3, "dozen": 12, "hundredth": 100}
SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "m": 1e6}
SCALES |= {"decade": 10, "decades": 10, "century": 100, "centuries": 100}
MONTHS = (
    "January February March April May June July August September October November December Jan Feb Mar Apr May Jun "
    "Jul Aug Sep Oct Nov Dec Sept"
).split()
JOINERS = {"both", "neither", "pair"}  # two of a thing that the cited text may list without a count
FREE = {0.0, 1.0}  # `one` and `first` are mostly no counts; as digits they are demanded


def pattern_of_dates() -> re.Pattern[str]:
    """Day before month, month before day, or month alone, each with or without a year; groups numbered 1 to 3."""

    def month(n: int) -> str:
        return rf"(?P<month{n}>{'|'.join(MONTHS)})\b\.?"

    def day(n: int) -> str:
        suffix = r"(?:st|nd|rd|th)?"
        until = rf"(?:\s*(?P<join{n}>-|–|,|to|and|or)\s*(?P<until{n}>\d{{1,2}}){suffix})?"
        return rf"(?P<day{n}>\d{{1,2}}){suffix}{until}"

    def year(n: int) -> str:
        return rf"(?:,?\s+(?:of\s+)?(?P<year{n}>1[0-9]\d\d|20\d\d)(?:[-–/](?P<end{n}>\d{{2,4}})\b)?)?"

    ways = rf"{day(1)}\s+{month(1)}{year(1)}", rf"{month(2)}\s+{day(2)}(?!\d){year(2)}", rf"{month(3)}{year(3)}"
    return re.compile(rf"(?<![\w.])(?:{'|'.join(ways)})")


DATE = pattern_of_dates()
RANGE = re.compile(r"(?<![\w.,])(1[0-9]\d\d|20\d\d)\s?[-–/]\s?(\d\d|\d{4})(?!\w)")
DIGITS = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
TOKEN = re.compile(rf"{DIGITS.pattern}|[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Date:
    """Day and year may be unknown; the month is 1 to 12."""

    day: int | None
    month: int
    year: int | None

    def within(self, other: "Date", years: set[int]) -> bool:
        """Whether each part of this date is that of the other, whose year, where it has none, is any of `years`."""
        if self.month != other.month or (self.day and self.day != other.day):
            return False
        return self.year is None or (self.year == other.year if other.year else self.year in years)


@dataclass(frozen=True, slots=True)
class Number:
    """A value and where it stands, characters; `word` where it was written in letters, `decade` of `1990s`."""

    value: float
    start: int
    end: int
    word: bool = False
    decade: bool = False


def month_number(name: str) -> int:
    """1 to 12."""
    return next(n for n, month in enumerate(MONTHS) if month[:3] == name[:3]) + 1


def dates_of(text: str) -> list[tuple[Date, int, int]]:
    """The dates with a month, and where each stands; `17-18 May` is two."""
    found = []
    for match in DATE.finditer(text):
        parts = {name.rstrip("123"): value for name, value in match.groupdict().items() if value}
        year = int(parts["year"]) if "year" in parts else None
        days: list[int | None] = [int(parts["day"]) if "day" in parts else None]
        if "until" in parts:
            first, last = int(parts["day"]), int(parts["until"])
            inside = parts["join"] in ("-", "–", "to") and first < last <= 31
            days = list(range(first, last + 1)) if inside else [first, last]
        found += [(Date(day, month_number(parts["month"]), year), match.start(), match.end()) for day in days]
    return found


def numbers_of(text: str) -> list[Number]:
    """All numbers outside of days, in reading order; the years of dates are among them."""
    plain = text
    for _, start, end in dates_of(text):
        kept = "".join(c if re.match(r"\d", c) else " " for c in text[start:end])
        kept = re.sub(r"\d+", lambda m: m[0] if len(m[0]) == 4 else " " * len(m[0]), kept)
        if not RANGE.search(text[start:end]):
            plain = plain[:start] + kept + plain[end:]
    return sorted(read(plain), key=lambda number: number.start)


def read(text: str) -> Iterator[Number]:
    """See `numbers_of`."""
    for match in RANGE.finditer(text):
        since = int(match[1])
        until = int(match[2]) if len(match[2]) == 4 else since // 100 * 100 + int(match[2])
        yield Number(since, match.start(1), match.end(1))
        yield Number(until, match.start(2), match.end(2))
    text = RANGE.sub(lambda match: " " * len(match[0]), text)
    tokens = list(TOKEN.finditer(text))
    at = 0
    while at < len(tokens):
        first, used = tokens[at], 1
        low = first[0].casefold()
        if first[0][0].isdigit():
            value = float(first[0].replace(",", ""))
            after = tokens[at + 1] if at + 1 < len(tokens) else None
            if after and after.start() == first.end() and after[0] == "s" and value >= 1000:
                yield Number(value, first.start(), after.end(), decade=True)
                at += 2
                continue
            scaled, used = scale(tokens, at + 1, value)
            yield Number(scaled, first.start(), tokens[at + used - 1].end())
        elif low in WORDS:
            value = float(WORDS[low])
            after = tokens[at + 1] if at + 1 < len(tokens) else None
            if value >= 20 and after and text[first.end() : after.start()] in ("-", " "):
                unit = WORDS.get(after[0].casefold(), 0)
                if 0 < unit < 10:
                    value, used = value + unit, 2
            scaled, more = scale(tokens, at + used, value)
            used += more - 1
            yield Number(scaled, first.start(), tokens[at + used - 1].end(), word=True)
        elif low in ("hundred", "thousand"):
            yield Number(SCALES[low], first.start(), first.end(), word=True)
        at += used


def scale(tokens: Sequence[re.Match[str]], at: int, value: float) -> tuple[float, int]:
    """The value times the scale words that follow it, and how many tokens that took, the number's own included."""
    used = 1
    while at < len(tokens) and tokens[at][0].casefold() in SCALES:
        value *= SCALES[tokens[at][0].casefold()]
        at, used = at + 1, used + 1
    return round(value, 6), used


def numbers_met(text: str, cited: str) -> bool:
    """Whether each number and date of the text is one of the cited text; `one` and `first` need not be."""
    there = numbers_of(cited)
    values = {number.value for number in there}
    days = dates_of(cited)
    years = {int(number.value) for number in there if 1000 <= number.value < 2100}
    for date, _, _ in dates_of(text):
        if not any(date.within(other, years) for other, _, _ in days):
            return False
    for number in numbers_of(text):
        if number.word and (number.value in FREE or text[number.start : number.end].casefold() in JOINERS):
            continue
        if number.decade and any(number.value <= year < number.value + 10 for year in years):
            continue
        if number.value not in values:
            return False
    return True


def swapped(text: str, cited: str) -> bool:
    """Whether two numbers of the text stand each among the words that stand beside the other one where it is cited."""
    said, there = surroundings(text), surroundings(cited)
    common = [value for value in said if value in there]
    for at, one in enumerate(common):
        for other in common[at + 1 :]:
            straight = alike(said[one], there[one]) + alike(said[other], there[other])
            crossed = alike(said[one], there[other]) + alike(said[other], there[one])
            if crossed > SWAP_FACTOR * straight + SWAP_MARGIN:
                return True
    return False


WINDOW = 4  # content words on either side of a number that are its surroundings
# How much better the crossed surroundings must fit: a wording turned round crosses a little.
SWAP_FACTOR, SWAP_MARGIN = 1.5, 0.5


def surroundings(text: str) -> dict[float, dict[str, float]]:
    """For each value that occurs once, the stems near it, signed by their side, each with 1 / its distance."""
    marks = [(each.start, each.end, each.value) for each in numbers_of(text)]
    marks += [(start, end, date.day + date.month / 100) for date, start, end in dates_of(text) if date.day]
    words: list[tuple[str, float | None]] = []
    at = 0
    for start, end, number in sorted(marks):
        words += [(stem, None) for stem in analyze(text[at:start])] if start > at else []
        words.append(("#", number))
        at = max(at, end)
    words += [(stem, None) for stem in analyze(text[at:])]
    found: dict[float, dict[str, float]] = {}
    values = [value for _, value in words if value is not None]
    for place, (_, value) in enumerate(words):
        if value is None or values.count(value) > 1:
            continue
        near: dict[str, float] = {}
        for step in range(-WINDOW, WINDOW + 1):
            if step and 0 <= place + step < len(words) and words[place + step][1] is None:
                stem = words[place + step][0]
                signed = f"{'-' if step < 0 else '+'}{stem}"
                near[signed] = max(near.get(signed, 0.0), 1 / abs(step))
        found[value] = near
    return found


def alike(one: dict[str, float], other: dict[str, float]) -> float:
    """How far two surroundings agree; a word on the other side counts for half."""
    total = 0.0
    for signed, weight in one.items():
        turned = ("+" if signed[0] == "-" else "-") + signed[1:]
        total += weight * max(other.get(signed, 0.0), other.get(turned, 0.0) / 2)
    return total
