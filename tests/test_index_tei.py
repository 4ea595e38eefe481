"""TEI volumes: a document for each document `div`, its notes apart from its text, its number in its title."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from conftest import index
from typer.testing import CliRunner

import app
from assistant.answering import Assistant
from index.errors import ReadingError
from index.readers import scan
from index.readers.tei import OTHERS, read_tei
from index.types import Document, Reading, Skipped, Span

VOLUME = """<?xml version="1.0" encoding="UTF-8"?>
<TEI xmlns="http://www.tei-c.org/ns/1.0" xmlns:frus="http://history.state.gov/frus/ns/1.0">
 <teiHeader><fileDesc><titleStmt>
   <title type="complete">Papers of the Upper Valley,
      Volume II, The Weir</title><title type="series">Papers of the Upper Valley</title></titleStmt>
   <publicationStmt><date>1999</date><idno type="frus">valley02</idno></publicationStmt></fileDesc></teiHeader>
 <text>
  <front><div type="section" xml:id="preface"><head>Preface</head><p>How these papers were chosen.</p></div>
   <div type="section" xml:id="persons"><head>Persons</head><list><item>Tarn, J., bookseller</item></list></div></front>
  <body>
   <div type="compilation" xml:id="comp1"><head>The Weir<note n="*" xml:id="x1">See Volume I.</note></head>
    <div type="chapter" xml:id="ch1"><head>The dry summer</head>
     <div type="document" n="1" xml:id="d1">
      <pb n="3" facs="0041"/><head>1. Letter From the Bookseller (<persName corresp="#p_T">Tarn</persName>)
         to the Eastern Board<note n="1" xml:id="d1fn1" type="source">Source: Town archive, Weir papers, box 4.
         Secret. </note></head>
      <dateline><placeName>Millbrook</placeName>,
       <date when="1911-08-03T10:00:00-05:00">August 3, 1911</date>.</dateline>
      <list type="subject"><head>SUBJECT</head><item>The lower <hi rend="italic">sluice</hi> </item></list>
      <list type="participants"><head>PARTICIPANTS:</head><item><hi>East:</hi> </item><item>Mr. Holm</item>
       <item>The miller</item></list>
      <opener><salute>Gentlemen:</salute></opener>
      <p>The western board will open its sluice on Sundays<note n="2" xml:id="d1fn2">Not in fact opened before
         <ref target="#d2">Document 2</ref>.</note> if the keepers hear of it from nobody but me.<note n="3"
         xml:id="d1fn3">The keepers were two brothers.</note> They ask for an answer
         by the next <pb n="4" facs="0042" xml:id="pg_4"/>market day.</p>
      <p rend="sectiontitleital">Recommendation</p>
      <p>That the board agree:</p>
      <list><item><label>1.</label> to say nothing in public,</item><item>(2) to mend the cart road.</item></list>
      <table rows="2" cols="2"><row><cell/><cell>Carts</cell></row><row><cell>East</cell><cell>12</cell></row></table>
      <closer><signed><persName>J. Tarn</persName><lb/><affiliation>Bookseller</affiliation></signed></closer>
      <note n="4" xml:id="d1fn4">The letter is unsigned.</note>
      <frus:attachment xml:id="d1a1"><head>Attachment</head>
       <dateline><date when="1899-01-01">New Year's Day</date></dateline><p>A list of the carts.</p></frus:attachment>
     </div>
     <div type="document" n="2" xml:id="d2"><head>Memorandum for the File</head>
      <dateline>Millbrook, <date notBefore="1911-09" notAfter="1912-02">undated</date></dateline>
      <p rend="center">The Sunday of the Carts</p><p>The sluice stood open for an hour. <!-- not seen --><gap/> Nobody
        was there.</p></div>
    </div>
    <div type="document" n="3" xml:id="d3" frus:doc-dateTime-min="1913-05-02T00:00:00+00:00"><head>3. Editorial
       Note</head><p>In the spring of 1913 the two boards of the valley signed a treaty of nine lines.</p></div>
    <div type="document" n="4" xml:id="d4"><head>4. An Empty Paper</head></div>
   </div>
  </body>
  <back><div type="section" xml:id="index"><head>Index</head><list><item>Sluice, <ref>1</ref></item></list></div></back>
 </text>
