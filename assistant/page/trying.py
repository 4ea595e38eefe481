"""A retrieval test: what other settings would find for a query beside what the live ones find. Nothing live changes:
the trial has a retriever of its own over the same index, and no language model is asked.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from assistant.answering import Assistant, checked
from assistant.reading import open_reader
from assistant.reranking import retriever_for
from assistant.settings import AssistantSettings
from assistant.types import Answer
from index.filters import Filters
from index.types import ScoredPassage

__all__ = ["KNOBS", "SHOWN", "Ranking", "Trial", "tried"]

KNOBS = ("dense_weight", "sentence_weight", "depth", "passages", "reader")  # the settings that can be tried
SHOWN = 50  # passages of a ranking at most
DEEP = 200  # live passages in which a passage of the trial is looked for
RUNS = 3  # of which the quickest counts, in turns: the first of all finds cold caches


@dataclass(frozen=True, slots=True)
class Ranking:
    """The best passages by some settings, best first; `ms` to find them; `answer` is the extractive writer's."""

    settings: AssistantSettings
    passages: tuple[ScoredPassage, ...]
    ms: float
    answer: Answer


@dataclass(frozen=True, slots=True)
class Trial:
    """Two rankings for one query within the same filters.

    `before` maps the key of a passage to its place in the live ranking, from 1, as far as that was looked at.
    """

    generation: str
    live: Ranking
    trial: Ranking
    before: Mapping[int, int]

    @property
    def changed(self) -> dict[str, object]:
        """The settings in which the trial differs from the live ones."""
        values = {name: getattr(self.trial.settings, name) for name in KNOBS}
        return {name: value for name, value in values.items() if value != getattr(self.live.settings, name)}

    def moved(self, key: int, place: int) -> int | None:
        """How many places up a passage of the trial has come, negative for down; None where it is new."""
        was = self.before.get(key)
        return None if was is None else was - place


def tried(live: Assistant, query: str, knobs: Mapping[str, object], filters: Filters) -> Trial:
    """The query under the live settings and under those with `knobs` in their place (None = as it is live).

    `QuestionError` for a query that cannot be asked, `SettingsError` for a value that a setting cannot have.
    """
    query = checked(query)
    given = {name: value for name, value in knobs.items() if value is not None}
    settings = AssistantSettings.load(**{**live.settings.model_dump(), **given})
    reader = live.reader or (open_reader(live.index.models) if settings.reader else None)
    pair = (
        Assistant(live.index, live.settings, live.retriever, reader=live.reader),
        Assistant(
            live.index, settings, retriever_for(live.index, settings), reader=reader if settings.reader else None
        ),
    )
    times = [[timed(each, query, filters) for each in pair] for _ in range(RUNS)]
    now, other = (
        Ranking(
            each.settings,
            each.search(query, min(each.settings.passages, SHOWN), filters),
            min(column),
            each.ask(query, filters=filters),
        )
        for each, column in zip(pair, zip(*times, strict=True), strict=True)
    )
    wide = live.search(query, DEEP, filters)
    before = {each.passage.key: place for place, each in enumerate(wide, 1)}
    return Trial(live.index.status().generation, now, other, before)


def timed(assistant: Assistant, query: str, filters: Filters) -> float:
    """Milliseconds of one search."""
    started = time.perf_counter()
    assistant.search(query, None, filters)
    return (time.perf_counter() - started) * 1000
