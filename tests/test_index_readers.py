"""Each format on our own samples: what is text, what is kept beside it, and why a file is passed over."""

import json
import os
from pathlib import Path

import pytest
from conftest import DATA

from index.dates import iso_date
from index.errors import ReadingError, SourceError
from index.readers import READERS, scan
from index.readers.encoding import decode
from index.readers.markdown import front_matter, read_markdown
from index.types import Document, Note, Reading, Skipped, Span


def read(path: Path) -> Reading:
    """The one article of a file."""
    (found,) = scan([path]).readings
    return found


def markdown(text: str) -> Document:
    (found,) = read_markdown(text.encode(), "a", "a.md")
    return found.document


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def headings(document: Document) -> list[str]:
    return [document.text[span.start : span.end] for span in document.headings]


def reason(path: Path, content: str | bytes) -> str:
    """Why a file is passed over, when a good one lies beside it."""
    write(path.parent / "good.md", "Good text stands here.\n")
    write(path, content)
    (skipped,) = scan([path.parent]).skipped
    assert skipped.source == path.as_posix()
    assert skipped.damaged
    return skipped.reason


# --- plain text


def test_a_saved_web_page() -> None:
    found = read(DATA / "saved_page.txt")
    document = found.document
    assert document.title == ("How two harbour towns began to talk again: the quiet work behind the ferry agreement.")
    assert document.date == "2024-03-09"
    assert document.metadata["summary"].startswith("Long before the mayors shook hands on the quay")
    assert headings(document) == ["A paper without an author", "What the mayors signed"]
    paragraphs = document.text.split("\n\n")
    assert len(paragraphs) == 1 + 6 + 2, "standfirst, paragraphs, headings"
    assert paragraphs[0] == document.metadata["summary"]
    assert paragraphs[-1].endswith("with twelve chairs that do not match.")
    assert "Some towns used Facebook and Reddit to complain" in document.text
    for furniture in ("ADVERTISEMENT", "Related Articles", "mountain village", "cookies", "newsletter", "©", "2024"):
        assert furniture not in document.text
    assert [each.reason for each in found.dropped] == (
        ["share line"] + 4 * ["advertisement"] + 7 * ["teaser"] + ["cookie notice", "newsletter", "copyright line"]
    )
    assert found.dropped[6].text.startswith("A mountain village and its neighbour")
    assert document.source == (DATA / "saved_page.txt").as_posix()
    assert document.doc_id == "saved_page"


def test_hard_wrapped_text_is_joined() -> None:
    document = read(DATA / "wrapped.txt").document
    assert document.title == "The bridge-keepers' dinners"
    assert document.text.split("\n\n") == [
        "The keepers of the two bridges met once a month in the inn below the weir, and for a long time nobody else "
        "knew of it. They were paid by two crowns that were not on speaking terms.",
        "What they settled over soup was small: whose lamp was lit first, and which cart had to wait. In a dry year "
        "they settled the water as well.",
    ]


def test_plain_text_without_a_title_takes_its_name(tmp_path: Path) -> None:
    long = "word " * 40 + "ends."
    document = read(write(tmp_path / "the-old_mill.txt", f"{long}\n\nAnd a second paragraph.\n")).document
    assert document.title == "The old mill"
    assert document.text.startswith("word word")
    assert read(write(tmp_path / "one.txt", "Only one line.")).document.text == "Only one line."


def test_author_and_date_lines_of_plain_text(tmp_path: Path) -> None:
    page = "The mill\n\nby Ada Fennimore\n\nPublished on 3 June 2007\n\nThe mill stood still for years.\n"
    document = read(write(tmp_path / "a.txt", page)).document
    assert (document.date, document.metadata) == ("2007-06-03", {"author": "Ada Fennimore"})
    assert document.text == "The mill stood still for years."


