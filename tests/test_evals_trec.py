"""TREC's files are read whole or refused with file and line; what is written is read back, by ir_measures too."""

from collections.abc import Callable
from pathlib import Path

import ir_measures
import pytest

from evals.errors import CollectionError, EvalsError
from evals.measures import measure
from evals.trec import (
    common_queries,
    read_qrels,
    read_run,
    read_topics,
    write_qrels,
    write_run,
    write_topics,
)

CLASSIC = """
<top>
<num> Number: 301
<title> Bells and
towers
<desc> Description:
Who rang the bells?
<narr> Narrative: Anything with a < b bells.
</top>

<TOP>
<num>302</num>
<title>Topic: Ferries < 10 m</title>
</TOP>
<top><num> q3 <title> On one line </top>
"""
QRELS = {"q1": {"a": 2, "b": 0, "c": 1}, "q2": {"d": 1, "e": -1}}
RUN = {"q1": {"b": 0.1 + 0.2, "a": 1 / 3, "c": -1e-17}, "q2": {"e": 12345.678, "d": 1e-300, "f": 2.0}}


def test_simple_topics(tmp_path: Path) -> None:
    path = tmp_path / "topics"
    path.write_bytes("\ufeff7\tWhat is <top> here?\r\n\r\nü\t A\ttab \r\n".encode())
    assert read_topics(path) == {"7": "What is <top> here?", "ü": "A\ttab"}


def test_classic_topics_give_their_titles(tmp_path: Path) -> None:
    path = tmp_path / "topics"
    path.write_text(CLASSIC)
    assert read_topics(path) == {"301": "Bells and towers", "302": "Ferries < 10 m", "q3": "On one line"}


@pytest.mark.parametrize(
    ("content", "place", "problem"),
    [
        ("1 What?\n", "line 1", "there is no tab after the query id in '1 What?'"),
        ("1\tWhat?\n1\tAgain?\n", "line 2", "the query id 1 is already that of an earlier topic"),
        ("1\tWhat?\n2\t \n", "line 2", "the query 2 has no text"),
        ("1\tWhat?\n2 3\tTwo?\n", "line 2", "the query id '2 3' is not one word"),
        ("\tWhat?\n", "line 1", "the query id '' is not one word"),
        ("\n", "", "it holds no topic"),
        (f"{CLASSIC}<top>\n<num> 4\n</top>\n", "line 16", "the topic that begins here has no <title>"),
        (f"{CLASSIC}<top>\n<title> Four\n</top>\n", "line 16", "the topic that begins here has no <num>"),
        (f"{CLASSIC}<top>\n<num> 4\n<title> Four\n", "line 16", "the topic that begins here has no </top>"),
        (f"{CLASSIC}<top>\n<num> 301\n<title> Four\n</top>", "line 16", "the query id 301 is already that of"),
        (f"Old topics\n{CLASSIC}", "line 1", "there is text before the first <top>"),
    ],
)
def test_bad_topics_are_named(tmp_path: Path, content: str, place: str, problem: str) -> None:
    assert_refused(read_topics, tmp_path, content, place, problem)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("q1 0 b", "there are 3 fields, not 4 (query 0 document grade)"),
        ("q1 0 b 1 x", "there are 5 fields, not 4"),
        ("q1 0 b nan", "the score 'nan' is not a whole number"),
        ("q1 0 b 1.5", "the score '1.5' is not a whole number"),
        ("q1 0 b 1099511627776", "the score 1099511627776 is not between -1000 and 1000"),
        ("q1 0 a 1", "the document a is judged a second time for the query q1"),
        ("q1 0 z 1", "the document 'z' is not in the corpus"),
    ],
)
def test_bad_qrels_are_named(tmp_path: Path, line: str, problem: str) -> None:
    def read(path: Path) -> object:
        return read_qrels(path, {"a", "b"})

    assert_refused(read, tmp_path, f"q1\t0\ta\t1\n\n{line}\n", "line 3", problem)


def test_qrels_without_a_relevant_document_are_named(tmp_path: Path) -> None:
    assert_refused(read_qrels, tmp_path, "q1 0 a 0\n", "", "no query has a relevant document (a grade above 0)")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("q1 Q0 b 2 0.5", "there are 5 fields, not 6 (query Q0 document rank score tag)"),
        ("q1 Q0 b 2 high tag", "the score 'high' is not a number"),
        ("q1 Q0 b 2 NaN tag", "the score 'NaN' is not finite"),
        ("q1 Q0 b 2 -inf tag", "the score '-inf' is not finite"),
        ("q1 Q0 a 2 0.5 tag", "the document a is ranked a second time for the query q1"),
        ("q1 Q0 z 2 0.5 tag", "the document 'z' is not in the corpus"),
    ],
)
def test_bad_runs_are_named(tmp_path: Path, line: str, problem: str) -> None:
    def read(path: Path) -> object:
        return read_run(path, {"a", "b"})

    assert_refused(read, tmp_path, f"q1 Q0 a 1 0.9 tag\n{line}\n", "line 2", problem)


