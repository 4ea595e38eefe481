"""What can go wrong in `evals`; the tree hangs from `index.errors.BackchannelError`.

EvalsError
├── CollectionError    a BEIR folder that cannot be measured on: the file, the line, and what is wrong there
└── MeasureError       a measure that ir_measures does not know
"""

from index.errors import BackchannelError

__all__ = ["CollectionError", "EvalsError", "MeasureError"]


class EvalsError(BackchannelError):
    """The base of the errors of `evals`."""


class CollectionError(EvalsError):
    """A folder that cannot be read as a collection."""


class MeasureError(EvalsError):
    """A measure that cannot be computed."""
