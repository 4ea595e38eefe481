"""tiktoken: how many tokens a passage takes in a language model's context. Needs no network."""

import functools
import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tiktoken

__all__ = ["ENCODING", "bundled", "count_tokens"]

ENCODING = "o200k_base"  # GPT-4o and later; with cl100k_base one of the two that llama-index-core carries


def bundled(folder: str) -> Path:
    """A folder of the data files that the package llama-index-core carries, found without importing it."""
    spec = importlib.util.find_spec("llama_index")
    for root in (spec.submodule_search_locations or ()) if spec else ():
        found = Path(root) / "core" / "_static" / folder
        if found.is_dir():
            return found
    raise FileNotFoundError(f"llama-index-core carries no folder {folder}; install the versions of constraints.txt")


@functools.cache
def encoding() -> "tiktoken.Encoding":
    """The encoding, read from the files of llama-index-core: tiktoken itself would fetch them."""
    os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(bundled("tiktoken_cache")))
    import tiktoken

    return tiktoken.get_encoding(ENCODING)


def count_tokens(text: str) -> int:
    """Tokens of `text`; special tokens in it count as plain text."""
    return len(encoding().encode_ordinary(text))
