"""Our retriever and our assistant as llama-index ones, for pipelines built on that library."""

import asyncio
from dataclasses import asdict
from typing import Any

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.response.schema import Response
from llama_index.core.callbacks import CallbackManager, CBEventType, EventPayload
from llama_index.core.prompts.mixin import PromptMixinType
from llama_index.core.schema import NodeRelationship, NodeWithScore, QueryBundle, RelatedNodeInfo, TextNode

from assistant.answering import Assistant
from assistant.types import Answer, Citation
from index.filters import EVERYTHING, Filters

__all__ = ["NOT_COVERED", "BackchannelQueryEngine", "BackchannelRetriever"]

NOT_COVERED = "The articles do not cover this question."
ABOUT = "outcome confidence writer sentences citations missing nearest notices generation".split()


class BackchannelRetriever(BaseRetriever):
    """Ranks passages as `Assistant.search` does; each comes with its article, heading and exact span as metadata."""

    def __init__(self, assistant: Assistant, k: int = 10, filters: Filters = EVERYTHING) -> None:
        super().__init__()
        self.assistant = assistant
        self.k = k
        self.filters = filters

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        """Passages as text nodes with our scores, best first."""
        found = self.assistant.search(query_bundle.query_str, self.k, self.filters)
        return [
            NodeWithScore(
                node=node_of(
                    each.passage.doc_id,
                    each.passage.start,
                    each.passage.end,
                    each.passage.text,
                    {"title": each.passage.title, "heading": each.passage.heading},
                ),
                score=each.score,
            )
            for each in found
        ]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        """The same in a thread, so that the event loop goes on."""
        return await asyncio.to_thread(self._retrieve, query_bundle)


class BackchannelQueryEngine(BaseQueryEngine):
    """Answers as `Assistant.ask` does: a `Response` whose `source_nodes` are the words that it cites.

    `metadata` has the fields of `ask --json` that `ABOUT` names. A question that is not covered has the text
    `NOT_COVERED` and no source nodes; one that cannot be asked is a `QuestionError`.
    """

    def __init__(
        self, assistant: Assistant, filters: Filters = EVERYTHING, callback_manager: CallbackManager | None = None
    ) -> None:
        super().__init__(callback_manager)
        self.assistant = assistant
        self.filters = filters

    def _get_prompt_modules(self) -> PromptMixinType:
        """None: the prompts of the language-model writer are not for changing from outside."""
        return {}

    def _query(self, query_bundle: QueryBundle) -> Response:
        """The answer as llama-index has it."""
        asked: dict[str, Any] = {EventPayload.QUERY_STR: query_bundle.query_str}
        with self.callback_manager.event(CBEventType.QUERY, payload=asked) as event:
            response = response_of(self.assistant.ask(query_bundle.query_str, filters=self.filters))
            event.on_end(payload={EventPayload.RESPONSE: response})
        return response

    async def _aquery(self, query_bundle: QueryBundle) -> Response:
        """The same in a thread, so that the event loop goes on."""
        return await asyncio.to_thread(self._query, query_bundle)


def response_of(answer: Answer) -> Response:
    """An answer as a `Response`: the text without citation marks, a node for each citation, in their order."""
    plain = answer.to_json()
    return Response(
        NOT_COVERED if answer.outcome == "not_covered" else answer.text,
        [NodeWithScore(node=cited_node(each), score=score_of(each, answer)) for each in answer.citations],
        {name: plain[name] for name in ABOUT},
    )


def cited_node(citation: Citation) -> TextNode:
    """The quoted words as a node; its metadata are the citation's fields."""
    about = asdict(citation)
    return node_of(about.pop("doc_id"), about.pop("start"), about.pop("end"), citation.quote, about)


def score_of(citation: Citation, answer: Answer) -> float | None:
    """The score of the best passage that holds the quoted words; higher is better, comparable within one answer."""
    holding = (
        each.score
        for each in answer.passages
        if each.passage.doc_id == citation.doc_id
        and each.passage.start <= citation.start
        and citation.end <= each.passage.end
    )
    return max(holding, default=None)


def node_of(doc_id: str, start: int, end: int, text: str, about: dict[str, Any]) -> TextNode:
    """`document.text[start:end]` as a node of that document; a model is shown title and heading of its metadata."""
    metadata = {"doc_id": doc_id, **about, "start": start, "end": end}
    unshown = [name for name in metadata if name not in ("title", "heading")]
    return TextNode(
        id_=f"{doc_id}#{start}-{end}",
        text=text,
        start_char_idx=start,
        end_char_idx=end,
        metadata=metadata,
        excluded_llm_metadata_keys=unshown,
        excluded_embed_metadata_keys=unshown,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=doc_id)},
    )
