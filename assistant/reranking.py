"""The Reranker protocol, a sentence-transformers CrossEncoder as one, and the retriever that has it read the best."""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from assistant.errors import RerankerError
from assistant.retrieval import HybridRetriever, Retrieved, Retriever
from assistant.settings import AssistantSettings
from index.embedding.loading import LOADING, load, reason_of
from index.embedding.models import model_folder
from index.filters import Filters
from index.protocol import Index
from index.types import Passage, ScoredPassage

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

__all__ = ["CrossEncoderReranker", "Reranker", "RerankingRetriever", "retriever_for"]

BATCH = 16  # pairs read at once, of like length; 50 passages on two cores: 8 took 1.2 to 1.8 times as long, 32 the same
HEAD = "ForSequenceClassification"  # how transformers calls a model with a layer that scores a text or a pair
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


class Reranker(Protocol):
    """Anything that reads a question beside each passage and puts the passages into a better order."""

    def rerank(self, question: str, passages: Sequence[ScoredPassage]) -> tuple[ScoredPassage, ...]:
        """The same passages, best first, with new scores in [0, 1]; ties broken by passage_id.

        `dense` and `lexical` stay as they were.
        """
        ...


class CrossEncoderReranker:
    """A sentence-transformers CrossEncoder, on the processor. Remote code never runs; safetensors only.

    Scores are the logistic function of the model's one output, in [0, 1], whatever activation it was saved with: the
    order is that of `CrossEncoder.predict`. A probability they are only where it was trained with binary cross-entropy.
    Safe to share between threads; they take turns. Opening is the slow part.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.model = load_model(name)
        self.lock = Lock()  # the tokenizer keeps its truncation and padding in itself

    def rerank(self, question: str, passages: Sequence[ScoredPassage]) -> tuple[ScoredPassage, ...]:
        """See `Reranker`; it reads a passage's title and heading with it, as the embedder does."""
        pairs = [(question, read_text(each.passage)) for each in passages]
        with self.lock:
            logits = self.model.predict(pairs, batch_size=BATCH, show_progress_bar=False)
        if not np.isfinite(logits).all():
            raise RerankerError(
                f"The reranker {self.name} gave a score that is no number. Name another, or search without one: "
                f"BACKCHANNEL_RERANKER="
            )
        scores = np.exp(-np.logaddexp(0, -np.asarray(logits, np.float64)))
        scored = [replace(each, score=float(score)) for each, score in zip(passages, scores, strict=True)]
        return tuple(sorted(scored, key=lambda each: (-each.score, each.passage.passage_id)))


class RerankingRetriever:
    """Has a reranker read the best `depth` passages of any retriever; what lies beneath them keeps its order."""

    def __init__(self, retriever: Retriever, reranker: Reranker, depth: int) -> None:
        self.retriever = retriever
        self.reranker = reranker
        self.depth = depth

    def retrieve(self, question: str, k: int, filters: Filters = Filters()) -> Retrieved:  # noqa: B008 - frozen
        """See `Retriever`. Scores are those of the reranker, in [0, 1]; passages not read have lower ones."""
        found = self.retriever.retrieve(question, max(k, self.depth), filters)
        best = self.reranker.rerank(question, found.passages[: self.depth])
        others = beneath(found.passages[self.depth :], best[-1].score if best else 0.0)
        return Retrieved((*best, *others)[:k], found.vector)


def retriever_for(index: Index, settings: AssistantSettings) -> Retriever:
    """The retriever that the settings name. A reranker is loaded once and shared by all that ask for it."""
    hybrid = HybridRetriever(index, settings)
    if not settings.reranker:
        return hybrid
    return RerankingRetriever(hybrid, opened(settings.reranker), settings.reranker_depth)


@functools.lru_cache(maxsize=1)
def opened(name: str) -> CrossEncoderReranker:
    """The reranker of that name, kept for the next retriever: an evaluation makes one for every query."""
    return CrossEncoderReranker(name)


def read_text(passage: Passage) -> str:
    """Title and heading, one a line, then the passage; the tokenizer cuts off what the model cannot read."""
    return "\n".join(part for part in (passage.title, passage.heading, passage.text) if part)


def beneath(passages: Sequence[ScoredPassage], lowest: float) -> Iterator[ScoredPassage]:
    """The passages in the order given, their scores evenly spaced between `lowest` and 0, both excluded."""
    step = lowest / (len(passages) + 1)
    return (replace(each, score=lowest - place * step) for place, each in enumerate(passages, 1))


def load_model(name: str) -> "CrossEncoder":
    """The model, on the processor, giving logits; only safetensors, never code that comes with it.

    `RerankerError` in one sentence.
    """
    folder = model_folder(name)

    def opened(on_this_machine: bool) -> "CrossEncoder":
        from sentence_transformers import CrossEncoder

        model: CrossEncoder = CrossEncoder(
            str(folder or name),
            device="cpu",
            trust_remote_code=False,
            local_files_only=on_this_machine,
            model_kwargs={"use_safetensors": True},
            activation_fn=as_it_is,  # given, so that none named by the model is looked up
        )
        return model

    try:
        if folder:
            refuse_pickles(folder)
        elif name.startswith(("/", "./", "../", "~")):
            raise OSError("there is no such folder")
        return fit(load(opened, local=folder is not None))
    except LOADING as error:
        raise RerankerError(
            f"The reranker {name} cannot be loaded: {reason_of(error)}. Name a sentence-transformers CrossEncoder or "
            f"its folder, or search without one: BACKCHANNEL_RERANKER="
        ) from error


def as_it_is(logits: Any) -> Any:
    """No activation: a float32 logistic function would make ties of the best passages."""
    return logits


def refuse_pickles(folder: Path) -> None:
    """`ValueError` where weights lie in a pickle alone: one of the model's parts may be read from it otherwise."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in PICKLED and not any(path.parent.glob("*.safetensors")):
            raise ValueError(f"its weights are in {path.relative_to(folder)}, and only safetensors are read")


def fit(model: "CrossEncoder") -> "CrossEncoder":
    """The model, if it gives one number for a pair; `ValueError` for a classifier, or an embedder taken for one."""
    saved = getattr(model.config, "architectures", None) or []
    if type(model.model).__name__.endswith(HEAD) and not any(name.endswith(HEAD) for name in saved):
        raise ValueError(f"it is a {' or '.join(saved) or 'model'}, without the layer that scores a pair")
    if model.num_labels != 1:
        raise ValueError(f"it gives {model.num_labels} numbers for a pair, and a reranker gives one")
    return model
