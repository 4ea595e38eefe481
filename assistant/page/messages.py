"""An Answer as messages of the chat and as cards of the sources panel: Markdown that shows its text verbatim."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from assistant.page.escaping import in_markdown, isolated, safe_markdown
from assistant.page.labels import facet_label, plural
from assistant.page.links import article_link, citation_link, question_link
from assistant.page.references import joined
from assistant.remarks import UNSURE, opening, remarks, uncovered, why
from assistant.types import Answer, AnswerSentence, Citation, NearArticle
from index.errors import BackchannelError
from index.filters import EVERYTHING, FACETS, Filters
from index.protocol import IndexStatus
from index.summaries import Summary

__all__ = [
    "answered",
    "aside",
    "asked",
    "cards",
    "library",
    "lost",
    "questions",
    "ready",
    "refused",
    "served",
    "status",
]

# Confidence from which it is said so. Of gold questions (dev) answered at 0.8 or more, 13 of 14 cite the evidence; of
# those from `UNSURE` on 75 of 104; below it 10 of 21 (evals/LOG.md, 2026-11-26).
SURE = ((0.8, "The articles cover this"), (UNSURE, "The articles probably cover this"), (0.0, "This is not sure"))
PART = "The articles cover a part of this"
LISTED = 40  # articles named in the panel before the first question


def asked(question: str, filters: Filters = EVERYTHING) -> str:
    """The question as the chat shows it, and in which articles alone an answer was looked for."""
    only = f'<p class="quiet">Only articles on: {in_markdown(narrowed(filters))}</p>' if filters else ""
    return safe_markdown(f'<div class="asked"><h2><bdi>{in_markdown(question)}</bdi></h2>{only}</div>')


def narrowed(filters: Filters) -> str:
    """Filters in words: `1990-1995; Middle East`."""
    since, until = filters.since, filters.until
    period = [str(since)] if since and since == until else [f"{since or ''}-{until or ''}"] if since or until else []
    return "; ".join(
        period
        + [", ".join(isolated(facet_label(f, v)) for v in getattr(filters, f)) for f in FACETS if getattr(filters, f)]
    )


def aside(text: str) -> str:
    """What stands in place of an answer: until its first words, or where there is none."""
    return safe_markdown(f'<div class="answer"><p class="quiet">{in_markdown(text)}</p></div>')


def refused(error: BackchannelError) -> str:
    """A sentence in place of an answer."""
    return safe_markdown(f'<div class="answer"><p>{in_markdown(str(error).rstrip("."))}.</p></div>')


def status(text: str, busy: bool = False) -> str:
    """The status line; app.js sees from its class whether an answer is being written."""
    return safe_markdown(f'<p class="{"busy" if busy else "idle"}">{in_markdown(text)}</p>')


def answered(answer: Answer, words: int | None = None) -> str:
    """The answer, or its first `words` words; a citation comes with the last word of its sentence."""
    understood = ""
    if answer.understood != " ".join(answer.question.split()):
        understood = f'<p class="quiet">Understood as: <q><bdi>{in_markdown(answer.understood)}</bdi></q></p>'
    body = not_covered(answer) if answer.outcome == "not_covered" else written(answer, words)
    if words is None:
        body += "".join(f'<p class="quiet">{in_markdown(notice)}</p>' for notice in remarks(answer))
        body += sure(answer)
    return safe_markdown(f'<div class="answer">{understood}{body}</div>')


def lost(count: int) -> str:
    """That citations of a kept answer were left out."""
    several = count > 1
    return (
        f"{count} citation{'s' if several else ''} of this answer {'are' if several else 'is'} left out: the article "
        "was withdrawn, or the words do not stand where the citation says."
    )


def sure(answer: Answer) -> str:
    """How sure the answer is, in words; the number shows when one points at it."""
    if answer.outcome != "answered" or not answer.sentences:
        return ""
    level = PART if answer.missing else next(name for least, name in SURE if answer.confidence >= least)
    number = f"Confidence {answer.confidence:.2f}: the estimated probability that the cited words answer the question"
    return f'<p class="quiet sure"><span title="{in_markdown(number)}">{in_markdown(level)}</span></p>'


def written(answer: Answer, words: int | None) -> str:
    """The sentences with their citations, a paragraph for each article that is led in by its name."""
    cited = {citation.number: citation for citation in answer.citations}
    left = words if words is not None else sum(len(each.text.split()) for each in answer.sentences)
    paragraphs: list[list[str]] = [[]]
    for each in answer.sentences:
        count = len(each.text.split())
        if left <= 0:
            break
        if each.lead_in:
            paragraphs.append([f'<span class="lead"><bdi>{in_markdown(each.lead_in)}</bdi></span>'])
        shown = one_sentence(each, cited, answer.generation) if left >= count else cut(each.text, left)
        paragraphs[-1].append(shown)
        left -= count
    before = f'<p class="quiet">{in_markdown(first)}</p>' if (first := opening(answer)) else ""
    said = "".join(f'<p class="said">{" ".join(each)}</p>' for each in paragraphs if each)
    return before + (said or '<p class="said"></p>')


def cut(text: str, words: int) -> str:
    """The first words of a text."""
    return f"<bdi>{in_markdown(' '.join(text.split()[:words]))}</bdi>"


def one_sentence(sentence: AnswerSentence, cited: dict[int, Citation], generation: str) -> str:
    """A sentence with the numbers of its citations; one that nothing bears out is set apart."""
    text = f"<bdi>{in_markdown(sentence.text)}</bdi>"
    if sentence.support == "unsupported":
        text = f'<span class="unsupported" title="{in_markdown(why(sentence.reasons))}">{text}</span>'
    chips = "".join(chip(cited[number], generation) for number in sentence.citations if number in cited)
    return f"{text}{chips}"


def chip(citation: Citation, generation: str) -> str:
    """The number of a citation, as a link that opens its article."""
    link = citation_link(citation.number, citation.start, citation.end, generation, citation.doc_id)
    title = in_markdown(citation.title)
    return f'<sup><a class="cite" href="{link}" title="{title}">{citation.number}</a></sup>'


def not_covered(answer: Answer) -> str:
    """That there is no answer, what is missing, and the articles to look at instead."""
    said = uncovered(answer)
    if not answer.nearest:
        return f"<p>{in_markdown(said)} Try other words, or a wider question.</p>"
    items = [f"<li>{article_anchor(near, answer.generation, 'near')}</li>" for near in answer.nearest]
    return f'<p>{in_markdown(said)}</p><p class="quiet">Nearest articles</p><ul>{"".join(items)}</ul>'


def article_anchor(near: NearArticle | Summary, generation: str, style: str, rest: str = "") -> str:
    """An article's title as a link that opens it."""
    title = in_markdown(near.title or near.doc_id)
    link = article_link(generation, near.doc_id)
    return f'<a class="{style}" href="{link}"><span class="title"><bdi>{title}</bdi></span>{rest}</a>'


