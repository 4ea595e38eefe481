"""The page as a service: our routes and guards around Gradio's Blocks, on the first free port."""

import gc
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import uvicorn

from assistant.living import LiveAssistant
from assistant.page import logs
from assistant.page.listening import PRIVATE, Serving, checked
from assistant.page.ports import free_port, greeting
from assistant.page.server import ENDING, Server, leave
from assistant.page.stopping import Stopping
from assistant.settings import PageSettings
from index.memory import sparing

if TYPE_CHECKING:
    from fastapi import FastAPI
    from gradio import Blocks

    from assistant.page.admission import Admission

__all__ = ["Log", "build_app", "run"]

# Read by Gradio when it is imported: nothing is looked up, reported, shared or recorded.
QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    # After each answer Gradio puts the last so many into a pandas table, for a page of figures that is switched off.
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000000",
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_RUN_HISTORY": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
}
KEPT_OPEN = 30  # seconds: after uvicorn's five a connection is often closed just as the next question is sent
UNWANTED = ("GRADIO_SHARE", "GRADIO_MCP_SERVER", "GRADIO_SSR_MODE", "GRADIO_ALLOWED_PATHS", "GRADIO_ROOT_PATH")


@dataclass(frozen=True, slots=True)
class Log:
    """What is written to standard error; see `logs.configure`."""

    form: str = "text"
    access: bool = False
    questions: bool = False


def run(home: Path | None, port: int, serving: Serving, log: Log, index_from: str | None = None) -> None:
    """Serves the page until interrupted; `BackchannelError` before that where there is no index or no port.

    `index_from` overrides the setting of that name.
    """
    serving = checked(serving)
    sparing()
    live = LiveAssistant.open(home, index_from=index_from)
    key = live.current().settings.llm_api_key.get_secret_value()
    logs.configure(log.form, log.access, log.questions, [key])
    # For each frame of an answer Gradio 6.31 looks for this library twice, in every folder of the path: a tenth of its
    # time. Nothing here is drawn with it.
    sys.modules.setdefault("matplotlib", None)  # type: ignore[arg-type]  # None = not to be had
    # Likewise what pandas imports wherever it is installed, as beside Milvus Lite: 63 MB, and nothing here is in Arrow.
    sys.modules.setdefault("pyarrow", None)  # type: ignore[arg-type]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that both ways of stopping tidy up
    with suppress(KeyboardInterrupt), TemporaryDirectory(prefix="backchannel-") as folder, live.following():
        os.environ["GRADIO_TEMP_DIR"] = folder
        app = build_app(live, serving)
        taken = free_port(serving.host, port)  # after the slow part: nobody waits at a port that does not answer yet
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # `Forwarded` is more particular
            timeout_graceful_shutdown=ENDING,
            timeout_keep_alive=KEPT_OPEN,
        )
        gc.collect()
        gc.freeze()  # what is there now stays: the collector need not walk through Gradio's half a million objects
        Server(app, config, greeting(taken, live.current().index.status()), folder).run(sockets=[taken])
    leave(folder)


def build_app(live: LiveAssistant, serving: Serving = PRIVATE) -> "FastAPI":
    """Our routes, and Gradio's page at `/`, behind the guards."""
    os.environ.update(QUIET)
    for name in UNWANTED:
        os.environ.pop(name, None)
    from assistant.page.mcp_server import add_mcp, without_mcp

    with without_mcp():
        import gradio as gr
    from fastapi import FastAPI
    from starlette.middleware.cors import CORSMiddleware
    from starlette.routing import Mount

    from assistant.page import health, report_frame, taking
    from assistant.page.access import Access
    from assistant.page.api import add_api
    from assistant.page.chat import build_blocks
    from assistant.page.forwarded import Forwarded
    from assistant.page.guards import Guards
    from assistant.page.library import router as library_router
    from assistant.page.routes import router
    from assistant.page.theme import own_theme

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    blocks = build_blocks(live, serving.maintainer)
    admission = admitting(blocks, serving, Stopping(live.ending))
    app.state.stopping, app.state.crowd = admission.stopping, admission.crowd
    app.add_middleware(CORSMiddleware, allow_origins=[])  # else Gradio adds one that lets any origin in
    app.add_middleware(Guards, serving=serving, admission=admission)
    app.add_middleware(Forwarded, proxies=serving.proxies)
    app.add_middleware(Access)
    app.include_router(health.router(live, admission.stopping, admission.crowd, serving.open_metrics))
    app.include_router(router(live))
    app.include_router(library_router(live))
    app.include_router(taking.router(live))
    if serving.maintainer:
        app.include_router(report_frame.router(live))
    add_api(app, live)
    add_mcp(app, live, serving.mcp, None if serving.public else serving.names)  # `Guards` knows addresses, too
    gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        app_kwargs={"openapi_url": None, "docs_url": None, "redoc_url": None},
        footer_links=[],
        run_history=False,
        show_error=False,
        enable_monitoring=False,
        mcp_server=False,
        pwa=False,
        ssr_mode=False,
        root_path=serving.root or None,
        theme=own_theme(),
    )
    app.state.gradio = next(route.app for route in app.routes if isinstance(route, Mount) and not route.path)
    return app


def admitting(blocks: "Blocks", serving: Serving, stopping: Stopping) -> "Admission":
    """The limits of a page, by the settings."""
    from assistant.page.admission import Admission
    from assistant.page.crowd import Crowd
    from assistant.page.joining import Joining
    from assistant.page.limits import Limits

    settings = PageSettings.load()
    crowd = Crowd(blocks._queue, settings, serving.public)
    return Admission(Joining(blocks), Limits(settings, serving.public), crowd, stopping)
