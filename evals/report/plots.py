"""plotly: the three kinds of figures that the reports draw, and how one stands in a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import cycle
from typing import TYPE_CHECKING, Any

from evals.statistics import Interval

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["Spot", "curves", "div", "dots", "scatter", "script"]

# Grey, blue, orange: at least 2.9:1 on white and on #14181d. What is drawn later lies on top.
COLOURS = ("139, 148, 158", "47, 129, 199", "217, 130, 43")
MORE = (*COLOURS[1:], "70, 150, 90", "163, 98, 196", "200, 80, 90", COLOURS[0])  # for lines, up to six apart
SYMBOLS = ("circle-open", "circle", "diamond")
HEIGHT = 400  # pixels
ROW = 34  # pixels of a row of dots


@dataclass(frozen=True, slots=True)
class Spot:
    """A point of a figure: where, the 95 % interval of its `y`, and what is told where one points at it."""

    x: float
    y: float
    interval: Interval
    text: str


def scatter(groups: Mapping[str, Sequence[Spot]], x: str, y: str, line: Sequence[tuple[float, float]] = ()) -> "Figure":
    """Groups of spots with their intervals as error bars, three groups at most, and a dotted line; x and y are titles.

    Transparent, in greys and colours that read on white and on black.
    """
    figure = empty(x, y)
    if line:
        style = {"color": f"rgba({COLOURS[1]}, .7)", "width": 1.5, "dash": "dot"}
        xs, ys = zip(*line, strict=True)
        figure.add_scatter(x=xs, y=ys, mode="lines", line=style, hoverinfo="skip", showlegend=False)
    for (name, spots), colour, symbol in zip(groups.items(), COLOURS, SYMBOLS, strict=False):
        figure.add_scatter(
            x=[spot.x for spot in spots],
            y=[spot.y for spot in spots],
            error_y={
                "array": [spot.interval.high - spot.y for spot in spots],
                "arrayminus": [spot.y - spot.interval.low for spot in spots],
                **bar(colour),
            },
            **marks(name, colour, symbol, [spot.text for spot in spots]),
        )
    return figure


def dots(
    series: Mapping[str, Mapping[str, tuple[float, Interval, str]]], x: str, *, from_zero: bool = False
) -> "Figure":
    """A row for each label, from above: the value and interval of each series in it, with what is told of it.

    Three series at most, side by side in their row; x is a title.
    """
    labels = list(dict.fromkeys(label for of in series.values() for label in of))
    figure = empty(x, "")
    for at, (name, of) in enumerate(series.items()):
        aside = 0.0 if len(series) == 1 else 0.28 * (at / (len(series) - 1) - 0.5)
        there = [(row, *of[label]) for row, label in enumerate(labels) if label in of]
        figure.add_scatter(
            x=[value for _, value, _, _ in there],
            y=[row + aside for row, *_ in there],
            error_x={
                "array": [interval.high - value for _, value, interval, _ in there],
                "arrayminus": [value - interval.low for _, value, interval, _ in there],
                **bar(MORE[at]),
            },
            **marks(name, MORE[at], SYMBOLS[1 + at % 2], [told for *_, told in there]),
        )
    figure.update_yaxes(
        tickvals=list(range(len(labels))), ticktext=[escape(label) for label in labels], range=[len(labels) - 0.5, -0.5]
    )
    figure.update_layout(
        height=max(160, 110 + ROW * len(labels)), showlegend=len(series) > 1, legend={"traceorder": "normal"}
    )
    if from_zero:
        figure.update_xaxes(rangemode="tozero")
    return figure


def curves(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    x: str,
    y: str,
    spots: Mapping[str, Spot] | None = None,
    *,
    logarithmic: bool = False,
) -> "Figure":
    """Lines by name, each as its xs and ys in [0, 1], and single spots upon them; x and y are titles."""
    figure = empty(x, y)
    for (name, (xs, ys)), colour in zip(lines.items(), cycle(MORE), strict=False):
        figure.add_scatter(
            x=list(xs),
            y=list(ys),
            mode="lines+markers" if 2 < len(xs) < 12 else "lines",
            line={"color": f"rgb({colour})", "width": 2},
            name=escape(name),
            hovertemplate=f"{escape(name)}<br>%{{x}}: %{{y:.3f}}<extra></extra>",
        )
    for name, spot in (spots or {}).items():
        figure.add_scatter(x=[spot.x], y=[spot.y], **marks(name, COLOURS[2], SYMBOLS[2], [spot.text]))
    figure.update_yaxes(range=[0, 1.02])
    figure.update_layout(legend={"traceorder": "normal"})
    if logarithmic:
        ticks = sorted({value for xs, _ in lines.values() for value in xs})
        figure.update_xaxes(type="log", tickvals=ticks, ticktext=[f"{value:g}" for value in ticks])
    return figure


def empty(x: str, y: str) -> "Figure":
    """A figure without anything in it; x and y are titles."""
    from plotly import graph_objects as go

    figure = go.Figure(layout={"template": go.layout.Template()})
    grey = f"rgb({COLOURS[0]})"
    axis = {"automargin": True, "ticks": "outside", "tickcolor": grey, "linecolor": grey, "zeroline": False}
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13},
        xaxis={**axis, "title": {"text": escape(x)}},
        yaxis={**axis, "title": {"text": escape(y), "standoff": 12}},
        legend={"orientation": "h", "traceorder": "reversed", "y": 1.02, "yanchor": "bottom", "x": 0},
        hoverlabel={"bgcolor": "#1d2733", "align": "left"},
    )
    return figure


def bar(colour: str) -> dict[str, Any]:
    """How an interval is drawn."""
    return {"color": f"rgba({colour}, .5)", "thickness": 1.5, "width": 3}


def marks(name: str, colour: str, symbol: str, told: Sequence[str]) -> dict[str, Any]:
    """How single points are drawn, and what is told where one points at them."""
    rim = {"color": f"rgb({colour})", "width": 2}
    return {
        "mode": "markers",
        "marker": {"color": f"rgb({colour})", "line": rim, "symbol": symbol, "size": 10},
        "name": escape(name),
        "text": [escape(each).replace("\n", "<br>") for each in told],
        "hovertemplate": "%{text}<extra></extra>",
    }


def div(figure: "Figure", name: str) -> str:
    """The figure as HTML, as wide as its place; `name` is its id. It needs `script` before it in the page."""
    shown = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=name,
        default_height=HEIGHT,
        config={"displayModeBar": False, "responsive": True},
    )
    return str(shown)


def script() -> str:
    """plotly.js itself, 5 MB, for a script element."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())
