"""Receipts: an answer with all that decided it, in one JSON file; `replay` asks again and names what has changed.

A receipt holds no key: secret settings are left out, and whatever an address names before its host.
"""

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.errors import ReceiptError
from assistant.types import Answer, Turn
from index.controls import CONTROLS
from index.embedding.models import sha256
from index.errors import UnknownDocumentError
from index.filters import EVERYTHING, Filters
from index.generation import Generation, digest_of, replace

if TYPE_CHECKING:
    from assistant.answering import Assistant

__all__ = [
    "FORMAT",
    "Receipt",
    "ReceiptError",
    "Replay",
    "filters_of",
    "from_json",
    "read_receipt",
    "receipt_of",
    "replay",
    "to_json",
    "write_receipt",
]

FORMAT = 2
SAME = 1e-6  # scores nearer than this are one: a generation's vectors never change, so only rounding remains
BESIDE = ("question", "understood", "passages", "generation", "timings_ms")  # told beside an answer, or not at all
USERINFO = re.compile(r"(?<=//)[^/@]*@")  # name and password of an address


@dataclass(frozen=True, slots=True)
class Receipt:
    """One question and all that decided its answer; every field is plain JSON.

    `generation`: name, and SHA-256 of its content and its manifest. `models`: the embedder's name, and SHA-256 of the
    embedder, the reader ("" without one) and the coefficients of confidence. `passages`: passage_id, doc_id and score,
    best first. `prompt`: SHA-256 of what a language model was sent, "" where none wrote the answer. `articles`: title
    and version of each article cited or found, by its doc_id. `answer`: `Answer.to_json` without what stands beside it.
    """

    question: str
    understood: str
    history: list[dict[str, str]]
    filters: dict[str, Any]
    settings: dict[str, Any]
    generation: dict[str, str]
    models: dict[str, str]
    passages: list[dict[str, Any]]
    articles: dict[str, dict[str, str]]
    prompt: str
    answer: dict[str, Any]

    @property
    def cited(self) -> set[str]:
        """The doc_ids that the answer cites."""
        return {each["doc_id"] for each in self.answer["citations"]}


@dataclass(frozen=True, slots=True)
class Replay:
    """What asking again showed: nothing, or a sentence for each change."""

    changes: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """Whether nothing has changed."""
        return not self.changes


def receipt_of(
    assistant: "Assistant", answer: Answer, history: Sequence[Turn] = (), filters: Filters = EVERYTHING
) -> Receipt:
    """The receipt of an answer that `assistant` gave to `answer.question` with this history and these filters."""
    titles = {each.passage.doc_id: each.passage.title for each in answer.passages}
    titles |= {each.doc_id: each.title for each in answer.citations}
    versions = {name: assistant.index.document(name).version for name in sorted(titles)}
    found = {
        "question": answer.question,
        "understood": answer.understood,
        "history": [asdict(turn) for turn in history],
        "filters": asdict(filters),
        "settings": settings_of(assistant),
        "generation": generation_of(assistant),
        "models": models_of(assistant),
        "passages": [
            {"passage_id": each.passage.passage_id, "doc_id": each.passage.doc_id, "score": each.score}
            for each in answer.passages
        ],
        "articles": {name: {"title": titles[name], "version": version} for name, version in versions.items()},
        "prompt": prompt_of(assistant, answer),
        "answer": told(assistant, answer),
    }
    return Receipt(**json.loads(json.dumps(found)))  # as a file gives it back: lists, no tuples


def settings_of(assistant: "Assistant") -> dict[str, Any]:
    """Settings by name, none of them secret: the assistant's, and those that the passages were cut with."""
    plain = assistant.settings.model_dump(mode="json", exclude={"llm_api_key"})
    plain["llm_base_url"] = USERINFO.sub("", plain["llm_base_url"])
    return {**plain, **manifest_of(assistant).get("settings", {})}


def manifest_of(assistant: "Assistant") -> Mapping[str, Any]:
    """The manifest of a generation on this machine; empty for an index elsewhere."""
    generation = getattr(assistant.index, "generation", None)
    return generation.manifest if isinstance(generation, Generation) else {}


def generation_of(assistant: "Assistant") -> dict[str, str]:
    """Name and digests of what is being served; the digests are "" for an index elsewhere."""
    manifest = manifest_of(assistant)
    return {
        "name": assistant.index.status().generation,
        "content": str(manifest.get("content", "")),
        "manifest": digest_of(manifest) if manifest else "",
    }


