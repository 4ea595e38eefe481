"""`index inspect`: what would be read of a file and how it would be cut, before anything is indexed."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import ARTICLES, DATA
from typer.testing import CliRunner, Result

import app
from index.building import apply
from index.embedding import PACKAGED, open_embedder
from index.errors import SourceError
from index.inspecting import Inspected, inspect, lines
from index.inspecting_page import page
from index.searching import LocalIndex
from index.settings import IndexSettings
from index.types import Skipped


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, models: Path) -> IndexSettings:
    home = tmp_path_factory.mktemp("home")
    (home / "models").symlink_to(models)
    return IndexSettings.load(home=home)


def run(settings: IndexSettings, *words: object) -> Result:
    return CliRunner().invoke(app.app, ["index", "inspect", *map(str, words), "--home", str(settings.home)])


def one(settings: IndexSettings, path: Path) -> Inspected:
    ((found,), _) = inspect(settings, path)
    return found


def test_what_is_read_kept_and_left_out(settings: IndexSettings) -> None:
    shown = list(lines(one(settings, DATA / "saved_page.txt")))
    assert shown[:6] == [
        "id        saved_page",
        "title     How two harbour towns began to talk again: the quiet work behind the ferry agreement.",
        "date      2024-03-09",
        f"source    {DATA / 'saved_page.txt'}",
        shown[4],
        "parts     2 headings, 0 footnote marks",
    ]
    assert re.fullmatch(r"text      [\d,]+ characters, [\d,]+ words", shown[4])
    assert shown[6:8] == ["metadata  summary", "dropped   15 pieces"]
    assert shown[8].startswith("  share line: ")
    assert shown[8 + 14].startswith("  copyright line: © ")
    assert re.fullmatch(r"cut       \d+ passages of at most 224 tokens, \d+ sentences", shown[23])


@pytest.mark.slow
def test_the_passages_are_those_that_are_indexed(settings: IndexSettings, tmp_path: Path, models: Path) -> None:
    """Spans, order and sentences of the index that is built afterwards, and tokens that the embedder counts."""
    path = ARTICLES / "aceh.md"
    found = one(settings, path)
    document, made = found.document, found.cut
    shown = [line for line in lines(found) if re.match(r"  \d+-\d+ ", line)]
    assert len(shown) == len(made.passages) == len(found.tokens)
    for line, passage, tokens in zip(shown, made.passages, found.tokens, strict=True):
        words = document.text[passage.start : passage.end].split()
        under = f" [{passage.heading}]" if passage.heading else ""
        assert line == (
            f"  {passage.start}-{passage.end} {tokens} tokens{under} {' '.join(words[:6])} … {' '.join(words[-6:])}"
        )
        assert 0 < tokens <= found.limit
    embedder = open_embedder(PACKAGED, models)
    assert found.tokens[0] == embedder.count_tokens([f"{document.title}\n{made.passages[0].text}"])[0]
    assert list(settings.home.iterdir()) == [settings.home / "models"], "nothing is indexed"
    home = tmp_path / "home"
    home.mkdir()
    (home / "models").symlink_to(models)
    apply(IndexSettings.load(home=home), [path])
    index = LocalIndex.open(IndexSettings.load(home=home))
    stored = index.passages(range(len(made.passages)))
    assert [each.passage_id for each in stored] == [passage.passage_id for passage in made.passages]


def test_the_command_prints_all_articles_of_a_file(settings: IndexSettings) -> None:
    done = run(settings, DATA / "lines.jsonl")
    assert done.exit_code == 0
    assert [line for line in done.stdout.splitlines() if line.startswith("id ")] == [
        "id        ferry",
        "id        12",
        "id        untitled",
    ]
    assert f"passed over {DATA / 'lines.jsonl'}#L8: the line has no _id" in done.stdout


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.md", b"", "{path} cannot be read as an article: there is no text in it"),
        ("picture.md", b"\x89PNG\r\n\0", "{path} cannot be read as an article: it is not text (it holds NUL bytes)"),
        ("a.yaml", b"a: 1", "{path} cannot be read as an article: no reader for .yaml"),
        ("feed.xml", b"<feed/>", "{path} cannot be read as an article: it is XML, but not TEI"),
        ("bad.docx", b"x", "{path} cannot be read as an article: it is no .docx file, or a damaged one"),
    ],
)
def test_bad_input_is_one_sentence(
    settings: IndexSettings, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError) as found:
        inspect(settings, path)
    assert str(found.value).startswith(said.format(path=path))
    assert "\n" not in str(found.value)


def test_what_is_no_file_is_one_sentence_and_exit_status_2(settings: IndexSettings, tmp_path: Path) -> None:
    import subprocess
    import sys

    missing = subprocess.run(
        [sys.executable, "app.py", "index", "inspect", str(tmp_path / "missing.md")], capture_output=True, text=True
    )
    assert missing.returncode == 2
    assert missing.stderr == (
        f"backchannel: There is no {tmp_path}/missing.md. Give a file that exists: python app.py index inspect FILE\n"
    )
    for path in (tmp_path, Path("a\0b.md"), tmp_path / ("n" * 300)):
        with pytest.raises(SourceError, match="Give (a|one) file"):
            inspect(settings, path)


# --- the page

HOSTILE = """---
title: "<script>alert(1)</script> & \\"Mills\\""
date: "<img src=x onerror=alert(2)>"
---
The first <b>words</b> & so on. A second sentence &lt;script&gt;alert(3)&lt;/script&gt; follows.

