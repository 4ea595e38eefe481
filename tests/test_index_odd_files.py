"""Files that are no articles, or hardly: deep, huge, empty, odd. Each ends read or skipped with a reason, in time."""

import gc
import io
import json
import os
import random
import socket
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import DATA

from index.controls import CONTROLS
from index.errors import ReadingError, SourceError
from index.readers import READERS, scan
from index.readers.blocks import LONGEST, Block, reading
from index.readers.html import MOST, read_html
from index.readers.jsonlines import read_jsonlines
from index.readers.markdown import read_markdown
from index.readers.plain import read_plain
from index.readers.tei import read_tei
from index.sentences import sentence_spans
from index.types import Dropped, Reading, Skipped

SENTENCES = "The talks were held in a mill by the river and lasted for three days in all. " * 6


def page(inside: str) -> bytes:
    return (
        f"<html><head><title>T</title></head><body><article><p>{SENTENCES}</p>{inside}</article></body></html>".encode()
    )


def html(inside: str) -> Reading:
    (found,) = read_html(page(inside), "a", "a.html")
    assert isinstance(found, Reading)
    return found


# --- F27: deep pages


def nested(depth: int, tag: str = "div") -> str:
    """Elements in elements, a word in each, and a paragraph after them."""
    inside = "".join(f"<{tag}> w{i}" for i in range(depth))
    return f"{inside} deepest {f'</{tag}>' * depth}<p>And the last words.</p>"


