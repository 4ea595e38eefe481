"""The page over a home in which another generation is published: what it shows then, and what older answers open."""

import html
import re
import shutil
from pathlib import Path

import pytest
from browsing import CHROMIUM, Open, ask, marked, serving
from conftest import index
from fastapi import FastAPI
from living_home import ANSWER, LANTERN, OSLO, WITHDRAWN, Home, add
from starlette.testclient import TestClient

from assistant.living import LiveAssistant
from assistant.page.routes import router
from assistant.page.service import build_app
from assistant.types import Citation


@pytest.fixture
def home(live_home: Home) -> Home:
    return live_home


@pytest.fixture
def own(live: LiveAssistant) -> TestClient:
    app = FastAPI()
    app.include_router(router(live))
    return TestClient(app)


def fetch(own: TestClient, citation: Citation, generation: str) -> tuple[int, str]:
    place = {"start": citation.start, "end": citation.end, "generation": generation}
    answer = own.get(f"/article/{citation.doc_id}", params=place)
    return answer.status_code, answer.text


def without_withdrawn(fragment: str) -> str:
    return re.sub(rf'<li dir="auto"><a href="#a/[^"]*/{WITHDRAWN}">[^<]*</a></li>', "", fragment)


def served(articles: int, generation: str) -> str:
    return f'<p>Answers from {articles} articles<span class="generation">, generation {generation}</span>.</p>'


def quoted(fragment: str) -> str:
    return "\n\n".join(map(html.unescape, re.findall(r"<mark[^>]*>(.*?)</mark>", fragment, re.S)))


# -- what an older answer cites --------------------------------------------------------------------------------------


def test_f11_an_older_citation_opens_as_it_was(home: Home, live: LiveAssistant, own: TestClient) -> None:
    (first, *_) = live.current().ask(OSLO).citations
    status, before = fetch(own, first, home.old)
    assert (status, quoted(before)) == (200, first.quote)
    home.point(home.new)
    assert live.look()
    home.prune(home.old)  # still held: it was served
    notice = f"The article as it was in generation {home.old}; it has changed since."
    related = before.replace(f"#a/{home.old}/", f"#a/{home.new}/")  # what is served now
    status, then = fetch(own, first, home.old)
    assert status == 200
    assert then == f'<p class="notice">{notice}</p>{without_withdrawn(related)}'
    assert "Asmund" not in before
    (cited, *_) = live.current().ask(LANTERN).citations
    status, now = fetch(own, cited, home.new)
    assert (status, quoted(now)) == (200, cited.quote)
    assert "Asmund" in cited.quote
    unchanged = own.get(f"/article/aceh?generation={home.old}")
    assert (unchanged.status_code, unchanged.text) == (200, own.get("/article/aceh").text)


def test_an_older_generation_is_read_from_the_disk_as_long_as_it_is_whole(home: Home) -> None:
    """As after a restart: none is held."""
    live = LiveAssistant.open(home.path)
    (first, *_) = live.current().ask(OSLO).citations
    home.point(home.new)

    def fresh() -> TestClient:
        app = FastAPI()
        app.include_router(router(LiveAssistant.open(home.path)))
        return TestClient(app)

    status, text = fetch(fresh(), first, home.old)
    assert (status, quoted(text)) == (200, first.quote)
    store = home.path / "generations" / home.old / "store.sqlite"
    store.write_bytes(store.read_bytes()[:-1])
    said = f"This answer is from generation {home.old}; the page now serves {home.new}. Ask the question again."
    assert fetch(fresh(), first, home.old) == (409, f'<p class="notice">{said}</p>')
    home.prune(home.old)
    assert fetch(fresh(), first, home.old) == (409, f'<p class="notice">{said}</p>')


def test_f16_what_is_withdrawn_is_opened_from_no_generation(home: Home, live: LiveAssistant, own: TestClient) -> None:
    address = f"/article/{WITHDRAWN}"
    title = live.current().index.document(WITHDRAWN).title
    assert title in own.get(address).text
    home.point(home.new)
    assert live.look()
    said = f"The article {WITHDRAWN} was withdrawn: generation {home.new}, served now, is without it."
    for query in ("", "&start=0&end=10"):
        answer = own.get(f"{address}?generation={home.old}{query}")
        assert (answer.status_code, answer.text) == (410, f'<p class="notice">{said}</p>')
    for query in ("", f"?generation={home.new}", "?generation=none", "?start=0&end=10"):
        answer = own.get(f"{address}{query}")
        assert answer.status_code == 404
        assert answer.text == f'<p class="notice">There is no article {WITHDRAWN} in generation {home.new}.</p>'


