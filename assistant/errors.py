"""What can go wrong in `assistant`; the tree hangs from `index.errors.BackchannelError`.

AssistantError
├── ConversationError  a conversation sent by a browser that cannot be read
├── ExportError      a file of a conversation that cannot be written
├── FeedbackError    feedback that cannot be kept or read
├── QuestionError    an empty or over-long question, a history that cannot be read
├── ReceiptError     a receipt that cannot be read or written
├── RerankerError    a reranker that cannot be loaded, or whose scores are no numbers
└── WriterError      a language model that fails; the extractive writer answers then
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from index.errors import BackchannelError

if TYPE_CHECKING:
    from assistant.types import AnswerSentence

__all__ = [
    "AssistantError",
    "ConversationError",
    "ExportError",
    "FeedbackError",
    "QuestionError",
    "ReceiptError",
    "RerankerError",
    "WriterError",
]


class AssistantError(BackchannelError):
    """The base of the errors of `assistant`."""


class ConversationError(AssistantError):
    """A conversation, as a browser keeps it, that cannot be read."""


class ExportError(AssistantError):
    """A file of a conversation that cannot be written."""


class FeedbackError(AssistantError):
    """Feedback that cannot be kept, or read."""


class QuestionError(AssistantError):
    """A question that cannot be asked."""


class ReceiptError(AssistantError):
    """A receipt that cannot be read or written."""


class RerankerError(AssistantError):
    """A reranker that cannot be loaded, or whose scores are no numbers."""


class WriterError(AssistantError):
    """A language model that did not give an answer; `withdrawn` are the sentences it wrote that are left out."""

    def __init__(self, message: str, withdrawn: "Sequence[AnswerSentence]" = ()) -> None:
        super().__init__(message)
        self.withdrawn = tuple(withdrawn)
