"""What happens when somebody asks, stops, or opens a conversation again. The conversation is the browser's: it comes
with each question as receipts, of which nothing is believed unchecked, and its newest exchange goes back as one.
"""

import json
import logging
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import gradio as gr

from assistant.answering import Assistant, checked
from assistant.conversations import CUT, answer_of, borne_out, read, turns_of
from assistant.living import LiveAssistant
from assistant.page import messages
from assistant.page.examples import EXAMPLES
from assistant.page.front import Front
from assistant.page.limits import remember
from assistant.page.metrics import counted
from assistant.page.stopping import until
from assistant.page.streaming import paced
from assistant.receipts import Receipt, filters_of, receipt_of, to_json
from assistant.shortening import shortened
from assistant.suggesting import Suggestions
from assistant.types import Answer, Turn
from index.errors import BackchannelError
from index.filters import Filters

__all__ = ["Callbacks"]

SEARCHING = "Looking through the articles…"
LOG = logging.getLogger(__name__)
FAULT = "Something went wrong here, and the reason is in the server's log. Ask again, or start a new conversation."
STOPPED = "Stopped before its end."
REMEMBERED = 20  # exchanges shown of a conversation, and leant upon; older ones scroll out of it
SHOWN = 300  # characters of a question that could not be asked
UNDER_WAY = 256  # answers that can be stopped; those of readers who have left are forgotten, oldest first

Yielded = tuple[Any, ...]  # (box, chat, sources, status, next questions, record, masthead), as Gradio takes them


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with all that decides its answer."""

    assistant: Assistant
    question: str
    history: tuple[Turn, ...]
    filters: Filters
    address: str

    def record(self, answer: Answer) -> str:
        """The exchange as the browser keeps it; the id tells it from one of the same words."""
        receipt = receipt_of(self.assistant, answer, self.history, self.filters)
        return json.dumps({"id": uuid4().hex, "receipt": to_json(receipt)}, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Each question is asked of the assistant that is current then, and answered by that one to its end."""

    live: LiveAssistant
    front: Front
    under_way: OrderedDict[str, tuple[Asked, Answer, int]] = field(default_factory=OrderedDict)
    suggestions: dict[str, Suggestions] = field(default_factory=dict)

    def ask(
        self,
        question: str | None,
        kept: str | None,
        period: str | None = "",
        regions: Sequence[str] = (),
        topics: Sequence[str] = (),
        track: Sequence[str] = (),
        request: gr.Request | None = None,
    ) -> Iterator[Yielded]:
        """One question and its growing answer; what cannot be asked stays in its box, with a sentence on why."""
        question = (question or "").encode("utf-8", "replace").decode().strip()  # a browser can send lone surrogates
        same = gr.skip()
        if not question:
            yield same, same, same, messages.status("Type a question first"), same, same, same
            return
        assistant = self.live.current()
        try:
            before = read(kept or "")[-REMEMBERED:]
        except BackchannelError as error:
            yield refused(question, [], error)
            return
        earlier = shown(before, believed(before, assistant))
        try:
            question = checked(question)
            filters = Filters.parse(period or "", regions or (), topics or (), track or ())
        except BackchannelError as error:
            yield refused(question, earlier, error)
            return
        chat = [*earlier, *pair(messages.asked(question, filters), messages.aside(SEARCHING))]
        busy, line = messages.status("Answering…", busy=True), self.front.line(assistant)
        yield "", chat, same, busy, messages.questions("", ()), same, line
        address = request.client.host if request and request.client else ""
        session = (request.session_hash if request else "") or ""
        yield from self.answer(Asked(assistant, question, turns_of(before), filters, address), earlier, session)

    def answer(self, asked: Asked, earlier: list[dict[str, str]], session: str) -> Iterator[Yielded]:
        """The answer as it grows, then whole, then what could be asked next; nothing new now and then, so that one who
        has left can be noticed.
        """
        same = gr.skip()
        words, answer, cited = 0, None, None
        question = messages.asked(asked.question, asked.filters)
        try:
            stream = asked.assistant.stream(asked.question, asked.history, asked.filters, asked.address)
            for answer, now in paced(counted(until(self.live.ending, stream), "page")):
                if now == words:
                    yield same, same, same, same, same, same, same
                    continue
                words = now or 0
                self.note(session, asked, answer, words)
                chat = [*earlier, *pair(question, messages.answered(answer, now))]
                if now is not None:  # the cards change with a sentence, not with each dozen of words
                    cards = same if answer.citations is cited else messages.cards(answer)
                    cited = answer.citations
                    yield same, chat, cards, same, same, same, same
                    continue
                self.under_way.pop(session, None)
                done = messages.status(messages.ready(answer))
                yield same, chat, messages.cards(answer), done, same, asked.record(answer), same
            if answer is not None and (following := self.following(asked, answer)):
                title = "Ask next" if answer.outcome == "answered" else "What the articles do answer"
                yield same, same, same, same, messages.questions(title, following), same, same
        except BackchannelError as error:
            chat = [*earlier, *pair(question, messages.refused(error))]
            yield same, chat, same, messages.status("No answer"), same, same, same
        except Exception:  # a fault of ours: its traceback belongs in the log, a sentence on the page; no question does
            LOG.exception("A question was not answered")
            chat = [*earlier, *pair(question, messages.aside(FAULT))]
            yield same, chat, same, messages.status("No answer"), same, same, same

    def following(self, asked: Asked, answer: Answer) -> tuple[str, ...]:
        """Questions that the articles answer: the follow-up of an example first."""
        assistant = asked.assistant
        generation = assistant.index.status().generation
        if generation not in self.suggestions:
            self.suggestions.clear()
            self.suggestions[generation] = Suggestions(assistant)
        said = [turn.content for turn in asked.history if turn.role == "user"]
        found = self.suggestions[generation].next_questions(answer, [*said, answer.question], asked.filters)
        then = EXAMPLES.get(answer.question, "")
        return (*([then] if then and then not in said else []), *found)[:3]

    def note(self, session: str, asked: Asked, answer: Answer, words: int) -> None:
        """Remembers how far an answer has come, in case it is stopped."""
        remember(self.under_way, session, (asked, answer, words), UNDER_WAY)

    def stopped(self, request: gr.Request | None = None) -> tuple[str, Any]:
        """The status line of an answer that was stopped, and what was written of it as its record."""
        status = messages.status("Stopped")
        asked, answer, words = self.under_way.pop((request.session_hash if request else "") or "", (None, None, 0))
        if asked is None or answer is None:
            return status, gr.skip()
        return status, asked.record(begun(answer, words))

    def restored(self, kept: str | None) -> Yielded:
        """A conversation that the browser has kept, or a new one."""
        assistant = self.live.current()
        try:
            receipts = read(kept or "")[-REMEMBERED:]
        except BackchannelError as error:
            return refused("", [], error)
        line, nothing = self.front.line(assistant), messages.questions("", ())
        if not receipts:
            return "", [], self.front.contents(), messages.status("New conversation"), nothing, "", line
        answers = believed(receipts, assistant)
        status = messages.status("Conversation opened")
        return "", shown(receipts, answers), messages.cards(answers[-1]), status, nothing, "", line