@pytest.mark.parametrize(
    ("line", "date"),
    [
        ("July 17, 2025", "2025-07-17"),
        ("August 04, 2025", "2025-08-04"),
        ("17 July 2025", "2025-07-17"),
        ("3 Jun 2007", "2007-06-03"),
        ("2025-07-17", "2025-07-17"),
        ("Published on July 17, 2025.", "2025-07-17"),
        ("Last updated: 17 July 2025", "2025-07-17"),
        ("July 2025", "2025-07"),
        ("2025-07", "2025-07"),
        ("03/04/2025", ""),  # the third of April, or the fourth of March
        ("February 30, 2025", ""),
        ("They met on July 17, 2025", ""),
        ("2025", ""),
        ("", ""),
    ],
)
def test_dates(line: str, date: str) -> None:
    assert iso_date(line) == date


def test_the_seed_reads_as_one_document(shared: Path) -> None:
    found = read(next((shared / "seed").glob("*.txt")))
    document = found.document
    assert document.title == (
        "Investigating the influence of private diplomacy and track two dialogues in preparing the ground for "
        "official agreements."
    )
    assert document.date == "2025-07-17"
    assert headings(document) == [
        "Building credibility through incremental, non-binding engagement",
        "Knowledge-sharing and capacity-building outside formal fora",
        "Signals, timelines, and the sequencing of public declarations",
        "The durability of arrangements seeded in non-public forums",
    ]
    paragraphs = [part for part in document.text.split("\n\n") if part not in headings(document)]
    assert paragraphs[0].startswith("Private diplomacy and track two dialogues quietly shape future official accords")
    assert len(paragraphs) == 1 + 12
    assert paragraphs[1].startswith("In today’s complex international environment, private diplomacy operates")
    assert paragraphs[12].endswith("quiet work done out of sight often determines what is possible in public.")
    reasons = [each.reason for each in found.dropped]
    assert reasons == ["share line"] + 6 * ["advertisement"] + 41 * ["teaser"]
    teasers = [each.text for each in found.dropped if each.reason == "teaser"][1:]
    assert len([text for text in teasers if not iso_date(text)]) == 20
    for text in ("Facebook X Reddit", "ADVERTISEMENT", "Related Articles", *teasers):
        assert text not in document.text


def test_all_747_essays_are_read(shared: Path) -> None:
    found = scan([shared / "corpora" / "hsg_articles.jsonl"])
    assert (len(found.readings), found.skipped) == (747, ())
    assert all(reading.document.text.strip() and reading.document.title for reading in found.readings)


# --- Markdown


def test_markdown_front_matter_footnotes_and_blocks() -> None:
    found = read(DATA / "footnotes.md")
    document = found.document
    assert (document.title, document.date) == ("The weir letters", "2019-11-05")
    assert document.metadata["period"] == {"from": 1911, "to": 1913}
    assert document.metadata["regions"] == ["upper-valley"]
    assert "title" not in document.metadata
    assert document.text.split("\n\n") == [
        "The two water boards of the valley broke off relations in 1911. For two years they wrote to each other "
        "through a bookseller, Mr. Tarn, who put their letters into unsold atlases. Nobody searched an atlas.",
        "What was in them",
        "A count of the sluices.",
        "A list of names, with ticks.",
        "sluice | owner",
        "upper | east",
        "lower | west",
        "Put nothing in ink that you would not read out in church.",
        "weir 3: shut\nweir 4: open",
        "The letters end with a treaty of nine lines and a drawing of a fish.",
    ]
    assert headings(document) == ["What was in them"]
    assert [(each.reason, each.text) for each in found.dropped] == [
        ("raw HTML", '<div class="advert">Buy atlases here</div>')
    ]


