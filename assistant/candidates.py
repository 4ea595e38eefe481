"""Feedback -> candidates for gold questions: lines of their format, which a person reviews before they count."""

import hashlib
import json
from typing import Any

from assistant.conversation import leans
from assistant.conversations import answer_of
from assistant.feedback import FeedbackRow
from assistant.types import Answer

__all__ = ["candidate"]


def candidate(row: FeedbackRow) -> dict[str, Any]:
    """The fields of a gold question, then what a reviewer goes by: `outcome`, `note`, `generation`, `checked`.

    Of a helpful answer whose citations are borne out, these are the evidence. Elsewhere the evidence is empty, and
    `answerable` null, for the reviewer to say. `eval` refuses a line until it is without the additions.
    """
    answer = answer_of(row.receipt)
    trusted = row.helpful and row.checked
    follow_up = bool(row.receipt.history) and leans(row.question)
    covered = answer.outcome == "answered"
    name = f"f-{digest_of(row)[:12]}"
    return {
        "id": name,
        "question": row.question,
        "type": ("follow_up" if follow_up else "") if covered or not trusted else "unanswerable",
        "answerable": covered if trusted else None,
        "evidence": evidence(answer) if trusted else [],
        "short_answer": short_answer(answer) if trusted else "",
        "history": row.receipt.history if follow_up else [],
        "standalone": "",
        "split": "dev" if hashlib.sha256(name.encode()).digest()[0] < 128 else "test",  # as evals.questions has it
        "outcome": answer.outcome,
        "helpful": row.helpful,
        "note": row.note,
        "generation": row.generation,
        "checked": row.checked,
        "reviewed": False,
    }


def digest_of(row: FeedbackRow) -> str:
    """The same for the same question, so that a second export names it alike."""
    return hashlib.sha256(json.dumps([row.question, row.receipt.history], ensure_ascii=False).encode()).hexdigest()


def evidence(answer: Answer) -> list[dict[str, Any]]:
    """A quote of each citation, none twice."""
    quotes = dict.fromkeys((each.doc_id, each.quote) for each in answer.citations)
    return [{"doc_id": doc_id, "quote": quote, "alternatives": []} for doc_id, quote in quotes]


def short_answer(answer: Answer) -> str:
    """The words of the first short answer that the sentences have."""
    return next((each.text[each.short.start : each.short.end] for each in answer.sentences if each.short), "")