def cards(answer: Answer) -> str:
    """The panel: the citations under the titles of their articles, or the nearest articles."""
    if answer.outcome == "not_covered":
        items = []
        for near in answer.nearest:
            summary = f'<span class="summary">{in_markdown(near.summary)}</span>'
            items.append(f"<li>{article_anchor(near, answer.generation, 'card plain', summary)}</li>")
        return safe_markdown(f'<div><h2>Nearest articles</h2><ul class="cards">{"".join(items)}</ul></div>')
    groups = []
    for (_, title), citations in groupby(answer.citations, key=lambda each: (each.doc_id, each.title)):
        items = [f"<li>{card(each, answer.generation)}</li>" for each in citations]
        groups.append(f'<h3><bdi>{in_markdown(title)}</bdi></h3><ol class="cards">{"".join(items)}</ol>')
    return safe_markdown(f"<div><h2>Sources</h2>{''.join(groups)}</div>")


def card(citation: Citation, generation: str) -> str:
    """One citation: its number, its words, and where the article has them from."""
    link = citation_link(citation.number, citation.start, citation.end, generation, citation.doc_id)
    onward = joined(citation.onward)
    origin = f"The article has this from: {onward}" if onward else "The article gives no source for this"
    if citation.page:
        origin = f"Page {citation.page}. {origin}"
    if citation.also:
        origin = f"{origin}. Also at: {', '.join(map(isolated, citation.also))}"
    return (
        f'<a class="card" href="{link}" title="{in_markdown(citation.title)}">'
        f'<span class="number">{citation.number}</span><q><bdi>{in_markdown(citation.quote)}</bdi></q>'
        f'<span class="from">{in_markdown(origin)}</span></a>'
    )


def questions(title: str, asked: Iterable[str]) -> str:
    """Questions as links that ask them, under a title; an empty block where there are none."""
    items = [
        f'<li><a class="ask" href="{question_link(each)}"><bdi>{in_markdown(each)}</bdi></a></li>' for each in asked
    ]
    if not items:
        return safe_markdown("<div></div>")
    return safe_markdown(f'<div><p class="quiet">{in_markdown(title)}</p><ul>{"".join(items)}</ul></div>')


def library(summaries: Sequence[Summary], generation: str) -> str:
    """The panel before the first question: what the articles are."""
    titled = sorted(summaries, key=lambda each: each.title.casefold())
    items = [f"<li>{article_anchor(each, generation, 'entry')}</li>" for each in titled[:LISTED]]
    more = f'<p class="quiet">and {len(titled) - LISTED:,} more</p>' if len(titled) > LISTED else ""
    return safe_markdown(f'<div><h2>The articles</h2><ul class="entries">{"".join(items)}</ul>{more}</div>')


def served(status: IndexStatus, warning: str) -> str:
    """The line under the page's name: what is answered from."""
    articles = plural(status.documents, "article")
    named = f'<span class="generation">, generation {in_markdown(status.generation)}</span>'
    warned = f" {in_markdown(warning)}" if warning else ""
    return safe_markdown(f"<p>Answers from {articles}{named}.{warned}</p>")


def ready(answer: Answer) -> str:
    """The status line at the end of an answer."""
    if answer.outcome == "not_covered":
        return "Answer ready: not covered by the articles"
    return f"Answer ready, {plural(len(answer.citations), 'citation')}"
