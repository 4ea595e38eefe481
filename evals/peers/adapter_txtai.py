"""txtai: `Embeddings(hybrid=True)`, as its documentation of hybrid search has it: BM25 and vectors, half each.

https://neuml.github.io/txtai/embeddings/configuration/general/#hybrid. Everything else is its default.
"""

from typing import Any


class Adapter:
    """See `System` of driver.py."""

    def __init__(self, model: str, folder: str) -> None:
        self.model = model
        self.embeddings: Any = None

    def load(self) -> None:
        """Imports everything that it needs."""
        import txtai

        self.library = txtai

    def index(self, documents: list[dict[str, str]]) -> None:
        """Opens the model and makes the documents searchable by meaning and by words."""
        self.embeddings = self.library.Embeddings(path=self.model, hybrid=True)
        self.embeddings.index([(each["_id"], each["text"]) for each in documents])

    def search(self, query: str, k: int) -> list[tuple[str, float]]:
        """The `k` best, by the `_id` that they were indexed with."""
        return list(self.embeddings.search(query, k))
