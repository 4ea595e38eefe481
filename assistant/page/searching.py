"""What happens when somebody searches, narrows a search, or wants more of it. Nothing is kept on the server: all that
a search needs comes with it from the page.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from assistant.finding import LISTED, Finding, find
from assistant.living import LiveAssistant
from assistant.page import found, messages
from assistant.page.escaping import isolated
from assistant.page.front import Front
from assistant.page.labels import facet_label
from index.errors import BackchannelError
from index.filters import FACETS, Filters

__all__ = ["PAGE", "Searching"]

PAGE = 10  # passages that are shown at first, and with each "Show more"
LOG = logging.getLogger(__name__)
FAULT = "Something went wrong here, and the reason is in the server's log. Search again."
EMPTY = "Type a few words first"

# (found, status, period, decades, regions, topics, track, more, how many are shown), as Gradio takes them
Outputs = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Searching:
    """Each search is of the assistant that is current then."""

    live: LiveAssistant
    front: Front

    def search(
        self,
        words: str | None,
        period: str | None = "",
        regions: Sequence[str] = (),
        topics: Sequence[str] = (),
        track: Sequence[str] = (),
        order: str | None = "relevance",
        shown: int | None = PAGE,
    ) -> Outputs:
        """The passages, and the facets with their counts."""
        words = (words or "").encode("utf-8", "replace").decode().strip()  # a browser can send lone surrogates
        if not words:
            return said(found.hint(), EMPTY)
        try:
            assistant = self.live.current()
            filters = Filters.parse(period or "", regions or (), topics or (), track or ())
            finding = find(assistant, words, filters)
            unfiltered = find(assistant, words) if filters and not finding.found else None
            return self.drawn(finding, unfiltered, period or "", order or "", shown)
        except BackchannelError as error:
            return said(found.refusal(error), "Not searched")
        except Exception:  # a fault of ours: its traceback belongs in the log, a sentence on the page; no words do
            LOG.exception("A search failed")
            return said(found.notice(FAULT), "Not searched")

    def drawn(
        self, finding: Finding, unfiltered: Finding | None, period: str, order: str, shown: int | None
    ) -> Outputs:
        """A finding as the page shows it."""
        count = min(shown, LISTED) if isinstance(shown, int) and shown > 0 else PAGE
        text = found.listed(finding, order, count) if finding.found else found.nothing(finding, unfiltered)
        ticked = {facet: getattr(finding.filters, facet) for facet in FACETS}
        groups = [self.group(facet, finding.counts[facet], ticked[facet]) for facet in FACETS]
        more = gr.Button(visible=count < min(len(finding.found), LISTED))
        status = messages.status(found.counted(finding))
        return text, status, period, decades(finding.decades, period), *groups, more, count

    def group(self, facet: str, counts: Mapping[str, int], ticked: Sequence[str]) -> Any:
        """The values of a facet that were found, with their counts, and those that are ticked."""
        values = [value for value in self.front.facet_values(facet) if counts.get(value) or value in ticked]
        choices = [(f"{isolated(facet_label(facet, value))} ({counts.get(value, 0)})", value) for value in values]
        return gr.CheckboxGroup(choices=choices, value=list(ticked), visible=bool(choices))

    def of_decade(self, words: str | None, decade: str | None, *rest: Any) -> Outputs:
        """The same within a decade, in place of the period that was typed."""
        _, *others = rest
        return self.search(words, decade, *others)

    def cleared(self, words: str | None, order: str | None) -> Outputs:
        """The same without filters."""
        finding = self.search(words, order=order)
        if not (words or "").strip():
            nothing = gr.CheckboxGroup(value=[])
            return *finding[:2], "", gr.Radio(value=None), nothing, nothing, nothing, *finding[-2:]
        return finding

    def more(self, *inputs: Any) -> Outputs:
        """The same with one page more."""
        *others, shown = inputs
        wanted = [*others, (shown if isinstance(shown, int) else PAGE) + PAGE]
        return self.search(*wanted)


def decades(counts: Mapping[int, int], period: str) -> Any:
    """The decades that were found, with their counts; one is chosen where the period is just that."""
    choices = [(f"{decade}s ({count})", f"{decade}-{decade + 9}") for decade, count in counts.items()]
    chosen = period if any(value == period for _, value in choices) else None
    return gr.Radio(choices=choices, value=chosen, visible=bool(choices))


def said(text: str, status: str) -> Outputs:
    """A sentence in place of passages; the filters stay as they are."""
    same = gr.skip()
    return text, messages.status(status), same, same, same, same, same, gr.Button(visible=False), PAGE
