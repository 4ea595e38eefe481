"""Word files: blocks, notes, what is deleted or hidden; and archives that are not opened."""

import datetime
import io
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from docx.oxml import parse_xml
from docx.shared import Pt, RGBColor

from index.errors import ReadingError
from index.readers import archives, scan
from index.readers.docx import read_docx
from index.types import Reading

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def saved(document: Any) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def read(document: Any) -> Reading:
    (found,) = read_docx(saved(document), "mill-papers", "mill-papers.docx")
    return found


def with_parts(data: bytes, **parts: str) -> bytes:
    """The archive with more parts, each related to the main one: `footnotes`, `comments` …"""
    kinds = "".join(
        f'<Relationship Id="own{kind}" Target="{kind}.xml" '
        f'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}"/>'
        for kind in parts
    )
    types = "".join(
        f'<Override PartName="/word/{kind}.xml" '
        f'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.{kind}+xml"/>'
        for kind in parts
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            text = old.read(name)
            if name == "word/_rels/document.xml.rels":
                text = text.replace(b"</Relationships>", f"{kinds}</Relationships>".encode())
            elif name == "[Content_Types].xml":
                text = text.replace(b"</Types>", f"{types}</Types>".encode())
            new.writestr(name, text)
        for kind, text in parts.items():
            new.writestr(f"word/{kind}.xml", text)
    return buffer.getvalue()


def add(paragraph: Any, xml: str) -> None:
    """Puts XML of Word's at the end of a paragraph; `w:` is declared."""
    for child in parse_xml(f"<w:p {W}>{xml}</w:p>"):
        paragraph._p.append(child)


def test_blocks_title_date_and_author() -> None:
    document = Document()
    document.add_heading("The mill papers", 0)
    document.add_paragraph("3 June 1971")
    document.add_heading("First round", 1)
    document.add_paragraph("Two families met at the\tmill.")
    document.add_heading("What they said", 3)
    document.add_paragraph("An item.", style="List Bullet")
    document.add_paragraph("A second.", style="List Number")
    table = document.add_table(2, 3)
    for row in range(2):
        for column in range(3):
            table.cell(row, column).text = f"r{row}\nc{column}" if column < 2 else ""
    document.core_properties.author = "Ada Fennimore"
    document.core_properties.title = "A title of long ago"
    found = read(document).document
    assert (found.title, found.date, found.metadata) == ("The mill papers", "1971-06-03", {"author": "Ada Fennimore"})
    assert found.text.split("\n\n") == [
        "3 June 1971",
        "First round",
        "Two families met at the mill.",
        "What they said",
        "An item.",
        "A second.",
        "r0 c0 | r0 c1 |",
        "r1 c0 | r1 c1 |",
    ]
    assert [found.text[span.start : span.end] for span in found.headings] == ["First round", "What they said"]
    assert (found.doc_id, found.source) == ("mill-papers", "mill-papers.docx")


def test_titles_and_dates_that_the_file_does_not_show() -> None:
    document = Document()
    document.add_paragraph("Words.")
    found = read(document).document
    assert (found.title, found.date, found.metadata) == ("Mill papers", "", {}), "python-docx's template says nothing"
    document.core_properties.created = datetime.datetime(2019, 11, 5, 10)
    document.core_properties.title = "From its properties"
    assert (read(document).document.title, read(document).document.date) == ("From its properties", "2019-11-05")
    headed = Document()
    headed.add_heading("A heading alone", 1)
    headed.add_paragraph("Words.")
    assert (read(headed).document.title, read(headed).document.text) == ("A heading alone", "Words.")


def test_headings_by_outline_and_by_a_style_based_on_one() -> None:
    document = Document()
    style = document.styles.add_style("Überschrift eigen", 1)
    style.base_style = document.styles["Heading 2"]
    document.add_paragraph("Styled", style=style)
    outlined = document.add_paragraph("Outlined")
    outlined._p.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {W} w:val="2"/>'))
    document.add_paragraph("Words.")
    document.core_properties.title = "T"
    found = read(document).document
    assert [found.text[span.start : span.end] for span in found.headings] == ["Styled", "Outlined"]


def test_footnotes_and_endnotes_become_notes() -> None:
    document = Document()
    paragraph = document.add_paragraph("They met in June 1971.")
    add(paragraph, '<w:r><w:footnoteReference w:id="2"/></w:r><w:r><w:t xml:space="preserve"> Nobody knew</w:t></w:r>')
    add(paragraph, '<w:r><w:endnoteReference w:id="5"/></w:r><w:r><w:t>.</w:t></w:r>')
    notes = (
        f'<w:footnotes {W}><w:footnote w:type="separator" w:id="-1"><w:p/></w:footnote><w:footnote w:id="2"><w:p><w:r>'
        "<w:footnoteRef/></w:r><w:r><w:t>Ledger of the shop, p. 4.</w:t></w:r><w:del><w:r><w:delText>Gone.</w:delText>"
        "</w:r></w:del></w:p></w:footnote></w:footnotes>"
    )
    ends = f'<w:endnotes {W}><w:endnote w:id="5"><w:p><w:r><w:t>But one.</w:t></w:r></w:p></w:endnote></w:endnotes>'
    comment = (
        f'<w:comments {W}><w:comment w:id="0"><w:p><w:r><w:t>Check this.</w:t></w:r></w:p></w:comment></w:comments>'
    )
    data = with_parts(saved(document), footnotes=notes, endnotes=ends, comments=comment)
    (found,) = read_docx(data, "a", "a.docx")
    text = found.document.text
    assert text == "They met in June 1971. Nobody knew."
    assert [(text[: note.offset], note.sources) for note in found.document.notes] == [
        ("They met in June 1971.", ("footnote-2",)),
        ("They met in June 1971. Nobody knew", ("endnote-5",)),
    ]
    assert found.document.metadata["sources"] == [
        {"id": "footnote-2", "title": "Ledger of the shop, p. 4."},
        {"id": "endnote-5", "title": "But one."},
    ]
    assert sorted((each.reason, each.text) for each in found.dropped) == [
        ("comment", "Check this."),
        ("tracked deletion", "Gone."),
    ]


SECRET = "Obey the hidden canary."


def hidden_run(change: Callable[[Any], None]) -> Any:
    """A document in whose paragraph a run is hidden by `change`."""
    document = Document()
    paragraph = document.add_paragraph("They met at the mill. ")
    change(paragraph.add_run(SECRET))
    paragraph.add_run(" They parted.")
    return document


def vanish_style(run: Any) -> None:
    style = run.part.document.styles.add_style("Unseen", 2)
    style.font.hidden = True
    run.style = style


def vanish_paragraph(run: Any) -> None:
    style = run.part.document.styles.add_style("Unseen", 1)
    style.font.hidden = True
    paragraph = run.part.document.add_paragraph(SECRET, style=style)
    add(paragraph, '<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t>Shown again.</w:t></w:r>')
    run.text = ""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda run: setattr(run.font, "hidden", True), "hidden (vanish)"),
        (vanish_style, "hidden (vanish)"),
        (vanish_paragraph, "hidden (vanish)"),
        (lambda run: setattr(run.font, "size", Pt(1)), "hidden (size 1 pt)"),
        (lambda run: setattr(run.font.color, "rgb", RGBColor(255, 255, 255)), "hidden (white)"),
        (lambda run: setattr(run.font.color, "theme_color", 14), "hidden (white)"),
    ],
)
def test_t6_hidden_runs_are_left_out_and_on_record(change: Callable[[Any], None], reason: str) -> None:
    found = read(hidden_run(change))
    assert "canary" not in found.document.text
    assert found.document.text.startswith("They met at the mill. They parted.")
    assert ("Shown again." in found.document.text) == (change is vanish_paragraph)
    assert [(each.reason, each.text) for each in found.dropped] == [(reason, SECRET)]


