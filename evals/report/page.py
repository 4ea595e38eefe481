"""jinja2: sections as one HTML page that fetches nothing; it follows the reader's colour scheme and width."""

import itertools
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.report.sections import Section

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["page"]

# Nothing is fetched and nothing leaves: plotly.js stands in the page, and its styles are its own.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
STILL = "default-src 'none'; style-src 'unsafe-inline'"  # of a page without figures: nothing in it runs
HERE = Path(__file__).parent


def page(title: str, sections: Sequence[Section]) -> str:
    """The whole page; every text of it is escaped. plotly.js, 5 MB, stands in it only where there are figures."""
    from markupsafe import Markup

    from evals.report.plots import div, script

    figures = any(map(drawn, sections))
    numbers = itertools.count(1)

    def draw(figure: Any) -> Markup:
        return Markup(div(figure, f"figure-{next(numbers)}"))

    return template().render(
        title=title,
        sections=sections,
        policy=Markup(POLICY if figures else STILL),
        style=Markup((HERE / "page.css").read_text(encoding="utf-8")),
        script=Markup(script() if figures else ""),
        draw=draw,
    )


def drawn(section: Section) -> bool:
    """Whether the section or a part of it has figures."""
    return bool(section.figures) or any(map(drawn, section.parts))


@cache
def template() -> "Template":
    """The one template, compiled once; undefined names fail."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    return made.get_template("page.html")
