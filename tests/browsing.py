"""The page in a real Chromium, for tests: started, opened, watched and asked."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import IN_FULL
from served_page import served

CHROMIUM = shutil.which("chromium")
BROWSER = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"),
]
# Width and scheme; by `make long` each width in each scheme.
SHAPES = [(1280, "light"), (390, "dark")]
if IN_FULL:
    SHAPES += [pytest.param(1280, "dark", marks=pytest.mark.long), pytest.param(390, "light", marks=pytest.mark.long)]
SLOWLY = ("-c", "import app; from assistant.page import streaming; streaming.PAUSE = 1.0; app.main()")
PAYLOAD = (
    "<img src=http://127.0.0.1:9/x onerror=\"alert('no')\"> <script>alert(1)</script> "
    '![x](http://127.0.0.1:9/leak) [1](#c/1/0-5/g/other) `code` **bold** $$x^2$$ &lt;b&gt; <b style="color:red">b</b>'
)
# Whether nothing has the focus, or what cannot be seen.
LOST = "document.activeElement === document.body || !document.activeElement.checkVisibility()"
WATCH = """window.violations = [];
addEventListener("securitypolicyviolation", (e) => violations.push(e.violatedDirective + " " + e.blockedURI));"""

Open = Callable[..., Any]


@contextmanager
def serving(home: Path, *options: str, program: Sequence[str] = ("app.py",)) -> Iterator[str]:
    """The address of `python app.py serve` over a home, until the tests are done with it."""
    with served(home, *options, program=program) as page:
        assert page.address.startswith("http://127.0.0.1:"), page.address
        yield page.address
        gone = page.stop()
    assert (gone.status, gone.out, gone.err) == (0, "", "")  # an orderly end, and nothing to complain of


@contextmanager
def watched(browser: Any) -> Iterator[Open]:
    """Opens the page and watches it: afterwards no error, no breach of the policy, no request to elsewhere."""
    pages = []

    def go(
        address: str,
        width: int = 1280,
        scheme: str = "light",
        path: str = "/",
        policed: bool = True,
        context: Any = None,
    ) -> Any:
        size = {"width": width, "height": 800 if width > 760 else 844}
        context = context or browser.new_context(
            viewport=size,
            color_scheme=scheme,
            has_touch=width <= 760,
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.add_init_script(WATCH)
        page = context.new_page()
        page.set_default_timeout(15_000)
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: said.append(message.text) if message.type != "info" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: (said.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: asked.append(request.url))
        pages.append((context, page, address, said if policed else [], asked, policed))
        page.goto(address + path)
        ready(page)
        return page

    yield go
    for _, page, address, said, asked, policed in pages:
        if not page.is_closed():
            assert not policed or page.evaluate("violations") == []
        assert [url for url in asked if not url.startswith((address + "/", "data:", f"blob:{address}/"))] == []
        assert not said, said
    for context in {id(each[0]): each[0] for each in pages}.values():
        context.close()


def ready(page: Any) -> None:
    """Waits until the page can be used."""
    page.locator("#q textarea").wait_for(state="attached")
    page.locator('body[data-view] #views a[aria-current="page"]').wait_for(state="attached")


# Whether the last stream has ended after the last question was sent.
ENDED = """(() => {
  const all = performance.getEntriesByType("resource");
  const last = (path, when) => Math.max(0, ...all.filter(({ name }) => name.includes(path)).map((each) => each[when]));
  return last("queue/join", "startTime") <= last("queue/data", "responseEnd");
})()"""


def rest(page: Any) -> None:
    """Waits until no stream is under way: Gradio complains of one that is broken off by leaving the page."""
    while not page.evaluate(ENDED):
        page.wait_for_timeout(50)


def leave(page: Any) -> None:
    """Leaves the page, so that its server can be stopped."""
    rest(page)
    page.goto("about:blank")


def reload(page: Any) -> None:
    """Loads the page anew."""
    rest(page)
    page.reload()
    ready(page)


def ask(page: Any, question: str) -> None:
    """Types a question and waits for the end of the stream."""
    before = page.locator("#chat .answer").count()
    page.fill("#q textarea", question)
    page.keyboard.press("Enter")
    page.locator("#chat .answer").nth(before).wait_for()
    answered(page)


def answered(page: Any) -> None:
    """Waits for the end of an answer."""
    page.locator("#status .idle", has_text="Answer ready").wait_for()
    page.locator("#toolbar").wait_for()


def marked(page: Any) -> str:
    """The highlighted quote, as the browser has it."""
    page.locator("#quote").wait_for()
    return "\n\n".join(page.locator("#reader mark").all_text_contents())


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.getAttribute('href')"))


def announced(page: Any) -> str:
    """What was said in passing."""
    page.locator("#announced:not(:empty)").wait_for()
    return str(page.locator("#announced").inner_text())


def in_view(page: Any, selector: str) -> bool:
    box = page.locator(selector).first.bounding_box()
    size = page.viewport_size
    return bool(box) and 0 <= box["y"] < size["height"] and 0 <= box["x"] < size["width"]


def fits(page: Any) -> bool:
    """Whether there is nothing to scroll to sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))
