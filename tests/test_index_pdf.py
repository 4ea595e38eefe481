"""PDFs: what becomes text, title, date and pages; the 31 of ../shared; those that are no articles, each with why."""

import io
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pypdf
import pytest
from pdf_bombs import AES, BOMBS, READ, SLOW_BOMBS, one
from pdf_files import SENTENCES, At, assembled, column, drawn, flate, objects, pdf, stream
from torture_readers import torture_readers

from index.errors import ReadingError
from index.readers import child, scan
from index.readers.blocks import title_of_name
from index.readers.pdf import ENCRYPTED, SCANNED, read_pdf
from index.readers.pdf_lines import Look
from index.readers.pdf_paragraphs import Paragraph
from index.readers.pdf_title import author_of, created_on, title_of
from index.types import Document, Reading


@pytest.fixture(scope="module", autouse=True)
def _one_child() -> Iterator[None]:
    with child.reused():
        yield


def read(data: bytes, name: str = "the-weir_letters") -> Reading:
    (found,) = read_pdf(data, name, f"{name}.pdf")
    return found


def refused(data: bytes) -> str:
    with pytest.raises(ReadingError) as found:
        list(read_pdf(data, "a", "a.pdf"))
    said = str(found.value)
    assert said.isprintable()
    return said


def pages(document: Document) -> list[str]:
    """The text of each page, from where it begins to where the next does."""
    starts = [*document.metadata["pages"], len(document.text)]
    return [document.text[start:end] for start, end in zip(starts, starts[1:], strict=False)]


def headings(document: Document) -> list[str]:
    return [document.text[span.start : span.end] for span in document.headings]


# --- what becomes text


def test_lines_become_paragraphs_over_pages() -> None:
    """Running headers, footers and page numbers go; a sentence that goes on overleaf stays whole."""
    first = [At("The Weir Letters", 800), *column(*SENTENCES[:3], "", *SENTENCES[3:5]), At("1", 40, 300)]
    second = [At("The Weir Letters", 800), *column(*SENTENCES[5:7]), At("2", 40, 300)]
    found = read(pdf(first, second))
    one, two = pages(found.document)
    assert found.document.text == "\n\n".join([" ".join(SENTENCES[:3]), " ".join(SENTENCES[3:7])])
    assert one.endswith("and they put their letters ")
    assert two.startswith("into unsold atlases")
    assert [(each.reason, each.text) for each in found.dropped] == [
        ("running header", "The Weir Letters"),
        ("page number", "1"),
        ("page number", "2"),
    ]
    assert found.document.title == "The weir letters"


def test_headers_that_change_with_the_chapter_go_as_well() -> None:
    """Left the book's name, right the chapter's, both with the page's number, and none on the first page."""
    heads = ["", "2 The Weir", "The Sluices 3", "4 The Weir", "The Sluices 5", "6 The Weir", "The Last Dinner 7"]
    texts = [[At(head, 800, size=9)] * bool(head) + column(*SENTENCES[i : i + 3]) for i, head in enumerate(heads)]
    found = read(pdf(*texts))
    assert [each.text for each in found.dropped] == heads[1:]
    assert "Sluices" not in found.document.text
    assert len(set(found.document.metadata["pages"])) == 7


def test_what_begins_every_page_and_differs_stays() -> None:
    texts = [column(f"{word} met at the mill in the spring and said nothing of it to the crown.") for word in "ABCD"]
    found = read(pdf(*texts))
    assert found.dropped == ()
    assert all(page.startswith(word) for page, word in zip(pages(found.document), "ABCD", strict=True))


def test_a_page_without_text_begins_where_the_next_does() -> None:
    document = read(pdf(column(SENTENCES[0], "Ends."), [], column(SENTENCES[3]), [])).document
    assert [bool(page) for page in pages(document)] == [True, False, True, False]
    assert document.metadata["pages"] == [0, len(SENTENCES[0]) + 8, len(SENTENCES[0]) + 8, len(document.text)]


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (("The quiet diplo-", "macy of the valley"), "The quiet diplomacy of the valley"),
        (
            ("It was a back-", "channel, the first back-channel of all"),
            "It was a back-channel, the first back-channel of all",
        ),
        (("The back door led to the channel; a back-", "channel"), "The back door led to the channel; a back-channel"),
        (("The Anglo-", "Irish talks"), "The Anglo-Irish talks"),
        (("They spoke face-", "to-face at last"), "They spoke face-to-face at last"),
        (("From 1995-", "1998 they met"), "From 1995-1998 they met"),
        (("Some nego\xad", "tiations"), "Some negotiations"),
        (("They came together, to-", "gether and apart"), "They came together, together and apart"),
        (("They met -", "and left"), "They met - and left"),
    ],
)
def test_words_divided_at_line_ends(lines: tuple[str, str], text: str) -> None:
    assert read(pdf(column(*lines))).document.text == text


