"""A canary: an HTTP server on loopback that answers anything and remembers who asked. Nobody must."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["Canary"]


class Canary(ThreadingHTTPServer):
    """`with Canary() as canary`: `canary.address` is `127.0.0.1:PORT`, `canary.requests` its "METHOD PATH" so far."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Call)
        self.requests: list[str] = []
        self.thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="canary", daemon=True)
        self.thread.start()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_address[1]}"

    def __exit__(self, *args: object) -> None:
        self.shutdown()
        self.thread.join()
        self.server_close()


class Call(BaseHTTPRequestHandler):
    """Any request: remembered, and answered with a script, which any site may read."""

    server: Canary

    def answer(self) -> None:
        self.server.requests.append(f"{self.command} {self.path}")
        body = b"alert('canary')"
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_OPTIONS = answer  # noqa: N815

    def log_message(self, *args: object) -> None:
        """Says nothing."""
