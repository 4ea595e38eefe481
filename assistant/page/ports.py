"""The first free port at or after the one asked for, and the line that says where the page answers."""

import errno
import socket

from assistant.errors import AssistantError
from assistant.page.labels import plural
from index.protocol import IndexStatus

__all__ = ["PortError", "free_port", "greeting"]

FURTHER = 50  # ports tried after the one asked for
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # shown so that a browser can open it


class PortError(AssistantError):
    """No address to listen on."""


def free_port(host: str, port: int) -> socket.socket:
    """A listening socket on the port, or on one of the next 50; `PortError` where none can be had."""
    last = min(port + FURTHER, 65535)
    for each in range(port, last + 1):
        try:
            return listening(host, each)
        except socket.gaierror as error:
            raise PortError(f"The host {host!r} is not known: {error.strerror}. Try --host 127.0.0.1") from error
        except PermissionError as error:
            raise PortError(f"Port {each} may not be used here. Choose one above 1023 with --port") from error
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise PortError(f"Cannot listen on {host}: {error.strerror}. Try --host 127.0.0.1") from error
    raise PortError(f"The ports {port} to {last} are all taken. Choose another with --port")


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens already: bound alone, two servers could take the same port."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    taken = socket.socket(family, kind, protocol)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # not held up by connections of a former server
        taken.bind(address)
        taken.listen(128)
    except OSError:
        taken.close()
        raise
    return taken


def greeting(taken: socket.socket, served: IndexStatus) -> str:
    """Where the page answers and from what."""
    host, port = taken.getsockname()[:2]
    host = EVERYWHERE.get(host, host)
    host = f"[{host}]" if ":" in host else host
    articles = plural(served.documents, "article")
    return f"Backchannel answers at http://{host}:{port} - generation {served.generation}, {articles}"
