"""Sentences and passages: exact spans, nothing lost, nothing longer than the embedder reads."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import pytest
from conftest import ARTICLES, DATA

from index.chunking import Cut, cut, embedded_text
from index.embedding import PACKAGED, Embedder, open_embedder
from index.readers import scan
from index.sentences import sentence_spans, tokenizer
from index.tokens import count_tokens
from index.types import Document, Span

LIMIT = 224


@pytest.fixture(scope="module")
def embedder(models: Path) -> Embedder:
    return open_embedder(PACKAGED, models)


def words(texts: Sequence[str]) -> list[int]:
    """A made-up tokenizer: words, and two special tokens."""
    return [2 + len(text.split()) for text in texts]


def characters(texts: Sequence[str]) -> list[int]:
    """A made-up tokenizer of single characters, blanks among them, and two special tokens."""
    return [2 + len(text) for text in texts]


def document(text: str, title: str = "T", *headings: str) -> Document:
    spans = tuple(Span(text.index(each), text.index(each) + len(each)) for each in headings)
    return Document("d", title, text, "d.md", headings=spans)


def sentences(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentence_spans(text, 0, len(text))]


def check(each: Document, made: Cut, limit: int, count: object, overlap: int = 0) -> None:
    """What must hold for every document."""
    assert callable(count)
    for passage in made.passages:
        assert passage.text == each.text[passage.start : passage.end]
        assert passage.text == passage.text.strip() != ""
        assert passage.passage_id == f"{each.doc_id}#{passage.start}-{passage.end}"
        assert (passage.title, passage.doc_id) == (each.title, each.doc_id)
        assert not any(span.start < passage.end and passage.start < span.end for span in each.headings)
        if passage.heading:
            above = [span for span in each.headings if span.end <= passage.start]
            assert each.text[above[-1].start : above[-1].end] == passage.heading
    texts = [embedded_text(passage, count, limit) for passage in made.passages]
    assert max(count(texts)) <= limit
    homes = {passage.passage_id: passage for passage in made.passages}
    assert len(homes) == len(made.passages), "no passage twice"
    covered = bytearray(len(each.text))
    for sentence in made.sentences:
        assert sentence.text == each.text[sentence.start : sentence.end] == sentence.text.strip() != ""
        home = homes[sentence.passage_id]
        assert home.start <= sentence.start < sentence.end <= home.end
        assert not any(covered[sentence.start : sentence.end]), "in one sentence only"
        covered[sentence.start : sentence.end] = b"\1" * (sentence.end - sentence.start)
    for span in each.headings:
        covered[span.start : span.end] = b"\1" * (span.end - span.start)
    missed = [i for i, seen in enumerate(covered) if not seen and not each.text[i].isspace()]
    assert not missed, each.text[missed[0] - 40 : missed[0] + 40]
    edges = {sentence.start for sentence in made.sentences}, {sentence.end for sentence in made.sentences}
    for passage in made.passages:
        assert passage.start in edges[0]
        assert passage.end in edges[1]
    if not overlap:
        for one, two in itertools.pairwise(made.passages):
            assert one.end <= two.start


# --- sentences


@pytest.mark.parametrize(
    "text",
    [
        "The U.S. delegation left.|It came back.",
        "Gen. Holt spoke to Lt. Col. Reed.|Neither took notes.",
        "No. 4 on the list was absent.|Nos. 5 and 6 came.",
        "In Jan. 1993 they met.|In Feb. they did not.",
        "George W. Bush and J. D. Hale wrote.|Nobody answered.",
        "Mr. and Mrs. Tarn sold atlases.|Dr. Vale bought one.",
        "The U.N. and the E.U. sent observers, e.g. Prof. Lind.|All left by 5 p.m. on Sunday.",
        'He said: "We are not here."|Then he sat down.',
        "“We never met,” he said.|“Not once.”|They had met twice.",
        "Was it true?|It was!|Nobody knew.",
        "The price was 3.50 a day.|See vol. 2, pp. 14-15, and cf. fig. 3.",
        "It ended in 1993.|1994 was quiet.",
        "They agreed (in secret).|They denied it (in public.)",
        "He went to Washington, D.C. on Monday.|She stayed.",
        "Sen. Fulbright vs. Gov. Dale: a debate.|St. Andrews was the place.",
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str) -> None:
    assert sentences(text.replace("|", " ")) == text.split("|")


def test_sentence_spans_are_offsets_of_the_whole_text() -> None:
    text = "Heading\n\n  One here.   Two there. \n\nThree."
    spans = sentence_spans(text, 9, 34)
    assert [text[span.start : span.end] for span in spans] == ["One here.", "Two there."]
    assert spans[0] == Span(11, 20)
    assert sentence_spans(text, 7, 11) == []


def test_offsets_count_code_points() -> None:
    text = "The 🕊️ flew. Ça va. Naïve e\u0301lan. 中文 here."
    assert "".join(sentences(text)).replace(" ", "") == text.replace(" ", "")


def test_what_is_seen_at_once_is_what_punkt_finds() -> None:
    """Where abbreviations and collocations stand at the end, or the beginning, of a sentence."""
    from nltk.tokenize.punkt import PunktTokenizer

    ours = tokenizer()
    plain, special = ["peace", "Delegation", "UN", "a", "I", "The"], ours._params.collocations
    ends = [*plain, "etc", "Gen", "VOL", "No", "e.g", "1993", *(first for first, _ in special)]
    pairs = [*itertools.product(ends, [*plain, "jr", "Smith"]), *special]
    pairs += [(one.capitalize(), two.capitalize()) for one, two in special]
    texts = [
        f"{one}.{blank}{two}{after}" for one, two in pairs for blank in (" ", "  ", "\n") for after in ("", ",", ".")
    ]
    for text in texts:
        assert ours.text_contains_sentbreak(text) == PunktTokenizer.text_contains_sentbreak(ours, text), text


# --- cutting


@pytest.mark.slow
def test_what_holds_for_every_article(embedder: Embedder) -> None:
    assert embedder.max_tokens >= LIMIT
    for reading in scan([ARTICLES, DATA / "saved_page.txt", DATA / "footnotes.md", DATA / "page.html"]).readings:
        for limit, overlap in ((LIMIT, 0), (64, 0), (LIMIT, 2)):
            made = cut(reading.document, embedder.count_tokens, limit, overlap)
            check(reading.document, made, limit, embedder.count_tokens, overlap)


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        "corpora/hsg_articles.jsonl",
        "collections/hotpotqa_train100/corpus.jsonl",
        "collections/musique_train100/corpus.jsonl",
        "collections/frus_tune_topics/corpus.jsonl",
        "collections/xquad_en/corpus.jsonl",
    ],
)
def test_what_holds_for_every_shared_text(shared: Path, embedder: Embedder, path: str) -> None:
    found = scan([shared / path])
    assert not found.skipped
    for reading in found.readings:
        check(reading.document, cut(reading.document, embedder.count_tokens, LIMIT), LIMIT, embedder.count_tokens)


def test_a_section_is_filled_sentence_by_sentence() -> None:
    """11 tokens less two special ones and the title leave 8 words; under the heading of two words, 6."""
    text = "One two three four. Five six seven. Eight nine.\n\nTen eleven.\n\nPart two\n\nShe sat down. He sat too. So."
    each = document(text, "T", "Part two")
    made = cut(each, words, 11)
    assert [passage.text for passage in made.passages] == [
        "One two three four. Five six seven.",
        "Eight nine.\n\nTen eleven.",
        "She sat down. He sat too.",
        "So.",
    ]
    assert [passage.heading for passage in made.passages] == ["", "", "Part two", "Part two"]
    assert [(sentence.text, sentence.passage_id) for sentence in made.sentences] == [
        ("One two three four.", "d#0-35"),
        ("Five six seven.", "d#0-35"),
        ("Eight nine.", "d#36-60"),
        ("Ten eleven.", "d#36-60"),
        ("She sat down.", "d#72-97"),
        ("He sat too.", "d#72-97"),
        ("So.", "d#98-101"),
    ]
    check(each, made, 11, words)


def test_title_and_heading_are_context_and_never_inside() -> None:
    each = document("Before it. \n\nThe heading\n\nUnder it.", "The title", "The heading")
    made = cut(each, words, 20)
    assert [embedded_text(passage, words, 20) for passage in made.passages] == [
        "The title\nBefore it.",
        "The title\nThe heading\nUnder it.",
    ]
    for passage in made.passages:
        assert "heading" not in passage.text
        assert "title" not in passage.text


def test_context_that_would_take_half_the_room_is_left_out() -> None:
    long = "very " * 9 + "long title"
    made = cut(document("Before it.\n\nHead\n\nUnder it.", long, "Head"), words, 16)
    assert [embedded_text(passage, words, 16) for passage in made.passages] == ["Before it.", "Head\nUnder it."]
    assert made.passages[0].title == long, "people still see it"
    heading = "a heading " * 6
    made = cut(document(f"Before it.\n\n{heading.strip()}\n\nUnder it.", "T", heading.strip()), words, 16)
    assert embedded_text(made.passages[1], words, 16) == "T\nUnder it."


def test_overlap_repeats_whole_sentences() -> None:
    each = document("One here. Two here. Three here. Four here. Five here.")
    made = cut(each, words, 9, overlap=1)  # room for three sentences
    assert [p.text for p in made.passages] == ["One here. Two here. Three here.", "Three here. Four here. Five here."]
    assert [sentence.passage_id for sentence in made.sentences] == 3 * ["d#0-31"] + 2 * ["d#20-53"]
    check(each, made, 9, words, overlap=1)
    alone = cut(each, words, 6, overlap=3)  # room for one: nothing can be repeated
    assert [p.text for p in alone.passages] == ["One here.", "Two here.", "Three here.", "Four here.", "Five here."]


def test_a_sentence_too_long_for_a_passage_is_cut_at_white_space(embedder: Embedder) -> None:
    long = " ".join(f"word{i}" for i in range(3000))
    each = document(f"A short one. {long}. And the end.")
    made = cut(each, embedder.count_tokens, LIMIT)
    check(each, made, LIMIT, embedder.count_tokens)
    assert " ".join(sentence.text for sentence in made.sentences) == each.text
    assert len(made.passages) > 40


def test_a_word_too_long_for_a_passage_is_cut_anywhere() -> None:
    each = document("See " + "x" * 5000 + ". The end.")
    made = cut(each, characters, LIMIT)
    check(each, made, LIMIT, characters)
    assert "".join(sentence.text for sentence in made.sentences).replace(" ", "") == each.text.replace(" ", "")


def test_a_word_of_5000_characters_is_one_unknown_token(embedder: Embedder) -> None:
    each = document("See " + "x" * 5000 + ". The end.")
    made = cut(each, embedder.count_tokens, LIMIT)
    check(each, made, LIMIT, embedder.count_tokens)


@pytest.mark.parametrize("overlap", [0, 1, 3])
@pytest.mark.parametrize("count", [words, characters])
@pytest.mark.parametrize("limit", [16, 40, 100])
def test_any_tokenizer_and_any_limit(count: object, limit: int, overlap: int) -> None:
    """Also one that counts the blank lines between the sentences of a passage."""
    assert callable(count)
    for reading in scan([DATA / "library", DATA / "footnotes.md"]).readings:
        check(reading.document, cut(reading.document, count, limit, overlap), limit, count, overlap)


def test_documents_without_a_heading_or_without_sentences_under_one() -> None:
    each = document("Head\n\nMore head\n\nText. \n\nLast head", "T", "Head", "More head", "Last head")
    made = cut(each, words, 40)
    assert [(p.text, p.heading) for p in made.passages] == [("Text.", "More head")]


def test_a_heading_twice_is_two_sections() -> None:
    text = "One.\n\nH\n\nTwo.\n\nH\n\nThree."
    each = Document("d", "T", text, "d.md", headings=(Span(6, 7), Span(15, 16)))
    assert [(p.text, p.heading) for p in cut(each, words, 40).passages] == [
        ("One.", ""),
        ("Two.", "H"),
        ("Three.", "H"),
    ]


def test_the_work_grows_with_the_length_and_no_faster() -> None:
    """Counted in executed lines of index/chunking.py, which no busy machine changes: eight times the text."""
    import sys

    def lines(n: int) -> int:
        each = document("\n\n".join(f"Sentence number {i} of the long document." for i in range(n)))
        count = 0

        def trace(frame: FrameType, event: str, _: object) -> object:
            nonlocal count
            count += event == "line"
            return trace if frame.f_code.co_filename.endswith("chunking.py") else None

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            cut(each, words, 40)
        finally:
            sys.settrace(before)
        return count

    lines(10)  # what is done once: the tokenizers are loaded
    assert lines(1600) < 8.2 * lines(200)


def test_the_sentences_of_a_section_are_counted_together() -> None:
    """However many they are: a tokenizer asked for one sentence at a time took four times as long."""
    asked: list[int] = []

    def count(texts: Sequence[str]) -> list[int]:
        asked.append(len(texts))
        return words(texts)

    cut(document("\n\n".join(f"Sentence number {i} is here." for i in range(100))), count, 40)
    assert max(asked) == 100
    assert len(asked) <= 5, "special tokens, context twice, sentences, passages"


# --- tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("hello world", 2),
        ("The quick brown fox jumps over the lazy dog.", 10),
        ("<|endoftext|>", 7),  # text like any other
        ("antidisestablishmentarianism", 6),
        ("2 + 2 = 4", 7),
        ("お誕生日おめでとう", 8),
    ],
)
def test_known_counts_of_o200k_base(text: str, tokens: int) -> None:
    """The last three are the examples of OpenAI's cookbook on counting tokens; none needs a network."""
    assert count_tokens(text) == tokens


def test_a_passage_keeps_the_count_of_its_own_text() -> None:
    made = cut(document("The quick brown fox jumps over the lazy dog.", "A title"), words, 40)
    assert made.passages[0].tokens == 10
