"""The comparison as Markdown, ready for evals/LOG.md."""

from collections.abc import Sequence

from evals.peers.driver import FOUND, WINDOW
from evals.peers.results import FIGURES, MEASURES, Compared, Measured
from evals.tables import markdown

__all__ = ["show"]

AIM = 0.35  # of the fastest peer's median time of a query: what ours may be at most
HEADS = (
    "system",
    "queries",
    *MEASURES,
    "nDCG@10 less ours",
    "import s",
    "index s",
    "p50 ms",
    "p95 ms",
    "MB",
    "peak MB",
)
DIGITS = dict.fromkeys(MEASURES, 4) | {"import_s": 2, "index_s": 1, "p50_ms": 1, "p95_ms": 1}  # of others none
NOTES = (
    "In parentheses: the peer's figure over ours, of the queries that both were asked; in brackets the paired 95 "
    "% interval. One model (all-MiniLM-L6-v2), one thread and no network for all. Peers search windows of "
    f"{WINDOW} words with the title in front, Backchannel the passages that it cuts itself; each is asked for the "
    f"best {FOUND} of them, and a document has the score of its best. Import is that of a second process; index is "
    "from texts to the first query, the model opened and all texts embedded anew (ours embeds each sentence too, "
    "and leaves out the export of the model, which happens once for a home); MB is held when the first query can "
    "come, in the process that made the index."
)


def show(compared: Sequence[Compared]) -> str:
    """A table for each collection with what follows from it, then what the columns say."""
    parts = [part for each in compared for part in (title(each), table(each), *remarks(each))]
    return "\n\n".join([*parts, NOTES])


def title(compared: Compared) -> str:
    """Name and sizes."""
    return f"{compared.collection}: {compared.documents:,} documents, {compared.queries:,} queries"


def table(compared: Compared) -> str:
    """A row for each system, ours first."""
    return "\n".join(markdown([HEADS, own_row(compared), *(peer_row(compared, peer) for peer in compared.peers)]))


def own_row(compared: Compared) -> tuple[str, ...]:
    """Our figures, of all queries."""
    ours = compared.ours
    figures = ours.figures(ours.latencies_ms)
    cells = [number(name, figures[name]) for name in FIGURES]
    return (f"{ours.name} {ours.version}", asked(compared, ours), *cells[: len(MEASURES)], "", *cells[len(MEASURES) :])


def peer_row(compared: Compared, peer: Measured) -> tuple[str, ...]:
    """A peer's figures, each with its ratio to ours, and the difference of nDCG@10."""
    figures, ratios = peer.figures(peer.latencies_ms), compared.ratios(peer)
    cells = []
    for name in FIGURES:
        ratio = ratios[name]
        cells.append(number(name, figures[name]) + ("" if ratio is None else f" ({ratio:.2f})"))
    difference, interval = compared.difference(peer)
    between = f"{difference:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}]"
    system = f"{peer.name} {peer.version}"
    return (system, asked(compared, peer), *cells[: len(MEASURES)], between, *cells[len(MEASURES) :])


def number(name: str, value: float | None) -> str:
    """The figure with as many digits as are worth reading; - where it is not known."""
    return "-" if value is None else f"{value:.{DIGITS.get(name, 0)}f}"


def asked(compared: Compared, system: Measured) -> str:
    """How many queries it answered before its time was up."""
    count = len(system.latencies_ms)
    return str(count) if count == compared.queries else f"{count} of {compared.queries}"


def remarks(compared: Compared) -> list[str]:
    """Whether the two aims are met, and which peers have no figures."""
    said = []
    fastest = compared.share_of_fastest()
    if fastest:
        share, name = fastest
        best, of = max((compared.difference(peer)[0], peer.name) for peer in compared.peers)
        said.append(
            f"Our p50 is {share:.2f} of the fastest peer's, {name} (aim: at most {AIM}). "
            f"Our nDCG@10 less that of the best peer, {of}: {-best:+.4f} (aim: not below 0)."
        )
    return said + [f"{name} was not measured: {reason}." for name, reason in compared.failures.items()]
