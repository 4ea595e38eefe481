"""Bad input to `eval retrieval` and `eval compare`, end to end: one sentence with file and line, exit status 2.

What the readers refuse is tested beside them; here, that it reaches the command line, before anything is indexed.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import DATA

import app

BEIR = DATA / "beir_small"
AGAIN = "Mend it, then run the same command again"
RETRIEVAL = "then run: python app.py eval retrieval DIR"

Refused = Callable[..., str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: a copy of the small collection, and TREC files that are in order."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(BEIR, tmp_path / "village")
    (tmp_path / "topics").write_text("q1\tWho carried letters?\nq2\tWho rang the bells?\n")
    (tmp_path / "qrels").write_text("q1 0 sheep-path 1\nq2 0 bell-tower 1\n")
    (tmp_path / "good.run").write_text("q1 Q0 sheep-path 1 0.9 tag\nq2 Q0 bell-tower 1 0.5 tag\n")
    return tmp_path


@pytest.fixture
def refused(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Runs `app.py eval ...`, which must end with status 2 and one sentence, and gives the sentence."""

    def run(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["app.py", "eval", *words, *["--home", "home"][: 2 * (words[0] != "compare")]])
        with pytest.raises(SystemExit) as caught:
            app.main()
        printed = capsys.readouterr()
        assert (caught.value.code, printed.out) == (2, "")
        assert printed.err.startswith("backchannel: ")
        assert printed.err.count("\n") == 1
        assert not (folder / "home" / "evals").exists()
        return printed.err.removeprefix("backchannel: ").rstrip("\n")

    return run


def append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        (
            "corpus.jsonl",
            '{"_id": "sheep-path", "text": "Again."}',
            "line 7: the document id sheep-path is already tha",
        ),
        ("queries.jsonl", '{"_id": "q3", "text": "Again?"}', "line 5: the query id q3 is already that of line 3"),
        ("qrels/test.tsv", "q1\tgoat-path\t1", "line 11: the document 'goat-path' is not in corpus.jsonl"),
        ("qrels/test.tsv", "q9\tsheep-path\t1", "line 11: the query 'q9' is not in queries.jsonl"),
        # JSON can spell half of a surrogate pair; the tokenizer would end in a traceback.
        (
            "queries.jsonl",
            '{"_id": "q5", "text": "Who\\ud800?"}',
            "line 5: the text of the query q5 holds half a chara",
        ),
        ("queries.jsonl", '{"_id": "q\\udfff", "text": "Who?"}', "line 5: the _id 'q\\udfff' holds half a character"),
        ("corpus.jsonl", '{"_id": "x\\ud800", "text": "T"}', "line 7: the _id 'x\\ud800' holds half a character"),
    ],
)
def test_a_bad_line_of_a_beir_folder(refused: Refused, file: str, line: str, said: str) -> None:
    append(Path("village") / file, line)
    message = refused("retrieval", "village")
    assert message.startswith(f"village/{file}, {said}")
    assert message.endswith(f"Mend it, {RETRIEVAL}")


def test_half_a_character_in_the_text_of_a_document_is_left_to_the_reader(refused: Refused) -> None:
    """`index` cleans the texts of documents; this refusal is of the line after it."""
    append(Path("village/corpus.jsonl"), '{"_id": "x", "text": "Text \\ud800 here."}')
    append(Path("village/corpus.jsonl"), '{"_id": "x", "text": "Again."}')
    assert refused("retrieval", "village").startswith("village/corpus.jsonl, line 8: the document id x is already")


