"""The child process that reads what is not to be trusted: its limits, its end, and that nothing of it stays."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pdf_files import SENTENCES, column, pdf

from index.errors import ReadingError
from index.readers import child, scan
from index.readers.child import ask, reused

Write = Callable[[str], Path]


@pytest.fixture
def work(tmp_path: Path) -> Write:
    """Writes the file whose `work` the child runs."""

    def write(body: str) -> Path:
        path = tmp_path / "work.py"
        lines = "\n".join(f"    {line}" for line in body.split("\n"))
        path.write_text(f"import os, sys, time\n\n\ndef work(data):\n{lines}\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The children that were started."""
    found: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def noted(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        found.append(start(*arguments, **options))
        return found[-1]

    monkeypatch.setattr(child.subprocess, "Popen", noted)
    return found


def gone(process: subprocess.Popen[bytes]) -> bool:
    """Whether it ended, was waited for, and left nothing in its group."""
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return process.returncode is not None
    return False


def said(path: Path, data: bytes = b"") -> str:
    with pytest.raises(ReadingError) as found:
        ask(path, data)
    return str(found.value)


def test_bytes_go_in_and_json_comes_out(work: Write, started: list[subprocess.Popen[bytes]]) -> None:
    path = work("return [len(data), data.decode('latin-1')[::-1], {'half': '\\ud800'}, 1.5, None]")
    assert ask(path, b"ab\xff") == [3, "\xffba", {"half": "\ud800"}, 1.5, None]
    assert ask(path, b"") == [0, "", {"half": "\ud800"}, 1.5, None]
    assert len(started) == 2
    assert all(map(gone, started)), "outside `reused` each is for one file"


def test_one_child_serves_many_files(work: Write, started: list[subprocess.Popen[bytes]]) -> None:
    path = work("return os.getpid()")
    with reused():
        with reused():
            assert len({ask(path, b"") for _ in range(20)}) == 1
        assert not gone(started[0]), "the outer one still holds it"
    assert len(started) == 1
    assert gone(started[0])


def test_after_a_scan_no_child_is_left(tmp_path: Path, started: list[subprocess.Popen[bytes]]) -> None:
    for name in "abc":
        (tmp_path / f"{name}.pdf").write_bytes(pdf(column(*SENTENCES)))
    assert len(scan([tmp_path]).readings) == 3
    assert len(started) == 1
    assert gone(started[0])


def test_a_child_is_replaced_after_so_many_files(
    work: Write, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "FILES_EACH", 4)
    path = work("return os.getpid()")
    with reused():
        assert len({ask(path, b"") for _ in range(12)}) == 3
    assert all(map(gone, started))


def test_threads_have_a_child_each(work: Write, started: list[subprocess.Popen[bytes]]) -> None:
    path = work("return data.decode() * 2")
    wrong: list[str] = []

    def many(name: str) -> None:
        wrong.extend(name for _ in range(15) if ask(path, name.encode()) != name * 2)

    with reused():
        threads = [threading.Thread(target=many, args=(f"t{i}",)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong
    assert len(started) <= 4
    assert all(map(gone, started))


# --- what it may not do


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("import socket\nsocket.socket()", "it is damaged: socket.__new__ is not allowed here"),
        ("import socket\nsocket.getaddrinfo('localhost', 80)", "it is damaged: socket.getaddrinfo is not allowed here"),
        ("import subprocess\nsubprocess.run(['ls'])", "it is damaged: subprocess.Popen is not allowed here"),
        ("os.fork()", "it is damaged: os.fork is not allowed here"),
        ("os.execv('/bin/ls', ['ls'])", "it is damaged: os.exec is not allowed here"),
        ("open(__file__, 'a')", "it is damaged: writing is not allowed here"),
        ("os.remove(__file__)", "it is damaged: os.remove is not allowed here"),
        ("raise ValueError('the header\\nis torn')", "it is damaged: the header is torn"),
        ("raise KeyError()", "it is damaged: KeyError"),
        ("return work(data)", "it is damaged: it is nested too deep"),
        ("return {1: object()}", "it is damaged: Object of type object is not JSON serializable"),
        ("os._exit(3)", "it is damaged: the process that read it ended with status 3"),
        ("return 'x' * 33_000_000", "its text fills more than 32 MB; split it"),
    ],
)
def test_t15_what_it_may_not_do(work: Write, body: str, reason: str) -> None:
    path = work(body)
    assert said(path) == reason
    assert path.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has namespaces")
def test_t15_it_has_no_network_below_python_either(work: Write) -> None:
    """Its network holds a loopback that is down; where the kernel does not allow that, the hook stands alone."""
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode:
        pytest.skip("this kernel lets nobody leave the network")
    path = work("return open('/proc/net/dev').read().count(':'), os.path.exists('/proc/net/route')")
    assert ask(path, b"")[0] == 1


def test_t15_keys_of_the_environment_stay_here(work: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKCHANNEL_API_KEY", "canary")
    found = ask(work("return [dict(os.environ), sys.flags.isolated, sorted(sys.modules)]"), b"")
    assert "canary" not in str(found[0])
    assert found[1] == 1
    assert not {"torch", "numpy", "index"} & set(found[2])


# --- how it ends


def test_f7_out_of_memory(work: Write, started: list[subprocess.Popen[bytes]]) -> None:
    """At a gigabyte; the file is tried once more in a new child where the old one had served before."""
    path = work("return len(bytes(int(data)))")
    with reused():
        assert ask(path, b"1000") == 1000
        assert said(path, b"1100000000") == "reading it took more than 1 GB of memory"
        assert len(started) == 2
        assert ask(path, b"500000000") == 500_000_000
    assert len(started) == 3
    assert all(map(gone, started))


def test_f7_killed_from_outside(work: Write, started: list[subprocess.Popen[bytes]]) -> None:
    """As the kernel does it when memory runs out."""
    path = work("import signal\nsignal.raise_signal(signal.SIGKILL)")
    assert said(path) == (
        "the process that read it was killed, most likely for want of memory; free some, then index it again"
    )
    assert all(map(gone, started))


def test_t15_too_late(work: Write, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Asleep, so that only the clock on the wall tells."""
    monkeypatch.setattr(child, "WALL_SECONDS", 0.7)
    path = work("time.sleep(len(data))")
    with reused():
        assert said(path, b"xxxxxxxxx") == "it took more than 20 seconds to read"
        assert gone(started[0])
        assert ask(path, b"") is None


def test_f28_a_child_that_does_not_read_all_it_is_given(tmp_path: Path, work: Write) -> None:
    path = work("return 1")
    path.write_text("raise SystemExit(4)\n", encoding="utf-8")
    assert said(path, bytes(20_000_000)) == "it is damaged: the process that read it ended with status 4"


def test_an_interrupted_child_is_not_asked_again(
    work: Write, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer would be that of the file before."""
    path = work("return data.decode()")

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with reused():
        with monkeypatch.context() as patch:
            patch.setattr(child.json, "loads", interrupted)
            with pytest.raises(KeyboardInterrupt):
                ask(path, b"first")
        assert ask(path, b"second") == "second"
    assert len(started) == 2
    assert all(map(gone, started))
