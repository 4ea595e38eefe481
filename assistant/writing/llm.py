"""The language-model writer, over llama-index's LLM interface: sentences with numbers, each tied to an exact span."""

import re
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from assistant.errors import WriterError
from assistant.retrieval import Retrieved
from assistant.settings import AssistantSettings
from assistant.types import AnswerSentence
from assistant.verification import support_of
from assistant.writing.draft import CitationList, Draft
from assistant.writing.prompts import NOT_COVERED, SYSTEM, ask_prompt, within_budget
from index.searching import Index
from index.types import Passage, Span

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

__all__ = ["configured", "write_with_model"]

MARKS = re.compile(r"\s*\[(\d+(?:\s*,\s*\d+)*)\]")
OUTPUT_TOKENS = 600  # five sentences are about 200


def configured(settings: AssistantSettings) -> "LLM":
    """The OpenAI-compatible model of the settings; no request is made yet."""
    from llama_index.llms.openai_like import OpenAILike

    made: LLM = OpenAILike(
        model=settings.llm_model,
        api_base=settings.llm_base_url,
        api_key=settings.llm_api_key.get_secret_value() or "none",
        is_chat_model=True,
        context_window=settings.llm_context_tokens + 4 * OUTPUT_TOKENS,
        max_tokens=OUTPUT_TOKENS,
        temperature=0.0,
        timeout=settings.llm_timeout,
        max_retries=0,
    )
    return made


def write_with_model(
    model: "LLM", question: str, retrieved: Retrieved, index: Index, settings: AssistantSettings
) -> Iterator[Draft]:
    """Growing drafts, a sentence at a time; the last is whole, and empty where the model finds nothing.

    `WriterError` where the model fails, is late, or says nothing.
    """
    passages = within_budget([each.passage for each in retrieved.passages], settings.llm_context_tokens)
    prompt = ask_prompt(question, passages)
    text = ""
    written = 0
    for text in received(model, prompt, settings.llm_timeout):
        sentences = split_sentences(text)[:-1]  # the last may still grow
        if len(sentences) > written and not text.lstrip().startswith(NOT_COVERED):
            written = len(sentences)
            yield cited(sentences, passages, index)
    if not text.strip():
        raise WriterError("it gave an empty answer")
    if text.strip().startswith(NOT_COVERED):
        yield Draft((), ())
    else:
        yield cited(split_sentences(text), passages, index)


def received(model: "LLM", prompt: str, seconds: float) -> Iterator[str]:
    """The text so far, each time more of it has come. Whatever the model's client raises becomes a `WriterError`."""
    from llama_index.core.llms import ChatMessage, MessageRole

    messages = [
        ChatMessage(role=MessageRole.SYSTEM, content=SYSTEM),
        ChatMessage(role=MessageRole.USER, content=prompt),
    ]
    deadline = time.monotonic() + seconds
    try:
        stream: Any = model.stream_chat(messages)
        for response in stream:
            yield response.message.content or ""
            if time.monotonic() > deadline:
                stream.close()
                raise WriterError(f"it was not done after {seconds:g} seconds")
    except WriterError:
        raise
    except Exception as error:  # any client, any transport: its errors have no common base
        raise WriterError(f"{type(error).__name__}: {str(error)[:120]}") from error


def split_sentences(text: str) -> list[str]:
    """A model's text as sentences, each with the marks that follow it; what has no mark is split at its full stops."""
    from index.sentences import sentence_spans

    found: list[str] = []
    for line in text.splitlines():
        for span in sentence_spans(line, 0, len(line)):
            piece = line[span.start : span.end]
            marks = re.match(r"(?:\[\d[\d, ]*\]\s*)+", piece)
            if marks and found:  # marks after the full stop belong to the sentence before
                found[-1] = f"{found[-1]} {marks[0].strip()}"
                piece = piece[marks.end() :]
            if piece:
                found.append(piece)
    return found


def cited(sentences: Sequence[str], passages: Sequence[Passage], index: Index) -> Draft:
    """Each sentence tied to the best span of each passage it names, and marked with how well it is supported."""
    citations = CitationList(index.document)
    made: list[AnswerSentence] = []
    for sentence in sentences:
        numbers = [int(n) for group in MARKS.findall(sentence) for n in re.findall(r"\d+", group)]
        text = MARKS.sub("", sentence).strip()
        if not text:
            continue
        vector = index.embedder.embed_query(text)
        named = [passages[number - 1] for number in dict.fromkeys(numbers) if 0 < number <= len(passages)]
        best = [max(index.sentences(vector, [passage.key]), key=lambda each: each.cosine) for passage in named]
        spans = [Span(each.sentence.start, each.sentence.end) for each in best]
        quotes = [each.sentence.text for each in best]
        titles = [passage.title for passage in named]
        support = support_of(text, vector, quotes, [each.vector for each in best], titles)
        marks = [citations.cite(each.sentence.doc_id, span) for each, span in zip(best, spans, strict=True)]
        made.append(AnswerSentence(text, support, tuple(dict.fromkeys(marks))))
    return Draft(tuple(made), tuple(citations.citations))
