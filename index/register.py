"""The home's register: under which id an article was first indexed, whatever its file is called now, and which
articles are withdrawn. It outlives every generation, and each carries a copy.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from index.errors import DamagedIndexError
from index.generation import replace as replace_file

__all__ = ["REGISTER", "Register", "read_register", "write_register"]

REGISTER = "register.json"
FORMAT = 1
PARTS = ("first", "withdrawn", "merged")


@dataclass(frozen=True, slots=True)
class Register:
    """`first` maps the id that a path gives to the id of its article, where that is another; `withdrawn` maps the ids
    of articles that are not to be indexed to the dates on which that was said; `merged` maps the id of an article that
    is the same as another to that one's.
    """

    first: Mapping[str, str] = field(default_factory=dict)
    withdrawn: Mapping[str, str] = field(default_factory=dict)
    merged: Mapping[str, str] = field(default_factory=dict)

    def id_of(self, derived: str) -> str:
        """The article's id for the one that its path gives."""
        return self.first.get(derived, derived)

    def with_found(self, renamed: Mapping[str, str], merged: Mapping[str, str]) -> "Register":
        """With more renamed paths, and these articles that are the same as others."""
        return replace(self, first={**self.first, **renamed}, merged=merged)

    def with_withdrawn(self, found: Mapping[str, str]) -> "Register":
        """With more withdrawals."""
        return replace(self, withdrawn={**self.withdrawn, **found})

    def restored(self, doc_ids: list[str]) -> "Register":
        """Without the withdrawals of these ids."""
        return replace(self, withdrawn={name: day for name, day in self.withdrawn.items() if name not in doc_ids})

    def to_json(self) -> dict[str, Any]:
        """As the file has it."""
        return {"format": FORMAT, **{name: dict(getattr(self, name)) for name in PARTS}}


def read_register(home: Path, manifest: Mapping[str, Any] | None = None) -> Register:
    """The register of a home; where the file is missing, the copy in the live generation's manifest, if there is one.

    `DamagedIndexError` where the file cannot be read: an empty one in its place would bring withdrawn articles back.
    """
    path = home / REGISTER
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        entry = (manifest or {}).get("register") or Register().to_json()
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(path) from error
    if (
        not isinstance(entry, dict)
        or entry.get("format") != FORMAT
        or not all(named(entry.get(name)) for name in PARTS)
    ):
        raise damaged(path)
    return Register(*(entry[name] for name in PARTS))


def named(values: Any) -> bool:
    """Whether it maps strings to strings."""
    return isinstance(values, dict) and all(isinstance(value, str) for value in values.values())


def damaged(path: Path) -> DamagedIndexError:
    """The error for a register that cannot be trusted."""
    return DamagedIndexError(
        f"The register {path} cannot be read: it holds which articles are withdrawn. Put a copy back, or move it away: "
        f"the live generation has one, which is then used. The index is unchanged"
    )


def write_register(home: Path, register: Register) -> None:
    """Writes the file whole or not at all."""
    home.mkdir(parents=True, exist_ok=True)
    replace_file(home / REGISTER, json.dumps(register.to_json(), ensure_ascii=False, indent=1) + "\n")
