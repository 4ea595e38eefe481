"""Follow-ups: a question that leans on an earlier one is completed with that one's subject before retrieval."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.abstention import NOT_NAMES
from assistant.types import Turn
from index.lexical import analyze

__all__ = ["leans", "own_words", "understand"]

FEW_STEMS = 2  # beside "the first round": "how long did it last"; "how do ideas leave the room for offices" has three

COURTESY = re.compile(
    r"(?:\b(?:thank(?:s| you)|cheers|hello|hi|hey|good (?:morning|afternoon|evening)|ok(?:ay)?|yes|no|sure|right|great|"
    r"good|fine|well|interesting|i see|please|very|so|much|a lot|that (?:helps|helped)|there|bye|goodbye)\b\W*)+",
    re.I,
)
OPENING = re.compile(
    r"(?:(?:thank(?:s| you)|ok(?:ay)?|yes|no|sure|right|great|well|i see|interesting|actually|sorry|wait|oh|"
    r"and|but|so|also|or|then)\b(?:\W+|$))+",
    re.I,
)
CONNECTS = re.compile(r"\b(?:and|but|so|also|or|then)\b", re.I)  # within an opening
ABOUT = re.compile(r"(?:what|how) about\b", re.I)
# What makes a question of a phrase: "in Geneva too?" has none of it.
ASKING = (
    r"(?:who|whom|whose|what|which|when|where|why|how|is|isn't|are|was|were|do|does|did|has|have|had|can|could|will|"
    r"would|should|tell|explain|describe|define|list|give|compare|summari[sz]e|show)\b"
)
ASKS = re.compile(rf"\b{ASKING}", re.I)
BEFORE = r"(?:(?:in|into|from|to|by|at|on|over|with|for|of) )?"
ASKED_WITH = re.compile(
    rf"{BEFORE}{ASKING}(?: (?:{ASKING}|many|much|long|often|far|me|about|there)\b)*\s*(?:(?:the|an?|any) )?", re.I
)
WHICH_NOUN = re.compile(rf"{BEFORE}(?:which|whose|how many|how much|what (?!{ASKING}))", re.I)
TOOK_PART = re.compile(r"\b(?:takes?|took|taken|taking) (?:part|place)\b", re.I)  # two words that say one thing
LAST_VERB = re.compile(r" (?:start|begin|end|meet|happen|work|fail)$")
PHRASE = re.compile(r"(?:in|into|from|to|by|at|on|with|for|of|since|until|before|after|the|only|not)\b", re.I)
DEFINES = re.compile(r"(?:(?:what|who)(?:'s| is| are| was| were)|define|explain|describe)\b", re.I)
# "how do ceasefires fail" asks of all of them, "how did the ceasefire fail" of one.
IN_GENERAL = re.compile(r"(?!.*\bthe\b).*\b(?:do|does|is|are|can|should)\b", re.I)
CORRECTS = re.compile(
    r"(?:(?:no|sorry|actually|wait|oh)\b\W+|i meant? |(?=not )(?!not only))+(?:not (?P<old>[^,]+), (?:but )?)?"
    r"(?:i meant? )?(?P<new>.+?)(?:,? not (?P<instead>.+?))?\W*$",
    re.I,
)

# Words that stand for something said before. "That" and "there" are so only in some places, since most are no pronouns.
STANDS_FOR = re.compile(
    r"\b(?:he|she|they|him|them|it|these|his|hers?|theirs?|its|(?:which|first|second|other|last|same|next) ones?|"
    r"the (?:others?|latter|former)|(?:both|either|neither) (?:sides?|of)|the other (?:side|party|team|group)|"
    r"(?:since|by|until|before) then)\b|\belse\b(?! (?:than|but|besides))|\b(?:then|too|as well|that|there)\W*$|"
    r"\bthose\b(?! (?:who|that|of|close|in|at|on|with|behind|against|involved|present|taking)\b)|"
    r"\b(?:after|before|of|about|from|with|like|than|all|was|did|do|does|why|besides|despite|for|by) that\b(?! of\b)|"
    r"\bthat (?:meeting|talks?|round|agreement|channel|year|time|day|point|group|visit)\b|"
    r"\bthis\b(?! (?:year|month|week|century)\b)|\bthere (?:too|also|then|first|again|as well|in \d{4})\b",
    re.I,
)
EMPTY_IT = re.compile(  # "is it true that", "how long did it take to", "was it Norway that hosted Oslo"
    r"\b[Ii]s(?:n't)? it (?:an? )?\w+ (?:that|to|for|if|when)\b|\bit (?:true|possible|legal|known|allowed)\b|"
    r"\bit (?:takes?|took|do|help|matter)\b(?= [^?]*\b(?:to|when|if)\b)|"
    r"\b(?:[Ii]s|[Ww]as) it (?=[A-Z][^?]* (?:that|who)\b[^?]* [A-Z])"
)
POSSESSIVE = re.compile(r"(?:his|her|its|their)\b", re.I)
AUXILIARY = re.compile(r"\b(?:do|does|did|can|should|may)\b", re.I)
CLAUSE = re.compile(
    r"[,;:.] |\b(?:and|but|or|when|while|because|although|though|that|who|which|what|where|why|how|if|once|before|"
    r"after|by the time)\b",
    re.I,
)

# Things that only an earlier question can tell apart, with the words that do not tell them apart either.
EVENT = (
    r"(?:talks?|meetings?|rounds?|sessions?|agreements?|accords?|ceasefire|truce|declaration|document|text|groups?|"
    r"teams?|sides?|part(?:y|ies)|members?|participants?|mediators?|facilitators?|organi[sz]ers?|hosts?|leaders?|"
    r"chair(?:man)?|envoys?|delegat(?:es?|ions?)|channel|dialogue|workshops?|conference|process|initiative|results?|"
    r"outcome|fund|costs?|plan|proposals?|visit|venue|room|governments?|press|war)\b"
)
GENERALLY = re.compile(
    rf"\bthe (?:(?:first|second|third|fourth|last|next|final|two|three|four|same|main|whole|actual|secret|official|"
    rf"private|later|earlier|formal|informal|\w+(?:[^t]ian|ican|ish|ese|eli)) )*{EVENT}",
    re.I,
)
NAME = re.compile(r"\b[A-Z](?:[\w’.-]*\w)?(?:'(?!s\b)\w+)?(?: [A-Z](?:[\w’.-]*\w)?(?:'(?!s\b)\w+)?)*")
NATIONAL = re.compile(r"\w+(?:[^t]ian|ican|ish|ese|eli|[ai]qi|stani)s?|Soviets?|French|Germans?|Greeks?|Dutch|Swiss")
UNNAMED = NOT_NAMES | frozenset("anything something nothing someone anyone everyone thanks ok okay yes maybe".split())
YEAR = re.compile(r"\b\d{4}\b")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a conversation is about: the last question that stood by itself, and names that later ones `added`."""

    question: str
    added: str = ""


