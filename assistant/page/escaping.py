"""The one path by which text from articles, titles, questions and models reaches a browser: it appears verbatim."""

import html
import re
import string

import nh3

__all__ = ["balanced", "in_fragment", "in_markdown", "isolated", "safe_markdown"]

# Every ASCII punctuation mark as a character reference: neither Markdown, nor an autolink, nor a formula, nor HTML can
# be begun with one (CommonMark 6.2: references are never structure), and HTML and Markdown both show the mark itself.
REFERENCES = {ord(mark): f"&#{ord(mark)};" for mark in string.punctuation}
TAGS = {"a", "bdi", "cite", "div", "h1", "h2", "h3", "h4", "li", "mark", "ol", "p", "q", "span", "strong", "sup", "ul"}
TAGS |= {"code", "table", "tbody", "td", "th", "thead", "tr"}  # of the maintainer's view
ATTRIBUTES = {"*": {"class"}, "a": {"href", "title"}, "span": {"title"}}
OWN_LINK = re.compile(r"#[acq]?/[A-Za-z0-9_.~%/-]+")  # those of links.py but `#ask/`, and views: `#/library`
# In nh3's output attribute values stand in double quotes and hold no raw double quote, so this finds whole tags.
TAG = re.compile(r'(<(?:"[^"]*"|[^">])*>)')
# Marks of direction (UAX #9) by what closes them: PDF for embeddings and overrides, PDI for isolates.
PDF, FSI, PDI = "\u202c", "\u2068", "\u2069"
CLOSES = {**dict.fromkeys("\u202a\u202b\u202d\u202e", PDF), **dict.fromkeys("\u2066\u2067\u2068", PDI)}
DIRECTED = re.compile("[\u202a-\u202e\u2066-\u2069]")
FROM_RIGHT = re.compile("[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U0001efff]")


def in_fragment(text: str) -> str:
    """Text for our own HTML, as content or in a quoted attribute; the browser reads back exactly `text`, `balanced`."""
    escaped = html.escape(balanced(text), quote=True)
    return escaped.replace("\r", "&#13;")  # a raw carriage return would be read as a line feed


def in_markdown(text: str) -> str:
    """Text for a Markdown component, verbatim; white space runs become one space, so no line can begin a block."""
    return " ".join(balanced(text).split()).translate(REFERENCES)


def balanced(text: str) -> str:
    """The text with each mark of direction closed, and without those that close nothing of its own.

    Else an override would turn what stands after the text, and a closing mark end the isolation of `<bdi>`.
    """
    if not DIRECTED.search(text):
        return text
    kept: list[str] = []
    closers: list[str] = []
    isolates = 0
    for char in text:
        if closer := CLOSES.get(char):
            closers.append(closer)
            isolates += closer == PDI
        elif char == PDF:
            if closers[-1:] != [PDF]:  # it reaches no further than the isolate that it stands in
                continue
            closers.pop()
        elif char == PDI:
            if not isolates:
                continue
            isolates -= 1
            while closers.pop() != PDI:  # it closes all that was opened within
                pass
        kept.append(char)
    return "".join([*kept, *reversed(closers)])


def isolated(text: str) -> str:
    """Text to stand among other text: between FSI and PDI where it may run from right to left."""
    return f"{FSI}{balanced(text)}{PDI}" if FROM_RIGHT.search(text) or DIRECTED.search(text) else text


def safe_markdown(markup: str) -> str:
    """Our HTML for a Markdown component, as one block: a few tags, `class`, `title`, links into the page; nothing else.

    The second barrier: the parts went through `in_markdown` already. Links elsewhere lose their `href`.
    """
    cleaned = nh3.clean(
        markup,
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=lambda tag, name, value: value if name != "href" or OWN_LINK.fullmatch(value) else None,
        link_rel=None,
    )
    parts = TAG.split(cleaned)  # nh3 writes references out as characters, so text is escaped once more
    return "".join(part if index % 2 else verbatim(part) for index, part in enumerate(parts))


def verbatim(text: str) -> str:
    """Serialised HTML text for Markdown; its outer spaces are kept."""
    return re.sub(r"\s+", " ", html.unescape(text)).translate(REFERENCES)
