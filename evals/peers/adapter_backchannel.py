"""Backchannel: the retriever of the assistant over an index of its own, with the settings' defaults.

It cuts whole documents into passages itself. The folder that it gets holds the exported model and nothing else, so that
all texts are embedded anew.
"""

import json
from pathlib import Path
from typing import Any


class Adapter:
    """See `System` of driver.py."""

    def __init__(self, model: str, folder: str) -> None:
        self.folder = Path(folder)
        self.retriever: Any = None

    def load(self) -> None:
        """Imports everything that it needs, also what it imports late as a rule."""
        import nltk.data  # noqa: F401
        import onnxruntime  # noqa: F401
        import tokenizers  # noqa: F401

        import assistant.retrieval  # noqa: F401
        import index.building
        import index.searching  # noqa: F401

    def index(self, documents: list[dict[str, str]]) -> None:
        """Opens the model and makes the documents searchable by meaning and by words."""
        from assistant.retrieval import HybridRetriever
        from assistant.settings import AssistantSettings
        from index.building import apply
        from index.searching import LocalIndex
        from index.settings import IndexSettings

        corpus = self.folder / "corpus.jsonl"
        corpus.write_text("".join(json.dumps(each) + "\n" for each in documents), encoding="utf-8")
        settings = IndexSettings.load(home=self.folder)
        apply(settings, [corpus])
        self.retriever = HybridRetriever(LocalIndex.open(settings), AssistantSettings.load())

    def search(self, query: str, k: int) -> list[tuple[str, float]]:
        """The `k` best passages, by the `_id` of their documents."""
        return [(found.passage.doc_id, found.score) for found in self.retriever.retrieve(query, k).passages]