def test_divided_words_over_pages_begin_the_page_in_the_middle() -> None:
    document = read(
        pdf(column(SENTENCES[0], "and so the quiet diplo-"), column("macy of the valley went on."))
    ).document
    assert "quiet diplomacy of" in document.text
    assert pages(document)[1] == "macy of the valley went on."


def test_ligatures_bullets_and_hidden_characters() -> None:
    """`fi` as one glyph is found as two letters; Symbol's bullet is one; zero width goes and is recorded."""
    table = b"4 beginbfchar <41> <FB01> <42> <F0B7> <43> <200B> <44> <0064> endbfchar"
    made = objects([flate(b"BT /F1 9 Tf 72 700 Td (B De AADs aC) Tj ET " + drawn(column("And more.")))])
    made[3] = b"<< /Type /Font /Subtype /Type1 /BaseFont /X /ToUnicode 20 0 R >>"
    made[20] = stream(b"begincmap 1 begincodespacerange <00> <FF> endcodespacerange " + table + b" endcmap")
    found = read(assembled(made))
    assert found.document.text.startswith("• de fifids a")
    assert [each.reason for each in found.dropped] == ["hidden characters"]


def test_headings_are_larger_or_bolder() -> None:
    page = [
        At("The weir letters", 760, size=20),
        At("9 March 2024", 735),
        *column(*SENTENCES[:3], top=700),
        At("What was in them", 640, size=14),
        *column(*SENTENCES[3:5], top=620),
        At("A count of sluices", 580, bold=True),
        *column(*SENTENCES[5:7], top=566),
    ]
    document = read(pdf(page)).document
    assert (document.title, document.date) == ("The weir letters", "2024-03-09")
    assert headings(document) == ["What was in them", "A count of sluices"]
    assert document.text.startswith(SENTENCES[0])


def test_columns_are_read_one_after_the_other() -> None:
    left, right = column(*SENTENCES[:3]), column(*SENTENCES[3:7], x=320)
    assert read(pdf([*left, *right])).document.text == "\n\n".join([" ".join(SENTENCES[:3]), " ".join(SENTENCES[3:7])])


def test_metadata_give_title_author_and_date() -> None:
    info = {"Title": "The weir letters", "Author": "Ada Fennimore", "CreationDate": "D:20190511120000+02'00'"}
    document = read(pdf(column("The weir letters", "", *SENTENCES[:3]), info=info)).document
    assert (document.title, document.date) == ("The weir letters", "2019-05-11")
    assert document.metadata == {"author": "Ada Fennimore", "pages": [0]}
    assert document.text == " ".join(SENTENCES[:3]), "the title is not said twice"


@pytest.mark.parametrize(
    "given",
    [
        "untitled",
        "Microsoft Word - weir.doc",
        "weir_final2",
        "weir.pdf",
        "A long report.docx",
        "Slide 1",
        "",
        "\0",
        "17",
    ],
)
def test_titles_that_nobody_wrote(given: str) -> None:
    usual = Look(11, 1.2, 60, False)
    parts = [Paragraph("What the page says", 11, False, ((0, 0),)), Paragraph("Text. " * 20, 11, False, ((0, 20),))]
    assert title_of(given, parts, usual) == ("What the page says", parts[1:])
    assert title_of("Mill talks", parts, usual) == ("Mill talks", parts)
    assert title_of(given, parts[1:], usual) == ("", parts[1:])
    assert title_of(given, [Paragraph("Contents", 14, True, ((0, 0),)), *parts[1:]], usual)[0] == ""


def test_days_and_authors() -> None:
    assert created_on("D:20220403180542+02'00'") == "2022-04-03"
    assert [created_on(day) for day in ("", "D:2022", "D:20221303", "yesterday")] == [""] * 4
    assert [author_of(name) for name in ("Ada Fennimore ", "anonymous", "Administrator", "")] == ["Ada Fennimore"] + [
        ""
    ] * 3


def test_a_picture_among_pages_of_text_is_named() -> None:
    made = objects([flate(drawn(column(*SENTENCES[:3]))), flate(drawn([], picture=True))], picture=True)
    found = read(assembled(made))
    assert [(each.reason, each.text) for each in found.dropped] == [("page without text", "page 2: a picture")]


