"""The few kinds of parts that the views are made of."""

from functools import partial
from typing import Any

import gradio as gr

from assistant.page.escaping import isolated, safe_markdown
from assistant.page.front import Front
from assistant.page.labels import FACET_NAMES, facet_label

__all__ = ["QUIET", "carrier", "facets", "period_box", "small", "text", "words_box"]

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def text(markup: str, elem_id: str) -> gr.Markdown:
    """Our mark-up on the page, without formulas, which Gradio would find in the finished text."""
    return gr.Markdown(safe_markdown(markup), elem_id=elem_id, latex_delimiters=[])


def carrier(elem_id: str) -> gr.Textbox:
    """What goes between app.js and the server, unseen: a box that the style sheet hides."""
    return gr.Textbox(elem_id=elem_id, elem_classes="carrier", show_label=False, container=False, lines=1, max_lines=1)


def words_box(elem_id: str, label: str, placeholder: str, most: int = 1, bare: bool = False) -> gr.Textbox:
    """A box to type in, which grows to `most` lines; `bare`: its label is for screen readers only."""
    return gr.Textbox(
        elem_id=elem_id,
        label=label,
        show_label=not bare,
        container=not bare,
        placeholder=placeholder,
        lines=1,
        max_lines=most,
        scale=1 if bare else None,
        min_width=0,
    )


def small(name: str, elem_id: str, visible: bool = True) -> gr.Button:
    """A button beside the main one."""
    return gr.Button(name, elem_id=elem_id, elem_classes="small", visible=visible, scale=0, min_width=0)


def period_box(elem_id: str) -> gr.Textbox:
    """Where a period is typed."""
    return words_box(elem_id, "Period", "1990-1995, 1990- or -1995")


def facets(front: Front, prefix: str) -> dict[str, gr.CheckboxGroup]:
    """A group of boxes to tick for each facet; one without values is not shown."""

    def settings(facet: str) -> dict[str, Any]:
        choices = [(isolated(facet_label(facet, value)), value) for value in front.facet_values(facet)]
        return {"choices": choices, "visible": bool(choices)}

    groups = {}
    for facet, name in FACET_NAMES.items():
        groups[facet] = gr.CheckboxGroup(label=name, elem_id=f"{prefix}-{facet}", min_width=0, **settings(facet))
        front.show(groups[facet], partial(settings, facet))
    return groups
