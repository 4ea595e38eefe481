"""The live generation and the one that `index apply` would publish, side by side; the home stays as it is."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evals.errors import EvalsError
from evals.retrieval import SHARED
from index.building import apply
from index.planning import Plan
from index.progress import Progress, silent
from index.searching import LocalIndex, status_of
from index.settings import IndexSettings

__all__ = ["Both", "both"]

# What decides a plan beside the sources: those remembered, and the renamed and the withdrawn articles.
DECISIVE = ("sources.json", "register.json")


@dataclass(frozen=True, slots=True)
class Both:
    """The live index, and the planned one: the same where nothing would change. `warning` is of the home, or empty."""

    live: LocalIndex
    planned: LocalIndex
    plan: Plan
    warning: str


@contextmanager
def both(
    settings: IndexSettings, sources: Sequence[Path], add: bool = False, progress: Progress = silent
) -> Iterator[Both]:
    """Both, open for as long as the `with` lasts.

    They are opened, and the planned one is built, in a temporary home that has the live generation too: so it is
    planned against that as `apply` does it. Models and vectors are shared. `yes` is said to every removal.
    """
    status, warning = status_of(settings)
    with tempfile.TemporaryDirectory(prefix="backchannel-", ignore_cleanup_errors=True) as folder:
        aside = Path(folder)
        try:
            furnish(aside, settings.home.absolute(), status.generation)
        except OSError as error:
            raise EvalsError(
                f"No home for the planned index can be made in {aside.parent}: {error.strerror}. "
                f"Name a folder with room: TMPDIR=FOLDER python app.py eval regress"
            ) from error
        there = settings.model_copy(update={"home": aside})
        # The embedder that it was made with: another one may be what is planned.
        live = LocalIndex.open(there.model_copy(update={"embedder": status.embedder}))
        applied = apply(there, sources, add=add, progress=progress, yes=True)
        yield Both(live, LocalIndex.open(there) if applied.published else live, applied.plan, warning)


def furnish(aside: Path, home: Path, generation: str) -> None:
    """Makes of `aside` a home whose next `apply` does what that of `home` would."""
    for name in SHARED:
        (home / name).mkdir(exist_ok=True)
        (aside / name).symlink_to(home / name)
    # A file for each file: tantivy writes a lock into each folder that it opens, and a link is no file of a generation.
    shutil.copytree(home / "generations" / generation, aside / "generations" / generation, copy_function=twin)
    (aside / "current").write_text(f"{generation}\n", encoding="utf-8")
    for file in DECISIVE:
        if (home / file).exists():
            shutil.copyfile(home / file, aside / file)


def twin(old: str, new: str) -> None:
    """A second name for a file or, on another disk, a copy of it."""
    try:
        os.link(old, new)
    except OSError:
        shutil.copyfile(old, new)
