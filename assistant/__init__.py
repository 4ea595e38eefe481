"""Question -> passages -> cited answer. Read `answering.py` first."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assistant.answering import Assistant

__all__ = ["Assistant"]


def __getattr__(name: str) -> Any:
    """`from assistant import Assistant` without paying for it where only a submodule is wanted."""
    if name == "Assistant":
        from assistant.answering import Assistant

        return Assistant
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
