"""PDFs that want to hang, fill or break their reader (T15, F26): each is a small file, made when it is asked for."""

import zlib
from collections.abc import Callable

from pdf_files import assembled, column, drawn, flate, objects, stream, with_contents

HONEST = drawn(column("They met at a mill in 1991, and once more."))
LIMITS = "it goes beyond the limits of safe reading ("
DAMAGED = "it is damaged: "
LATE = "it took more than 20 seconds to read"
READ = "read"
ANY = ""
FORM = b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources 7 0 R"
CODES = b"begincmap 1 begincodespacerange <00000000> <FFFFFFFF> endcodespacerange "


def one(changes: dict[int, bytes] | None = None, trailer: bytes = b"") -> bytes:
    """An honest page, some of whose objects are others."""
    return assembled({**objects([flate(HONEST)]), **(changes or {})}, trailer)


def cmap(text: bytes) -> bytes:
    """An honest page whose font translates its letters by this table."""
    font = b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /ToUnicode 20 0 R >>"
    return one({3: font, 20: flate(text)})


def page_of(entries: bytes) -> bytes:
    return b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources 7 0 R %b >>" % entries


def kids(what: bytes) -> bytes:
    return b"<< /Type /Pages /Count 10000 /Kids [%b] >>" % what


def forms(count: int, calls: int) -> bytes:
    """Forms that each draw the next one so many times."""
    drawing = {20 + i: stream(b"/X%d Do " % (i + 1) * calls, FORM) for i in range(count)}
    drawing[20 + count] = stream(b"BT /F1 9 Tf (lol) Tj ET", FORM)
    names = b" ".join(b"/X%d %d 0 R" % (i, 20 + i) for i in range(count + 1))
    resources = b"<< /Font << /F1 3 0 R >> /XObject << %b >> >>" % names
    return one({7: resources, 11: flate(b"/X0 Do"), **drawing})


def chain(length: int) -> bytes:
    """A tree of pages that is one long branch."""
    branch = {20 + i: kids(b"%d 0 R" % (21 + i)) for i in range(length)}
    return one({2: kids(b"20 0 R"), **branch, 20 + length: page_of(b"/Contents 11 0 R")})


def packed(data: bytes, times: int) -> bytes:
    for _ in range(times):
        data = zlib.compress(data, 9)
    return stream(data, b"/Filter [%b]" % (b"/FlateDecode " * times))


def encrypted(entries: bytes) -> bytes:
    return one({30: b"<< /Filter /Standard %b >>" % entries}, b"/Encrypt 30 0 R /ID [<00> <00>]")


AES = encrypted(
    b"/V 5 /R 6 /Length 256 /P -4 /O <%b> /U <%b> /OE <%b> /UE <%b> /Perms <%b> /StmF /StdCF /StrF /StdCF "
    b"/CF << /StdCF << /CFM /AESV3 /Length 32 >> >>" % (b"00" * 48, b"00" * 48, b"00" * 32, b"00" * 32, b"00" * 16)
)