@pytest.mark.parametrize("depth", [200, 255, 256, 257, 1000, pytest.param(100_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("tag", ["div", "b", "blockquote"])
def test_f27_all_text_of_a_deep_page_is_kept(depth: int, tag: str) -> None:
    """lxml drops what is nested 256 deep, and all that comes after it, without a word."""
    found = html(nested(depth, tag))
    words = found.document.text.split()
    if (tag, depth) == ("blockquote", 200):  # as a tree it is whole, and to trafilatura it is no article
        (dropped,) = found.dropped
        assert (dropped.reason, dropped.text) == ("outside the main text", "199 of 307 words of the page")
        return
    assert [word for word in words if word[1:].isdigit()] == [f"w{i}" for i in range(depth)]
    assert "deepest" in words
    assert found.document.text.endswith("And the last words.")
    said = [each.text for each in found.dropped if each.reason == "read tag by tag"]
    assert bool(said) == (depth > 251), "html, body and article are elements as well"
    assert not said or said == ["it is nested too deep, so what stands around the article is in its text as well"]


@pytest.mark.parametrize(
    "tag", ["b", *(pytest.param(tag, marks=pytest.mark.slow) for tag in "div p li span table td a ul font".split())]
)
def test_f27_fifty_thousand_unclosed_tags(tag: str) -> None:
    started = time.process_time()
    found = html("<p>Before.</p>" + f"<{tag}>w " * 50_000 + "<p>After.")
    assert found.document.text.count("w") >= 50_000
    assert "Before." in found.document.text
    assert found.document.text.endswith("After.")
    assert time.process_time() - started < 20


def test_f27_a_deep_page_keeps_its_head_and_its_headings() -> None:
    given = (
        "<html><head><title>The mill</title><meta name=author content='Ada Fennimore'>"
        "<meta property='article:published_time' content='2023-05-14'></head><body><nav>Front page</nav>"
        f"{'<div>' * 300}<h1>The mill</h1><p>One &amp; two<br>three.</p><h2>Later</h2>bare<table><tr><td>a<td>b</table>"
        "<script>if (a < b) { x = '<p>no</p>' }</script><style>p { color: red }</style><footer>Printed here</footer>"
    )
    (found,) = read_html(given.encode(), "a", "a.html")
    assert isinstance(found, Reading)
    document = found.document
    assert (document.title, document.date, document.metadata["author"]) == ("The mill", "2023-05-14", "Ada Fennimore")
    assert document.text.split("\n\n") == ["One & two three.", "Later", "bare", "a | b"]
    assert [document.text[span.start : span.end] for span in document.headings] == ["Later"]
    assert [(each.reason, each.text) for each in found.dropped[1:]] == [
        ("page furniture (nav)", "Front page"),
        ("page furniture (footer)", "Printed here"),
    ]


@pytest.mark.slow
def test_f27_more_elements_than_are_read_as_a_tree() -> None:
    found = html("<p>One more.</p>" * MOST)
    assert found.document.text.count("One more.") == MOST
    assert found.dropped == (
        Dropped(
            "read tag by tag",
            "it has more than 25,000 elements, so what stands around the article is in its text as well",
        ),
    )


def test_f27_words_beside_the_elements_of_a_page_are_kept() -> None:
    found = html("Bare words.<br>More.<h2>Head</h2>After it.<blockquote>Said <p>in it</p> behind</blockquote>So.")
    assert found.document.text.split("\n\n")[1:] == [
        "Bare words.",
        "More.",
        "Head",
        "After it.",
        "Said",
        "in it",
        "behind",
        "So.",
    ]


@pytest.mark.parametrize("mark", ["> ", "- ", "1. "])
def test_f27_markdown_nested_too_deep_is_refused(mark: str) -> None:
    """markdown-it drops what is nested deeper than its limit, and says nothing."""
    (found,) = read_markdown(f"Start.\n\n{mark * 20}deepest\n\nEnd.\n".encode(), "a", "a.md")
    assert found.document.text == "Start.\n\ndeepest\n\nEnd."
    for depth in (60, 5000):
        with pytest.raises(ReadingError, match="its lists or quotations are nested more than 20 deep"):
            list(read_markdown(f"Start.\n\n{mark * depth}deepest\n\nEnd.\n".encode(), "a", "a.md"))


# --- T16: time

Make = Callable[[int], bytes]
GROWING: dict[str, tuple[Callable[..., Iterator[object]], Make]] = {
    "paragraphs": (read_html, lambda n: page("<p>Words of one paragraph.</p>" * n)),
    "unclosed paragraphs": (read_html, lambda n: page("<p>words " * n)),
    "deep": (read_html, lambda n: page("<b>" * 20 * n + "x")),
    "deep, with hidden parts": (read_html, lambda n: page("<div>" * 300 + "<p hidden>x<i>y</p></b>" * 5 * n)),
    "list": (read_html, lambda n: page("<ul>" + "<li>an item<br>" * n)),
    "comments": (read_html, lambda n: page("<!-- c -->word " * 5 * n)),
    "open comments": (read_html, lambda n: page("<!--" * 50 * n)),
    "open quotes": (read_html, lambda n: page("<a '" * 50 * n)),
    "references": (read_html, lambda n: page("&#8203;&amp;&" * 20 * n)),
    "brackets": (read_markdown, lambda n: b"[^" * 3 * n),
    "stars": (read_markdown, lambda n: b"**a " * 5 * n),
    "table": (read_markdown, lambda n: b"a | b\n--|--\n" + b"c | d\n" * n),
    "footnotes": (read_markdown, lambda n: b"".join(b"A.[^%d]\n\n[^%d]: note\n\n" % (i, i) for i in range(n))),
    "one line": (read_plain, lambda n: b"word and another " * 100 * n),
    "lines of JSON": (
        read_jsonlines,
        lambda n: b"".join(b'{"_id": "%d", "text": "Words.", "n": [[[]]]}\n' % i for i in range(2 * n)),
    ),
    "TEI": (
        read_tei,
        lambda n: (
            b"<TEI><text>%s</text></TEI>"
            % (b'<div type="document"><head>H</head><p>x<note>y</note> z</p>' + b"<p>q</p>" * 5 + b"</div>")
        ).replace(b"</head>", b"</head>" + b"<list><item>i</item></list>" * 2 * n),
    ),
}


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("name", GROWING)
def test_t16_time_grows_with_the_size_and_no_faster(name: str) -> None:
    """Sixteen files of n, 2n and 4n: at most 2.3 times the time for twice the size; the best of ten tries counts."""
    read, make = GROWING[name]
    sizes = [make(n) for n in (2000, 4000, 8000)]

    def seconds(data: bytes) -> float:
        gc.collect()
        gc.disable()  # its work grows with all that is alive, 2.5 times for twice the objects
        try:
            started = time.process_time()
            assert list(read(data, "a", "a"))
            return time.process_time() - started
        finally:
            gc.enable()

    seconds(sizes[0])  # the libraries are imported
    took = [seconds(data) for data in sizes]
    for _ in range(9):
        if grows_evenly(took):
            break
        took = [min(before, seconds(data)) for before, data in zip(took, sizes, strict=True)]
    assert grows_evenly(took), took
    assert took[2] < 20


def grows_evenly(took: list[float]) -> bool:
    """Whether twice the size takes at most 2.3 times the time; 0.02 s is what the clock and its neighbours cost."""
    return all(later <= 2.3 * before + 0.02 for before, later in zip(took, took[1:], strict=False))


# --- T18: odd files


def test_t18_odd_files_are_passed_over_with_a_reason(tmp_path: Path) -> None:
    """Twelve files that are none, or not of this folder; nothing waits for a pipe, nothing reads without end."""
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "good.md").write_text("Good words.\n", encoding="utf-8")
    outside = tmp_path / "secret.md"
    outside.write_text("Not of this folder.\n", encoding="utf-8")
    (folder / "link.md").symlink_to(outside)
    (folder / "linked").symlink_to(tmp_path)
    (folder / "loop").symlink_to(folder)
    (folder / "dangling.md").symlink_to(tmp_path / "nowhere")
    (folder / "itself.md").symlink_to("itself.md")
    (folder / "zero.md").symlink_to("/dev/zero")
    (folder / "random.html").symlink_to("/dev/urandom")
    (folder / "terminal.txt").symlink_to("/dev/tty")
    os.mkfifo(folder / "pipe.md")
    os.mkfifo(folder / "pipe.docx")
    listening = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(folder)  # the path of a socket may have 107 bytes
    try:
        listening.bind("socket.jsonl")
    finally:
        os.chdir(here)
    (folder / "folder.md").mkdir()
    started = time.monotonic()
    found = scan([folder])
    assert time.monotonic() - started < 2
    listening.close()
    assert [each.document.doc_id for each in found.readings] == ["good"]
    names = "dangling.md itself.md link.md linked loop pipe.docx pipe.md random.html socket.jsonl terminal.txt zero.md"
    assert sorted(Path(each.source).name for each in found.skipped) == names.split()
    assert {each.reason for each in found.skipped} == {"it is not a regular file"}


@pytest.mark.parametrize("name", ["zero", "pipe"])
def test_t18_an_odd_source_is_refused(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "zero.md").symlink_to("/dev/zero")
    with pytest.raises(SourceError, match="it is not a regular file"):
        scan([tmp_path / f"{name}.md"])


@pytest.mark.parametrize("name", ["a\0b.md", "n" * 10_000])
def test_t18_a_name_that_no_file_can_have_names_nothing(name: str) -> None:
    with pytest.raises(SourceError, match="There is no"):
        scan([Path(name)])


# --- F22 and F23: nothing in it, no text

NOTHING = [b"", b" ", b"\n\n\n", b" \t \r\n " * 100, b"\xef\xbb\xbf", "\u200b\u00ad\ufeff\u2060".encode()]
MARKUP = {
    ".md": [
        b"# A title\n",
        b"<div></div>\n",
        b"---\ntitle: T\n---\n",
        b"***\n\n---\n",
        b"![](a.png)\n",
        b"[^a]: note\n",
    ],
    ".html": [b"<html></html>", b"<p></p>" * 9, b"<style>p { color: red }</style>", b"<script>x()</script>", b"<img>"],
    ".jsonl": [b'{"_id": "a", "text": ""}\n', b'{"_id": "a", "text": " \\u200b "}\n'],
    ".xml": [b"<a/>", b"<TEI/>", b'<TEI><text><div type="document" xml:id="d1"><p/></div></text></TEI>'],
}
BINARY = {
    "PNG": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89",
    "ELF": b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0\x01\0\0\0",
    "zip": b"PK\x03\x04\x14\0\0\0\x08\0\x9c\x8b\x1aW\xc2\x41\x24\x35\x0b\0\0\0",
    "JPEG": b"\xff\xd8\xff\xe0\x10JFIF\x01\x01\x01\x02\xff\xdb\x84\x05\x03\x04",
    "gzip": b"\x1f\x8b\x08\x08\x9e\x01\x02\x66\x02\xff\x05\xc1\xb1\x0d\x00\x20\x0c\x03\xc1\x9e\x29",
}


def test_f22_twenty_files_without_text_are_skipped_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text("Good words.\n", encoding="utf-8")
    texts = [".md", ".txt", ".html", ".jsonl", ".xml"]
    made = [(suffix, data) for suffix in texts for data in NOTHING]
    made += [(suffix, data) for suffix, some in MARKUP.items() for data in some]
    for number, (suffix, data) in enumerate(made):
        (tmp_path / f"f{number:02}{suffix}").write_bytes(data)
    found = scan([tmp_path])
    assert [each.document.doc_id for each in found.readings] == ["good"]
    skipped = {Path(each.source.partition("#")[0]).name: each.reason for each in found.skipped}
    for number, (suffix, _) in enumerate(made):
        assert skipped.pop(f"f{number:02}{suffix}"), "a reason"
    assert skipped == {}
    assert len(made) >= 20


@pytest.mark.parametrize("suffix", sorted(READERS))
@pytest.mark.parametrize("kind", BINARY)
def test_f23_binary_files_named_as_text_are_skipped(tmp_path: Path, kind: str, suffix: str) -> None:
    (tmp_path / "good.md").write_text("Good words.\n", encoding="utf-8")
    (tmp_path / f"a{suffix}").write_bytes(BINARY[kind])
    (skipped,) = scan([tmp_path]).skipped
    assert skipped.damaged
    if suffix == ".docx":
        assert skipped.reason.startswith("it is no .docx file")
    elif suffix != ".pdf":
        assert skipped.reason.startswith("it is not text (")


# --- F24: mutants

SAMPLES = {".html": "page.html", ".md": "footnotes.md", ".txt": "saved_page.txt", ".jsonl": "lines.jsonl"}
TEI = b"""<TEI xml:id="v"><text><body><div type="document" n="1" xml:id="d1"><head>1. A<note xml:id="n1"
type="source">Source.</note></head><dateline><date when="1911-08-03">x</date></dateline><list><head>TO</head><item>A
</item></list><p>Words<note xml:id="n2">A note.</note> more.</p></div></body></text></TEI>"""


def word_file() -> bytes:
    import docx

    document = docx.Document()
    document.add_heading("A title", 0)
    document.add_paragraph("Some words.")
    document.add_table(2, 2).cell(0, 0).text = "In a cell."
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def mutant(data: bytes, draw: random.Random) -> bytes:
    """Bytes changed, taken out or repeated, in one to fifty places; in a Word file within one of its parts."""
    if data.startswith(b"PK") and draw.random() < 0.7:
        buffer = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
            names = [name for name in old.namelist() if name.endswith((".xml", ".rels"))]
            chosen = draw.choice(names)
            for name in old.namelist():
                new.writestr(name, mutant(old.read(name), draw) if name == chosen else old.read(name))
        return buffer.getvalue()
    made = bytearray(data)
    for _ in range(draw.choice((1, 5, 50))):
        at, kind = draw.randrange(len(made) + 1), draw.random()
        if kind < 0.4:
            made[at : at + 1] = draw.randbytes(1)
        elif kind < 0.7:
            del made[at : at + draw.randrange(60)]
        else:
            made[at:at] = made[max(0, at - 80) : at] * draw.randrange(1, 4)
    return bytes(made)


@pytest.mark.slow
def test_f24_a_thousand_mutants_are_read_or_refused_in_one_sentence() -> None:
    draw = random.Random(24)
    samples = {suffix: (DATA / name).read_bytes() for suffix, name in SAMPLES.items()}
    samples |= {".xml": TEI, ".docx": word_file()}
    for number in range(1000):
        suffix = draw.choice(sorted(samples))
        data = mutant(samples[suffix], draw)
        started = time.process_time()
        try:
            found = list(READERS[suffix](data, "a", f"a{suffix}"))
        except ReadingError as error:
            assert "\n" not in str(error), number  # noqa: PT017
        else:
            for each in found:
                if isinstance(each, Reading):
                    each.document.text.encode()
                    assert all(0 < note.offset <= len(each.document.text) for note in each.document.notes)
        assert time.process_time() - started < 20


# --- F28: huge


@pytest.mark.parametrize("suffix", [".txt", ".md", ".html", ".docx"])
def test_f28_a_file_too_large_for_one_article_is_not_read(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "good.md").write_text("Good words.\n", encoding="utf-8")
    with (tmp_path / f"huge{suffix}").open("wb") as file:
        file.truncate(100_000_000)
    (skipped,) = scan([tmp_path]).skipped
    assert skipped.reason == "it is larger than 25,000,000 bytes"


def test_f28_an_article_too_long_is_refused() -> None:
    with pytest.raises(ReadingError, match="it is longer than 25,000,000 characters; split it"):
        reading("a", "T", [Block("x" * (LONGEST + 1))], "a.jsonl#L1")


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".txt", ".md", ".html", ".jsonl"])
def test_f28_a_hundred_megabytes_in_one_line_fill_no_memory(tmp_path: Path, suffix: str) -> None:
    """In a process of its own: 24 MB are read, 100 MB are refused, each with less than 1.5 GB at the peak.

    By VmHWM: `ru_maxrss` begins with the peak of the process that it was forked from.
    """
    import subprocess
    import sys

    before, after = {
        ".html": ("<html><body><p>", "</p></body></html>"),
        ".jsonl": ('{"_id": "a", "text": "', '"}'),
    }.get(suffix, ("", ""))
    (tmp_path / "good.md").write_text("Good words.\n", encoding="utf-8")
    code = (
        "import re, sys; from pathlib import Path; from index.readers import scan; "
        "found = scan([Path(sys.argv[1])]); status = Path('/proc/self/status').read_text(); "
        "print(len(found.readings), len(found.skipped), int(re.search(r'VmHWM:\\s*(\\d+)', status)[1]) // 1024)"
    )
    for size, expected in ((24_000_000, [2, 0]), (100_000_000, [1, 1])):
        words = "word and another of them " * (size // 25)
        (tmp_path / f"huge{suffix}").write_text(before + words + after, encoding="utf-8")
        del words
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, timeout=120
        )
        read, skipped, megabytes = map(int, done.stdout.split())
        assert [read, skipped] == expected
        assert megabytes < 1500


