"""Whether a sentence denies what the cited text says, or says what that denies."""

import re
from dataclasses import dataclass

from assistant.places import canonical
from index.lexical import analyze

__all__ = ["negations_agree"]

# Words that deny what follows them.
STRICT = re.compile(
    r"\b(?:not(?! only| even)|cannot|no(?! more than)|never|none|neither|nor|nobody|nothing(?! but)|nowhere|without|"
    r"\w+n['’]t|fail(?:s|ed|ing)? to|refus(?:e|es|ed|ing) to|den(?:y|ies|ied)|reject(?:s|ed|ing)?)\b",
    re.I,
)
# Words that may stand for such a one where a sentence is put differently.
BROAD = re.compile(
    STRICT.pattern + r"|\b(?:fail\w*|refus\w*|hardly|scarcely|barely|rarely|seldom|little|few|less|lack\w*|missing|"
    r"absent|outside|rather than|instead of|far from|exclud\w*|forb[ia]d\w*|ban(?:s|ned)?|bar(?:s|red)?|prevent\w*|"
    r"avoid\w*|unable|impossible|unaware|ignorant|only|but|although|though|yet|however|except|beyond|against|oppos\w*|"
    r"disput\w*|disagree\w*|differ\w*|declin\w*|withdr\w*|wrong\w*|false\w*|misus\w*|stop\w*|end(?:ed)?|halt\w*|"
    r"left out|kept out|nowhere|nought|postpon\w*|abandon\w*|lost|broke|collapsed|collapse|secret\w*|condemn\w*|"
    r"kept (?:aside|away)|in vain|came to|quiet|silent|no longer|free|exempt\w*|ceas\w*|dissolv\w*|alone|"
    r"un[a-z]{4,}|in(?:capable|formal\w*|adequate|sufficient|complete|conclusive|dependent)|non-\w+|dis[a-z]{4,})\b",
    re.I,
)
# Words of a cited text that a negation can render; without any, a text that denies is not met.
RENDERED = re.compile(
    STRICT.pattern + r"|\b(?:fail\w*|refus\w*|hardly|scarcely|barely|rarely|seldom|lack\w*|missing|absent|outside|"
    r"rather than|instead of|far from|exclud\w*|forb[ia]d\w*|ban(?:s|ned)?|bar(?:s|red)?|prevent\w*|avoid\w*|unable|"
    r"impossible|unaware|ignorant|except|beyond|declin\w*|wrong\w*|false\w*|left out|kept out|fell through|abandon\w*|"
    r"in vain|quiet|silent|no longer|unless|until|un[a-z]{4,}|ceas\w*|stop\w*|suspend\w*)\b",
    re.I,
)
# Words that may deny what stands before them.
BACKWARD = re.compile(r"(?:lack(?:s|ed|ing)?|absent|missing|impossible|excluded|neither|never|failed to|not)", re.I)
AHEAD, BEHIND = 3, 5  # most stems between a negation and what it denies, where it stands before that, and after


@dataclass(frozen=True, slots=True)
class Marked:
    """The stems of a text in order; for each kind of negation, how many stems stand before each one."""

    stems: list[str]
    strict: list[int]
    ahead: list[int]
    behind: list[int]

    def denials(self, place: int) -> int:
        """How many negations may deny the stem at this place."""
        return sum(place - AHEAD <= at <= place for at in self.ahead) + sum(
            place < at <= place + BEHIND for at in self.behind
        )

    def denies_about(self, place: int) -> bool:
        """Whether there is any negation near this place, on either side."""
        return any(place - 2 * AHEAD <= at <= place + BEHIND for at in self.ahead)

    def beside(self, place: int) -> tuple[set[str], set[str]]:
        """The stem or two on either side of this place."""
        return set(self.stems[max(place - 2, 0) : place]), set(self.stems[place + 1 : place + 3])


def negations_agree(text: str, cited: str) -> bool:
    """Whether a text that denies cites one that may, and neither puts one negation more before words that both have."""
    if STRICT.search(text) and not RENDERED.search(cited):
        return False
    said, there = marked(text), marked(cited)
    return not added(said, there) and not added(there, said)


def added(one: Marked, other: Marked) -> bool:
    """Whether a negation of the one stands before words that the other has with fewer negations near."""
    for place in one.strict:
        if place >= len(one.stems):
            continue
        left, right = set(one.stems[max(place - 1, 0) : place]), set(one.stems[place + 1 : place + 2])
        for at in (at for at, stem in enumerate(other.stems) if stem == one.stems[place]):
            before, after = other.beside(at)
            sides = bool(left & before) + bool(right & after)
            # Word for word on both sides: as many negations. Else it was put differently, and any will do.
            if sides == 2 and other.denials(at) < one.denials(place):
                return True
            if sides == 1 and not other.denies_about(at):
                return True
    return False


def marked(text: str) -> Marked:
    """The text as its stems and negations."""
    found = Marked([], [], [], [])
    at = 0
    for match in BROAD.finditer(text):
        found.stems.extend(stems_of(text[at : match.start()]))
        found.ahead.append(len(found.stems))
        if STRICT.fullmatch(match[0]):
            found.strict.append(len(found.stems))
        if BACKWARD.fullmatch(match[0]):
            found.behind.append(len(found.stems))
        at = match.end() if STRICT.fullmatch(match[0]) else match.start()  # others also say something
    found.stems.extend(stems_of(text[at:]))
    return found


def stems_of(text: str) -> list[str]:
    """The stems in their order, the words for a country as one."""
    return [each for stem in analyze(text) for each in canonical([stem])[:1]]
