"""The view in which questions are asked: the conversation, the question box, filters, and what app.js works with."""

from dataclasses import dataclass

import gradio as gr

from assistant.page import messages
from assistant.page.attention import ASKING
from assistant.page.callbacks import Callbacks
from assistant.page.examples import EXAMPLES
from assistant.page.front import Front
from assistant.page.parts import QUIET, carrier, facets, period_box, small, text, words_box
from assistant.settings import PageSettings

__all__ = ["Ask", "parts", "wire"]

WELCOME = """<div><p class="lead">What do you want to know about <span class="whole">track-two</span>
dialogues and private diplomacy?</p>
<p>Answers are short. The number after each sentence opens the article at the words that it rests on. Where the
articles do not cover a question, the page says so.</p></div>"""


@dataclass(frozen=True, slots=True)
class Ask:
    """The parts of the view that events read or change."""

    box: gr.Textbox
    send: gr.Button
    stop: gr.Button
    chat: gr.Chatbot
    status: gr.Markdown
    following: gr.Markdown
    period: gr.Textbox
    facets: dict[str, gr.CheckboxGroup]
    kept: gr.Textbox
    record: gr.Textbox
    restore: gr.Button


def parts(front: Front) -> Ask:
    """Makes the view's parts, from top to bottom."""
    with gr.Column(elem_id="thread", min_width=0):
        text(WELCOME, "welcome")
        chat = chatbot()
        text("<div></div>", "tools")  # app.js fills it
        following = text("<div></div>", "next")
        text(messages.questions("For example", EXAMPLES), "examples")
    with gr.Column(elem_id="narrow", min_width=0):
        period = period_box("narrow-period")
        groups = facets(front, "narrow")
    with gr.Row(elem_id="composer"):
        box = words_box("q", "Your question", "Ask a question", most=5, bare=True)  # Shift+Enter begins a line
        send = gr.Button("Ask", elem_id="send", variant="primary", scale=0, min_width=0)
        stop = gr.Button("Stop", elem_id="stop", scale=0, min_width=0)
    with gr.Row(elem_id="foot"):
        status = text(messages.status(""), "status")
        for elem_id, name in (("filters", "Filters"), ("talks", "Conversations"), ("clear", "New conversation")):
            small(name, elem_id)  # app.js serves them
    with gr.Row(elem_id="carriers"):
        kept, record = carrier("kept"), carrier("record")
        restore = gr.Button("Show again", elem_id="restore", elem_classes="carrier", min_width=0)
    return Ask(box, send, stop, chat, status, following, period, groups, kept, record, restore)


def wire(callbacks: Callbacks, ask: Ask, sources: gr.Markdown, answering: gr.Markdown) -> None:
    """Ties callbacks to parts; outputs in the order of `callbacks.Yielded`."""
    outputs = [ask.box, ask.chat, sources, ask.status, ask.following, ask.record, answering]
    narrowed = [ask.period, *ask.facets.values()]
    # "multiple": Gradio would drop a question asked before a stopped answer has wound up; app.js asks one at a time.
    shared = QUIET | {
        "concurrency_limit": PageSettings.load().page_running,
        "concurrency_id": ASKING,
        "trigger_mode": "multiple",
    }
    event = gr.on([ask.box.submit, ask.send.click], callbacks.ask, [ask.box, ask.kept, *narrowed], outputs, **shared)
    ask.stop.click(callbacks.stopped, None, [ask.status, ask.record], cancels=[event], **QUIET)
    ask.restore.click(callbacks.restored, ask.kept, outputs, **QUIET)


def chatbot() -> gr.Chatbot:
    """The conversation; Gradio's extras (copying marked-up text, formulas, own tags) are off."""
    return gr.Chatbot(
        elem_id="chat",
        label="Conversation",
        show_label=False,
        container=False,
        height=None,
        layout="panel",
        autoscroll=False,  # app.js keeps the newest question in view, not the end of its answer
        buttons=[],
        feedback_options=None,
        latex_delimiters=[],
        line_breaks=False,
        allow_tags=False,
        group_consecutive_messages=False,
    )
