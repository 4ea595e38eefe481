"""Short answers against gold ones, normalised as in SQuAD: exact match, and F1 of their words.

Rajpurkar et al., "SQuAD: 100,000+ Questions for Machine Comprehension of Text", EMNLP 2016, section 6.
"""

import re
from collections import Counter

__all__ = ["exact_match", "normalised", "token_f1", "token_recall"]

NOT_WORDS = re.compile(r"[^\w\s]|_")
ARTICLES = {"a", "an", "the"}


def normalised(text: str) -> list[str]:
    """The words in lower case, without punctuation and articles."""
    return [word for word in NOT_WORDS.sub("", text.casefold()).split() if word not in ARTICLES]


def exact_match(text: str, gold: str) -> float:
    """1 where both have the same words in the same order, else 0."""
    return float(normalised(text) == normalised(gold))


def token_f1(text: str, gold: str) -> float:
    """The harmonic mean of the shares of words in common, in [0, 1]; a word counts as often as it occurs in both."""
    said, wanted = Counter(normalised(text)), Counter(normalised(gold))
    common = (said & wanted).total()
    return 2 * common / (said.total() + wanted.total()) if common else 0.0


def token_recall(text: str, gold: str) -> float:
    """The share of the gold words that occur in `text`, in [0, 1]."""
    wanted = Counter(normalised(gold))
    return (Counter(normalised(text)) & wanted).total() / wanted.total() if wanted else 0.0
