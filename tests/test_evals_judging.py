"""One question and its answer, judged by hand; and the gold questions asked for real, twice."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant.answering import Assistant
from assistant.types import Answer, AnswerSentence, Citation
from evals.answers import Answers, ask_gold
from evals.commands import app as group
from evals.commands.answers import show
from evals.errors import EvalsError
from evals.judging import Judged, judge, on_target
from evals.questions import Evidence, Question, load_questions
from evals.short_answers import exact_match, normalised, token_f1, token_recall
from index.types import Span

OSLO = "oslo-channel"


def question(assistant: Assistant, count: int = 2, **fields: object) -> Question:
    """A question whose pieces of evidence are the first sentences of the article on Oslo."""
    quotes = sentences(assistant)[:count]
    evidence = tuple(Evidence(OSLO, quote, ()) for quote in quotes)
    made = Question("x1", "Who met?", "factual", True, evidence, "Savir and Qurei", (), "", "dev")
    return replace(made, **fields)  # type: ignore[arg-type]


def sentences(assistant: Assistant) -> list[str]:
    """Its first three sentences, as the index holds them."""
    (first,) = assistant.index.passages(
        [next(k for k in range(200) if assistant.index.passages([k])[0].doc_id == OSLO)]
    )
    found = assistant.index.sentences(assistant.index.embedder.embed_query("who met"), [first.key])
    return [each.sentence.text for each in found][:3]


def answer(assistant: Assistant, spans: Sequence[tuple[int, int]], **fields: object) -> Answer:
    """An answer that cites spans of the article, a sentence each."""
    text = assistant.index.document(OSLO).text
    cited = tuple(
        Citation(number, OSLO, "", "", "", "", start, end, text[start:end])
        for number, (start, end) in enumerate(spans, 1)
    )
    said = tuple(AnswerSentence(each.quote, "quoted", (each.number,)) for each in cited)
    base = assistant.ask("What does the Chatham House Rule allow?")
    made = replace(base, sentences=said, citations=cited, passages=(), confidence=0.7, outcome="answered")
    return replace(made, **fields)  # type: ignore[arg-type]


def spans_of(assistant: Assistant) -> list[tuple[int, int]]:
    text = assistant.index.document(OSLO).text
    return [(text.index(each), text.index(each) + len(each)) for each in sentences(assistant)]


def test_evidence_cited_in_part_is_not_contained(assistant: Assistant) -> None:
    first, second, third = spans_of(assistant)
    asked = question(assistant)
    half = judge(assistant, asked, answer(assistant, [first, third]), answer(assistant, [first, third]))
    assert half.values["contained"] == 0
    assert half.values["citation_recall"] == half.values["citation_precision"] == 0.5
    assert half.values["1-Brier"] == pytest.approx(1 - 0.7**2)
    assert (half.right, half.answered) == (False, True)
    whole = answer(assistant, [(first[0], second[1])])  # one citation that covers both
    both = judge(assistant, asked, whole, whole)
    assert (both.values["contained"], both.values["citation_precision"], both.right) == (1, 1, True)
    assert both.values["1-Brier"] == pytest.approx(1 - 0.3**2)
    assert both.fault == ""


def test_a_citation_that_cuts_a_quote_does_not_contain_it(assistant: Assistant) -> None:
    (start, end), *_ = spans_of(assistant)
    asked = question(assistant, 1)
    cut = judge(assistant, asked, answer(assistant, [(start, end - 5)]), answer(assistant, [(start, end - 5)]))
    assert (cut.values["contained"], cut.values["citation_precision"]) == (0, 1)  # it lies in the quote
    beside = answer(assistant, [(start + 3, end + 3)])
    assert not on_target(beside.citations[0], [[(OSLO, Span(start, end))]])
    assert not on_target(replace(beside.citations[0], start=start, doc_id="aceh"), [[(OSLO, Span(start, end))]])


def test_an_alternative_is_as_good(assistant: Assistant) -> None:
    first, second, _ = spans_of(assistant)
    text = assistant.index.document(OSLO).text
    piece = Evidence(OSLO, text[slice(*first)], ((OSLO, text[slice(*second)]),))
    found = judge(assistant, question(assistant, evidence=(piece,)), answer(assistant, [second]), answer(assistant, []))
    assert found.values["contained"] == 1
    assert not found.right  # `right` is of the answer that was not held back, which here cites nothing


def test_a_sentence_is_supported_when_its_citations_are_exact(assistant: Assistant) -> None:
    first, second, third = spans_of(assistant)
    made = answer(assistant, [first, second, third])
    tampered = replace(made.citations[1], quote=made.citations[1].quote.replace("a", "o", 1))
    one, two, three = made.sentences
    said = (one, two, replace(three, support="unsupported"))
    shown = replace(made, citations=(made.citations[0], tampered, made.citations[2]), sentences=said)
    assert judge(assistant, question(assistant), shown, shown).values["supported"] == pytest.approx(1 / 3)
    bare = replace(made, sentences=(replace(one, citations=()), two, three))
    assert judge(assistant, question(assistant), bare, bare).values["supported"] == pytest.approx(2 / 3)


def test_short_answers_are_of_the_marked_words(assistant: Assistant) -> None:
    first, *_ = spans_of(assistant)
    made = answer(assistant, [first])
    text = "The teams of Qurei and Savir met."
    marked = replace(made, sentences=(AnswerSentence(text, "supported", (1,), Span(13, 28)),))
    assert text[13:28] == "Qurei and Savir"
    values = judge(assistant, question(assistant), marked, marked).values
    assert (values["short_exact"], values["short_f1"], values["short_recall"], values["short_match"]) == (0, 1, 1, 1)
    named = judge(assistant, question(assistant, question="How did they meet?"), marked, marked)
    assert "short_match" not in named.values  # asks for nothing that has a form
    unmarked = judge(assistant, question(assistant), made, made).values
    assert (unmarked["short_exact"], unmarked["short_f1"]) == (0, 0)


def test_a_refusal_counts_where_it_should(assistant: Assistant) -> None:
    first, second, _ = spans_of(assistant)
    refusal = answer(assistant, [], outcome="not_covered", confidence=0.2)
    unheld = answer(assistant, [first, second])
    wrongly = judge(assistant, question(assistant), refusal, unheld)
    assert (wrongly.values["answered"], wrongly.values["contained"], wrongly.right) == (0, 0, True)
    assert "citation_precision" not in wrongly.values
    assert "supported" not in wrongly.values
    assert wrongly.values["1-Brier"] == pytest.approx(1 - 0.8**2)
    assert wrongly.fault == "refused, not found"
    open_question = question(assistant, 0, answerable=False, type="unanswerable", short_answer="")
    rightly = judge(assistant, open_question, refusal, unheld)
    assert (rightly.values, rightly.fault) == ({"refused": 1, "1-Brier": pytest.approx(0.96)}, "")
    assert not rightly.right
    lured = judge(assistant, open_question, unheld, unheld)
    assert (lured.values["refused"], lured.fault) == (0, "answered, though the articles do not say it")


def test_a_lost_quote_is_one_sentence(assistant: Assistant) -> None:
    asked = question(assistant, evidence=(Evidence(OSLO, "Nobody ever wrote this.", ()),))
    with pytest.raises(EvalsError, match=r"A quote of the gold question x1 is not in oslo-channel: 'Nobody ever wrote"):
        judge(assistant, asked, answer(assistant, []), answer(assistant, []))


@pytest.mark.parametrize(
    ("text", "gold", "exact", "f1", "recall"),
    [
        ("The Oslo channel.", "oslo Channel", 1, 1, 1),
        ("in 1992", "1992", 0, 2 / 3, 1),
        ("Savir Savir", "Savir and Qurei", 0, 2 / 5, 1 / 3),
        ("", "Savir", 0, 0, 0),
        ("Chirac's men", "Chiracs men", 1, 1, 1),
    ],
)
def test_words_in_common_by_hand(text: str, gold: str, exact: float, f1: float, recall: float) -> None:
    assert exact_match(text, gold) == exact
    assert token_f1(text, gold) == pytest.approx(f1)
    assert token_recall(text, gold) == pytest.approx(recall)


def test_words_are_normalised_as_in_squad() -> None:
    assert normalised('The "U.S.–Cuba" talks, a  second   time!') == ["uscuba", "talks", "second", "time"]


def made(kind: str, contained: float, **others: float) -> Judged:
    """A judged question of which only the values matter."""
    asked = Question(f"{kind}{contained}", "?", kind, True, (), "", (), "", "dev")
    return Judged(asked, None, None, {"contained": contained, **others}, bool(contained))  # type: ignore[arg-type]


def test_estimates_are_by_type_and_over_all() -> None:
    found = Answers("dev", (made("factual", 1), made("factual", 0), made("temporal", 1, short_f1=0.4)), 0.5)
    assert found.types() == ["factual", "temporal"]
    whole, temporal = found.estimate("contained"), found.estimate("contained", "temporal")
    assert whole
    assert (whole.value, whole.count) == (pytest.approx(2 / 3), 3)
    assert temporal
    assert temporal.interval
    assert temporal.value == 1
    assert temporal.interval.low == pytest.approx(1 / (1 + 1.959963985**2))  # Wilson's, of 1 in 1
    assert found.estimate("short_f1", "factual") is None
    assert found.per_query()["short_f1"] == {"temporal1": 0.4}


def test_twins_are_compared_in_pairs() -> None:
    values = [
        ({"contained": 0.0}, 1.0),
        ({"contained": 1.0}, 1.0),
        ({"contained": 0.0}, 0.0),
        ({"contained": 0.0}, 1.0),
    ]
    pairs = []
    for number, (own, other) in enumerate(values):
        rest = dict.fromkeys(("citation_recall", "recall@5", "recall@10"), 0.5)
        judged = made("follow_up", number)
        pairs.append(replace(judged, values=own | rest, twin={"contained": other} | rest))
    first, *_, last = Answers("dev", tuple(pairs), 0.5).twins()
    assert (first.measure, first.follow_up, first.twin) == ("contained", 0.25, 0.75)
    assert (first.difference.value, first.difference.count) == (-0.5, 4)
    assert first.difference.interval
    assert first.difference.interval.high <= 0
    assert (last.measure, last.difference.value) == ("recall@10", 0)


@pytest.mark.slow
def test_twelve_questions_asked_for_real(assistant: Assistant) -> None:
    """Those of the dozen articles: asked twice they give the same, but for the time."""
    there = {each.doc_id for each in assistant.index.summaries()}
    asked = [q for q in load_questions() if {doc for e in q.evidence for doc, _ in e.choices} <= there and q.evidence]
    asked = [*asked[:8], *[q for q in asked if q.standalone][:2]]
    once, again = (ask_gold(assistant, asked, "dev") for _ in range(2))
    text = show(once)
    assert "calibration slope" in text
    assert text.splitlines()[-1].startswith("latency: p50")
    first, second = once.to_json(), again.to_json()
    assert first.pop("latency_ms")["p50"] > 0
    second.pop("latency_ms")
    assert json.dumps(first) == json.dumps(second)
    assert first["measures"]["supported"]["all"]["value"] == 1.0
    assert first["questions"] == first["answerable"] == 10
    assert set(first["follow_ups"]) == {"contained", "citation_recall", "recall@5", "recall@10"}


@pytest.mark.usefixtures("gold_read_once")
@pytest.mark.slow
def test_gold_is_asked_and_compared_on_the_command_line(whole_library: Path, home: Path, tmp_path: Path) -> None:
    (home / "cache").symlink_to(whole_library / "cache")
    files = []
    for name, options in (("a", []), ("b", ["--config", "abstention_threshold=0.9"])):
        done = CliRunner().invoke(group, ["answers", "--home", str(home), "--json", "--quiet", *options])
        assert (done.exit_code, done.stderr) == (0, "")
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(done.stdout)
    one, two = (json.loads(path.read_text()) for path in files)
    assert (one["questions"], one["answerable"]) == (180, 132)
    assert one["measures"]["supported"]["all"]["value"] == 1.0
    assert two["abstention"]["wrongly_refused"]["value"] > one["abstention"]["wrongly_refused"]["value"]
    assert two["abstention"]["auroc"] == one["abstention"]["auroc"]  # the threshold is no part of it
    compared = CliRunner().invoke(group, ["compare", *map(str, files), "--json"])
    (answered,) = [each for each in json.loads(compared.stdout)["compared"] if each["measure"] == "answered"]
    assert answered["difference"] < 0
    assert answered["real"]
