"""A conversation taken along: four forms of the same receipts, numbered through, exact, stable, without forgeries."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import docx
import pytest
from conftest import Run
from markdown_it import MarkdownIt

from assistant.answering import Assistant
from assistant.conversations import read
from assistant.errors import ConversationError
from assistant.exporting import EXPORTS, Exported, conversation, numbered_on
from assistant.receipts import Receipt, from_json, receipt_of, replay, to_json, write_receipt
from assistant.types import Turn
from index.filters import Filters
from index.readers.docx import read_docx

AT = datetime(2026, 11, 27, 10, 30, 15, 999, tzinfo=UTC)
QUESTIONS = (
    "How did the Oslo talks start?",
    "and who hosted them?",
    "What is the capital of Peru?",
    "Who was Brendan Duddy?",
    "Why did the Aceh ceasefire of 2002 fail?",
)
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


@pytest.fixture(scope="module")
def receipts(assistant: Assistant) -> tuple[Receipt, ...]:
    """Five exchanges, the second a follow-up, the third not covered, as a browser gives them back."""
    history: list[Turn] = []
    made = []
    for question in QUESTIONS:
        answer = assistant.ask(question, history)
        made.append(to_json(receipt_of(assistant, answer, history)))
        history += [Turn("user", question), Turn("assistant", answer.text)]
    return read(json.dumps(made, ensure_ascii=False))


@pytest.fixture(scope="module")
def exported(assistant: Assistant, receipts: tuple[Receipt, ...]) -> Exported:
    return conversation("Oslo & <others> #1", receipts, assistant.index, AT)


def forged(receipt: Receipt, change: Callable[[dict[str, Any]], None]) -> Receipt:
    """The receipt as a browser could send it instead."""
    entry = json.loads(json.dumps(to_json(receipt)))
    change(entry)
    return from_json(entry, "The forged receipt")


def text_of(exported: Exported, form: str) -> str:
    return EXPORTS[form].write(exported).decode()


def nearest_of(exported: Exported) -> int:
    """How many articles are named as nearest."""
    return sum(len(each.answer.nearest) for each in exported.exchanges)


def notes_of(word: bytes) -> dict[str, str]:
    """The texts of a Word file's footnotes by their ids, as its XML has them."""
    document = docx.Document(io.BytesIO(word))
    (part,) = (each.target_part for each in document.part.rels.values() if each.reltype.endswith("/footnotes"))
    root = docx.oxml.parse_xml(part.blob)
    notes = root.findall(f"{W}footnote")
    return {each.get(f"{W}id"): "".join(text.text or "" for text in each.iter(f"{W}t")) for each in notes}


# -- numbers ---------------------------------------------------------------------------------------------------------


def test_numbers_run_through_the_conversation(exported: Exported) -> None:
    numbers = [each.number for one in exported.exchanges for each in one.answer.citations]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > len(exported.exchanges[0].answer.citations) > 0, "else none runs on"
    for exchange in exported.exchanges:
        own = {each.number for each in exchange.answer.citations}
        assert {number for each in exchange.answer.sentences for number in each.citations} == own


def test_numbers_that_a_browser_made_up(exported: Exported) -> None:
    """One twice, one of no sentence, one of no citation: each that is left is one citation's."""
    answer = exported.exchanges[0].answer
    first, second = answer.citations[:2]
    twice = (replace(first, number=7), replace(second, number=7), replace(second, number=-1), replace(first, number=9))
    sentence = replace(answer.sentences[0], citations=(7, 7, 9, 1000))
    made = numbered_on(replace(answer, citations=twice, sentences=(sentence,)), 40)
    assert [(each.number, each.quote) for each in made.citations] == [(41, first.quote), (42, first.quote)]
    assert made.sentences[0].citations == (41, 42)


# -- Markdown --------------------------------------------------------------------------------------------------------