## A head </div><script>alert(4)</script>

<script>alert("left out")</script>

More words, which stand in a passage of their own because of the heading above them. `<img src=http://evil/>`
"""


class Tags(HTMLParser):
    """Every tag with its attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_runs_and_fetches_nothing(settings: IndexSettings, tmp_path: Path) -> None:
    path = tmp_path / "hostile.md"
    path.write_text(HOSTILE, encoding="utf-8")
    out = tmp_path / "out.html"
    done = run(settings, path, "--html", out)
    assert done.exit_code == 0
    assert done.stdout.endswith(f"Written: {out}\n")
    found = Tags(out.read_text(encoding="utf-8"))
    allowed = "html head meta title style body main h1 h2 dl dt dd div span ul li bdi del".split()
    assert {tag for tag, _ in found.tags} <= set(allowed)
    names = {name for _, attributes in found.tags for name in attributes}
    assert names <= {"lang", "charset", "http-equiv", "content", "name", "class", "dir"}
    assert "default-src 'none'" in str([attributes for tag, attributes in found.tags if tag == "meta"])
    assert '<script>alert(1)</script> & "Mills"' in found.text
    assert "<script>alert(3)</script>" in found.text
    style = found.text[: found.text.index("body {")]
    assert "prefers-color-scheme: dark" in style
    assert "url(" not in found.text


def test_the_page_holds_the_whole_text_in_turning_colours(settings: IndexSettings) -> None:
    found = one(settings, ARTICLES / "aceh.md")
    shown = page([found], [Skipped("<b>", "a & b")])
    kinds = re.findall(r'<span class="(one|two)">', shown)
    assert kinds == ["one" if number % 2 == 0 else "two" for number in range(len(found.cut.passages))]
    inside = shown[shown.index('<div class="text" dir="auto">') : shown.index("<h2>Left out (0)</h2>")]
    text = Tags(re.sub(r'<span class="place">[^<]*</span>', "", inside)).text
    assert text == found.document.text
    assert "<li><bdi>&lt;b&gt;</bdi>: <bdi>a &amp; b</bdi></li>" in shown


def test_the_page_strikes_what_is_left_out(settings: IndexSettings) -> None:
    shown = page([one(settings, DATA / "saved_page.txt")], [])
    assert shown.count("<del>") == 15
    assert "<h2>Left out (15)</h2>" in shown
    assert "Passed over" not in shown


def test_repeated_sentences_stand_once_on_the_page(settings: IndexSettings) -> None:
    overlapping = settings.model_copy(update={"passage_overlap": 2})
    found = one(overlapping, ARTICLES / "aceh.md")
    spans = [(passage.start, passage.end) for passage in found.cut.passages]
    assert any(before[1] > after[0] for before, after in zip(spans, spans[1:], strict=False))
    shown = page([found], [])
    inside = shown[shown.index('<div class="text" dir="auto">') : shown.index("<h2>Left out (0)</h2>")]
    assert Tags(re.sub(r'<span class="place">[^<]*</span>', "", inside)).text == found.document.text


def test_a_page_that_cannot_be_written_is_one_sentence(settings: IndexSettings, tmp_path: Path) -> None:
    from index.errors import IndexingError

    done = run(settings, ARTICLES / "aceh.md", "--html", tmp_path / "no" / "such" / "folder.html")
    assert isinstance(done.exception, IndexingError)
    assert str(done.exception).startswith("The page cannot be written to ")
