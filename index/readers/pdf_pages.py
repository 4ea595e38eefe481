"""What the child process does with a PDF: bytes -> metadata, and the lines of each page with where they stand.

`serving.py` runs this file by its path, so it imports nothing of ours.
"""

import io
import logging
import math
import re
from collections.abc import Iterator
from typing import Any

from pypdf import PdfReader, overwrite_configuration
from pypdf.errors import DependencyError, LimitReachedError, PyPdfError, WrongPasswordError

__all__ = ["work"]

MOST_CHARACTERS = 10_000_000  # two Bibles
BOLD = re.compile(r"bold|black|heavy|CMBX|SFBX|demi", re.I)
MOST_LOSSES = 5  # that are named of one page
LONGEST_MESSAGE = 80  # characters
LINES = re.compile(r"[^\n]*\n|[^\n]+")
UNFOLDED = 32_000_000  # bytes; a page of text needs some ten thousand
BYTES = re.compile(r"( starting with)? b['\"].*", re.S)
ADDRESS = re.compile(r"(IndirectObject\(\d+, \d+), \d+")
LOST = ("Error -", "Impossible to decode", "Exceeded")  # how pypdf's warnings begin where text is missing
FIELDS = {"title": "/Title", "author": "/Author", "created": "/CreationDate"}


def work(data: bytes) -> dict[str, Any]:
    """`{"refused": "encrypted"}` or `"limits"`, or the metadata, and `pages` with `lines`, `pictures` and `lost`."""
    overwrite_configuration(
        zlib_maximum_output_length=UNFOLDED,
        lzw_maximum_output_length=UNFOLDED,
        run_length_maximum_output_length=UNFOLDED,
        array_based_stream_maximum_output_length=UNFOLDED,
        jbig2dec_binary=None,
    )
    logging.getLogger("pypdf").handlers = [LOSSES]
    logging.getLogger("pypdf").propagate = False
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            return {"refused": "encrypted"}
        return {**described(reader), "pages": list(pages(reader))}
    except (DependencyError, WrongPasswordError):  # AES needs a library that is not asked for
        return {"refused": "encrypted"}
    except LimitReachedError as error:
        return {"refused": "limits", "why": shortened(error)}
    except (PyPdfError, AttributeError, KeyError, TypeError, IndexError, OSError, ArithmeticError) as error:
        raise ValueError(shortened(error)) from error


def shortened(error: Exception) -> str:
    """What pypdf says of a file; what Python says of pypdf tells nobody anything."""
    if not isinstance(error, PyPdfError):
        return f"it does not follow the format ({type(error).__name__})"
    said = " ".join(ADDRESS.sub(r"\1", BYTES.sub("", str(error))).split()).rstrip(".")
    return said if len(said) <= LONGEST_MESSAGE else said[:LONGEST_MESSAGE] + "…"


def described(reader: PdfReader) -> dict[str, str]:
    """What the file says of itself, as far as that can be read."""
    found = {}
    for name, key in FIELDS.items():
        try:
            value = reader.metadata.get(key) if reader.metadata else None
            found[name] = str(value.get_object()) if value is not None else ""
        except MemoryError:
            raise
        except Exception:  # broken metadata must not cost the text
            found[name] = ""
    return found


def pages(reader: PdfReader) -> Iterator[dict[str, Any]]:
    """The lines of each page, `[text, size, x, y, bold]`, whether it shows pictures, and what of its text was lost.

    The lines come in the order in which the file draws them. That is how LaTeX, Word and InDesign write columns;
    pypdf's other mode, `layout`, sets columns side by side and so mixes their sentences.
    """
    left = MOST_CHARACTERS
    for number, page in enumerate(reader.pages, 1):
        lines = Lines()
        LOSSES.said.clear()
        try:
            page.extract_text(visitor_text=lines.add)
        except (MemoryError, RecursionError, LimitReachedError):
            raise
        except Exception as error:
            raise ValueError(f"page {number}: {shortened(error)}") from error
        lines.close()
        left -= sum(len(line[0]) for line in lines.done)
        if left < 0:
            raise LimitReachedError(f"its text is longer than {MOST_CHARACTERS:,} characters")
        yield {"lines": lines.done, "pictures": pictures(page), "lost": [*LOSSES.said]}


def pictures(page: Any) -> bool:
    """Whether a page shows a picture; False where that cannot be told."""
    try:
        shown = page["/Resources"]["/XObject"]
        return any(shown[name]["/Subtype"] == "/Image" for name in shown)
    except MemoryError:
        raise
    except Exception:
        return False


class Losses(logging.Handler):
    """Keeps those of pypdf's warnings that tell of missing text, each once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """One warning."""
        said = record.getMessage()
        if said.startswith(LOST) and len(self.said) < MOST_LOSSES:
            self.said[shortened(PyPdfError(said))] = None


LOSSES = Losses()


class Lines:
    """Collects the pieces that pypdf visits into lines.

    `size` is that of most of a line's characters, in points; `x` runs along the line, `y` grows upwards from it,
    whichever way the page is turned.
    """

    def __init__(self) -> None:
        self.done: list[list[Any]] = []
        self.pieces: list[str] = []
        self.sizes: dict[float, int] = {}
        self.place = (0.0, 0.0)
        self.bold = True

    def add(self, text: str, cm: list[float], tm: list[float], font: Any, size: float) -> None:
        """One piece, with the matrices of page and text, its font and its size."""
        if not text:
            return
        across, up = axes(tm, cm)
        for piece in LINES.findall(text):
            if length := len(piece.strip()):
                if not self.sizes:
                    self.place = (across[1], up[1])
                points = round(finite(abs(size) * up[0]), 1)
                self.sizes[points] = self.sizes.get(points, 0) + length
                self.bold = self.bold and bool(BOLD.search(name_of(font)))
            self.pieces.append(piece)
            if piece[-1] == "\n":
                self.close()

    def close(self) -> None:
        """Ends the line, if one was begun."""
        if self.sizes:
            size = max(self.sizes, key=lambda each: self.sizes[each])
            x, y = self.place
            self.done.append(["".join(self.pieces).strip(), size, round(x, 1), round(y, 1), self.bold])
        self.pieces, self.sizes, self.bold = [], {}, True


def axes(tm: list[float], cm: list[float]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Scale and position along the line of text, and the same upwards from it."""
    a, b, c, d = tm[:4]
    p, q, r, s, e, f = cm
    x, y = tm[4] * p + tm[5] * r + e, tm[4] * q + tm[5] * s + f
    across, up = (a * p + b * r, a * q + b * s), (c * p + d * r, c * q + d * s)
    return along(across, x, y), along(up, x, y)


def along(axis: tuple[float, float], x: float, y: float) -> tuple[float, float]:
    """The length of an axis, and how far along it a point lies."""
    length = finite(math.hypot(*axis))
    return length, finite((x * axis[0] + y * axis[1]) / length if length else 0.0)


def finite(number: float) -> float:
    """The number, whatever the file says."""
    return number if abs(number) < 1e9 else 0.0  # not of NaN either


def name_of(font: Any) -> str:
    """`/ABCDEF+Times-Bold`."""
    try:
        return str(font.get("/BaseFont", "")) if font else ""
    except (AttributeError, TypeError):
        return ""