# What is said of each, or that it is read; all of them in a second or two.
BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "60 MB in 88 KB": (lambda: with_contents([b"0 0 m " * 10_000_000]), LIMITS),
    "200 MB in 290 KB": (lambda: with_contents([b"0 0 m " * 33_000_000]), LIMITS),
    "packed three times": (lambda: one({11: packed(bytes(200_000_000), 3)}), LIMITS),
    "forty filters": (lambda: one({11: stream(b"x", b"/Filter [%b]" % (b"/ASCIIHexDecode " * 40))}), LIMITS),
    "128 of each byte": (lambda: one({11: stream(b"\x81x" * 1_000_000, b"/Filter /RunLengthDecode")}), LIMITS),
    "codes of LZW": (lambda: one({11: stream(b"\x80\x0b" * 100_000, b"/Filter /LZWDecode")}), DAMAGED),
    "arrays in arrays": (lambda: with_contents([b"[" * 100_000 + b"]" * 100_000 + b" TJ"]), DAMAGED),
    "arrays that do not end": (lambda: with_contents([b"[" * 30_000_000]), DAMAGED),
    "an array of 900,000": (lambda: with_contents([b"BT /F1 9 Tf [%b] TJ ET" % (b"(x) -900 " * 900_000)]), LIMITS),
    "pages that hold themselves": (lambda: one({2: kids(b"2 0 R 10 0 R")}), DAMAGED),
    "pages 10,000 deep": (lambda: chain(10_000), LIMITS),
    "a parent that is its child": (lambda: one({2: kids(b"10 0 R")[:-2] + b"/Parent 10 0 R >>"}), READ),
    "outlines in a ring": (
        lambda: one(
            {
                1: b"<< /Type /Catalog /Pages 2 0 R /Outlines 20 0 R >>",
                20: b"<< /First 21 0 R /Last 21 0 R >>",
                21: b"<< /Title (x) /Next 21 0 R /First 20 0 R >>",
            }
        ),
        READ,
    ),
    "resources that are themselves": (lambda: one({7: b"7 0 R"}), DAMAGED),
    "a form in itself": (
        lambda: one({7: b"<< /XObject << /X 20 0 R >> >>", 11: flate(b"/X Do"), 20: stream(b"/X Do", FORM)}),
        "it holds no text",
    ),
    "a length of 99 thousand million": (
        lambda: one({11: b"<< /Length 99999999999 >>\nstream\n" + HONEST + b"\nendstream"}),
        LIMITS,
    ),
    "a length that is itself": (lambda: one({11: b"<< /Length 11 0 R >>\nstream\n%b\nendstream" % HONEST}), LIMITS),
    "a table of 999,999,999": (lambda: one().replace(b"xref\n0 1\n", b"xref\n0 999999999\n"), LIMITS),
    "a table before itself": (lambda: one(trailer=b"/Prev %d" % one().rindex(b"xref\n0 1\n")), READ),
    "letters up to 2^32": (lambda: cmap(CODES + b"1 beginbfrange <00000000> <FFFFFFFF> <0041> endbfrange"), LIMITS),
    "letters without end": (lambda: cmap(CODES + b"1 beginbfchar " + b"<00" * 500_000), LIMITS),
    "100,000 ranges of letters": (lambda: cmap(CODES + b"9 beginbfrange " + b"<0000> <FFFF> <0041> " * 100_000), READ),
    "widths up to 4,000,000,000": (
        lambda: one(
            {
                3: b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [20 0 R] >>",
                20: b"<< /Type /Font /Subtype /CIDFontType2 /W [0 4000000000 500] >>",
            }
        ),
        LIMITS,
    ),
    "one stream 9,000 times": (
        lambda: one({10: page_of(b"/Contents [%b]" % (b"11 0 R " * 9_000)), 11: flate(b"0 0 m " * 10_000)}),
        LIMITS,
    ),
    "a picture that does not end": (
        lambda: with_contents([b"BI /W 9 /H 9 ID " + b"x EI" * 500_000]),
        "it holds no text",
    ),
    "a stream of objects in itself": (
        lambda: one({20: flate(b"21 0 22 3 << >>", b"/Type /ObjStm /N 2 /First 10 /Extends 20 0 R")}),
        READ,
    ),
    "a key of 2^31 bits": (
        lambda: encrypted(b"/V 2 /R 3 /Length 2147483648 /P -4 /O <%b> /U <%b>" % (b"00" * 32, b"00" * 32)),
        "it is encrypted",
    ),
}

# These take from five seconds up to the limit; what becomes of some depends on how fast the machine is.
SLOW_BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "10,000 full pages": (
        lambda: one({2: kids(b"10 0 R " * 10_000), 11: flate(drawn(column(*["They wrote to each other."] * 45)))}),
        LATE,
    ),
    "10,000 forms": (lambda: forms(11, 10), READ),
    "10,000 pages": (lambda: one({2: kids(b"10 0 R " * 10_000)}), ANY),
    "1,400,000 letters": (lambda: with_contents([b"BT /F1 9 Tf (x) Tj ET " * 1_400_000]), ANY),
    "one string of 30 MB": (lambda: with_contents([b"BT /F1 9 Tf (%b) Tj ET" % (b"x" * 30_000_000)]), ANY),
    "one number of 30 MB": (lambda: with_contents([b"BT /F1 9 Tf <%b> Tj ET" % (b"41" * 15_000_000)]), ANY),
    "15,000,000 names": (lambda: with_contents([b"/x" * 15_000_000]), ANY),
    "100 MB after the end": (lambda: one()[:-6] + b"%" * 100_000_000, ANY),
    "100 MB of one line": (lambda: b"%PDF-1.7\n" + b"1 0 obj " * 12_500_000, ANY),
    "600 MB of nothing": (lambda: b"%PDF-1.7\n" + bytes(600_000_000), ANY),
    "400,000 objects without a table": (
        lambda: (
            b"%PDF-1.4\n" + b"".join(b"%d 0 obj<</A 1>>endobj\n" % i for i in range(400_000)) + b"startxref\n0\n%%EOF"
        ),
        ANY,
    ),
}
