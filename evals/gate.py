"""Has anything fallen since the baseline? Paired by question, over all of them and by type. Read `weigh` first."""

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from evals.answers import Answers
from evals.comparing import Compared, Comparison, compare_runs
from evals.errors import EvalsError
from evals.questions import Question
from evals.retrieval import Run
from evals.statistics import ALPHA, holm
from index.generation import replace as write_whole

__all__ = [
    "MARGIN",
    "MEASURES",
    "Baseline",
    "Verdict",
    "baseline_of",
    "read_baseline",
    "weigh",
    "write_baseline",
]

FORMAT = 1
MARGIN = 0.02  # a fall of less is let pass
MEASURES = (
    "nDCG@10",
    "recall@5",
    "contained",
    "citation_precision",
    "supported",
    "short_f1",
    "answered",
    "refused",
    "1-Brier",
)
# The level of 5 % is shared between two families of tests: some nine over all questions, which must not be drowned, and
# some eighty by type. Together they cry wolf at a change that makes nothing worse in at most 5 %.
OVERALL, BY_TYPE = 0.8, 0.2  # shares of the level
DIGITS = 6
WHOLE = {"passed": 0, "fell": 1, "undecided": 3}

Values = Mapping[str, Mapping[str, float]]  # measure -> question id -> value


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the gold questions of a split gave once. `asked` holds a digest of each question and its gold by id."""

    split: str
    made: str
    why: str
    settings: Mapping[str, Any]
    corpus: str
    types: Mapping[str, str]
    asked: Mapping[str, str]
    values: Values


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of each measure: `overall` over all questions, `by_type` named `measure/type`.

    Differences are now minus baseline. `corrected` is one-sided, since the gate asks for falls alone: the chance of
    such a fall where nothing got worse, corrected over the family and for its share of the level.
    """

    margin: float
    overall: tuple[Compared, ...]
    by_type: tuple[Compared, ...]
    notices: tuple[str, ...]

    @property
    def fallen(self) -> tuple[Compared, ...]:
        """What fell significantly, and perhaps by more than the margin: a sure fall of a thousandth may pass."""
        found = (*self.overall, *self.by_type)
        return tuple(e for e in found if e.real and e.difference < 0 and e.interval.low <= -self.margin)

    @property
    def open(self) -> tuple[Compared, ...]:
        """The measures of which a fall beyond the margin can neither be shown nor ruled out."""
        return tuple(each for each in self.overall if each.interval.low <= -self.margin)

    @property
    def outcome(self) -> Literal["passed", "fell", "undecided"]:
        """`fell` before `undecided`."""
        return "fell" if self.fallen else "undecided" if self.open else "passed"

    @property
    def status(self) -> int:
        """The exit status: 0 passed, 1 fell, 3 undecided."""
        return WHOLE[self.outcome]

    def types_of(self, measure: str) -> tuple[Compared, ...]:
        """The types whose own interval of the measure lies below 0, the deepest fall first."""
        found = [each for each in self.by_type if each.measure.startswith(f"{measure}/") and each.interval.high < 0]
        return tuple(sorted(found, key=lambda each: each.difference))

    def to_json(self) -> dict[str, Any]:
        """The fields of `eval gate --json`."""
        return {
            "outcome": self.outcome,
            "margin": self.margin,
            "fell": [each.measure for each in self.fallen],
            "types_that_fell": {
                each.measure: [one.measure.partition("/")[2] for one in self.types_of(each.measure)]
                for each in self.overall
                if self.types_of(each.measure)
            },
            "undecided": [each.measure for each in self.open],
            "overall": [each.to_json() for each in self.overall],
            "by_type": [each.to_json() for each in self.by_type],
            "notices": list(self.notices),
        }


def baseline_of(run: Run, answers: Answers, settings: Mapping[str, Any], corpus: str, why: str) -> Baseline:
    """The figures of a run over gold and of its answers, rounded to six digits."""
    values = {**answers.per_query(), **run.measured}
    questions = [each.question for each in answers.judged]
    return Baseline(
        split=answers.split,
        made=datetime.date.today().isoformat(),
        why=why,
        settings=dict(settings),
        corpus=corpus,
        types={each.id: each.type for each in questions},
        asked={each.id: digest_of(each) for each in questions},
        values={name: {of: round(value, DIGITS) for of, value in values[name].items()} for name in MEASURES},
    )


def digest_of(question: Question) -> str:
    """The first twelve hex digits of the SHA-256 of everything that a question is asked and judged by."""
    return hashlib.sha256(json.dumps(asdict(question), sort_keys=True).encode()).hexdigest()[:12]


