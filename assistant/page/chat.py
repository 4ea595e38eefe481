"""The page's layout: the masthead, the views, and the panel beside them."""

import gradio as gr

from assistant.living import LiveAssistant
from assistant.page import ask_tab, library_tab, search_tab
from assistant.page.blocks import QuickBlocks
from assistant.page.callbacks import Callbacks
from assistant.page.front import Front
from assistant.page.parts import text
from assistant.settings import PageSettings

__all__ = ["build_blocks"]

OTHERS = 256  # events that may wait beside the questions: searches, articles opened, thumbs
SESSIONS = 250  # of pages whose state is kept, 0.12 MB each; of one forgotten, "Show more" begins anew

NAMES = {"ask": "Ask", "search": "Search", "library": "Library", "maintain": "Maintain"}


def build_blocks(live: LiveAssistant, maintainer: bool = False) -> gr.Blocks:
    """The page over the live assistant; with the maintainer's view where that is asked for."""
    front = Front(live)
    callbacks = Callbacks(live, front)
    blocks = QuickBlocks(title="Backchannel", analytics_enabled=False, fill_width=True, fill_height=True)
    blocks.state_session_capacity = SESSIONS
    with blocks:
        answering = masthead(front, maintainer)
        with gr.Row(elem_id="columns"):
            with gr.Column(elem_id="left", scale=3, min_width=0):
                with gr.Column(elem_id="view-ask", elem_classes="view", min_width=0):
                    ask = ask_tab.parts(front)
                with gr.Column(elem_id="view-search", elem_classes="view", min_width=0):
                    search_tab.build(live, front)
                with gr.Column(elem_id="view-library", elem_classes="view", min_width=0):
                    library_tab.build()
                if maintainer:
                    from assistant.page import maintainer_tab

                    with gr.Column(elem_id="view-maintain", elem_classes="view", min_width=0):
                        maintainer_tab.build(live, front)
            with gr.Column(elem_id="panel", scale=2, min_width=0):
                sources = text(front.contents(), "sources")
        front.show(sources, lambda: {"value": front.contents()})
        ask_tab.wire(callbacks, ask, sources, answering)
    # Each minute: by default all who wait are told their place whenever one's turn comes, and the page shows none.
    settings = PageSettings.load()
    places = settings.page_running + settings.page_waiting + OTHERS  # of the questions `Crowd` lets in fewer
    blocks.queue(max_size=places, api_open=False, status_update_rate=60)

    def renew() -> None:
        """For pages that are opened from now on. Not by an event of theirs: the titles of articles that have been
        withdrawn would stay in what such an event replaces.
        """
        front.renew()
        blocks.config = blocks.get_config_file()

    live.listeners.append(renew)
    renew()  # it may have become another since
    return blocks


def masthead(front: Front, maintainer: bool) -> gr.Markdown:
    """The name, what is answered from, the views, and the switch between light and dark, which app.js serves."""
    shown = [name for name in NAMES if maintainer or name != "maintain"]
    links = "".join(f'<a class="view-{name}" href="#/{name}">{NAMES[name]}</a>' for name in shown)
    with gr.Row(elem_id="masthead"):
        with gr.Column(elem_id="name", min_width=0):
            text("<div><h1>Backchannel</h1></div>", "title")
            line = text(front.line(), "generation")
        text(f"<div>{links}</div>", "views")
        gr.Button("Light / dark", elem_id="theme", scale=0, min_width=0)
    front.show(line, lambda: {"value": front.line()})
    return line
