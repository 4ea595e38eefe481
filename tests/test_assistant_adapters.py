"""Our retriever and query engine inside llama-index's own pipelines: no language model, no network, no warning."""

import asyncio
import json
import logging
import socket
from collections.abc import Sequence

import pytest
from llama_index.core import Settings
from llama_index.core.base.base_selector import BaseSelector, SelectorResult, SingleSelection
from llama_index.core.callbacks import CallbackManager, CBEventType, LlamaDebugHandler
from llama_index.core.llms import MockLLM
from llama_index.core.postprocessor import SimilarityPostprocessor
from llama_index.core.query_engine import RetrieverQueryEngine, RouterQueryEngine, SubQuestionQueryEngine
from llama_index.core.question_gen.types import BaseQuestionGenerator, SubQuestion
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.schema import MetadataMode, QueryBundle
from llama_index.core.tools import QueryEngineTool, ToolMetadata

from assistant.adapters import NOT_COVERED, BackchannelQueryEngine, BackchannelRetriever
from assistant.answering import Assistant
from assistant.errors import QuestionError
from index.filters import Filters

OSLO = "How did the Oslo talks start?"
ACEH = "Who mediated the peace talks in Aceh?"
PERU = "What is the capital of Peru?"
MODEL = MockLLM()  # llama-index's own; its pipelines want one to be there, and none of these asks it anything

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **named: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(autouse=True)
def _no_language_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a reader would write `Settings.llm = MockLLM()`: even a synthesizer without text looks for one."""
    monkeypatch.setattr(Settings, "_llm", MODEL)


@pytest.fixture
def engine(assistant: Assistant) -> BackchannelQueryEngine:
    return BackchannelQueryEngine(assistant)


class FakeSelector(BaseSelector):
    """A fake: the first tool whose name is a word of the question, where a language model would choose."""

    def _select(self, choices: Sequence[ToolMetadata], query: QueryBundle) -> SelectorResult:
        words = query.query_str.lower()
        index = next(i for i, choice in enumerate(choices) if choice.name and choice.name in words)
        return SelectorResult(selections=[SingleSelection(index=index, reason="its name is in the question")])

    async def _aselect(self, choices: Sequence[ToolMetadata], query: QueryBundle) -> SelectorResult:
        return self._select(choices, query)

    def _get_prompts(self) -> dict:
        return {}

    def _update_prompts(self, prompts_dict: dict) -> None:
        """None."""


class FakeQuestions(BaseQuestionGenerator):
    """A fake: the question's lines, where a language model would take it apart."""

    def generate(self, tools: Sequence[ToolMetadata], query: QueryBundle) -> list[SubQuestion]:
        return [SubQuestion(sub_question=line, tool_name="articles") for line in query.query_str.splitlines()]

    async def agenerate(self, tools: Sequence[ToolMetadata], query: QueryBundle) -> list[SubQuestion]:
        return self.generate(tools, query)

    def _get_prompts(self) -> dict:
        return {}

    def _update_prompts(self, prompts_dict: dict) -> None:
        """None."""


def tool(engine: BackchannelQueryEngine, name: str) -> QueryEngineTool:
    return QueryEngineTool.from_defaults(engine, name=name, description=f"Cited answers about {name}")


def test_a_response_is_the_answer(assistant: Assistant, engine: BackchannelQueryEngine) -> None:
    response = engine.query(OSLO)
    answer = assistant.ask(OSLO)
    assert str(response) == response.response == answer.text
    assert response.metadata["outcome"] == "answered"
    plain = answer.to_json()
    for name in ("confidence", "citations", "sentences", "missing", "generation", "writer", "nearest", "notices"):
        assert response.metadata[name] == plain[name]
    assert json.loads(json.dumps(response.metadata))["confidence"] == answer.confidence


def test_source_nodes_are_the_exact_words_cited(assistant: Assistant, engine: BackchannelQueryEngine) -> None:
    response = engine.query(OSLO)
    citations = assistant.ask(OSLO).citations
    assert len(response.source_nodes) == len(citations) >= 2
    for found, citation in zip(response.source_nodes, citations, strict=True):
        node, about = found.node, found.node.metadata
        document = assistant.index.document(about["doc_id"])
        assert document.text[node.start_char_idx : node.end_char_idx] == about["quote"] == node.text == citation.quote
        assert (about["start"], about["end"]) == (node.start_char_idx, node.end_char_idx)
        assert about["title"] == document.title == "The Oslo channel, 1992-93"
        assert (about["number"], about["source"], about["version"]) == (
            citation.number,
            citation.source,
            document.version,
        )
        assert about["onward"] == tuple(dict(each) for each in citation.onward)
        assert node.ref_doc_id == "oslo-channel"
        assert node.node_id == f"oslo-channel#{citation.start}-{citation.end}"
        assert node.get_content(MetadataMode.LLM) == f"title: The Oslo channel, 1992-93\n\n{citation.quote}"


