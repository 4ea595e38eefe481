"""The language-model writer: growing drafts, each sentence tied to exact spans; every failure is a `WriterError`."""

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from assistant.claim_names import names_met
from assistant.claim_numbers import numbers_met
from assistant.errors import WriterError
from assistant.retrieval import Retrieved
from assistant.settings import MAX_QUESTION, AssistantSettings
from assistant.types import Turn
from assistant.writing.breaker import FAILURES, Breaker
from assistant.writing.budget import Budget
from assistant.writing.calling import LateError, read
from assistant.writing.citing import Citing, split_sentences
from assistant.writing.draft import Draft
from assistant.writing.models import OUTPUT_TOKENS, Reply, Speak, given, openai_compatible, with_retry
from assistant.writing.prompts import NOT_COVERED, REWRITE, SYSTEM, ask_prompt, rewrite_prompt, within_budget
from index.lexical import analyze
from index.protocol import Index
from index.tokens import count_tokens

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

__all__ = ["LanguageModel"]

SENTENCES = 40  # that are checked, some milliseconds each; five are asked for
REWRITE_SECONDS = 8.0  # a question is short, and its answer has not begun
LOG = logging.getLogger(__name__)
CUT = f"The language model was cut off at {OUTPUT_TOKENS} tokens; what it had not finished is left out."


class LanguageModel:
    """A model with what keeps it in bounds: deadlines, one retry, a circuit breaker, a budget of tokens.

    Safe to share between threads.
    """

    def __init__(self, speak: Speak, settings: AssistantSettings, budget: Budget, breaker: Breaker) -> None:
        self.speak = with_retry(speak)
        self.settings = settings
        self.budget = budget
        self.breaker = breaker

    @classmethod
    def configured(cls, settings: AssistantSettings, index: Index) -> "LanguageModel":
        """The one that the settings name; its spending is kept beside the index."""
        return cls(openai_compatible(settings), settings, budget_of(settings, index), Breaker())

    @classmethod
    def given(cls, model: "LLM", settings: AssistantSettings, index: Index) -> "LanguageModel":
        """Any llama-index LLM object."""
        return cls(given(model), settings, budget_of(settings, index), Breaker())

    def write(self, question: str, retrieved: Retrieved, index: Index, address: str = "") -> Iterator[Draft | None]:
        """Growing drafts, a sentence at a time, and None where for a moment nothing has come.

        The last is whole, and empty where the model finds nothing. `WriterError` where the model fails, is late, says
        nothing, or nothing that the passages bear out.
        """
        passages = within_budget([each.passage for each in retrieved.passages], self.settings.llm_context_tokens)
        citing = Citing(passages, index)
        reply = Reply("")
        written = 0
        for newest in self.replies(SYSTEM, ask_prompt(question, passages), self.settings.llm_timeout, address):
            reply = newest or reply
            finished = split_sentences(reply.text)[:-1]  # the last may still grow
            if written < len(finished) <= SENTENCES and not says_nothing(reply.text):
                written = len(finished)
                yield citing.draft(finished)
            else:
                yield None
        if says_nothing(reply.text):
            yield Draft((), ())
            return
        sentences = split_sentences(reply.text)
        if len(sentences) > SENTENCES:
            raise WriterError(f"The language model wrote {len(sentences)} sentences, more than are checked")
        draft = citing.draft(sentences[:-1] if reply.cut else sentences)
        unsupported = sum(each.support == "unsupported" for each in draft.sentences)
        if unsupported == len(draft.sentences):
            raise WriterError(borne_out_nothing(unsupported), draft.sentences)
        yield Draft(draft.sentences, draft.citations, (CUT,) if reply.cut else ())

    def complete(self, question: str, history: Sequence[Turn], address: str = "") -> str:
        """A follow-up as a question of its own; "" where the model fails, or says what the conversation does not."""
        text = ""
        try:
            for reply in self.replies(REWRITE, rewrite_prompt(question, history), REWRITE_SECONDS, address):
                text = reply.text.strip() if reply else text
        except WriterError:
            return ""
        known = " . ".join([*(turn.content for turn in history if turn.role == "user"), question])
        sound = 0 < len(text) <= MAX_QUESTION and "\n" not in text and analyze(text)
        return text if sound and names_met(text, known) and numbers_met(text, known) else ""

    def replies(self, system: str, prompt: str, seconds: float, address: str) -> Iterator[Reply | None]:
        """What the model says, as it comes, and None where for a moment nothing has; `WriterError` on any failure."""
        if not self.breaker.allows():
            raise WriterError(f"The language model failed {FAILURES} times in a row and is left alone for a minute")
        sent = count_tokens(system) + count_tokens(prompt)
        with self.budget.reserve(sent + OUTPUT_TOKENS, address) as reservation:
            if reservation is None:
                raise WriterError("The language model's share of today is used up")
            newest, refused = Reply(""), False
            try:
                first = min(self.settings.llm_first_token_timeout, seconds)
                for reply in read(lambda: self.speak(system, prompt), first, seconds, begins):
                    newest = reply or newest
                    yield reply
                self.breaker.tell(True)
            except (WriterError, LateError) as error:
                self.breaker.tell(False)
                refused = error.__cause__ is not None and not newest.heard  # by the client or a status: not billed
                LOG.warning("The language model did not answer: %s", error)
                raise WriterError(f"The language model did not answer ({error})") from error
            finally:
                reservation.spent = 0 if refused else newest.tries * sent + count_tokens(newest.heard)


def begins(reply: Reply) -> bool:
    """Whether a reply is a sign of life."""
    return bool(reply.text) or reply.thinking


def says_nothing(text: str) -> bool:
    """Whether the model says that the passages do not answer."""
    return text.lstrip().startswith(NOT_COVERED)


def borne_out_nothing(sentences: int) -> str:
    """Why a model's answer is left out."""
    if not sentences:
        return "The language model did not finish a sentence"
    what = "the one sentence" if sentences == 1 else f"any of the {sentences} sentences"
    return f"The articles do not bear out {what} that the language model wrote"


def budget_of(settings: AssistantSettings, index: Index) -> Budget:
    """The budget of the settings; the day's sum is kept in the home of the index."""
    path = index.models.parent / "spent.sqlite"
    return Budget(settings.llm_daily_tokens, settings.llm_address_tokens, path)
