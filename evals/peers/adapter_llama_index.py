"""llama-index: FAISS and BM25 through QueryFusionRetriever by reciprocal rank, as its documentation has it.

https://developers.llamaindex.ai/python/framework/integrations/retrievers/reciprocal_rerank_fusion. Its example of FAISS
takes IndexFlatL2, whose distances the fusion would sort the wrong way round (it takes the highest score for the best),
so the index is of inner products; the vectors are unit. No model writes further queries.
"""

from typing import Any

FOUND = 100  # windows, as driver.py asks for: here they are set beforehand


class Adapter:
    """See `System` of driver.py."""

    def __init__(self, model: str, folder: str) -> None:
        self.model = model
        self.retriever: Any = None

    def load(self) -> None:
        """Imports everything that it needs."""
        import faiss
        import llama_index.core.llms
        import llama_index.core.retrievers
        import llama_index.core.schema
        import llama_index.embeddings.huggingface
        import llama_index.retrievers.bm25
        import llama_index.vector_stores.faiss

        self.library: Any = llama_index
        self.faiss = faiss

    def index(self, documents: list[dict[str, str]]) -> None:
        """Opens the model and makes the documents searchable by meaning and by words."""
        core = self.library.core
        nodes = [core.schema.TextNode(id_=each["_id"], text=each["text"]) for each in documents]
        embedder = self.library.embeddings.huggingface.HuggingFaceEmbedding(model_name=self.model, device="cpu")
        vectors = self.faiss.IndexFlatIP(len(embedder.get_query_embedding("as long as this")))
        store = core.StorageContext.from_defaults(
            vector_store=self.library.vector_stores.faiss.FaissVectorStore(faiss_index=vectors)
        )
        dense = core.VectorStoreIndex(nodes, storage_context=store, embed_model=embedder)
        words = self.library.retrievers.bm25.BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=FOUND)
        self.retriever = core.retrievers.QueryFusionRetriever(
            [dense.as_retriever(similarity_top_k=FOUND), words],
            llm=core.llms.MockLLM(),
            mode="reciprocal_rerank",
            similarity_top_k=FOUND,
            num_queries=1,
            use_async=False,  # faster where nothing waits for a network
        )

    def search(self, query: str, k: int) -> list[tuple[str, float]]:
        """The `k` best, by the `_id` that they were indexed with."""
        return [(found.node.node_id, found.score) for found in self.retriever.retrieve(query)[:k]]
