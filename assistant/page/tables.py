"""Tables and commands as mark-up for the maintainer's view.

What `table` is given, and the `body` of `section`, is mark-up, escaped already; all else is escaped here.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path

from assistant.page.escaping import in_markdown
from index.settings import IndexSettings

__all__ = ["command", "notice", "section", "table"]


def table(style: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows under names; each cell has its name in it too, which the style sheet shows where the head has no room."""
    head = "".join(f"<th>{name}</th>" for name in names)
    body = "".join(
        "<tr>"
        + "".join(f'<td><span class="label">{name}</span>{cell}</td>' for name, cell in zip(names, row, strict=True))
        + "</tr>"
        for row in rows
    )
    return f'<table class="{style}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def section(title: str, body: str) -> str:
    """A part of the view under its title; not yet cleaned."""
    return f"<div><h3>{in_markdown(title)}</h3>{body}</div>"


def notice(text: str) -> str:
    """One sentence in place of something."""
    return f'<p class="notice">{in_markdown(text.rstrip("."))}.</p>'


def command(words: str, home: Path) -> str:
    """`python app.py WORDS`, with `--home` where it is not the one that the settings name."""
    elsewhere = home.absolute() != IndexSettings.load().home.absolute()
    whole = f"python app.py {words}{f' --home {shlex.quote(str(home))}' if elsewhere else ''}"
    return f"<code>{in_markdown(whole)}</code>"
