"""One line in the log for each request, and a number by which request, answer and log are told to belong together."""

import logging
import secrets
import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.page.logs import ACCESS, event, pseudonym

__all__ = ["Access"]

PRIVATE = "/gradio_api/heartbeat/"  # a session's name follows, by which its answers could be fetched


class Access:
    """The outermost of what is wrapped around the service; costs nothing where requests are not logged."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or not ACCESS.isEnabledFor(logging.INFO):
            return await self.app(scope, receive, send)
        number = secrets.token_hex(6)
        begun = time.monotonic()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = number
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            path = scope["path"]
            event(
                ACCESS,
                "request",
                id=number,
                method=scope["method"],
                path=f"{PRIVATE}…" if path.startswith(PRIVATE) else path,
                status=status,
                ms=round(1000 * (time.monotonic() - begun), 1),
                address=pseudonym((scope.get("client") or ("",))[0]),
            )
