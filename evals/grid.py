"""The grid of a sweep: every combination of the values given for some settings, all of them read before the first."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.settings import AssistantSettings
from evals.errors import EvalsError
from evals.retrieval import ASIDE, configured
from index.errors import SettingsError
from index.settings import IndexSettings

__all__ = ["Cell", "Grid", "read_grid", "settings_of"]

MOST = 500  # points of a grid: at a second each, what one waits for; more is rather a slip of the keyboard
EXAMPLE = "python app.py eval sweep gold --config dense_weight=0.5,0.7 --config passage_tokens=96,224"


@dataclass(frozen=True, slots=True)
class Cell:
    """The settings of one point, and of these the values that were given for the sweep, by name."""

    values: Mapping[str, Any]
    indexing: IndexSettings
    retrieval: AssistantSettings

    @property
    def label(self) -> str:
        """The values as they would be given."""
        return " ".join(f"{name}={value}" for name, value in self.values.items())


@dataclass(frozen=True, slots=True)
class Grid:
    """Every combination, the first setting changing slowest; `swept` are the names that have more than one value.

    `reference` is the place of the cell that has the current settings in all of `swept`, else 0.
    """

    swept: tuple[str, ...]
    cells: tuple[Cell, ...]
    reference: int


def read_grid(config: Sequence[str], home: Path | None = None) -> Grid:
    """The grid of `NAME=VALUE,VALUE...`, every value read; `SettingsError` or `EvalsError` for what makes none."""
    values: dict[str, list[str]] = {}
    for pair in config:
        name, equals, listed = (part.strip() for part in pair.partition("="))
        if not equals or not known(name):
            configured([pair])  # says what is wrong with it
        if name in ASIDE:
            raise EvalsError(f"The setting {name} changes no figure. Sweep others: {EXAMPLE}")
        if name in values:
            raise SettingsError(
                f"The setting {name} is given twice ({','.join(values[name])!r} and {listed!r}). "
                f"Give all its values at once: --config {name}={','.join(values[name])},{listed}"
            )
        values[name] = [value.strip() for value in listed.split(",")]
    count = math.prod(map(len, values.values()))
    if count > MOST:
        raise EvalsError(f"These values make {count:,} points, and {MOST} is the most. Give fewer values")
    for name, given in values.items():
        check(name, given)
    if count < 2:
        raise EvalsError(f"A sweep has two points or more, and this has {count * bool(values)}. Give values: {EXAMPLE}")
    pairs = [[f"{name}={value}" for value in given] for name, given in values.items()]
    cells = tuple(cell(combination, tuple(values), home) for combination in itertools.product(*pairs))
    swept = tuple(name for name, given in values.items() if len(given) > 1)
    now = cell((), swept, home).values
    places = (at for at, each in enumerate(cells) if all(each.values[name] == now[name] for name in swept))
    return Grid(swept, cells, next(places, 0))


def check(name: str, given: Sequence[str]) -> None:
    """`SettingsError` where a value is missing, cannot be read, or is there twice."""
    seen: dict[Any, str] = {}
    for value in given:
        if not value:
            raise SettingsError(f"The setting {name} has an empty value. Give values with commas between: {EXAMPLE}")
        read = cell([f"{name}={value}"], [name]).values[name]
        if read in seen:
            raise SettingsError(f"The setting {name} has the value {value} twice (as {seen[read]}). Leave one out")
        seen[read] = value


def known(name: str) -> bool:
    """Whether there is such a setting."""
    return name in IndexSettings.model_fields or name in AssistantSettings.model_fields


def cell(pairs: Sequence[str], names: Sequence[str], home: Path | None = None) -> Cell:
    """The cell of these `NAME=VALUE`, with the values of `names`."""
    indexing, retrieval, _ = configured(pairs, home)
    every = settings_of(indexing, retrieval)
    return Cell({name: every[name] for name in names}, indexing, retrieval)


def settings_of(indexing: IndexSettings, retrieval: AssistantSettings) -> dict[str, Any]:
    """Every setting that may decide a figure, as JSON has it, secrets as asterisks."""
    return indexing.model_dump(mode="json", exclude=ASIDE) | retrieval.model_dump(mode="json")
