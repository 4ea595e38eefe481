"""Follow-ups: a question that leans on the one before it is completed with that one's words before retrieval."""

import re
from collections.abc import Sequence

from assistant.types import Turn
from index.lexical import analyze

__all__ = ["understand"]

# Words that stand for something said before; "that" and "there" are left out, since most are no pronouns.
LEANS = re.compile(
    r"\b(he|she|they|them|him|it|its|his|her|their|this|these|those|the (first|second|other|same) (ones?)?)\b|"
    r"^(and|but|so|also|what about|how about)\b",
    re.I,
)
FEW_STEMS = 1  # a question with no more content words than this cannot stand alone when there is a history
REMEMBERED = 3  # earlier questions looked back over, the newest that does not itself lean is the subject


def understand(question: str, history: Sequence[Turn]) -> str:
    """The question as it is searched for: itself, or completed by the last question that stood by itself.

    Only what the asker said is used: earlier answers and passages never become evidence.
    """
    question = " ".join(question.split())
    asked = [" ".join(turn.content.split()) for turn in history if turn.role == "user" and turn.content.strip()]
    if not asked or not leans(question):
        return question
    recent = asked[-REMEMBERED:]
    subject = next((each for each in reversed(recent) if not leans(each)), recent[0])
    return question if subject == question else f"{subject.rstrip('?!. ')}: {question}"


def leans(question: str) -> bool:
    """Whether a question needs an earlier one to be understood."""
    return bool(LEANS.search(question)) or len(set(analyze(question))) <= FEW_STEMS
