"""The encoding of bytes that are no UTF-8: what a page declares, where it fits; else the likeliest; and the doubt."""

import codecs
import re
from typing import TYPE_CHECKING

from index.errors import ReadingError
from index.types import Dropped

if TYPE_CHECKING:
    from charset_normalizer import CharsetMatch

__all__ = ["DOUBTFUL", "declared", "guessed", "mojibake"]

DOUBTFUL = "doubtful encoding"  # the reason under which a guess is recorded
LOOKED_AT = 65_536  # bytes, of the lines that are not ASCII
# In the order in which they win a draw. The wider the choice, the more short texts are taken for a neighbour's: of 72
# texts in these encodings, 50 to 300 characters, 65 are read right, the seven of cp1250, cp1254 and cp1255 excepted.
GUESSES = "cp1252 cp1251 cp932 gb18030 big5hkscs euc_jp koi8_r cp949 cp1250 cp1253 cp1254 cp1255 cp1256".split()
COHERENCE = 0.3  # what a text's likeness to a language weighs against its share of odd neighbours
SURE = 0.15  # a declared encoding may fit this much worse than the best guess
LABELS = {  # as browsers read them
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
}
KNOWN = re.compile(r"cp125\d|cp866|cp874|cp932|cp949|iso8859-\d+|koi8-[ru]|euc_jp|big5hkscs|gb18030|mac-\w+|johab")
DECLARED = re.compile(
    rb"<meta\b[^>]{0,200}\bcharset\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w.:-]{1,40})"
    rb"|<\?xml[^>]{0,200}\bencoding\s{0,9}=\s{0,9}[\"']([\w.:-]{1,40})",
    re.I,
)
NOT_ASCII = re.compile(rb"[^\n]*[\x80-\xff][^\n]*\n?")
HIGH = bytes(range(128, 256))
EVIDENCE = 4  # bytes beyond ASCII that are no UTF-8 by chance in one line
SIGNS = "\u00c2\u00c3\u00d0\u00d1\u00e2"
TWICE = re.compile(
    "[\u00c2\u00c3\u00d0\u00d1][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]|\u00e2\u20ac."
)
TWICE_AT_LEAST = 3


def declared(data: bytes) -> str:
    """The encoding that a page declares, as Python calls it; "" where it declares none that fits what is there."""
    found = DECLARED.search(data[:4096])
    try:
        name = codecs.lookup((found[1] or found[2]).decode("ascii")).name if found else ""
    except (LookupError, UnicodeDecodeError):
        return ""
    name = LABELS.get(name, name)
    if not KNOWN.fullmatch(name):
        return ""
    own = fits(data, [name])
    best = min((score(each) for each in fits(data, GUESSES)), default=1.0)
    return name if own and score(own[0]) <= best + SURE else ""


def guessed(data: bytes) -> tuple[str, tuple[Dropped, ...]]:
    """The text of bytes that are no UTF-8, or only in part, and how it was read."""
    lines = data.split(b"\n")
    good = sum(high for line in lines if (high := beyond_ascii(line)) >= EVIDENCE and whole(line))
    if 3 * good < beyond_ascii(data) and not nearly(data):
        name = likeliest(data)
        text = data.decode(name, "replace")
        return text, (Dropped(DOUBTFUL, f"read as {name}{lost(text)}"),)
    broken = [line for line in lines if not whole(line) and not nearly(line)]
    name = likeliest(b"\n".join(broken)) if broken else "utf-8"
    text = "\n".join(line.decode("utf-8" if whole(line) or nearly(line) else name, "replace") for line in lines)
    part = f", {len(broken)} of its {len(lines)} lines as {name}" if broken else ""
    return text, (Dropped(DOUBTFUL, f"read as utf-8{part}{lost(text)}"),)


def beyond_ascii(data: bytes) -> int:
    """How many of the bytes are."""
    return len(data) - len(data.translate(None, HIGH))


def whole(line: bytes) -> bool:
    """Whether the line is UTF-8."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def nearly(line: bytes) -> bool:
    """Whether a few bytes of much UTF-8 are broken: a file cut off, a character lost."""
    text = line.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    return 0 < 10 * bad <= len(text) - len(text.encode("ascii", "ignore"))


def likeliest(data: bytes) -> str:
    """The encoding that fits best; `ReadingError` where none fits."""
    found = fits(data, GUESSES)
    if not found:
        raise ReadingError("it is in no encoding that is known here; save it as UTF-8")
    return min(found, key=lambda each: (score(each), GUESSES.index(each.encoding))).encoding


def fits(data: bytes, names: list[str]) -> "list[CharsetMatch]":
    """Those of the encodings in which a sample of the bytes reads like a text."""
    from charset_normalizer import from_bytes

    return list(from_bytes(sample(data), cp_isolation=names))


def score(match: "CharsetMatch") -> float:
    """How unlikely it is: -0.3 (a language's very letters) to 1 (noise)."""
    return round(match.chaos - COHERENCE * match.coherence, 2)


def sample(data: bytes) -> bytes:
    """Lines that are not ASCII, and of a line too long what ends before a blank: no character is cut in two."""
    parts: list[bytes] = []
    room = LOOKED_AT
    for found in NOT_ASCII.finditer(data):
        line = found[0]
        if len(line) > room:
            line = line[:room]
            parts.append(line[: max(line.rfind(b" "), line.rfind(b"\r"))] if b" " in line or b"\r" in line else line)
            break
        parts.append(line)
        room -= len(line)
    return b"".join(parts)


def lost(text: str) -> str:
    """Says how many bytes could not be read at all."""
    bad = text.count("\ufffd")
    return f"; {bad} characters are lost" if bad else ""


def mojibake(text: str) -> list[Dropped]:
    """What is wrong with a text that is UTF-8: it was read wrongly before it was saved, or has lost characters."""
    found: list[Dropped] = []
    if text.isascii():
        return found
    if bad := text.count("\ufffd"):
        found.append(Dropped(DOUBTFUL, f"{bad} characters were lost before it was saved as UTF-8"))
    if any(char in text for char in SIGNS) and len(twice := TWICE.findall(text)) >= TWICE_AT_LEAST:
        found.append(Dropped(DOUBTFUL, f"it seems to have been encoded twice: {len(twice)} × such as {twice[0]!r}"))
    return found
