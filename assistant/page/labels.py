"""How values read: `middle-east` as "Middle East", the track `two` as "Track two", periods, and numbers of things."""

from index.filters import OPEN_END

__all__ = ["FACET_NAMES", "facet_label", "plural", "years"]

FACET_NAMES = {"regions": "Regions", "topics": "Topics", "track": "Track"}
TRACKS = {"multi": "Several tracks", "concept": "Not a process", "back-channel": "Back channel"}
SMALL = {"and", "of", "the"}


def facet_label(facet: str, value: str) -> str:
    """A value in words; what is in no known form stays as it is, but for its hyphens."""
    if facet == "track":
        return TRACKS.get(value) or f"Track {value}"
    words = value.replace("-", " ").split()
    if facet == "topics":
        text = " ".join(words)
        return text[:1].upper() + text[1:]
    return " ".join(word if word in SMALL else word[:1].upper() + word[1:] for word in words)


def plural(count: int, noun: str) -> str:
    """A number of things: `1 article`, `1,204 articles`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def years(since: int | None, until: int | None) -> str:
    """A period: `1992–1993`, `since 1958`, `1994`; "" where it is not known."""
    if since is None:
        return ""
    if until is None or until >= OPEN_END:
        return f"since {since}"
    return str(since) if since == until else f"{since}–{until}"
