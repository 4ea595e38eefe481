"""What would be made of one file: what is read, kept and left out of it, and how it is cut. Nothing is indexed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from index.chunking import Cut, embedded_text
from index.embedding import Embedder, embedder_digest, open_embedder
from index.errors import SourceError
from index.preparing import cut_as, cut_settings
from index.readers.scanning import present, read_file
from index.settings import IndexSettings
from index.types import Document, Passage, Reading, Skipped

__all__ = ["Inspected", "inspect", "lines"]

ENDS = 6  # words shown of either end of a passage
PIECE = 100  # characters shown of a piece left out


@dataclass(frozen=True, slots=True)
class Inspected:
    """One article. `tokens` are those of its passages, title and heading included, as the embedder reads them."""

    reading: Reading
    cut: Cut
    tokens: tuple[int, ...]
    limit: int

    @property
    def document(self) -> Document:
        """The article itself."""
        return self.reading.document


def inspect(settings: IndexSettings, path: Path) -> tuple[list[Inspected], list[Skipped]]:
    """The articles of a file, cut as `index apply` would, and what of it is passed over."""
    if not present(path):
        raise SourceError(f"There is no {path}. Give a file that exists: python app.py index inspect FILE")
    if path.is_dir():
        raise SourceError(f"{path} is a folder. Give one file of it: python app.py index inspect FILE")
    found = list(read_file(path, path.stem))
    readings = [each for each in found if isinstance(each, Reading)]
    skipped = [each for each in found if isinstance(each, Skipped)]
    if not readings:
        why = skipped[0].reason if skipped else "it is empty"
        raise SourceError(f"{ascii(str(path))[1:-1]} cannot be read as an article: {why}")
    embedder = open_embedder(settings.embedder, settings.home / "models", embedder_digest(settings.embedder))
    return [inspected(reading, settings, embedder) for reading in readings], skipped


def inspected(reading: Reading, settings: IndexSettings, embedder: Embedder) -> Inspected:
    """One article cut."""
    wanted = cut_settings(settings, embedder)
    made, limit = cut_as(wanted, reading.document, embedder), wanted["passage_tokens"]
    texts = [embedded_text(each, embedder.count_tokens, limit) for each in made.passages]
    return Inspected(reading, made, tuple(embedder.count_tokens(texts)), limit)


def lines(found: Inspected) -> Iterator[str]:
    """What there is to say of an article, a line each."""
    document, dropped, made = found.document, found.reading.dropped, found.cut
    known = {
        "id": document.doc_id,
        "title": document.title,
        "date": document.date or "none",
        "source": document.source,
        "text": f"{len(document.text):,} characters, {len(document.text.split()):,} words",
        "parts": f"{len(document.headings)} headings, {len(document.notes)} footnote marks",
        "metadata": ", ".join(sorted(document.metadata)) or "none",
        "dropped": f"{len(dropped)} pieces",
    }
    yield from (f"{name:10}{value}" for name, value in known.items())
    yield from (f"  {each.reason}: {shortened(each.text)}" for each in dropped)
    yield f"{'cut':10}{len(made.passages)} passages of at most {found.limit} tokens, {len(made.sentences)} sentences"
    for passage, tokens in zip(made.passages, found.tokens, strict=True):
        under = f" [{passage.heading}]" if passage.heading else ""
        yield f"  {passage.start}-{passage.end} {tokens} tokens{under} {ends(passage)}"


def shortened(text: str) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= PIECE else f"{line[:PIECE]} …"


def ends(passage: Passage) -> str:
    """The first and last words of a passage, on one line."""
    words = passage.text.split()
    if len(words) <= 2 * ENDS:
        return " ".join(words)
    return f"{' '.join(words[:ENDS])} … {' '.join(words[-ENDS:])}"
