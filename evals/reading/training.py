"""Trains the reader on our questions, measures it on those of held documents, and writes its two files."""

import datetime
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from assistant.reading import ADAPTER, RANK
from evals.confidence import auroc
from evals.reading.groups import QUESTIONS, groups_of, read_written
from index.embedding import PACKAGED, Embedder
from index.embedding.models import model_folder
from index.embedding.pair_training import Group, Recipe, scores_of, train_adapter
from index.progress import Progress, silent

__all__ = ["ABOUT", "measured", "train_reader", "write_about"]

ABOUT = ADAPTER.with_suffix(".json")


def train_reader(
    shared: Path,
    embedder: Embedder,
    recipe: Recipe = Recipe(rank=RANK),  # noqa: B008 - frozen
    questions: Path = QUESTIONS,
    most: int | None = None,
    progress: Progress = silent,
) -> tuple[Any, dict[str, Any]]:
    """The trained network, and what `reader.json` says of it; `most` trains on the first so many groups only."""
    encoder = model_folder(PACKAGED)
    assert encoder is not None
    train, held = groups_of(read_written(questions), shared, embedder, recipe.seed, progress)
    train, held = train[:most], held[:most]
    network = train_adapter(train, encoder, recipe, progress)
    about = {
        "on": f"{len(train)} questions; {len(held)} of other documents were held back to measure",
        "recipe": asdict(recipe),
        "held": measured(held, scores_of(network, held, encoder)),
        "when": datetime.date.today().isoformat(),
    }
    return network, about


def measured(groups: Sequence[Group], scores: Sequence[Sequence[float]]) -> dict[str, dict[str, float]]:
    """By type of question: mean reciprocal rank of the first sentence that answers, and AUROC of its best score against
    those of the near misses; nothing for a type that has none.
    """
    best = [max(each) for each in scores]
    near = [top for top, group in zip(best, groups, strict=True) if not right(group)]
    found = {}
    for name in sorted({group.type for group in groups if right(group)}):
        mine = [place for place, group in enumerate(groups) if group.type == name and right(group)]
        tops = [best[place] for place in mine]
        found[name] = {
            "questions": len(mine),
            "RR": round(fmean(reciprocal_rank(groups[place], scores[place]) for place in mine), 3),
            "AUROC": round(auroc(np.array(tops + near), np.arange(len(tops) + len(near)) < len(tops)), 3),
        }
    return found


def right(group: Group) -> bool:
    """Whether one of a group's sentences answers."""
    return any(each.answers for each in group.candidates)


def reciprocal_rank(group: Group, scores: Sequence[float]) -> float:
    """1 / the rank of the first sentence that answers."""
    order = sorted(range(len(scores)), key=lambda place: -scores[place])
    return 1 / (1 + next(rank for rank, place in enumerate(order) if group.candidates[place].answers))


def write_about(about: dict[str, Any], path: Path = ABOUT) -> None:
    """Writes `reader.json`."""
    path.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
