"""What the check of written sentences is worth: false ones refused, true ones kept, BEGIN's judged ones told apart.

BEGIN: Dziri et al., "Evaluating Attribution in Dialogue Systems: The BEGIN Benchmark", TACL 2022; its development
part over Wizard of Wikipedia, `Fully attributable` against `Not fully attributable`.
"""

import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.verification import LIMITS, Limits, covered_share, verify
from assistant.writing.citing import cited
from evals.mutations import KINDS, Mutation, Source, is_held, mutations_of
from evals.statistics import Interval, bootstrap_interval, proportion_interval
from evals.tables import aligned
from index.embedding import Embedder, Vectors
from index.protocol import Index

__all__ = ["Claim", "Grounding", "Share", "check_grounding", "claims_of", "fit", "lines_of", "refused", "table_of"]

PARAPHRASES = Path(__file__).parent / "grounding" / "paraphrases.jsonl"
SIMILAR, CLOSE, RUN = (0.35, 0.45, 0.55), (1.2, 1.3, 1.4, 1.5, 1.6), (4, 5, 6)  # the grid of limits
MOST_REFUSED = 0.06  # of true paraphrases of the fit half; 0.08 is what may be refused of all


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence with what it cites, of a kind, and whether it is true of it; `held` where nothing is fitted on it."""

    kind: str
    text: str
    quotes: tuple[str, ...]
    titles: tuple[str, ...]
    true: bool
    held: bool


@dataclass(frozen=True, slots=True)
class Share:
    """How many of a kind were refused on one half."""

    kind: str
    held: bool
    refused: int
    count: int

    @property
    def interval(self) -> Interval:
        """Wilson's."""
        return proportion_interval(self.refused, self.count)


@dataclass(frozen=True, slots=True)
class Told:
    """Balanced accuracy on BEGIN's held half, in [0, 1], higher is better; `threshold` is None for our check."""

    name: str
    accuracy: float
    interval: Interval | None
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Grounding:
    """`shares` of the mutations by kind and the paraphrases by strength; `told` is empty where BEGIN is absent.

    `passages` are the same shares where a claim names the passage that holds its quote, as a writer does.
    """

    shares: tuple[Share, ...]
    told: tuple[Told, ...]
    passages: tuple[Share, ...] = ()


def refused(shares: Iterable[Share], kinds: Iterable[str], held: bool | None = None) -> float:
    """The share of these kinds that was refused, in [0, 1]; of both halves where `held` is None."""
    wanted = set(kinds)
    chosen = [each for each in shares if each.kind in wanted and held in (None, each.held)]
    return sum(each.refused for each in chosen) / max(sum(each.count for each in chosen), 1)


def claims_of(articles: Path, begin: Path | None) -> list[Claim]:
    """The mutations of the articles' sentences, the paraphrases, and BEGIN's pairs where there are any."""
    mutated = [of_mutation(each, each.kind) for each in mutations_of(articles)]
    return mutated + paraphrases() + (begin_claims(begin) if begin else [])


def of_mutation(made: Mutation, kind: str) -> Claim:
    """A mutation as a claim that is false."""
    return Claim(kind, made.text, made.quotes, made.titles, False, is_held(made.doc_id))


