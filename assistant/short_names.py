"""What names, lists of them, noun phrases and places look like in a sentence."""

import re
from collections.abc import Iterator

from assistant.short_numbers import DATE, MONTH
from index.lexical import STOP_WORDS

__all__ = ["COUNTRIES", "NAME", "PAIR", "people", "places"]

CAPITAL = "A-ZÀ-ÖØ-ÞĀĆČĐĒĞĪŁŌŘŚŞŠŪŹŻŽİ"
PART = rf"(?:[{CAPITAL}](?:\.[{CAPITAL}])*\.(?= ?[{CAPITAL}])|[{CAPITAL}][\w'’-]*)"
LINK = r"(?:(?:of|the|de|del|al|bin|ibn|van|von|for|du|la|le|y|e)[ -]){0,2}"
ONE = rf"{PART}(?: {LINK}{PART}| (?:and|&) (?={PART} (?:of|Studies|Affairs|Research|Security)){PART})*"
NAME = re.compile(rf"\b{ONE}")
NAMES = re.compile(rf"\b{ONE}(?:(?:, (?:the )?{ONE})+,? and (?:the )?{ONE}| and(?:, [^,.;]{{1,30}},)? (?:the )?{ONE})")
PAIR = re.compile(rf"{ONE} and (?:the )?{ONE}")

# Words that open a sentence with a capital, but are no names; an adverb or participle shows by its ending.
OPENERS = frozenset(f"{MONTH}|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday".split("|")) | frozenset(
    word.capitalize()
    for word in STOP_WORDS
    | set(
        "soon behind despite under following early late later two three four five six seven eight nine ten one many "
        "much most several currently today yet although though since however instead even still never often also "
        "like unlike among within without whether another every either neither because among along beside besides "
        "upon via per according given meanwhile nevertheless therefore thus hence moreover otherwise perhaps rather "
        "such next last first second third finally originally prior due less least around outside inside near except "
        "some around across throughout towards toward amid whereas once twice people".split()
    )
)
ENDINGS = ("ly", "ing")
# Words that end a noun phrase: function words, and verbs that the endings do not show.
VERBS = frozenset(
    "led began became made took held said met came gave wrote ran won found told put set saw went brought sent kept "
    "lost paid built left grew knew thought spoke chose drew fell rose got let lent bought taught meant spent stood "
    "may might must shall whose says runs has gives holds takes makes wants calls helps leads gets believes".split()
)
DETERMINER = r"(?:the|an?|his|her|its|their|some|many|most|all|only|several|two|three|both|other)"
BARE = r"by|in|at|near|from|inside|within|along|throughout"  # a noun may follow these without an article
PHRASE = re.compile(rf"\b(?:(?i:{DETERMINER})|{ONE}['’]s?|{BARE})(?= )")
PLACED = re.compile(
    r"\b(?:in|at|near|from|outside|to|inside|within|along|across|around|through|into|on|under|visited|namely|between) "
    rf"(?=(?:the |an? |other )?[{CAPITAL}a-z])"
)
# What is done in one of these is done nowhere.
NOWHERE = frozenset(
    "secret private public fact general particular full addition order turn part time person detail practice principle "
    "common return response effect advance total end meantime future past present".split()
)
COUNTRIES = frozenset(
    "Afghanistan Albania Algeria Angola Argentina Armenia Australia Austria Azerbaijan Bahrain Bangladesh Belarus "
    "Belgium Benin Bhutan Bolivia Botswana Brazil Britain Bulgaria Burundi Cambodia Cameroon Canada Chad Chile China "
    "Colombia Croatia Cuba Cyprus Denmark Ecuador Egypt Eritrea Estonia Ethiopia Fiji Finland France Gabon Gambia "
    "Georgia Germany Ghana Greece Guatemala Guinea Guyana Haiti Honduras Hungary Iceland India Indonesia Iran Iraq "
    "Ireland Israel Italy Jamaica Japan Jordan Kazakhstan Kenya Kosovo Kuwait Kyrgyzstan Laos Latvia Lebanon Lesotho "
    "Liberia Libya Lithuania Luxembourg Madagascar Malawi Malaysia Mali Malta Mauritania Mauritius Mexico Moldova "
    "Mongolia Montenegro Morocco Mozambique Myanmar Namibia Nepal Netherlands Nicaragua Niger Nigeria Norway Oman "
    "Pakistan Panama Paraguay Peru Philippines Poland Portugal Qatar Romania Russia Rwanda Senegal Serbia Singapore "
    "Slovakia Slovenia Somalia Spain Sudan Sweden Switzerland Syria Taiwan Tajikistan Tanzania Thailand Togo Tunisia "
    "Turkey Turkmenistan Uganda Ukraine Uruguay Uzbekistan Venezuela Vietnam Yemen Zambia Zimbabwe".split()
) | frozenset(
    "United States|United Kingdom|Soviet Union|South Africa|South Korea|North Korea|South Sudan|Saudi Arabia|Sri Lanka|"
    "New Zealand|Costa Rica|El Salvador|Czech Republic|Ivory Coast|Sierra Leone|Burkina Faso|"
    "United Arab Emirates".split("|")
)


def names(sentence: str) -> Iterator[tuple[int, int]]:
    """Names, and lists of names; what opens a sentence is one only where it is no common word."""
    for pattern in (NAME, NAMES):
        for found in pattern.finditer(sentence):
            start, end = found.span()
            while (first := sentence[start:end].split(" ")[0]) in OPENERS or (
                start == 0 and first.endswith(ENDINGS) and first == first.capitalize()
            ):
                start += len(first) + 1
                while re.match(r"[a-z]+ ", sentence[start:end]):  # "Under the Treaty": the link is no part of it
                    start += sentence[start:end].index(" ") + 1
                if start >= end:
                    break
            if start < end and not DATE.fullmatch(sentence[start:end]):
                yield start, end


def phrases(sentence: str) -> Iterator[tuple[int, int]]:
    """Noun phrases as far as words alone tell: from an article or the like to a function word or verb."""
    for found in PHRASE.finditer(sentence):
        bare = re.fullmatch(BARE, found[0])
        start = found.end() + 1 if bare else found.start()
        end, words = found.end(), 0
        for word in re.finditer(r" ([\w'’-]+)", sentence[found.end() :]):
            low = word[1].casefold()
            stop = low in STOP_WORDS or low in VERBS or (low.endswith("ed") and words) or words == 4
            if found.end() + word.start() != end or (stop and not (words == 0 and low in DETERMINER)):
                break
            end, words = found.end() + word.end(), words + 1
        if words:
            yield start, end
            if more := re.match(rf" of (?:the )?(?:{ONE}(?: [a-z]+)?|[a-z]+)", sentence[end:]):
                yield start, end + more.end()
            if more := re.match(r" (?:that|who) [^,;.()]{1,60}(?=[,;.]|$)", sentence[end:]):
                yield start, end + more.end()


def people(sentence: str) -> Iterator[tuple[int, int]]:
    """Names and noun phrases."""
    yield from names(sentence)
    yield from phrases(sentence)


def places(sentence: str) -> Iterator[tuple[int, int]]:
    """Names, and noun phrases after a preposition of place."""
    yield from names(sentence)
    found = list(PLACED.finditer(sentence))
    for start, end in phrases(sentence):
        if any(each.end() == start for each in found) and sentence[start:end].removeprefix("the ") not in NOWHERE:
            yield start, end
