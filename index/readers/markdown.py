"""Markdown with YAML front matter and footnotes: `...in June 2013.[^reuters]` becomes a note, not text."""

import datetime
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from yaml.composer import ComposerError

from index.cleaning import clean
from index.errors import ReadingError
from index.readers.blocks import Block, reading, title_of_name
from index.readers.encoding import decode, text_of
from index.readers.hidden import Sheet, styles, unseen, why_hidden
from index.readers.tags import attributes_of, tokens
from index.types import Dropped, Note, Reading

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["MARK", "front_matter", "read_markdown", "vocabulary_of"]

FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)?---[ \t]*(?:\n|\Z)", re.S)
MARK = re.compile(r"\[\^([^\[\]\s]+)\]")
DEFINITION = re.compile(r"^ {0,3}\[\^([^\[\]\s]+)\]:[ \t]*(.*(?:\n(?: {2,}|\t).*)*)", re.M)
# Lists in lists; each is two deep to markdown-it, which drops what lies deeper without a word. 44 in place of 20 levels
# double its time for the worst of texts, `![a` fifty thousand times over, to 4 s.
NESTED = 20
DEEPEST = 2 * NESTED + 4
NO_SHEET = Sheet("")


def read_markdown(data: bytes, doc_id: str, source: str) -> Iterator[Reading]:
    """One document. Sources are those of the front matter, and footnotes defined in the text."""
    text, said = text_of(data, markup=True)
    metadata, body = front_matter(text)
    body, defined = definitions(body)
    blocks, raw = parse(body)
    title = str(metadata.pop("title", "") or "")
    if blocks and blocks[0].level == 1:
        title = title or blocks[0].text
        if blocks[0].text == title:
            blocks = blocks[1:]
    date = str(metadata.pop("date", "") or "")
    if defined:
        metadata["sources"] = [*metadata.get("sources", []), *defined]
    kept, dropped = clean([Block(title), *blocks])
    yield reading(doc_id, title or title_of_name(doc_id), kept[1:], source, date, metadata, [*said, *raw, *dropped])


def front_matter(text: str) -> tuple[dict[str, Any], str]:
    """The front matter as JSON values, and the rest; `ReadingError` names the line that is not YAML."""
    found = FRONT_MATTER.match(text)
    if not found:
        return {}, text
    try:
        values = Plain(found[1] or "").get_single_data()
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date such as 2025-02-30
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 2}" if mark else ""
        raise ReadingError(f"its front matter is not valid YAML{line}: {getattr(error, 'problem', error)}") from error
    if values is not None and not isinstance(values, dict):
        raise ReadingError(f"its front matter is a {type(values).__name__}, not names with values")
    values = jsonable(values or {})
    sources = values.get("sources", [])
    if not isinstance(sources, list) or not all(isinstance(entry, dict) and entry.get("id") for entry in sources):
        raise ReadingError("`sources` in its front matter must be a list of entries that each have an `id`")
    for entry in sources:
        entry["id"] = str(entry["id"])  # `id: 7` is a number to YAML; the mark [^7] is text
    return values, text[found.end() :]


class Plain(yaml.SafeLoader):
    """YAML without aliases, with which ten lines can stand for a thousand million values."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuses an alias."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise ComposerError(None, None, "aliases (*) are not read", mark)
        return super().compose_node(parent, index)


def vocabulary_of(path: Path) -> dict[str, Any]:
    """The YAML file of closed vocabularies: `regions`, `topics`, `track` with their values, and `exempt` sentences."""
    try:
        values = yaml.safe_load(decode(path.read_bytes()))
    except yaml.YAMLError as error:
        raise ReadingError(
            f"{path} is not valid YAML: {' '.join(str(error).split())}. Mend it, then lint again"
        ) from error
    if not isinstance(values, dict) or not {"regions", "topics", "track"} <= values.keys():
        raise ReadingError(f"{path} does not hold regions, topics and track. Add what is missing, then lint again")
    return values


def jsonable(value: Any) -> Any:
    """YAML's values as JSON has them: dates as ISO 8601, names as strings."""
    if isinstance(value, dict):
        return {str(name): jsonable(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [jsonable(entry) for entry in value]
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def definitions(body: str) -> tuple[str, list[dict[str, str]]]:
    """Takes `[^id]: text` lines out of the body: CommonMark would read some of them as link definitions."""
    found = [{"id": name, "title": " ".join(text.split())} for name, text in DEFINITION.findall(body)]
    return DEFINITION.sub("", body), found


def parse(body: str) -> tuple[list[Block], list[Dropped]]:
    """The blocks of a CommonMark text (with tables), markup gone, footnote marks as notes; and its raw HTML."""
    from markdown_it import MarkdownIt

    blocks: list[Block] = []
    dropped: list[Dropped] = []
    level = 0
    row: list[str] | None = None
    found = MarkdownIt("commonmark", {"maxNesting": DEEPEST}).enable("table").parse(body)
    if any(token.level >= DEEPEST - 1 for token in found):
        raise ReadingError(
            f"its lists or quotations are nested more than {NESTED} deep; what lies deeper would be lost"
        )
    for token in found:
        if token.type == "heading_open":
            level = int(token.tag[1:])
        elif token.type == "heading_close":
            level = 0
        elif token.type == "tr_open":
            row = []
        elif token.type == "tr_close":
            blocks.append(noted(" | ".join(row or [])))
            row = None
        elif token.type == "inline":
            text = seen(token.children or (), dropped)
            if row is None:
                blocks.append(noted(text, level))
            else:
                row.append(text)
        elif token.type in ("fence", "code_block"):
            blocks.append(Block(token.content.strip("\n")))
        elif token.type == "html_block":
            dropped.append(Dropped("raw HTML", token.content.strip()))
    return blocks, dropped


def seen(children: Sequence["Token"], dropped: list[Dropped]) -> str:
    """The text of inline tokens; what HTML tags among them hide, and comments, go to `dropped`."""
    parts: list[str] = []
    hidden: list[str] = []
    until = how = ""  # the element that hides, and in which way
    for child in children:
        if child.type != "html_inline":
            (hidden if until else parts).append(plain(child))
            continue
        for kind, name, text in tokens(child.content):
            if kind == "comment":
                dropped += unseen("comment", text)
            elif kind == "open" and not until:
                parts.append(" " if name == "br" else "")
                attributes = attributes_of(text)
                how = why_hidden(name, attributes, styles(name, attributes, NO_SHEET))
                until = name if how else ""
            elif kind == "close" and name == until:
                dropped += unseen(f"hidden ({how})", "".join(hidden))
                hidden, until = [], ""
    dropped += unseen(f"hidden ({how})", "".join(hidden))
    return "".join(parts)


def plain(token: "Token") -> str:
    """What a reader sees of one inline token; an image and raw HTML leave nothing."""
    if token.type in ("softbreak", "hardbreak"):
        return " "
    return token.content if token.type in ("text", "code_inline", "text_special") else ""


def noted(marked: str, level: int = 0) -> Block:
    """The text without its footnote marks, and a note where each run of marks stood."""
    text = ""
    notes: list[Note] = []
    end = 0
    for mark in MARK.finditer(marked := marked.strip()):
        text += marked[end : mark.start()]
        end = mark.end()
        offset = len(text.rstrip())  # a mark after a blank still belongs to the sentence before it
        if notes and notes[-1].offset == offset:
            notes[-1] = Note(offset, (*notes[-1].sources, mark[1]))
        else:
            notes.append(Note(offset, (mark[1],)))
    text += marked[end:]
    return Block(text.rstrip(), level, tuple(notes))
