"""Drops page furniture from a page's paragraphs, and records what it dropped.

Every rule asks for the whole line, or for a line that announces what follows: a sentence of an article that
speaks of cookies or of Facebook stays.
"""

import re
from collections.abc import Sequence

from index.dates import iso_date
from index.readers.blocks import Block
from index.types import Dropped

__all__ = ["clean"]

NETWORKS = (
    "facebook|x|twitter|reddit|linkedin|whatsapp|telegram|pinterest|tumblr|bluesky|mastodon|threads|instagram|"
    "email|e-mail|print|copy link|share|tweet|pocket|messenger|line|flipboard"
)
WHOLE_LINE = (
    ("advertisement", re.compile(r"(advertisement|advertising|sponsored( content)?|ad)s?( continues below)?", re.I)),
    (
        "share line",
        re.compile(
            rf"(share( this)?( article| story| post)?( on| via)?:? *)?({NETWORKS})([ ,|·•/]+({NETWORKS}))*[ ,|·•/]*",
            re.I,
        ),
    ),
    ("share line", re.compile(r"share (this )?(article|story|post|page)", re.I)),
    ("newsletter", re.compile(r"(subscribe|sign up)\b.{0,80}\b(newsletter|inbox|updates|emails?)\b.{0,40}", re.I)),
    (
        "navigation",
        re.compile(r"(skip to (main )?content|back to top|menu|home|previous|next|read more|load more)", re.I),
    ),
    ("copyright line", re.compile(r"(©|(\(c\)|copyright)( ©| \(c\))? \d{4}\b|all rights reserved).{0,120}", re.I)),
)
COOKIES = re.compile(
    r"\b(use|uses|using|store|stores|set|sets|accept|reject|decline|manage)( of)?"
    r"( (all|our|its|own|some|these|necessary|essential|and|third-party))* cookies\b",
    re.I,
)
COOKIE_ACTS = re.compile(
    r"\b(accept|consent|agree|preferences|privacy policy|cookie policy|learn more|settings)\b", re.I
)
COOKIE_WORDS = 60  # a notice is short; longer paragraphs about cookies are articles
TEASERS = re.compile(
    r"(related|recommended|popular|more|latest|trending)( (articles?|posts?|stories|reading|news|content))?:?|"
    r"(you (may|might) also (like|enjoy)|read (also|next)|see also|more from .{1,40}|most (read|popular)).{0,20}",
    re.I,
)
TEASER_TITLE_WORDS = 15
ARTICLE_WORDS = 20  # a paragraph of at least this length under a heading is article


def clean(blocks: Sequence[Block]) -> tuple[list[Block], list[Dropped]]:
    """The blocks that are article, and the furniture with the reason for each piece."""
    kept: list[Block] = []
    dropped: list[Dropped] = []
    position = 0
    while position < len(blocks):
        length, reason = furniture(blocks, position)
        if reason:
            dropped += [Dropped(reason, block.text) for block in blocks[position : position + length]]
        else:
            kept.append(blocks[position])
        position += length
    return kept, dropped


def furniture(blocks: Sequence[Block], position: int) -> tuple[int, str]:
    """How many blocks from `position` are furniture, and of what kind; (1, "") for an article's own block."""
    text = blocks[position].text.strip()
    if not position:  # the title, whatever it is: `Next`, `Related articles`
        return 1, ""
    if TEASERS.fullmatch(text):
        length = teasers(blocks, position + 1)
        return (1 + length, "teaser") if length else (1, "")
    if blocks[position].level and opens_article(blocks, position + 1):  # `## Advertising`, marked as a heading
        return 1, ""
    for reason, pattern in WHOLE_LINE:
        if pattern.fullmatch(text):
            return 1, reason
    if len(text.split()) <= COOKIE_WORDS and COOKIES.search(text) and COOKIE_ACTS.search(text):
        return 1, "cookie notice"
    return 1, ""


def opens_article(blocks: Sequence[Block], position: int) -> bool:
    """Whether a paragraph of an article stands at `position`: whole sentences, and no date under it as a teaser has."""
    if position >= len(blocks) or blocks[position].level:
        return False
    text = blocks[position].text.rstrip()
    dated = position + 1 < len(blocks) and iso_date(blocks[position + 1].text)
    return len(text.split()) >= ARTICLE_WORDS and text.endswith((".", "!", "?", ":")) and not dated


def teasers(blocks: Sequence[Block], start: int) -> int:
    """Blocks from `start` that are teasers: each a text followed by its date, or a short title without a full stop."""
    position = start
    while position < len(blocks):
        text = blocks[position].text
        if iso_date(text):
            position += 1
        elif position + 1 < len(blocks) and iso_date(blocks[position + 1].text):
            position += 2
        elif len(text.split()) <= TEASER_TITLE_WORDS and not text.rstrip().endswith((".", "!", "?", ":")):
            if opens_article(blocks, position + 1):
                break  # a heading with a paragraph under it: the article goes on
            position += 1
        else:
            break
    return position - start
