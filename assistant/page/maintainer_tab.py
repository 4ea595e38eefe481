"""The maintainer's view: the index and its history, a retrieval test, feedback, the newest reports."""

from typing import Any

import gradio as gr

from assistant.living import LiveAssistant
from assistant.page.front import Front
from assistant.page.maintaining import Maintaining
from assistant.page.maintaining_feedback import KINDS
from assistant.page.parts import QUIET, facets, period_box, small, text, words_box
from assistant.page.trying import SHOWN

__all__ = ["build"]

WORK = QUIET | {"concurrency_limit": 1, "concurrency_id": "maintain"}  # one maintainer; asking goes on beside it
EMPTY = "<div></div>"
ABOUT = """<div><h2>Maintain</h2><p class="quiet">Nothing on this page changes the index or what is served. What does
is reviewed on the command line; the commands are given here.</p></div>"""
TESTED = """<div><h3>Retrieval test</h3><p class="quiet">What other settings would find, beside what the live ones
find. Filters narrow both lists.</p></div>"""


def build(live: LiveAssistant, front: Front) -> None:
    """Makes the view's parts and ties callbacks to them; maintain.js presses "Look again" when it is opened."""
    maintaining = Maintaining(live)
    with gr.Row(elem_id="maintain-head"):
        text(ABOUT, "maintain-title")
        again = small("Look again", "maintain-again")
    status = text(EMPTY, "maintain-status")
    with gr.Column(elem_id="maintain-planned", min_width=0):
        look = small("Look what would change", "maintain-look")
        plan = text(EMPTY, "maintain-plan")
    past = text(EMPTY, "maintain-history")
    pair = differing(maintaining)
    testing(maintaining, front)
    text("<div><h3>Feedback</h3></div>", "maintain-feedback-title")
    kind = gr.Radio(list(KINDS), value="All", label="Show", elem_id="maintain-kind", min_width=0)
    received = text(EMPTY, "maintain-feedback")
    with gr.Column(elem_id="maintain-reports", min_width=0):  # maintain.js adds the frame
        listed = text(EMPTY, "maintain-list")
    again.click(maintaining.look, kind, [status, past, *pair, received, listed], **WORK)
    look.click(maintaining.plan, None, plan, **WORK)
    kind.change(maintaining.feedback, kind, received, **WORK)


def differing(maintaining: Maintaining) -> list[gr.Dropdown]:
    """The choice of two generations, and in what they differ."""
    with gr.Row(elem_id="maintain-pair"):
        pair = [
            gr.Dropdown([], label=name, elem_id=f"maintain-{elem_id}", filterable=False, min_width=0)
            for name, elem_id in (("From generation", "before"), ("To generation", "after"))
        ]
    shown = text(EMPTY, "maintain-difference")
    gr.on([each.change for each in pair], maintaining.differences, pair, shown, trigger_mode="always_last", **WORK)
    return pair


def testing(maintaining: Maintaining, front: Front) -> None:
    """The retrieval test."""
    text(TESTED, "trial-title")
    query = words_box("trial-query", "Question or words", "How did the Oslo talks start?")
    with gr.Row(elem_id="trial-knobs", elem_classes="facets"):
        knobs = dials(maintaining.values())
    with gr.Column(elem_id="trial-filters", elem_classes="facets", min_width=0):
        filters = [period_box("trial-period"), *facets(front, "trial").values()]
    with gr.Row(elem_id="trial-buttons"):
        compare = gr.Button("Compare", elem_id="trial-compare", variant="primary", scale=0, min_width=0)
        back = small("Back to live settings", "trial-back")
    found = text(EMPTY, "trial-found")
    inputs = [query, *knobs, *filters]
    gr.on([query.submit, compare.click], maintaining.compare, inputs, found, trigger_mode="always_last", **WORK)
    back.click(maintaining.back, None, inputs[1:], **WORK).then(maintaining.compare, inputs, found, **WORK)


def dials(values: tuple[Any, ...]) -> list[Any]:
    """A part for each of `KNOBS`, in that order, at its live value."""
    dense, sentence, depth, passages, reader = values
    return [
        gr.Slider(0, 1, dense, step=0.01, label="Meaning against words (dense_weight)", elem_id="knob-dense"),
        gr.Slider(0, 2, sentence, step=0.01, label="Best sentences (sentence_weight)", elem_id="knob-sentence"),
        gr.Number(depth, label="Taken from each search (depth)", precision=0, elem_id="knob-depth"),
        gr.Number(passages, label=f"Passages (at most {SHOWN} shown)", precision=0, elem_id="knob-passages"),
        gr.Checkbox(reader, label="Read the best sentences (reader)", elem_id="knob-reader"),
    ]