def paraphrases() -> list[Claim]:
    """The hand-written true paraphrases, by strength."""
    rows = [json.loads(line) for line in PARAPHRASES.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [Claim(r["strength"], r["paraphrase"], (r["quote"],), ("",), True, is_held(r["doc_id"])) for r in rows]


def reworded(articles: Path) -> list[Claim]:
    """Mutations of the paraphrases, each citing what was paraphrased: harder, as nothing is word for word."""
    rows = [json.loads(line) for line in PARAPHRASES.read_text(encoding="utf-8").splitlines() if line.strip()]
    sources = [Source(row["doc_id"], "", row["paraphrase"], row["quote"]) for row in rows]
    made = mutations_of(articles, sources=sources)
    return [of_mutation(each, f"{each.kind}, reworded") for each in made if each.kind != "stitched"]


def begin_claims(path: Path) -> list[Claim]:
    """BEGIN's responses, each citing its knowledge; halves by the knowledge, so that both have none in common."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [
        Claim(
            "BEGIN",
            row["response"],
            (row["knowledge"],),
            ("",),
            row["begin_label"] == "Fully attributable",
            is_held(row["knowledge"]),
        )
        for row in rows
    ]


class Check:
    """Claims with their vectors, judged under any limits."""

    def __init__(self, claims: Sequence[Claim], embedder: Embedder) -> None:
        self.claims = list(claims)
        texts = sorted({text for claim in claims for text in (claim.text, *claim.quotes)})
        self.vectors: dict[str, Vectors] = dict(zip(texts, embedder.embed_passages(texts), strict=True))

    def refuses(self, claim: Claim, limits: Limits = LIMITS) -> bool:
        """Whether the check calls a claim unsupported."""
        cited = [self.vectors[quote] for quote in claim.quotes]
        verdict = verify(claim.text, self.vectors[claim.text], claim.quotes, cited, claim.titles, limits)
        return verdict.support == "unsupported"

    def cosine(self, claim: Claim) -> float:
        """Of a claim with its only quote."""
        return float(self.vectors[claim.text] @ self.vectors[claim.quotes[0]])


def balanced(true: NDArray[np.bool_], kept: NDArray[np.bool_]) -> float:
    """The mean of the share of true claims kept and of false claims refused; NaN where either has none."""
    if true.all() or not true.any():
        return float("nan")
    return float((kept[true].mean() + (~kept[~true]).mean()) / 2)


def fit(check: Check) -> Limits:
    """The limits with the highest balanced accuracy on BEGIN's fit half plus share of mutations refused on theirs.

    Only of those that refuse at most `MOST_REFUSED` of the fit half's paraphrases, or, where none do, the fewest.
    """
    fitted = [claim for claim in check.claims if not claim.held]
    begin = [claim for claim in fitted if claim.kind == "BEGIN"]
    false = [claim for claim in fitted if claim.kind in KINDS]
    said = [claim for claim in fitted if claim.kind != "BEGIN" and claim.true]
    best, highest = LIMITS, -np.inf
    true = np.array([claim.true for claim in begin])
    for similar, close, run in itertools.product(SIMILAR, CLOSE, RUN):
        limits = Limits(similar, close, run)
        lost = float(np.mean([check.refuses(claim, limits) for claim in said]))
        if lost > MOST_REFUSED and -lost <= highest:
            continue
        if lost > MOST_REFUSED:
            worth = -lost
        else:
            kept = np.array([not check.refuses(claim, limits) for claim in begin])
            worth = balanced(true, kept) + float(np.mean([check.refuses(claim, limits) for claim in false]))
        if worth > highest:
            best, highest = limits, worth
    return best


def check_grounding(
    articles: Path,
    begin: Path | None,
    embedder: Embedder,
    limits: Limits = LIMITS,
    rewordings: bool = True,
    index: Index | None = None,
) -> Grounding:
    """The shares refused by kind on either half, of quotes and with an `index` of whole passages, and BEGIN's held half
    beside cosine and word overlap.
    """
    claims = claims_of(articles, begin) + (reworded(articles) if rewordings else [])
    check = Check(claims, embedder)
    ours = [claim for claim in claims if claim.kind != "BEGIN"]
    shares = shares_of(ours, lambda claim: check.refuses(claim, limits))
    passages = shares_of(*in_passages(ours, index)) if index else []
    return Grounding(tuple(shares), tuple(told_apart(check, limits)), tuple(passages))


def shares_of(claims: Iterable[Claim], refuses: Callable[[Claim], bool]) -> list[Share]:
    """How many of each kind and half are refused."""
    counted: dict[tuple[str, bool], list[bool]] = {}
    for claim in claims:
        counted.setdefault((claim.kind, claim.held), []).append(refuses(claim))
    return [Share(kind, held, sum(each), len(each)) for (kind, held), each in counted.items()]


def in_passages(claims: Iterable[Claim], index: Index) -> tuple[list[Claim], Callable[[Claim], bool]]:
    """The claims whose quotes stand whole in passages, and whether one is refused that names these passages.

    So it is in an answer: a writer names a passage, and which sentence of it bears the claim out is to be found.
    """
    passages = index.passages(range(index.status().passages))
    named = {
        claim: [next((each for each in passages if quote in each.text), None) for quote in claim.quotes]
        for claim in claims
    }

    def refuses(claim: Claim) -> bool:
        whole = [passage for passage in named[claim] if passage]
        marks = " ".join(f"[{number}]" for number in range(1, len(whole) + 1))
        return any(each.support == "unsupported" for each in cited([f"{claim.text} {marks}"], whole, index).sentences)

    return [claim for claim, found in named.items() if None not in found], refuses


def told_apart(check: Check, limits: Limits) -> Iterable[Told]:
    """BEGIN's held half by our check, by cosine and by word overlap, the latter two with fitted thresholds."""
    begin = [claim for claim in check.claims if claim.kind == "BEGIN"]
    if not begin:
        return
    held = np.array([claim.held for claim in begin])
    true = np.array([claim.true for claim in begin])
    ours = np.array([not check.refuses(claim, limits) for claim in begin])
    yield told("our check", true[held], ours[held], None)
    for name, values in (
        ("cosine", np.array([check.cosine(claim) for claim in begin])),
        ("word overlap", np.array([covered_share(claim.text, claim.quotes[0])[0] for claim in begin])),
    ):
        threshold = max(sorted(set(values[~held])), key=lambda t: balanced(true[~held], values[~held] >= t))
        yield told(name, true[held], values[held] >= threshold, float(threshold))


def told(name: str, true: NDArray[np.bool_], kept: NDArray[np.bool_], threshold: float | None) -> Told:
    """The balanced accuracy with its bootstrap interval."""
    interval = bootstrap_interval(lambda rows: balanced(true[rows], kept[rows]), len(true))
    return Told(name, balanced(true, kept), interval, threshold)


def lines_of(found: Grounding) -> list[str]:
    """The tables in plain text."""
    lines = table_of("kind", found.shares)
    if found.passages:
        lines += ["", *table_of("kind, named by its passage", found.passages)]
    if not found.told:
        return [*lines, "BEGIN is not there: no figures on judged statements"]
    told = [["BEGIN, held half", "balanced accuracy", "95 %", "threshold"]]
    for one in found.told:
        interval = f"{one.interval.low:.3f}-{one.interval.high:.3f}" if one.interval else "-"
        told.append([one.name, f"{one.accuracy:.3f}", interval, f"{one.threshold:.3f}" if one.threshold else "-"])
    return [*lines, "", *aligned(told, 1)]


def table_of(title: str, shares: Sequence[Share]) -> list[str]:
    """A row for each kind and half, and the sums."""
    rows = [[title, "half", "count", "refused", "share", "95 %"]]
    for each in shares:
        low, high = each.interval.low, each.interval.high
        share = each.refused / each.count
        half = "held" if each.held else "fit"
        rows.append([each.kind, half, str(each.count), str(each.refused), f"{share:.3f}", f"{low:.3f}-{high:.3f}"])
    lines = aligned(rows, 2)
    for name, kinds in (("mutations", list(KINDS)), ("paraphrases", ["light", "medium", "strong"])):
        parts = f"fit {refused(shares, kinds, False):.3f}, held {refused(shares, kinds, True):.3f}"
        lines.append(f"{name} refused: {parts}, both {refused(shares, kinds):.3f}")
    return lines
