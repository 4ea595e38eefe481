"""Which host a browser believes to talk to, and which page sends it: ours, else any site could ask in its name.

A site that has its own name resolve to this machine (DNS rebinding) is known by that name; an address in place of a
name cannot be had that way.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from assistant.page.limits import Refusal

__all__ = ["refusal"]

WHOSE = "This request comes from a page of another site. Open this page itself and ask there."
NOBODY = "The request does not say which host it is for."
OTHER = "No page is served under this name here. Whoever runs it can allow the name with --allow-host."


def refusal(method: str, headers: Headers, names: tuple[str, ...] | None) -> Refusal | None:
    """Why the request is not served; None where it may be. `names` = None: whatever its host is called."""
    host = headers.get("x-forwarded-host", "").split(",")[0].strip() or headers.get("host", "")
    if names is not None:
        if not host:
            return Refusal(400, NOBODY, reason="host")
        if not all(known(each, names) for each in (host, headers.get("host", "") or host)):
            return Refusal(421, OTHER, reason="host")
    if method in ("GET", "HEAD"):
        return None
    origin = headers.get("origin")
    if origin is not None and not same(origin, host):
        return Refusal(403, WHOSE, reason="origin")
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return Refusal(403, WHOSE, reason="origin")
    return None


def known(host: str, names: tuple[str, ...]) -> bool:
    """Whether a Host header names us: by an address, or by one of our names."""
    name = hostname(host)
    if name in names:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def hostname(host: str) -> str:
    """The name in a Host header, in small letters, without its port; "" where it has none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def same(origin: str, host: str) -> bool:
    """Whether the origin is a page of that host, ports included."""
    try:
        page, ours = urlsplit(origin), urlsplit(f"//{host}")
        usual = {"http": 80, "https": 443}.get(page.scheme)
        if usual is None or not page.hostname:
            return False
        return (page.hostname, page.port or usual) == (ours.hostname, ours.port or usual)
    except ValueError:
        return False
