"""What speaks for and against a candidate for a short answer: where it stands, and what stands beside it."""

import re

from assistant.short_candidates import Candidate
from assistant.short_names import COUNTRIES
from assistant.short_questions import AUXILIARIES, Asked
from index.lexical import STOP_WORDS, analyze

__all__ = ["features"]

THING = re.compile(
    r"\b(?:University|Committee|Council|War|Act|Treaty|River|Accord|Agreement|Conference|Church|Party|Bowl|Game|Prize|"
    r"Dialogue|Declaration|Market|Theatre|Street|College|House|Park|Islands?|Sea|Republic|Empire|Union)\b"
)
HUMAN = re.compile(  # nouns of people, and of what acts as they do
    r"\b(?:heads?|chiefs?|presidents?|office|ministry|government|people|men|women|man|woman|king|queen|students?|"
    r"[a-z]{2,}(?:ers?|ors?|ists?|ians?|ants?|mats?|ees?))\b"
)
DEMONYM = re.compile(r"\w+(?:ian|ean|can|ish|ese|ch|ic|al|man|ss)$")
NOT_VERBS = STOP_WORDS | {"near", "within", "among", "without", "across", "along", "towards"}
TELLING = frozenset("since from until for to after before by with".split())  # prepositions that an answer repeats


def features(asked: Asked, one: Candidate) -> dict[str, float]:
    """By name, each in [0, 1]: those of every kind, and those of the kind asked for."""
    of_kind = {"when": of_date, "number": of_number, "who": of_person, "where": of_place}[asked.kind]
    before = one.before.casefold()
    flags = {
        "paren": one.ahead.endswith("("),
        "same_before": before == asked.before and before in TELLING,
        "according": one.ahead.casefold().rstrip().endswith(("according to", "according to the")),
        "asked_name": not one.several
        and any(one.at.weights[i] > 0 and one.at.words[i][0].isupper() for i in range(one.first, one.last + 1)),
        **of_kind(asked, one),
    }
    return {
        **closeness(one),
        "words": min(one.last - one.first + 1, 3) / 3,
        **{name: 1.0 for name, value in flags.items() if value},
    }


def closeness(one: Candidate) -> dict[str, float]:
    """Shares of the question's weight: in the sentence at all, near in words, and in the same clause."""
    covers = near = clause = 0.0
    for i, weight in enumerate(one.at.weights):
        covers += weight
        if not weight or one.first <= i <= one.last:
            continue
        left, right = sorted((one.at.starts[i], one.span.start))
        parted = sum(left < place < right and not one.span.start <= place < one.span.end for place in one.at.breaks)
        near += weight / (1 + max(one.first - i, i - one.last) / 4)
        clause += weight * 0.5**parted
    total = one.at.total
    return {"covers": min(1.0, covers / total), "near": near / total, "clause": clause / total}


def of_date(_: Asked, one: Candidate) -> dict[str, bool]:
    """The 1915 bids: before a noun a year says when of something else."""
    return {"noun_next": one.after.islower() and one.after.casefold() not in STOP_WORDS}


def of_number(asked: Asked, one: Candidate) -> dict[str, bool]:
    """Whether what is to be counted, or its unit, stands beside the number."""
    counted, own = set(asked.counted), one.stems(one.first, one.last + 1)
    return {
        "counted": bool(counted & (own | one.stems(one.last + 1, one.last + 4))),
        "counted_next": bool(counted & (own | set(analyze(one.after)))),
        "counted_before": bool(counted & one.stems(one.first - 3, one.first)),
        "small": one.said.casefold() in ("one", "two", "once", "1", "2"),
        "one": one.said.casefold() == "one",
        "money": asked.money and bool(re.search(r"[$€£]|dollar|euro|pound", one.said)),
        "noun_next": bool(one.after) and one.after.casefold() not in STOP_WORDS,
    }


def of_person(asked: Asked, one: Candidate) -> dict[str, bool]:
    """Whether it looks like one who does things, and stands where the doer stands."""
    after, before, single = one.after, one.before, one.first == one.last
    verb = bool(after) and (after in AUXILIARIES or (after.islower() and after not in NOT_VERBS))
    name = one.said[0].isupper() and not THING.search(one.said)
    person = name and one.capitals > 1 and one.last - one.first < 4
    next_asked = one.asked(one.last + 1, one.last + 3)
    return {
        "by": before == "by",
        "by_asked": before == "by" and one.asked(one.first - 4, one.first),
        "verb_next": verb and asked.does,
        "asked_next": next_asked and asked.does,
        "asked_verb_next": next_asked and not asked.does and after not in STOP_WORDS,
        "defines": asked.defines
        and one.ahead.endswith(", ")
        and one.asked(one.first - 2, one.first)
        and after not in ("that", "who"),
        "title_before": one.said[0].isupper() and before.islower() and before not in STOP_WORDS,
        "relative": after in ("who", "whose") or one.at.text.startswith(", who", one.span.end),
        "person": person,
        "human": not person and bool(HUMAN.search(one.said)),
        "thing": bool(THING.search(one.said)),
        "country": all(each in COUNTRIES for each in one.listed),
        "asked_surname": person and one.asked(one.last, one.last + 1),
        "common": not one.capitals,
        "adjective": single and after.islower() and bool(DEMONYM.match(one.said)),
        "name_next": after[:1].isupper(),
        "several": one.several and asked.several,
        "single": not one.several and asked.several,
    }


def of_place(asked: Asked, one: Candidate) -> dict[str, bool]:
    """Whether it looks like a place, and follows a preposition of one."""
    place = re.search(r"(\w+) (?:the )?$", one.ahead)
    before = place[1].casefold() if place else ""
    return {
        "in": before in ("in", "at"),
        "toward": before in ("near", "from", "to", "into", "outside", "within", "inside", "along"),
        "of": before in ("of", "by", "with", "for", "and"),
        "name": one.said[0].isupper(),
        "common": not one.capitals,
        "thing": bool(THING.search(one.said)),
        "country": asked.country and any(each in COUNTRIES for each in one.listed),
        "country_not_asked": not asked.country and one.listed[0] in COUNTRIES,
        "verb_next": one.after.islower() and one.after not in NOT_VERBS,
        "adjective": one.first == one.last and one.after.islower() and bool(DEMONYM.match(one.said)),
        "several": one.several and asked.several,
        "single": not one.several and asked.several,
        "several_not_asked": one.several and not asked.several,
    }
