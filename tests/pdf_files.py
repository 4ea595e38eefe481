"""PDFs made by hand for the tests, so that each says what it is made to show."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica%b /Encoding /WinAnsiEncoding >>"
PICTURE = b"/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray"

SENTENCES = (  # lines of about one length
    "The two water boards of the valley broke off relations in 1911, and for two whole years",
    "they wrote to each other through a bookseller, a Mr Tarn, whom nobody had ever suspected",
    "of having an opinion. He put their letters aside until the shop was empty of visitors.",
    "What they settled over soup was small: whose lamp was lit first, and which cart had to",
    "wait when both came at once. They met in the inn below the weir, and they put their letters",
    "into unsold atlases, because in all of those years nobody had been seen to search an atlas.",
    "In a dry year they settled the water as well, and told neither of the two crowns of it.",
)


class At(NamedTuple):
    """One line of text where it stands, in points from the lower left corner."""

    text: str
    y: float
    x: float = 72
    size: float = 11
    bold: bool = False


def column(*texts: str, top: float = 720, x: float = 72, leading: float = 14) -> list[At]:
    """Lines one below the other; an empty one leaves a gap."""
    return [At(text, top - leading * place, x) for place, text in enumerate(texts) if text]


def pdf(*pages: Sequence[At], info: Mapping[str, str] | None = None, picture: bool = False) -> bytes:
    """A document of these pages in Helvetica; `picture` puts a grey square on each."""
    return with_contents([drawn(page, picture) for page in pages], info, picture)


def drawn(page: Iterable[At], picture: bool = False) -> bytes:
    """The content stream that shows the lines."""
    shown = [
        f"BT /{'F2' if bold else 'F1'} {size} Tf {x} {y} Td <{text.encode('cp1252').hex()}> Tj ET"
        for text, y, x, size, bold in page
    ]
    return "\n".join([*shown, "q 9 0 0 9 9 9 cm /Im Do Q" if picture else ""]).encode()


def with_contents(contents: Sequence[bytes], info: Mapping[str, str] | None = None, picture: bool = False) -> bytes:
    """A document whose pages have these content streams."""
    return assembled(objects([flate(content) for content in contents], info, picture))


def objects(streams: Sequence[bytes], info: Mapping[str, str] | None = None, picture: bool = False) -> dict[int, bytes]:
    """1 is the catalogue, 2 the tree of pages, 6 the metadata; 10 and 11 the first page and its stream, and so on."""
    pages = range(10, 10 + 2 * len(streams), 2)
    found = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Count %d /Kids [%b] >>" % (len(pages), b" ".join(b"%d 0 R" % page for page in pages)),
        3: FONT % b"",
        4: FONT % b"-Bold",
        5: stream(b"\x80", PICTURE),
        6: b"<< " + b" ".join(f"/{key} ({value})".encode("cp1252") for key, value in (info or {}).items()) + b" >>",
        7: b"<< /Font << /F1 3 0 R /F2 4 0 R >> %b >>" % (b"/XObject << /Im 5 0 R >>" if picture else b""),
    }
    for page, content in zip(pages, streams, strict=True):
        found[page] = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources 7 0 R >>" % (
            page + 1
        )
        found[page + 1] = content
    return found


def stream(data: bytes, entries: bytes = b"") -> bytes:
    """A stream as it is."""
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(data), entries, data)


def flate(data: bytes, entries: bytes = b"") -> bytes:
    """A packed stream."""
    return stream(zlib.compress(data, 9), b"/Filter /FlateDecode " + entries)


def assembled(found: Mapping[int, bytes], trailer: bytes = b"") -> bytes:
    """The objects as a file with its cross-reference table."""
    data = bytearray(b"%PDF-1.7\n")
    table = [b"xref\n0 1\n0000000000 65535 f \n"]
    for number, content in sorted(found.items()):
        table.append(b"%d 1\n%010d 00000 n \n" % (number, len(data)))
        data += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    start = len(data)
    data += b"".join(table)
    data += b"trailer\n<< /Size %d /Root 1 0 R /Info 6 0 R %b >>\n" % (max(found) + 1, trailer)
    return bytes(data + b"startxref\n%d\n%%%%EOF\n" % start)
