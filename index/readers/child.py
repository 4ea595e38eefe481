"""Runs a reader's untrusted part in a child process: limited, without a network, gone when it fails.

A damaged or hostile file can then end the child, and never the run. Nothing is pickled: bytes go in, JSON comes out.
A fresh child costs 0.15 s, most of it the import of pypdf; on a busy machine 0.38, where `multiprocessing` needs 0.53
to spawn one. Within `reused()` one child serves file after file, at 6 ms each.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from index.errors import ReadingError
from index.readers import serving

__all__ = ["ask", "reused"]

WALL_SECONDS = 25
FILES_EACH = 500  # a child is replaced after so many: what its libraries keep does not pile up
PASSED_ON = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")  # what Python itself may need; no keys
LATE = f"it took more than {serving.CPU_SECONDS} seconds to read"
LARGE = f"reading it took more than {serving.MEMORY // 1_000_000_000} GB of memory"
KILLED = "the process that read it was killed, most likely for want of memory; free some, then index it again"
LONG = f"its text fills more than {serving.LONGEST_ANSWER // 1_000_000} MB; split it"


class ChildError(ReadingError):
    """The child is of no more use; `large` where its memory was full."""

    def __init__(self, sentence: str, large: bool = False) -> None:
        super().__init__(sentence)
        self.large = large


class Child:
    """One process that answers with the `work(bytes)` of a file of ours; not to be asked by two threads at once."""

    def __init__(self, work: Path) -> None:
        paths = [path for path in sys.path if path and Path(path).is_dir()]
        self.work = work
        self.served = 0
        self.asked = False  # and not answered yet
        self.late = False
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", serving.__file__, str(work), *paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
            start_new_session=True,
        )

    def ask(self, data: bytes) -> Any:
        """What `work` returns; `ReadingError` where it raises, `ChildError` where the child did not live to answer."""
        self.served += 1
        self.asked = True
        timer = threading.Timer(WALL_SECONDS, self.kill)
        timer.daemon = True
        timer.start()
        try:
            reply = self.exchange(data)
        finally:
            timer.cancel()
            timer.join()  # so that it kills now or never
        if "value" in reply:
            return reply["value"]
        raise ReadingError(LONG if "long" in reply else f"it is damaged: {reply['fault']}")

    def exchange(self, data: bytes) -> dict[str, Any]:
        """Sends one request and waits for its answer, or for the end of the child."""
        assert self.process.stdin
        assert self.process.stdout
        try:
            self.process.stdin.write(len(data).to_bytes(8, "big"))
            self.process.stdin.write(data)
            self.process.stdin.flush()
            length = int.from_bytes(self.process.stdout.read(8), "big")
            answer = self.process.stdout.read(length) if 0 < length <= serving.LONGEST_ANSWER + 100 else b""
            if len(answer) == length > 0:
                reply: dict[str, Any] = json.loads(answer)
                self.asked = False
                return reply
        except (OSError, ValueError):
            pass  # its end says more than the broken pipe
        raise self.end()

    def end(self) -> ChildError:
        """Why a child that gave no answer ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=1)
        self.kill_group()
        status = self.process.wait()
        if self.late or status == -signal.SIGXCPU:
            return ChildError(LATE)
        if status == serving.OUT_OF_MEMORY:
            return ChildError(LARGE, large=True)
        if status == -signal.SIGKILL:
            return ChildError(KILLED, large=True)
        return ChildError(f"it is damaged: the process that read it ended with status {status}")

    def kill(self) -> None:
        """For a file that takes too long."""
        self.late = True
        self.kill_group()

    def kill_group(self) -> None:
        """Ends the child and whatever it may have started; its number is its own until it is waited for."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Ends the child and waits for it."""
        self.kill_group()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):  # what a dead child has not read
                pipe.close()  # type: ignore[union-attr]

    @property
    def usable(self) -> bool:
        """Whether it may serve another file."""
        return not (self.asked or self.late or self.served >= FILES_EACH or self.process.poll() is not None)


idle: dict[Path, list[Child]] = {}
lock = threading.Lock()
sharing = 0  # how many `reused()` are open


@contextlib.contextmanager
def reused() -> Iterator[None]:
    """Within it children wait for the next file; at the end of the outermost they are gone."""
    global sharing
    with lock:
        sharing += 1
    try:
        yield
    finally:
        with lock:
            sharing -= 1
            children = [] if sharing else [child for each in idle.values() for child in each]
            if not sharing:
                idle.clear()
        for child in children:
            child.close()


def ask(work: Path, data: bytes) -> Any:
    """What `work(data)` of that file returns in a child; `ReadingError` with a sentence where it does not.

    Out of memory in a child that served before, the file is tried once more in a new one: what a file comes to
    must not depend on the files before it.
    """
    child = take(work)
    served_before = child.served > 0
    try:
        return serve(child, data)
    except ChildError as error:
        if not (error.large and served_before):
            raise
    return serve(Child(work), data)


def take(work: Path) -> Child:
    """A child that waits, or a new one."""
    with lock:
        waiting = idle.get(work)
        child = waiting.pop() if waiting else None
    if child and not child.usable:
        child.close()
        child = None
    return child or Child(work)


def serve(child: Child, data: bytes) -> Any:
    """The child's answer; afterwards it waits for the next file, or is ended."""
    try:
        return child.ask(data)
    finally:
        with lock:
            keep = sharing > 0 and child.usable
            if keep:
                idle.setdefault(child.work, []).append(child)
        if not keep:
            child.close()
