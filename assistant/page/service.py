"""The page as a service: our routes and guards around Gradio's Blocks, on the first free port."""

import os
import signal
import socket
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import uvicorn

from assistant.living import LiveAssistant
from assistant.page.ports import free_port, greeting

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["build_app", "run"]

# Read by Gradio when it is imported: nothing is looked up, reported, shared or recorded.
QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_RUN_HISTORY": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
}
UNWANTED = ("GRADIO_SHARE", "GRADIO_MCP_SERVER", "GRADIO_SSR_MODE", "GRADIO_ALLOWED_PATHS", "GRADIO_ROOT_PATH")


def run(home: Path | None, host: str, port: int) -> None:
    """Serves the page until interrupted; `BackchannelError` before that where there is no index or no port."""
    live = LiveAssistant.open(home)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that both ways of stopping tidy up
    with suppress(KeyboardInterrupt), TemporaryDirectory(prefix="backchannel-") as folder, live.following():
        os.environ["GRADIO_TEMP_DIR"] = folder
        app = build_app(live)
        taken = free_port(host, port)  # after the slow part: nobody waits at a port that does not answer yet
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=3
        )
        Server(app, config, greeting(taken, live.current().index.status())).run(sockets=[taken])


class Server(uvicorn.Server):
    """Says where it answers, once it does; open pages do not hold up its end."""

    def __init__(self, page: "FastAPI", config: uvicorn.Config, greeting: str) -> None:
        super().__init__(config)
        self.page = page
        self.greeting = greeting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Prints the address after the sockets are open."""
        await super().startup(sockets)
        if self.started:
            print(self.greeting, flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends Gradio's heartbeats first: mounted, it is not told, and each page would cost the whole grace."""
        self.page.state.gradio.stop_event.set()
        await super().shutdown(sockets)


def build_app(live: LiveAssistant) -> "FastAPI":
    """Our routes, and Gradio's page at `/`, behind the guards."""
    os.environ.update(QUIET)
    for name in UNWANTED:
        os.environ.pop(name, None)
    import gradio as gr
    from fastapi import FastAPI
    from starlette.middleware.cors import CORSMiddleware
    from starlette.routing import Mount

    from assistant.page.chat import build_blocks
    from assistant.page.guards import Guards
    from assistant.page.routes import router
    from assistant.page.theme import own_theme

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(CORSMiddleware, allow_origins=[])  # else Gradio adds one that lets any origin in
    app.add_middleware(Guards)
    app.include_router(router(live))
    gr.mount_gradio_app(
        app,
        build_blocks(live),
        path="/",
        app_kwargs={"openapi_url": None, "docs_url": None, "redoc_url": None},
        footer_links=[],
        run_history=False,
        show_error=False,
        enable_monitoring=False,
        mcp_server=False,
        pwa=False,
        ssr_mode=False,
        theme=own_theme(),
    )
    app.state.gradio = next(route.app for route in app.routes if isinstance(route, Mount))
    return app
