"""`eval load`, short: answers, refusals in words, nothing lost, no conversation in another's."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from conftest import Run

from evals.commands.load import p95, row
from evals.errors import EvalsError
from evals.page_load import Asked, conversations, drive
from evals.page_servers import Served, copied, page


def test_a_row_of_the_table() -> None:
    found = [Asked("answered", 0.1, total / 10) for total in range(1, 11)]
    found += [Asked("refused", 0.0, 0.05), Asked("refused", 0.0, 0.2), Asked("lost", 0.0, 90.0)]
    assert row(5, "page", found) == ("5", "page", "13", "10", "2", "1", "0.10", "0.55", "0.96", "0.20")
    assert row(1, "api", [Asked("lost", 0.0, 90.0)]) == ("1", "api", "1", "0", "0", "1", "", "", "", "")
    assert p95([3.0]) == 3.0


def test_inputs_are_filled_by_their_types() -> None:
    at = Served("http://127.0.0.1:1", 7, ("textbox", "textbox", "checkboxgroup", "state", "number"))
    assert at.body("Who?", "s") == {
        "fn_index": 7,
        "data": ["Who?", "", [], [], None],
        "session_hash": "s",
        "trigger_id": None,
    }


def test_a_home_without_an_index(tmp_path: Path) -> None:
    with pytest.raises(EvalsError, match=r"^No index at .*\. Build one with: python app\.py index apply$"):
        copied(tmp_path / "none", tmp_path)


@pytest.mark.alone
@pytest.mark.slow
def test_f42_t25_above_the_limit_all_are_told_and_no_two_conversations_mix(library: Path, tmp_path: Path) -> None:
    """A hundred at once, of whom eight are answered and sixty-four wait; then fifty with a word of their own each."""
    with page(copied(library, tmp_path)) as ours:
        asyncio.run(drive(ours, 1, 4))  # what is loaded late
        found = asyncio.run(drive(ours, 100, 1))
        by_api = asyncio.run(drive(ours, 10, 1, "api"))
        own, crossings = asyncio.run(conversations(ours, 50))
    outcomes = [each.outcome for each in found]
    assert outcomes.count("lost") == 0
    assert outcomes.count("answered") >= 60
    refused = [each for each in found if each.outcome == "refused"]
    assert refused
    said = {re.sub(r"\d+ seconds?", "n seconds", each.said) for each in refused}
    assert said == {"Many people are asking at this moment. Ask again in n seconds."}
    assert sorted(each.total for each in refused)[len(refused) // 2] < 1.0
    assert [each.outcome for each in by_api] == ["answered"] * 10
    assert {json.loads(each.said)["outcome"] for each in by_api} <= {"answered", "not_covered"}
    assert (own, crossings) == (50, 0)


@pytest.mark.slow
def test_the_command_prints_its_table(run: Run, library: Path) -> None:
    status, out, _ = run("eval", "load", "--clients", 2, "--rounds", 1, "--canaries", 3, "--no-bare", "--home", library)
    assert status == 0
    lines = out.splitlines()
    assert lines[0].startswith("| clients | by | asked | answered | refused | lost | first sign p50 | p50 | p95 |")
    assert [line.split(" | ")[1:6] for line in lines[2:4]] == [
        ["page", "2", "2", "0", "0"],
        ["api", "2", "2", "0", "0"],
    ]
    assert lines[-1] == "3 conversations at once: 3 with their own word, 0 crossings"
