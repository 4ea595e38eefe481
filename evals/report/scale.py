"""The page of `eval scale`: time, memory and recall against the number of passages."""

from collections.abc import Mapping, Sequence
from math import log10
from typing import TYPE_CHECKING

from evals.report.page import page
from evals.report.plots import curves
from evals.report.sections import Section, Table
from evals.scale import Asked, Built

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["scale_page"]


def scale_page(found: Sequence[tuple[Built, Asked]], rows: Sequence[Sequence[str]]) -> str:
    """Libraries by size, smallest first, as one HTML page; `rows` is the table of the terminal."""
    xs = [float(built.passages) for built, _ in found]

    def drawn(y: str, lines: Mapping[str, Sequence[float]], *, grows: bool = True) -> "Figure":
        """Against passages; what grows with the library on a scale of powers, too."""
        figure = curves({name: (xs, ys) for name, ys in lines.items()}, "passages", y, logarithmic=True)
        figure.update_xaxes(ticktext=[short(each) for each in xs])
        values = [value for ys in lines.values() for value in ys]
        if grows:
            figure.update_yaxes(
                type="log", dtick=1, range=[log10(0.7 * max(min(values), 0.1)), log10(1.5 * max(values))]
            )
        else:
            figure.update_yaxes(range=[0, 1.05 * max(values)])
        return figure

    asked = [times for _, times in found]
    built = [library for library, _ in found]
    figures = {
        "A search, all included: milliseconds of one thread": drawn(
            "ms",
            {
                "p99": [each.percentile(99) for each in asked],
                "p50": [each.percentile(50) for each in asked],
                "by meaning": [each.meaning for each in asked],
                "by words": [each.words for each in asked],
            },
            grows=False,
        ),
        "The share of the exact ten nearest that is found": drawn(
            "recall@10", {"recall": [each.recall for each in asked]}, grows=False
        ),
        "Building from cached vectors: seconds": drawn("s", {"index apply": [each.seconds for each in built]}),
        "Memory: MiB": drawn(
            "MiB", {"building": [each.peak for each in built], "serving": [each.rss for each in asked]}
        ),
        "On the disk: MB": drawn(
            "MB",
            {
                "generation": [each.bytes / 1e6 for each in built],
                "vectors": [each.vector_bytes / 1e6 for each in built],
            },
        ),
    }
    prose = (
        "Libraries built by index apply from cached vectors, without those of sentences, and asked all gold questions.",
        "What goes beyond the real passages are copies under other ids, their vectors moved towards another passage's "
        "and normalised again: what they cost is real, what they say is not.",
    )
    return page("Scale", [Section("Libraries by size", prose=prose, figures=figures, tables=[Table(rows)])])


def short(count: float) -> str:
    """Passages by the thousand or million, to two digits."""
    for size, name in ((1e6, " million"), (1e3, " thousand")):
        if count >= size:
            return f"{count / size:.2g}{name}" if count < 10 * size else f"{count / size:.0f}{name}"
    return f"{count:.0f}"
