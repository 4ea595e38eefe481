"""Addresses: links into the page, which carry a citation's place, and the links out that articles give."""

import unicodedata
from urllib.parse import quote, urlsplit

__all__ = ["article_link", "asking_link", "citation_link", "question_link", "web_host"]


def citation_link(number: int, start: int, end: int, generation: str, doc_id: str) -> str:
    """`#c/NUMBER/START-END/GENERATION/DOC_ID`; `href` is the only carrier that Gradio's sanitizer leaves whole."""
    return f"#c/{number}/{start}-{end}/{quote(generation, safe='')}/{quote(doc_id, safe='')}"


def article_link(generation: str, doc_id: str) -> str:
    """`#a/GENERATION/DOC_ID`: a whole article, without a place in it."""
    return f"#a/{quote(generation, safe='')}/{quote(doc_id, safe='')}"


def question_link(question: str) -> str:
    """`#q/QUESTION`: asks it."""
    return f"#q/{quote(question, safe='')}"


def asking_link(doc_id: str) -> str:
    """`#ask/DOC_ID`: begins a question about an article; for its fragment, no Markdown component lets it through."""
    return f"#ask/{quote(doc_id, safe='')}"


def web_host(address: object) -> str:
    """The host of an http or https address; "" for anything else, which is then not shown as a link.

    Nor is an address that a browser reads otherwise: it takes a backslash for a slash, and decodes a host.
    """
    text = str(address or "").strip()
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:  # an unbalanced bracket, for one
        return ""
    plain = "\\" not in text and all(each in ".-_:" or in_a_name(each) for each in host)
    return host if plain and parts.scheme in ("http", "https") else ""


def in_a_name(char: str) -> bool:
    """Whether it can stand in the name of a host: a letter, digit or accent, none that turns the direction."""
    return char.isalnum() or unicodedata.category(char).startswith("M")
