"""What runs inside the child process of `child.py`: one request after another, within limits, with no network.

Run as `python -I -S serving.py WORK PATH…`: WORK is the file whose `work(bytes)` answers, the PATHs are where its
libraries lie. A request and an answer are eight bytes of length and then the bytes; an answer is JSON.
"""

import json
import math
import os
import resource
import runpy
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

__all__ = ["CPU_SECONDS", "LONGEST_ANSWER", "MEMORY", "OUT_OF_MEMORY", "UNSHARED"]

CPU_SECONDS = 20  # for one file
MEMORY = 1_000_000_000  # bytes of address space, the interpreter's own 30 MB among them
LONGEST_ANSWER = 32_000_000  # bytes of JSON: some ten thousand pages of text
LONGEST_FAULT = 200  # characters
OUT_OF_MEMORY = 77  # the exit status that says so
UNSHARED = 0x10000000 | 0x40000000  # CLONE_NEWUSER | CLONE_NEWNET: a network with nothing in it
OPEN_FILES = 32
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
REFUSED = tuple(
    "socket. subprocess. os.exec os.fork os.posix_spawn os.spawn os.system os.kill os.remove os.rename os.mkdir "
    "os.rmdir os.link os.symlink os.truncate os.chmod os.chown ctypes. shutil.".split()
)


def main(work: str, *paths: str) -> None:
    """Serves until the other side closes the pipe."""
    sys.path[:0] = paths  # all of them are the parent's own
    answer: Callable[[bytes], Any] = runpy.run_path(work)["work"]
    confine()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while (data := receive(requests)) is not None:
        reply = encoded(answer, data)
        answers.write(len(reply).to_bytes(8, "big") + reply)
        answers.flush()
        del data, reply


def receive(stream: BinaryIO) -> bytes | None:
    """The next request; None where there is no other."""
    length = stream.read(8)
    return stream.read(int.from_bytes(length, "big")) if len(length) == 8 else None


def encoded(answer: Callable[[bytes], Any], data: bytes) -> bytes:
    """The answer as JSON, or the fault; lone surrogates, which some fonts bring in, travel as escapes."""
    try:
        allow(CPU_SECONDS)
        reply = json.dumps({"value": answer(data)}).encode()
        return reply if len(reply) <= LONGEST_ANSWER else json.dumps({"long": len(reply)}).encode()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)  # not to be trusted further: its memory is in pieces
    except RecursionError:
        return json.dumps({"fault": "it is nested too deep"}).encode()
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        return json.dumps({"fault": said[:LONGEST_FAULT]}).encode()


def allow(seconds: int) -> None:
    """The kernel ends this process (SIGXCPU) after so much more processor time."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime) + seconds)


def limit(what: int, most: int) -> None:
    """Lowers a limit; macOS knows some of them and keeps none."""
    hard = resource.getrlimit(what)[1]
    try:
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    except (ValueError, OSError):
        return


def confine() -> None:
    """Bounds what this process may use. The hook holds where the kernel lets nobody leave the network."""
    limit(resource.RLIMIT_AS, MEMORY)
    for what, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_NOFILE, OPEN_FILES)):
        limit(what, most)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).unshare(UNSHARED)  # -1 where it is not allowed
    sys.addaudithook(refuse)


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Neither sockets nor processes nor written files; reading stays, for modules that are imported late."""
    if event.startswith(REFUSED):
        raise PermissionError(f"{event} is not allowed here")
    if event == "open" and len(arguments) > 2 and isinstance(arguments[2], int) and arguments[2] & WRITES:
        raise PermissionError("writing is not allowed here")


if __name__ == "__main__":
    main(*sys.argv[1:])
