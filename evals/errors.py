"""What can go wrong in `evals`; the tree hangs from `index.errors.BackchannelError`.

EvalsError
├── CollectionError    a folder or file that cannot be measured on: the file, the line, and what is wrong there
└── MeasureError       a measure that ir_measures does not know or cannot compute
"""

from index.errors import BackchannelError

__all__ = ["CollectionError", "EvalsError", "MeasureError"]


class EvalsError(BackchannelError):
    """The base of the errors of `evals`."""


class CollectionError(EvalsError):
    """A folder or file that cannot be read as a collection, or as a part of one."""


class MeasureError(EvalsError):
    """A measure that cannot be computed."""
