"""A conversation taken along: Markdown with footnotes, a Word file, JSON with receipts, CSL-JSON of what it cites.

Citations are numbered through the whole conversation. Those that the articles do not bear out are left out: Markdown
and Word say how many, CSL-JSON does not. JSON alone keeps the receipts as they came.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from assistant.conversations import answer_of, borne_out
from assistant.errors import ConversationError
from assistant.receipts import Receipt, filters_of, to_json
from assistant.rendering import csl_items, escaped, markdown
from assistant.types import Answer
from index.controls import CONTROLS
from index.filters import FACETS, Filters
from index.protocol import Index

__all__ = ["EXPORTS", "LONGEST_NAME", "UNNAMED", "Exchange", "Export", "Exported", "conversation"]

LONGEST_NAME = 120  # characters
UNNAMED = "Conversation"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A receipt, its answer as it may be shown, and how many citations that is without."""

    receipt: Receipt
    answer: Answer
    left_out: int


@dataclass(frozen=True, slots=True)
class Exported:
    """A conversation of one exchange or more, oldest first, with its name and the moment of its export, in UTC."""

    name: str
    at: datetime
    exchanges: tuple[Exchange, ...]

    @property
    def day(self) -> str:
        """The day of the export, ISO 8601."""
        return self.at.date().isoformat()


@dataclass(frozen=True, slots=True)
class Export:
    """A form: its media type, the end of its file's name, and what makes its bytes, the same for the same input."""

    media_type: str
    suffix: str
    write: Callable[[Exported], bytes]


def conversation(name: str, receipts: Sequence[Receipt], index: Index, at: datetime | None = None) -> Exported:
    """The receipts made ready; `ConversationError` where there are none or the name is too long."""
    name = " ".join(CONTROLS.sub("", name).split()) or UNNAMED
    if len(name) > LONGEST_NAME:
        raise ConversationError(
            f"The conversation's name has {len(name):,} characters; at most {LONGEST_NAME}. Give it a shorter one"
        )
    if not receipts:
        raise ConversationError("The conversation is empty. Ask something first")
    moment = (at or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    return Exported(name, moment, tuple(exchanges(receipts, index)))


def exchanges(receipts: Iterable[Receipt], index: Index) -> Iterator[Exchange]:
    """Each receipt with its answer, whose citations are numbered on from the one before."""
    last = 0
    for receipt in receipts:
        answer, left_out = borne_out(answer_of(receipt), index)
        answer = numbered_on(answer, last)
        last += len(answer.citations)
        yield Exchange(receipt, answer, left_out)


def numbered_on(answer: Answer, last: int) -> Answer:
    """The answer with its citations numbered from `last` + 1, each number once, without those of no sentence."""
    used = {number for each in answer.sentences for number in each.citations}
    cited = {each.number: each for each in reversed(answer.citations) if each.number in used}
    numbers = {number: last + place for place, number in enumerate(sorted(cited), 1)}
    citations = tuple(replace(cited[old], number=new) for old, new in numbers.items())
    sentences = tuple(
        replace(each, citations=tuple(dict.fromkeys(numbers[n] for n in each.citations if n in numbers)))
        for each in answer.sentences
    )
    return replace(answer, sentences=sentences, citations=citations)


def asked_with(exchange: Exchange) -> list[str]:
    """How a question was read, and where its answer was looked for, where that is not plain from itself."""
    answer = exchange.answer
    said = [] if answer.understood == answer.question else [f"Understood as: {answer.understood}"]
    within = filters_of(exchange.receipt)
    return [*said, f"Looked for in: {described(within)}"] if within else said


def described(filters: Filters) -> str:
    """Filters in words: 1990-1995; regions: middle-east."""
    years = f"{filters.since or ''}-{filters.until or ''}" if filters.since or filters.until else ""
    facets = [(name, getattr(filters, name)) for name in FACETS]
    return "; ".join(filter(None, [years, *(f"{name}: {', '.join(values)}" for name, values in facets if values)]))


def left_out(exchange: Exchange) -> list[str]:
    """A line on the citations that are left out, if any are."""
    count = exchange.left_out
    if not count:
        return []
    what = "1 citation is" if count == 1 else f"{count:,} citations are"
    return [f"{what} left out: the quoted words do not stand in the article as this library has it."]


def closing(exported: Exported) -> str:
    """Whence the answers are, and when they were taken along."""
    names = list(dict.fromkeys(each.answer.generation for each in exported.exchanges))
    what = "generation" if len(names) == 1 else "generations"
    return f"Answered by Backchannel from {what} {', '.join(names)} of its articles; exported on {exported.day}."


def markdown_bytes(exported: Exported) -> bytes:
    """Headings for the name and each question, footnotes after each answer."""
    parts = [f"# {escaped(exported.name)}"]
    for each in exported.exchanges:
        parts.append(f"## {escaped(each.answer.question)}")
        parts += [f"*{escaped(line)}*" for line in asked_with(each)]
        parts += [markdown(each.answer), *map(escaped, left_out(each))]
    return encoded("\n\n".join([*filter(None, parts), "---", escaped(closing(exported))]) + "\n")


def docx_bytes(exported: Exported) -> bytes:
    """See `assistant.exporting_docx`."""
    from assistant.exporting_docx import word_file

    shown = [(each.answer, asked_with(each), left_out(each)) for each in exported.exchanges]
    return word_file(exported.name, exported.at, shown, closing(exported))


def json_bytes(exported: Exported) -> bytes:
    """The receipts as the browser has them: each, in a file by itself, can be replayed."""
    entry = {
        "name": exported.name,
        "exported_at": exported.at.isoformat(),
        "receipts": [to_json(each.receipt) for each in exported.exchanges],
    }
    try:
        return encoded(json.dumps(entry, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    except ValueError as error:
        raise ConversationError("The conversation has a number that JSON does not know. Begin a new one") from error


def csl_bytes(exported: Exported) -> bytes:
    """The items of all answers as of one: an article or source is named once, with all its places."""
    answers = [each.answer for each in exported.exchanges]
    sentences = tuple(sentence for each in answers for sentence in each.sentences)
    citations = tuple(citation for each in answers for citation in each.citations)
    items = csl_items(replace(answers[0], sentences=sentences, citations=citations))
    return encoded(json.dumps(list(with_own_ids(items)), ensure_ascii=False, indent=1) + "\n")


def with_own_ids(items: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The items, none with the id of another: an article `a/b` and the source `b` of an article `a` would share one."""
    seen: set[str] = set()
    for item in items:
        name, number = item["id"], 1
        while name in seen:
            number += 1
            name = f"{item['id']}-{number}"
        seen.add(name)
        yield {**item, "id": name}


def encoded(text: str) -> bytes:
    """UTF-8; half a surrogate pair, which a browser can send and UTF-8 cannot hold, becomes a question mark."""
    return text.encode("utf-8", "replace")


EXPORTS: Mapping[str, Export] = {
    "markdown": Export("text/markdown; charset=utf-8", ".md", markdown_bytes),
    "docx": Export("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx", docx_bytes),
    "json": Export("application/json", ".json", json_bytes),
    "csl": Export("application/vnd.citationstyles.csl+json", ".csl.json", csl_bytes),
}
