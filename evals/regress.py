"""What a planned index would change for the gold questions, against the live one. Read `regress` first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assistant.answering import Assistant
from assistant.reading import Reader, open_reader
from assistant.settings import AssistantSettings
from evals.changes import Change, Regression, Side
from evals.errors import EvalsError
from evals.planned import both
from evals.questions import Question
from evals.standing import reads_now, standing
from index.planning import Plan
from index.progress import Progress, silent
from index.protocol import Index
from index.settings import IndexSettings

__all__ = ["regress"]


@dataclass(slots=True)
class Once:
    """A reader that reads each pair once. Most sentences are the same in both indexes, and reading is what takes time;
    pairs are read one by one, so what is remembered is what would be read again.
    """

    reader: Reader
    known: dict[tuple[str, str], float] = field(default_factory=dict)

    def read(self, first: str, seconds: Sequence[str]) -> list[float]:
        """See `Reader`."""
        if new := [each for each in dict.fromkeys(seconds) if (first, each) not in self.known]:
            self.known |= {(first, each): logit for each, logit in zip(new, self.reader.read(first, new), strict=True)}
        return [self.known[first, each] for each in seconds]


def regress(
    indexing: IndexSettings,
    retrieval: AssistantSettings,
    questions: Sequence[Question],
    sources: Sequence[Path] = (),
    add: bool = False,
    progress: Progress = silent,
) -> Regression:
    """Builds what `apply` would publish, aside, and asks both; nothing is asked where nothing would change.

    The extractive writer answers: a language model does not say the same thing twice.
    """
    with both(indexing, sources, add, progress) as indexes:
        live, planned = indexes.live, indexes.planned
        before, after = standing(questions, live), standing(questions, planned)
        absent = tuple(each.id for each in questions if each.evidence and not any(before[each.id] + after[each.id]))
        there = [each for each in questions if each.id not in absent]
        if absent and not any(each.evidence for each in there):
            raise EvalsError(
                f"None of the {len(absent)} gold questions rests on an article of {indexing.home}. "
                f"Give questions on your own articles: python app.py eval regress --gold FILE"
            )
        changes = []
        if planned is not live:
            reader = Once(open_reader(live.models)) if retrieval.reader else None
            one, other = (Assistant(each, retrieval, reader=reader) for each in (live, planned))
            with progress("asking", len(there)) as advance:
                for each in there:
                    was = Side(one.ask(each.question, each.history), before[each.id])
                    now = Side(other.ask(each.question, each.history), after[each.id])
                    changes.append(Change(each, was, now, reads(each, was, now, planned)))
                    advance()
        changes = [each for each in changes if each.kind]
        skipped = [f"{each.source}: {each.reason}" for each in indexes.plan.gathered.unreadable]
        return Regression(
            live=live.generation.name,
            questions=len(there),
            absent=absent,
            changes=tuple(changes),
            articles=articles(indexes.plan),
            titles=titles(changes, live, planned),
            skipped=tuple(skipped),
            warning=indexes.warning,
        )


def reads(question: Question, before: Side, after: Side, index: Index) -> tuple[str, ...]:
    """See `Change.reads`."""
    pieces = zip(question.evidence, before.places, after.places, strict=True)
    return tuple(reads_now(piece, index) if was and not now else "" for piece, was, now in pieces)


def articles(plan: Plan) -> Mapping[str, tuple[str, ...]]:
    """See `Regression.articles`; only what there is."""
    found = {
        "added": plan.added,
        "changed": plan.changed,
        "removed": plan.removed,
        "withdrawn": plan.withdrawn,
        "merged into others": tuple(pair.other for pair in plan.merged),
    }
    return {name: ids for name, ids in found.items() if ids}


def titles(changes: Sequence[Change], live: Index, planned: Index) -> dict[str, str]:
    """See `Regression.titles`; the planned one where both have the article."""
    found: dict[str, str] = {}
    for index, sides in ((live, [each.before for each in changes]), (planned, [each.after for each in changes])):
        named = {doc_id for side in sides for choices in side.places for doc_id, _ in choices}
        found |= {doc_id: index.document(doc_id).title for doc_id in named}
    return found
