"""What happens when somebody asks, stops or begins anew; the conversation itself stays on the server."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from assistant.answering import Assistant, checked
from assistant.living import LiveAssistant
from assistant.page import messages
from assistant.page.examples import EXAMPLES
from assistant.page.front import Front
from assistant.page.streaming import paced
from assistant.types import Answer, Turn
from index.errors import BackchannelError

__all__ = ["Callbacks", "Conversation", "stopped"]

SEARCHING = "Looking through the articles…"
LOG = logging.getLogger(__name__)
FAULT = "Something went wrong here, and the reason is in the server's log. Ask again, or start a new conversation."
REMEMBERED = 20  # exchanges kept of a conversation; older ones scroll out of it
SHOWN = 300  # characters of a question that could not be asked

Yielded = tuple[Any, ...]  # (box, chat, sources, status, follow-up, conversation, masthead), as Gradio takes them


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said: `turns` for the assistant, `shown` as (question, answer) in the chat's Markdown.

    Nothing of it is taken from the browser, where it could be forged.
    """

    turns: tuple[Turn, ...] = ()
    shown: tuple[tuple[str, str], ...] = ()

    def asked(self, question: str) -> "Conversation":
        """With one more question; its answer is still empty."""
        turns = (*self.turns, Turn("user", question))[-2 * REMEMBERED :]
        return Conversation(turns, (*self.shown, (messages.asked(question), ""))[-REMEMBERED:])

    def answered(self, markdown: str) -> "Conversation":
        """With this as the answer to its last question, so far."""
        return replace(self, shown=(*self.shown[:-1], (self.shown[-1][0], markdown)))

    def to_chatbot(self) -> list[dict[str, str]]:
        """As Gradio's Chatbot takes it."""
        roles = ("user", "assistant")
        return [{"role": r, "content": text} for pair in self.shown for r, text in zip(roles, pair, strict=True)]


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Each question is asked of the assistant that is current then, and answered by that one to its end."""

    live: LiveAssistant
    front: Front

    def ask(
        self, question: str | None, conversation: Conversation, request: gr.Request | None = None
    ) -> Iterator[Yielded]:
        """One question and its growing answer; what cannot be asked stays in its box, with a sentence on why."""
        question = (question or "").encode("utf-8", "replace").decode().strip()  # a browser can send lone surrogates
        same = gr.skip()
        if not question:
            yield same, same, same, messages.status("Type a question first"), same, same, same
            return
        try:
            question = checked(question)
        except BackchannelError as error:
            refusal = Conversation(shown=conversation.shown).asked(shortened(question))
            refusal = refusal.answered(messages.refused(error))
            yield same, refusal.to_chatbot(), same, messages.status("Not asked"), hidden(), same, same
            return
        history = conversation.turns
        conversation = conversation.asked(question).answered(messages.aside(SEARCHING))
        assistant = self.live.current()
        busy, line = messages.status("Answering…", busy=True), self.front.line(assistant)
        yield "", conversation.to_chatbot(), same, busy, hidden(), conversation, line
        address = request.client.host if request and request.client else ""
        yield from self.answer(assistant, question, history, conversation, address)

    def answer(
        self,
        assistant: Assistant,
        question: str,
        history: tuple[Turn, ...],
        conversation: Conversation,
        address: str,
    ) -> Iterator[Yielded]:
        """The answer as it grows, then whole; nothing new now and then, so that one who has left can be noticed."""
        same = gr.skip()
        before = 0
        try:
            for answer, words in paced(assistant.stream(question, history, address=address)):
                if words == before:
                    yield same, same, same, same, same, same, same
                    continue
                before = words or 0
                conversation = conversation.answered(messages.answered(answer, words))
                if words is None:
                    yield finished(answer, conversation)
                else:
                    yield same, conversation.to_chatbot(), messages.cards(answer), same, same, conversation, same
        except BackchannelError as error:
            conversation = conversation.answered(messages.refused(error))
            yield same, conversation.to_chatbot(), same, messages.status("No answer"), same, conversation, same
        except Exception:  # a fault of ours: its traceback belongs in the log, a sentence on the page; no question does
            LOG.exception("A question was not answered")
            conversation = conversation.answered(messages.aside(FAULT))
            yield same, conversation.to_chatbot(), same, messages.status("No answer"), same, conversation, same

    def clear(self) -> Yielded:
        """A new conversation."""
        now = self.live.current()
        line, contents = self.front.line(now), self.front.contents(now)
        return "", [], contents, messages.status("New conversation"), hidden(), Conversation(), line


def finished(answer: Answer, conversation: Conversation) -> Yielded:
    """The last yield of an answer."""
    turn = Turn("assistant", answer.text or "The articles do not cover this.")
    conversation = replace(conversation, turns=(*conversation.turns, turn))
    done = messages.status(messages.ready(answer))
    follow = follow_up(answer.question, conversation)
    return gr.skip(), conversation.to_chatbot(), messages.cards(answer), done, follow, conversation, gr.skip()


def follow_up(question: str, conversation: Conversation) -> Any:
    """The follow-up of an example question, unless it was asked already."""
    then = EXAMPLES.get(question, "")
    said = any(turn.content == then for turn in conversation.turns)
    return gr.update(value=then, visible=True) if then and not said else hidden()


def hidden() -> Any:
    """No follow-up."""
    return gr.update(visible=False)


def shortened(question: str) -> str:
    """The beginning of a question that may be very long."""
    return question if len(question) <= SHOWN else f"{question[:SHOWN]}…"


def stopped() -> str:
    """The status line of an answer that was stopped; what was written of it stays."""
    return messages.status("Stopped")
