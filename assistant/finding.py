"""`find(assistant, words) -> Finding`: passages with why each was found, and how many articles have each value."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from assistant.answering import Assistant, checked
from assistant.counting import by_decade, counted
from assistant.evidence import inside
from assistant.excerpts import Piece, excerpt, marked
from index.embedding import Vectors
from index.filters import EVERYTHING, FACETS, Filters
from index.summaries import Facts
from index.types import Passage, ScoredPassage, Span

__all__ = ["LISTED", "DEPTH", "Finding", "FoundPassage", "Order", "Why", "find", "in_order"]

DEPTH = 200  # passages looked at, of which the articles are counted
LISTED = 50  # best of them that are shown
# From here on a passage counts as near in meaning. Measured with the questions of our 88 articles: the cosine of a
# question with passages of its own article is above it in 95 of 100, with those of other articles in 10 of 100.
NEAR = 0.32

Why = Literal["meaning", "words", "both"]
Order = Literal["relevance", "earliest", "latest"]


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage, why it was found, its place by relevance, from 1, and the years of its article, None = not known.

    `best` is the sentence of it that is nearest in meaning, as a span of the passage's text.
    """

    rank: int
    scored: ScoredPassage
    why: Why
    since: int | None
    until: int | None
    best: Span | None = None

    @property
    def passage(self) -> Passage:
        """The passage itself."""
        return self.scored.passage


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found for `searched`, which is `typed` but for misspelt words; best first.

    `counts` holds for each facet, and for `decades` by their first years, in how many articles a value was found: those
    found with all filters but the facet's own, since values of one facet are alternatives.
    `stems` are the words looked for with their weights.
    """

    typed: str
    searched: str
    filters: Filters
    generation: str
    found: tuple[FoundPassage, ...]
    counts: Mapping[str, Mapping[str, int]]
    decades: Mapping[int, int]
    stems: Mapping[str, float]

    @property
    def articles(self) -> int:
        """How many articles they stand in."""
        return len({each.passage.doc_id for each in self.found})

    def excerpt(self, each: FoundPassage) -> list[Piece]:
        """A few lines of a passage."""
        return excerpt(each.passage.text, self.stems, each.best)

    def marked(self, text: str) -> list[Piece]:
        """A whole text, a title for one."""
        return marked(text, self.stems)


class Search:
    """One search over one assistant: the facts of its articles are read once."""

    def __init__(self, assistant: Assistant, searched: str) -> None:
        self.assistant = assistant
        self.searched = searched
        self.known: dict[str, Facts] = {}
        self.vector: Vectors | None = None

    def facts(self, doc_ids: Iterable[str]) -> dict[str, Facts]:
        """Facets and years of articles, each once, in the order given."""
        wanted = list(dict.fromkeys(doc_ids))
        if new := [each for each in wanted if each not in self.known]:
            self.known |= self.assistant.index.facts(new)
        return {each: self.known[each] for each in wanted}

    def found(self, filters: Filters) -> list[FoundPassage]:
        """The passages that have a reason to be found, best first."""
        retrieved = self.assistant.retriever.retrieve(self.searched, DEPTH, filters)
        self.vector = retrieved.vector
        reasons = [(each, why(each)) for each in retrieved.passages]
        kept = [(each, reason) for each, reason in reasons if reason]
        facts = self.facts(each.passage.doc_id for each, _ in kept)
        found = []
        for rank, (each, reason) in enumerate(kept, start=1):
            known = facts[each.passage.doc_id]
            found.append(FoundPassage(rank, each, reason, known.since, known.until))
        return found

    def articles(self, found: Iterable[FoundPassage]) -> list[Facts]:
        """The articles of passages, each once."""
        return list(self.facts(each.passage.doc_id for each in found).values())

    def without(self, found: Sequence[FoundPassage], filters: Filters, *names: str) -> list[Facts]:
        """The articles found with all filters but those of these names."""
        if not any(getattr(filters, name) for name in names):
            return self.articles(found)
        return self.articles(self.found(replace(filters, **{name: getattr(EVERYTHING, name) for name in names})))

    def with_sentences(self, found: Sequence[FoundPassage]) -> list[FoundPassage]:
        """The same passages with the sentence of each that is nearest in meaning."""
        assert self.vector is not None
        keys = [each.passage.key for each in found]
        scored = self.assistant.index.sentences(self.vector, keys) if keys else []
        made = []
        for each in found:
            passage = each.passage
            held = [s for s in scored if inside(s.sentence, passage)]
            best = max(held, key=lambda s: s.cosine, default=None)
            if best is not None:
                each = replace(each, best=Span(best.sentence.start - passage.start, best.sentence.end - passage.start))
            made.append(each)
        return made


def find(assistant: Assistant, words: str, filters: Filters = EVERYTHING) -> Finding:
    """The passages for some words; `QuestionError` where they cannot be searched for, `FilterError` for a filter."""
    typed = checked(words)
    searched = assistant.index.respell(typed)
    search = Search(assistant, searched)
    found = search.found(filters)
    best = search.with_sentences(found[:LISTED])
    status = assistant.index.status()
    return Finding(
        typed,
        searched,
        filters,
        status.generation,
        (*best, *found[LISTED:]),
        {facet: counted(search.without(found, filters, facet), facet) for facet in FACETS},
        by_decade(search.without(found, filters, "since", "until"), int(status.published_at[:4])),
        assistant.index.rarity(searched),
    )


def why(each: ScoredPassage) -> Why | None:
    """Why a passage was found: it has words of the search, it is near in meaning, or both; None where it is neither."""
    words, meaning = each.lexical > 0, each.dense >= NEAR
    if words and meaning:
        return "both"
    return "words" if words else "meaning" if meaning else None


def in_order(found: Sequence[FoundPassage], order: str) -> list[FoundPassage]:
    """The passages by an `Order`, of equal years the more relevant first, articles without a period last.

    By relevance where the order is none of these.
    """
    if order not in get_args(Order) or order == "relevance":
        return sorted(found, key=lambda each: each.rank)
    sign = 1 if order == "earliest" else -1

    def key(each: FoundPassage) -> tuple[bool, int, int, int]:
        first, last = each.since or 0, each.until or 0
        years = (first, last) if order == "earliest" else (last, first)
        return each.since is None, sign * years[0], sign * years[1], each.rank

    return sorted(found, key=key)
