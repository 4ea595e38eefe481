"""export: a conversation that the page gave as JSON, in another form."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from index.commands import HOME

if TYPE_CHECKING:
    from assistant.receipts import Receipt

__all__ = ["Form", "export", "write"]

LARGEST = 4_000_000  # bytes; a conversation has at most 900,000 characters


class Form(StrEnum):
    """The names of `exporting.EXPORTS`, which is imported late."""

    markdown = "markdown"
    docx = "docx"
    json = "json"
    csl = "csl"


def export(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A conversation as the page exports it to JSON, or a receipt.")
    ],
    form: Annotated[
        Form, typer.Option("--format", help="Markdown with footnotes, Word, JSON, CSL-JSON.")
    ] = Form.markdown,
    out: Annotated[Path | None, typer.Option("--out", help="The file to write; else standard output.")] = None,
    home: Annotated[Path | None, HOME] = None,
) -> None:
    """Turn a conversation into a file, without the citations that the articles do not bear out.

    Markdown and Word say how many are left out, CSL-JSON does not; JSON keeps the receipts as they came.
    """
    from assistant.errors import ExportError
    from assistant.exporting import EXPORTS, conversation
    from index.opening import open_index
    from index.settings import IndexSettings

    name, receipts = read_conversation(file)
    if out is None and form is Form.docx and sys.stdout.isatty():
        raise ExportError("A Word file is nothing for a terminal. Name a file, for example: --out conversation.docx")
    index = open_index(IndexSettings.load(home=home))
    made = EXPORTS[form].write(conversation(name, receipts, index))
    if out is None:
        typer.echo(made, nl=False)
    else:
        write(out, made)
        typer.echo(f"Wrote {out}: {len(receipts):,} exchange{'' if len(receipts) == 1 else 's'}, {len(made):,} bytes")


def read_conversation(path: Path) -> "tuple[str, tuple[Receipt, ...]]":
    """The name and the receipts of a file; `ConversationError` where it holds none."""
    from assistant.conversations import read
    from assistant.errors import ConversationError

    try:
        with path.open("rb") as file:
            text = file.read(LARGEST).decode("utf-8-sig")
        found = json.loads(text)
    except OSError as error:
        raise ConversationError(f"The conversation {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConversationError(f"The conversation {path} is not JSON. Export it from the page as JSON") from error
    if isinstance(found, list):
        return path.stem, read(text)
    if isinstance(found, dict) and "format" in found:  # a receipt of `ask --receipt`
        return path.stem, read(json.dumps([found], ensure_ascii=False))
    if not isinstance(found, dict) or not isinstance(found.get("receipts"), list):
        raise ConversationError(f"The conversation {path} has no receipts. Export it from the page as JSON")
    return str(found.get("name") or path.stem), read(json.dumps(found["receipts"], ensure_ascii=False))


def write(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all; an older one of that name is replaced."""
    from assistant.errors import ExportError

    if path.exists() and not path.is_file():
        raise ExportError(f"{path} cannot be written: it is no file. Name one")
    new = path.with_name(f".{path.name}.new")
    try:
        new.write_bytes(data)
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise ExportError(f"{path} cannot be written: {error.strerror}") from error