def test_markdown(exported: Exported) -> None:
    text = text_of(exported, "markdown")
    lines = text.splitlines()
    assert lines[0] == r"# Oslo \& \<others\> \#1"
    assert [line[3:] for line in lines if line.startswith("## ")] == list(QUESTIONS)
    defined = re.findall(r"^\[\^(\d+)\]: (.+)$", text, re.M)
    citations = [each for one in exported.exchanges for each in one.answer.citations]
    assert [int(number) for number, _ in defined] == [each.number for each in citations]
    for (_, note), citation in zip(defined, citations, strict=True):
        assert f"characters {citation.start}-{citation.end}" in note
        assert citation.quote[:30].split("'")[0] in note
    assert {int(number) for number in re.findall(r"\[\^(\d+)\](?!:)", text)} == {int(number) for number, _ in defined}
    assert r"*Understood as: Who hosted them? (Oslo talks)*" in text
    assert "The articles do not cover this. What was found does not mention Peru." in text
    assert text.count("\n- ") == nearest_of(exported)
    generation = exported.exchanges[0].answer.generation
    assert lines[-1] == f"Answered by Backchannel from generation {generation} of its articles; exported on 2026-11-27."


def test_t7_words_of_a_conversation_stay_words(assistant: Assistant, receipts: tuple[Receipt, ...]) -> None:
    """A hostile name and question: Markdown makes no link, image, HTML or heading of them."""
    evil = "# x](javascript:alert(1)) ![i](//evil.example/a.png) <img src=x onerror=alert(1)> www.evil.example"

    def change(entry: dict[str, Any]) -> None:
        entry["question"] = entry["understood"] = f"{evil}\n\n# And a heading"
        entry["answer"]["sentences"][0]["text"] = evil

    made = conversation(evil[:120], [forged(receipts[0], change)], assistant.index, AT)
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text_of(made, "markdown"))
    kinds = {token.type for each in tokens for token in (each, *(each.children or ()))}
    assert not kinds & {"image", "html_inline", "html_block"}
    links = [token.attrs["href"] for each in tokens for token in each.children or () if token.type == "link_open"]
    assert not [link for link in links if "evil" in str(link) or "javascript" in str(link)]
    assert [each.tag for each in tokens if each.type == "heading_open"] == ["h1", "h2"]


# -- Word ------------------------------------------------------------------------------------------------------------


def test_word(exported: Exported) -> None:
    word = EXPORTS["docx"].write(exported)
    document = docx.Document(io.BytesIO(word))
    styles = [(each.style.name, each.text) for each in document.paragraphs if each.style]
    assert styles[0] == ("Title", "Oslo & <others> #1")
    assert [text for name, text in styles if name == "Heading 1"] == list(QUESTIONS)
    assert len([text for name, text in styles if name == "List Bullet"]) == nearest_of(exported)
    assert styles[-1][1].endswith("exported on 2026-11-27.")
    about = document.core_properties
    assert (about.title, about.author) == ("Oslo & <others> #1", "Backchannel")
    assert about.created == datetime(2026, 11, 27, 10, 30, 15, tzinfo=UTC)
    for exchange in exported.exchanges:
        for sentence in exchange.answer.sentences:
            assert any(sentence.text in text for _, text in styles), "the words are exact"


def test_word_has_real_footnotes(exported: Exported) -> None:
    """Read from the XML, and by our own reader of Word files."""
    word = EXPORTS["docx"].write(exported)
    notes = notes_of(word)
    citations = [each for one in exported.exchanges for each in one.answer.citations]
    assert list(notes) == ["-1", "0", *(str(each.number) for each in citations)]
    for citation in citations:
        note = notes[str(citation.number)]
        assert f'"{citation.quote}"' in note
        assert citation.title in note
        assert ("The article has this from: " if citation.onward else "gives no source") in note
    (found,) = read_docx(word, "x", "x.docx")
    assert found.dropped == ()
    assert len(found.document.notes) == len(citations)


def test_word_has_nothing_that_runs_or_calls_out(exported: Exported) -> None:
    word = EXPORTS["docx"].write(exported)
    with zipfile.ZipFile(io.BytesIO(word)) as archive:
        names = archive.namelist()
        relations = "".join(archive.read(each).decode() for each in names if each.endswith(".rels"))
        main = archive.read("word/document.xml").decode()
    assert not [each for each in names if "vba" in each.lower() or each.endswith((".bin", ".exe"))]
    assert 'TargetMode="External"' not in relations
    assert not re.search(r"<w:(hyperlink|fldSimple|instrText|object)\b", main)