def understand(question: str, history: Sequence[Turn]) -> str:
    """The question as it is searched for: itself, or with the subject of the conversation in parentheses.

    Only what the asker said is used. Earlier answers and passages never become evidence, and their names resolve
    nothing: with them one more of the 21 follow-ups of gold dev was contained, and four others no more. The follow-up
    stands first, so that a long earlier question cannot push it out of what the embedder reads.
    """
    question = " ".join(question.split())
    subject: Subject | None = None
    for turn in history:
        asked = " ".join(turn.content.split())
        if turn.role == "user" and asked and not COURTESY.fullmatch(asked):
            subject = follow(asked, subject)
    if subject is None or COURTESY.fullmatch(question):
        return question
    return complete(question, subject)


def follow(asked: str, subject: Subject | None) -> Subject:
    """The subject after one more question."""
    if subject is None or not leans(asked):
        return Subject(asked)
    if corrected := correct(asked, subject.question):
        return Subject(corrected)
    new = [
        name for name in names(without_opening(asked)) if name not in subject.question and not NATIONAL.fullmatch(name)
    ]
    return replace(subject, added=", ".join(new)) if new else subject


def complete(question: str, subject: Subject) -> str:
    """The question with what it leans on: a phrase with the whole earlier question, any other with its subject."""
    if question == subject.question or not leans(question):
        return question
    if corrected := correct(question, subject.question):
        return corrected
    asked = without_opening(question) or question
    phrase = is_phrase(asked) or not analyze(asked)
    whole = subject.question.rstrip("?!. ") if phrase else matter(subject.question)
    added = "" if phrase and names(asked) else subject.added
    return f"{asked[0].upper()}{asked[1:]} ({', '.join(filter(None, (added, whole)))})"


