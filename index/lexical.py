"""tantivy: passages by words, scored by BM25 (k1 = 1.2, b = 0.75, tantivy's constants)."""

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path

import tantivy

from index.errors import DamagedIndexError

__all__ = ["CEILING", "STOP_WORDS", "LexicalIndex", "analyze", "folded", "stems"]

ANALYZER = "english"
K1, B = 1.2, 0.75
CEILING = 2.2  # k1 + 1: BM25 of a word stays below this times its inverse document frequency
LONGEST_WORD = 40  # bytes; longer ones are addresses and rubbish
WRITER_BYTES = 64_000_000  # tantivy's own minimum is 15 MB for each of its threads
KNOWN = 20_000  # words whose stems are remembered, some 4 MB; the same few thousand come again and again
WRITER_THREADS = 1  # one segment, the same one for the same passages

# Function words, dropped from questions only: with them BM25 ranks by how a question is put.
STOP_WORDS = frozenset(
    "a about above after again against all also am an and any are as at be because been before being below between "
    "both but by can could did do does doing down during each etc few for from further had has have having he her here "
    "hers him his how i if in into is it its itself just me more most my no nor not of off on once only or other our "
    "out over own please s same she should so some such t tell than that the their them then there these they this "
    "those through to too under until up upon very was we were what when where which while who whom whose why will "
    "with would you your".split()
)


@functools.cache
def analyzer() -> tantivy.TextAnalyzer:
    """Words, lower case, accents folded, English stems."""
    return folding().filter(tantivy.Filter.stemmer("english")).build()


def folding() -> tantivy.TextAnalyzerBuilder:
    """Words, lower case, accents folded."""
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    for each in (tantivy.Filter.remove_long(LONGEST_WORD), tantivy.Filter.lowercase(), tantivy.Filter.ascii_fold()):
        builder = builder.filter(each)
    return builder


@functools.cache
def lower_case() -> tantivy.TextAnalyzer:
    """Words in lower case, as the stop words are written."""
    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple()).filter(tantivy.Filter.lowercase()).build()


def analyze(text: str) -> list[str]:
    """The stems of `text` without stop words, in order, as the index holds them."""
    return [stem for word in lower_case().analyze(text) if word not in STOP_WORDS for stem in stems_of(word)]


def stems(text: str) -> list[str]:
    """All stems of `text`, those of stop words too, in order, as the index holds them."""
    return list(analyzer().analyze(text))


@functools.lru_cache(KNOWN)
def stems_of(word: str) -> tuple[str, ...]:
    """What the index makes of a word in lower case: its stem; nothing where it is too long."""
    return tuple(analyzer().analyze(word))


def unanalyzed(text: str) -> list[str]:
    """Words that are no stop words and yet leave no stem: the index leaves them out for their length.

    A clause of Chinese or Japanese is one such word.
    """
    return [word for word in lower_case().analyze(text) if word not in STOP_WORDS and not stems_of(word)]


def stop_words(text: str) -> int:
    """How many of its words are stop words."""
    return sum(word in STOP_WORDS for word in lower_case().analyze(text))


@functools.cache
def without_stems() -> tantivy.TextAnalyzer:
    """Words in lower case, accents folded."""
    return folding().build()


def folded(word: str) -> str:
    """One word in lower case, its accents folded; empty where the index leaves it out for its length."""
    return "".join(without_stems().analyze(word))


def schema() -> tantivy.Schema:
    """A passage: its key, its document's key, and its words."""
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("key", fast=True)
    builder.add_unsigned_field("document", indexed=True)
    builder.add_text_field("words", tokenizer_name=ANALYZER)
    return builder.build()


class LexicalIndex:
    """A tantivy folder, memory-mapped."""

    def __init__(self, index: tantivy.Index) -> None:
        index.register_tokenizer(ANALYZER, analyzer())
        index.reload()
        self.schema = index.schema
        self.searcher = index.searcher()

    @classmethod
    def build(cls, folder: Path, rows: Iterable[tuple[int, int, str]]) -> None:
        """Writes `(passage key, document key, words)` rows into a new folder as one segment, or raises `OSError`."""
        folder.mkdir()
        try:
            index = tantivy.Index(schema(), path=str(folder))
            index.register_tokenizer(ANALYZER, analyzer())
            writer = index.writer(WRITER_BYTES, WRITER_THREADS)
            for key, document, words in rows:
                fields = {"key": key, "document": document, "words": words}
                writer.add_document(tantivy.Document.from_dict(fields, index.schema))
            writer.commit()
            writer.wait_merging_threads()
        except ValueError as error:  # tantivy's word for a full disk
            raise OSError(f"tantivy: {error}") from error
        for lock in folder.glob(".tantivy-*.lock"):
            lock.unlink()

    @classmethod
    def load(cls, folder: Path) -> "LexicalIndex":
        """From a folder that has been verified."""
        try:
            return cls(tantivy.Index.open(str(folder)))
        except ValueError as error:
            raise DamagedIndexError(f"{folder} is not a tantivy index: {str(error)[:100]}") from error

    def search(self, words: Sequence[str], k: int, documents: Sequence[int] | None = None) -> list[tuple[int, float]]:
        """The `k` best keys for the stems of `analyze` with their BM25, best first, ties by key.

        `documents`, where given, are the keys of the only documents to look in.
        """
        if not words or (documents is not None and not documents):
            return []
        terms = [(tantivy.Occur.Should, tantivy.Query.term_query(self.schema, "words", word)) for word in words]
        query = tantivy.Query.boolean_query(terms)
        if documents is not None:
            only = tantivy.Query.term_set_query(self.schema, "document", list(documents))
            filtered = tantivy.Query.const_score_query(only, 0.0)
            query = tantivy.Query.boolean_query([(tantivy.Occur.Must, query), (tantivy.Occur.Must, filtered)])
        found = self.searcher.search(query, limit=k, count=False).hits
        keys = self.searcher.fast_field_values("key", [address for _, address in found])
        pairs = [(int(key or 0), float(score)) for key, (score, _) in zip(keys, found, strict=True)]
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))

    def document_frequency(self, stem: str) -> int:
        """In how many passages a stem of `analyze` occurs."""
        return int(self.searcher.doc_freq("words", stem))

    def __len__(self) -> int:
        return int(self.searcher.num_docs)