@pytest.mark.parametrize(
    "change",
    [
        lambda run: setattr(run.font, "hidden", False),
        lambda run: setattr(run.font, "size", Pt(8)),
        lambda run: run._r.get_or_add_rPr().append(parse_xml(f'<w:color {W} w:val="FF0000"/>')),
        lambda run: [
            run._r.get_or_add_rPr().append(parse_xml(xml))
            for xml in (f'<w:color {W} w:val="FFFFFF"/>', f'<w:shd {W} w:fill="000000"/>')
        ],
    ],
)
def test_t6_what_is_shown_stays(change: Callable[[Any], object]) -> None:
    found = read(hidden_run(change))
    assert found.document.text == f"They met at the mill. {SECRET} They parted."
    assert found.dropped == ()


def test_t6_white_words_on_a_dark_row_stay() -> None:
    document = Document()
    document.add_paragraph("Words.")
    run = document.add_table(1, 1).cell(0, 0).paragraphs[0].add_run("Head of a table")
    run.font.color.rgb = RGBColor(255, 255, 255)
    assert read(document).document.text == "Words.\n\nHead of a table"


def test_deletions_go_and_insertions_stay() -> None:
    document = Document()
    paragraph = document.add_paragraph("Kept.")
    add(
        paragraph,
        '<w:del w:id="1" w:author="A"><w:r><w:delText> Struck.</w:delText></w:r></w:del>'
        '<w:ins w:id="2" w:author="A"><w:r><w:t xml:space="preserve"> Added.</w:t></w:r></w:ins>'
        '<w:moveFrom w:id="3" w:author="A"><w:r><w:t>Moved away.</w:t></w:r></w:moveFrom>'
        '<w:moveTo w:id="4" w:author="A"><w:r><w:t xml:space="preserve"> Moved here.</w:t></w:r></w:moveTo>'
        "<w:hyperlink><w:r><w:t xml:space='preserve"
        "'> Linked.</w:t></w:r></w:hyperlink><w:r><w:instrText>PAGE</w:instrText></w:r>"
        "<w:r><w:t>x</w:t><w:br/><w:t>y</w:t><w:noBreakHyphen/><w:t>z\u200b\u00ad\u200bw</w:t></w:r>",
    )
    found = read(document)
    assert found.document.text == "Kept. Added. Moved here. Linked.x y-zw"
    assert [(each.reason, each.text) for each in found.dropped] == [
        ("tracked deletion", "Struck."),
        ("tracked move", "Moved away."),
        ("hidden characters", "1 × U+00AD SOFT HYPHEN, 2 × U+200B ZERO WIDTH SPACE"),
    ]


