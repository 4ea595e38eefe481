"""Which sentences answer: those of the best passages, by their meaning, the question's words and their passage."""

import functools
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from assistant.instructions import void
from assistant.places import canonical, words_of
from assistant.retrieval import Retrieved
from index.embedding import Vectors
from index.lexical import analyze
from index.protocol import Index
from index.types import Passage, Sentence

__all__ = ["Evidence", "dangling", "find_evidence", "inside", "share", "subject_weights", "weights"]

MEANING, WORDS, PLACE = 0.6, 0.25, 0.15  # weights of cosine, question words covered, and the passage's own score
FEWEST_WORDS, MOST_WORDS = 5, 70  # shorter is a fragment, longer is not for reading
UNFIT = 0.6  # factor for a sentence outside those lengths, or one that is itself a question
DANGLING = 0.93  # factor for a sentence that needs the one before it
IN_TITLE = 0.5  # share of a question word's weight that the title of the article covers, against the sentence itself
# Words that point back to a sentence the reader has not seen, where they open one.
POINTS_BACK = re.compile(
    r"(he|she|they|it|this|these|those|that|such|his|her|their|its|both|neither|the latter|the former|there|then|but|"
    r"however|moreover|thus|therefore|instead|also|another|others|nor|yet|so|consequently|similarly|nevertheless)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence with its score, at least 0 (higher is better), its cosine with the question, vector and passage.

    `covers` holds the question's stems that the sentence (or its article's title, for half) has, each with its share of
    the question's weight; the shares of a sentence sum to 1 at most. `stems` are all of the sentence itself. `answers`
    is the reader's logit that the sentence answers, higher is better, None where it was not read.
    """

    sentence: Sentence
    score: float
    cosine: float
    vector: Vectors
    passage: Passage
    covers: Mapping[str, float] = field(default_factory=dict)
    stems: frozenset[str] = frozenset()
    answers: float | None = None


def dangling(text: str) -> bool:
    """Whether a sentence opens with a word that points back."""
    return bool(POINTS_BACK.match(text.lstrip("\"'“‘([")))


# Verbs and the like that carry a question but not its subject; an article need not repeat them.
LIGHT = (
    "use used using get make made help many much say said tell mean means happen work thing way ways kind role "
    "play take took give gave want need exactly really actually"
)


@functools.cache
def light_stems() -> frozenset[str]:
    """The stems of `LIGHT`."""
    return frozenset(analyze(LIGHT))


def weights(index: Index, question: str) -> dict[str, float]:
    """The question's stems by rarity, light words aside unless there are no others."""
    rarity = index.rarity(question)
    return {stem: weight for stem, weight in rarity.items() if stem not in light_stems()} or rarity


def subject_weights(index: Index, question: str) -> dict[str, float]:
    """`weights` with the words for one country as one: the highest of theirs."""
    found: dict[str, float] = {}
    for stem, weight in weights(index, question).items():
        for name in canonical([stem]):
            found[name] = max(found.get(name, 0.0), weight)
    return found


def find_evidence(index: Index, question: str, retrieved: Retrieved) -> list[Evidence]:
    """The sentences of the best passages, best first, ties in reading order; orders and questions are left out."""
    scored = retrieved.passages
    if not scored:
        return []
    rarity = subject_weights(index, question)
    top = max(each.score for each in scored) or 1.0
    places: dict[int, tuple[Passage, float]] = {}
    near = index.sentences(retrieved.vector, [each.passage.key for each in scored])
    found = [one for one in near if not void(one.sentence.text)]
    for each in reversed(scored):
        for one in found:
            if inside(one.sentence, each.passage):
                places[one.sentence.key] = (each.passage, each.score / top)
    evidence = []
    heads: dict[tuple[str, str], tuple[frozenset[str], frozenset[str]]] = {}
    for one in found:
        passage, place = places[one.sentence.key]
        text = one.sentence.text
        stems = frozenset(words_of(text))
        headed = passage.title, passage.heading
        if headed not in heads:
            heads[headed] = frozenset(words_of(passage.title)), frozenset(words_of(passage.heading))
        title, heading = heads[headed]
        words = share(rarity, stems), share(rarity, stems | title | heading)
        score = MEANING * max(one.cosine, 0.0) + WORDS * sum(words) / 2 + PLACE * place
        covers = covered(rarity, stems, title)
        score *= fitness(text)
        evidence.append(Evidence(one.sentence, score, one.cosine, one.vector, passage, covers, stems))
    return sorted(evidence, key=lambda e: (-e.score, e.sentence.key))


def inside(sentence: Sentence, passage: Passage) -> bool:
    """Whether the passage holds the whole sentence."""
    whole = passage.start <= sentence.start and sentence.end <= passage.end
    return whole and sentence.doc_id == passage.doc_id


def share(rarity: Mapping[str, float], stems: Set[str]) -> float:
    """The share of the question's stems, weighted by rarity, that are among `stems`; in [0, 1]."""
    total = sum(rarity.values())
    return sum(weight for stem, weight in rarity.items() if stem in stems) / total if total else 0.0


def covered(rarity: Mapping[str, float], said: Set[str], titled: Set[str]) -> dict[str, float]:
    """See `Evidence.covers`."""
    total = sum(rarity.values())
    return {
        stem: weight / total * (1.0 if stem in said else IN_TITLE)
        for stem, weight in rarity.items()
        if stem in said or stem in titled
    }


def fitness(text: str) -> float:
    """A factor in (0, 1] for how well a sentence can stand in an answer by itself."""
    words = len(text.split())
    factor = 1.0 if FEWEST_WORDS <= words <= MOST_WORDS and not text.endswith("?") else UNFIT
    return factor * (DANGLING if dangling(text) else 1.0)