def test_f30_what_xml_cannot_hold_is_left_out(assistant: Assistant, receipts: tuple[Receipt, ...]) -> None:
    """Controls, half surrogates and what is no character, in every text that a browser sends."""
    bad = "a\x00\x07\x0b\x1f\ufffe\uffff\ud800z"

    def change(entry: dict[str, Any]) -> None:
        entry["question"] = entry["understood"] = bad
        entry["generation"]["name"] = bad
        answer = entry["answer"]
        answer["sentences"][0] |= {"text": bad, "lead_in": bad}
        answer["notices"], answer["missing"] = [bad], [bad]
        answer["citations"][0] |= {"title": bad, "source": bad, "onward": [{"title": bad, "url": bad}], "also": [bad]}
        answer["nearest"] = [{"doc_id": bad, "title": bad, "summary": bad, "score": 0.1}]

    for outcome in ("answered", "not_covered"):
        hostile = forged(receipts[0], change)
        hostile.answer["outcome"] = outcome
        made = conversation(bad, [hostile], assistant.index, AT)
        for form in EXPORTS.values():
            assert form.write(made)
        document = docx.Document(io.BytesIO(EXPORTS["docx"].write(made)))
        assert [each.text for each in document.paragraphs][:2] == ["az", "az"]


# -- JSON and CSL ----------------------------------------------------------------------------------------------------


def test_json_has_receipts_that_replay(exported: Exported, assistant: Assistant, receipts: tuple[Receipt, ...]) -> None:
    entry = json.loads(text_of(exported, "json"))
    assert entry["exported_at"] == "2026-11-27T10:30:15+00:00"
    assert entry["receipts"] == [to_json(each) for each in receipts]
    for each in entry["receipts"]:
        assert replay(from_json(each, "it"), assistant).identical
    assert read(json.dumps(entry["receipts"])) == receipts


def test_csl_names_each_article_and_source_once(exported: Exported) -> None:
    items = json.loads(text_of(exported, "csl"))
    ids = [each["id"] for each in items]
    assert len(set(ids)) == len(ids)
    cited = [each.doc_id for one in exported.exchanges for each in one.answer.citations]
    assert ids[: len(set(cited))] == list(dict.fromkeys(cited))
    (oslo,) = (each for each in items if each["id"] == "oslo-channel")
    numbers = [each.number for one in exported.exchanges for each in one.answer.citations if each.doc_id == oslo["id"]]
    assert [int(each) for each in re.findall(r"\[(\d+)\]", oslo["note"])] == numbers


def test_csl_ids_never_collide(assistant: Assistant, receipts: tuple[Receipt, ...]) -> None:
    from assistant.exporting import with_own_ids

    assert [each["id"] for each in with_own_ids([{"id": "a/b"}, {"id": "a/b"}, {"id": "a/b-2"}, {"id": "a/b"}])] == [
        "a/b",
        "a/b-2",
        "a/b-2-2",
        "a/b-3",
    ]


# -- all forms -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", EXPORTS)
def test_the_same_input_gives_the_same_bytes(assistant: Assistant, receipts: tuple[Receipt, ...], form: str) -> None:
    zone = timezone(timedelta(hours=5))
    moments = (AT, AT.astimezone(zone))
    one, other = (EXPORTS[form].write(conversation("A", receipts, assistant.index, at)) for at in moments)
    assert one == other


def test_forged_citations_are_left_out_and_counted(assistant: Assistant, receipts: tuple[Receipt, ...]) -> None:
    """Words that the article does not have, an article that is not there: neither is shown as a citation."""

    def change(entry: dict[str, Any]) -> None:
        entry["answer"]["citations"][0]["quote"] = "The talks started on the moon."
        entry["answer"]["citations"][1]["doc_id"] = "no-such-article"

    genuine = len(receipts[0].answer["citations"])
    made = conversation("A", [forged(receipts[0], change), receipts[3]], assistant.index, AT)
    assert [each.left_out for each in made.exchanges] == [2, 0]
    assert len(made.exchanges[0].answer.citations) == genuine - 2
    text, word = text_of(made, "markdown"), EXPORTS["docx"].write(made)
    paragraphs = [each.text for each in docx.Document(io.BytesIO(word)).paragraphs]
    said = "2 citations are left out: the quoted words do not stand in the article as this library has it."
    assert said in text
    assert said in paragraphs
    for shown in (text, text_of(made, "csl"), " ".join(notes_of(word).values())):
        assert "moon" not in shown
        assert "no-such-article" not in shown
    assert "not found in the articles" in text


