"""The report's sections on answers: by type, what is not covered, conversation, each question that failed."""

from collections import Counter
from statistics import fmean

from evals.answers import Answers
from evals.confidence import Trust
from evals.judging import MEASURES, Judged
from evals.report import figures
from evals.report.sections import Section, Table

__all__ = ["answers_section", "failures_section", "follow_ups_section", "silence_section"]

BY_TYPE = ("contained", "citation_recall", "citation_precision", "short_f1", "recall@5", "answered")
TOP = 3  # passages shown of a failed question
EXCERPT = 240  # characters


def answers_section(answers: Answers) -> Section:
    """Every measure over all questions, and the main ones by type."""
    kinds = answers.kinds()
    overall = [("measure", "mean and 95 % interval", "questions", "what it is")]
    for name, meaning in MEASURES.items():
        if estimate := answers.estimate(name):
            overall.append((name, str(estimate), str(estimate.count), meaning))
    by_type: list[tuple[str, ...]] = [("type", "questions", *BY_TYPE)]
    for label, kind in kinds.items():
        by_type.append(
            (label, str(answers.count(kind)), *(str(answers.estimate(name, kind) or "-") for name in BY_TYPE))
        )
    series = {
        name: {label: each for label, kind in kinds.items() if (each := answers.estimate(name, kind)) is not None}
        for name in ("contained", "recall@5")
    }
    middle, most = answers.words()
    return Section(
        "Answers",
        [
            f"{len(answers.judged)} gold questions of the split {answers.split}, asked as an asker would, follow-ups "
            f"with their history. Answers have {middle:.0f} words at the median, {most:.0f} at most. Each measure lies "
            f"between 0 and 1, and higher is better.",
        ],
        figures={
            "Evidence contained in the answer, and found by retrieval, by type": figures.estimates(
                series, "share of questions, of evidence"
            )
        },
        tables=[Table(overall, text=3), Table(by_type, "By type of question")],
    )


def silence_section(answers: Answers, trust: Trust) -> Section:
    """Whether it knows what it does not know."""
    rows = [("figure", "value and 95 % interval", "questions", "what it is")]
    rows += [(label, str(each), str(each.count), meaning) for label, each, meaning in trust.rows()]
    bins = [("mean confidence", "answered rightly", "questions")]
    bins += [
        (f"{b.confidence:.2f}", f"{b.right:.2f} [{b.interval.low:.2f}, {b.interval.high:.2f}]", str(b.count))
        for b in trust.bins
    ]
    answered = fmean(each.answered for each in answers.judged)
    return Section(
        "Knowing what is not covered",
        [
            "An answer is right where the question is answerable and all its evidence is cited. What was refused was "
            "asked once more with nothing held back, so that the curve shows what other thresholds would let through.",
        ],
        figures={
            "Risk and coverage": figures.risk_coverage(trust, answered),
            "Reliability: on the diagonal, confidence is a probability": figures.reliability(trust),
        },
        tables=[Table(rows, text=3), Table(bins, "Groups of like confidence")],
    )


def follow_ups_section(answers: Answers) -> list[Section]:
    """Follow-ups against their standalone twins; no section where there are none."""
    twins = answers.twins()
    if not twins:
        return []
    rows = [("measure", "with history", "standalone", "difference and 95 % interval")]
    rows += [(t.measure, f"{t.follow_up:.3f}", f"{t.twin:.3f}", str(t.difference)) for t in twins]
    count = twins[0].difference.count
    said = f"{count} follow-ups, each asked with its history and again as a question that stands by itself."
    return [Section("Conversation", [said], tables=[Table(rows)])]


def failures_section(answers: Answers) -> Section:
    """Every question that went wrong, with what was found and what should have been."""
    failed = [each for each in answers.judged if each.fault]
    counts = Counter(each.fault for each in failed)
    rows = [("what went wrong", "questions"), *((fault, str(count)) for fault, count in counts.most_common())]
    parts = [
        Section(fault.capitalize(), parts=[failure(each) for each in failed if each.fault == fault])
        for fault, _ in counts.most_common()
    ]
    said = (
        f"{len(failed)} of {len(answers.judged)} questions; open one to see what was found, and what should have been."
    )
    return Section("Failed questions", [said], tables=[Table(rows)], parts=parts)


def failure(each: Judged) -> Section:
    """One question: asked, understood, wanted, said and found."""
    answer = each.answer
    facts = [("before it", f"{turn.role}: {turn.content}") for turn in each.question.history]
    if answer.understood != " ".join(each.question.question.split()):
        facts.append(("understood", answer.understood))
    facts.append(("should say", each.question.short_answer or "that the articles do not cover it"))
    for piece in each.question.evidence:
        others = f" (or one of {len(piece.alternatives)} others)" if piece.alternatives else ""
        facts.append(("should cite", f"{piece.doc_id}: {piece.quote}{others}"))
    cited = {citation.number: citation.doc_id for citation in answer.citations}
    facts += [("says", f"{s.text} ({', '.join(cited[number] for number in s.citations)})") for s in answer.sentences]
    if not each.answered:
        facts.append(("says", f"not covered{'; missing: ' + ', '.join(answer.missing) if answer.missing else ''}"))
    for scored in answer.passages[:TOP]:
        passage = scored.passage
        facts.append(
            (
                f"found, {scored.score:.3f}",
                f"{passage.doc_id}, {passage.heading or 'opening'}: {passage.text[:EXCERPT]}…",
            )
        )
    facts.append(("confidence", f"{answer.confidence:.2f}"))
    heading = f"{each.question.question} ({each.question.id}, {each.question.type})"
    return Section(heading, facts=facts, folded=True)