def test_an_article_that_came_later_is_in_no_older_generation(home: Home, own: TestClient, live: LiveAssistant) -> None:
    home.point(home.new)
    assert live.look()
    home.point(home.old)
    assert live.look()
    answer = own.get(f"/article/{WITHDRAWN}?generation={home.new}")
    assert answer.status_code == 404
    assert answer.text == f'<p class="notice">There is no article {WITHDRAWN} in generation {home.new}.</p>'
    answer = own.get(f"/article/{WITHDRAWN}?generation=..%2F..%2F{home.new}")
    assert (answer.status_code, "This answer is from generation ../../" in answer.text) == (409, True)


# -- what the page shows ---------------------------------------------------------------------------------------------


def shown(page: TestClient) -> tuple[str, str, str]:
    """The masthead's line and the list of articles, as the page brings them, and all that it brings."""
    config = page.get("/config").text
    parts = {part["props"].get("elem_id"): part["props"] for part in page.get("/config").json()["components"]}
    return html.unescape(parts["generation"]["value"]), parts["sources"]["value"], html.unescape(config)


@pytest.mark.slow
def test_f16_a_page_that_is_opened_later_shows_the_new_generation_only(home: Home, live: LiveAssistant) -> None:
    page = TestClient(build_app(live))
    title = live.current().index.document(WITHDRAWN).title
    line, articles, everything = shown(page)
    assert line == served(12, home.old)
    assert articles.count("<li>") == 12
    assert title in everything
    home.point(home.new)
    assert live.look()
    line, articles, everything = shown(page)
    assert line == served(11, home.new)
    assert (articles.count("<li>"), articles.count(home.new), articles.count(home.old)) == (11, 11, 0)
    assert title not in everything + html.unescape(page.get("/").text)
    store = home.path / "generations" / home.old / "store.sqlite"
    store.write_bytes(store.read_bytes()[:-1])
    home.point(home.old)
    assert not live.look()
    warning = f"Serving generation {home.new} instead; mend with: python app.py index apply"
    assert warning in shown(page)[0]
    home.point(home.new)
    assert not live.look()
    assert warning not in shown(page)[0]


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")
def test_f10_an_open_page_answers_from_what_was_published_since(
    library: Path,
    home: Home,
    tmp_path: Path,
    opened: Open,
) -> None:
    articles = tmp_path / "articles"
    shutil.copytree(library.parent / "articles", articles)
    with serving(home.path) as address:
        page = opened(address)
        ask(page, OSLO)
        old = page.locator("#chat a.cite").first.get_attribute("href")
        add(articles, "Asmund")
        (articles / f"{WITHDRAWN}.md").unlink()
        new = index(home.path, articles, keep_generations=1).generation.name
        line = f"Answers from 11 articles, generation {new}."
        for _ in range(50):  # a page opened beside it tells when the new one is served
            if new in page.request.get(f"{address}/config").text():
                break
            page.wait_for_timeout(200)
        assert home.old in page.locator("#generation").inner_text()
        ask(page, LANTERN)
        newest = page.locator("#chat .answer").last
        assert ANSWER.format(name="Asmund") in newest.inner_text()
        assert page.locator("#generation").inner_text().strip() == line
        newest.locator("a.cite").first.click()
        assert "Asmund" in marked(page)
        page.keyboard.press("Escape")
        first = page.locator("#chat a.cite").first  # of the answer before, whose generation is gone from the disk
        assert first.get_attribute("href") == old
        assert home.old in old
        first.click()
        page.locator("#reader .notice", has_text="it has changed since").wait_for()
        assert page.locator("#quote").inner_text() in home.texts[home.old]["oslo-channel"]
        page.locator("#clear").click()
        page.locator("#sources h2", has_text="The articles").wait_for()
        assert page.locator("#sources .title").count() == 11
        later = opened(address)
        assert later.locator("#generation").inner_text().strip() == line
        assert later.locator("#sources .title").count() == 11