def test_filters_are_named(assistant: Assistant) -> None:
    within = Filters.parse("1990-1995", ["middle-east"], track=["two"])
    receipt = receipt_of(assistant, assistant.ask("How did the Oslo talks start?", (), within), (), within)
    text = text_of(conversation("A", [receipt], assistant.index, AT), "markdown")
    assert "*Looked for in: 1990-1995; regions: middle-east; track: two*" in text


def test_what_cannot_be_exported(assistant: Assistant, receipts: tuple[Receipt, ...]) -> None:
    with pytest.raises(ConversationError, match="empty"):
        conversation("A", (), assistant.index)
    with pytest.raises(ConversationError, match="has 121 characters; at most 120"):
        conversation("A" * 121, receipts, assistant.index)
    assert conversation(" \n\x00", receipts, assistant.index).name == "Conversation"

    def change(entry: dict[str, Any]) -> None:
        entry["settings"]["depth"] = 1e999

    with pytest.raises(ConversationError, match="a number that JSON does not know"):
        EXPORTS["json"].write(conversation("A", [forged(receipts[0], change)], assistant.index))


# -- the command line ------------------------------------------------------------------------------------------------


def test_export_from_the_command_line(run: Run, library: Path, exported: Exported, tmp_path: Path) -> None:
    whole, bare = tmp_path / "talks.json", tmp_path / "bare.json"
    whole.write_bytes(EXPORTS["json"].write(exported))
    bare.write_text(json.dumps(json.loads(whole.read_text("utf-8"))["receipts"]), "utf-8")
    out = tmp_path / "x.docx"
    status, said, _ = run("export", whole, "--format", "docx", "--out", out, "--home", library)
    assert (status, said) == (0, f"Wrote {out}: 5 exchanges, {out.stat().st_size:,} bytes\n")
    assert notes_of(out.read_bytes()) == notes_of(EXPORTS["docx"].write(exported))
    alone = tmp_path / "alone.json"
    write_receipt(alone, exported.exchanges[0].receipt)
    assert run("export", alone, "--home", library)[1].count("\n## ") == 1
    status, text, _ = run("export", bare, "--home", library)
    assert status == 0
    assert text.splitlines()[0] == "# bare"
    assert text.splitlines()[2:-1] == text_of(exported, "markdown").splitlines()[2:-1]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["alone.json", "bare.json", "talks.json", "x.docx"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is not JSON. Export it from the page as JSON"),
        (b"\xff\xfe", "is not JSON. Export it from the page as JSON"),
        (b"3", "has no receipts. Export it from the page as JSON"),
        (b'{"receipts": 3}', "has no receipts. Export it from the page as JSON"),
        (b"[]", "The conversation is empty. Ask something first"),
        (b"[3]", "The conversation is no list of receipts. Begin a new one"),
        (b'[{"format": 1}]', "Exchange 1 of the conversation has format 1"),
    ],
)
def test_a_file_that_is_no_conversation(
    refused: Callable[..., str], library: Path, tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "a.json").write_bytes(content)
    assert said in refused("export", tmp_path / "a.json", "--home", library)


def test_files_that_cannot_be_read_or_written(
    refused: Callable[..., str], library: Path, tmp_path: Path, exported: Exported
) -> None:
    assert "cannot be read: No such file" in refused("export", tmp_path / "none.json", "--home", library)
    whole = tmp_path / "talks.json"
    whole.write_bytes(EXPORTS["json"].write(exported))
    out = ("export", whole, "--home", library, "--out")
    assert "cannot be written: it is no file" in refused(*out, tmp_path)
    assert "cannot be written: No such file or directory" in refused(*out, tmp_path / "none" / "x.md")
