"""Our retriever as a llama-index `BaseRetriever`, for pipelines built on that library."""

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from assistant.answering import Assistant
from index.filters import Filters

__all__ = ["BackchannelRetriever"]


class BackchannelRetriever(BaseRetriever):
    """Ranks passages as `Assistant.search` does; each comes with its article, heading and exact span as metadata."""

    def __init__(self, assistant: Assistant, k: int = 10, filters: Filters = Filters()) -> None:  # noqa: B008 - frozen
        super().__init__()
        self.assistant = assistant
        self.k = k
        self.filters = filters

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        """Passages as text nodes with our scores, best first."""
        found = self.assistant.search(query_bundle.query_str, self.k, self.filters)
        return [
            NodeWithScore(
                node=TextNode(
                    id_=each.passage.passage_id,
                    text=each.passage.text,
                    metadata={
                        "doc_id": each.passage.doc_id,
                        "title": each.passage.title,
                        "heading": each.passage.heading,
                        "start": each.passage.start,
                        "end": each.passage.end,
                    },
                ),
                score=each.score,
            )
            for each in found
        ]
