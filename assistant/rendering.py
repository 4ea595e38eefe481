"""Answer -> plain text, Markdown with footnotes, JSON, CSL-JSON: each citation with its article, span and source.

An article's words appear verbatim in each: none of them can become structure, a link or a terminal's command.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from assistant.remarks import opening, remarks, uncovered
from assistant.types import Answer, AnswerSentence, Citation
from index.controls import CONTROLS

__all__ = [
    "FORMATS",
    "UNSUPPORTED",
    "beside",
    "csl_items",
    "csl_json",
    "described",
    "escaped",
    "field",
    "grouped",
    "json_text",
    "markdown",
    "onward",
    "place",
    "plain",
]

UNSUPPORTED = "[not found in the articles]"  # stands behind a sentence that nothing bears out
# What may begin a link, an image, HTML, emphasis, code, a table, a formula, a footnote or an entity; the rest of
# ASCII's punctuation is left as it is, for a reader of the source.
ANYWHERE = re.compile(r"[\\`*_{}\[\]<>#|~^$&@%]|:(?=//)|(?<=\bwww)\.", re.IGNORECASE)
FIRST = re.compile(r"^(\d{0,9})([-+=:.)])")  # a list, a rule or a definition, at the start of a line only
WEB = re.compile(r"https?://[^\s<>\\\x00-\x20]+", re.IGNORECASE)
ISO_DATE = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?)?(?:T.*)?")


def plain(answer: Answer) -> str:
    """An answer for a terminal: sentences with numbers, then what they cite. Notices are left to the caller."""
    said = [each for each in beside(answer) if each not in answer.notices]
    if answer.outcome == "not_covered":
        lines = [uncovered(answer), *said]
        if answer.nearest:
            lines.append("Nearest articles:")
            lines += [f"  {near.title} ({near.doc_id})" for near in answer.nearest]
        return CONTROLS.sub("", "\n".join(lines))
    first = opening(answer)
    text = [" ".join(each) for each in paragraphs(answer, str, "[{}]", " ")]
    cited = [f"[{c.number}] {c.title} ({place(c)})" for c in answer.citations]
    return CONTROLS.sub("", "\n".join([*([first] if first else []), "\n".join(text), *said, "", *cited]))


def markdown(answer: Answer) -> str:
    """Paragraphs with footnotes: article, characters, quote, and where the article has it from."""
    said = [escaped(each) for each in beside(answer)]
    if answer.outcome == "not_covered":
        near = [f"- {escaped(each.title)} ({escaped(each.doc_id)})" for each in answer.nearest]
        return "\n\n".join(
            [escaped(uncovered(answer)), *said, *(["Nearest articles:", "\n".join(near)] if near else [])]
        )
    first = opening(answer)
    text = [" ".join(each) for each in paragraphs(answer, escaped, "[^{}]", "")]
    return "\n\n".join([*([escaped(first)] if first else []), *text, *said, *map(footnote, answer.citations)])


def json_text(answer: Answer) -> str:
    """`Answer.to_json` as text."""
    return json.dumps(answer.to_json(), ensure_ascii=False, indent=1)


def csl_json(answer: Answer) -> str:
    """`csl_items` as text, for Zotero, pandoc and the like."""
    return json.dumps(csl_items(answer), ensure_ascii=False, indent=1)


FORMATS: Mapping[str, Callable[[Answer], str]] = {
    "text": plain,
    "markdown": markdown,
    "json": json_text,
    "csl": csl_json,
}


def beside(answer: Answer) -> list[str]:
    """What stands below an answer; without the count of unsupported sentences, since each is marked itself."""
    return remarks(replace(answer, ledger={}))


def grouped(answer: Answer) -> list[list[AnswerSentence]]:
    """The sentences of each paragraph; a lead-in begins one."""
    made: list[list[AnswerSentence]] = [[]]
    for each in answer.sentences:
        if each.lead_in:
            made.append([])
        made[-1].append(each)
    return [each for each in made if each]


def paragraphs(answer: Answer, shown: Callable[[str], str], mark: str, space: str) -> Iterator[list[str]]:
    """The sentences of each paragraph, `shown` and with their marks; where it has a lead-in, that comes first."""
    for group in grouped(answer):
        led = [f"{shown(group[0].lead_in)}:"] if group[0].lead_in else []
        yield led + [marked(each, shown, mark, space) for each in group]


def marked(sentence: AnswerSentence, shown: Callable[[str], str], mark: str, space: str) -> str:
    """One sentence with its citations, and with `UNSUPPORTED` where it is that."""
    numbers = "".join(f"{space}{mark.format(number)}" for number in sentence.citations)
    alone = f" {shown(UNSUPPORTED)}" if sentence.support == "unsupported" else ""
    return f"{shown(sentence.text)}{numbers}{alone}"


def footnote(citation: Citation) -> str:
    """The definition of a footnote, on one line."""
    where = f"{escaped(citation.title)} ({escaped(place(citation))})"
    sources = onward(citation, source_in_markdown)
    return f'[^{citation.number}]: {where}: "{escaped(citation.quote)}" {sources}'


def onward(citation: Citation, named: Callable[[Mapping[str, Any]], str]) -> str:
    """Where the article has it from, in a sentence; each of its sources `named`."""
    sources = "; ".join(filter(None, map(named, citation.onward)))
    return f"The article has this from: {sources}." if sources else "The article gives no source for this."


def place(citation: Citation) -> str:
    """Where the quoted words stand: file, further places, page, characters."""
    also = f", also {', '.join(citation.also)}" if citation.also else ""
    page = f", page {citation.page}" if citation.page else ""
    return f"{citation.source}{also}{page}, characters {citation.start}-{citation.end}"


def escaped(text: str) -> str:
    """Text for one line of Markdown, verbatim but for white space, whose runs become one space."""
    line = ANYWHERE.sub(r"\\\g<0>", " ".join(CONTROLS.sub("", text).split()))
    return FIRST.sub(r"\1\\\2", line)


def source_in_markdown(source: Mapping[str, Any]) -> str:
    """Author, title, publisher, year and address of an article's own source, as far as they are given."""
    named = escaped(described(source))
    address = field(source, "url")
    return " ".join(filter(None, [named, f"<{address}>" if WEB.fullmatch(address) else escaped(address)]))


