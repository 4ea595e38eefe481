"""Limits on a running page, spoken to as its own script does: floods, odd questions, probes, other sites."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from served_page import Page, asked, heard, served

from assistant.page.attention import DROPPED
from assistant.page.crowd import TWICE
from assistant.page.origins import OTHER as NAME
from assistant.page.origins import WHOSE as SITE

pytestmark = [pytest.mark.slow, pytest.mark.alone]

OSLO = "How did the Oslo talks start?"


def client(address: str = "127.0.0.1", **more: Any) -> httpx.AsyncClient:
    """A visitor from an address of its own; all of 127.0.0.0/8 is this machine."""
    transport = httpx.AsyncHTTPTransport(local_address=address, limits=httpx.Limits(max_connections=500))
    return httpx.AsyncClient(transport=transport, timeout=60, **more)


@pytest.fixture(scope="module")
def page(library: Path) -> Iterator[Page]:
    """A page that others can reach, as far as it knows."""
    with served(library, "--open") as page:
        yield page
        gone = page.stop()
        assert (gone.status, gone.out) == (0, "")
        assert "Traceback" not in gone.err


def test_t10_a_second_question_may_wait_and_a_third_is_told(page: Page) -> None:
    async def three() -> list[httpx.Response]:
        async with client("127.0.0.11") as visitor:
            bodies = [page.join(OSLO) for _ in range(3)]
            url = f"{page.queue}/join"
            found = [await visitor.post(url, json=body) for body in bodies]
            for body in bodies[:2]:
                await heard(visitor, page, body["session_hash"])
            return found

    first, second, third = asyncio.run(three())
    assert (first.status_code, second.status_code) == (200, 200)
    assert (third.status_code, third.json(), third.headers["retry-after"]) == (429, {"detail": TWICE}, "1")


async def took(page: Page, visitor: httpx.AsyncClient, body: dict[str, Any]) -> float:
    """Seconds until an answer is whole."""
    begun = time.monotonic()
    answer, messages = await asked(visitor, page, body)
    assert answer.status_code == 200, answer.text
    assert messages[-2]["msg"] == "process_completed"
    assert messages[-2]["success"]
    return time.monotonic() - begun


def test_t10_who_fills_the_queue_and_does_not_listen_holds_up_nobody(page: Page) -> None:
    """A hundred questions from one address; a visitor from another."""

    async def both() -> tuple[float, float, list[int]]:
        url = f"{page.queue}/join"
        async with client("127.0.0.13") as visitor, client("127.0.0.12") as other:
            usual = min([await took(page, visitor, page.join(OSLO)) for _ in range(3)])
            bodies = [page.join(OSLO) for _ in range(100)]
            answers = await asyncio.gather(*(other.post(url, json=body) for body in bodies))
            return usual, await took(page, visitor, page.join(OSLO)), [a.status_code for a in answers]

    usual, attacked, statuses = asyncio.run(both())
    assert statuses.count(200) == 2
    assert set(statuses) == {200, 429}
    assert attacked < 2 * usual + 0.3


def test_t10_on_one_s_own_machine_unheard_questions_give_way(library: Path) -> None:
    """All from one address, which is not counted there: the one who listens is answered all the same."""

    async def both(page: Page) -> tuple[float, float, list[int], list[dict[str, Any]]]:
        url = f"{page.queue}/join"
        async with client() as visitor:
            usual = min([await took(page, visitor, page.join(OSLO)) for _ in range(3)])
            bodies = [page.join(OSLO) for _ in range(60)]
            answers = await asyncio.gather(*(visitor.post(url, json=body) for body in bodies))
            attacked = await took(page, visitor, page.join(OSLO))
            late = await heard(visitor, page, bodies[20]["session_hash"])
            return usual, attacked, [each.status_code for each in answers], late

    with served(library) as page:
        usual, attacked, statuses, late = asyncio.run(both(page))
    assert statuses == [200] * 60
    assert attacked < 2 * usual + 0.5
    told = [each for each in late if each["msg"] == "process_completed"]
    assert len(told) == 1  # answered or dropped, and told so: nobody is left hanging
    assert told[0]["success"] or told[0]["output"]["error"] == DROPPED


def test_t9_floods_of_great_questions_are_refused_quickly(page: Page) -> None:
    """1 MB and 30 MB; an honest visitor's answer meanwhile."""

    async def flooded() -> tuple[list[tuple[int, float]], float, float, float]:
        url = f"{page.queue}/join"
        async with client("127.0.0.14") as visitor, client("127.0.0.15") as other:
            usual = min([await took(page, visitor, page.join(OSLO)) for _ in range(3)])
            memory = resident(page)
            found = []
            for content in (b"x" * 1_000_001, b"x" * 30_000_000) * 5:
                begun = time.monotonic()
                answer = await other.post(url, content=content)
                found.append((answer.status_code, time.monotonic() - begun))
            grown = resident(page) - memory
            flood = [other.post(url, content=b"x" * 1_000_001) for _ in range(100)]
            answers, during = await asyncio.gather(asyncio.gather(*flood), took(page, visitor, page.join(OSLO)))
            assert {each.status_code for each in answers} == {413}
            return found, usual, during, grown

    found, usual, during, grown = asyncio.run(flooded())
    assert {status for status, _ in found} == {413}
    assert sorted(seconds for _, seconds in found)[len(found) // 2] < 0.1
    assert grown < 10_000_000
    assert during < 2 * usual + 0.5


def resident(page: Page) -> float:
    """Bytes of memory that the server has."""
    text = httpx.get(f"{page.address}/metrics", timeout=30).text
    return float(next(line.split()[1] for line in text.splitlines() if line.startswith("process_resident_memory")))


def test_f36_each_odd_question_is_refused_in_words_and_the_page_lives(page: Page) -> None:
    odd: list[object] = ["x" * 2001, "x" * 5000, 5, 5.5, {"a": "b"}, None, ["a"], True, [[["a"]]], {}]

    async def all_twice() -> list[tuple[int, str, float]]:
        found = []
        async with client("127.0.0.16") as visitor:
            for question in odd * 2:
                begun = time.monotonic()
                join = page.join(question)
                answer = await visitor.post(f"{page.queue}/join", json=join)
                found.append((answer.status_code, answer.json()["detail"], time.monotonic() - begun))
            await took(page, visitor, page.join(OSLO))
        return found

    found = asyncio.run(all_twice())
    assert len(found) == 20
    assert all(
        status in (413, 422) and "2,000 characters" in says or "2,000 can be asked" in says for status, says, _ in found
    )
    assert sorted(seconds for *_, seconds in found)[10] < 0.1


PROBES = [
    f"{stem}{target}"
    for stem in (
        "/gradio_api/file=",
        "/file=",
        "/gradio_api/file/",
        "/proxy=",
        "/gradio_api/proxy=",
        "/gradio_api/stream/",
        "/gradio_api/download/",
    )
    for target in (
        "/etc/passwd",
        "../../../../etc/passwd",
        "..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/etc/passwd",
        "http://127.0.0.1:22/",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
    )
] + ["/own/../service.py", "/static/../../../../etc/passwd", "/assets/..%2f..%2f..%2f..%2fetc%2fpasswd"]


def test_t11_t12_uploads_files_and_proxies_are_not_there(page: Page) -> None:
    import http.client

    assert len(PROBES) >= 50
    host, port = page.address.removeprefix("http://").split(":")
    for path in PROBES:  # not by httpx, which would tidy the path
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status in (403, 404), path
        assert b"root:" not in answer.read()
        connection.close()
    for size in (1000, 900_000):
        for path in ("/gradio_api/upload", "/upload", "/gradio_api/upload?upload_id=x"):
            answer = httpx.post(page.address + path, files={"files": ("a.txt", b"x" * size)}, timeout=30)
            assert answer.status_code == 404
    assert httpx.post(f"{page.address}/gradio_api/upload", content=b"x" * 40_000_000, timeout=30).status_code == 404


def test_t13_evil_and_null_origins_and_rebound_names_on_the_page(page: Page) -> None:
    join = page.join(OSLO)
    url = f"{page.queue}/join"
    for origin in ("https://evil.example", "null", page.address.replace("127.0.0.1", "localhost")):
        answer = httpx.post(url, json=join, headers={"Origin": origin}, timeout=30)
        assert (answer.status_code, answer.json()) == (403, {"detail": SITE})
        assert "access-control-allow-origin" not in answer.headers
        for path in ("/", "/config", "/article/oslo-channel"):
            stranger = httpx.get(page.address + path, headers={"Origin": origin}, timeout=30)
            assert stranger.status_code == 200
            assert "access-control-allow-origin" not in stranger.headers
    for path in ("/", "/config", "/article/oslo-channel", "/api/status", "/readyz"):
        answer = httpx.get(page.address + path, headers={"Host": "evil.example:7860"}, timeout=30)
        assert answer.status_code == 421
        assert NAME in answer.text


def test_t9_too_many_questions_from_one_address_and_no_way_around(library: Path) -> None:
    """Also with X-Forwarded-For; a neighbour is not affected, and articles go on opening."""

    async def many(page: Page) -> tuple[list[int], float, httpx.Response, int, int]:
        url = f"{page.queue}/join"
        async with client("127.0.0.21") as visitor, client("127.0.0.22") as other:
            statuses = []
            for number in range(8):
                headers = {"X-Forwarded-For": f"198.51.100.{number}"}
                begun = time.monotonic()
                body = page.join(OSLO)
                answer = await visitor.post(url, json=body, headers=headers)
                statuses.append(answer.status_code)
                if answer.status_code == 200:
                    await heard(visitor, page, body["session_hash"])
            late = time.monotonic() - begun
            neighbour = (await asked(other, page, page.join(OSLO)))[0].status_code
            article = (await visitor.get(f"{page.address}/article/oslo-channel")).status_code
            return statuses, late, answer, neighbour, article

    with served(library, "--open", page_address_questions=3) as page:
        statuses, late, answer, neighbour, article = asyncio.run(many(page))
    assert statuses == [200] * 3 + [429] * 5
    assert late < 1.0
    assert answer.json()["detail"].startswith("You have asked 3 times within a minute")
    assert 1 <= int(answer.headers["retry-after"]) <= 20
    assert (neighbour, article) == (200, 200)
