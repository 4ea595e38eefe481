"""What the page shows before a question: the line under its name, and the list of the articles."""

from assistant.answering import Assistant
from assistant.page import messages

__all__ = ["Front"]


class Front:
    """Line and list by the generation that an assistant answers from; of the last one the list is kept."""

    def __init__(self) -> None:
        self.listed = ("", "")  # a generation and its list, which takes a second where there are 100,000 articles

    def line(self, assistant: Assistant) -> str:
        """What is answered from."""
        return messages.served(assistant.index.status(), assistant.index.warning)

    def contents(self, assistant: Assistant) -> str:
        """The panel before the first question."""
        generation = assistant.index.status().generation
        known, listed = self.listed
        if known != generation:
            listed = messages.library(assistant.index.summaries(), generation)
            self.listed = generation, listed
        return listed