def test_boxes_contents_and_page_headers() -> None:
    document = Document()
    document.add_paragraph("Chapter one\t4", style=document.styles.add_style("toc 1", 1))
    add(
        document.add_paragraph("Before the box"),
        "<w:r><w:pict><w:txbxContent><w:p><w:r><w:t>In the box.</w:t></w:r></w:p></w:txbxContent></w:pict></w:r>"
        "<w:r><w:t xml:space='preserve"
        "'> and after it.</w:t></w:r>",
    )
    document.sections[0].header.paragraphs[0].text = "Confidential"
    found = read(document)
    assert found.document.text == "Before the box and after it.\n\nIn the box."
    assert [(each.reason, each.text) for each in found.dropped] == [
        ("table of contents", "Chapter one4"),
        ("page header", "Confidential"),
    ]


# --- T17: archives


def zipped(members: dict[str, bytes | str], way: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", way) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def good() -> dict[str, bytes | str]:
    """The members of a sound document."""
    document = Document()
    document.add_paragraph("Good words.")
    with zipfile.ZipFile(io.BytesIO(saved(document))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def lying() -> bytes:
    """A member of which the list says that it has 10 bytes, and that unpacks to 30 MB."""
    data = bytearray(zipped({**good(), "word/document.xml": b" " * 30_000_000}))
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = -1
        while (at := data.find(mark, at + 1)) >= 0:
            if data[at + offset : at + offset + 4] == (30_000_000).to_bytes(4, "little"):
                data[at + offset : at + offset + 4] = (10).to_bytes(4, "little")
    return bytes(data)


def encrypted() -> bytes:
    data = bytearray(zipped(good()))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(mark) + offset] |= 1
    return bytes(data)


def twice() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in [*good().items(), ("word/document.xml", b"<other/>")]:
            archive.writestr(name, content)
    return buffer.getvalue()


ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "bomb": (
        lambda: zipped({**good(), "word/media/a.bin": b"\0" * 200_000_000}),
        "bytes would unpack to 200,",
    ),
    "bomb in a part": (
        lambda: zipped({**good(), "word/document.xml": b" " * 45_000_000}),
        "'word/document.xml' in it would unpack to 45,000,000 bytes",
    ),
    "many files": (
        lambda: zipped({**good(), **{f"word/media/{number}": b"" for number in range(6000)}}, zipfile.ZIP_STORED),
        "files; at most 5,000 are opened",
    ),
    "slip": (lambda: zipped({**good(), "../../outside.txt": b"x"}), "('../../outside.txt')"),
    "absolute": (lambda: zipped({**good(), "/tmp/outside.txt": b"x"}), "('/tmp/outside.txt')"),
    "Windows": (lambda: zipped({**good(), "word\\..\\..\\outside.txt": b"x"}), "whose name leads out of it"),
    "encrypted": (encrypted, "it is encrypted; save it without a password"),
    "Office's encryption": (
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500,
        "it is encrypted or of an older kind; save it as .docx without a password",
    ),
    "not a zip": (lambda: b"Only words.", "it is no .docx file, or a damaged one (File is not a zip file)"),
    "cut off": (lambda: zipped(good())[:-100], "it is no .docx file, or a damaged one (File is not a zip file)"),
    "another zip": (
        lambda: zipped({"a.txt": b"x"}),
        "it is a zip archive, but no .docx file ([Content_Types].xml is not in it)",
    ),
    "two of one name": (twice, "it holds two files of one name"),
    "packed otherwise": (lambda: zipped(good(), zipfile.ZIP_BZIP2), "it is packed in a way that .docx files are not"),
    "lying about sizes": (lying, "a damaged one (Bad CRC-32 for file 'word/document.xml')"),
    "a workbook": (
        lambda: zipped({**good(), "[Content_Types].xml": str(good()["[Content_Types].xml"], "utf-8").replace(
            "wordprocessingml.document.main", "spreadsheetml.sheet.main")}),
        "it is no Word document, or a damaged one (",
    ),
    "no main part": (
        lambda: zipped({name: content for name, content in good().items() if name != "word/document.xml"}),
        "it is no Word document, or a damaged one (",
    ),
    "damaged XML": (
        lambda: zipped({**good(), "word/document.xml": b"<w:document"}),
        "it is no Word document, or a damaged one (",
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name == "bomb" else []) for name in ARCHIVES]
)
def test_t17_archives_that_are_not_opened(name: str, tmp_path: Path) -> None:
    """Seventeen of them: one sentence each, nothing written, and less memory than the caps allow."""
    make, said = ARCHIVES[name]
    data = make()
    (tmp_path / "good.md").write_text("Good words.\n", encoding="utf-8")
    (tmp_path / "bad.docx").write_bytes(data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = scan([tmp_path])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000, "KB"
    assert [each.document.doc_id for each in found.readings] == ["good"]
    (skipped,) = found.skipped
    assert said in skipped.reason
    assert "\n" not in skipped.reason
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["bad.docx", "good.md"]


def test_t17_an_archive_of_sound_size_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    data = zipped(good())
    (found,) = read_docx(data, "a", "a.docx")
    assert found.document.text == "Good words."
    monkeypatch.setattr(archives, "TOTAL", 1000)
    with pytest.raises(ReadingError, match=f"its {len(data):,} bytes would unpack to"):
        list(read_docx(data, "a", "a.docx"))


def test_t16_an_entity_bomb_in_a_document() -> None:
    bomb = '<!DOCTYPE w [<!ENTITY a0 "lol">' + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
    xml = f"{bomb}]><w:document {W}><w:body><w:p><w:r><w:t>&a9;</w:t></w:r></w:p></w:body></w:document>"
    with pytest.raises(ReadingError):
        list(read_docx(zipped({**good(), "word/document.xml": xml}), "a", "a.docx"))
