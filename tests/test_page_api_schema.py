"""schemathesis, as anybody would run it, against the API's own OpenAPI schema over a real server."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_page_api import served, with_api

from assistant.answering import Assistant

pytestmark = pytest.mark.slow
pytest.importorskip("schemathesis")

EXAMPLES = 100  # requests made up for each operation, beside those that cover each limit of the schema
# Whether a region is among the articles', a period two years, a question more than "the": no schema can say that. Such
# a request fits the schema and is answered with 422 all the same; that it has no other status is checked.
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = [200, 404, 422]
"""
COMMAND = [sys.executable, "-m", "schemathesis.cli"]


def test_nothing_is_answered_that_the_schema_does_not_say(assistant: Assistant, tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(CONFIG, encoding="utf-8")
    with served(with_api(assistant)) as at:
        words = ["run", f"{at}/api/openapi.json", "--max-examples", str(EXAMPLES), "--seed", "8", "--no-color"]
        done = subprocess.run([*COMMAND, *words], cwd=tmp_path, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    assert "Tested: 4" in done.stdout
    counted = re.search(r"(\d+) generated", done.stdout)
    assert counted
    assert int(counted[1]) > 4 * EXAMPLES / 2
    assert "FAILURES" not in done.stdout