def test_footnotes_stand_at_the_end_of_their_sentence() -> None:
    document = read(DATA / "footnotes.md").document
    text = document.text
    assert [(text[: note.offset].rsplit(" ", 1)[-1], note.sources) for note in document.notes] == [
        ("1911.", ("ledger",)),
        ("atlases.", ("7", "tarn")),
        ("east", ("ledger",)),
        ("church.", ("tarn",)),
    ]
    first = Span(0, text.index("1911.") + 5)
    second = Span(first.end + 1, text.index("atlases.") + 8)
    third = Span(second.end + 1, text.index("an atlas.") + 9)
    assert document.onward(first) == [{"id": "ledger", "title": "Ledger of the bookshop", "year": 1911}]
    assert document.onward(second) == [
        {"id": "7", "title": "The seventh copybook"},  # `id: 7` in the front matter
        {"id": "tarn", "title": "J. Tarn, *Atlases I have sold*, chapter four."},  # defined under the text
    ]
    assert document.onward(third) == []
    assert len(document.onward(Span(0, len(text)))) == 3, "each source once"


def test_a_mark_after_a_blank_or_without_a_source() -> None:
    document = markdown("They met in June 2013. [^a] They met again.[^b][^c] [^d]\n")
    assert document.text == "They met in June 2013.  They met again."
    assert document.notes == (Note(22, ("a",)), Note(39, ("b", "c", "d")))
    assert document.onward(Span(24, 39)) == [{"id": "b"}, {"id": "c"}, {"id": "d"}]


def test_no_mark_is_left_in_the_text_of_the_articles(root: Path) -> None:
    for reading in scan([root / "data" / "articles"]).readings:
        document = reading.document
        assert "[^" not in document.text
        assert all(0 < note.offset <= len(document.text) for note in document.notes)
        known = {source["id"] for source in document.metadata["sources"]}
        assert {name for note in document.notes for name in note.sources} <= known
        assert reading.dropped == ()


@pytest.mark.parametrize(
    ("page", "title", "text"),
    [
        ("---\ntitle: T\n---\n# T\n\nBody.\n", "T", "Body."),
        ("---\ntitle: T\n---\n# Another\n\nBody.\n", "T", "Another\n\nBody."),
        ("# From the heading\n\nBody.\n", "From the heading", "Body."),
        ("Setext\n======\n\nBody.\n", "Setext", "Body."),
        ("Body only.\n", "A", "Body only."),
        ("---\n---\nBody.\n", "A", "Body."),
        ("---\ntitle: 1911\ndate: 1911\n---\nBody.\n", "1911", "Body."),
        ("A rule\n\n---\n\nno front matter.\n", "A", "A rule\n\nno front matter."),
    ],
)
def test_titles_of_markdown(page: str, title: str, text: str) -> None:
    document = markdown(page)
    assert (document.title, document.text) == (title, text)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("---\ntitle: T\nregions: [a, b\n---\nBody.\n", "its front matter is not valid YAML in line 4: "),
        ("---\ntitle: 'T\n---\nBody.\n", "its front matter is not valid YAML in line "),
        ("---\n- a\n- b\n---\nBody.\n", "its front matter is a list, not names with values"),
        ("---\nonly words\n---\nBody.\n", "its front matter is a str, not names with values"),
        ("---\nsources: nyt\n---\nBody.\n", "`sources` in its front matter must be a list of entries that each have"),
        ("---\nsources:\n  - title: No id\n---\nBody.\n", "`sources` in its front matter must be a list of entries"),
        ("---\ndate: 2025-02-30\n---\nBody.\n", "its front matter is not valid YAML: day is out of range for month"),
        ("---\na: &a [x]\nb: *a\n---\nBody.\n", "its front matter is not valid YAML in line 3: aliases (*) are not"),
        (
            "---\na: !!python/object/apply:os.system [true]\n---\nBody.\n",
            "its front matter is not valid YAML in line 2",
        ),
        ("---\na: " + "[" * 5000 + "\n---\nBody.\n", "its front matter is not valid YAML"),
        ("---\ntitle: T\n---\n", "there is no text in it"),
        ("# Only a title\n", "there is no text in it"),
        ("# A title\n\n## And a heading\n", "there is no text in it"),
        ("<div>Only markup</div>\n", "there is no text in it"),
    ],
)
def test_markdown_that_cannot_be_read(page: str, said: str) -> None:
    with pytest.raises(ReadingError) as found:
        markdown(page)
    assert str(found.value).startswith(said)
    assert "\n" not in str(found.value)


