"""English words: what a word may be formed from, by its endings and beginnings."""

from collections.abc import Iterator

__all__ = ["bases"]

BASE = 3  # letters before an ending
REST = 5  # letters behind a beginning, without an ending too: "relesed" is not formed from "les"
# Endings and what stood before them. Two endings in a row hid three times as many misspellings, words made of two
# saved hardly any.
ENDINGS = {
    "s": ("",),
    "es": ("",),
    "ies": ("y",),
    "ed": ("", "e"),
    "ied": ("y",),
    "ing": ("", "e"),
    "er": ("", "e"),
    "ers": ("", "e"),
    "ier": ("y",),
    "en": ("", "e"),
    "est": ("", "e"),
    "iest": ("y",),
    "ly": ("", "le"),
    "erly": ("",),
    "ily": ("y",),
    "ness": ("",),
    "iness": ("y",),
    "less": ("",),
    "ful": ("",),
    "ee": ("", "e"),
    "ees": ("", "e"),
    "ment": ("",),
    "able": ("", "e"),
    "ist": ("", "e", "y"),
    "ists": ("", "e", "y"),
    "ism": ("", "e"),
    "ize": ("", "e", "y"),
    "ized": ("", "e", "y"),
    "ise": ("", "e", "y", "ize"),
    "ises": ("ize", "izes", ""),
    "ised": ("ize", "ized", ""),
    "ising": ("ize", "izing"),
    "isation": ("ize", "ization"),
}
BEGINNINGS = ("un", "re", "non", "inter", "pre", "over", "under", "mis", "dis", "anti", "counter", "multi")


def bases(word: str) -> Iterator[str]:
    """The word itself and what it may be formed from."""
    yield from unbent(word, BASE)
    for beginning in BEGINNINGS:
        rest = word.removeprefix(beginning)
        if rest != word:
            yield from unbent(rest, REST)


def unbent(word: str, shortest: int) -> Iterator[str]:
    """The word, and the word without each of its endings, where as many letters are left."""
    if len(word) >= shortest:
        yield word
    for ending, befores in ENDINGS.items():
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= shortest:
            yield from (stem + before for before in befores)
            if stem[-1] == stem[-2]:
                yield stem[:-1]
