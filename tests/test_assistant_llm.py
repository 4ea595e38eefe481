"""The language-model writer against a scripted OpenAI-compatible server on loopback, through llama-index's client."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from assistant.answering import Assistant
from assistant.settings import AssistantSettings
from assistant.writing.llm import configured, split_sentences
from index.tokens import count_tokens

QUESTION = "How did the Oslo talks start?"


class ScriptedServer(ThreadingHTTPServer):
    """A fake: streams the text it was given, whatever is asked, and keeps what it was sent."""

    def __init__(self, script: str, status: int = 200, cut_after: int | None = None, delay: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), Reply)
        self.script, self.status, self.cut_after, self.delay = script, status, cut_after, delay
        self.requests: list[dict] = []
        self.released = threading.Event()


class Reply(BaseHTTPRequestHandler):
    server: ScriptedServer

    def do_POST(self) -> None:
        self.server.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        if self.server.status != 200:
            self.send_error(self.server.status)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        pieces = [self.server.script[i : i + 9] for i in range(0, len(self.server.script), 9)]
        for number, piece in enumerate(pieces):
            if number == self.server.cut_after:
                self.server.released.wait(self.server.delay)
                return
            choice = {"index": 0, "delta": {"role": "assistant", "content": piece}, "finish_reason": None}
            self.event(
                {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": [choice]}
            )
        self.wfile.write(b"data: [DONE]\n\n")

    def event(self, body: dict) -> None:
        self.wfile.write(f"data: {json.dumps(body)}\n\n".encode())
        self.wfile.flush()

    def log_message(self, *args: object) -> None:
        """Silent."""


@pytest.fixture
def scripted() -> Iterator:
    servers = []

    def start(script: str, **how: object) -> ScriptedServer:
        server = ScriptedServer(script, **how)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    yield start
    for server in servers:
        server.released.set()
        server.shutdown()
        server.server_close()


def asking(assistant: Assistant, server: ScriptedServer, **settings: object) -> Assistant:
    """The library's assistant with the scripted model."""
    address = f"http://127.0.0.1:{server.server_port}/v1"
    chosen = AssistantSettings.load(llm_base_url=address, llm_model="scripted", llm_api_key="canary-key", **settings)
    return Assistant(assistant.index, chosen, language_model=configured(chosen), reader=assistant.reader)


def number_of(assistant: Assistant, words: str) -> int:
    """The number under which a passage holding the words stands in the prompt."""
    texts = [each.passage.text for each in assistant.search(QUESTION)]
    return next(i for i, text in enumerate(texts, 1) if words in text)


def test_a_model_s_sentences_are_tied_to_exact_spans(assistant: Assistant, scripted) -> None:
    n = number_of(assistant, "Yair Hirschfeld met the PLO's Ahmed Qurei in London")
    server = scripted(
        f"Yair Hirschfeld met Ahmed Qurei in London in December 1992. [{n}] "
        f"They agreed in 1971 [{n}]. Nobody knows [99]."
    )
    answer = asking(assistant, server).ask(QUESTION)
    assert answer.writer == "llm"
    assert answer.outcome == "answered"
    assert [sentence.text for sentence in answer.sentences] == [
        "Yair Hirschfeld met Ahmed Qurei in London in December 1992.",
        "They agreed in 1971.",
        "Nobody knows.",
    ]
    assert [sentence.support for sentence in answer.sentences] == ["supported", "unsupported", "unsupported"]
    assert answer.sentences[2].citations == (), "there is no passage 99"
    citation = answer.citations[answer.sentences[0].citations[0] - 1]
    assert citation.quote == assistant.index.document(citation.doc_id).text[citation.start : citation.end]
    assert "Hirschfeld" in citation.quote
    assert answer.ledger == {"sentences": 3, "quoted": 0, "supported": 1, "unsupported": 2, "uncited": 1}


