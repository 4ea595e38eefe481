"""Where a text can be cut: between two characters as people see them, so that no emoji or accent comes apart."""

import regex

__all__ = ["shortened", "whole"]

CLUSTER = regex.compile(r"\X")


def whole(text: str, start: int, limit: int) -> int:
    """The end of the last cluster from `start` on that ends by `limit`; of the first, were it longer than that."""
    end = start
    for cluster in CLUSTER.finditer(text, pos=start):
        if cluster.end() > limit and end > start:
            break
        end = cluster.end()
        if end >= limit:
            break
    return end


def shortened(text: str, most: int) -> str:
    """The text; where it is longer than `most` characters, its first clusters within these, and "…".

    The first cluster is kept whole, were it longer than that.
    """
    if len(text) <= most:
        return text
    end = whole(text, 0, most)
    return text if end == len(text) else f"{text[:end]}…"
