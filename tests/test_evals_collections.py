"""A BEIR folder is read whole, or refused with the file, the line and what is wrong there."""

import shutil
from pathlib import Path

import pytest
from conftest import DATA

from evals.collections import read_beir, read_collection, read_gold, read_trec
from evals.errors import CollectionError, EvalsError
from index.errors import SourceError

BEIR = DATA / "beir_small"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the small collection, to be damaged."""
    return Path(shutil.copytree(BEIR, tmp_path / "village"))


def test_the_small_collection_is_read() -> None:
    read = read_beir(BEIR)
    assert read.name == "beir_small"
    assert read.corpus == BEIR / "corpus.jsonl"
    assert list(read.queries) == ["q1", "q2", "q3", "q4"]
    assert read.queries["q1"] == "Who carried letters between the shepherds and the farmers?"
    assert read.qrels == {
        "q1": {"sheep-path": 2, "market-day": 0},
        "q2": {"market-day": 2, "sheep-path": 0},
        "q3": {"mill-stream": 2, "well-rope": 2, "sheep-path": 0},
        "q4": {"bell-tower": 2, "market-day": 1},
    }


def test_queries_without_judgment_are_kept_but_not_judged(copy: Path) -> None:
    append(copy / "queries.jsonl", '{"_id": "q5", "text": "Who was the ferryman?"}')
    read = read_beir(copy)
    assert "q5" in read.queries
    assert list(read.judged) == ["q1", "q2", "q3", "q4"]


def test_what_other_tools_write_is_read_too(copy: Path) -> None:
    append(copy / "corpus.jsonl", '{"_id": 7, "text": "", "title": "A title alone"}', "")
    append(copy / "queries.jsonl", '{"_id": "ü", "text": "Wörter"}')
    append(copy / "qrels" / "test.tsv", "ü\t7\t-2", "q1\tmarket-day\t0", "")
    windows = (copy / "qrels" / "test.tsv").read_bytes().replace(b"\n", b"\r\n")
    (copy / "qrels" / "test.tsv").write_bytes(b"\xef\xbb\xbf" + windows)
    assert read_beir(copy).qrels["ü"] == {"7": -2}


@pytest.mark.parametrize(
    ("file", "line", "place", "problem"),
    [
        ("corpus.jsonl", '{"_id": "x", "text": ', "corpus.jsonl, line 7", "the line is not JSON"),
        ("corpus.jsonl", "[" * 100_000, "corpus.jsonl, line 7", "the line is not JSON"),
        ("corpus.jsonl", '["x", "text"]', "corpus.jsonl, line 7", "a list, not an object with _id and text"),
        ("corpus.jsonl", '{"text": "No name."}', "corpus.jsonl, line 7", "the line has no _id"),
        ("corpus.jsonl", '{"_id": " ", "text": "None."}', "corpus.jsonl, line 7", "the line has no _id"),
        ("corpus.jsonl", '{"_id": "x", "title": "T"}', "corpus.jsonl, line 7", "the document x has no text"),
        (
            "corpus.jsonl",
            '{"_id": "sheep-path", "text": "Again."}',
            "corpus.jsonl, line 7",
            "the document id sheep-path is already that of line 2",
        ),
        ("queries.jsonl", "{}", "queries.jsonl, line 5", "the line has no _id"),
        ("queries.jsonl", '{"_id": "x", "text": " "}', "queries.jsonl, line 5", "the query x has no text"),
        (
            "queries.jsonl",
            '{"_id": "q3", "text": "Again?"}',
            "queries.jsonl, line 5",
            "the query id q3 is already that of line 3",
        ),
        ("qrels/test.tsv", "q9\tsheep-path\t1", "test.tsv, line 11", "the query 'q9' is not in queries.jsonl"),
        ("qrels/test.tsv", "q1\tgoat-path\t1", "test.tsv, line 11", "the document 'goat-path' is not in corpus.jsonl"),
        ("qrels/test.tsv", "q1\tsheep-path", "test.tsv, line 11", "there are 2 fields, not 3"),
        ("qrels/test.tsv", "q1 0 sheep-path 1", "test.tsv, line 11", "there are 1 fields, not 3"),
        ("qrels/test.tsv", "q1\twell-rope\thigh", "test.tsv, line 11", "the score 'high' is not a whole number"),
        ("qrels/test.tsv", "q1\twell-rope\tnan", "test.tsv, line 11", "the score 'nan' is not a whole number"),
        ("qrels/test.tsv", "q1\twell-rope\t0.5", "test.tsv, line 11", "the score '0.5' is not a whole number"),
        ("qrels/test.tsv", "q1\twell-rope\t99999999999", "test.tsv, line 11", "not between -1000 and 1000"),
        (
            "qrels/test.tsv",
            "q1\tsheep-path\t1",
            "test.tsv, line 11",
            "sheep-path is judged 1 for q1, and 2 on an earlier line",
        ),
    ],
)
def test_a_bad_line_is_named(copy: Path, file: str, line: str, place: str, problem: str) -> None:
    append(copy / file, line)
    assert_refused(copy, place, problem)


@pytest.mark.parametrize("file", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_missing_file_is_named(copy: Path, file: str) -> None:
    (copy / file).unlink()
    assert_refused(copy, "village", f"it has no {file}")


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        ("corpus.jsonl", b"", "it holds no document"),
        ("queries.jsonl", b"\n\n", "it holds no query"),
        ("queries.jsonl", b"\xff\x00\x81", "it is not text"),
        ("qrels/test.tsv", b"", "no query has a relevant document"),
        ("qrels/test.tsv", b"query-id\tcorpus-id\tscore\n", "no query has a relevant document"),
        ("qrels/test.tsv", b"query-id\tcorpus-id\tscore\nq1\tsheep-path\t0\n", "no query has a relevant document"),
        ("qrels/test.tsv", b"q1\tsheep-path\t1\n", "line 1: it is 'q1\\tsheep-path\\t1', not the header"),
    ],
)
def test_a_file_without_use_is_named(copy: Path, file: str, content: bytes, problem: str) -> None:
    (copy / file).write_bytes(content)
    assert_refused(copy, file, problem)


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    assert_refused(tmp_path / "nowhere", "nowhere", "it is not a folder")
    (tmp_path / "file").write_text("text")
    assert_refused(tmp_path / "file", "file", "it is not a folder")


def test_a_name_is_a_beir_folder_or_gold() -> None:
    assert read_collection(str(BEIR)) == read_beir(BEIR)
    assert not read_beir(BEIR).of_passages


def test_gold_is_what_can_be_answered_of_a_split(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    dev, test = read_collection("gold"), read_collection("gold", "test")
    assert (dev.name, test.name, dev.of_passages) == ("gold-dev", "gold-test", True)
    assert dev.corpus == Path("data/articles")
    assert not dev.judged.keys() & test.judged.keys()
    assert all(each.answerable and each.split == "dev" for each in dev.questions)
    assert [each.id for each in dev.questions] == list(dev.judged)
    with pytest.raises(EvalsError, match=r"There is no split 'train'"):
        read_gold("train")


def test_gold_without_its_articles_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match=r"nowhere: it is not a folder. Go to the folder of app.py, then run: "):
        read_gold("dev", tmp_path / "nowhere")


@pytest.fixture
def trec(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Topics, qrels and a folder of articles."""
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "mill.md").write_text("# The mill\n\nTwo villages met at a mill.\n")
    (tmp_path / "articles" / "sea.txt").write_text("The sea was quiet.\n")
    (tmp_path / "topics.2026.txt").write_text("2\tWhere did they meet?\n1\tWhat was quiet?\n3\tNot judged?\n")
    (tmp_path / "qrels.txt").write_text("1 0 sea 1\n1 0 mill 0\n2 0 mill 2\n9 0 mill 1\n")
    return tmp_path / "topics.2026.txt", tmp_path / "qrels.txt", tmp_path / "articles"