def described(source: Mapping[str, Any]) -> str:
    """Author, title, publisher and year, as far as they are given; else the id that the article's footnote has."""
    parts = [field(source, name) for name in ("author", "title", "publisher", "year")]
    return ", ".join(filter(None, parts)) or field(source, "id")


def field(source: Mapping[str, Any], name: str) -> str:
    """One field of a source as text; "" where it is not given."""
    value = source.get(name)
    return "" if value is None else CONTROLS.sub("", str(value)).strip()


def csl_items(answer: Answer) -> list[dict[str, Any]]:
    """An item for each article cited, in the order of their first citation, then one for each source of theirs.

    The `note` of an article has the spans and quotes, `UNSUPPORTED` behind those that bear no sentence out; the `note`
    of a source has the article and the spans that it is given for.
    """
    borne_out = {number for each in answer.sentences if each.support != "unsupported" for number in each.citations}
    articles: dict[str, list[Citation]] = {}
    sources: dict[tuple[str, str], tuple[Mapping[str, Any], list[Citation]]] = {}
    for citation in answer.citations:
        articles.setdefault(citation.doc_id, []).append(citation)
        for source in citation.onward:
            key = field(source, "id") or json.dumps(dict(source), sort_keys=True, ensure_ascii=False, default=str)
            sources.setdefault((citation.doc_id, key), (source, []))[1].append(citation)
    items = [article_item(cited, borne_out) for cited in articles.values()]
    numbers: dict[str, int] = {}
    for (doc_id, _), (source, cited) in sources.items():
        numbers[doc_id] = numbers.get(doc_id, 0) + 1
        name = field(source, "id") or f"source-{numbers[doc_id]}"
        items.append(source_item(f"{doc_id}/{name}", source, cited))
    return items


def article_item(cited: list[Citation], borne_out: set[int]) -> dict[str, Any]:
    """The CSL item of an article, from all its citations."""
    first = cited[0]
    spans = []
    for each in cited:
        alone = "" if each.number in borne_out else f" {UNSUPPORTED}"
        spans.append(f'[{each.number}] characters {each.start}-{each.end}: "{each.quote}"{alone}')
    address = first.source.strip()
    item: dict[str, Any] = {"id": first.doc_id, **kind(address), "title": first.title}
    if pages := [str(each.page) for each in cited if each.page]:
        item["page"] = ", ".join(dict.fromkeys(pages))
    if "URL" not in item:
        item["source"] = first.source
    return {**item, **issued(first.date), "note": "; ".join(spans)}


def source_item(name: str, source: Mapping[str, Any], cited: list[Citation]) -> dict[str, Any]:
    """The CSL item of a source that an article gives."""
    item: dict[str, Any] = {"id": name, **kind(field(source, "url"))}
    item["title"] = field(source, "title") or field(source, "id")
    if author := field(source, "author"):
        item["author"] = [{"literal": author}]
    if publisher := field(source, "publisher"):
        item["publisher"] = publisher
    places = ", ".join(f"{each.start}-{each.end} [{each.number}]" for each in cited)
    date = issued(field(source, "date") or field(source, "year"))
    return {**item, **date, "note": f'Given by "{cited[0].title}" for its characters {places}'}


def kind(address: str) -> dict[str, str]:
    """`type`, and the `URL` where the address is one of the web."""
    return {"type": "webpage", "URL": address} if WEB.fullmatch(address) else {"type": "article"}


def issued(date: str) -> dict[str, Any]:
    """`issued` with date-parts, as precise as known; what is no ISO date is given literally, and "" not at all."""
    if found := ISO_DATE.fullmatch(date):
        return {"issued": {"date-parts": [[int(part) for part in found.groups() if part]]}}
    return {"issued": {"literal": date}} if date else {}
