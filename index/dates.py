"""Dates as articles write them -> ISO 8601, as precise as known."""

import datetime

__all__ = ["iso_date"]

# The order matters: the first that fits the whole line wins. Day before month or month in words only:
# 03/04/2025 means two days, depending on who wrote it, so it is not read as a date.
FORMATS = (
    ("%Y-%m-%d", "%Y-%m-%d"),
    ("%B %d, %Y", "%Y-%m-%d"),
    ("%b %d, %Y", "%Y-%m-%d"),
    ("%d %B %Y", "%Y-%m-%d"),
    ("%d %b %Y", "%Y-%m-%d"),
    ("%B %Y", "%Y-%m"),
    ("%b %Y", "%Y-%m"),
    ("%Y-%m", "%Y-%m"),
)
PREFIXES = ("published on", "published", "posted on", "posted", "updated on", "updated", "last updated")


def iso_date(line: str) -> str:
    """`July 17, 2025` -> `2025-07-17`; empty when the whole line is not a date."""
    words = " ".join(line.split()).rstrip(".")
    prefix = next((p for p in PREFIXES if words.lower().startswith(p)), "")
    words = words[len(prefix) :].lstrip(": ")
    if len(words) > 30 or not any(map(str.isdigit, words)):
        return ""
    for shape, precision in FORMATS:
        try:
            found = datetime.datetime.strptime(words, shape)
        except ValueError:
            continue
        return found.strftime(precision)
    return ""