def test_a_file_without_use_is_named(tmp_path: Path) -> None:
    assert_refused(read_run, tmp_path, "", "", "it holds no ranked document")
    assert_refused(read_run, tmp_path, "\0\0", "", "it is not text (it holds NUL bytes)")
    with pytest.raises(CollectionError, match=r"nowhere: it cannot be read \(No such file or directory\)"):
        read_run(tmp_path / "nowhere")


def test_files_without_a_common_query_are_named() -> None:
    runs = {Path("a.run"): ["q1", "q2", "q3"], Path("b.run"): ["q3", "q2"], Path("c.run"): ["q3"]}
    assert common_queries(runs) == ["q3"]
    with pytest.raises(CollectionError) as caught:
        common_queries({**runs, Path("d.run"): ["301"]})
    assert str(caught.value) == (
        "a.run: no query (the first: q1) is also in b.run, c.run, d.run. "
        "Give files of the same queries, then run the same command again"
    )


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    topics = {"q1": "What rang?", "ü": "Two\n lines\tand a tab"}
    write_topics(tmp_path / "topics", topics)
    write_qrels(tmp_path / "qrels", QRELS)
    write_run(tmp_path / "run", RUN)
    assert read_topics(tmp_path / "topics") == {"q1": "What rang?", "ü": "Two lines and a tab"}
    assert read_qrels(tmp_path / "qrels") == QRELS
    assert read_run(tmp_path / "run") == RUN
    first, second, third, *_ = (tmp_path / "run").read_text().splitlines()
    assert first == "q1 Q0 a 1 0.3333333333333333 backchannel"
    assert (second, third) == ("q1 Q0 b 2 0.30000000000000004 backchannel", "q1 Q0 c 3 -1e-17 backchannel")


def test_ir_measures_reads_what_is_written_with_equal_scores_and_values(tmp_path: Path) -> None:
    write_qrels(tmp_path / "qrels", QRELS)
    write_run(tmp_path / "run", RUN)
    theirs = list(ir_measures.read_trec_run(str(tmp_path / "run")))
    judged = list(ir_measures.read_trec_qrels(str(tmp_path / "qrels")))
    assert {(each.query_id, each.doc_id): each.score for each in theirs} == {
        (query, name): score for query, of_query in RUN.items() for name, score in of_query.items()
    }
    assert {(each.query_id, each.doc_id): each.relevance for each in judged} == {
        (query, name): value for query, of_query in QRELS.items() for name, value in of_query.items()
    }
    names = ["nDCG@10", "R@100", "RR@10", "AP", "Judged@10"]
    measures = [ir_measures.parse_measure(name) for name in names]
    found = {(str(m.measure), m.query_id): m.value for m in ir_measures.iter_calc(measures, judged, theirs)}
    ours = measure(QRELS, RUN, names)
    assert found == {(name, query): ours[name][query] for name in names for query in QRELS}
    assert ours["AP"] == {"q1": (1 + 2 / 3) / 2, "q2": pytest.approx(1 / 3)}  # q1: a, b, c; q2: e, f, d


def test_what_cannot_stand_in_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvalsError, match="The id 'my article' cannot stand in a TREC file: it is not one word"):
        write_run(tmp_path / "run", {"q1": {"my article": 1.0}})
    assert not (tmp_path / "run").exists()
    with pytest.raises(EvalsError, match="cannot be written: No such file or directory. Name another file, then run "):
        write_qrels(tmp_path / "nowhere" / "qrels", QRELS)


def assert_refused(read: Callable[[Path], object], folder: Path, content: str, place: str, problem: str) -> None:
    """One sentence that names file, line and problem, then what to do."""
    (folder / "the_file").write_text(content)
    with pytest.raises(CollectionError) as caught:
        read(folder / "the_file")
    message = str(caught.value)
    assert message.startswith(f"{folder / 'the_file'}, {place}: {problem}" if place else f"{folder / 'the_file'}: ")
    assert problem in message
    assert message.endswith("then run the same command again")
    assert "\n" not in message
