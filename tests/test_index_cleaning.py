"""Each rule drops its line and keeps what merely looks like it."""

import pytest

from index.cleaning import clean
from index.readers.blocks import Block
from index.readers.plain import read_plain
from index.types import Dropped

PARAGRAPH = (
    "The two sides met in a boathouse on the northern shore for the whole of that winter, and by the spring they had "
    "agreed on more than either of them could say in public."
)


def dropped(line: str, level: int = 0, under: str = PARAGRAPH) -> str:
    """The reason for which `line` goes from between a title and a paragraph; "" where it stays."""
    blocks = [Block("The boathouse"), Block(line, level), Block(under)]
    kept, gone = clean(blocks)
    assert [*kept, *(Block(each.text) for each in gone)] in ([*blocks], [blocks[0], blocks[2], Block(line)])
    return gone[0].reason if gone else ""


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Facebook X Reddit", "share line"),
        ("facebook", "share line"),
        ("Share", "share line"),
        ("Share this article on: Facebook | X | LinkedIn", "share line"),
        ("Share on Facebook", "share line"),
        ("Share this story", "share line"),
        ("Facebook, Twitter, WhatsApp, Email, Print", "share line"),
        ("Tweet · Pocket · Copy link |", "share line"),
        ("Facebook was used by both sides.", ""),
        ("Facebook and Reddit carried the rumour", ""),
        ("XX", ""),  # a chapter's number
        ("Print the letters, said the mayor.", ""),
        ("ADVERTISEMENT", "advertisement"),
        ("Advertisement continues below", "advertisement"),
        ("Sponsored content", "advertisement"),
        ("Ads", "advertisement"),
        ("The advertisement in the Times was a signal.", ""),
        ("Advertising for peace", ""),
        ("Subscribe to our newsletter for more stories", "newsletter"),
        ("Sign up and get our weekly updates.", "newsletter"),
        ("Sign up to receive each article in your inbox", "newsletter"),
        ("Both governments agreed to sign up to the plan and to send emails.", ""),
        ("The newsletter of the movement was read in both towns.", ""),
        ("Skip to content", "navigation"),
        ("Back to top", "navigation"),
        ("Read more", "navigation"),
        ("Home was where the talks began.", ""),
        ("© 2024 The Harbour Review", "copyright line"),
        ("Copyright 2024 The Harbour Review. All rights reserved.", "copyright line"),
        ("Copyright © 1999-2024 The Harbour Review", "copyright line"),
        ("(c) 2024 The Harbour Review", "copyright line"),
        ("All rights reserved.", "copyright line"),
        ("(c) the third party guarantees the border.", ""),
        ("Copyright law was argued over in Geneva.", ""),
        ("We use cookies. By staying you accept them.", "cookie notice"),
        ("This website uses cookies to improve your visit. Learn more", "cookie notice"),
        ("By continuing you agree to our use of cookies.", "cookie notice"),
        ("Accept all cookies", "cookie notice"),
        ("We baked cookies for the delegates, and both sides agree that it helped.", ""),
        ("The engineers explained how a site sets cookies.", ""),
    ],
)
def test_whole_lines(line: str, reason: str) -> None:
    assert dropped(line) == reason


def test_a_long_paragraph_about_cookies_stays() -> None:
    words = "We use cookies in this story of two bakers who accept no settings but their own and agree on little else "
    paragraph = (words * 4).strip() + "."
    assert 80 <= len(paragraph.split()) <= 90
    assert dropped(paragraph) == ""
    assert dropped(words.strip() + ".") == "cookie notice"


@pytest.mark.parametrize("heading", ["Advertising", "Home", "Share", "Telegram", "Previous", "X", "Print"])
def test_a_marked_heading_over_a_paragraph_stays(heading: str) -> None:
    """Markdown and HTML say what a heading is; only a page of plain lines leaves it to the words."""
    assert dropped(heading, level=2) == ""
    assert dropped(heading, level=0)
    assert dropped(heading, level=2, under="Short.")


@pytest.mark.parametrize("title", ["Next", "Home", "Related articles", "More", "ADVERTISEMENT", "Accept all cookies"])
def test_the_title_is_never_furniture(title: str) -> None:
    blocks = [Block(title), Block("Scope", 2), Block("The articles of this treaty are related.")]
    assert clean(blocks) == (blocks, [])


def test_teasers_with_dates_go_and_the_article_after_them_stays() -> None:
    lines = [
        "T",
        PARAGRAPH,
        "Related Articles",
        "A teaser of a story.",
        "August 04, 2025",
        "One more story",
        "May 2025",
    ]
    kept, gone = clean([Block(line) for line in [*lines, PARAGRAPH]])
    assert [block.text for block in kept] == ["T", PARAGRAPH, PARAGRAPH]
    assert gone == [Dropped("teaser", line) for line in lines[2:]]


def test_teasers_without_dates() -> None:
    kept, gone = clean([Block(line) for line in ["T", PARAGRAPH, "You may also like", "The orchard", "The quarry"]])
    assert [block.text for block in kept] == ["T", PARAGRAPH]
    assert [each.text for each in gone] == ["You may also like", "The orchard", "The quarry"]


@pytest.mark.parametrize("heading", ["More", "Related articles", "Latest news", "See also", "Read next"])
def test_a_heading_that_announces_a_paragraph_stays(heading: str) -> None:
    for level in (0, 2):
        assert dropped(heading, level) == ""
        blocks = [Block("T"), Block(heading, level), Block("The second round", level), Block(PARAGRAPH)]
        assert clean(blocks) == (blocks, [])


def test_teasers_at_the_end_of_a_plain_page() -> None:
    page = f"The title\n{PARAGRAPH}\nMore from the valley\nThe orchard\nThe quarry\n"
    (found,) = read_plain(page.encode(), "a", "a.txt")
    assert found.document.text == PARAGRAPH
    assert [each.text for each in found.dropped] == ["More from the valley", "The orchard", "The quarry"]


def test_nothing_but_furniture_is_no_article() -> None:
    from index.errors import ReadingError

    for page in ("Title\nADVERTISEMENT\n", "Title\nFacebook X\nRead more\n"):
        with pytest.raises(ReadingError, match="there is no text in it"):
            list(read_plain(page.encode(), "a", "a.txt"))


def test_rules_take_linear_time() -> None:
    """Long lines made to match almost: none takes the time of a search over all ways to split it."""
    import time

    started = time.process_time()
    for line in ("x" * 100_000 + "!", "facebook " * 20_000 + "!", "we use cookies " * 20_000, "copyright " * 20_000):
        clean([Block("T"), Block(line)])
    assert time.process_time() - started < 2
