"""Milvus servers for tests: Milvus Lite's own as a process on loopback, stopped by its pid, and fakes made from it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from index.milvus.address import Address
from index.milvus.connection import Connection
from index.settings import IndexSettings

REAL = "MILVUS_SERVER"  # host:port of a real server, set by tests/real_milvus.py


@dataclass
class Server:
    """One that answers; `process` is None for one that is not ours to stop."""

    port: int
    host: str = "127.0.0.1"
    process: "subprocess.Popen[bytes] | None" = None
    made: list[str] = field(default_factory=list)

    def url(self, collection: str = "articles") -> str:
        """The address of an index there."""
        self.made.append(collection)
        return f"milvus://{self.host}:{self.port}/{collection}"

    def stop(self) -> None:
        """Ends it at once, whatever it is doing."""
        if self.process:
            self.process.kill()
            self.process.wait()


@contextmanager
def lite(folder: Path, port: int = 0) -> Iterator[Server]:
    """`milvus-lite server`, over what is in the folder."""
    port = port or free_port()
    program = str(Path(sys.executable).parent / "milvus-lite")
    arguments = ["server", "--data-dir", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    with running([program, *arguments], port) as server:
        yield server


@contextmanager
def fake(folder: Path, *options: str) -> Iterator[Server]:
    """Milvus Lite behind `tests/fake_milvus.py`, which makes it older, locked or short of disk."""
    port = free_port()
    script = str(ROOT / "tests" / "fake_milvus.py")
    with running([sys.executable, script, str(folder), str(port), *options], port) as server:
        yield server


@contextmanager
def running(command: Sequence[str], port: int) -> Iterator[Server]:
    """A server's process; a client that comes before its port is there may never connect."""
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "GRPC_VERBOSITY": "NONE"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    server = Server(port, process=process)
    try:
        ends = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, "the server ended by itself"
                assert time.monotonic() < ends, "the server does not listen"
                time.sleep(0.05)
        yield server
    finally:
        server.stop()


def free_port() -> int:
    """One that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def any_server(folder: Path) -> Iterator[Server]:
    """The real server where there is one, else Milvus Lite; what was made there goes at the end."""
    if real := os.environ.get(REAL):
        host, _, port = real.rpartition(":")
        server = Server(int(port), host)
        try:
            yield server
        finally:
            for collection in set(server.made):
                dropped(server, collection)
        return
    pytest.importorskip("milvus_lite", reason="milvus-lite is not installed")
    with lite(folder) as server:
        yield server


def connected(server: Server, collection: str = "articles") -> Connection:
    """A connection of ours."""
    return Connection(Address.parse(server.url(collection)))


def dropped(server: Server, collection: str) -> None:
    """Removes all generations of a collection, and its alias."""
    connection = connected(server, collection)
    if connection.target(collection):
        connection.client.drop_alias(collection)
    for name in connection.collections():
        if name.startswith(f"{collection}__"):
            connection.drop(name)


def settings_of(home: Path, server: Server, collection: str = "articles", **more: Any) -> IndexSettings:
    """Those of a home whose index is served from there."""
    return IndexSettings.load(home=home, index_from=server.url(collection), **more)
