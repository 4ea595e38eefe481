"""The library's fragments: table, rows by page, timeline, map of meaning; and what stands around an article."""

import re
import time
from collections.abc import Iterable
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from assistant.answering import Assistant
from assistant.living import LiveAssistant
from assistant.page import library
from assistant.page.about import asking, facts, related
from assistant.page.escaping import balanced
from assistant.page.fragment import article
from assistant.page.guards import Guards
from assistant.page.library import Shelf, drawn
from assistant.page.library_entries import Entry, entries, folded, narrowed, ordered
from assistant.page.library_groups import grouped
from assistant.page.library_map import SHEETS, Box, map_of_meaning, meet, spots, spread
from assistant.page.library_table import AT_ONCE, PAGE, page_of_rows, table
from assistant.page.library_timeline import NARROW, WIDE, Scale, cut, timeline
from index.protocol import IndexStatus
from index.summaries import Summary
from index.types import Document

STATUS = IndexStatus("g1", 3, 3, 3, "e", "d", "2026-11-26T08:00:00+00:00", 1, "t-SNE", 0.8142)


def summary(name: str, **more: Any) -> Summary:
    """One of no more than a name, and what is given."""
    return Summary(
        **{"doc_id": name, "title": name.title(), "source": "", "date": "", "summary": "", "questions": ()} | more
    )


THREE = (
    summary("oslo", since=1992, until=1993, track=("two",), regions=("middle-east", "europe"), sources=3, x=0.0, y=0.0),
    summary("élan", since=1958, until=9999, track=("one",), date="2020-05", summary="Salon talks", x=1.0, y=1.0),
    summary("aceh", topics=("peace-talks",), track=("two",), sources=12, x=0.5, y=0.5),
)