def begun(answer: Answer, words: int) -> Answer:
    """What was shown of an answer when it was stopped: its whole sentences, and the beginning of the next."""
    sentences, left = [], words
    for each in answer.sentences:
        said = each.text.split()
        if left <= 0:
            break
        whole = len(said) <= left
        cut = replace(each, text=f"{' '.join(said[:left])}{CUT}", short=None)
        sentences.append(each if whole else cut)
        left -= len(said)
    numbers = {number for each in sentences for number in each.citations}
    cited = tuple(each for each in answer.citations if each.number in numbers)
    return replace(answer, sentences=tuple(sentences), citations=cited, notices=(*answer.notices, STOPPED))


def believed(receipts: Sequence[Receipt], assistant: Assistant) -> list[Answer]:
    """Earlier answers without the citations that do not stand in the articles, and a line on how many those are."""
    answers = []
    for receipt in receipts:
        answer, gone = borne_out(answer_of(receipt), assistant.index)
        answers.append(replace(answer, notices=(*answer.notices, messages.lost(gone))) if gone else answer)
    return answers


def shown(receipts: Sequence[Receipt], answers: Sequence[Answer]) -> list[dict[str, str]]:
    """Earlier exchanges as the chat shows them."""
    chat: list[dict[str, str]] = []
    for receipt, answer in zip(receipts, answers, strict=True):
        chat += pair(messages.asked(answer.question, filters_of(receipt)), messages.answered(answer))
    return chat


def pair(question: str, answer: str) -> list[dict[str, str]]:
    """A question and its answer, both as Markdown, as Gradio's Chatbot takes them."""
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def refused(question: str, earlier: list[dict[str, str]], error: BackchannelError) -> Yielded:
    """What is said in place of an answer; the question stays in its box and out of the conversation."""
    same = gr.skip()
    chat = [*earlier, *pair(messages.asked(shortened(question, SHOWN)), messages.refused(error))]
    return same, chat, same, messages.status("Not asked"), messages.questions("", ()), same, same
