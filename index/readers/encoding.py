"""Bytes -> text: byte order marks, then UTF-8, then what a page declares or what fits best."""

import html
import re
import unicodedata

from index.controls import CONTROLS
from index.errors import ReadingError
from index.readers.characters import suspect, without_hidden
from index.readers.guessing import declared, guessed, mojibake
from index.types import Dropped

__all__ = ["converted", "decode", "text_of"]

MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
OTHERS = ((b"%PDF-", "a PDF"), (b"{\\rtf", "RTF"), (b"\xd0\xcf\x11\xe0", "an old Office file"))  # few NULs or none
LOOKED_AT = 65_536  # bytes or characters
BINARY = bytes({*range(32), 127} - {*b"\t\n\v\f\r\x1b"})
FEW = 500  # one control character in so many bytes is none too many in a text
REFERENCE = re.compile(r"&(?:#\d{2,7}|#[xX][0-9a-fA-F]{2,6}|shy|zwn?j|[lr]lm|ZeroWidthSpace|NoBreak);")


def decode(data: bytes) -> str:
    """The text of a file of our own, line ends unified, control characters gone; `ReadingError` where it is not text.

    UTF-8, or UTF-16 or UTF-32 with a byte order mark: nothing is guessed. Binary files are known by their NUL bytes.
    """
    encoding = marked(data) or "utf-8"
    if encoding == "utf-8" and b"\0" in data[:LOOKED_AT]:
        raise ReadingError("it is not text (it holds NUL bytes)")
    try:
        return unified(data.decode(encoding))
    except UnicodeDecodeError as error:
        raise ReadingError(
            f"it is not {encoding.upper()} text (byte {data[error.start]:#04x} at {error.start}); save it as UTF-8"
        ) from error


def text_of(data: bytes, markup: bool = False) -> tuple[str, tuple[Dropped, ...]]:
    """The text of an article's file without hidden characters, and what is to be said of it.

    With `markup`, an encoding that the page declares is honoured where it fits, and references such as `&shy;` count
    as the hidden characters that they stand for. `ReadingError` where it is not text.
    """
    text, said = converted(data, markup)
    if markup:
        text = REFERENCE.sub(lambda found: unseen(found[0]), text)
    text, dropped = without_hidden(text)
    return text, (*said, *dropped)


def unified(text: str) -> str:
    """Line ends as one, no control characters."""
    return CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def unseen(reference: str) -> str:
    """The character that a reference stands for where it can be a hidden one, else the reference."""
    number = reference[2:-1].lower()
    if reference.startswith("&#"):  # `html.unescape` makes nothing of some
        code = int(number[1:], 16) if number.startswith("x") else int(number)
        char = chr(code) if code < 0x110000 else ""
    else:
        char = html.unescape(reference)
    return char if suspect(char) else reference


def marked(data: bytes) -> str:
    """The encoding that a byte order mark names, or ""."""
    return next((name for mark, name in MARKS if data.startswith(mark)), "")


def converted(data: bytes, markup: bool = False) -> tuple[str, tuple[Dropped, ...]]:
    """The characters of a file, hidden ones too, and the doubt about them."""
    text, said = characters(data, markup)
    return unified(text), said


def characters(data: bytes, markup: bool) -> tuple[str, tuple[Dropped, ...]]:
    """As `converted`, with line ends and control characters as they are."""
    if marked(data):
        return decode(data), ()
    for start, what in OTHERS:
        if data.startswith(start):
            raise ReadingError(f"it is not text (it is {what})")
    if b"\0" in data[:LOOKED_AT]:
        return wide(data), ()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        if FEW * binary(data) > len(data):
            few = f"{binary(data):,} of its {len(data):,} bytes are control characters"
            raise ReadingError(f"it is not text ({few})") from None
        if markup and (encoding := declared(data)):
            return data.decode(encoding, "replace"), ()
        return guessed(data)
    return text, tuple(mojibake(text))


def binary(data: bytes) -> int:
    """How many control characters of ASCII there are, NUL among them, that no text has."""
    return len(data) - len(data.translate(None, BINARY))


def wide(data: bytes) -> str:
    """UTF-32 or UTF-16 without a mark: NUL bytes stand where the high halves of Latin letters and blanks are.

    A text in which a few NULs stand by mistake would read as Chinese: what is ASCII without them is not text.
    """
    looked = data[:LOOKED_AT]
    order = "le" if looked[1::2].count(0) > looked[::2].count(0) else "be"
    rest = looked.replace(b"\0", b"")
    if 5 * looked.count(0) >= len(looked) or not rest.isascii() or binary(rest):
        for name in (f"utf-32-{order}", f"utf-16-{order}"):
            try:
                text = data.decode(name)
            except UnicodeDecodeError:
                continue
            if likely(text[:LOOKED_AT]):
                return text
    raise ReadingError("it is not text (it holds NUL bytes)")


def likely(text: str) -> bool:
    """Whether one character in a hundred at most is none: a control, private, or given to no letter."""
    odd = sum(unicodedata.category(char) in ("Cc", "Co", "Cn") for char in text if char not in "\t\n\r\f\ufeff")
    return 100 * odd <= len(text)
