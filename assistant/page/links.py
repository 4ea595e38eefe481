"""Addresses: links into the page, which carry a citation's place, and the links out that articles give."""

from urllib.parse import quote, urlsplit

__all__ = ["article_link", "citation_link", "question_link", "web_host"]


def citation_link(number: int, start: int, end: int, generation: str, doc_id: str) -> str:
    """`#c/NUMBER/START-END/GENERATION/DOC_ID`; `href` is the only carrier that Gradio's sanitizer leaves whole."""
    return f"#c/{number}/{start}-{end}/{quote(generation, safe='')}/{quote(doc_id, safe='')}"


def article_link(generation: str, doc_id: str) -> str:
    """`#a/GENERATION/DOC_ID`: a whole article, without a place in it."""
    return f"#a/{quote(generation, safe='')}/{quote(doc_id, safe='')}"


def question_link(question: str) -> str:
    """`#q/QUESTION`: asks it."""
    return f"#q/{quote(question, safe='')}"


def web_host(address: object) -> str:
    """The host of an http or https address; "" for anything else, which is then not shown as a link."""
    try:
        parts = urlsplit(str(address or "").strip())
        host = parts.hostname or ""
    except ValueError:  # an unbalanced bracket, for one
        return ""
    return host if parts.scheme in ("http", "https") else ""
