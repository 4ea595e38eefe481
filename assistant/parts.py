"""The parts of a question that asks two things, or one thing of two: each is searched for, and answered, by itself."""

import re
from collections.abc import Iterator

from assistant.conversation import understand
from assistant.types import Turn
from index.lexical import analyze

__all__ = ["as_asked", "parts_of"]

MOST = 4  # parts; a question with more is a list, and is searched for as one
BEFORE = r"(?:(?:by|from|to|with|in|at|on|of|for|since|until) )?"
WHAT = r"(?:who|whom|whose|what|which|when|where|why|how)"
WAS = r"(?:was|were|is|are|did|do|does|had|has|have|can|could|should|would|will)"
# "..., and when did it end?", "... and what for the UN in Libya?"
ALSO = re.compile(rf"[,;:]? (?:and|or|but) (?={BEFORE}{WHAT}\b|{WAS} \w)", re.I)
# "..., as against the Yemenis", "..., compared with the Oslo talks"
AGAINST = re.compile(r",? (?:compared (?:with|to)|as against|as opposed to|in contrast (?:with|to)|unlike) ", re.I)
# What stands before the question itself: "I'm writing about Asian waters. Who ...?"
STATEMENT = re.compile(r"(?:[^?]*?[^.?!:A-Z][.:] )+(?=[A-Z])")
ITEM = r"(?:the )?(?:\d{4}|[A-Z][\w'’-]*(?:[ -](?:(?:of|the|de|del|on|for) )?[A-Z][\w'’-]*)*)"
WITH = r"(?P<{0}>from|in|to|for|of|with|between|about|at|on|by) "
LISTED = re.compile(
    rf"(?:{WITH.format('one')})?(?P<first>{ITEM})(?P<more>(?:, {ITEM})*),? (?:and|or) "
    rf"(?:{WITH.format('other')})?(?P<last>{ITEM})"
)
SUBJECT = re.compile(r" \([^()]*\)$")  # what a part was completed with
# A list of names is taken apart only where something says that each is asked about.
EACH = re.compile(r"\b(?:differ\w*|compar\w+|each|respectively|alike|in common|contrast\w*)\b", re.I)


def parts_of(question: str) -> tuple[str, ...]:
    """Two to four questions that each stand by themselves, or none where the question asks but one thing.

    A part that leans on the one before is completed with its subject, as a follow-up is.
    """
    found = tuple(dict.fromkeys(by_clause(question) or by_item(question)))
    return found if 1 < len(found) <= MOST else ()


def as_asked(part: str) -> str:
    """A part as the asker put it, without the subject that it was completed with, and with a question mark."""
    return f"{SUBJECT.sub('', part).rstrip('?!. ')}?"


def by_clause(question: str) -> list[str]:
    """Cut where another question begins, or another thing is set against the first."""
    stated = STATEMENT.match(question)
    before = stated[0] if stated else ""
    first, *others = ALSO.split(question[len(before) :])
    follows = [f"and {each}" for each in others]
    if not others:
        first, *others = AGAINST.split(first)
        follows = [f"what about {each}" for each in others]
    follows = [each for each in follows if analyze(each)]  # "and when?" asks of the same thing: the same sentence tells
    if not follows or len(first.split()) <= 1:  # "when and where was it founded?" is one question
        return []
    asked = f"{before}{first.rstrip('?!.,;: ')}?"
    return [asked, *completed(asked, follows)]


def completed(asked: str, follows: list[str]) -> Iterator[str]:
    """Each of the others as a question of its own."""
    for each in follows:
        whole = understand(each, [Turn("user", asked)])
        whole = re.sub(r"^and ", "", whole, flags=re.I)
        yield whole[0].upper() + whole[1:]


def by_item(question: str) -> list[str]:
    """One question for each of the names or years that are listed, where each is asked about."""
    found = LISTED.search(question)
    if not found or not (EACH.search(question) or (found["one"] and found["other"])):
        return []
    opening = f"{found['one']} " if found["one"] else ""
    items = [found["first"], *filter(None, found["more"].split(", ")), found["last"]]
    return [f"{question[: found.start()]}{opening}{item}{question[found.end() :]}" for item in items]
