"""A bare chat of Gradio's around our answers, to measure the page against: python -m evals.bare_chat HOME PORT."""

import sys
from collections.abc import Iterator
from pathlib import Path

from assistant.answering import Assistant

PLACES = 8  # as the page has


def main(home: Path, port: int) -> None:
    """Serves until it is ended."""
    import gradio as gr

    from assistant.page import messages
    from assistant.page.streaming import paced

    assistant = Assistant.open(home)

    def reply(question: str, history: object) -> Iterator[str]:
        for answer, words in paced(assistant.stream(question)):
            yield messages.answered(answer, words)

    chat = gr.ChatInterface(reply, concurrency_limit=PLACES, api_name="chat", analytics_enabled=False)
    chat.queue(max_size=64)
    chat.launch(server_name="127.0.0.1", server_port=port, quiet=True, prevent_thread_lock=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
