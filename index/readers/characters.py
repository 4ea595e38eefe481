"""Characters that nobody sees: which go from a text, which a script or an emoji needs, and what is said of them.

Ranges, and not `unicodedata.category`: its answers change with Python's version, and a document's version with them.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from index.types import Dropped

__all__ = ["HIDDEN", "SOFT_HYPHEN", "hidden", "suspect", "without_hidden"]

HIDDEN = "hidden characters"  # the reason under which they are recorded
SOFT_HYPHEN = "\u00ad"

# Zero width, invisible operators, Hangul fillers, embeddings, overrides and isolates of direction, annotations, tags,
# private use, noncharacters.
NONCHARACTERS = "".join(f"{chr(plane << 16 | 0xFFFE)}-{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 17))
BASIC = (
    "\u00ad\u034f\u17b4\u17b5\u200b\u202a-\u202e\u2060-\u206f\u3164\ue000-\uf8ff\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb"
)
HIGHER = (
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff\U000f0000-\U000ffffd"
    f"\U00100000-\U0010fffd{NONCHARACTERS}"
)
ALWAYS = BASIC + HIGHER
JOINERS, MARKS, SELECTORS, IDEOGRAPHIC = "\u200c\u200d", "\u061c\u200e\u200f", "\ufe00-\ufe0f", "\U000e0100-\U000e01ef"
# Arabic to Tibetan, Myanmar, Khmer, Mongolian and their supplements: letters that join or stack.
JOINING = "\u0600-\u08ff\u0900-\u109f\u1780-\u18af\ua840-\ua8ff\ua980-\uaaff\ufb50-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc"
EMOJI = "\u2190-\u2bff\u3030\u303d\ufe0f\U0001f000-\U0001faff"
HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
NEEDED = (
    "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{2,6}\U000e007f",  # the flag of a region
    f"(?<=[{JOINING}])[{JOINERS}]|(?<![{JOINERS}])[{JOINERS}](?=[{JOINING}])",  # one, of several in a row
    f"(?<=[{EMOJI}])\u200d(?=[{EMOJI}])",
    rf"(?<![{SELECTORS}{IDEOGRAPHIC}A-Za-z\s])[{SELECTORS}]|(?<=[{HAN}])[{IDEOGRAPHIC}]",
)
DIRECTION = f"(?<![{MARKS}])[{MARKS}]"  # needed where something runs from right to left
GONE = f"(?P<gone>[{ALWAYS}]+|[{JOINERS}{MARKS}{SELECTORS}{IDEOGRAPHIC}])"
LEFT_TO_RIGHT = re.compile("|".join([*NEEDED, GONE]))
BOTH_WAYS = re.compile("|".join([*NEEDED, DIRECTION, GONE]))
# Apart, because one class of both takes 135 ns a character: 3 s for a text of 24 million without any.
SUSPECT = re.compile(f"[{BASIC}{JOINERS}{MARKS}{SELECTORS}]")
SUSPECT_HIGHER = re.compile(f"[{HIGHER}{IDEOGRAPHIC}]")
BEYOND = re.compile("[\U00010000-\U0010ffff]")
FROM_RIGHT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)


def suspect(text: str) -> bool:
    """Whether there are characters that nobody sees, needed or not."""
    if text.isascii():
        return False
    return bool(SUSPECT.search(text) or (BEYOND.search(text) and SUSPECT_HIGHER.search(text)))


def hidden(text: str) -> Iterator[re.Match[str]]:
    """The runs of characters that nobody sees and nothing needs."""
    if suspect(text):
        pattern = BOTH_WAYS if FROM_RIGHT.search(text) else LEFT_TO_RIGHT
        yield from (found for found in pattern.finditer(text) if found["gone"])


def without_hidden(text: str, keep: str = "") -> tuple[str, tuple[Dropped, ...]]:
    """The text without them, and what they were; the characters of `keep` stay."""
    parts: list[str] = []
    gone: list[str] = []
    end = 0
    for found in hidden(text):
        kept = "".join(char for char in found[0] if char in keep)
        parts += [text[end : found.start()], kept]
        gone.append("".join(char for char in found[0] if char not in keep))
        end = found.end()
    if not any(gone):
        return text, ()
    return "".join([*parts, text[end:]]), tuple(described(gone))


def described(runs: list[str]) -> Iterator[Dropped]:
    """How many of each character; and what a run of tags, each of which stands for a letter, says."""
    counts = Counter(char for run in runs for char in run)
    listed = ", ".join(f"{n} × U+{ord(char):04X} {named(char)}".rstrip() for char, n in sorted(counts.items())[:20])
    yield Dropped(HIDDEN, listed + (f" and {len(counts) - 20} more" if len(counts) > 20 else ""))
    for run in runs:
        said = "".join(chr(ord(char) - 0xE0000) for char in run if "\U000e0020" <= char <= "\U000e007e")
        if said.strip():
            yield Dropped("written in tag characters", said)


def named(char: str) -> str:
    """The character's name in Unicode; private use and noncharacters have none."""
    private = "\ue000" <= char <= "\uf8ff" or char >= "\U000f0000"
    return unicodedata.name(char, "private use" if private else "")
