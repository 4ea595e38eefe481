"""False sentences made from true ones, a kind at a time: what a check of written sentences has to refuse."""

import hashlib
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.claim_names import names_of
from assistant.claim_numbers import numbers_of
from index.lexical import analyze
from index.types import Document

__all__ = ["KINDS", "Mutation", "Source", "is_held", "mutations_of", "sources_of"]

EACH = 120  # mutations of a kind over both halves
LENGTHS = range(8, 46)  # words of a sentence worth mutating
# Not persons: no article's actor is put in their place.
BODIES = re.compile(
    r"\b(Cent\w+|Group\w*|Dialogue|Institut\w+|Council|Foundation|University|Conference|Party|Front|Army|Movement|"
    r"Committee|Commission|Community|House|Nations|Union|Organi[sz]ation|Network|Programme|Forum|Government|Church|"
    r"Society|Association|Department|School|Project|Initiative|Trust|League|Office|States|Peace|Academy|Mission|"
    r"Resources|Alert|Ottawa|Korea|Egidio|Ground|Service|Women\w*|Quakers?|Friends|International|National|United)\b"
)
ALIKE = {"a": "а", "c": "с", "e": "е", "i": "і", "o": "ο", "p": "р", "x": "х", "A": "Α", "B": "В", "E": "Ε", "H": "Н"}
ALIKE |= {"K": "Κ", "M": "М", "O": "О", "P": "Ρ", "S": "Ѕ", "T": "Т", "s": "ѕ", "v": "ν", "y": "у", "d": "ԁ"}
# Letters whose lower or folded form is longer than they are.
LONGER = {"i": "İ", "I": "İ", "ss": "ß", "n": "ŉ", "j": "ǰ", "h": "ẖ", "t": "ẗ", "w": "ẘ", "y": "ẙ", "a": "ẚ"}
VERB = re.compile(r"\b(was|were|is|are|had|has|began|met|signed|said|took|gave|held|became|led|came|found|wrote)\b")
AUXILIARY = re.compile(
    r"\b(was|were|is|are|had|has|have|could|would|will|can|did|should|must)\b"
    r"(?= (?!only|both|no|not|never|neither|to|a\b|an\b)[a-z]{3,})"
)
SPOKEN = {"agreed to": "refused to", "managed to": "failed to", "accepted": "rejected", "with": "without"}


@dataclass(frozen=True, slots=True)
class Source:
    """A true sentence, the text it may cite, and its article; `text` is the quote itself or a rewording of it."""

    doc_id: str
    title: str
    text: str
    quote: str


@dataclass(frozen=True, slots=True)
class Mutation:
    """A false sentence of a kind, with what it cites: `quotes`, and the titles of their articles."""

    kind: str
    doc_id: str
    text: str
    quotes: tuple[str, ...]
    titles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Library:
    """What the mutations draw on: the texts by article, and the persons that their front matter names."""

    sources: tuple[Source, ...]
    texts: dict[str, str]
    persons: tuple[str, ...]


Maker = Callable[[Source, Library, random.Random], Mutation | None]


def is_held(doc_id: str) -> bool:
    """Whether an article is of the held half: the first digit of the SHA-256 of its id is 8 or above."""
    return hashlib.sha256(doc_id.encode()).hexdigest()[0] in "89abcdef"


def library_of(folder: Path) -> Library:
    """The articles of a folder."""
    from index.readers import scan

    documents = sorted((one.document for one in scan([folder]).readings), key=lambda document: document.doc_id)
    actors = {name for document in documents for name in document.metadata.get("actors", [])}
    persons = sorted(name for name in actors if 1 <= name.count(" ") <= 2 and not BODIES.search(name))
    texts = {document.doc_id: document.text for document in documents}
    return Library(tuple(sources_of(documents)), texts, tuple(persons))


def sources_of(documents: Sequence[Document]) -> Iterator[Source]:
    """The sentences of the articles that stand by themselves and are neither very short nor very long."""
    from assistant.evidence import dangling
    from index.sentences import sentence_spans

    for document in documents:
        for part in document.text.split("\n\n"):
            for span in sentence_spans(part, 0, len(part)):
                text = part[span.start : span.end]
                if len(text.split()) in LENGTHS and text.endswith(".") and not dangling(text):
                    yield Source(document.doc_id, document.title, text, text)