class Seen(HTMLParser):
    """Every element's tag, attributes and text; asserts that all elements are closed in turn."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.open: list[int] = []
        self.all: list[tuple[str, dict[str, str], list[str]]] = []
        self.feed(markup)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, {name: value or "" for name, value in attrs}, []))
        if tag != "input":
            self.open.append(len(self.all) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, {name: value or "" for name, value in attrs}, []))

    def handle_endtag(self, tag: str) -> None:
        assert self.all[self.open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for at in self.open:
            self.all[at][2].append(data)

    def of(self, tag: str, **wanted: str) -> list[tuple[dict[str, str], str]]:
        """Attributes and text of the elements of a tag that have the attributes."""
        return [
            (attributes, "".join(text))
            for name, attributes, text in self.all
            if name == tag and wanted.items() <= attributes.items()
        ]


@pytest.fixture(scope="module")
def client(assistant: Assistant) -> TestClient:
    """The library of the twelve articles behind the guards."""
    app = FastAPI(openapi_url=None)
    app.add_middleware(Guards)
    app.include_router(library.router(LiveAssistant(assistant)))
    return TestClient(app)


def titles(entries_: Iterable[Entry]) -> list[str]:
    return [each.title for each in entries_]


# -- entries -------------------------------------------------------------------------------------------------------


def test_entries_are_in_the_order_of_their_titles_without_case_and_accents() -> None:
    assert titles(entries(THREE)) == ["Aceh", "Élan", "Oslo"]
    assert [each.number for each in entries(THREE)] == [0, 1, 2]
    assert folded("  Élan\n VITAL ﬁ ") == "elan vital fi"


@pytest.mark.parametrize(
    ("words", "wanted", "found"),
    [
        ("", {}, ["Aceh", "Élan", "Oslo"]),
        ("ELAN", {}, ["Élan"]),
        ("salon élan", {}, ["Élan"]),
        ("middle east", {}, ["Oslo"]),
        ("1992", {}, ["Oslo"]),
        ("nowhere", {}, []),
        ("", {"track": "two"}, ["Aceh", "Oslo"]),
        ("", {"track": "two", "regions": "europe"}, ["Oslo"]),
        ("", {"regions": "euro"}, []),
    ],
)
def test_words_and_facets_must_all_be_met(words: str, wanted: dict[str, str], found: list[str]) -> None:
    assert titles(narrowed(entries(THREE), words, wanted)) == found


@pytest.mark.parametrize(
    ("column", "up", "down"),
    [
        ("title", ["Aceh", "Élan", "Oslo"], ["Oslo", "Élan", "Aceh"]),
        ("period", ["Élan", "Oslo", "Aceh"], ["Oslo", "Élan", "Aceh"]),
        ("regions", ["Oslo", "Aceh", "Élan"], ["Oslo", "Aceh", "Élan"]),
        ("topics", ["Aceh", "Élan", "Oslo"], ["Aceh", "Élan", "Oslo"]),
        ("track", ["Élan", "Aceh", "Oslo"], ["Aceh", "Oslo", "Élan"]),
        ("date", ["Élan", "Aceh", "Oslo"], ["Élan", "Aceh", "Oslo"]),
        ("sources", ["Élan", "Oslo", "Aceh"], ["Aceh", "Oslo", "Élan"]),
    ],
)
def test_sorting_puts_what_is_not_known_last_both_ways(column: str, up: list[str], down: list[str]) -> None:
    assert titles(ordered(entries(THREE), column, False)) == up
    assert titles(ordered(entries(THREE), column, True)) == down


# -- the table -----------------------------------------------------------------------------------------------------


def test_the_table_has_a_row_an_article_and_a_column_for_whatever_is_known() -> None:
    seen = Seen(table(entries(THREE), "g1"))
    assert [text for _, text in seen.of("th")] == ["Title", "Period", "Regions", "Topics", "Track", "Date", "Sources"]
    assert [each["aria-sort"] for each, _ in seen.of("th")] == ["ascending", *["none"] * 6]
    assert [each["href"] for each, _ in seen.of("a")] == ["#a/g1/aceh", "#a/g1/%C3%A9lan", "#a/g1/oslo"]
    cells = [text for _, text in seen.of("td")]
    assert cells[14:] == ["Oslo", "1992–1993", "Middle East, Europe", "", "Track two", "", "3 sources"]
    assert cells[7:9] == ["Élan", "since 1958"]
    plain = Seen(table(entries([summary("a"), summary("b")]), "g1"))
    assert [text for _, text in plain.of("th")] == ["Title"]


def test_the_view_of_the_dozen(client: TestClient, assistant: Assistant) -> None:
    answer = client.get("/library")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "style-src-attr 'none'" in answer.headers["content-security-policy"]
    assert " style=" not in answer.text
    seen = Seen(answer.text)
    assert seen.of("p", role="status")[0][1] == "12 articles"
    assert len(seen.of("tr")) == 13
    assert [text for _, text in seen.of("button", role="tab")] == ["Table", "Timeline", "Map of meaning"]
    assert [("hidden" in each, each["aria-labelledby"]) for each, _ in seen.of("div", role="tabpanel")] == [
        (False, "lib-tab-table"),
        (True, "lib-tab-timeline"),
        (True, "lib-tab-map"),
    ]
    generation = assistant.index.status().generation
    known = {f"#a/{generation}/{each.doc_id}" for each in assistant.index.summaries()}
    assert {each["href"] for each, _ in seen.of("a")} == known
    ids = [each["id"] for _, each, _ in seen.all if "id" in each]
    assert len(ids) == len(set(ids))
    options = [text for _, text in seen.of("option")]
    assert {"All regions", "All topics", "All tracks"} <= set(options)
    for label, count in re.findall(r"(.+) \((\d+)\)", "\n".join(options)):
        cells = [text.split(", ") for _, text in seen.of("td")]
        assert sum(label in cell for cell in cells) == int(count), label


def test_rows_come_by_page_sorted_and_filtered(client: TestClient) -> None:
    found = client.get("/library/rows", params={"words": "oslo", "sort": "period", "down": "true"}).json()
    assert (found["of"], found["page"], found["pages"]) == (12, 1, 1)
    assert found["count"] == len(Seen(f"<table>{found['rows']}</table>").of("tr")) > 0
    last = client.get("/library/rows", params={"page": 99}).json()
    assert (last["count"], last["page"]) == (12, 1)
    assert client.get("/library/rows", params={"words": "nothing at all"}).json() == {
        "rows": "",
        "count": 0,
        "of": 12,
        "page": 1,
        "pages": 1,
    }


@pytest.mark.parametrize(
    "asked", [{"sort": "x"}, {"page": "0"}, {"page": "-1"}, {"page": "a"}, {"page": "9" * 30}, {"words": "x" * 201}]
)
def test_f36_rows_of_what_cannot_be_asked_are_refused(client: TestClient, asked: dict[str, str]) -> None:
    assert client.get("/library/rows", params=asked).status_code == 422


@pytest.mark.slow
def test_a_large_library_sends_a_page_of_its_rows() -> None:
    many = entries(summary(f"a{number:05}", since=1900 + number % 100, until=2000) for number in range(AT_ONCE + 1))
    seen = Seen(table(many, "g1"))
    assert len(seen.of("tr")) == PAGE + 1
    assert seen.of("table")[0][0]["data-pages"] == "21"
    pages = [page_of_rows(many, "g1", "", {}, "period", True, page)["rows"] for page in range(1, 22)]
    found = [each["data-n"] for page in pages for each, _ in Seen(f"<table>{page}</table>").of("tr")]
    assert found == [str(each.number) for each in ordered(many, "period", True)]
    assert len(Seen(table(many[:-1], "g1")).of("tr")) == AT_ONCE + 1


@pytest.mark.slow
def test_a_hundred_thousand_articles_are_listed_in_seconds() -> None:
    many = [
        summary(
            f"a{number:06}", since=1900 + number % 100, until=2000, summary="What was said there. " * 8, x=0.5, y=0.5
        )
        for number in range(100_000)
    ]
    index: Any = SimpleNamespace(status=lambda: STATUS, summaries=lambda: many)  # a fake index
    started = time.perf_counter()
    shelf = Shelf()
    html = shelf.of(index).html
    made = time.perf_counter() - started
    started = time.perf_counter()
    page_of_rows(shelf.of(index).entries, "g1", "said a0999", {}, "period", True, 1)
    paged = time.perf_counter() - started
    print(f"100,000 articles: view {made:.1f} s, {len(html):,} characters; a page of rows {paged:.2f} s")
    assert made < 60
    assert paged < 5
    assert len(html) < 2_000_000


def test_the_view_is_made_once_for_a_generation() -> None:
    calls = []
    names = iter(["g1", "g1", "g2"])

    def listed() -> list[Summary]:
        calls.append(1)
        return list(THREE)

    def status() -> IndexStatus:
        return replace(STATUS, generation=next(names))

    index: Any = SimpleNamespace(status=status, summaries=listed)  # a fake index
    shelf = Shelf()
    one, two, three = shelf.of(index), shelf.of(index), shelf.of(index)
    assert one is two
    assert (one.generation, three.generation, len(calls)) == ("g1", "g2", 2)
    assert "#a/g2/oslo" in three.html
    assert "#a/g1/" not in three.html


def test_an_empty_library_says_so() -> None:
    seen = Seen(drawn([], STATUS))
    assert seen.of("p", role="status")[0][1] == "0 articles"
    said = [text for _, text in seen.of("p", **{"class": "lib-empty"})]
    assert said == [
        "No article says which years it is about, so there is no timeline.",
        "There is no article yet, so there is no map.",
    ]


# -- the timeline --------------------------------------------------------------------------------------------------


def test_years_stand_where_they_belong() -> None:
    """From 1990 to the end of 1999, ten years over 740 units from 10 on."""
    scale = Scale(entries([summary("a", since=1990, until=1999)]), 2026, WIDE)
    assert (scale.first, scale.last, scale.step) == (1990, 1999, 1)
    assert [scale.at(year) for year in (1990, 1995, 2000, 1800, 2500)] == [10, 380, 750, 10, 750]
    assert list(scale.marks()) == list(range(1990, 2000))
    assert Scale(entries([summary("a", since=1990, until=1999)]), 2026, NARROW).step == 5


def test_a_few_early_articles_do_not_squeeze_all_others() -> None:
    some = entries(
        [summary(f"a{n}", since=1960 + n, until=1965 + n) for n in range(40)] + [summary("b", since=1678, until=1970)]
    )
    scale = Scale(some, 2026, WIDE)
    assert (scale.first, scale.last) == (1960, 2004)
    drawing = timeline(some, "g1", 2026)
    early = Seen(drawing).of("a", **{"href": "#a/g1/b"})
    assert {each["aria-label"] for each, _ in early} == {"B 1678–1970"}
    assert {text for _, text in early} == {"B 1678–1970"}
    assert drawing.count('<path class="bar"') == 2  # one arrow, on the wide and on the narrow drawing


def test_each_article_with_years_has_a_bar_in_its_group() -> None:
    seen = Seen(timeline(entries(THREE), "g1", 2026))
    bars = seen.of("a")
    assert [(each["aria-label"], each["tabindex"]) for each, _ in bars[:2]] == [
        ("Élan since 1958, Track one", "-1"),
        ("Oslo 1992–1993, Track two", "-1"),
    ]
    assert len(bars) == 4  # twice: one drawing for wide places, one for narrow
    assert [text for _, text in seen.of("text", **{"class": "name"})] == ["Track one (1)", "Track two (1)"] * 2
    assert "1 of 3 articles name no years." in seen.of("p", **{"class": "lib-note"})[0][1]
    assert {each["viewbox"].split()[2] for each, _ in seen.of("svg")} == {str(WIDE), str(NARROW)}


def test_a_period_that_goes_on_has_an_arrow_at_the_end_of_the_axis() -> None:
    drawing = timeline(
        entries([summary("a", since=1958, until=9999), summary("b", since=1960, until=1970)]), "g1", 2026
    )
    first = drawing[drawing.index('href="#a/g1/a"') :]
    bar = re.search(r'<rect class="bar" x="([\d.]+)" y="\d+" width="([\d.]+)"', first)
    assert bar
    assert float(bar[1]) + float(bar[2]) == pytest.approx(WIDE - 10)
    assert first.index('<path class="bar"') < first.index("</a>")


def test_titles_are_cut_between_words() -> None:
    assert cut("The Oslo channel, and how it began", 20) == "The Oslo channel…"
    assert cut("Short", 20) == "Short"
    assert cut("Onewordwithoutanend", 8) == "Onewordw"[:7] + "…"


def test_groups_are_by_track_else_by_region_else_one() -> None:
    assert [(each.name, len(each.entries)) for each in grouped(entries(THREE))] == [("Track two", 2), ("Track one", 1)]
    regions = entries([summary("a", regions=("europe",)), summary("b", regions=("africa", "europe")), summary("c")])
    assert [each.name for each in grouped(regions)] == ["Africa", "Europe", "Other"]
    assert [each.name for each in grouped(entries([summary("a")]))] == [""]
    many = grouped(entries([summary(f"a{n}", track=(f"t{n}",)) for n in range(9)]))
    assert [(each.number, each.name, len(each.entries)) for each in many][-1] == (6, "Other", 3)


# -- the map -------------------------------------------------------------------------------------------------------


def test_points_stand_where_the_generation_has_them() -> None:
    markup = map_of_meaning(entries(THREE), STATUS)
    seen = Seen(markup)
    wide = SHEETS[0]
    points = {each["data-title"]: (each["data-x"], each["data-y"]) for each, _ in seen.of("a")[:3]}
    assert points == {
        "Oslo": ("26.0", "26.0"),
        "Aceh": (str(wide.width / 2), str(wide.height / 2)),
        "Élan": (f"{wide.width - 26.0}", f"{wide.height - 26.0}"),
    }
    assert [text for _, text in seen.of("li")] == ["Track two", "Track one"]
    assert "Trustworthiness of the neighbours that it shows: 0.81, where 1 is" in seen.of("p")[-1][1]
    shapes = {each["d"] for each, _ in seen.of("path", **{"class": "point"})}
    assert len(shapes) == 2  # a shape a group: colour is not all that tells them apart


def test_names_on_the_map_cover_neither_each_other_nor_a_point(assistant: Assistant) -> None:
    markup = map_of_meaning(entries(assistant.index.summaries()), assistant.index.status())
    assert markup.count('<g class="names"') == 2
    for sheet, drawing in zip(SHEETS, markup.split('<svg class="lib-map')[1:], strict=True):
        found = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" text-anchor="(\w+)">(.*?)</text>', drawing)
        assert 4 <= len(found) <= sheet.labels
        shift = {"start": 0.0, "middle": 0.5, "end": 1.0}
        boxes: list[Box] = []
        for x, y, anchor, text in found:
            width = 6.6 * len(re.sub(r"&\S+?;", "'", text))
            left = float(x) - shift[anchor] * width
            boxes.append((left, float(y) - 11, left + width, float(y) + 3))
        assert not any(meet(one, other) for at, one in enumerate(boxes) for other in boxes[:at])
        assert all(box[0] >= 0 and box[2] <= sheet.width and box[3] <= sheet.height for box in boxes)


def test_spread_takes_what_is_farthest_from_all_before() -> None:
    import numpy as np

    assert spread(np.array([[0.0, 0], [1, 0], [10, 0], [4, 0]]), 9) == [3, 2, 0, 1]
    assert [anchor for anchor, *_ in spots(100, 100, 50)] == ["start", "end", "middle", "middle"]


# -- hostile words -------------------------------------------------------------------------------------------------

PAYLOADS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "'\" onmouseover=alert(1) x='",
    "</title></svg></text><iframe src=javascript:alert(1)>",
    "<!--",
    "]]><b>",
    "javascript:alert(1)",
    "&lt;b&gt; &#60;i&#62;",
    "|" * 5,
    "a\x00b\r\nc",
    "\u202egnp.exe",
)
TAGS = set(
    "a bdi button circle div g input label li line nav option p path rect select span svg table tbody td text th thead "
    "tr tspan ul".split()
)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_t8_no_word_of_an_article_becomes_markup(payload: str) -> None:
    bad = summary(
        payload,
        title=payload,
        summary=payload,
        date=payload,
        regions=(payload,),
        topics=(payload,),
        track=(payload,),
        since=1990,
        until=1991,
    )
    status = replace(STATUS, generation="g<1>'\"")
    seen = Seen(drawn(entries([bad, *THREE]), status))
    assert {tag for tag, _, _ in seen.all} <= TAGS
    for _, attributes, _ in seen.all:
        assert not any(name.startswith("on") or name in ("style", "src", "srcdoc") for name in attributes)
        assert attributes.get("href", "#a/").startswith("#a/")
    shown = [each["data-title"] for each, _ in seen.of("a") if "data-title" in each]
    assert balanced(payload) in shown


@pytest.mark.parametrize("payload", PAYLOADS)
def test_t8_nor_around_an_article(payload: str) -> None:
    document = Document(
        doc_id=payload,
        title=payload,
        text="Text.",
        source="s",
        metadata={
            "period": {"from": 1990, "to": 1991},
            "regions": [payload],
            "topics": payload,
            "track": payload,
            "questions": [payload],
        },
    )
    seen = Seen(article(document, related=[(f"#a/g/{'x'}", payload)]))
    assert {tag for tag, _, _ in seen.all} <= {"a", "dd", "div", "dl", "dt", "h2", "h3", "li", "p", "ul"}
    assert all(each["href"].startswith(("#q/", "#ask/", "#a/")) for each, _ in seen.of("a"))
    assert all(set(each) == {"class", "href"} or set(each) == {"href"} for each, _ in seen.of("a"))


# -- around an article ---------------------------------------------------------------------------------------------


def test_an_article_says_what_it_is_about_and_what_to_ask_of_it() -> None:
    document = Document(
        doc_id="a/b",
        title="A",
        text="Text.",
        source="s",
        metadata={
            "period": {"from": 1990},
            "regions": ["middle-east", "global"],
            "track": "two",
            "questions": ["Who met?", "Why & when?", "3", "4", "5"],
        },
    )
    seen = Seen(facts(document))
    assert [text for _, text in seen.of("div")] == ["Periodsince 1990", "RegionsMiddle East, Global", "TrackTrack two"]
    links = [(each["href"], text) for each, text in Seen(asking(document)).of("a")]
    assert links[:3] == [
        ("#ask/a%2Fb", "Ask about this article"),
        ("#q/Who%20met%3F", "Who met?"),
        ("#q/Why%20%26%20when%3F", "Why & when?"),
    ]
    assert len(links) == 5
    assert facts(Document("d", "D", "Text.", "s")) == ""


def test_related_articles_are_those_that_are_served(assistant: Assistant) -> None:
    generation = assistant.index.status().generation
    metadata = {"related": ["oslo-channel", "gone", "aceh", "../x"]}
    found = related(assistant.index, Document("aceh", "Aceh", "Text.", "s", metadata=metadata))
    assert found == [(f"#a/{generation}/oslo-channel", assistant.index.document("oslo-channel").title)]
    fragment = article(assistant.index.document("aceh"), related=found)
    assert [text for _, text in Seen(fragment).of("ul", **{"class": "related"})] == [found[0][1]]
    assert "Related articles" not in article(assistant.index.document("aceh"))
