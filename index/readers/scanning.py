"""Walks the sources: every file ends as readings or as skipped with a reason."""

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from index.errors import ReadingError, SourceError
from index.readers.blocks import LONGEST
from index.readers.child import reused
from index.readers.docx import read_docx
from index.readers.html import read_html
from index.readers.jsonlines import read_jsonlines
from index.readers.markdown import read_markdown
from index.readers.pdf import read_pdf
from index.readers.plain import read_plain
from index.readers.tei import read_tei
from index.types import Reading, Skipped

__all__ = ["READERS", "Scan", "scan"]

Reader = Callable[[bytes, str, str], Iterator[Reading | Skipped]]

READERS: dict[str, Reader] = {
    ".txt": read_plain,
    ".text": read_plain,
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".html": read_html,
    ".htm": read_html,
    ".jsonl": read_jsonlines,
    ".pdf": read_pdf,
    ".docx": read_docx,
    ".xml": read_tei,
}
LARGEST = 2_000_000_000  # bytes; a file is read whole
ONE_ARTICLE = LONGEST  # bytes of a file that is one article; 100 MB in one line took 1.8 GB and 35 s to read
MANY_ARTICLES = frozenset({".jsonl", ".xml", ".pdf"})  # or many pages


@dataclass(frozen=True, slots=True)
class Scan:
    """What the sources hold: readings in the order of their ids, and what was passed over."""

    readings: tuple[Reading, ...]
    skipped: tuple[Skipped, ...]


@reused()
def scan(sources: list[Path]) -> Scan:
    """Reads every file of the sources (files or folders).

    `SourceError` where a source is missing, nothing can be read, or two articles claim one id.
    """
    read: dict[str, Reading] = {}
    skipped: list[Skipped] = []
    for source in sources:
        for found in read_source(source):
            if isinstance(found, Skipped):
                skipped.append(found)
                continue
            document = found.document
            if document.doc_id in read:
                raise SourceError(
                    f"Two articles have the id {document.doc_id}: {read[document.doc_id].document.source} and "
                    f"{document.source}. Rename one, or give their common folder as the source."
                )
            read[document.doc_id] = found
    if not read:
        named = ", ".join(map(str, sources))
        why = "; ".join(f"{each.source}: {each.reason}" for each in skipped[:3]) or "the folder is empty"
        raise SourceError(
            f"No article to index in {named} ({why}). "
            f"Give a folder with {', '.join(sorted(READERS))} files: python app.py index apply FOLDER"
        )
    return Scan(tuple(read[name] for name in sorted(read)), tuple(skipped))


def read_source(source: Path) -> Iterator[Reading | Skipped]:
    """The readings of one file or folder."""
    if not present(source):
        raise SourceError(f"There is no {source}. Give a file or folder that exists: python app.py index apply FOLDER")
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            inside = path.relative_to(source)
            folder = path.is_dir() and not path.is_symlink()  # linked folders are not walked, so they are named
            if not folder and not any(part.startswith(".") for part in inside.parts):
                yield from read_file(path, inside.with_suffix("").as_posix())
    else:
        yield from read_file(source, source.stem)


def present(path: Path) -> bool:
    """Whether there is such a file or folder; a name of ten thousand characters names nothing."""
    try:
        return path.exists()
    except OSError:
        return False


def read_file(path: Path, doc_id: str) -> Iterator[Reading | Skipped]:
    """The readings of one regular file, or why there are none."""
    reader = READERS.get(path.suffix.lower())
    name = path.as_posix()
    if not name.isprintable():
        yield Skipped(ascii(name), "its name holds characters that cannot be shown; rename it")
    elif not stat.S_ISREG(path.lstat().st_mode):
        yield Skipped(name, "it is not a regular file")
    elif reader is None:
        yield Skipped(name, f"no reader for {path.suffix or 'files without a suffix'}", damaged=False)
    elif path.stat().st_size > (most := LARGEST if path.suffix.lower() in MANY_ARTICLES else ONE_ARTICLE):
        yield Skipped(name, f"it is larger than {most:,} bytes")
    else:
        try:
            yield from reader(whole(path), doc_id, name)
        except ReadingError as error:
            yield Skipped(name, str(error))
        except OSError as error:
            yield Skipped(name, f"it cannot be read ({error.strerror})")


def whole(path: Path) -> bytes:
    """The bytes of a file that stands still; `ReadingError` where somebody writes to it meanwhile."""
    before = path.stat()
    data = path.read_bytes()
    after = path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(data) != after.st_size:
        raise ReadingError("it changed while it was read; run again when it is written")
    return data
