"""What a proxy says of the caller: believed of the proxies that are named, dropped from everybody else's requests."""

from ipaddress import ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

__all__ = ["Forwarded"]

# By which a caller could name another address, host or scheme; Gradio builds its addresses from some of them.
CLAIMS = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip")
UNWANTED = (b"x-gradio-server", b"x-forwarded-prefix", b"x-forwarded-port")  # from nobody


class Forwarded:
    """Wraps the whole service; `state["forwarded"]` tells whether a request came through any proxy."""

    def __init__(self, app: ASGIApp, proxies: tuple[str, ...] = ()) -> None:
        self.app = app
        self.proxies = [ip_network(proxy) for proxy in proxies]
        self.believing = ProxyHeadersMiddleware(app, list(proxies))  # type: ignore[arg-type]  # uvicorn's own names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        claimed = any(name in CLAIMS for name, _ in scope["headers"])
        believed = self.named(scope)
        dropped = UNWANTED if believed else (*CLAIMS, *UNWANTED)
        kept = [(name, value) for name, value in scope["headers"] if name not in dropped]
        scope = {**scope, "headers": kept, "state": {**scope.get("state", {}), "forwarded": claimed}}
        if believed:
            return await self.believing(scope, receive, send)  # type: ignore[arg-type]
        return await self.app(scope, receive, send)

    def named(self, scope: Scope) -> bool:
        """Whether the request comes from one of the proxies."""
        try:
            address = ip_address((scope.get("client") or ("",))[0])
        except ValueError:
            return False
        return any(address in network for network in self.proxies)
