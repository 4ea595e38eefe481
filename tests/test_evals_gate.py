"""The gate: what fell is named, what cannot be told is said, a change of nothing passes."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT
from typer.testing import CliRunner

from evals.commands import app as group
from evals.commands.gate import log_entry, sentence, show
from evals.comparing import Compared
from evals.errors import EvalsError
from evals.gate import BY_TYPE, MEASURES, OVERALL, Baseline, correct, digest_of, read_baseline, weigh, write_baseline
from evals.questions import load_questions
from evals.statistics import Interval, randomisation_test
from index.errors import BackchannelError

HALF = 40  # questions of each of two types


def made(value: Callable[[int], float] = lambda at: 0.5, **fields: object) -> Baseline:
    """80 questions, half factual, half paraphrases, all measures alike: the value of each by its place."""
    ids = [f"q{at:02}" for at in range(2 * HALF)]
    types = {name: "factual" if at < HALF else "paraphrase" for at, name in enumerate(ids)}
    values = {measure: {name: value(at) for at, name in enumerate(ids)} for measure in MEASURES}
    whole = Baseline("dev", "2026-11-25", "A reason.", {}, "digest", types, dict.fromkeys(ids, "same"), values)
    return replace(whole, **fields)  # type: ignore[arg-type]


def only(measure: str, value: Callable[[int], float]) -> Baseline:
    """The same, but one measure is another."""
    base = made()
    values: Mapping[str, Mapping[str, float]] = {**base.values, measure: made(value).values[measure]}
    return replace(base, values=values)


def test_a_change_of_nothing_passes() -> None:
    verdict = weigh(made(), made())
    assert (verdict.outcome, verdict.status, verdict.notices) == ("passed", 0, ())
    assert [each.measure for each in verdict.overall] == list(MEASURES)
    assert sentence(verdict) == "passed: no measure fell by 0.02 or more"


def test_a_gain_passes_too() -> None:
    assert weigh(made(), made(lambda at: 0.6 + 0.001 * (at % 7))).status == 0


def test_a_fall_names_the_measure_and_the_types() -> None:
    """Paraphrases lose 0.1, with a little spread; factual questions keep what they had."""
    verdict = weigh(made(), only("contained", lambda at: 0.5 if at < HALF else 0.4 - 0.001 * (at % 9)))
    assert (verdict.outcome, verdict.status) == ("fell", 1)
    assert [each.measure for each in verdict.fallen] == ["contained", "contained/paraphrase"]
    assert [each.measure for each in verdict.types_of("contained")] == ["contained/paraphrase"]
    # Randomisation over 10,000 draws finds none as far: p = 1/10001, one-sided half of it. Of the nine measures the
    # others have no difference and cannot count; the family has 0.8 of the level.
    (overall,) = [each for each in verdict.overall if each.measure == "contained"]
    assert overall.p == pytest.approx(1 / 10_001)
    assert overall.corrected == pytest.approx(0.5 / 10_001 / 0.8)
    # The remainders by nine of 40 to 79 sum to 166: paraphrases lose 0.1 + 0.166 / 40, all questions half of it.
    assert sentence(verdict) == "fell: contained by 0.0521 (paraphrase); contained/paraphrase by 0.1042"
    text = show(made(), verdict)
    assert "types whose own interval lies below 0" in text
    assert text.splitlines()[-1].startswith("fell: contained")
    printed = verdict.to_json()
    assert printed["types_that_fell"] == {"contained": ["paraphrase"]}
    json.dumps(printed, allow_nan=False)


def test_what_can_neither_be_shown_nor_ruled_out_is_said() -> None:
    """As many fall as rise: the mean stays, but a fall of 0.02 lies within the interval."""
    verdict = weigh(made(), only("recall@5", lambda at: 0.5 + (0.3 if at % 2 else -0.3)))
    assert (verdict.outcome, verdict.status) == ("undecided", 3)
    assert [each.measure for each in verdict.open] == ["recall@5"]
    assert sentence(verdict) == ("undecided: so few questions neither show nor rule out a fall of 0.02 in recall@5")
    assert weigh(made(), only("recall@5", lambda at: 0.5 + (0.3 if at % 2 else -0.3)), margin=0.2).status == 0


def test_a_sure_fall_fails_only_where_it_may_be_beyond_the_margin() -> None:
    """All measures lose half a hundredth, without a doubt: within a margin of 0.02, beyond one of 0.002."""
    slightly = made(lambda at: 0.495 - 0.0001 * (at % 5))
    verdict = weigh(made(), slightly, margin=0.02)
    assert all(each.real for each in verdict.overall)
    assert (verdict.status, verdict.open) == (0, ())
    assert weigh(made(), slightly, margin=0.002).status == 1


@pytest.mark.slow
def test_changes_of_nothing_rarely_cry_wolf() -> None:
    """300 changes that are as often up as down, in nine measures of 80 questions, by two types: at most 7 % flagged.

    Expected: at most 5 %; with 300 draws, 7 % lies 1.6 standard errors above it.
    """
    generator = np.random.default_rng(5)
    flagged = 0
    for _ in range(300):
        family = []
        for measure in range(9):
            values = generator.normal(0, 0.3, 80) * (generator.uniform(size=80) < 0.5)
            family.append((f"m{measure}", values))
        overall = [made_of(name, values) for name, values in family]
        by_type = [
            made_of(f"{n}/{t}", v[half]) for n, v in family for t, half in (("a", slice(40)), ("b", slice(40, 80)))
        ]
        found = (*correct(overall, OVERALL), *correct(by_type, BY_TYPE))
        flagged += any(each.real and each.difference < 0 for each in found)
    assert flagged <= 21


def made_of(name: str, values: np.ndarray[Any, Any]) -> Compared:
    """A comparison of which only what `correct` reads is filled in."""
    p = randomisation_test(values, resamples=1000)
    wins, losses = int((values > 0).sum()), int((values < 0).sum())
    nothing = Interval(0.0, 0.0)
    mean = float(values.mean())
    return Compared(name, "", 80, 0.0, mean, nothing, p, p, wins, 0, losses, 0.3, None, None, ())


def test_tests_that_can_never_be_significant_do_not_count() -> None:
    """Four falls of four questions have a one-sided p of 1/16 at best; ten of ten 1/1024, alone in the count."""
    few, many = made_of("few", np.full(4, -0.5)), made_of("many", np.full(10, -0.5))
    corrected = {each.measure: each.corrected for each in correct([few, many], OVERALL)}
    assert corrected == {"few": 1.0, "many": pytest.approx(2**-10 / 0.8)}


def test_only_questions_that_stayed_the_same_are_compared() -> None:
    now = made()
    asked = {name: "same" if at >= 10 else "other" for at, name in enumerate(now.asked)}
    verdict = weigh(made(), replace(now, asked=asked, corpus="another"))
    assert [each.queries for each in verdict.overall] == [70] * len(MEASURES)
    assert verdict.notices == (
        "70 questions are as they were for the baseline and compared; 10 are new or changed, 0 are gone",
        "The articles, the cut or the embedder have changed since the baseline",
    )
    with pytest.raises(EvalsError, match="None of the gold questions is as it was for the baseline"):
        weigh(made(), replace(now, asked=dict.fromkeys(now.asked, "other")))
    with pytest.raises(EvalsError, match="The baseline is of gold dev, not of test"):
        weigh(made(), replace(now, split="test"))


@pytest.mark.parametrize("margin", [0.0, -1.0, 1.0, float("nan")])
def test_a_margin_that_is_none(margin: float) -> None:
    with pytest.raises(EvalsError, match="The margin must lie between 0 and 1, and this is"):
        weigh(made(), made(), margin=margin)


def test_a_question_that_was_refused_on_one_side_is_left_out_of_what_needs_an_answer() -> None:
    now = made()
    fewer = {name: value for name, value in now.values["citation_precision"].items() if name not in ("q00", "q79")}
    verdict = weigh(made(), replace(now, values={**now.values, "citation_precision": fewer}))
    assert {each.measure: each.queries for each in verdict.overall}["citation_precision"] == 78
    assert verdict.status == 0


def test_a_baseline_is_read_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    base = made(lambda at: round(at / 100, 6), why='Said "so" – därför.', settings={"dense_weight": "0.5"})
    write_baseline(path, base)
    assert read_baseline(path) == base
    lines = path.read_text(encoding="utf-8").splitlines()
    assert sum('"asked"' in line for line in lines) == 80  # a question a line
    assert not list(tmp_path.glob(".*"))


def test_a_question_changes_with_its_gold() -> None:
    one = load_questions()[0]
    assert digest_of(one) == digest_of(replace(one))
    assert digest_of(one) != digest_of(replace(one, short_answer="Another"))
    assert len(digest_of(one)) == 12


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "The baseline {path} cannot be read: No such file or directory. Make one with: python app.py eval"),
        ("[", "{path} is not a baseline (JSONDecodeError: "),
        ("[]", "{path} is not a baseline (TypeError: "),
        ('{"format": 2}', "The baseline {path} has format 2, not 1. Make one with: python app.py eval baseline"),
        ('{"format": 1}', "{path} is not a baseline (KeyError: 'questions'). Make one with"),
    ],
)
def test_what_is_no_baseline_is_one_sentence_before_anything_is_indexed(
    home: Path, tmp_path: Path, content: str | None, said: str
) -> None:
    path = tmp_path / "baseline.json"
    if content:
        path.write_text(content)
    done = CliRunner().invoke(group, ["gate", "--baseline", str(path), "--home", str(home)])
    assert isinstance(done.exception, BackchannelError)
    assert str(done.exception).startswith(said.format(path=path))
    assert not (home / "evals").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--why", "  "], "The reason is empty. Say why the figures changed"),
        (["--why", "so", "--log", "nowhere.md"], "There is no log at nowhere.md. Go to the folder of app.py"),
    ],
)
def test_a_baseline_needs_a_reason_and_a_log(home: Path, options: list[str], said: str) -> None:
    done = CliRunner().invoke(group, ["baseline", *options, "--home", str(home)])
    assert str(done.exception).startswith(said)
    assert not (home / "evals").exists()


def test_the_log_says_what_when_and_why() -> None:
    entry = log_entry(made(), None)
    assert "## 2026-11-25 · Baseline of the gate" in entry
    assert "A reason." in entry
    assert "| nDCG@10 | 80 | 0.5000 |" in entry
    later = log_entry(made(), weigh(made(), only("short_f1", lambda at: 0.6)))
    assert "| short_f1 | 80 | 0.5000 | 0.6000 | +0.1000 | [+0.1000, +0.1000] |" in later
    assert later.endswith("Against the one before: passed: no measure fell by 0.02 or more.\n")


def test_the_stored_baseline_is_of_the_questions_as_they_are() -> None:
    stored = read_baseline(ROOT / "evals" / "baseline.json")
    now = {each.id: digest_of(each) for each in load_questions() if each.split == stored.split}
    assert stored.asked == now
    assert list(stored.values) == list(MEASURES)


@pytest.mark.usefixtures("gold_read_once")
@pytest.mark.slow
def test_words_alone_fail_the_gate_and_nothing_changed_passes(whole_library: Path, home: Path, tmp_path: Path) -> None:
    (home / "cache").symlink_to(whole_library / "cache")
    path, log = tmp_path / "baseline.json", Path(shutil.copy(ROOT / "evals" / "LOG.md", tmp_path))
    options = ["--baseline", str(path), "--home", str(home), "--quiet"]
    done = CliRunner().invoke(group, ["baseline", "--why", "A trial of the gate.", "--log", str(log), *options])
    assert (done.exit_code, done.stderr) == (0, "")
    assert "A trial of the gate." in log.read_text().rpartition("\n## ")[2]
    assert CliRunner().invoke(group, ["gate", *options]).exit_code == 0
    worse = CliRunner().invoke(group, ["gate", *options, "--config", "dense_weight=0", "--json"])
    assert worse.exit_code == 1
    printed = json.loads(worse.stdout)
    assert printed["fell"]
    assert "paraphrase" in printed["types_that_fell"][printed["fell"][0].partition("/")[0]]