def leans(question: str) -> bool:
    """Whether a question needs an earlier one to be understood."""
    asked = without_opening(question)
    found = CORRECTS.match(question)
    if not asked or ABOUT.match(asked) or (found and is_phrase(found["new"])) or refers_back(asked):
        return True
    stems = set(analyze(TOOK_PART.sub("took", asked)))
    connected = bool(CONNECTS.search(question[: len(question) - len(asked)]))
    if is_phrase(asked):
        return connected or len(stems) <= 1 or bool(PHRASE.match(asked))
    if connected:
        return not stands(asked)
    if any(not NATIONAL.fullmatch(name) for name in names(asked)):
        return False
    if GENERALLY.search(asked):
        return len(set(analyze(GENERALLY.sub("", asked, count=1)))) <= FEW_STEMS
    return len(stems) <= (0 if DEFINES.match(asked) else 1)


def is_phrase(text: str) -> bool:
    """Whether nothing in it asks: "in Geneva too", "what about Geneva"."""
    return bool(ABOUT.match(text)) or not ASKS.search(text)


def refers_back(asked: str) -> bool:
    """Whether a word stands for something that the question itself does not say before it."""
    asked = EMPTY_IT.sub("", asked)
    return any(not said_before(asked[: found.start()], found[0]) for found in STANDS_FOR.finditer(asked))


def said_before(before: str, word: str) -> bool:
    """Whether a pronoun can mean something in the same question: a name or a noun in an earlier clause of it.

    Within one clause only a possessive can: "did Norway keep its word", but not "did Norway pay for it".
    """
    if POSSESSIVE.fullmatch(word):
        return bool(names(before)) or (len(set(analyze(before))) > 1 and bool(AUXILIARY.search(before)))
    if re.search(r"\ban? \w", before) and word in ("it", "they", "them"):
        return True
    ends = [found.start() for found in CLAUSE.finditer(before) if found.start()]
    return bool(ends) and (bool(names(before[: ends[-1]])) or len(set(analyze(before[: ends[-1]]))) > 1)


def stands(asked: str) -> bool:
    """Whether a question that opens with "and" or "so" has a subject of its own all the same."""
    if not (GENERALLY.search(asked) or names(asked)):
        least = 1 if DEFINES.match(asked) else 2
        return len(set(analyze(asked))) >= least and bool(IN_GENERAL.match(asked))
    own = [name for name in names(asked) if not NATIONAL.fullmatch(name)]
    placed = rf"\b(?:in|at|of|about|on|between) (?:the )?{{0}}\b|\b{{0}} {EVENT}"
    return any(" " in name or DEFINES.match(asked) or re.search(placed.format(re.escape(name)), asked) for name in own)


def correct(asked: str, earlier: str) -> str:
    """The earlier question with a name or year in place of the one it corrects, or "" where that is not clear."""
    found = CORRECTS.match(asked)
    if not found:
        return ""
    new = re.sub(r"^(?:in|at|the|of|on) ", "", found["new"])
    like = next((pattern for pattern in (YEAR, NAME) if pattern.fullmatch(new)), None)
    old = [each for each in (found["old"], found["instead"]) if each and each in earlier]
    if like and not old:
        old = names(earlier) if like is NAME else YEAR.findall(earlier)
    return re.sub(rf"\b{re.escape(old[0])}\b", lambda _: new, earlier) if like and len(old) == 1 else ""


def matter(question: str) -> str:
    """What a question is about: itself without its asking words, unless these hold a noun ("which types did")."""
    text = without_opening(question).rstrip("?!. ")
    if WHICH_NOUN.match(text):
        return text
    found = ASKED_WITH.match(text)
    return LAST_VERB.sub("", text[found.end() :] if found else text) or text


def names(text: str) -> list[str]:
    """Runs of capitalised words, but for opening words that are no names."""
    found = []
    for run in NAME.findall(text):
        words = run.split()
        while words and words[0].casefold() in UNNAMED:
            del words[0]
        found += [" ".join(words)] if words else []
    return list(dict.fromkeys(found))


def without_opening(question: str) -> str:
    """A question without its "and", "ok, but" or "thanks, so"."""
    found = OPENING.match(question)
    return question[found.end() :] if found else question


def own_words(question: str, understood: str) -> str:
    """What of an understood question was said just now, whose words sentences are to be ranked by.

    The subject has done its part once the passages are found: its words are in most of their sentences.
    """
    own = without_opening(" ".join(question.split()))
    return own if own.casefold() in understood.casefold() and analyze(own) else understood