def test_t16_aliases_cannot_fill_the_memory() -> None:
    lines = ["a0: &a0 [x]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12))]
    with pytest.raises(ReadingError, match="aliases"):
        front_matter("---\n" + "\n".join(lines) + "\n---\nBody.\n")


@pytest.mark.slow
def test_t16_broken_marks_take_linear_time() -> None:
    import time

    started = time.process_time()
    assert markdown("[^" * 50_000).text == "[^" * 50_000
    assert time.process_time() - started < 4, "12 s for 40,000, when a search began at each of them"


# --- HTML


def test_an_html_page() -> None:
    found = read(DATA / "page.html")
    document = found.document
    assert (document.title, document.date) == ("The quarry table", "2023-05-14")
    assert document.metadata["author"] == "Ada Fennimore"
    assert document.metadata["site"] == "Valley Quarterly"
    assert headings(document) == ["One sentence a week"]
    paragraphs = document.text.split("\n\n")
    assert paragraphs[0].startswith("Two quarrying families of the upper valley had not spoken")
    assert "first offers & conditions." in document.text
    assert paragraphs[4:6] == [
        "The eastern face was to be worked in even years.",
        "The cart road was to be mended by both.",
    ]
    assert paragraphs[-1] == (
        "When the families met in the open at midsummer, they needed one afternoon. The copybook lay on the table, "
        "and nobody opened it."
    )
    for furniture in ("Front page", "Archive of all", "printed at the old mill", "canary", "color: black"):
        assert furniture not in document.text


SENTENCES = "The talks were held in a mill by the river and lasted for three days in all. " * 6


def page(inside: str) -> bytes:
    return (
        f"<html><head><title>T</title></head><body><article><p>{SENTENCES}</p>{inside}</article></body></html>".encode()
    )


@pytest.mark.parametrize(
    "inside", ["<p>One more.<p>And one." * 400, "<ul>" + "<li>An item.<br>" * 400 + "</ul>", "<![x[y]]>", "<!", "<!--"]
)
def test_sloppy_html_is_read(tmp_path: Path, inside: str) -> None:
    document = read(write(tmp_path / "a.html", page(inside))).document
    assert document.text.startswith(SENTENCES.strip())


def test_html_without_an_article_is_refused(tmp_path: Path) -> None:
    assert reason(tmp_path / "bare.html", "<html><body></body></html>") == "no main text was found in the page"


# --- JSON lines


def test_json_lines() -> None:
    found = scan([DATA / "lines.jsonl"])
    documents = {reading.document.doc_id: reading.document for reading in found.readings}
    assert sorted(documents) == ["12", "ferry", "untitled"]
    ferry = documents["ferry"]
    assert (ferry.title, ferry.date, ferry.metadata["regions"]) == ("The ferry", "1904-06", ["sound"])
    assert ferry.text == "The ferry ran on Sundays.\n\nIt carried letters for both shores."
    assert ferry.source == f"{(DATA / 'lines.jsonl').as_posix()}#L1"
    assert documents["12"].title == "Number twelve"
    assert documents["untitled"].title == "untitled"
    source = (DATA / "lines.jsonl").as_posix()
    assert [(each.source, each.reason, each.damaged) for each in found.skipped] == [
        (f"{source}#L3", "the line is not JSON (Unterminated string starting at: character 46)", True),
        (f"{source}#L6", "the line of _id no-text has no text", True),
        (f"{source}#L7", "the line is a list, not an object with _id and text", True),
        (f"{source}#L8", "the line has no _id", True),
    ]


def test_two_lines_of_one_id_are_refused_naming_both(tmp_path: Path) -> None:
    line = json.dumps({"_id": "same", "text": "Said twice."})
    path = write(tmp_path / "a.jsonl", f"{line}\n\n{line}\n")
    with pytest.raises(SourceError) as found:
        scan([path])
    assert str(found.value).startswith(f"Two articles have the id same: {path}#L1 and {path}#L3.")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"_id": "a", "text": "x", "metadata": [1]}', "the metadata of _id a is a list, not an object"),
        ('{"_id": "a", "text": 5}', "the line of _id a has no text"),
        ('{"_id": "", "text": "x"}', "the line has no _id"),
        ('{"_id": "a", "text": " \\n "}', "there is no text in it"),
        ("[" * 100_000, "the line cannot be read as JSON"),
        ('{"_id": "a", "text": "x", "n": ' + "1" * 5000 + "}", "the line cannot be read as JSON"),
    ],
)
def test_lines_that_cannot_be_read(tmp_path: Path, line: str, said: str) -> None:
    path = write(tmp_path / "a.jsonl", line + '\n{"_id": "good", "text": "Good."}\n')
    found = scan([path])
    assert [reading.document.doc_id for reading in found.readings] == ["good"]
    assert found.skipped[0].reason.startswith(said)