def models_of(assistant: "Assistant") -> dict[str, str]:
    """Names and digests of the models that decide an answer, a language model aside: its name is a setting."""
    from assistant.abstention import COEFFICIENTS
    from assistant.reading import ADAPTER

    status = assistant.index.status()
    return {
        "embedder": status.embedder,
        "embedder_digest": status.embedder_digest,
        "reader_digest": sha256(ADAPTER) if assistant.reader else "",
        "confidence_digest": sha256(COEFFICIENTS),
    }


def prompt_of(assistant: "Assistant", answer: Answer) -> str:
    """SHA-256 of the prompt that the language model was sent; "" where none wrote the answer."""
    if answer.writer != "llm":
        return ""
    from assistant.writing.prompts import SYSTEM, ask_prompt, within_budget

    passages = within_budget([each.passage for each in answer.passages], assistant.settings.llm_context_tokens)
    return hashlib.sha256(f"{SYSTEM}\n\n{ask_prompt(answer.understood, passages)}".encode()).hexdigest()


def told(assistant: "Assistant", answer: Answer) -> dict[str, Any]:
    """The answer as JSON, without what stands beside it; a server's error may repeat the key, so that goes too."""
    plain = {name: value for name, value in answer.to_json().items() if name not in BESIDE}
    if key := assistant.settings.llm_api_key.get_secret_value():
        plain["notices"] = [notice.replace(key, "***") for notice in plain["notices"]]
    return plain


def write_receipt(path: Path, receipt: Receipt) -> None:
    """Writes the file whole or not at all; an older one of that name is replaced."""
    if path.exists() and not path.is_file():
        raise ReceiptError(f"The receipt {path} cannot be written: it is no file. Name one, for example receipt.json")
    try:
        replace(path, json.dumps(to_json(receipt), ensure_ascii=False, indent=1) + "\n")
    except OSError as error:
        raise ReceiptError(f"The receipt {path} cannot be written: {error.strerror}") from error


def read_receipt(path: Path) -> Receipt:
    """The receipt of a file; `ReceiptError` where it is none, or of another format."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReceiptError(f"The receipt {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ReceiptError(f"The receipt {path} is not JSON. Write one with: ask QUESTION --receipt {path}") from error
    if not isinstance(entry, dict) or "format" not in entry:
        raise ReceiptError(f"{path} is no receipt: it names no format. Write one with: ask QUESTION --receipt {path}")
    return from_json(entry, f"The receipt {path}")


def to_json(receipt: Receipt) -> dict[str, Any]:
    """As a file and a browser keep it."""
    return {"format": FORMAT, **asdict(receipt)}


def from_json(entry: Mapping[str, Any], named: str) -> Receipt:
    """The receipt of such an object; `ReceiptError`, which calls it `named`, for another format or a wrong shape."""
    if entry.get("format") != FORMAT:
        raise ReceiptError(
            f"{named} has format {str(entry.get('format'))[:20]}; this program reads format {FORMAT}. "
            f"Ask its question again with --receipt"
        )
    if missing := [name for name in SHAPES if not shaped(entry.get(name), SHAPES[name])]:
        raise ReceiptError(f"{named} is damaged: its {missing[0]} is missing or of another kind")
    return Receipt(**{name: entry[name] for name in SHAPES})


def filters_of(receipt: Receipt) -> Filters:
    """The filters that its question was asked with."""
    return Filters(**{each.name: as_given(receipt.filters[each.name]) for each in fields(Filters)})


# What each field must look like: a type, [the shape of each], {"*": the shape of each} or {name: its shape}.
SHAPES: dict[str, Any] = {
    "question": str,
    "understood": str,
    "history": [{"role": str, "content": str}],
    "filters": {"since": (int, None), "until": (int, None), "regions": [str], "topics": [str], "track": [str]},
    "settings": {"*": object},
    "generation": {"name": str, "content": str, "manifest": str},
    "models": {"embedder": str, "embedder_digest": str, "reader_digest": str, "confidence_digest": str},
    "passages": [{"passage_id": str, "doc_id": str, "score": float}],
    "articles": {"*": {"title": str, "version": str}},
    "prompt": str,
    "answer": {"sentences": [{"text": str}], "citations": [{"doc_id": str}]},
}


def shaped(value: Any, shape: Any) -> bool:
    """Whether a JSON value has the shape; an object may have more fields than it names."""
    if isinstance(shape, list):
        return isinstance(value, list) and all(shaped(each, shape[0]) for each in value)
    if isinstance(shape, tuple):
        return value is None or shaped(value, shape[0])
    if isinstance(shape, dict):
        named = {name: each for name, each in shape.items() if name != "*"}
        return (
            isinstance(value, dict)
            and all(shaped(value.get(name), each) for name, each in named.items())
            and ("*" not in shape or all(shaped(each, shape["*"]) for each in value.values()))
        )
    return isinstance(value, (int, float) if shape is float else shape)


def replay(receipt: Receipt, assistant: "Assistant") -> Replay:
    """Asks the receipt's question again and compares."""
    history = [Turn(turn["role"], turn["content"]) for turn in receipt.history]
    filters = filters_of(receipt)
    again = receipt_of(assistant, assistant.ask(receipt.question, history, filters), history, filters)

    def version_now(doc_id: str) -> str:
        try:
            return assistant.index.document(doc_id).version
        except UnknownDocumentError:
            return ""

    return Replay(tuple(CONTROLS.sub("", change) for change in changes(receipt, again, version_now)))