def test_it_streams_a_sentence_at_a_time(assistant: Assistant, scripted) -> None:
    server = scripted("One thing was said here. [1] Another thing was said there. [1] A third came last. [1]")
    lengths = [len(answer.sentences) for answer in asking(assistant, server).stream(QUESTION)]
    assert lengths[0] == 1
    assert lengths == sorted(lengths)
    assert lengths[-1] == 3


def test_the_prompt_holds_numbered_passages_within_the_budget_and_no_key(assistant: Assistant, scripted) -> None:
    server = scripted("It began in London. [1]")
    asking(assistant, server, llm_context_tokens=700).ask(QUESTION)
    (sent,) = server.requests
    prompt = sent["messages"][-1]["content"]
    assert sent["messages"][0]["role"] == "system"
    assert sent["max_tokens"] == 600
    assert prompt.count("<passage number=") >= 2
    assert count_tokens(prompt) <= 700 + count_tokens(QUESTION) + 10
    assert "canary-key" not in json.dumps(sent)
    best = assistant.search(QUESTION)[0].passage.text
    assert best.replace('"', "”")[:80] in prompt


@pytest.mark.parametrize(
    "how",
    [{"script": "x", "status": 500}, {"script": "x", "status": 429}, {"script": ""}, {"script": "  "}],
    ids=["500", "429", "no words", "blanks"],
)
def test_a_failing_model_leaves_the_extractive_answer_and_one_notice(assistant: Assistant, scripted, how: dict) -> None:
    answer = asking(assistant, scripted(**how)).ask(QUESTION)
    assert answer.writer == "extractive"
    assert len(answer.notices) == 1
    assert answer.notices[0].startswith("The language model did not answer (")
    assert [s.text for s in answer.sentences] == [s.text for s in assistant.ask(QUESTION).sentences]


def test_no_server_at_all(assistant: Assistant) -> None:
    chosen = AssistantSettings.load(llm_base_url="http://127.0.0.1:9/v1", llm_model="none")
    answer = Assistant(assistant.index, chosen, language_model=configured(chosen)).ask(QUESTION)
    assert (answer.writer, len(answer.notices)) == ("extractive", 1)


@pytest.mark.slow
def test_a_hanging_model_is_given_up_in_time(assistant: Assistant, scripted) -> None:
    server = scripted("A first sentence comes. [1] And then nothing more of it ever does. [1]", cut_after=4, delay=30.0)
    answer = asking(assistant, server, llm_timeout=1.0).ask(QUESTION)
    assert answer.writer == "extractive"
    assert answer.timings_ms["total"] < 10_000


def test_a_model_that_finds_nothing_is_believed(assistant: Assistant, scripted) -> None:
    answer = asking(assistant, scripted("NOT COVERED")).ask(QUESTION)
    assert (answer.outcome, answer.sentences, len(answer.nearest)) == ("not_covered", (), 3)


def test_sentences_with_their_marks() -> None:
    text = "They met on 4 Jan. 1993. [1] Gen. Smith left [2], and J. Hume came [3].\nIt ended. [1][2]"
    assert split_sentences(text) == [
        "They met on 4 Jan. 1993. [1]",
        "Gen. Smith left [2], and J. Hume came [3].",
        "It ended. [1][2]",
    ]


def test_any_llama_index_model_will_do(assistant: Assistant) -> None:
    from llama_index.core.llms import MockLLM

    answer = Assistant(assistant.index, assistant.settings, language_model=MockLLM(max_tokens=5)).ask(QUESTION)
    assert answer.writer == "llm"


def test_our_retriever_as_a_llama_index_one(assistant: Assistant) -> None:
    from assistant.adapters import BackchannelRetriever

    found = BackchannelRetriever(assistant, k=3).retrieve(QUESTION)
    ours = assistant.search(QUESTION, 3)
    assert [each.node.node_id for each in found] == [each.passage.passage_id for each in ours]
    assert [each.score for each in found] == [each.score for each in ours]
    node = found[0].node
    document = assistant.index.document(node.metadata["doc_id"])
    assert node.get_content() == document.text[node.metadata["start"] : node.metadata["end"]]