@pytest.mark.slow
def test_f28_a_long_paragraph_is_cut_into_sentences_in_pieces() -> None:
    """NLTK gave up with an error when it had worked, or waited, for five seconds at one paragraph."""
    sentence = "The envoys met Mr. Tarn in the mill. "
    text = sentence * 3000
    spans = sentence_spans(text, 0, len(text))
    assert [text[span.start : span.end] for span in spans] == 3000 * [sentence.strip()]
    for words in ("word " * 50_000, "x" * 250_000):
        (span,) = sentence_spans(words, 0, len(words))
        assert words[span.start : span.end] == words.strip()


def test_f28_long_names_and_ids(tmp_path: Path) -> None:
    name = "n" * 10_000
    (tmp_path / "a.jsonl").write_text(json.dumps({"_id": name, "title": name, "text": "Words."}), encoding="utf-8")
    (tmp_path / ("n" * 252 + ".md")).write_text("Words.\n", encoding="utf-8")
    found = scan([tmp_path])
    assert sorted(len(each.document.doc_id) for each in found.readings) == [252, 10_000]


# --- F30: characters that are none


@pytest.mark.slow
@pytest.mark.shared
def test_f30_naughty_strings_in_four_places(shared: Path, tmp_path: Path) -> None:
    """515 strings as title, text and metadata of a line, as Markdown, as HTML and as plain text: all can be stored."""
    lines = (shared / "safety" / "blns.jsonl").read_text(encoding="utf-8").strip().split("\n")
    naughty = [json.loads(line)["payload"] for line in lines]
    assert len(naughty) == 515
    rows = [
        {"_id": f"{number}", "title": text, "text": f"Before {text} after.", "metadata": {"note": text}}
        for number, text in enumerate(naughty)
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = list(scan([tmp_path]).readings)
    assert len(found) == 515
    for number, text in enumerate(naughty):
        data = f"Before {text} after.".encode("utf-8", "surrogatepass")
        for read in (read_plain, read_markdown):
            found += read(data, str(number), "a")
        found.append(html(f"<p>Before {text} after.</p>"))
    for each in found:
        document = each.document
        kept = json.dumps([document.title, document.text, document.date, dict(document.metadata)], ensure_ascii=False)
        assert not CONTROLS.search(kept.replace("\\n", ""))
        kept.encode()


def test_skipped_lines_of_json_are_named() -> None:
    found = list(read_jsonlines(b'{"_id": "a", "text": "Good."}\nnonsense\n', "a", "a.jsonl"))
    assert found[1] == Skipped("a.jsonl#L2", "the line is not JSON (Expecting value: character 0)")
