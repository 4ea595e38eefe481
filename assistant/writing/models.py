"""Language models over llama-index's LLM interface: what they say, as it comes. Its errors are translated here."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from assistant.errors import WriterError
from assistant.settings import AssistantSettings

if TYPE_CHECKING:
    from llama_index.core.llms import LLM, ChatMessage

__all__ = ["OUTPUT_TOKENS", "Reply", "Speak", "given", "openai_compatible", "with_retry"]

OUTPUT_TOKENS = 600  # five sentences are about 200
LONGEST = 8 * OUTPUT_TOKENS  # characters; a token of English has four. A server may overlook the cap
THOUGHTS = 4  # times as long as an answer may be what it thinks beside it
PAUSE = 0.5  # seconds before the one retry
RETRIED = (408, 409, 425, 429)  # HTTP statuses below 500 that another try may mend
CAUSES = {  # by what the names of httpx's and openai's errors say
    "Timeout": "it did not answer in time",
    "Connect": "it could not be reached",
    "Protocol": "the connection broke off",
    "Read": "the connection broke off",
}
THOUGHT, SPOKEN = "<think>", "</think>"  # around the thoughts of models that think aloud in their answer


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model has said so far; `cut` where it stopped at the cap and not at its end.

    `thinking` is true while it only thinks: a sign of life before the first word. `heard` is all that was paid for, its
    thoughts too, and `tries` how often it was asked.
    """

    text: str
    thinking: bool = False
    cut: bool = False
    heard: str = ""
    tries: int = 1


Speak = Callable[[str, str], AsyncIterator[Reply]]  # (system, prompt) -> growing replies


def openai_compatible(settings: AssistantSettings) -> Speak:
    """The model that the settings name, on its OpenAI-compatible server; no request is made yet."""
    import openai.resources.chat  # noqa: F401  # else the first question waits for it
    from llama_index.llms.openai_like import OpenAILike

    common: dict[str, Any] = {
        "model": settings.llm_model,
        "api_base": settings.llm_base_url,
        "api_key": settings.llm_api_key.get_secret_value() or "none",
        "is_chat_model": True,
        "context_window": settings.llm_context_tokens + 4 * OUTPUT_TOKENS,
        "max_tokens": OUTPUT_TOKENS,
        "temperature": 0.0,
        "timeout": settings.llm_timeout,
        "max_retries": 0,
    }

    async def speak(system: str, prompt: str) -> AsyncIterator[Reply]:
        """One call."""
        import httpx

        if not settings.llm_base_url:  # llama-index would send the question and the passages to OpenAI
            raise WriterError("no server is named: set llm_base_url")
        # A client for each call, closed with it: no socket is left. It follows no redirects, which would take the key.
        async with httpx.AsyncClient(timeout=settings.llm_timeout, event_hooks={"request": [bare]}) as client:
            model = OpenAILike(**common, async_http_client=client)
            finished = text = ""
            async for response in await model.astream_chat(messages(system, prompt)):
                finished = finish_reason(response.raw) or finished
                reply = reply_of(response, finished == "length", settings.llm_api_key.get_secret_value())
                text = reply.text
                yield reply
            if text and not finished:
                raise WriterError("it broke off")

    return speak


async def bare(request: Any) -> None:
    """Takes out what openai's client adds from the environment: it is meant for OpenAI, and this may be any server."""
    for name in ("OpenAI-Organization", "OpenAI-Project"):
        request.headers.pop(name, None)


def given(model: "LLM") -> Speak:
    """Any llama-index LLM object. It is called as it is, so that it is left only at its next word."""

    async def speak(system: str, prompt: str) -> AsyncIterator[Reply]:
        """One call."""
        for response in model.stream_chat(messages(system, prompt)):
            yield reply_of(response, False)
            await asyncio.sleep(0)

    return speak


def messages(system: str, prompt: str) -> "Sequence[ChatMessage]":
    """A conversation of two messages."""
    from llama_index.core.llms import ChatMessage, MessageRole

    return [
        ChatMessage(role=MessageRole.SYSTEM, content=system),
        ChatMessage(role=MessageRole.USER, content=prompt),
    ]


def reply_of(response: Any, cut: bool, key: str = "") -> Reply:
    """A llama-index response as ours, without the key, which a server may repeat; `WriterError` beyond the cap."""
    text = response.message.content or ""
    text = text.replace(key, "***") if key else text
    thoughts = "".join(getattr(each, "content", None) or "" for each in response.message.blocks)  # of ThinkingBlock
    if len(text) > LONGEST or len(thoughts) > THOUGHTS * LONGEST:
        raise WriterError(f"it did not stop after {OUTPUT_TOKENS} tokens")
    return Reply(spoken(text), bool(text or thoughts), cut, thoughts + text)


def spoken(text: str) -> str:
    """What follows the thoughts. Many a server sends only their end, since it begins them in the prompt."""
    _, thought, said = text.rpartition(SPOKEN)
    if said.lstrip().startswith(THOUGHT):
        return ""
    return said.lstrip() if thought else said


def finish_reason(chunk: Any) -> str:
    """Why a chunk of the OpenAI protocol is the last one; empty where it is not."""
    return next((str(c.finish_reason) for c in getattr(chunk, "choices", None) or () if c.finish_reason), "")


def with_retry(speak: Speak, wait: Callable[[float], Awaitable[None]] = asyncio.sleep) -> Speak:
    """The same, tried once more where it fails before its first word; whatever it raises becomes a `WriterError`."""

    async def speaking(system: str, prompt: str) -> AsyncIterator[Reply]:
        """One call, or two."""
        for tries in (1, 2):
            said = False
            if tries == 2:
                await wait(PAUSE)
                yield Reply("", tries=2)
            try:
                async with aclosing(speak(system, prompt)) as replies:  # type: ignore[type-var]  # async generators
                    async for reply in replies:
                        said = said or bool(reply.text.strip())
                        yield replace(reply, tries=tries)
                if said:
                    return
                raise WriterError("it gave an empty answer")
            except Exception as error:  # any client, any transport: its errors have no common base
                if tries == 2 or said or not worth_another_try(error):
                    if isinstance(error, WriterError):
                        raise
                    raise WriterError(cause(error)) from error

    return speaking


def worth_another_try(error: Exception) -> bool:
    """Whether the same request may succeed: not where the server says that it is wrong."""
    status = getattr(error, "status_code", None)
    return not isinstance(status, int) or status in RETRIED or status >= 500


def cause(error: Exception) -> str:
    """An error in words for everybody: what a server says of itself may hold a key or an address."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return f"it answered with HTTP status {status}"
    if isinstance(error, ValueError):  # of JSON, of UTF-8
        return "what it sent could not be read"
    name = type(error).__name__
    return next((said for part, said in CAUSES.items() if part in name), f"it failed: {name}")