# --- what is refused, and why


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-256"])
@pytest.mark.parametrize("password", ["", "secret"])
def test_f25_encrypted(algorithm: str, password: str) -> None:
    """An empty password opens a file, where the library for its cipher is there; AES has none."""
    if algorithm == "AES-256":
        assert refused(AES) == ENCRYPTED
        return
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf(column(*SENTENCES[:2]))))
    writer.encrypt(password, "owner", algorithm=algorithm)
    writer.write(out := io.BytesIO())
    if password:
        assert refused(out.getvalue()) == ENCRYPTED
    else:
        assert read(out.getvalue()).document.text == " ".join(SENTENCES[:2])


@pytest.mark.parametrize("kept", [20, 200, 400, 700])
def test_f25_damaged(kept: int) -> None:
    assert refused(pdf(column(*SENTENCES))[:kept]).startswith("it is damaged: ")


def test_f25_a_broken_stream_is_told() -> None:
    """What is left of a page is read, and the loss recorded; nothing left is damage."""
    packing = zlib.compressobj()
    packed = packing.compress(drawn(column(*SENTENCES[:3]))) + packing.flush(zlib.Z_SYNC_FLUSH) + b"\xff" * 20
    found = read(assembled(objects([stream(packed, b"/Filter /FlateDecode")])))
    assert found.document.text == " ".join(SENTENCES[:3])
    assert [(each.reason, each.text) for each in found.dropped] == [
        ("damaged", "page 1: Error -3 while decompressing data: invalid block type")
    ]
    broken = bytearray(zlib.compress(drawn(column(*SENTENCES)), 9))
    broken[10:] = b"\xff" * (len(broken) - 10)
    said = refused(assembled(objects([stream(bytes(broken), b"/Filter /FlateDecode")])))
    assert said.startswith("it is damaged: page 1: Error -3 while decompressing data")


@pytest.mark.parametrize("stamp", [[], [At("Downloaded from the archive on 3 June 2007", 20, size=8)]])
def test_f25_scanned(stamp: list[At]) -> None:
    """Also where an archive stamped each page."""
    assert refused(pdf(stamp, stamp, stamp, picture=True)) == SCANNED


def test_f25_nothing_at_all() -> None:
    assert refused(pdf([], [])) == "it holds no text; if it shows some, run it through OCR first"
    assert refused(b"") == "there is no text in it"


@pytest.mark.parametrize(
    "data", [b"\x7fELF\x02\x01\x01\0" * 99, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"PK\x03\x04\x14\0\0\0"]
)
def test_f23_other_files_named_pdf(data: bytes) -> None:
    assert refused(data) == "it is not a PDF (it does not begin with %PDF-)"


def test_fonts_without_letters() -> None:
    made = objects([flate(b"BT /F1 9 Tf 72 700 Td (ABBA) Tj ET")])
    made[3] = b"<< /Type /Font /Subtype /Type1 /BaseFont /X /ToUnicode 20 0 R >>"
    made[20] = stream(b"begincmap 2 beginbfchar <41> <E001> <42> <E002> endbfchar endcmap")
    assert refused(assembled(made)) == "its fonts do not say which letters they show; run it through OCR first"


# --- ../shared/pdf

NAME = ""  # the title is made of the file's name
OUTCOMES: dict[str, tuple[str, str, int, int] | str] = {  # title, date, characters, pages; or the reason
    "001-trivial-minimal-document": (NAME, "2022-04-03", 591, 1),
    "002-trivial-libre-office-writer-002-trivial-libre-office-writer": (NAME, "2022-04-03", 591, 1),
    "003-pdflatex-image-pdflatex-image": (NAME, "2022-04-03", 608, 1),
    "004-pdflatex-4-pages-pdflatex-4-pages": (NAME, "2022-04-03", 14466, 4),
    "005-libreoffice-writer-password-libreoffice-writer-password": ENCRYPTED,
    "006-pdflatex-outline-pdflatex-outline": (NAME, "2022-04-06", 7721, 4),
    "007-imagemagick-images-imagemagick-ASCII85Decode": SCANNED,
    "007-imagemagick-images-imagemagick-CCITTFaxDecode": SCANNED,
    "007-imagemagick-images-imagemagick-images": SCANNED,  # "Background" is stamped on four of its six pictures
    "007-imagemagick-images-imagemagick-lzw": SCANNED,
    "008-reportlab-inline-image-inline-image": (NAME, "2022-04-15", 4, 1),
    "009-pdflatex-geotopo-GeoTopo-komprimiert": ("Geometrie und Topologie", "2016-12-31", 133314, 117),
    "010-pdflatex-forms-pdflatex-forms": (NAME, "2022-04-08", 17, 1),
    "011-google-doc-document-google-doc-document": ("PDF Example Document", "", 1112, 1),
    "012-libreoffice-form-libreoffice-form": ("Example for a Form", "2022-06-26", 96, 1),
    "013-reportlab-overlay-reportlab-overlay": ("Name: Foo Bar", "", 51, 1),
    "014-outlines-mistitled_outlines_example": (NAME, "2022-04-06", 7721, 4),
    "015-arabic-habibi": ("habibi", "", 20, 1),
    "015-arabic-habibi-oneline-cmap": ("habibi", "", 20, 1),
    "015-arabic-habibi-rotated": (NAME, "", 83, 4),
    "016-libre-office-link-libre-office-link": (NAME, "2022-07-31", 34, 1),
    "017-unreadable-meta-data-unreadablemetadata": "it is damaged: Invalid object in /Pages",  # zeros where it was
    "018-base64-image-base64image": (NAME, "2022-09-20", 69, 1),
    "019-grayscale-image-grayscale-image": SCANNED,
    "020-xmp-output_with_metadata_pymupdf": (NAME, "2023-04-10", 13, 1),
    "021-pdfa-crazyones-pdfa": ("The Crazy Ones", "1998-10-14", 874, 1),  # the date is printed under the title
    "022-pdfkit-pdfkit": ("Header", "2023-09-13", 18, 1),
    "023-cmyk-image-cmyk-image": SCANNED,
    "024-annotations-annotated_pdf": ("Annotated PDF", "1990-04-28", 40, 1),
    "025-attachment-with-attachment": (NAME, "", 591, 1),
    "026-latex-multicolumn-multicolumn": ("Two-Column Document with Lorem Ipsum", "2024-01-03", 7014, 3),
}


