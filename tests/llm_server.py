"""A fake language-model server: OpenAI's streaming chat protocol over HTTP on loopback, well-behaved or not.

    with LLMServer(reply=copying) as server: ...             # every answer is what `reply` makes of the request
    with LLMServer("500", "well", reply="It began. [1]"): ...  # the first request fails, all later ones do not

No model is behind it. `BEHAVIOURS` names all that it can do; `HTTP 429` and the like answer with that status.
"""

import json
import re
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from assistant.answering import Assistant
from assistant.settings import AssistantSettings
from assistant.writing.breaker import Breaker
from assistant.writing.budget import Budget
from assistant.writing.llm import LanguageModel
from assistant.writing.models import openai_compatible
from index.sentences import sentence_spans
from index.tokens import count_tokens

__all__ = ["BEHAVIOURS", "KEY", "LLMServer", "Seen", "Serve", "asking", "copying", "passages_in", "prompt_in", "until"]

KEY = "canary-key-5d1f"  # sent to the server, and to be found nowhere else

PIECE = 9  # characters of an answer in one event
LOOK = 0.01  # seconds between two looks at whether the client has gone
PATIENCE = 60.0  # seconds after which a fake gives up a client that never leaves: a failed test must end

Reply = Callable[[dict[str, Any]], str]


class GoneError(Exception):
    """The client has closed the connection, or the fake is being closed."""


@dataclass
class Seen:
    """One request: what came, what went, and when (`time.monotonic`) the client left before the fake was done."""

    body: dict[str, Any]
    headers: dict[str, str]
    said: list[str] = field(default_factory=list)
    left: float | None = None

    @property
    def tokens(self) -> int:
        """What a provider would bill: the messages and the words that were sent, by o200k_base."""
        return sum(count_tokens(m["content"]) for m in self.body["messages"]) + count_tokens("".join(self.said))


class LLMServer(ThreadingHTTPServer):
    """A fake. Its n-th request meets the n-th behaviour, all later ones the last."""

    daemon_threads = False  # they are waited for when it closes

    def __init__(self, *behaviours: str, reply: Reply | str = "It began in London. [1]", pace: float = 0.0) -> None:
        self.behaviours = behaviours or ("well",)
        self.reply = (lambda body: reply) if isinstance(reply, str) else reply
        self.pace = pace  # seconds between two pieces of an answer
        self.requests: list[Seen] = []
        self.connections = 0  # ever opened
        self.open = 0
        self.closing = threading.Event()
        self.counting = threading.Lock()
        super().__init__(("127.0.0.1", 0), Call, bind_and_activate=False)
        self.server_bind()
        self.listener: threading.Thread | None = None
        if self.behaviours[0] != "no connection":  # bound and not listening: nobody else can take the port
            self.server_activate()
            self.listener = threading.Thread(target=self.serve_forever, args=(LOOK,), name="fake-llm", daemon=True)
            self.listener.start()

    @property
    def address(self) -> str:
        """What `llm_base_url` has to be."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    @property
    def left(self) -> list[float]:
        """When (`time.monotonic`) clients left before the fake was done with them."""
        return [seen.left for seen in self.requests if seen.left is not None]

    @property
    def tokens(self) -> int:
        """What all requests came to."""
        return sum(seen.tokens for seen in self.requests)

    def count(self, change: int) -> None:
        with self.counting:
            self.open += change
            self.connections += change > 0

    def close(self) -> None:
        """Ends every connection and thread."""
        self.closing.set()
        if self.listener is not None:
            self.shutdown()
            self.listener.join()
        self.server_close()

    def __exit__(self, *args: object) -> None:
        self.close()


class Call(BaseHTTPRequestHandler):
    """One connection, which is one request."""

    protocol_version = "HTTP/1.1"
    server: LLMServer
    connection: socket.socket

    def handle(self) -> None:
        self.server.count(1)
        try:
            if self.server.behaviours[0] != "closes at once":
                super().handle()
        finally:
            self.server.count(-1)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen = Seen(body, {name.lower(): value for name, value in self.headers.items()})
        with self.server.counting:
            number = len(self.server.requests)
            self.server.requests.append(self.seen)
        behaviours = self.server.behaviours
        behaviour = behaviours[min(number, len(behaviours) - 1)]
        self.close_connection = True
        self.begun = time.monotonic()
        try:
            if behaviour.startswith("HTTP "):
                self.refuse(int(behaviour[5:]))
            else:
                BEHAVIOURS[behaviour](self, self.server.reply(body))
        except GoneError:
            pass

    def log_message(self, *args: object) -> None:
        """Silent."""

    # -- what behaviours are made of -----------------------------------------------------------------------------------

    def look(self, seconds: float = 0.0) -> None:
        """Waits, with an eye on the client; `GoneError` as soon as it has left."""
        until = time.monotonic() + seconds
        while True:
            try:
                if select.select([self.connection], [], [], 0)[0] and not self.connection.recv(1, socket.MSG_PEEK):
                    raise ConnectionResetError
            except OSError as error:
                self.seen.left = time.monotonic()
                raise GoneError from error
            now = time.monotonic()
            if self.server.closing.is_set() or now > self.begun + PATIENCE:
                raise GoneError
            if now >= until:
                return
            time.sleep(min(LOOK, until - now))

    def put(self, content: bytes) -> None:
        """Writes bytes as they are."""
        self.look()
        try:
            self.wfile.write(content)
        except OSError as error:
            self.seen.left = time.monotonic()
            raise GoneError from error

    def start(self, kind: str = "text/event-stream; charset=utf-8") -> None:
        """The head of an answer of status 200."""
        self.look()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        with suppress(OSError):
            self.end_headers()

    def chunk(self, content: bytes) -> None:
        """A chunk of HTTP/1.1."""
        self.put(b"%x\r\n%s\r\n" % (len(content), content))

    def event(self, data: str) -> None:
        """An event of an event stream."""
        self.chunk(f"data: {data}\n\n".encode())

    def delta(self, finish: str | None = None, **delta: str) -> None:
        """An event of the protocol."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        whole = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "fake"}
        self.event(json.dumps({**whole, "choices": [choice]}))

    def role(self) -> None:
        """The first event: it has no words."""
        self.start()
        self.delta(role="assistant", content="")

    def say(self, text: str, pace: float | None = None, piece: int = PIECE) -> None:
        """Words, a few at a time."""
        for at in range(0, len(text), piece):
            words = text[at : at + piece]
            self.delta(content=words)
            self.seen.said.append(words)
            self.look(self.server.pace if pace is None else pace)

    def done(self, reason: str = "stop") -> None:
        """The end as the protocol has it."""
        self.delta(finish=reason)
        self.event("[DONE]")
        self.end()

    def end(self) -> None:
        """The end of the body."""
        self.chunk(b"")

    def refuse(self, status: int) -> None:
        """An error as OpenAI's servers send it; it repeats the key, as some do."""
        said = f"The fake was told to. Key: {self.headers.get('Authorization')}"
        content = json.dumps({"error": {"message": said, "type": "fake", "param": None, "code": None}}).encode()
        head = f"HTTP/1.1 {status} Fake\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        self.put(f"{head}Connection: close\r\n\r\n".encode() + content)