def mutations_of(
    folder: Path, each: int = EACH, seed: int = 0, sources: Sequence[Source] | None = None
) -> list[Mutation]:
    """`each` mutations of each kind, or as many as there are, half of them of held articles, in a fixed order.

    `sources` are mutated in place of the sentences of the articles in the folder, which persons are taken from.
    """
    library = library_of(folder)
    found: list[Mutation] = []
    for kind, make in KINDS.items():
        lots = random.Random(f"{seed} {kind}")
        order = list(sources or library.sources)
        lots.shuffle(order)
        wanted = {True: each // 2, False: each - each // 2}
        for source in order:
            half = is_held(source.doc_id)
            made = make(source, library, lots) if wanted[half] else None
            if made and made.text not in made.quotes:
                found.append(made)
                wanted[half] -= 1
    return found


def of_one(kind: str, source: Source, text: str) -> Mutation:
    """A mutation that cites the sentence it was made from."""
    return Mutation(kind, source.doc_id, text, (source.quote,), (source.title,))


def wrong_year(source: Source, library: Library, lots: random.Random) -> Mutation | None:
    """One year moved by 1 to 12, to one that the sentence has not."""
    years = list(re.finditer(r"(?<![\d–-])(?:1[89]|20)\d\d(?![\d–-])(?!s)", source.text))
    if not years:
        return None
    chosen = lots.choice(years)
    known = {number.value for number in numbers_of(f"{source.text} {source.quote}")}
    others = [n for n in range(int(chosen[0]) - 12, int(chosen[0]) + 13) if n not in known and n < 2027]
    text = source.text[: chosen.start()] + str(lots.choice(others)) + source.text[chosen.end() :]
    return of_one("wrong year", source, text)


def wrong_actor(source: Source, library: Library, lots: random.Random) -> Mutation | None:
    """A person, by full name or by the last part of it, made into one that this article does not have."""
    here = library.texts[source.doc_id]
    others = [name for name in library.persons if name.split()[-1] not in here]
    for person in lots.sample(library.persons, len(library.persons)):
        for whole in (True, False):
            name = person if whole else person.split()[-1]
            place = re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", source.text)
            if place and others and len(name) > 2:
                other = lots.choice(others) if whole else lots.choice(others).split()[-1]
                text = source.text[: place.start()] + other + source.text[place.end() :]
                return of_one("wrong actor", source, text)
    return None


def swapped_numbers(source: Source, library: Library, lots: random.Random) -> Mutation | None:
    """Two numbers, or two years, exchanged, where they are no mere list or range."""
    found = [
        match
        for match in re.finditer(r"(?<![\w.,–-])\d+(?:,\d{3})*(?:\.\d+)?(?![\w–-])(?!\s*(?:January|Febr))", source.text)
        if not re.match(r"\s+(?:[JFMASOND][a-z]+\b)", source.text[match.end() :]) or len(match[0]) == 4
    ]
    pairs = [
        (one, other)
        for at, one in enumerate(found)
        for other in found[at + 1 :]
        if one[0] != other[0]
        and (len(one[0]) == 4) == (len(other[0]) == 4)
        and len(analyze(source.text[one.end() : other.start()])) >= 2
        and source.text.count(one[0]) == source.text.count(other[0]) == 1
    ]
    if not pairs:
        return None
    one, other = lots.choice(pairs)
    between = source.text[one.end() : other.start()]
    text = source.text[: one.start()] + other[0] + between + one[0] + source.text[other.end() :]
    return of_one("swapped numbers", source, text)


def negated(source: Source, library: Library, lots: random.Random) -> Mutation | None:
    """`not` put in or taken out, or a verb made into its refusal."""
    text = source.text
    ways: list[str] = []
    for match in AUXILIARY.finditer(text):
        ways.append(f"{text[: match.end()]} not{text[match.end() :]}")
    for word in ("not ", "never "):
        for match in re.finditer(rf"(?<=\b(?:was|had|has|did|can) ){word}(?!only|just|merely|until)", text):
            ways.append(text[: match.start()] + text[match.end() :])
    for word, other in SPOKEN.items():
        if word != "with" and (place := re.search(rf"\b{word}\b", text)):
            ways.append(text[: place.start()] + other + text[place.end() :])
    return of_one("negated", source, lots.choice(ways)) if ways else None


def stitched(source: Source, library: Library, lots: random.Random) -> Mutation | None:
    """The subject of one sentence before the verb of another, of this article or another; one or both are cited."""
    cut = VERB.search(source.text)
    if not cut or not 2 <= len(source.text[: cut.start()].split()) <= 10 or "," in source.text[: cut.start()]:
        return None
    subject = set(analyze(source.text[: cut.start()]))
    near = lots.random() < 0.5
    for other in lots.sample(library.sources, len(library.sources)):
        place = VERB.search(other.text)
        if not place or (other.doc_id == source.doc_id) != near or is_held(other.doc_id) != is_held(source.doc_id):
            continue
        if not subject & set(analyze(other.text)) and len(analyze(other.text[place.start() :])) >= 4:
            text = source.text[: cut.start()] + other.text[place.start() :]
            cited = lots.choice(((source,), (other,), (source, other)))
            quotes, titles = tuple(each.quote for each in cited), tuple(each.title for each in cited)
            return Mutation("stitched", source.doc_id, text, quotes, titles)
    return None


def look_alike(source: Source, library: Library, lots: random.Random) -> Mutation | None:
    """One or two letters of a name as Cyrillic or Greek ones that look the same."""
    names = [name for name in names_of(source.text) if len(name) > 2 and any(c in ALIKE for c in name)]
    if not names:
        return None
    name = lots.choice(names)
    at = lots.choice([at for at, c in enumerate(name) if c in ALIKE])
    return of_one("look-alikes", source, source.text.replace(name, name[:at] + ALIKE[name[at]] + name[at + 1 :], 1))


def longer_letter(source: Source, library: Library, lots: random.Random) -> Mutation | None:
    """A letter of a name as one whose lower or folded form is longer, so that offsets shift."""
    names = [name for name in names_of(source.text) if any(c in name for c in LONGER)]
    if not names:
        return None
    name = lots.choice(names)
    letters = lots.choice([c for c in LONGER if c in name])
    return of_one("longer letters", source, source.text.replace(name, name.replace(letters, LONGER[letters], 1), 1))


KINDS: dict[str, Maker] = {
    "wrong year": wrong_year,
    "wrong actor": wrong_actor,
    "swapped numbers": swapped_numbers,
    "negated": negated,
    "stitched": stitched,
    "look-alikes": look_alike,
    "longer letters": longer_letter,
}
