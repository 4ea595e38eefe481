"""An article as a fragment: all of its text, the quote marked exactly, and where the words are from."""

from html.parser import HTMLParser

from assistant.page.fragment import article, blocks
from assistant.page.references import joined, with_link
from assistant.rendering import described
from index.types import Document, Note, Span

TEXT = "First words here. More of them.\n\nA heading\n\nSecond paragraph, with <b>marks</b> & more.\n\nThird."
SOURCES = [
    {"id": "time", "title": "Swimming <it>", "author": "A. Writer", "publisher": "Time", "year": 1993},
    {"id": "web", "title": "On the web", "url": "https://www.example.org/a?b=1&c=2"},
    {"id": "bad", "title": "Not a link", "url": "javascript:alert(1)"},
]
DOCUMENT = Document(
    doc_id="d",
    title="Title & more",
    text=TEXT,
    source="d.md",
    date="1993-09",
    metadata={"sources": SOURCES},
    notes=(Note(17, ("time", "web")), Note(len(TEXT), ("bad",))),
    headings=(Span(33, 42),),
)


class Read(HTMLParser):
    """Collects the text of each element of a kind, and the attributes of links and marks."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.texts.append((tag, ""))
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag  # well formed

    def handle_data(self, data: str) -> None:
        counts = {tag: self.open.count(tag) for tag in self.open}
        for tag in counts:
            at = max(i for i, (name, _) in enumerate(self.texts) if name == tag)
            self.texts[at] = (tag, self.texts[at][1] + data)

    def all(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]


def test_whole_article() -> None:
    read = Read(article(DOCUMENT))
    assert read.all("h2") == ["Title & more"]
    assert read.all("h3") == ["A heading", "Sources of this article"]
    assert read.all("p") == [
        "1993-09",
        "First words here. More of them.",
        "Second paragraph, with <b>marks</b> & more.",
        "Third.",
    ]
    assert read.all("mark") == []
    assert read.all("li") == ["A. Writer, Swimming <it>, Time, 1993", "On the web (www.example.org)", "Not a link"]


def test_quote_is_marked_exactly() -> None:
    read = Read(article(DOCUMENT, Span(0, 17)))
    assert read.all("mark") == [TEXT[0:17]] == ["First words here."]
    assert ("mark", {"class": "quote", "id": "quote", "tabindex": "-1"}) in read.attributes


def test_quote_across_paragraphs_has_a_mark_in_each() -> None:
    quote = Span(18, 60)
    marks = Read(article(DOCUMENT, quote)).all("mark")
    assert "\n\n".join(marks) == TEXT[18:60]
    assert marks == ["More of them.", "A heading", "Second paragraph"]
    assert article(DOCUMENT, quote).count('id="quote"') == 1


def test_a_quote_of_every_length_keeps_the_text() -> None:
    whole = Read(article(DOCUMENT)).all("p")[:4]
    for end in range(1, len(TEXT) + 1):
        read = Read(article(DOCUMENT, Span(0, end)))
        assert "\n\n".join(read.all("mark")) == TEXT[:end].rstrip("\n")
        assert [text for text in read.all("p") if not text.startswith("The article ")] == whole


def test_where_the_words_are_from_stands_after_their_paragraph() -> None:
    fragment = article(DOCUMENT, Span(0, 17))
    after = fragment[fragment.index("More of them.") :]
    assert after.startswith('More of them.</p><p class="onward">The article has this from: ')
    onward = next(text for text in Read(fragment).all("p") if text.startswith("The article has"))
    assert onward == ("The article has this from: A. Writer, Swimming <it>, Time, 1993; On the web (www.example.org).")
    none = article(DOCUMENT, Span(18, 31))
    assert "The article gives no source for these words." in none


def test_only_web_addresses_are_links() -> None:
    links = [given for tag, given in Read(article(DOCUMENT)).attributes if tag == "a"]
    assert links.pop(0) == {"class": "ask-about", "href": "#ask/d"}
    assert links == [{"href": "https://www.example.org/a?b=1&c=2", "target": "_blank", "rel": "noopener noreferrer"}]
    assert "javascript" not in article(DOCUMENT, Span(len(TEXT) - 6, len(TEXT)))


def test_references() -> None:
    assert described({"id": "only"}) == "only"
    assert described({"title": "T", "year": 2005, "author": " "}) == "T, 2005"
    assert joined([{"title": "A"}, {"id": ""}, {"title": "B", "year": 1}]) == "A; B, 1"
    assert with_link({"title": "<b>", "url": 'https://x.org/"onclick="'}) == (
        '<bdi>&lt;b&gt;</bdi> (<a href="https://x.org/&quot;onclick=&quot;" target="_blank" '
        'rel="noopener noreferrer"><bdi dir="ltr">x.org</bdi></a>)'
    )


def test_blocks_leave_out_nothing_but_blank_lines() -> None:
    text = "\n\nOne\nstill one\n \n\n\tTwo\n\n"
    assert [text[b.start : b.end] for b in blocks(text)] == ["One\nstill one", "Two"]
    assert list(blocks("")) == []