def test_f30_escapes_bring_no_control_characters_in(tmp_path: Path) -> None:
    """Half a surrogate pair, which JSON may write, can be neither stored nor printed."""
    line = (
        r'{"_id": "a\ud800", "title": "T\u001b[31m", "text": "x\u0000y\ud800.", "metadata": {"\ud800k": ["\ud800v"]}}'
    )
    document = read(write(tmp_path / "a.jsonl", line)).document
    assert (document.doc_id, document.title, document.text) == ("a", "T[31m", "xy.")
    assert document.metadata == {"k": ["v"]}
    front = markdown('---\ntitle: "T\\uD800"\nnote: "\\uD800"\n---\nBody.\n')
    assert (front.title, front.metadata) == ("T", {"note": ""})


# --- bytes and files


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xef\xbb\xbfcaf\xc3\xa9", "café"),
        ("café".encode("utf-16"), "café"),
        (b"\xfe\xff" + "café".encode("utf-16-be"), "café"),
        (b"\xff\xfe" + "café".encode("utf-16-le"), "café"),
        (b"a\r\nb\rc\n", "a\nb\nc\n"),
        (b"a\x07\x1b[31mb\x7f\xc2\x85", "a[31mb"),
        ("a\U0001f44d\u200db".encode(), "a\U0001f44d\u200db"),
    ],
)
def test_f29_our_own_files_are_marked_or_utf_8(data: bytes, text: str) -> None:
    assert decode(data) == text


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.md", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "it is not text (it holds NUL bytes)"),
        ("a.txt", b"\x7fELF\x02\x01\x01\0\0", "it is not text (it holds NUL bytes)"),
        ("a.html", b"PK\x03\x04\x14\0\0\0", "it is not text (it holds NUL bytes)"),
        ("a.jsonl", b"x\0y", "it is not text (it holds NUL bytes)"),
        ("a.txt", b"\xff\xfeabc", "it is not UTF-16 text (byte 0x63 at 4); save it as UTF-8"),
    ],
)
def test_f23_files_that_are_no_text(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    assert reason(tmp_path / name, content) == said


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.md", b"", "there is no text in it"),
        ("a.txt", b"", "there is no text in it"),
        ("a.txt", b" \n\t\n  ", "there is no text in it"),
        ("a.md", b"\xef\xbb\xbf", "there is no text in it"),
        ("a.html", b"", "no main text was found in the page"),
    ],
)
def test_f22_files_without_text(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    assert reason(tmp_path / name, content) == said


def test_t18_every_file_ends_read_or_skipped_with_a_reason(tmp_path: Path) -> None:
    write(tmp_path / "articles" / "a.MD", "Read whatever the case of its suffix.\n")
    write(tmp_path / "articles" / "deep" / "er" / "b.txt", "Read in its folder.\n")
    write(tmp_path / "articles" / "vocabulary.yaml", "a: 1\n")
    write(tmp_path / "articles" / "README", "No suffix.\n")
    write(tmp_path / "articles" / ".hidden.md", "Not read.\n")
    write(tmp_path / "articles" / ".git" / "c.md", "Not read.\n")
    outside = write(tmp_path / "outside" / "secret.md", "Not of this folder.\n")
    (tmp_path / "articles" / "link.md").symlink_to(outside)
    (tmp_path / "articles" / "linked").symlink_to(outside.parent)
    (tmp_path / "articles" / "dangling.md").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "articles" / "pipe.md")
    found = scan([tmp_path / "articles"])
    assert [reading.document.doc_id for reading in found.readings] == ["a", "deep/er/b"]
    at = (tmp_path / "articles").as_posix()
    assert sorted(found.skipped, key=lambda each: each.source) == [
        Skipped(f"{at}/README", "no reader for files without a suffix", damaged=False),
        Skipped(f"{at}/dangling.md", "it is not a regular file"),
        Skipped(f"{at}/link.md", "it is not a regular file"),
        Skipped(f"{at}/linked", "it is not a regular file"),
        Skipped(f"{at}/pipe.md", "it is not a regular file"),
        Skipped(f"{at}/vocabulary.yaml", "no reader for .yaml", damaged=False),
    ]