def as_given(value: Any) -> Any:
    """A filter's value as `Filters` has it."""
    return tuple(value) if isinstance(value, list) else value


def changes(then: Receipt, now: Receipt, version_now: Callable[[str], str]) -> list[str]:
    """A sentence for each change, causes first; `version_now` is "" for an article that is gone."""
    causes = [*edited(then, version_now), *set_otherwise(then, now), *moved(then, now)]
    effects = [
        name
        for name, before, after in (
            ("question as understood", then.understood, now.understood),
            ("passages found", then.passages, now.passages),
            ("prompt", then.prompt, now.prompt),
            *((name, then.answer.get(name), now.answer.get(name)) for name in sorted({*then.answer, *now.answer})),
        )
        if not alike(before, after)
    ]
    if not effects:
        return [*causes, "The answer is the same."] if causes else []
    differs = f"The answer differs in: {', '.join(effects)}"
    return [*causes, f"{differs}."] if causes else [f"{differs}; yet no article, setting, model or generation changed."]


def edited(then: Receipt, version_now: Callable[[str], str]) -> Iterator[str]:
    """The articles of the receipt that are no longer what they were, those that it cites first."""
    for doc_id in sorted(then.articles, key=lambda name: (name not in then.cited, name)):
        article = then.articles[doc_id]
        if (version := version_now(doc_id)) != article["version"]:
            role = "cited" if doc_id in then.cited else "found but not cited"
            what = "has changed" if version else "is gone"
            yield f'The article "{article["title"]}" ({doc_id}), {role}, {what}.'


def set_otherwise(then: Receipt, now: Receipt) -> Iterator[str]:
    """The settings that differ."""
    for name in sorted({*then.settings, *now.settings}):
        before, after = then.settings.get(name), now.settings.get(name)
        if not alike(before, after):
            yield f"The setting {name} was {json.dumps(before)} and is {json.dumps(after)}."


def moved(then: Receipt, now: Receipt) -> Iterator[str]:
    """Generation and models, where they differ. Two generations of the same content are one."""
    by = "content" if then.generation["content"] and now.generation["content"] else "name"
    if then.generation[by] != now.generation[by]:
        yield f"The generation was {then.generation['name']} and is {now.generation['name']}."
    before, after = (f"{each.models['embedder']} ({each.models['embedder_digest'][:12]})" for each in (then, now))
    if before != after:
        yield f"The embedder was {before} and is {after}."
    for name in ("reader", "confidence"):
        old, new = then.models[f"{name}_digest"], now.models[f"{name}_digest"]
        if old != new:
            what = "The reader" if name == "reader" else "The formula of confidence"
            yield f"{what} was {old[:12] or 'left out'} and is {new[:12] or 'left out'}."


def alike(before: Any, after: Any) -> bool:
    """Whether two JSON values are the same, numbers within `SAME`."""
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(alike(before[name], after[name]) for name in before)
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(alike, before, after))
    if isinstance(before, float) or isinstance(after, float):
        numbers = isinstance(before, int | float) and isinstance(after, int | float)
        return numbers and math.isclose(before, after, rel_tol=0, abs_tol=SAME)
    return bool(before == after)