@pytest.mark.slow
@pytest.mark.shared
def test_f25_all_31_files_end_as_they_should(shared: Path) -> None:
    found = scan([shared / "pdf"])
    ends: dict[str, tuple[str, str, int, int] | str] = {Path(each.source).stem: each.reason for each in found.skipped}
    for document in (each.document for each in found.readings):
        named = document.title == title_of_name(document.doc_id)
        ends[document.doc_id] = (
            NAME if named else document.title,
            document.date,
            len(document.text),
            len(document.metadata["pages"]),
        )
        assert document.metadata["pages"] == sorted(document.metadata["pages"])
    assert ends == OUTCOMES
    by_name = {each.document.doc_id: each for each in found.readings}
    columns = by_name["026-latex-multicolumn-multicolumn"].document
    for seam in ("semper elit. Proin fermentum", "feugiat lacus vel est", "consectetuer adipiscing elit"):
        assert seam in columns.text, "over columns, over pages, over a divided word"
    assert pages(columns)[1].startswith("lacus vel est. Curabitur consectetuer.")
    geometry = by_name["009-pdflatex-geotopo-GeoTopo-komprimiert"]
    assert pages(geometry.document)[1].startswith("Vorwort\n\nDieses Skript wurde im Wintersemester 2013/2014")
    assert "Definition 17" in headings(geometry.document)
    assert sum(each.reason == "running header" for each in geometry.dropped) > 100
    assert "habibi" in by_name["015-arabic-habibi"].document.text


# --- bombs

LONG_BOMBS = ("200 MB in 290 KB", "packed three times", "a picture that does not end")  # half a second each


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LONG_BOMBS else []) for name in BOMBS]
)
def test_f26_bombs_are_told(name: str) -> None:
    """T15. Each is over in a few seconds, and the next file is read."""
    make, said = BOMBS[name]
    data = make()
    started = time.monotonic()
    if said == READ:
        assert read(data).document.text
    else:
        assert refused(data).startswith(said)
    assert time.monotonic() - started < 20
    assert read(one()).document.text == "They met at a mill in 1991, and once more."


@pytest.mark.slow
@pytest.mark.alone
def test_t15_twenty_seconds_are_the_most(tmp_path: Path) -> None:
    """And the batch goes on, in a new child."""
    make, said = SLOW_BOMBS["10,000 full pages"]
    (tmp_path / "a.pdf").write_bytes(one())
    (tmp_path / "b.pdf").write_bytes(make())
    (tmp_path / "c.pdf").write_bytes(one())
    started = time.monotonic()
    found = scan([tmp_path])
    assert time.monotonic() - started < 30
    assert [each.document.doc_id for each in found.readings] == ["a", "c"]
    assert [each.reason for each in found.skipped] == [said]


@pytest.mark.slow
def test_f24_mutated_files_of_all_kinds() -> None:
    """A short form of tests/torture_readers.py: none hangs, none ends the run, none is named nowhere."""
    done = torture_readers(200, seed=3, reference=Path("nowhere"))
    assert (done.files, done.lost) == (201, ())
    assert done.slowest[0] < 20
    assert {suffix for suffix, _ in done.outcomes} == {".pdf", ".html", ".md", ".txt"}
