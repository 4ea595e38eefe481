"""The same as one HTML page: passages in turning colours, what was left out struck at the end. Nothing in it runs."""

import html
from collections.abc import Iterator, Sequence
from pathlib import Path

from index.errors import IndexingError
from index.inspecting import Inspected
from index.types import Skipped

__all__ = ["page", "write_page"]

STYLE = """
:root { color-scheme: light dark; --one: #dcebff; --two: #fff0c9; --ink: #1b1b1b; --paper: #fff; --dim: #666; }
@media (prefers-color-scheme: dark) {
  :root { --one: #1d3553; --two: #4a3b10; --ink: #e8e8e8; --paper: #161616; --dim: #a0a0a0; }
}
body { color: var(--ink); background: var(--paper); font: 1rem/1.55 system-ui, sans-serif; max-width: 46rem;
  margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; } dt { color: var(--dim); } dd { margin: 0; }
.text { white-space: pre-wrap; }
.one { background: var(--one); } .two { background: var(--two); }
.place { color: var(--dim); font-size: .75rem; user-select: none; } del { color: var(--dim); }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"


def write_page(path: Path, found: Sequence[Inspected], skipped: Sequence[Skipped]) -> None:
    """Writes the page; `IndexingError` where that cannot be done."""
    try:
        path.write_text(page(found, skipped), encoding="utf-8")
    except OSError as error:
        raise IndexingError(
            f"The page cannot be written to {path} ({error.strerror}). Give --html another file"
        ) from error


def page(found: Sequence[Inspected], skipped: Sequence[Skipped]) -> str:
    """The whole page; every word of the articles is escaped."""
    body = "".join(part for each in found for part in article(each))
    passed = "".join(f"<li>{shown(each.source)}: {shown(each.reason)}</li>" for each in skipped)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(found[0].document.title)}: as it is indexed</title><style>{STYLE}</style></head>"
        f"<body><main>{body}{f'<h2>Passed over</h2><ul>{passed}</ul>' if passed else ''}</main></body></html>\n"
    )


def article(found: Inspected) -> Iterator[str]:
    """One article: what is known of it, its text, what was left out."""
    document, made = found.document, found.cut
    known = {
        "Id": document.doc_id,
        "Date": document.date or "none",
        "Source": document.source,
        "Metadata": ", ".join(sorted(document.metadata)) or "none",
        "Cut": f"{len(made.passages)} passages of at most {found.limit} tokens, {len(made.sentences)} sentences",
    }
    yield f"<h1>{shown(document.title)}</h1><dl>"
    yield from (f"<dt>{name}</dt><dd>{shown(value)}</dd>" for name, value in known.items())
    yield '</dl><div class="text" dir="auto">'
    yield from coloured(found)
    yield f"</div><h2>Left out ({len(found.reading.dropped)})</h2><ul>"
    yield from (f"<li>{shown(each.reason)}: <del>{shown(each.text)}</del></li>" for each in found.reading.dropped)
    yield "</ul>"


def coloured(found: Inspected) -> Iterator[str]:
    """The text, each passage marked; what a passage repeats of the one before stands in that alone."""
    text, at = found.document.text, 0
    for number, (passage, tokens) in enumerate(zip(found.cut.passages, found.tokens, strict=True)):
        start = max(passage.start, at)
        yield html.escape(text[at:start])
        place = f"{passage.start}–{passage.end}, {tokens} tokens"
        kind = "two" if number % 2 else "one"
        yield f'<span class="{kind}"><span class="place">{place} </span>{html.escape(text[start : passage.end])}</span>'
        at = max(at, passage.end)
    yield html.escape(text[at:])


def shown(text: str) -> str:
    """Escaped, and kept apart where it runs from right to left."""
    return f"<bdi>{html.escape(text)}</bdi>"
