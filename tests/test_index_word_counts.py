"""Tokens counted word by word: as many as the tokenizer makes of the whole text, whatever stands in it."""

import random
from pathlib import Path

import pytest
from conftest import ARTICLES
from tokenizers import AddedToken, Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import BertPreTokenizer, ByteLevel, Metaspace

from index.embedding import PACKAGED, OnnxEmbedder, open_embedder
from index.embedding import word_counts as module
from index.embedding.word_counts import WordCounts, splits_at_blanks

ODD = [
    "",
    " ",
    "  two  blanks  ",
    "tab\tand\nline\r\nand\u00a0no-break\u3000wide\u2028separator\u0085next\x0bvertical\x1cfile",
    "removed\x00in\ufffdside \x07 \u200b\u200e alone",
    "naïve e\u0301lan \u0301 ſ İ ΟΔΥΣΣΕΥΣ straße ﬁ",
    "中文 and 中 文。 お誕生日 \U0001f54a\ufe0f a\U0001f54ab",
    "[CLS] a[SEP]b [MASK][PAD] [ SEP ] [UNK]",
    "don't U.S.-led (a.b)... 3.50 ##ing # # x" + "y" * 300 + " " + "z" * 99,
]


@pytest.fixture(scope="module")
def embedder(models: Path) -> OnnxEmbedder:
    made = open_embedder(PACKAGED, models)
    assert isinstance(made, OnnxEmbedder)
    return made


def whole(embedder: OnnxEmbedder, texts: list[str]) -> list[int]:
    return [len(embedder.counter.encode(text).ids) for text in texts]


def test_odd_texts(embedder: OnnxEmbedder) -> None:
    assert embedder.word_counts
    assert embedder.count_tokens(ODD) == whole(embedder, ODD)
    assert embedder.count_tokens(["", "hello world", "[SEP] unbelievableness"]) == [2, 4, 5]
    assert embedder.count_tokens([]) == []


def test_texts_of_any_characters(embedder: OnnxEmbedder) -> None:
    draw = random.Random(7)
    alphabet = [
        *"aAeE.,'-#[]  \t\n",
        *"\u00a0\u0085\u0301\u200d\u3000\x00\x1c",
        *"中İßΣ\U0001f54a",
        "[SEP]",
        "[UNK]",
        "ing",
    ]
    alphabet += [chr(code) for code in range(0x20, 0x3100) if code % 37 == 0]
    texts = ["".join(draw.choices(alphabet, k=draw.randrange(40))) for _ in range(2000)]
    assert embedder.count_tokens(texts) == whole(embedder, texts)


def test_our_articles_and_their_words_seen_before(embedder: OnnxEmbedder) -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted(ARTICLES.glob("*.md"))[:10]]
    assert embedder.count_tokens(texts) == embedder.count_tokens(texts) == whole(embedder, texts)


def test_no_more_words_are_remembered_than_a_limit(embedder: OnnxEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 100)
    counts = WordCounts(embedder.counter)
    for i in range(100):
        assert counts.of([f"word{i} again"]) == whole(embedder, [f"word{i} again"])
        assert sum(map(len, counts.known)) == counts.characters <= 110


def test_a_tokenizer_whose_tokens_reach_over_blanks_counts_whole_texts(embedder: OnnxEmbedder) -> None:
    assert splits_at_blanks(embedder.counter)
    for splits in (ByteLevel(), Metaspace(), None):
        other = Tokenizer(BPE())
        if splits:
            other.pre_tokenizer = splits
        assert not splits_at_blanks(other)
    with_blank = Tokenizer(BPE())
    with_blank.pre_tokenizer = BertPreTokenizer()
    assert splits_at_blanks(with_blank)
    with_blank.add_tokens([AddedToken("New York")])
    assert not splits_at_blanks(with_blank)