def weigh(baseline: Baseline, now: Baseline, *, margin: float = MARGIN, seed: int = 0) -> Verdict:
    """Compares what the questions give now with what they gave; only questions that are the same in both."""
    if not 0 < margin < 1:
        raise EvalsError(f"The margin must lie between 0 and 1, and this is {margin}. Give one such as {MARGIN}")
    if baseline.split != now.split:
        raise EvalsError(
            f"The baseline is of gold {baseline.split}, not of {now.split}. Run: eval gate --split {baseline.split}"
        )
    kept = [name for name in now.asked if baseline.asked.get(name) == now.asked[name]]
    if not kept:
        raise EvalsError(
            "None of the gold questions is as it was for the baseline. "
            'Make a new one with: python app.py eval baseline --why "..."'
        )
    notices = []
    if len(kept) < max(len(baseline.asked), len(now.asked)):
        notices.append(
            f"{len(kept)} questions are as they were for the baseline and compared; "
            f"{len(now.asked) - len(kept)} are new or changed, {len(baseline.asked.keys() - now.asked.keys())} are gone"
        )
    if baseline.corpus != now.corpus:
        notices.append("The articles, the cut or the embedder have changed since the baseline")
    overall = correct(compared(baseline, now, kept, False, seed).compared, OVERALL)
    by_type = correct(compared(baseline, now, kept, True, seed).compared, BY_TYPE)
    return Verdict(margin, overall, by_type, tuple(notices))


def compared(baseline: Baseline, now: Baseline, kept: Sequence[str], by_type: bool, seed: int) -> Comparison:
    """All measures over all questions, or each measure over each type as `measure/type`.

    A question that was refused on one side has no citations there to be judged: it is left out of that measure, and
    `answered` and `refused` show it.
    """
    runs = {}
    for label, side in (("baseline", baseline), ("now", now)):
        measured: dict[str, dict[str, float]] = {}
        for name, of_query in side.values.items():
            for query in kept:
                if query in of_query:
                    key = f"{name}/{now.types[query]}" if by_type else name
                    measured.setdefault(key, {})[query] = of_query[query]
        runs[label] = measured
    return compare_runs(runs, seed=seed)


def correct(family: Sequence[Compared], share: float) -> tuple[Compared, ...]:
    """The family's one-sided p-values, corrected by Holm over those tests that could be significant at all.

    By the symmetry of the sign flips, half the two-sided p where the mean fell. With k differences that are not 0, p is
    at least 2 ** -k: tests that so few differences can never make significant are left out of the count, since that is
    known before their signs are seen (Tarone, "A Modified Bonferroni Method for Discrete Data", Biometrics 46, 1990).
    """
    one_sided = [each.p / 2 if each.difference < 0 else 1 - each.p / 2 for each in family]
    least = [2.0 ** -(each.wins + each.losses) for each in family]
    level = ALPHA * share
    counted = next(k for k in range(1, len(family) + 2) if sum(p <= level / k for p in least) <= k)
    able = [at for at, p in enumerate(least) if p <= level / counted]
    corrected = dict(zip(able, holm([one_sided[at] for at in able]), strict=True))
    return tuple(replace(each, corrected=min(1.0, corrected.get(at, 1.0) / share)) for at, each in enumerate(family))


def read_baseline(path: Path) -> Baseline:
    """A baseline from its file; `EvalsError` names what is wrong with it."""
    again = 'Make one with: python app.py eval baseline --why "..."'
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        if written["format"] != FORMAT:
            raise EvalsError(f"The baseline {path} has format {written['format']}, not {FORMAT}. {again}")
        rows = written["questions"]
        values: dict[str, dict[str, float]] = {name: {} for name in written["measures"]}
        for query, row in rows.items():
            for name, value in row["values"].items():
                values[name][query] = float(value)
        return Baseline(
            **{name: written[name] for name in ("split", "made", "why", "settings", "corpus")},
            types={query: row["type"] for query, row in rows.items()},
            asked={query: row["asked"] for query, row in rows.items()},
            values=values,
        )
    except OSError as error:
        raise EvalsError(f"The baseline {path} cannot be read: {error.strerror}. {again}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise EvalsError(f"{path} is not a baseline ({type(error).__name__}: {str(error)[:60]}). {again}") from error


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Writes it with a question a line, so that a later change shows which questions changed; whole or not at all."""
    about = {
        "format": FORMAT,
        **{name: getattr(baseline, name) for name in ("split", "made", "why", "settings", "corpus")},
    }
    about["measures"] = list(baseline.values)
    rows = []
    for query in baseline.asked:
        values = {name: of_query[query] for name, of_query in baseline.values.items() if query in of_query}
        row = {"type": baseline.types[query], "asked": baseline.asked[query], "values": values}
        rows.append(f"{json.dumps(query)}: {json.dumps(row)}")
    head = json.dumps(about, indent=1, ensure_ascii=False)[:-2]
    text = f'{head},\n "questions": {{\n' + ",\n".join(f"  {row}" for row in rows) + "\n }\n}\n"
    try:
        write_whole(path, text)
    except OSError as error:
        raise EvalsError(
            f"The baseline {path} cannot be written: {error.strerror}. Name another with --baseline"
        ) from error