@pytest.mark.parametrize("file", ["queries.jsonl", "qrels/test.tsv"])
@pytest.mark.parametrize(
    "command", [["retrieval", "village"], ["compare", "good.run", "good.run", "--qrels", "village"]]
)
def test_a_folder_that_lacks_a_file(refused: Refused, file: str, command: list[str]) -> None:
    (Path("village") / file).unlink()
    assert refused(*command) == (
        f"village: it has no {file}. A BEIR folder holds corpus.jsonl, queries.jsonl and qrels/test.tsv: add the file, "
        f"{RETRIEVAL}"
    )


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("corpus.jsonl", "", "it holds no document"),
        ("corpus.jsonl", '{"_id": "a", "title": "A title alone", "text": " "}\n', "none of its 1 documents has a text"),
        ("queries.jsonl", "\n", "it holds no query"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\n", "no query has a relevant document (a score above 0)"),
    ],
)
def test_an_empty_collection(refused: Refused, file: str, content: str, said: str) -> None:
    (Path("village") / file).write_text(content)
    assert refused("retrieval", "village") == f"village/{file}: {said}. Add some, {RETRIEVAL}"


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        ("topics", "q1\tAgain?", "topics, line 3: the query id q1 is already that of an earlier topic"),
        ("qrels", "q1 0 goat-path 1", "qrels, line 3: the document 'goat-path' is not in the corpus"),
        (
            "qrels",
            "q1 0 sheep-path 2",
            "qrels, line 3: the document sheep-path is judged a second time for the query q",
        ),
        ("qrels", "q1 0 well-rope nan", "qrels, line 3: the score 'nan' is not a whole number"),
    ],
)
def test_a_bad_line_of_trec_files(refused: Refused, file: str, line: str, said: str) -> None:
    append(Path(file), line)
    trec = ["--topics", "topics", "--qrels", "qrels", "--corpus", "village/corpus.jsonl"]
    message = refused("retrieval", *trec)
    assert message.startswith(said)
    assert message.endswith(AGAIN)


def test_trec_files_of_other_queries_or_no_documents(refused: Refused) -> None:
    trec = ["retrieval", "--topics", "topics", "--qrels", "qrels", "--corpus", "village/corpus.jsonl"]
    Path("topics").write_text("301\tWho carried letters?\n")
    assert refused(*trec) == (
        "topics: no query (the first: 301) is also in qrels. Give files of the same queries, then run the same command "
        "again"
    )
    Path("village/corpus.jsonl").write_text("")
    assert refused(*trec).startswith("village/corpus.jsonl: it holds no document. Add some, then ")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("q2 Q0 b 2 nan tag", "the score 'nan' is not finite"),
        ("q2 Q0 b 2 inf tag", "the score 'inf' is not finite"),
        ("q2 Q0 b 2 -Infinity tag", "the score '-Infinity' is not finite"),
        ("q2 Q0 b 2 1e999 tag", "the score '1e999' is not finite"),
        ("q2 Q0 bell-tower 2 0.4 tag", "the document bell-tower is ranked a second time for the query q2"),
    ],
)
@pytest.mark.parametrize("place", ["baseline", "other"])
def test_a_bad_line_of_a_run(refused: Refused, folder: Path, line: str, said: str, place: str) -> None:
    shutil.copy("good.run", "bad.run")
    append(folder / "bad.run", line)
    runs = ["bad.run", "good.run"] if place == "baseline" else ["good.run", "bad.run"]
    assert refused("compare", *runs, "--qrels", "qrels") == f"bad.run, line 3: {said}. {AGAIN}"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("q1 0 sheep-path 1", "qrels, line 3: the document sheep-path is judged a second time for the query q1"),
        ("q1 0 well-rope inf", "qrels, line 3: the score 'inf' is not a whole number"),
    ],
)
def test_bad_qrels_of_runs(refused: Refused, line: str, said: str) -> None:
    append(Path("qrels"), line)
    assert refused("compare", "good.run", "good.run", "--qrels", "qrels") == f"{said}. {AGAIN}"


def test_qrels_of_runs_that_name_unknown_documents(refused: Refused) -> None:
    append(Path("village/qrels/test.tsv"), "q1\tgoat-path\t1")
    message = refused("compare", "good.run", "good.run", "--qrels", "village")
    assert message.startswith(
        "village/qrels/test.tsv, line 11: the document 'goat-path' is not in corpus.jsonl. Mend it"
    )


def test_runs_without_a_common_query(refused: Refused) -> None:
    Path("one.run").write_text("q1 Q0 sheep-path 1 0.9 tag\n")
    Path("two.run").write_text("q2 Q0 sheep-path 1 0.9 tag\n")
    assert refused("compare", "one.run", "two.run", "--qrels", "qrels") == (
        "one.run and two.run have no query in common by nDCG@10 (of 1 and 1). Compare runs of the same collection"
    )
    Path("other.run").write_text("301 Q0 sheep-path 1 0.9 tag\n")
    assert "qrels" in refused("compare", "good.run", "other.run", "--qrels", "qrels")


def test_a_run_without_lines(refused: Refused) -> None:
    Path("empty.run").write_text("\n")
    message = refused("compare", "good.run", "empty.run", "--qrels", "qrels")
    assert message == "empty.run: it holds no ranked document. Add some, then run the same command again"
