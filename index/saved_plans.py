"""A plan in a file: what a maintainer has read and agreed to, so that `apply` does that and nothing else."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.errors import SourceError
from index.generation import replace
from index.planning import Plan

__all__ = ["SavedPlan", "load_plan", "save_plan"]

FORMAT = 1
LISTS = ("added", "changed", "removed", "withdrawn")


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """What identifies a plan: its sources, the generation that it was compared with, and what it would make."""

    path: Path
    sources: tuple[Path, ...]
    live: str
    content: str

    def check(self, plan: Plan) -> None:
        """`SourceError` where a plan made now is not this one."""
        live = plan.live.name if plan.live else ""
        if live != self.live:
            raise SourceError(
                f"The plan {self.path} was made for generation {self.live or '(none)'}, and {live or 'none'} is live "
                f"now. {AGAIN.format(self.path)}"
            )
        if plan.content != self.content:
            raise SourceError(f"The sources have moved since the plan {self.path} was made. {AGAIN.format(self.path)}")


AGAIN = "Make and read a new one: python app.py index plan --save {}. The index is unchanged"


def save_plan(path: Path, plan: Plan) -> None:
    """Writes the plan; the lists are for people."""
    entry: dict[str, Any] = {
        "format": FORMAT,
        "sources": [str(source) for source in plan.sources],
        "live": plan.live.name if plan.live else "",
        "content": plan.content,
        **{name: list(getattr(plan, name)) for name in LISTS},
    }
    try:
        replace(path, json.dumps(entry, ensure_ascii=False, indent=1) + "\n")
    except OSError as error:
        raise SourceError(f"The plan {path} cannot be written: {error.strerror}. Name a file that can be") from error


def load_plan(path: Path) -> SavedPlan:
    """The plan of a file; `SourceError` where it is none."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        if entry["format"] != FORMAT:
            raise ValueError
        return SavedPlan(path, tuple(map(Path, entry["sources"])), str(entry["live"]), str(entry["content"]))
    except OSError as error:
        raise SourceError(f"The plan {path} cannot be read: {error.strerror}. {AGAIN.format(path)}") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise SourceError(f"{path} is no plan of this program. {AGAIN.format(path)}") from error