def test_trec_files_over_a_folder_are_the_queries_that_both_have(trec: tuple[Path, Path, Path]) -> None:
    read = read_trec(*trec)
    assert (read.name, read.corpus) == ("topics.2026", trec[2])
    assert read.judged == {"2": "Where did they meet?", "1": "What was quiet?"}
    assert read.qrels == {"2": {"mill": 2}, "1": {"sea": 1, "mill": 0}}


def test_trec_files_that_do_not_belong_together_are_named(trec: tuple[Path, Path, Path]) -> None:
    topics, qrels, corpus = trec
    qrels.write_text("1 0 sea 1\n1 0 boat 1\n")
    with pytest.raises(CollectionError, match=r"qrels.txt, line 2: the document 'boat' is not in the corpus"):
        read_trec(topics, qrels, corpus)
    qrels.write_text("301 0 sea 1\n")
    with pytest.raises(CollectionError, match=r"topics.2026.txt: no query \(the first: 2\) is also in .*qrels.txt"):
        read_trec(topics, qrels, corpus)
    (corpus / "sea.txt").unlink()
    (corpus / "mill.md").unlink()
    with pytest.raises(SourceError, match="No article to index in .*the folder is empty"):
        read_trec(topics, qrels, corpus)


def append(path: Path, *lines: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def assert_refused(folder: Path, place: str, problem: str) -> None:
    """One sentence that names the place and the problem, then the next command."""
    with pytest.raises(CollectionError) as caught:
        read_beir(folder)
    message = str(caught.value)
    assert place in message
    assert problem in message
    assert message.endswith("python app.py eval retrieval DIR")
    assert "\n" not in message
    assert len(message) < 400
