"""The view in which passages are searched for: the box, the filters with their counts, and what was found."""

from dataclasses import dataclass

import gradio as gr

from assistant.living import LiveAssistant
from assistant.page import messages
from assistant.page.found import HINT
from assistant.page.front import Front
from assistant.page.parts import QUIET, facets, period_box, small, text, words_box
from assistant.page.searching import PAGE, Searching

__all__ = ["build"]

AT_ONCE = 4  # searches at the same time; each takes some 50 ms of one core
ORDERS = [("Relevance", "relevance"), ("Earliest first", "earliest"), ("Latest first", "latest")]


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of the view that events read or change."""

    box: gr.Textbox
    go: gr.Button
    period: gr.Textbox
    decades: gr.Radio
    facets: dict[str, gr.CheckboxGroup]
    clear: gr.Button
    order: gr.Radio
    status: gr.Markdown
    found: gr.Markdown
    more: gr.Button


def build(live: LiveAssistant, front: Front) -> None:
    """Makes the view and ties it to its callbacks."""
    wire(Searching(live, front), parts(front))


def parts(front: Front) -> Parts:
    """Makes the view's parts, from top to bottom."""
    text("<div><h2>Search</h2></div>", "search-title")
    with gr.Row(elem_id="s-row"):
        box = words_box("s", "Search the passages", "Words or a question", bare=True)
        go = gr.Button("Search", elem_id="s-go", variant="primary", scale=0, min_width=0)
    with gr.Row(elem_id="s-line"):
        status = text(messages.status(""), "s-status")
        order = gr.Radio(ORDERS, value="relevance", label="Sort by", elem_id="s-order", scale=0, min_width=0)
        small("Filters", "s-filters")  # search.js serves it
    with gr.Row(elem_id="s-columns"):
        with gr.Column(elem_id="s-facets", elem_classes="facets", scale=0, min_width=0):
            period = period_box("s-period")
            decades = gr.Radio([], label="Decades", elem_id="s-decades", min_width=0, visible=False)
            groups = facets(front, "s")
            clear = small("Clear filters", "s-clear")
        with gr.Column(elem_id="s-results", min_width=0):
            found = text(HINT, "found")
            more = small("Show more", "s-more", visible=False)
    return Parts(box, go, period, decades, groups, clear, order, status, found, more)


def wire(searching: Searching, made: Parts) -> None:
    """Ties callbacks to parts; outputs in the order of `searching.Outputs`."""
    shown = gr.State(PAGE)
    groups = list(made.facets.values())
    narrowed = [made.box, made.period, *groups, made.order]
    outputs = [made.found, made.status, made.period, made.decades, *groups, made.more, shown]
    # "always_last": of two boxes ticked at once the search is for both
    shared = QUIET | {"concurrency_limit": AT_ONCE, "concurrency_id": "search", "trigger_mode": "always_last"}
    searches = [made.box.submit, made.go.click, made.period.submit, made.order.input]
    gr.on([*searches, *(group.input for group in groups)], searching.search, narrowed, outputs, **shared)
    made.decades.input(searching.of_decade, [made.box, made.decades, *narrowed[1:]], outputs, **shared)
    made.clear.click(searching.cleared, [made.box, made.order], outputs, **shared)
    made.more.click(searching.more, [*narrowed, shown], outputs, **shared)
