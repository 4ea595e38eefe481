"""Tables in plain text and in Markdown."""

from collections.abc import Sequence

__all__ = ["aligned", "markdown"]


def aligned(rows: Sequence[Sequence[str]], left: int, text: int | None = None) -> list[str]:
    """The rows as lines with columns of equal width, the first `left` of them flush left, the others flush right.

    The column `text`, where given, is flush left too.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if at < left or at == text else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in rows
    ]


def markdown(rows: Sequence[Sequence[str]], text: int = 0) -> list[str]:
    """The rows, the heads first, as the lines of a Markdown table; all but the first column and `text` are numbers."""
    heads, *others = [[cell.replace("|", "\\|").replace("\n", " ") for cell in cells] for cells in rows]
    rule = ["---" if at in (0, text) else "---:" for at in range(len(heads))]
    return [f"| {' | '.join(cells)} |" for cells in (heads, rule, *others)]