</TEI>
"""


def documents(text: str = VOLUME, name: str = "volume") -> dict[str, Document]:
    found = list(read_tei(text.encode(), name, f"{name}.xml"))
    return {each.document.doc_id: each.document for each in found if isinstance(each, Reading)}


def tei(inside: str, before: str = "") -> str:
    """A volume with one document of `inside`."""
    div = f'<div type="document" n="7" xml:id="d7"><head>7. A Paper</head>{inside}</div>'
    return f'{before}<TEI xml:id="v1"><text><body>{div}</body></text></TEI>'


def test_a_document_with_its_blocks_and_notes() -> None:
    document = documents()["valley02/d1"]
    assert document.title == "1. Letter From the Bookseller (Tarn) to the Eastern Board"
    assert document.date == "1911-08-03"
    assert document.text.split("\n\n") == [
        "Millbrook, August 3, 1911.",
        "SUBJECT: The lower sluice",
        "PARTICIPANTS: East: Mr. Holm; The miller",
        "Gentlemen:",
        "The western board will open its sluice on Sundays if the keepers hear of it from nobody but me. They ask for "
        "an answer by the next market day.",
        "Recommendation",
        "That the board agree:",
        "1. to say nothing in public,",
        "(2) to mend the cart road.",
        "| Carts",
        "East | 12",
        "J. Tarn Bookseller",
        "Attachment",
        "New Year's Day",
        "A list of the carts.",
    ]
    assert [document.text[span.start : span.end] for span in document.headings] == ["Recommendation", "Attachment"]
    assert document.metadata["volume"] == "Papers of the Upper Valley, Volume II, The Weir"
    assert document.metadata["chapters"] == ["The Weir", "The dry summer"]
    assert document.metadata["number"] == "1"
    assert document.metadata["source_note"] == "Source: Town archive, Weir papers, box 4. Secret."
    assert document.source == "volume.xml"


def test_notes_belong_to_their_words_and_the_source_note_to_all() -> None:
    document = documents()["valley02/d1"]
    text = document.text
    source = {"id": "d1fn1", "title": "Source: Town archive, Weir papers, box 4. Secret.", "whole": True}
    assert [(text[: note.offset].rsplit(" ", 1)[-1], note.sources) for note in document.notes] == [
        ("Sundays", ("d1fn2",)),
        ("me.", ("d1fn3",)),
        ("Bookseller", ("d1fn4",)),
    ]
    start = text.index("The western")
    assert document.onward(Span(start, text.index(" They ask"))) == [
        {"id": "d1fn2", "title": "Not in fact opened before Document 2."},
        {"id": "d1fn3", "title": "The keepers were two brothers."},
        source,
    ]
    assert document.onward(Span(text.index("They ask"), text.index("Recommendation"))) == [source]
    for words in ("Not in fact", "brothers", "box 4"):
        assert words not in text


def test_dates_and_titles() -> None:
    found = documents()
    assert list(found) == ["valley02/d1", "valley02/d2", "valley02/d3"]
    second, third = found["valley02/d2"], found["valley02/d3"]
    assert (second.title, second.date) == ("2. Memorandum for the File", "1911-09")
    assert second.metadata["period"] == {"from": 1911, "to": 1912}
    assert second.text.split("\n\n")[1:] == [
        "The Sunday of the Carts",
        "The sluice stood open for an hour. […] Nobody was there.",
    ]
    assert [second.text[span.start : span.end] for span in second.headings] == ["The Sunday of the Carts"]
    assert (third.title, third.date) == ("3. Editorial Note", "1913-05-02")
    assert third.metadata["chapters"] == ["The Weir"]


def test_what_is_no_document_is_passed_over_in_one_line() -> None:
    found = [each for each in read_tei(VOLUME.encode(), "volume", "volume.xml") if isinstance(each, Skipped)]
    assert found == [
        Skipped("volume.xml#d4", "there is no text in it"),
        Skipped("volume.xml", OTHERS, damaged=False),
    ]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (VOLUME, "valley02/d1"),
        (VOLUME.replace('<idno type="frus">valley02</idno>', ""), "volume/d1"),
        (VOLUME.replace("<TEI ", '<TEI xml:id="own" '), "own/d1"),
        (VOLUME.replace(' xml:id="d1"', ""), "valley02/d1"),
    ],
)
def test_ids_have_the_name_of_the_volume(given: str, name: str) -> None:
    assert name in documents(given)


@pytest.mark.parametrize(
    ("dateline", "date"),
    [
        ('<date when="1969-04-03">x</date>', "1969-04-03"),
        ('<date when="1969-04">x</date>', "1969-04"),
        ('<date when="1969">x</date>', "1969"),
        ('<date from="1969-04-03" to="1969-04-05">x</date>', "1969-04-03"),
        ('<date notAfter="1969-04-05">x</date>', "1969-04-05"),
        ("<date>June\n 1971</date>", "1971-06"),
        ("<date>undated</date>", ""),
        ('<date when="unknown">x</date>', ""),
        ("<date/>", ""),
        ("", ""),
    ],
)
def test_dates_of_datelines(dateline: str, date: str) -> None:
    (document,) = documents(tei(f"<dateline>Millbrook, {dateline}</dateline><p>Words.</p>")).values()
    assert document.date == date


def test_notes_in_odd_places() -> None:
    inside = (
        '<note xml:id="n0">first of all</note><p><note xml:id="n1">before</note>Words<note>no id</note>.</p>'
        '<p><note xml:id="n2">alone</note></p><note rend="inline">Telegram 5</note><p>More.</p>'
    )
    (document,) = documents(tei(inside)).values()
    assert document.text == "Words.\n\nTelegram 5\n\nMore."
    assert [(note.offset, note.sources) for note in document.notes] == [(1, ("n1",)), (5, ("note-3",)), (6, ("n2",))]


# --- what is not read

BOMB = '<!DOCTYPE TEI [<!ENTITY a0 "lol">' + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
ENTITIES = "it declares entities of its own, which are not read; write out what they stand for"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (tei("<p>&a9;</p>", f"{BOMB}]>"), ENTITIES),
        (tei("<p>No use of it.</p>", f"{BOMB}]>"), ENTITIES),
        (f'{BOMB}]><TEI n="&a9;"><text/></TEI>', ENTITIES),
        (tei("<p>&x;</p>", '<!DOCTYPE TEI [<!ENTITY x SYSTEM "file:///etc/hostname">]>'), ENTITIES),
        (tei("<p>x</p>", '<!DOCTYPE TEI [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x.dtd"> %x;]>'), ENTITIES),
        (
            tei("<p>caf&eacute;</p>", '<!DOCTYPE TEI SYSTEM "http://127.0.0.1:9/tei.dtd">'),
            "d7 uses an entity that is not declared; write out what it stands for",
        ),
        (tei("<p>caf&eacute;</p>"), "it is not well-formed XML (Entity 'eacute' not defined, line 1)"),
        (tei("<p>x"), "it is not well-formed XML (Opening and ending tag mismatch: p line 1 and div, line 1)"),
        (VOLUME[: VOLUME.index("</body>")], "it is not well-formed XML (Premature end of data in tag "),
        (tei("<hi>" * 300), "it is not well-formed XML (Excessive depth in document: 256"),
        ("", "it is not well-formed XML (no element found)"),
        ("Only words.", "it is not well-formed XML (Start tag expected, '<' not found, line 1)"),
    ],
)
def test_t16_xml_that_is_refused(given: str, said: str) -> None:
    """Entity bombs, entities from outside, damage: one sentence, and none of the volume's documents."""
    with pytest.raises(ReadingError) as found:
        documents(given)
    assert str(found.value).startswith(said)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("<html><p>Words.</p></html>", "it is XML, but not TEI"),
        ("<feed xmlns='http://www.w3.org/2005/Atom'><entry/></feed>", "it is XML, but not TEI"),
        ("<TEI><text><body><p>Words.</p></body></text></TEI>", "it is TEI, but no div in it has the type document"),
    ],
)
def test_other_xml_is_passed_over_and_is_not_damaged(given: str, said: str) -> None:
    assert list(read_tei(given.encode(), "a", "a.xml")) == [Skipped("a.xml", said, damaged=False)]


