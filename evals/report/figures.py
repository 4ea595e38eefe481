"""What the reports draw: estimates, risk and coverage, reliability, recall by depth, latency, the points of a sweep."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evals.confidence import Trust
from evals.report.plots import Spot, curves, dots, scatter
from evals.statistics import Estimate, Interval, mean_interval
from evals.sweeping import Point, Sweep

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["estimates", "latencies", "recall_by_depth", "reliability", "risk_coverage", "sweep_figures"]

BEATEN, FRONT, REFERENCE = "beaten", "nothing beats it", "reference"


def estimates(series: Mapping[str, Mapping[str, Estimate]], x: str) -> "Figure":
    """Estimates by series and label, a row for each label, with their 95 % intervals as bars; x is a title."""
    return dots(
        {
            name: {
                label: (
                    each.value,
                    each.interval or Interval(each.value, each.value),
                    f"{label}\n{name} {each}, n = {each.count}",
                )
                for label, each in of.items()
            }
            for name, of in series.items()
        },
        x,
    )


def risk_coverage(trust: Trust, answered: float) -> "Figure":
    """The share of wrong answers against the share of questions answered; the operating point answers `answered`."""
    xs, ys = zip(*trust.curve, strict=True)
    nearest = min(trust.curve, key=lambda point: abs(point[0] - answered))
    spot = Spot(
        *nearest,
        Interval(nearest[1], nearest[1]),
        f"threshold {trust.threshold:g}\ncoverage {nearest[0]:.2f}, risk {nearest[1]:.2f}",
    )
    return curves(
        {"risk": (xs, ys), "answering everything": ((0.0, 1.0), (ys[-1], ys[-1]))},
        "coverage: share of questions answered",
        "risk: share of wrong answers",
        {"as shipped": spot},
    )


def reliability(trust: Trust) -> "Figure":
    """Confidence against the share that came right, by groups of like size; on the diagonal it is calibrated."""
    spots = [
        Spot(
            each.confidence,
            each.right,
            each.interval,
            f"confidence {each.confidence:.2f}\nright {each.right:.2f}, n = {each.count}",
        )
        for each in trust.bins
    ]
    return scatter(
        {"questions, in groups": [], "groups of questions": spots},
        "mean confidence",
        "share answered rightly",
        [(0.0, 0.0), (1.0, 1.0)],
    )


def recall_by_depth(recalls: Mapping[str, Mapping[int, float]]) -> "Figure":
    """Recall at k by collection; k on a logarithmic axis."""
    return curves(
        {name: (tuple(of), tuple(of.values())) for name, of in recalls.items()},
        "k, documents or passages",
        "recall@k",
        logarithmic=True,
    )


def latencies(times: Mapping[str, Sequence[float]]) -> "Figure":
    """Median latencies with bars from the 5th to the 95th percentile, in milliseconds; a row for each label."""
    import numpy as np

    rows = {}
    for label, values in times.items():
        low, middle, high = (float(np.percentile(values, percent)) for percent in (5, 50, 95))
        rows[label] = (middle, Interval(low, high), f"{label}\np50 {middle:.1f} ms, p5 {low:.1f}, p95 {high:.1f}")
    return dots({"p50, with p5 to p95": rows}, "milliseconds", from_zero=True)


def sweep_figures(swept: Sweep) -> dict[str, "Figure"]:
    """By caption: quality against p50 latency, with the front as a line, and quality against the size of the index."""
    groups: dict[str, list[Point]] = {BEATEN: [], FRONT: [], REFERENCE: []}
    for at, (point, front) in enumerate(zip(swept.points, swept.front, strict=True)):
        groups[REFERENCE if at == swept.reference else FRONT if front else BEATEN].append(point)
    intervals = {
        point.cell.label: mean_interval(list(point.figures.measured[swept.measure].values())) for point in swept.points
    }

    def spots(x: Mapping[str, float]) -> dict[str, list[Spot]]:
        return {
            name: [Spot(x[p.cell.label], p.quality, intervals[p.cell.label], told(p, swept.measure)) for p in points]
            for name, points in groups.items()
        }

    times = {point.cell.label: point.figures.p50_ms for point in swept.points}
    sizes = {point.cell.label: point.figures.bytes / 1e6 for point in swept.points}
    line = sorted((p.figures.p50_ms, p.quality) for p, front in zip(swept.points, swept.front, strict=True) if front)
    return {
        f"{swept.measure} against latency": scatter(spots(times), "p50 latency of a query, ms", swept.measure, line),
        f"{swept.measure} against size": scatter(spots(sizes), "index on disk, MB", swept.measure),
    }


def told(point: Point, measure: str) -> str:
    """The settings and figures of a point, a line each."""
    figures = point.figures
    settings = [f"{name} = {value}" for name, value in point.cell.values.items()]
    rest = f"p50 {figures.p50_ms:.1f} ms, p95 {figures.p95_ms:.1f} ms, {figures.bytes / 1e6:.2f} MB"
    return "\n".join([*settings, f"{measure} {point.quality:.4f}", rest])
