"""Does a written sentence follow from what it cites? A first check: its numbers, its names, its meaning."""

import re
from collections.abc import Sequence

from assistant.types import Support
from index.embedding import Vectors

__all__ = ["support_of"]

SIMILAR = 0.55  # lowest cosine of a sentence with its best cited span; to be fitted on judged statements
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
NAME = re.compile(r"(?<!^)(?<![.!?]\s)\b[A-Z][\w'’-]+")  # capitalised, and not because it opens the sentence


def support_of(text: str, vector: Vectors, quotes: Sequence[str], vectors: Sequence[Vectors]) -> Support:
    """`quoted` where a quote holds the text verbatim; `supported` where every number and name of it stands in the
    quotes and the nearest is similar enough; else `unsupported`.
    """
    if any(text in quote for quote in quotes):
        return "quoted"
    cited = " ".join(quotes)
    folded = cited.casefold()
    numbers = set(NUMBER.findall(text)) <= set(NUMBER.findall(cited))
    names = all(name.casefold().removesuffix("'s").removesuffix("’s") in folded for name in NAME.findall(text))
    near = any(float(vector @ each) >= SIMILAR for each in vectors)
    return "supported" if numbers and names and near else "unsupported"
