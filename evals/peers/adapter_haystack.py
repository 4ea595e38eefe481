"""haystack: its in-memory store, BM25 and vectors in one pipeline, joined by reciprocal rank.

https://docs.haystack.deepset.ai/docs/documentjoiner; its tutorial of hybrid retrieval joins likewise and then reranks,
which nobody does here. Store, BM25 (BM25L) and embedders are as by default; the vectors are unit.
"""

from typing import Any


class Adapter:
    """See `System` of driver.py."""

    def __init__(self, model: str, folder: str) -> None:
        self.model = model
        self.pipeline: Any = None

    def load(self) -> None:
        """Imports everything that it needs."""
        import haystack.components.joiners
        import haystack.components.retrievers.in_memory
        import haystack.document_stores.in_memory
        from haystack_integrations.components.embedders import sentence_transformers

        self.library: Any = haystack
        self.embedders: Any = sentence_transformers

    def index(self, documents: list[dict[str, str]]) -> None:
        """Opens the model and makes the documents searchable by meaning and by words."""
        store = self.library.document_stores.in_memory.InMemoryDocumentStore()
        retrievers = self.library.components.retrievers.in_memory
        embedder = self.embedders.SentenceTransformersDocumentEmbedder(model=self.model, progress_bar=False)
        embedder.warm_up()
        texts = [self.library.Document(id=each["_id"], content=each["text"]) for each in documents]
        store.write_documents(embedder.run(documents=texts)["documents"])
        self.pipeline = self.library.Pipeline()
        for name, component in {
            "embedder": self.embedders.SentenceTransformersTextEmbedder(model=self.model, progress_bar=False),
            "dense": retrievers.InMemoryEmbeddingRetriever(store),
            "words": retrievers.InMemoryBM25Retriever(store),
            "joiner": self.library.components.joiners.DocumentJoiner(join_mode="reciprocal_rank_fusion"),
        }.items():
            self.pipeline.add_component(name, component)
        self.pipeline.connect("embedder.embedding", "dense.query_embedding")
        self.pipeline.connect("dense", "joiner")
        self.pipeline.connect("words", "joiner")

    def search(self, query: str, k: int) -> list[tuple[str, float]]:
        """The `k` best, by the `_id` that they were indexed with."""
        limit = {"top_k": k}
        asked = {"embedder": {"text": query}, "words": {"query": query, **limit}, "dense": limit, "joiner": limit}
        return [(found.id, found.score) for found in self.pipeline.run(asked)["joiner"]["documents"]]
