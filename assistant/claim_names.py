"""The names of a sentence, and letters that only look like those of the cited text."""

import re
import unicodedata
from collections.abc import Iterator

from assistant.claim_numbers import MONTHS, WORDS
from assistant.places import canonical
from index.lexical import STOP_WORDS, analyze

__all__ = ["fold", "letters_met", "names_met", "names_of"]

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
# Letters that no decomposition takes apart.
PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "’": "'"})
# More ways to write a country than assistant.places has, which knows single words.
COUNTRIES = (
    (re.compile(r"\b(the )?United States( of America)?\b|\bU\.S\.(A\.)?|\bUSA?\b"), " America "),
    (re.compile(r"\b(the )?United Kingdom\b|\bU\.K\.|\bUK\b"), " Britain "),
    (re.compile(r"\bUnited Nations\b|\bU\.N\."), " UN "),
    (re.compile(r"\bEuropean Union\b|\bE\.U\."), " EU "),
)
# Capitalised by habit, and no names.
COMMON = set(MONTHS) | set("Monday Tuesday Wednesday Thursday Friday Saturday Sunday I Mr Mrs Ms Dr".split())
TITLES = set("president prime minister ambassador senator foreign secretary general professor pope king queen".split())
# What follows a name that opens a sentence, and seldom another noun in the plural or an adjective.
AFTER_NAME = set(
    "was is had has did does and of met told said gave took wrote led held went came saw made put began left sent knew "
    "won ran found would could will can never not then also became brought spoke kept says holds calls argues".split()
)
# Words that open a sentence and are not among STOP_WORDS.
OPENERS = set(
    "since although though whether according despite unlike like even many several every another among within upon "
    "without neither either nor yet thus hence meanwhile later earlier today now still often one two three some much "
    "instead rather whereas unless except besides beyond behind beside along around across near toward towards per via "
    "its it he she they we you i his her their our my your there here that this these those what who however moreover "
    "therefore nevertheless finally first second third last next both each all any no not never just perhaps".split()
)
ENDINGS = re.compile(r"(s|ing|ed|ly|ion|ment|ance|ence|ity|ness|cy|ure|al|ful|ous|ive|able|ible|one|body|ship|ism)$")


def fold(text: str) -> str:
    """Compatibility forms, case and accents taken away; not for offsets, which it shifts."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold().translate(PLAIN))
    return "".join(c for c in apart if not unicodedata.combining(c))


def names_of(text: str) -> Iterator[str]:
    """The capitalised words without their possessive; a word that opens a sentence only where it is likely a name."""
    words = list(WORD.finditer(text))
    for at, match in enumerate(words):
        word = re.sub(r"['’]s$|['’]$", "", match[0])
        if not any(c.isupper() for c in word) or word in COMMON or word.casefold() in WORDS:
            continue
        before = text[: match.start()].rstrip("\"'“‘([ ")
        if not before or before[-1] in ".!?:;" and not re.search(r"\b[A-Z]\.$", before):
            following = words[at + 1] if at + 1 < len(words) else None
            if word.casefold() in STOP_WORDS | OPENERS or not opens_with_name(word, match, following, text):
                continue
        if word.casefold() not in TITLES and word.casefold() not in STOP_WORDS:
            yield word


def opens_with_name(word: str, match: re.Match[str], following: re.Match[str] | None, text: str) -> bool:
    """Whether the first word of a sentence is a name, as far as the word after it tells."""
    if word[1:].casefold() != word[1:] or match[0] != word:
        return True
    if following is None:
        return False
    if text[match.end()] == "-" or (following[0][0].isupper() and text[match.end() : following.start()] == " "):
        return not re.search(r"(ing|ly)$", word)
    # `finds the`, `takes as`: a verb, where `Secret talks began` has none.
    verb = re.match(
        r"[a-z]{2,}[^s\W]s (?:an?|the|that|how|as|his|her|it|him|what|why|whether)\b", text[following.start() :]
    )
    singular = following[0] in ("was", "is", "has", "does") or verb
    common = ENDINGS.search(word[:-1] if singular and word.endswith("s") else word)
    follows = singular or following[0] in AFTER_NAME or following[0].endswith("ed")
    aside = re.match(r"\s(?:for|on) (?:his|her) part|, (?:who|an?|the)\b|['’]s", text[match.start() + len(word) :])
    return bool(follows or aside) and not common


def names_met(text: str, cited: str) -> bool:
    """Whether each name of the text is in the cited text, in any case, with or without accents, or its country is."""
    for pattern, name in COUNTRIES:
        text, cited = pattern.sub(name, text), pattern.sub(name, cited)
    folded = fold(cited)
    words = {re.sub(r"'s$", "", word) for word in WORD.findall(folded)}
    stems = set(canonical(analyze(folded)))
    initials = initials_of(cited)
    for name in names_of(text):
        plain = fold(name)
        if plain in words or plain in initials:
            continue
        own = analyze(plain)
        if own and set(canonical(own)) <= stems:
            continue
        if len(name) == 1 and any(word.startswith(plain) for word in words):
            continue
        return False
    return True


def initials_of(text: str) -> set[str]:
    """The first letters of each row of two or more capitalised words: what an abbreviation of it would be."""
    found = set()
    for row in re.findall(r"(?:\b[A-Z][\w'’]*(?:[ -](?:of|for|and|the|in|on) |[ -]))+[A-Z][\w'’]*", text):
        letters = [word[0] for word in re.split(r"[ -]", row) if word[0].isupper()]
        found |= {
            "".join(letters[start:end]).casefold()
            for start in range(len(letters))
            for end in range(start + 2, len(letters) + 1)
        }
    return found


def letters_met(text: str, cited: str) -> bool:
    """Whether the text has no letter beyond ASCII that the cited text lacks.

    An accent in a word without capitals is let pass (`café`), unless its case forms differ in length. So Cyrillic `а`
    for Latin `a`, `İ` for `I`, and characters that nobody sees are refused, in names and elsewhere.
    """
    for match in re.finditer(r"\S+", text):
        word = match[0]
        small = word == word.lower()
        for c in word:
            if ord(c) < 128 or c in cited:
                continue
            category = unicodedata.category(c)
            if category == "Cf" or category[0] == "M":
                return False
            if not category.startswith("L"):
                continue
            apart = unicodedata.normalize("NFD", c)
            plain = ord(apart[0]) < 128 and len(c.casefold()) == len(c.upper()) == 1
            if not (small and plain):
                return False
    return True