def test_f29_the_encoding_that_the_xml_declares() -> None:
    russian = "Обе делегации встретились в гостинице над гаванью, и министерства об этом ничего не знали."
    for name in ("windows-1251", "utf-8", "utf-16"):
        given = tei(f"<p>{russian}</p>", f'<?xml version="1.0" encoding="{name}"?>').encode(name)
        (found,) = read_tei(given, "a", "a.xml")
        assert isinstance(found, Reading)
        assert (found.document.text, found.dropped) == (russian, ())


# --- indexed


@pytest.fixture(scope="module")
def valley(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Assistant:
    """The index of the volume."""
    folder = tmp_path_factory.mktemp("valley")
    (folder / "papers").mkdir()
    (folder / "papers" / "volume.xml").write_text(VOLUME, encoding="utf-8")
    (folder / "home").mkdir()
    (folder / "home" / "models").symlink_to(models)
    index(folder / "home", folder / "papers")
    return Assistant.open(folder / "home")


@pytest.mark.slow
def test_an_answer_names_the_document_by_its_number(valley: Assistant) -> None:
    answer = valley.ask("What did the two boards of the valley sign in the spring of 1913?")
    assert answer.outcome == "answered"
    assert (answer.citations[0].doc_id, answer.citations[0].title) == ("valley02/d3", "3. Editorial Note")
    best = valley.search("Who opened the sluice on Sundays?")[0]
    assert best.passage.doc_id in ("valley02/d1", "valley02/d2")
    assert best.passage.title[:3] in ("1. ", "2. ")


# --- the volumes of ../shared


@pytest.mark.slow
@pytest.mark.shared
def test_all_690_documents_of_four_volumes(shared: Path) -> None:
    """Every word of the XML is in a text, a title or a note; 136 have no date: 112 are editorial notes, 21 undated."""
    from lxml import etree

    folder = shared / "corpora" / "frus-tei"
    found = scan([folder])
    papers = {reading.document.doc_id: reading.document for reading in found.readings}
    corpus = (shared / "collections" / "frus_tune_topics" / "corpus.jsonl").read_text(encoding="utf-8")
    assert set(papers) == {json.loads(line)["_id"] for line in corpus.strip().split("\n")}
    assert [each.reason for each in found.skipped] == 4 * [OTHERS]
    undated = [document for document in papers.values() if not document.date]
    assert Counter("Editorial Note" in document.title for document in undated) == {True: 112, False: 24}
    assert sum("ndated." in document.text.split("\n\n")[0] for document in undated) == 21
    assert sum(bool(document.metadata.get("source_note")) for document in papers.values()) == 575
    assert sum(len(document.notes) for document in papers.values()) > 1500
    spaces = {"t": "http://www.tei-c.org/ns/1.0"}
    for path in folder.glob("*.xml"):
        root = etree.parse(str(path), etree.XMLParser(remove_comments=True))
        for div in root.iterfind(".//t:div[@type='document']", spaces):
            document = papers[f"{path.stem}/{div.get('{http://www.w3.org/XML/1998/namespace}id')}"]
            assert document.title.startswith(f"{div.get('n')}. ")
            (head, *_) = div.iterfind("t:head", spaces)
            outside = "not(ancestor::t:note)"
            body = "".join(div.xpath(f".//text()[{outside}]", namespaces=spaces))
            title = "".join(head.xpath(f".//text()[{outside}]", namespaces=spaces))
            notes = ["".join(note.itertext()) for note in div.iterfind(".//t:note", spaces)]
            assert words(document.text) == words(body) - words(title), document.doc_id
            assert words(" ".join(each["title"] for each in document.metadata.get("sources", []))) == words(
                " ".join(notes)
            )


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text))


