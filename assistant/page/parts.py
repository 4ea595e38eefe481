"""The few kinds of parts that the views are made of."""

from functools import partial
from typing import Any

import gradio as gr

from assistant.page.escaping import isolated, safe_markdown
from assistant.page.front import Front
from assistant.page.labels import FACET_NAMES, facet_label

__all__ = ["QUIET", "carrier", "facets", "period_box", "text"]

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def text(markup: str, elem_id: str) -> gr.Markdown:
    """Our mark-up on the page, without formulas, which Gradio would find in the finished text."""
    return gr.Markdown(safe_markdown(markup), elem_id=elem_id, latex_delimiters=[])


def carrier(elem_id: str) -> gr.Textbox:
    """What goes between app.js and the server, unseen: a box that the style sheet hides."""
    return gr.Textbox(elem_id=elem_id, elem_classes="carrier", show_label=False, container=False, lines=1, max_lines=1)


def period_box(elem_id: str) -> gr.Textbox:
    """Where a period is typed."""
    return gr.Textbox(
        elem_id=elem_id,
        label="Period",
        placeholder="1990-1995, 1990- or -1995",
        container=True,
        lines=1,
        max_lines=1,
        min_width=0,
    )


def facets(front: Front, prefix: str) -> dict[str, gr.CheckboxGroup]:
    """A group of boxes to tick for each facet; one without values is not shown."""

    def settings(facet: str) -> dict[str, Any]:
        choices = [(isolated(facet_label(facet, value)), value) for value in front.facet_values(facet)]
        return {"choices": choices, "visible": bool(choices)}

    groups = {}
    for facet, name in FACET_NAMES.items():
        groups[facet] = gr.CheckboxGroup(label=name, elem_id=f"{prefix}-{facet}", min_width=0, **settings(facet))
        front.show(f"{prefix}-{facet}", groups[facet], partial(settings, facet))
    return groups
