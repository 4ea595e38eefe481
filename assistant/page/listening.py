"""Where the page is served and to whom: what `serve`'s options say, checked before anything is opened."""

import re
import socket
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

from assistant.errors import AssistantError

__all__ = ["PRIVATE", "ListeningError", "Serving", "checked", "is_loopback", "local_address"]

NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")  # of a host, in small letters
ROOT = re.compile(r"(/[A-Za-z0-9._~-]+)+")


class ListeningError(AssistantError):
    """The page is not to be served like this."""


@dataclass(frozen=True, slots=True)
class Serving:
    """How the page is served; the defaults are for one person at one machine."""

    host: str = "127.0.0.1"
    open: bool = False  # beyond this machine
    names: tuple[str, ...] | None = None  # by which browsers may call it, beside addresses; None = whatever they like
    maintainer: bool = False
    root: str = ""  # the prefix that a proxy strips, as /app
    proxies: tuple[str, ...] = ()  # whose forwarded headers are believed
    open_metrics: bool = False
    mcp: bool = False  # a server of tools at /mcp

    @property
    def public(self) -> bool:
        """Whether others than this machine's user can come."""
        return self.open or bool(self.proxies) or bool(self.root)


PRIVATE = Serving()


def checked(serving: Serving) -> Serving:
    """The same with its names complete; `ListeningError` where it would be open to more than was said."""
    local = is_loopback(serving.host)
    if not local and not serving.open:
        raise ListeningError(
            f"Listening on {serving.host} lets everybody who can reach this machine ask and read all articles; there "
            "is no login. If that is meant, add --open"
        )
    if serving.maintainer and (not local or serving.public):
        raise ListeningError(
            "The maintainer's tab is for this machine only. Leave out --maintainer, or --host, --open, --proxy and "
            "--root-path"
        )
    if serving.root and not ROOT.fullmatch(serving.root):
        raise ListeningError(f"The root path {serving.root!r} is none. Give it as the proxy strips it, for one /app")
    for proxy in serving.proxies:
        if not is_network(proxy):
            raise ListeningError(f"The proxy {proxy!r} is no address. Give the one that it calls from, as 10.0.0.5")
    names = [name.lower().rstrip(".") for name in serving.names or ()]
    for name in names:
        if not NAME.fullmatch(name):
            raise ListeningError(f"The host {name!r} is no name. Give it without scheme and port, as talks.example.org")
    known = ("localhost", serving.host.lower(), *names)
    return replace(serving, names=tuple(dict.fromkeys(known)))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there; no for a name that is not known."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return local_address(host)
    return all(local_address(str(each[4][0])) for each in found)


def local_address(address: str) -> bool:
    """Whether it is a loopback address, written out."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


def is_network(text: str) -> bool:
    """Whether it is an address, or a network of them that is not the whole world."""
    try:
        return ip_network(text).prefixlen > 0
    except ValueError:
        return False
