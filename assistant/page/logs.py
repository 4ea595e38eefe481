"""The server's log on standard error: text for people or one JSON object a line; no question, no address, no key.

A question is written only where that is switched on; an address as a digest that changes with each start.
"""

import hashlib
import json
import logging
import re
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from assistant.types import Answer

__all__ = ["ACCESS", "ANSWERS", "answered", "configure", "event", "masked", "pseudonym"]

ACCESS = logging.getLogger("backchannel.access")
ANSWERS = logging.getLogger("backchannel.answers")
SALT = secrets.token_bytes(16)
MASK = "***"
BEARER = re.compile(r"(?i)\b(bearer|basic|api[-_]?key['\"]?\s*[:=])\s*['\"]?[\w.~+/=-]{6,}")
TOLD = "told"  # the attribute of a record that holds its fields

known_secrets: list[str] = []
questions_told = False


def configure(form: str = "text", access: bool = False, questions: bool = False, keys: Sequence[str] = ()) -> None:
    """Sets up logging for a server: `form` is `text` or `json`; `keys` are never written, wherever they come from."""
    global questions_told
    questions_told = questions
    known_secrets[:] = [key for key in keys if key]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Json() if form == "json" else Text())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for logger in (ACCESS, ANSWERS):
        logger.setLevel(logging.INFO if access or (questions and logger is ANSWERS) else logging.WARNING)


def event(logger: logging.Logger, name: str, **fields: Any) -> None:
    """One line with these fields."""
    logger.info(name, extra={TOLD: fields})


def answered(answer: Answer, surface: str) -> None:
    """One line on an answer; the question only where questions are told."""
    if not ANSWERS.isEnabledFor(logging.INFO):
        return
    fields: dict[str, Any] = {
        "surface": surface,
        "outcome": answer.outcome,
        "confidence": round(answer.confidence, 3),
        "writer": answer.writer,
        "generation": answer.generation,
        "ledger": dict(answer.ledger),
        "timings_ms": {name: round(value, 1) for name, value in answer.timings_ms.items()},
    }
    if questions_told:
        fields["question"] = answer.question
    event(ANSWERS, "answer", **fields)


def pseudonym(address: str) -> str:
    """An address as the log has it: the same within one run of the server, and not to be led back."""
    return hashlib.blake2b(address.encode(), key=SALT, digest_size=6).hexdigest()


def masked(text: str) -> str:
    """The text without keys: those that are known, and whatever looks like one in a header."""
    for secret in known_secrets:
        text = text.replace(secret, MASK)
    return BEARER.sub(lambda found: f"{found[1]} {MASK}", text)


class Json(logging.Formatter):
    """One object a line: time (UTC), level, event, then the record's own fields; a bug's traceback as a field."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields: dict[str, Any] = {"time": moment, "level": record.levelname.lower()}
        told = getattr(record, TOLD, None)
        fields["event"] = record.getMessage() if told is not None else "message"
        if told is None:
            fields |= {"logger": record.name, "message": record.getMessage()}
        fields |= told or {}
        if record.exc_info and record.exc_info[0] is not None:
            fields["traceback"] = self.formatException(record.exc_info)
        return masked(json.dumps(fields, ensure_ascii=False, default=str))


class Text(logging.Formatter):
    """For people; the fields of an event as JSON, so that no control character of theirs reaches a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        told = getattr(record, TOLD, None)
        line = record.getMessage()
        if told is not None:
            shown = " ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in told.items())
            line = f"{datetime.fromtimestamp(record.created, UTC):%H:%M:%S} {line} {shown}"
        if record.exc_info and record.exc_info[0] is not None:
            line += "\n" + self.formatException(record.exc_info)
        return masked(line)
