"""What a question must look like before Gradio sees it: whole JSON of a few levels, for an event that there is, and a
question of at most 2,000 characters, which Gradio itself would take at any length.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gradio import Blocks

from assistant.page.attention import ASKING
from assistant.page.limits import Refusal
from assistant.settings import MAX_QUESTION

__all__ = ["TOO_DEEP", "Join", "Joining", "parsed"]

QUESTION_BOX = "q"  # its elem_id
DEEPEST = 20  # levels of lists and objects in a body; a page's own have four
SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")

NO_JSON = "The request is no JSON that can be read."
NESTED = f"The request is nested more than {DEEPEST} levels deep."
NO_EVENT = "The page has changed. Load it again."
NO_TEXT = f"A question is text of at most {MAX_QUESTION:,} characters."
TOO_DEEP = Refusal(422, NESTED, reason="malformed")
LONG = "The question has {length:,} characters; at most {most:,} can be asked. Shorten it."


@dataclass(frozen=True, slots=True)
class Join:
    """A request that may go into the queue; `asks` where it is a question."""

    session: str
    asks: bool


@dataclass(frozen=True, slots=True)
class Known:
    """An event of the page: how many inputs it has, which of them is the question, whether it asks."""

    inputs: int
    question: int | None
    asks: bool


class Joining:
    """Reads the bodies of `queue/join` by the events of a page."""

    def __init__(self, blocks: Blocks) -> None:
        self.events = {number: known(function) for number, function in blocks.fns.items()}

    def read(self, body: bytes) -> Join | Refusal:
        """What the body asks for, or why it is not served."""
        content = parsed(body)
        if isinstance(content, Refusal):
            return content
        if not isinstance(content, Mapping):
            return Refusal(422, NO_EVENT, reason="malformed")
        number, data, session = (content.get(name) for name in ("fn_index", "data", "session_hash"))
        event = self.events.get(number) if isinstance(number, int) and not isinstance(number, bool) else None
        if event is None or not isinstance(session, str) or not SESSION.fullmatch(session):
            return Refusal(422, NO_EVENT, reason="malformed")
        if not isinstance(data, list) or len(data) != event.inputs:
            return Refusal(422, NO_TEXT if event.question is not None else NO_EVENT, reason="malformed")
        if event.question is not None and (refusal := unaskable(data[event.question])):
            return refusal
        return Join(session, event.asks)


def known(function: Any) -> Known:
    """An event of Gradio's."""
    ids = [getattr(each, "elem_id", None) for each in function.inputs]
    question = ids.index(QUESTION_BOX) if QUESTION_BOX in ids else None
    return Known(len(ids), question, function.concurrency_id == ASKING)


def unaskable(question: object) -> Refusal | None:
    """Why it is no question to go on with; an empty one is for the page to answer."""
    if not isinstance(question, str):
        return Refusal(422, NO_TEXT, reason="malformed")
    if (length := len(question.strip())) > MAX_QUESTION:
        return Refusal(413, LONG.format(length=length, most=MAX_QUESTION), reason="long")
    return None


def parsed(body: bytes) -> object:
    """The body's JSON; a `Refusal` where it is none, or deeper than any of ours."""
    try:
        content: object = json.loads(body)
    except RecursionError:
        return TOO_DEEP
    except ValueError:
        return Refusal(422, NO_JSON, reason="malformed")
    level: list[Any] = [content]
    for _ in range(DEEPEST + 1):
        level = [inner for each in level for inner in values(each) if isinstance(inner, list | dict)]
        if not level:
            return content
    return TOO_DEEP


def values(container: Any) -> Any:
    """What a list or an object holds; nothing for anything else."""
    return container if isinstance(container, list) else container.values() if isinstance(container, dict) else ()
