"""The gold questions on Milvus Lite and at home: the same passages by meaning, and nearly the same articles cited."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import IN_FULL
from milvus_servers import Server, lite, settings_of

from assistant.answering import Assistant
from evals.questions import load_questions
from index.filters import Filters
from index.milvus.address import Address
from index.milvus.publishing import publish_to

pytestmark = [pytest.mark.slow, pytest.mark.long]
EVERY = 1 if IN_FULL else 16  # the whole takes four minutes


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    pytest.importorskip("milvus_lite", reason="milvus-lite is not installed")
    with lite(tmp_path_factory.mktemp("milvus")) as found:
        yield found


def test_the_gold_questions(whole_library: Path, server: Server) -> None:
    """Where articles differ, BM25 does: tantivy keeps a passage's length in one byte, rounded down by up to an eighth.

    So a passage may rank a place or two higher here or there, and a confidence near its threshold fall on the other
    side of it.
    """
    settings = settings_of(whole_library, server)
    publish_to(Address.parse(settings.index_from), settings)
    here, there = Assistant.open(whole_library), Assistant.open(whole_library, index_from=settings.index_from)
    questions = load_questions()[::EVERY]
    differing = []
    for each in questions:
        vector = here.index.embedder.embed_query(each.question)
        ours, theirs = (of.index.by_vector(vector, 11, Filters()) for of in (here, there))
        assert [score for _, score in ours] == pytest.approx([score for _, score in theirs], abs=1e-6), each.id
        tied = {key for key, score in ours if abs(score - ours[-1][1]) < 1e-6}
        assert {key for key, _ in ours} - tied == {key for key, _ in theirs} - tied, each.id
        one, two = (of.ask(each.question, each.history) for of in (here, there))
        cited = [{citation.doc_id for citation in answer.citations} for answer in (one, two)]
        if cited[0] != cited[1]:
            only = " ".join(sorted(cited[0] - cited[1])) or "none", " ".join(sorted(cited[1] - cited[0])) or "none"
            differing.append(f"{each.id}: {only[0]} at home, {only[1]} there ({one.confidence}, {two.confidence})")
    print(f"\n{len(questions) - len(differing)} of {len(questions)} cite the same articles", *differing, sep="\n")
    assert len(differing) <= 0.05 * len(questions), differing