@pytest.mark.slow
@pytest.mark.shared
def test_a_real_volume_is_indexed_and_cited_by_number(shared: Path, home: Path, tmp_path: Path) -> None:
    """Three of its 84 documents: all would take some minutes to embed."""
    from lxml import etree

    tree = etree.parse(str(shared / "corpora" / "frus-tei" / "frus1969-76v38p1.xml"))
    for div in tree.findall(".//{*}div[@type='document']"):
        if div.get("n") not in ("2", "8", "46"):
            div.getparent().remove(div)
    tree.write(str(tmp_path / "frus1969-76v38p1.xml"), encoding="utf-8", xml_declaration=True)
    index(home, tmp_path / "frus1969-76v38p1.xml")
    assistant = Assistant.open(home)
    answer = assistant.ask("What was the Year of Europe?")
    assert answer.outcome == "answered"
    cited = {citation.doc_id: citation for citation in answer.citations}
    first = cited["frus1969-76v38p1/d8"]
    assert first.title == "8. Address by the President’s Assistant for National Security Affairs (Kissinger)"
    assert first.onward[-1]["title"].startswith("Source: Department of State Bulletin")
    shown = CliRunner().invoke(app.app, ["ask", "What was the Year of Europe?", "--home", str(home)])
    assert f"] {first.title} (" in shown.stdout