@pytest.mark.parametrize("name", [b"broken-\xff.md", "turned-\u202egnp.md".encode(), b"two\nlines.md"])
def test_t18_names_that_cannot_be_shown(tmp_path: Path, name: bytes) -> None:
    folder = tmp_path / "articles"
    write(folder / "good.md", "Good.\n")
    Path(os.fsdecode(bytes(folder) + b"/" + name)).write_text("Text.\n", encoding="utf-8")
    found = scan([folder])
    assert [reading.document.doc_id for reading in found.readings] == ["good"]
    assert found.skipped[0].reason == "its name holds characters that cannot be shown; rename it"
    assert found.skipped[0].source.isascii()
    assert found.skipped[0].source.isprintable()


def test_ids_are_paths_below_the_source(tmp_path: Path) -> None:
    path = write(tmp_path / "x" / "y.z.md", "Text.\n")
    assert read(tmp_path).document.doc_id == "x/y.z"
    assert read(path).document.doc_id == "y.z"


def test_two_articles_that_claim_one_id(tmp_path: Path) -> None:
    one, two = write(tmp_path / "one" / "a.md", "One.\n"), write(tmp_path / "two" / "a.txt", "Two.\n")
    with pytest.raises(SourceError) as found:
        scan([one.parent, two.parent])
    assert str(found.value) == (
        f"Two articles have the id a: {one} and {two}. Rename one, or give their common folder as the source."
    )
    assert [reading.document.doc_id for reading in scan([tmp_path]).readings] == ["one/a", "two/a"]


def test_sources_that_are_missing_or_hold_nothing(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(SourceError) as found:
        scan([missing])
    assert str(found.value) == (
        f"There is no {missing}. Give a file or folder that exists: python app.py index apply FOLDER"
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(SourceError) as found:
        scan([empty])
    assert str(found.value).startswith(f"No article to index in {empty} (the folder is empty). Give a folder with ")
    assert all(suffix in str(found.value) for suffix in READERS)
    picture = write(empty / "a.png", b"\x89PNG")
    with pytest.raises(SourceError, match=r"\.png: no reader for \.png\)"):
        scan([picture])


def test_a_version_changes_with_what_a_reader_would_see(tmp_path: Path) -> None:
    text = "# T\n\nOne.[^a]\n\n## H\n\nTwo.\n"
    first = markdown(text)
    assert markdown(text.replace("One.[^a]", "One. [^a]")).version == first.version
    assert len(first.version) == 64
    for changed in ("One", "[^a]", "## ", "# T"):
        assert markdown(
            text.replace(changed, {"One": "Three", "[^a]": "", "## ": "", "# T": "# U"}[changed])
        ).version != (first.version)
    assert markdown("---\ndate: 1999\n---\n" + text).version != first.version
    assert markdown("---\nregions: [x]\n---\n" + text).version != first.version
