"""What each system gave and took on a collection, and how the peers compare with Backchannel."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evals.measures import Scores, means
from evals.statistics import Interval, paired_interval

__all__ = ["FIGURES", "MEASURES", "Compared", "Measured"]

MEASURES = ("nDCG@10", "R@10", "RR@10")
FIGURES = (*MEASURES, "import_s", "index_s", "p50_ms", "p95_ms", "ready_mb", "peak_mb")


@dataclass(frozen=True, slots=True)
class Measured:
    """What a system gave and took: times in seconds, of queries in milliseconds, memory in MB (None: not known here).

    `scores[query][document]` and `values[measure][query]`: higher is better, the latter in [0, 1]. `ready_mb` is held
    once the index can be asked, `peak_mb` at most, over indexing and all queries.
    """

    name: str
    version: str
    import_s: float
    index_s: float
    ready_mb: float | None
    peak_mb: float | None
    latencies_ms: Mapping[str, float]
    scores: Scores
    values: Mapping[str, Mapping[str, float]]

    def figures(self, queries: Iterable[str]) -> dict[str, float | None]:
        """By the names of `FIGURES`, of these queries alone."""
        asked = list(queries)
        quality = means({name: {query: of[query] for query in asked} for name, of in self.values.items()})
        p50, p95 = np.percentile([self.latencies_ms[query] for query in asked], [50, 95])
        times = {"import_s": self.import_s, "index_s": self.index_s, "p50_ms": float(p50), "p95_ms": float(p95)}
        return {**quality, **times, "ready_mb": self.ready_mb, "peak_mb": self.peak_mb}

    def to_json(self) -> dict[str, Any]:
        """The fields of a system."""
        return {
            "name": self.name,
            "version": self.version,
            "queries": len(self.latencies_ms),
            **self.figures(self.latencies_ms),
            "latencies_ms": dict(self.latencies_ms),
            "per_query": {name: dict(of_query) for name, of_query in self.values.items()},
        }


@dataclass(frozen=True, slots=True)
class Compared:
    """Backchannel and its peers on the same `queries` of a collection; `failures` says why a peer has no figures.

    A system whose time was up has fewer queries: a peer is compared with ours on those that both were asked.
    """

    collection: str
    documents: int
    queries: int
    ours: Measured
    peers: tuple[Measured, ...]
    failures: Mapping[str, str]

    def common(self, peer: Measured) -> list[str]:
        """The queries that both were asked."""
        return [query for query in self.ours.latencies_ms if query in peer.latencies_ms]

    def ratios(self, peer: Measured) -> dict[str, float | None]:
        """The peer's figures over ours; of times and memory, above 1 means that it takes more than we do."""
        own, theirs = (each.figures(self.common(peer)) for each in (self.ours, peer))
        return {name: over(theirs[name], own[name]) for name in FIGURES}

    def difference(self, peer: Measured) -> tuple[float, Interval]:
        """The peer's nDCG@10 less ours, and its paired 95 % interval; below 0 we are better."""
        queries = self.common(peer)
        ours, theirs = ([each.values["nDCG@10"][query] for query in queries] for each in (self.ours, peer))
        return float(np.mean(theirs) - np.mean(ours)), paired_interval(ours, theirs)

    def share_of_fastest(self) -> tuple[float, str] | None:
        """Our median time of a query over that of the fastest peer, and its name; None without peers."""
        shares = [(over(1.0, self.ratios(peer)["p50_ms"]) or 0.0, peer.name) for peer in self.peers]
        return max(shares, default=None)

    def to_json(self) -> dict[str, Any]:
        """The fields of a collection."""
        peers = []
        for peer in self.peers:
            difference, interval = self.difference(peer)
            compared = {"difference": difference, "interval": [interval.low, interval.high]}
            peers.append(peer.to_json() | {"ratios": self.ratios(peer), "nDCG@10_to_ours": compared})
        return {
            "name": self.collection,
            "documents": self.documents,
            "queries": self.queries,
            "ours": self.ours.to_json(),
            "peers": peers,
            "failures": dict(self.failures),
        }


def over(value: float | None, other: float | None) -> float | None:
    """The ratio; None where a figure is not known or it has no meaning."""
    return value / other if value is not None and other else None
