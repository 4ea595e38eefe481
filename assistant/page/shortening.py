"""The beginning of a text, cut between two characters as people see them: no emoji or accent comes apart."""

import regex

__all__ = ["shortened"]

CLUSTER = regex.compile(r"\X")


def shortened(text: str, most: int) -> str:
    """The text; where it is longer than `most` characters, its first clusters within these, and "…".

    The first cluster is kept whole, were it longer than that.
    """
    if len(text) <= most:
        return text
    end = 0
    for cluster in CLUSTER.finditer(text):
        if cluster.end() > most and end:
            break
        end = cluster.end()
        if end >= most:
            break
    return text if end == len(text) else f"{text[:end]}…"
