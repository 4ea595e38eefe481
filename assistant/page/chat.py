"""The page's layout, and which callback each part of it calls."""

from typing import Any

import gradio as gr

from assistant.living import LiveAssistant
from assistant.page import messages
from assistant.page.callbacks import Callbacks, Conversation, stopped
from assistant.page.escaping import safe_markdown
from assistant.page.examples import EXAMPLES
from assistant.page.front import Front

__all__ = ["build_blocks"]

AT_ONCE = 8  # questions answered at the same time; each takes some 10 ms and then mostly waits for its reader
WAITING = 64  # questions that may wait
IDLE = 3600  # seconds until an abandoned conversation is forgotten

WELCOME = """<div><p class="lead">What do you want to know about <span class="whole">track-two</span>
dialogues and private diplomacy?</p>
<p>Answers are short. The number after each sentence opens the article at the words that it rests on. Where the
articles do not cover a question, the page says so.</p></div>"""


def build_blocks(live: LiveAssistant) -> gr.Blocks:
    """The page over the live assistant."""
    front, now = Front(), live.current()
    blocks = gr.Blocks(title="Backchannel", analytics_enabled=False, fill_width=True, fill_height=True)
    with blocks:
        answering = masthead(front.line(now))
        with gr.Row(elem_id="columns"):
            with gr.Column(elem_id="left", scale=3, min_width=0):
                asking, outputs, stop, clear = left()
            with gr.Column(elem_id="panel", scale=2, min_width=0):
                sources = text(front.contents(now), "sources")
        outputs = [*outputs[:2], sources, *outputs[2:], answering]
        wire(Callbacks(live, front), asking, outputs, stop, clear)
    blocks.queue(max_size=WAITING, api_open=False)

    def renew() -> None:
        """For pages that are opened from now on. Not by an event of theirs: the titles of articles that have been
        withdrawn would stay in what such an event replaces.
        """
        now = live.current()
        answering.value, sources.value = front.line(now), front.contents(now)
        blocks.config = blocks.get_config_file()

    live.listeners.append(renew)
    renew()  # it may have become another since
    return blocks


def masthead(line: str) -> gr.Markdown:
    """The name, what is answered from, and the switch between light and dark, which app.js serves; the second."""
    with gr.Row(elem_id="masthead"):
        with gr.Column(elem_id="name", min_width=0):
            text("<div><h1>Backchannel</h1></div>", "title")
            answering = text(line, "generation")
        gr.Button("Light / dark", elem_id="theme", scale=0, min_width=0)
    return answering


def left() -> tuple[list[Any], list[Any], gr.Button, gr.Button]:
    """The conversation: what a question can come from, what answers go to (but the sources and the masthead), stop and
    clear.
    """
    conversation = gr.State(Conversation(), time_to_live=IDLE)
    text(WELCOME, "welcome")
    chat = chatbot()
    with gr.Column(elem_id="examples", min_width=0):
        examples = [gr.Button(question, elem_classes="example") for question in EXAMPLES]
    follow = gr.Button(visible=False, elem_id="follow", elem_classes="example")
    with gr.Row(elem_id="composer"):
        box = question_box()
        send = gr.Button("Ask", elem_id="send", variant="primary", scale=0, min_width=0)
        stop = gr.Button("Stop", elem_id="stop", scale=0, min_width=0)
    with gr.Row(elem_id="foot"):
        line = text(messages.status(""), "status")
        clear = gr.Button("New conversation", elem_id="clear", scale=0, min_width=0)
    asking = [(box, [box.submit, send.click]), *((button, [button.click]) for button in [*examples, follow])]
    return asking, [box, chat, line, follow, conversation], stop, clear


def wire(callbacks: Callbacks, asking: list[Any], outputs: list[Any], stop: gr.Button, clear: gr.Button) -> None:
    """Ties callbacks to parts; `outputs` in the order of `callbacks.Yielded`."""
    line, conversation = outputs[3], outputs[5]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    # "multiple": Gradio would drop a question asked before a stopped answer has wound up; app.js asks one at a time.
    shared = quiet | {"concurrency_limit": AT_ONCE, "concurrency_id": "ask", "trigger_mode": "multiple"}
    events = [gr.on(on, callbacks.ask, [source, conversation], outputs, **shared) for source, on in asking]
    stop.click(stopped, None, line, cancels=events, **quiet)
    clear.click(callbacks.clear, None, outputs, cancels=events, **quiet)


def text(markup: str, elem_id: str) -> gr.Markdown:
    """Our mark-up on the page, without formulas, which Gradio would find in the finished text."""
    return gr.Markdown(safe_markdown(markup), elem_id=elem_id, latex_delimiters=[])


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


def question_box() -> gr.Textbox:
    """Where questions are typed; Enter asks, Shift+Enter begins a line."""
    return gr.Textbox(
        elem_id="q",
        label="Your question",
        show_label=False,
        container=False,
        placeholder="Ask a question",
        lines=1,
        max_lines=5,
        scale=1,
        min_width=0,
    )
