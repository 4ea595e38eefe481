"""How an article's own sources read: `Swimming the Oslo Channel, Time, 1993`."""

from collections.abc import Iterable, Mapping
from typing import Any

from assistant.page.escaping import in_fragment, isolated
from assistant.page.links import web_host
from assistant.rendering import described

__all__ = ["joined", "with_link"]


def joined(sources: Iterable[Mapping[str, Any]]) -> str:
    """Several sources on one line."""
    return "; ".join(isolated(text) for text in map(described, sources) if text)


def with_link(source: Mapping[str, Any]) -> str:
    """HTML: the source, and its address as a link named by its host where it is a web address."""
    host = web_host(source.get("url"))
    text = f"<bdi>{in_fragment(described(source))}</bdi>"
    if not host:
        return text
    address = in_fragment(str(source["url"]).strip())
    link = f'<a href="{address}" target="_blank" rel="noopener noreferrer"><bdi dir="ltr">{in_fragment(host)}</bdi></a>'
    return f"{text} ({link})"
