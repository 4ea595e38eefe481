"""A conversation as a browser keeps it: receipts, oldest first. It comes back from there, so none of it is believed.

`read` checks its shape and its size, `borne_out` its citations against the generation that they name.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from pydantic import TypeAdapter, ValidationError

from assistant.errors import ConversationError, ReceiptError
from assistant.receipts import Receipt, from_json
from assistant.types import Answer, AnswerSentence, Citation, Turn
from assistant.writing.draft import citation_of
from index.errors import BackchannelError
from index.protocol import Index
from index.types import Document, Span

__all__ = ["CUT", "LARGEST", "LONGEST", "answer_of", "borne_out", "read", "turns_of"]

LONGEST = 200  # exchanges; the page begins a new conversation long before
LARGEST = 900_000  # characters; a request's body may have 1,000,000 bytes, and an exchange takes some 6,000
CUT = "…"  # ends a sentence that was stopped
ANSWER: TypeAdapter[Answer] = TypeAdapter(Answer)


def read(text: str) -> tuple[Receipt, ...]:
    """The receipts of a JSON list of them, "" being none; `ConversationError` for anything else."""
    if len(text) > LARGEST:
        raise ConversationError(f"The conversation has {len(text):,} characters; at most {LARGEST:,}. Begin a new one")
    try:
        entries = json.loads(text or "[]")
    except (ValueError, RecursionError) as error:
        raise ConversationError("The conversation is not JSON. Begin a new one") from error
    if not isinstance(entries, list) or not all(isinstance(each, Mapping) for each in entries):
        raise ConversationError("The conversation is no list of receipts. Begin a new one")
    if len(entries) > LONGEST:
        raise ConversationError(f"The conversation has {len(entries):,} exchanges; at most {LONGEST}. Begin a new one")
    try:
        receipts = tuple(from_json(each, f"Exchange {n} of the conversation") for n, each in enumerate(entries, 1))
    except ReceiptError as error:
        raise ConversationError(str(error)) from error
    for number, receipt in enumerate(receipts, 1):
        try:
            answer_of(receipt)
        except ConversationError as error:
            raise ConversationError(f"Exchange {number} of the conversation is damaged: {error}") from error
    return receipts


def answer_of(receipt: Receipt) -> Answer:
    """The answer that a receipt holds; the passages are not in it, and no time was measured."""
    beside = {
        "question": receipt.question,
        "understood": receipt.understood,
        "passages": (),
        "generation": receipt.generation["name"],
    }
    try:
        return ANSWER.validate_python({**receipt.answer, **beside})
    except (ValidationError, RecursionError) as error:
        raise ConversationError("its answer is of another kind. Begin a new conversation") from error


def turns_of(receipts: Iterable[Receipt]) -> tuple[Turn, ...]:
    """What was said, for a follow-up to lean upon."""
    turns: list[Turn] = []
    for receipt in receipts:
        said = answer_of(receipt).text or "The articles do not cover this."
        turns += [Turn("user", receipt.question), Turn("assistant", said)]
    return tuple(turns)


def borne_out(answer: Answer, index: Index) -> tuple[Answer, int]:
    """The answer without the citations whose words do not stand where they say, and how many those are.

    Each is checked against the article as the answer's generation has it, else as it is now, and made anew from there:
    title, source and date are the article's and not the browser's. Where neither is to be had any more, as after a
    withdrawal, the citation goes. A sentence that loses all its citations counts as unsupported, and so does one that
    says it is quoted and is not.
    """
    versions = articles_of(answer, index)
    found = [standing(each, versions(each.doc_id)) for each in answer.citations]
    kept = {each.number: each for each in found if each is not None}
    gone = sum(each is None for each in found)
    sentences = tuple(without(each, kept) for each in answer.sentences)
    return replace(answer, citations=tuple(kept.values()), sentences=sentences), gone


def articles_of(answer: Answer, index: Index) -> Callable[[str], tuple[Document, ...]]:
    """Finds an article by its id: as the answer's generation has it, and as it is now; none that is withdrawn."""
    documents = index if answer.generation == index.status().generation else index.past(answer.generation)
    found: dict[str, tuple[Document, ...]] = {}

    def versions(doc_id: str) -> tuple[Document, ...]:
        if doc_id not in found:
            try:
                now = index.document(doc_id)
                then = documents.document(doc_id) if documents is not None else None
                found[doc_id] = tuple(each for each in (then, now) if each is not None)
            except BackchannelError:
                found[doc_id] = ()
        return found[doc_id]

    return versions


def standing(citation: Citation, versions: Iterable[Document]) -> Citation | None:
    """The citation as the first version has it in which its words stand where it says; None where none does."""
    if not 0 <= citation.start < citation.end:
        return None
    for each in versions:
        if each.text[citation.start : citation.end] == citation.quote:
            return citation_of(each, Span(citation.start, citation.end), citation.number)
    return None


def without(sentence: AnswerSentence, kept: Mapping[int, Citation]) -> AnswerSentence:
    """The sentence with those of its citations only, and no more support than they give it."""
    left = tuple(number for number in sentence.citations if number in kept)
    support = sentence.support
    if not left or (support == "quoted" and not any(repeats(sentence.text, kept[number].quote) for number in left)):
        support = "unsupported"
    return replace(sentence, citations=left, support=support)


def repeats(text: str, quote: str) -> bool:
    """Whether a text is a quote, or its beginning where it was stopped; white space aside."""
    said, words = " ".join(text.split()), " ".join(quote.split())
    return said in words or (said.endswith(CUT) and words.startswith(said.removesuffix(CUT)))
