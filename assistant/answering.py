"""`Assistant.ask(question) -> Answer`: the whole way from a question to a cited answer. Read this file first."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.abstention import Judgment, judge
from assistant.conversation import leans, own_words, understand
from assistant.errors import QuestionError, WriterError
from assistant.evidence import Evidence, find_evidence, weights
from assistant.parts import as_asked, parts_of
from assistant.reading import READ, READ_OF_PART, Reader, open_reader, read_evidence
from assistant.remarks import dated
from assistant.reranking import retriever_for
from assistant.retrieval import Retrieved, Retriever, retrieve_parts
from assistant.settings import MAX_QUESTION, AssistantSettings
from assistant.timing import Stopwatch, timed
from assistant.types import Answer, AnswerSentence, NearArticle, Turn
from assistant.writing.draft import Draft
from assistant.writing.extractive import Part, write_extract
from index.controls import CONTROLS
from index.errors import SettingsError
from index.filters import EVERYTHING, Filters
from index.opening import open_index
from index.protocol import Index
from index.settings import IndexSettings
from index.types import ScoredPassage

if TYPE_CHECKING:
    from assistant.writing.llm import LanguageModel

__all__ = ["Assistant"]

NEAREST = 3  # articles named when a question is not covered
WIDER = 100  # passages searched for them


class Assistant:
    """An index, a retriever and a writer. Safe to share between threads; opening is the slow part."""

    def __init__(
        self,
        index: Index,
        settings: AssistantSettings,
        retriever: Retriever | None = None,
        language_model: Any = None,
        reader: Reader | None = None,
    ) -> None:
        self.index = index
        self.settings = settings
        self.retriever = retriever or retriever_for(index, settings)
        self.model = bounded(language_model, index, settings)
        self.reader = reader

    @classmethod
    def open(cls, home: str | Path | None = None, **settings: Any) -> "Assistant":
        """The assistant over the live index of `home` (default: the setting `home`).

        Keyword arguments override settings of either class by name.
        """
        if unknown := settings.keys() - IndexSettings.model_fields.keys() - AssistantSettings.model_fields.keys():
            raise SettingsError(f"No setting is called {min(unknown)}. See all settings with: python app.py settings")
        index = open_index(IndexSettings.load(home=Path(home) if home else None, **settings))
        return cls.over(index, AssistantSettings.load(**settings))

    @classmethod
    def over(cls, index: Index, settings: AssistantSettings) -> "Assistant":
        """The assistant over an index that is open, with the writer that the settings name."""
        reader = open_reader(index.models) if settings.reader else None
        if not settings.llm_model:
            return cls(index, settings, reader=reader)
        from assistant.writing.llm import LanguageModel

        return cls(index, settings, language_model=LanguageModel.configured(settings, index), reader=reader)

    def search(self, question: str, k: int | None = None, filters: Filters = EVERYTHING) -> tuple[ScoredPassage, ...]:
        """The `k` best passages for a question or a few words, best first."""
        question = checked(question)
        return self.retriever.retrieve(question, k or self.settings.passages, filters).passages

    def ask(
        self, question: str, history: Sequence[Turn] = (), filters: Filters = EVERYTHING, address: str = ""
    ) -> Answer:
        """The whole answer. `QuestionError` for a question that cannot be asked; "not covered" is an answer."""
        *_, answer = self.stream(question, history, filters, address)
        return answer

    def stream(
        self, question: str, history: Sequence[Turn] = (), filters: Filters = EVERYTHING, address: str = ""
    ) -> Iterator[Answer]:
        """The answer as it grows: each one whole in itself, the last one final; the same again while nothing is new.

        `address` is the asker's, for a language model's budget, and goes nowhere else. Closing the iterator ends a
        language model's call within a moment.
        """
        watch = Stopwatch()
        asked = checked(question)
        with watch.stage("understanding"):
            spelt = self.index.respell(asked)
            understood = self.understood(spelt, history, address)
        retrieved, evidence, judgment, told, untold = self.found(spelt, understood, filters, watch)
        answer = self.unwritten(asked, understood, retrieved, judgment, untold)
        if answer.outcome == "answered":
            before = answer.notices
            for draft, writer in self.drafts(understood, evidence, told, retrieved, watch, address):
                if draft is not None:
                    answer = replace(
                        answer,
                        sentences=draft.sentences,
                        citations=draft.citations,
                        writer=writer,
                        ledger=ledger(draft),
                        notices=(*before, *draft.notices),
                    )
                yield replace(answer, timings_ms=watch.milliseconds())
        if answer.writer == "llm" and not answer.sentences:  # the model read the passages and found nothing
            answer = replace(answer, outcome="not_covered", nearest=self.nearest(understood, retrieved))
        yield replace(answer, timings_ms=watch.milliseconds())

    def covers(self, question: str, filters: Filters = EVERYTHING) -> bool:
        """Whether the evidence suffices to answer the question by itself: what `stream` judges before it writes."""
        spelt = self.index.respell(checked(question))
        judgment = self.found(spelt, understand(spelt, ()), filters, Stopwatch())[2]
        return judgment.confidence >= self.settings.abstention_threshold

    def found(
        self, asked: str, understood: str, filters: Filters, watch: Stopwatch
    ) -> tuple[Retrieved, list[Evidence], Judgment, list[Part], list[str]]:
        """The passages, their sentences, and what `judged` says of them."""
        with watch.stage("retrieval"):
            parts = parts_of(understood)
            retrieved, by_part = retrieve_parts(self.retriever, understood, parts, self.settings.passages, filters)
        with watch.stage("evidence"):
            evidence = self.evidence(asked, understood, retrieved)
            return retrieved, evidence, *self.judged(understood, evidence, retrieved, parts, by_part)

    def understood(self, asked: str, history: Sequence[Turn], address: str) -> str:
        """The question as it is searched for: a follow-up completed, by the language model where the settings say."""
        spelt = [replace(turn, content=self.index.respell(turn.content)) for turn in history]
        if self.model is not None and self.settings.llm_follow_ups and spelt and leans(asked):
            return self.model.complete(asked, spelt, address) or understand(asked, spelt)
        return understand(asked, spelt)

    def evidence(self, asked: str, understood: str, retrieved: Retrieved, most: int = READ) -> list[Evidence]:
        """The sentences, best first: the subject finds the passages, what is asked of it the sentence."""
        with timed("evidence/sentences"):
            found = find_evidence(self.index, own_words(asked, understood), retrieved)
        with timed("evidence/reading"):
            return read_evidence(self.reader, understood, found, most) if self.reader else found

    def judged(
        self,
        question: str,
        evidence: Sequence[Evidence],
        retrieved: Retrieved,
        parts: Sequence[str],
        by_part: Sequence[Retrieved],
    ) -> tuple[Judgment, list[Part], list[str]]:
        """How far the evidence answers, the parts that it covers, each with its own evidence, and those it does not.

        A question of several parts is as sure as the best of them, or as the whole where that is surer.
        """
        judgment = judge(self.index, question, retrieved, evidence)
        told, untold = [], []
        for part, found in zip(parts, by_part, strict=True):
            its_own = self.evidence(part, part, found, READ_OF_PART)
            one = judge(self.index, part, found, its_own)
            judgment = replace(judgment, confidence=max(judgment.confidence, one.confidence))
            if one.confidence >= self.settings.abstention_threshold:
                told.append(Part(part, its_own))
            else:
                untold.append(as_asked(part))
        return judgment, told, untold

    def drafts(
        self,
        question: str,
        evidence: Sequence[Evidence],
        parts: Sequence[Part],
        retrieved: Retrieved,
        watch: Stopwatch,
        address: str,
    ) -> Iterator[tuple[Draft | None, str]]:
        """Growing drafts with the writer's name; None while a model says nothing new.

        The extractive writer steps in for a failing model.
        """
        notices: tuple[str, ...] = ()
        withdrawn: tuple[AnswerSentence, ...] = ()
        if self.model is not None:
            try:
                with watch.stage("writing"):
                    yield from ((draft, "llm") for draft in self.model.write(question, retrieved, self.index, address))
                return
            except WriterError as error:
                notices = (f"{error}; these are the articles' own sentences.",)
                withdrawn = error.withdrawn
        with watch.stage("writing"):
            draft = write_extract(evidence, self.index.document, question, partial(weights, self.index), parts)
        for length in range(1, len(draft.sentences) + 1):
            numbers = {number for sentence in draft.sentences[:length] for number in sentence.citations}
            cited = tuple(citation for citation in draft.citations if citation.number in numbers)
            yield Draft(draft.sentences[:length], cited, notices, withdrawn), "extractive"

    def unwritten(
        self, asked: str, understood: str, retrieved: Retrieved, judgment: Judgment, untold: Sequence[str]
    ) -> Answer:
        """The answer before a writer has begun: the outcome, and for "not covered" the nearest articles."""
        covered = judgment.confidence >= self.settings.abstention_threshold
        best = retrieved.passages[:1]
        missing = dated(judgment.missing, self.index.document(best[0].passage.doc_id)) if best else judgment.missing
        return Answer(
            question=asked,
            understood=understood,
            outcome="answered" if covered else "not_covered",
            sentences=(),
            citations=(),
            passages=retrieved.passages,
            missing=(*missing, *(untold if covered else ())),
            nearest=() if covered else self.nearest(understood, retrieved),
            confidence=round(judgment.confidence, 4),
            writer="none",
            generation=self.index.status().generation,
            ledger=ledger(Draft((), ())),
            notices=(self.index.warning,) if self.index.warning else (),
        )

    def nearest(self, question: str, retrieved: Retrieved) -> tuple[NearArticle, ...]:
        """The articles of the best passages, best first; a wider search where those are fewer than three."""
        best: dict[str, float] = {}
        passages = retrieved.passages
        if len({each.passage.doc_id for each in passages}) < NEAREST:
            passages = (*passages, *self.retriever.retrieve(question, WIDER, EVERYTHING).passages)
        for each in passages:
            best.setdefault(each.passage.doc_id, max(0.0, each.dense))
        found = [(self.index.document(name), score) for name, score in list(best.items())[:NEAREST]]
        return tuple(
            NearArticle(document.doc_id, document.title, str(document.metadata.get("summary") or ""), round(score, 4))
            for document, score in found
        )


def checked(question: str) -> str:
    """The question without characters that nobody sees and outer white space, its letters in their usual form (NFKC).

    So a ligature, full-width letters or a soft hyphen find what the plain word finds. `QuestionError` where it is
    empty, too long, or has no words.
    """
    question = CONTROLS.sub(" ", question).strip()
    if not question.isascii() and len(question) <= MAX_QUESTION:  # a longer one is refused below, as it was typed
        question = usual(question)
    if not question:
        raise QuestionError('The question is empty. Ask one, for example: python app.py ask "How did the talks start?"')
    if not any(character.isalnum() for character in question):
        raise QuestionError(f"The question {question[:20]!r} has no words in it. Ask it in a sentence or a few words")
    if len(question) > MAX_QUESTION:
        raise QuestionError(
            f"The question has {len(question):,} characters; at most {MAX_QUESTION:,} are read. Ask it in fewer words"
        )
    return question


def usual(text: str) -> str:
    """The text in NFKC without characters that nobody sees."""
    from index.readers.characters import without_hidden  # late: the package brings all readers along

    return unicodedata.normalize("NFKC", without_hidden(text)[0]).strip()


def ledger(draft: Draft) -> dict[str, int]:
    """Sentences of a draft, counted by how they are supported; `invented` counts the numbers of passages that do not
    exist, `withdrawn` the sentences of a language model that are left out because the articles bear out none of them.
    """
    support = [sentence.support for sentence in draft.sentences]
    return {
        "sentences": len(support),
        "quoted": support.count("quoted"),
        "supported": support.count("supported"),
        "unsupported": support.count("unsupported"),
        "uncited": sum(not sentence.citations for sentence in draft.sentences),
        "invented": sum(len(sentence.invented) for sentence in (*draft.sentences, *draft.withdrawn)),
        "withdrawn": len(draft.withdrawn),
    }


def bounded(model: Any, index: Index, settings: AssistantSettings) -> "LanguageModel | None":
    """A llama-index LLM object with deadlines and a budget; one that has these, or None, as it is."""
    if model is None:
        return None
    from assistant.writing.llm import LanguageModel

    return model if isinstance(model, LanguageModel) else LanguageModel.given(model, settings, index)