def test_a_cited_node_has_the_score_of_its_best_passage(assistant: Assistant, engine: BackchannelQueryEngine) -> None:
    answer = assistant.ask(OSLO)
    for found, citation in zip(engine.query(OSLO).source_nodes, answer.citations, strict=True):
        best = max(
            each.score for each in answer.passages if citation.quote in each.passage.text and "oslo" in citation.doc_id
        )
        assert found.score == best


def test_not_covered_is_said_and_cites_nothing(assistant: Assistant, engine: BackchannelQueryEngine) -> None:
    response = engine.query(PERU)
    assert str(response) == NOT_COVERED == "The articles do not cover this question."
    assert response.source_nodes == []
    assert (response.metadata["outcome"], response.metadata["citations"]) == ("not_covered", ())
    assert "Peru" in response.metadata["missing"]
    assert len(response.metadata["nearest"]) == 3
    assert response.metadata["confidence"] < 0.5


def test_a_question_that_cannot_be_asked(engine: BackchannelQueryEngine) -> None:
    with pytest.raises(QuestionError, match="no words"):
        engine.query("?!")


@pytest.mark.parametrize("question", [OSLO, PERU])
def test_async_equals_sync(engine: BackchannelQueryEngine, question: str) -> None:
    assert asyncio.run(engine.aquery(question)) == engine.query(question)


def test_filters_narrow_it(assistant: Assistant) -> None:
    engine = BackchannelQueryEngine(assistant, Filters.parse(regions=["southeast-asia"]))
    cited = {each.node.ref_doc_id for each in engine.query(ACEH).source_nodes}
    assert cited
    assert all("southeast-asia" in assistant.index.document(name).metadata["regions"] for name in cited)


def test_callbacks_see_one_query_and_its_response(assistant: Assistant) -> None:
    debug = LlamaDebugHandler(print_trace_on_end=False)
    engine = BackchannelQueryEngine(assistant, callback_manager=CallbackManager([debug]))
    response = engine.query(OSLO)
    ((start, end),) = debug.get_event_pairs(CBEventType.QUERY)
    assert start.payload == {"query_str": OSLO}
    assert end.payload == {"response": response}


# --- inside llama-index's own pipelines


@pytest.mark.slow
def test_a_router_sends_questions_to_it(assistant: Assistant, engine: BackchannelQueryEngine) -> None:
    elsewhere = BackchannelQueryEngine(assistant, Filters.parse(regions=["southeast-asia"]))
    router = RouterQueryEngine(FakeSelector(), [tool(engine, "oslo"), tool(elsewhere, "aceh")], llm=MODEL)
    for question, ours in ((OSLO, engine), (ACEH, elsewhere)):
        for response in (router.query(question), asyncio.run(router.aquery(question))):
            assert str(response) == str(ours.query(question))
            assert response.source_nodes == ours.query(question).source_nodes
            assert response.metadata["outcome"] == "answered"
            assert response.metadata["selector_result"].ind == (0 if ours is engine else 1)


@pytest.mark.parametrize("use_async", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_sub_questions_are_answered_and_their_sources_kept(
    engine: BackchannelQueryEngine, use_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    whole = SubQuestionQueryEngine(
        FakeQuestions(),
        get_response_synthesizer(llm=MODEL, response_mode=ResponseMode.NO_TEXT),
        [tool(engine, "articles")],
        verbose=False,
        use_async=use_async,
    )
    with caplog.at_level(logging.WARNING):
        response = whole.query(f"{OSLO}\n{ACEH}\n{PERU}")
    assert not caplog.records, "a sub-question that fails is only logged"
    answered = [f"Sub question: {each}\nResponse: {engine.query(each)}" for each in (OSLO, ACEH, PERU)]
    cited = [each.node.text for question in (OSLO, ACEH) for each in engine.query(question).source_nodes]
    assert [each.node.text for each in response.source_nodes] == [*answered, *cited]
    assert answered[2].endswith(f"Response: {NOT_COVERED}")


def test_it_is_a_tool_for_an_agent(engine: BackchannelQueryEngine) -> None:
    called = tool(engine, "articles").call(input=OSLO)
    assert called.content == str(engine.query(OSLO))
    assert called.raw_output.source_nodes == engine.query(OSLO).source_nodes


def test_our_retriever_in_a_stock_query_engine(assistant: Assistant) -> None:
    ours = assistant.search(OSLO, 5)
    bar = ours[2].score
    stock = RetrieverQueryEngine.from_args(
        BackchannelRetriever(assistant, k=5),
        llm=MODEL,
        response_mode=ResponseMode.NO_TEXT,
        node_postprocessors=[SimilarityPostprocessor(similarity_cutoff=bar)],
    )
    response = stock.query(OSLO)
    assert response.response == ""
    assert [each.node.node_id for each in response.source_nodes] == [each.passage.passage_id for each in ours[:3]]
    for found, each in zip(response.source_nodes, ours, strict=False):
        text = assistant.index.document(found.node.ref_doc_id).text
        assert text[found.node.start_char_idx : found.node.end_char_idx] == found.node.text == each.passage.text
        assert found.score == each.score
    assert asyncio.run(stock.aquery(OSLO)).source_nodes == response.source_nodes
