"""What short answer a question asks for: when, who, where or how many, and of what."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from index.lexical import STOP_WORDS, analyze

__all__ = ["Asked", "Kind", "asks_time", "focused", "kind_of", "read"]

Kind = Literal["when", "who", "where", "number"]

# A question word counts where one of these, or nothing, stands before it: "people who ..." asks for nobody.
BEFORE = frozenset("and or but so by with from for to of in at on since until then about".split())
ASKS: tuple[tuple[Kind, str], ...] = (
    ("when", r"when|(?:what|which) (?:years?|dates?|months?|day|decades?|century|centuries)"),
    ("number", r"how (?:many|much|long|often|old|large|big|far|high|tall)|what percent(?:age)?"),
    ("who", r"who|whom|whose|(?:what|which) (?:person|people)"),
    ("where", r"where|(?:what|which) (?:city|cities|country|countries|place|places|town|towns|capital)"),
)
QUESTION_WORD = re.compile(
    rf"\b(?:{'|'.join(f'(?P<{kind}>{words})' for kind, words in ASKS)}|what|which|why|how)\b", re.I
)
AUXILIARIES = frozenset("did do does was were is are has had have will would can could might may must should".split())
AUXILIARY = re.compile(rf"\s+(?:and|{'|'.join(AUXILIARIES)}|exactly|in)\b", re.I)
LONG = re.compile(r"\bhow (?:long|much time)\b", re.I)
MONEY = re.compile(r"\b(?:cost|costs|pay|paid|spend|spent|money|fund|funding|worth|price|budget|dollars)\b", re.I)

SECOND = re.compile(r"[?]|,? and (?=(?:who|whom|when|where|what|which|how|by whom|over how)\b)")
SEVERAL = re.compile(r"(?:\w+ )?(?:the )?(?:two|three|four)\b")
OTHERS = 0.4  # what is left of the weight of words outside the clause that asks


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question asks: who `does` something, or what `defines` someone; whether for `several`, or for a `country`.

    `counted` are the stems of what is to be counted, `before` the preposition before the question word, `timed` and
    `money` what it is to be measured in.
    """

    kind: Kind
    does: bool = False
    several: bool = False
    counted: tuple[str, ...] = ()
    before: str = ""
    timed: bool = False
    money: bool = False
    country: bool = False
    defines: bool = False


def kind_of(question: str) -> Kind | None:
    """What the first question word of a main clause asks for; None for what, which, why, how, and no question word."""
    found = first_word(question)
    return found[0] if found else None


def first_word(question: str) -> tuple[Kind, re.Match[str]] | None:
    """The kind with the question word it comes from."""
    for found in QUESTION_WORD.finditer(question):
        before = re.findall(r"[\w'’]+|[^\w\s]", question[: found.start()])[-1:]
        kind = next((name for name, words in found.groupdict().items() if words), None)
        if kind == "number":
            return "number", found
        if before and before[0].isalnum() and before[0].casefold() not in BEFORE:
            continue
        if kind == "when" and not AUXILIARY.match(question, found.end()) and found[0].casefold() == "when":
            continue  # "When they met, what ...?" tells when
        return (kind, found) if kind else None  # type: ignore[return-value]
    return None


def asks_time(question: str) -> bool:
    """Whether a length of time is asked for."""
    return bool(LONG.search(question))


def read(question: str, kind: Kind) -> Asked:
    """The question taken apart, as far as its words tell."""
    word = first_word(question)
    if not word:
        return Asked(kind, timed=asks_time(question))
    found = word[1]
    after = re.findall(r"[\w'’-]+", question[found.end() :].split("?")[0])
    before = re.findall(r"[\w'’]+", question[: found.start()])[-1:]
    lead = after[0].casefold() if after else ""
    plural = found[0].casefold().endswith(("people", "ies", "towns", "places"))
    return Asked(
        kind,
        does=kind == "who" and lead not in AUXILIARIES,
        several=plural or lead in ("were", "are") or bool(SEVERAL.match(" ".join(after[:3]))),
        counted=tuple(counted(after)) if kind == "number" else (),
        before=before[0].casefold() if before else "",
        timed=asks_time(question),
        country="countr" in found[0].casefold(),
        defines=kind == "who" and lead in ("is", "are", "was", "were") and len(after) <= 7,
        money=bool(re.match(r"how much", found[0], re.I) and MONEY.search(question)),
    )


def counted(after: list[str]) -> list[str]:
    """The stems of up to four words after "how many", until the verb."""
    stems: list[str] = []
    for word in after:
        if word.casefold() in AUXILIARIES or (word.casefold() in STOP_WORDS and stems):
            break
        stems += analyze(word)
    return stems[:4]


def focused(question: str, rarity: Mapping[str, float]) -> dict[str, float]:
    """The weights, less of those outside the clause that asks; what stands in parentheses is the subject and counts."""
    found = first_word(question)
    if not found:
        return dict(rarity)
    start, end = found[1].span()
    start = max((each.end() for each in re.finditer(r"[.?!:]\s", question[:start])), default=0)
    rest = SECOND.search(question, end)
    clause = question[start : rest.start() if rest else len(question)]
    inside = set(analyze(" ".join([clause, *re.findall(r"\(.*?\)", question)])))
    if not inside & rarity.keys():
        return dict(rarity)
    return {stem: weight * (1.0 if stem in inside else OTHERS) for stem, weight in rarity.items()}
