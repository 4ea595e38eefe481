"""A bare chat of Gradio's around the page's own function, to measure the page against: HOME and PORT are given."""

import sys
from collections.abc import Iterator
from pathlib import Path

from assistant.living import LiveAssistant
from assistant.settings import PageSettings

SHOWN = 1  # where in what the function yields the conversation is


def main(home: Path, port: int) -> None:
    """Serves until it is ended."""
    import gradio as gr

    from assistant.page.callbacks import Callbacks
    from assistant.page.front import Front

    live, places = LiveAssistant.open(home), PageSettings.load()
    callbacks = Callbacks(live, Front(live))

    def reply(question: str, history: object) -> Iterator[str]:
        text = ""
        for parts in callbacks.ask(question, ""):
            if isinstance(parts[SHOWN], list):
                text = parts[SHOWN][-1]["content"]
            yield text

    chat = gr.ChatInterface(reply, concurrency_limit=places.page_running, api_name="chat", analytics_enabled=False)
    chat.queue(max_size=places.page_waiting)
    chat.launch(server_name="127.0.0.1", server_port=port, quiet=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
