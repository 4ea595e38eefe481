"""How long one person at the page waits, in a real Chromium: for its first paint, and for an answer's first words."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evals.errors import EvalsError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["Load", "chromium", "first_words", "loads"]

PATIENCE = 60_000  # milliseconds
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# Notes when the question box has a place on the screen; both times count from the beginning of the navigation.
BOX = """(() => {
  const look = () => {
    const box = document.querySelector("#q textarea");
    if (box && box.getClientRects().length) window.boxAt = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();"""
# From Enter to the frame in which words of the new answer are drawn.
WORDS = """(() => {
  let begun = 0;
  let before = 0;
  const said = () => [...document.querySelectorAll("#chat .said")].filter((each) => each.textContent.trim());
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.closest("#q")) return;
    window.wordsAfter = 0;
    before = said().length;
    begun = performance.now();
  }, true);
  document.addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
    if (!begun || said().length <= before) return;
    const from = begun;
    begun = 0;
    requestAnimationFrame(() => setTimeout(() => (window.wordsAfter = performance.now() - from), 0));
  }).observe(document.body, { childList: true, characterData: true, subtree: true }));
})();"""
PAINTED = 'performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0'


@dataclass(frozen=True, slots=True)
class Load:
    """One opening of the page, in milliseconds from the beginning of the navigation."""

    painted: float
    box: float


@contextmanager
def chromium() -> "Iterator[Browser]":
    """A browser without a window; `EvalsError` where there is none."""
    path = shutil.which("chromium")
    if path is None:
        raise EvalsError("Chromium is not installed. Install it with: apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise EvalsError("playwright is not installed. Install it with: pip install -e '.[test]'") from error
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def opened(browser: "Browser", script: str) -> "Page":
    """A page of a context of its own: nothing is in its cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(script)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    return page


def loads(browser: "Browser", address: str, times: int) -> tuple[list[Load], list[Load]]:
    """So many first openings, each with an empty cache, and after each of them a reload."""
    cold, warm = [], []
    for _ in range(times):
        page = opened(browser, BOX)
        page.goto(address)
        cold.append(measured(page))
        page.reload()
        warm.append(measured(page))
        page.context.close()
    return cold, warm


def measured(page: "Page") -> Load:
    """What the scripts in the page noted, once it is there."""
    page.locator('body[data-view] #views a[aria-current="page"]').wait_for(state="attached")
    page.locator("#q textarea").wait_for()
    return Load(float(page.evaluate(PAINTED)), float(page.evaluate("window.boxAt ?? performance.now()")))


def first_words(browser: "Browser", address: str, questions: Sequence[str]) -> list[float]:
    """Milliseconds from Enter to the first words drawn; one for each question that was answered.

    Each begins a conversation. The first question only wakes the server and does not count.
    """
    page = opened(browser, WORDS)
    page.goto(address)
    measured(page)
    found = []
    for at, question in enumerate(questions):
        after = answered(page, question)
        if at and after:
            found.append(after)
        page.locator("#clear").click()
        page.locator("#status .idle", has_text="New conversation").wait_for()
    page.context.close()
    return found


def answered(page: Any, question: str) -> float:
    """Asks, waits for the end, and gives the milliseconds to the first words; 0 where it is not covered."""
    page.fill("#q textarea", question)
    page.keyboard.press("Enter")
    page.locator("#status .idle", has_text="Answer ready").wait_for()
    page.wait_for_timeout(100)  # the frame after
    return float(page.evaluate("window.wordsAfter || 0"))
