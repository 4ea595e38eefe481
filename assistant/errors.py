"""What can go wrong in `assistant`; the tree hangs from `index.errors.BackchannelError`.

AssistantError
├── QuestionError    an empty or over-long question, a history that cannot be read
└── WriterError      a language model that fails; the extractive writer answers then
"""

from index.errors import BackchannelError

__all__ = ["AssistantError", "QuestionError", "WriterError"]


class AssistantError(BackchannelError):
    """The base of the errors of `assistant`."""


class QuestionError(AssistantError):
    """A question that cannot be asked."""


class WriterError(AssistantError):
    """A language model that did not give an answer."""
