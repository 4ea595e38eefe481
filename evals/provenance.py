"""Where figures come from: command, versions, digests, hardware. What a reader needs to get them again."""

import os
import platform
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from evals.sweeping import SOURCE, source_digest

__all__ = ["provenance"]

PACKAGES = (
    "backchannel faiss-cpu tantivy onnxruntime tokenizers sentence-transformers torch numpy scipy ir-measures plotly"
).split()


def provenance() -> list[tuple[str, str]]:
    """(label, value) of the command, the code, the packages and the machine."""
    return [
        ("command", f"python app.py {' '.join(shlex.quote(word) for word in sys.argv[1:])}"),
        ("code", f"commit {commit()}; SHA-256 of index, assistant and evals {source_digest()[:16]}"),
        ("Python", f"{platform.python_version()} on {platform.system()} {platform.release()} ({platform.machine()})"),
        ("packages", ", ".join(f"{name} {installed(name)}" for name in PACKAGES)),
        ("machine", f"{processor()}, {os.cpu_count()} cores, {memory()} of memory"),
    ]


def commit() -> str:
    """The commit of the source, with a mark where files differ from it; `unknown` where git cannot tell."""
    found = [asked("rev-parse", "--short=12", "HEAD"), asked("status", "--porcelain", "--untracked-files=no")]
    if found[0] is None:
        return "unknown"
    return f"{found[0]}{' with uncommitted changes' if found[1] else ''}"


def asked(*words: str) -> str | None:
    """What git says, or None."""
    try:
        done = subprocess.run(["git", *words], cwd=SOURCE, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def installed(name: str) -> str:
    """The version of a package, or `not installed`."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def processor() -> str:
    """The processor's name as Linux has it, else what Python knows of it."""
    return entry(Path("/proc/cpuinfo"), "model name") or platform.processor() or platform.machine()


def memory() -> str:
    """The machine's memory in GB, or `unknown`."""
    found = entry(Path("/proc/meminfo"), "MemTotal").split()
    return f"{int(found[0]) / 1e6:.0f} GB" if found and found[0].isdigit() else "an unknown amount"


def entry(path: Path, name: str) -> str:
    """The value of the first `name: value` line of a file of the system; empty where there is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