# -- behaviours ----------------------------------------------------------------------------------------------------


def well(call: Call, text: str) -> None:
    call.role()
    call.say(text)
    call.done()


def hang_before_the_head(call: Call, text: str) -> None:
    call.look(PATIENCE)


def hang_before_the_first_token(call: Call, text: str) -> None:
    call.role()
    call.look(PATIENCE)


def hang_after_the_first_tokens(call: Call, text: str) -> None:
    call.role()
    call.say(text[: len(text) // 2])
    call.look(PATIENCE)


def web_page(call: Call, text: str) -> None:
    call.start("text/html; charset=utf-8")
    call.chunk(b"<!doctype html>\n<html><head><title>Sign in</title></head>\n<body><p>data: no</p></body></html>\n")
    call.end()


def empty_answer(call: Call, text: str) -> None:
    call.role()
    call.done()


def blank_answer(call: Call, text: str) -> None:
    call.role()
    call.say(" \n \n")
    call.done()


def no_events(call: Call, text: str) -> None:
    call.start()
    call.end()


def endless_words(call: Call, text: str) -> None:
    call.role()
    while True:
        call.say(f"{text} ", 0.0, 200)


def endless_line(call: Call, text: str) -> None:
    """One event that never ends: what reads lines keeps it all."""
    call.role()
    call.chunk(b"data: ")
    while True:
        call.chunk(b"x" * 65536)


def endless_silence(call: Call, text: str) -> None:
    """Events without words, and comments, for ever."""
    call.role()
    while True:
        call.delta()
        call.chunk(b": still there\n\n")
        call.look(0.01)


def endless_thinking(call: Call, text: str) -> None:
    call.role()
    call.say("<think>")
    while True:
        call.say("It may be so, or it may not. ", 0.05, 100)


def drip(call: Call, text: str) -> None:
    call.role()
    while True:
        call.say(text, 0.3, 1)


def invalid_utf8(call: Call, text: str) -> None:
    call.role()
    call.say(text[: len(text) // 2])
    call.chunk(b'data: {"choices": [{"index": 0, "delta": {"content": "Talks \xff\xfe\xc3("}}]}\n\n')
    call.done()


def cut_inside_a_chunk(call: Call, text: str) -> None:
    call.role()
    call.say(text[: len(text) // 2])
    call.put(b'400\r\ndata: {"choices": [{"in')


def cut_between_chunks(call: Call, text: str) -> None:
    """The socket is closed after a whole event; the last chunk, of length 0, is missing."""
    call.role()
    call.say(text[: len(text) // 2])


def cut_cleanly(call: Call, text: str) -> None:
    """A proxy's way: the body ends as HTTP has it, but neither a finish_reason nor [DONE] has come."""
    call.role()
    call.say(text[: len(text) // 2])
    call.end()


def wrong_json(call: Call, text: str) -> None:
    call.role()
    call.say(text[: len(text) // 2])
    call.event('{"choices": [{"index": 0, "delta": {"content": "Talks')
    call.done()


def other_json(call: Call, text: str) -> None:
    """JSON of another protocol."""
    call.start()
    call.event('{"choices": "none", "response": "Talks began."}')
    call.event("[1, 2, 3]")
    call.done()


def error_in_the_stream(call: Call, text: str) -> None:
    call.role()
    call.say(text[: len(text) // 2])
    call.event(json.dumps({"error": {"message": "out of memory at 10.0.0.7", "type": "server_error"}}))
    call.end()


def redirect(call: Call, text: str) -> None:
    """To wherever `reply` says."""
    call.put(f"HTTP/1.1 307 Fake\r\nLocation: {text}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())


def cut_at_the_cap(call: Call, text: str) -> None:
    """As a model does that has reached max_tokens."""
    call.role()
    call.say(text)
    call.done("length")


def ignore_the_cap(call: Call, text: str) -> None:
    """A long answer that ends, beyond any max_tokens."""
    call.role()
    call.say(f"{text} " * (1 + 20_000 // len(text)), 0.0, 100)
    call.done()


def think_aloud(call: Call, text: str) -> None:
    call.role()
    call.say("<think>\nThe passages say [1] much. Let me see.\n</think>\n\n")
    call.say(text)
    call.done()


def reason_apart(call: Call, text: str) -> None:
    """As models do whose server keeps their thoughts in a field of its own."""
    call.role()
    for _ in range(5):
        call.delta(reasoning_content="The passages say much. ")
        call.look(0.3)
    call.say(text)
    call.done()


BEHAVIOURS: dict[str, Callable[[Call, str], None]] = {
    "well": well,
    # of the connection
    "no connection": well,  # never called
    "closes at once": well,  # never called
    "hangs before the head": hang_before_the_head,
    "hangs before the first token": hang_before_the_first_token,
    "hangs after the first tokens": hang_after_the_first_tokens,
    "cut inside a chunk": cut_inside_a_chunk,
    "cut between chunks": cut_between_chunks,
    "cut cleanly": cut_cleanly,
    "redirect": redirect,
    # of the protocol
    "web page": web_page,
    "no events": no_events,
    "invalid UTF-8": invalid_utf8,
    "wrong JSON": wrong_json,
    "other JSON": other_json,
    "error in the stream": error_in_the_stream,
    # of the model
    "empty answer": empty_answer,
    "blank answer": blank_answer,
    "endless words": endless_words,
    "endless line": endless_line,
    "endless silence": endless_silence,
    "endless thinking": endless_thinking,
    "drip": drip,
    "ignores the cap": ignore_the_cap,
    # not wrong
    "cut at the cap": cut_at_the_cap,
    "thinks aloud": think_aloud,
    "reasons apart": reason_apart,
}


# -- for tests -----------------------------------------------------------------------------------------------------


Serve = Callable[..., LLMServer]


def asking(
    assistant: Assistant,
    server: LLMServer,
    budget: Budget | None = None,
    breaker: Breaker | None = None,
    **settings: Any,
) -> Assistant:
    """The same assistant with the fake as its language model. Nothing is written to its home, which tests share."""
    named = {"llm_base_url": server.address, "llm_model": "fake", "llm_api_key": KEY, "llm_context_tokens": 800}
    chosen = AssistantSettings.load(**(named | settings))
    budget = budget or Budget(chosen.llm_daily_tokens, chosen.llm_address_tokens)
    model = LanguageModel(openai_compatible(chosen), chosen, budget, breaker or Breaker())
    return Assistant(assistant.index, chosen, language_model=model, reader=assistant.reader)


# -- for replies -----------------------------------------------------------------------------------------------------


def prompt_in(body: dict[str, Any]) -> str:
    """The asker's message of a request."""
    return str(body["messages"][-1]["content"])


def passages_in(body: dict[str, Any]) -> dict[int, str]:
    """The passages of a request by their numbers."""
    found = re.findall(r'<passage number="(\d+)" title="[^"]*">\n(.*?)\n</passage>', prompt_in(body), re.S)
    return {int(number): text for number, text in found}


def copying(body: dict[str, Any]) -> str:
    """A reply: a sentence of the best two passages each, word for word, with its mark."""
    written = [f"{sentence} [{number}]" for number, text in passages_in(body).items() for sentence in plain(text)]
    return " ".join(dict.fromkeys(written[:2]))


def plain(passage: str) -> Iterator[str]:
    """The first sentence of a passage that stands there as it does in its article, without headings or quotes."""
    for paragraph in passage.split("\n\n"):
        for span in sentence_spans(paragraph, 0, len(paragraph)):
            sentence = paragraph[span.start : span.end]
            if len(sentence.split()) > 6 and sentence.endswith(".") and not set("‹›“”\n[") & set(sentence):
                yield sentence
                return


def until(met: Callable[[], Any], seconds: float = 5.0) -> bool:
    """Waits until something is so; whether it came to that in time."""
    end = time.monotonic() + seconds
    while not met():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True
