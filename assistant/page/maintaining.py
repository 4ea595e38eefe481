"""What the maintainer's view does: look again, look what would change, compare generations, try settings.

Nothing here changes the index or what is served: publishing is reviewed on the command line.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from assistant.living import LiveAssistant
from assistant.page.escaping import safe_markdown
from assistant.page.maintaining_feedback import feedback_shown, reports_shown
from assistant.page.maintaining_index import difference_shown, generations, plan_shown, status_shown
from assistant.page.maintaining_trial import trial_shown
from assistant.page.report_frame import reports
from assistant.page.tables import notice
from assistant.page.trying import KNOBS, tried
from index.building import plan_for
from index.errors import BackchannelError
from index.filters import Filters
from index.settings import IndexSettings
from index.upkeep import difference, history

__all__ = ["LOOKING", "Maintaining"]

LOOKING = "Reading the sources, as python app.py index plan does…"
FAULT = "Something went wrong here, and the reason is in the server's log"
LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Maintaining:
    """The view's callbacks; each reads what is live, and what lies in the home, at that moment."""

    live: LiveAssistant

    @property
    def home(self) -> Path:
        """The folder of the index, the feedback and the reports."""
        return self.live.current().index.models.parent

    def look(self, kind: str) -> tuple[Any, ...]:
        """(status, history, earlier generation, later generation, feedback, reports) as they are now."""
        home = self.home
        entries = history(home)
        names = [each.name for each in entries]
        newest, earlier = names[0] if names else None, names[1] if len(names) > 1 else None
        return (
            told(lambda: status_shown(self.live.current().index, home)),
            told(lambda: generations(entries, home)),
            *(gr.update(choices=names, value=name) for name in (earlier, newest)),
            self.feedback(kind),
            told(lambda: reports_shown(reports(home), home)),
        )

    def feedback(self, kind: str) -> str:
        """The newest votes of a kind."""
        return told(lambda: feedback_shown(self.home, kind))

    def plan(self) -> Iterator[str]:
        """What `apply` would do with the remembered sources; nothing is written."""
        yield safe_markdown(f'<div class="plan"><p class="line">{LOOKING}</p></div>')
        yield told(lambda: plan_shown(*plan_for(IndexSettings.load(home=self.home)), self.home))

    def differences(self, before: str | None, after: str | None) -> str:
        """The articles in which two generations differ; nothing where they are one."""
        if not before or not after or before == after:
            return safe_markdown('<div><p class="quiet">Choose two generations to compare.</p></div>')
        return told(lambda: difference_shown(before, after, difference(self.home, before, after)))

    def values(self) -> tuple[Any, ...]:
        """The live settings, in the order of `KNOBS`."""
        settings = self.live.current().settings
        return tuple(getattr(settings, name) for name in KNOBS)

    def back(self) -> tuple[Any, ...]:
        """The live settings, and no filters: the period, and three facets."""
        return (*self.values(), "", [], [], [])

    def compare(self, query: str | None, *given: Any) -> str:
        """The query by the live settings and by `given`: the knobs, the period, three facets."""
        if not (query or "").strip():
            return safe_markdown('<div><p class="quiet">Type a question or a few words, then compare.</p></div>')
        knobs = dict(zip(KNOBS, given, strict=False))
        period, *facets = given[len(KNOBS) :]
        return told(lambda: self.trial(str(query), knobs, period or "", facets))

    def trial(self, query: str, knobs: dict[str, Any], period: str, facets: Sequence[Sequence[str] | None]) -> str:
        """See `compare`."""
        query = query.encode("utf-8", "replace").decode()  # a browser can send lone surrogates
        filters = Filters.parse(period, *(each or () for each in facets))
        return trial_shown(tried(self.live.current(), query, knobs, filters))


def told(make: Callable[[], str]) -> str:
    """What `make` makes, or the sentence on why not."""
    try:
        return make()
    except BackchannelError as error:
        return safe_markdown(f"<div>{notice(str(error))}</div>")
    except Exception:  # a fault of ours: its traceback belongs in the log, a sentence on the page
        LOG.exception("The maintainer's view could not be drawn")
        return safe_markdown(f"<div>{notice(FAULT)}</div>")
