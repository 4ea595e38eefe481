"""Exports a sentence-transformers model to one ONNX file, pooling and normalisation inside."""

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.embedding.models import seal
from index.embedding.word_rows import set_apart

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["export_onnx"]


def export_onnx(model: "SentenceTransformer", folder: Path, about: Mapping[str, Any]) -> None:
    """Writes model.onnx (pooling and normalisation inside), words.npy, tokenizer.json and export.json into `folder`.

    `dynamo=False`: the TorchScript exporter needs only the package onnx, and no optimum.
    """
    import torch

    encoded = model.tokenizer(["A longer text than the other", "A text"], padding=True, return_tensors="pt")
    names = [name for name in ("input_ids", "attention_mask", "token_type_ids") if name in encoded]

    class Sentence(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.modules_in_order = torch.nn.ModuleList(list(model))

        def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
            features: dict[str, Any] = dict(zip(names, tensors, strict=True))
            for module in self.modules_in_order:
                features = module(features)
            return torch.nn.functional.normalize(features["sentence_embedding"], dim=1)

    axes = {name: {0: "texts", 1: "tokens"} for name in names}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Sentence().eval(),
            tuple(encoded[name] for name in names),
            str(folder / "model.onnx"),
            input_names=names,
            output_names=["vectors"],
            dynamic_axes={**axes, "vectors": {0: "texts"}},
            opset_version=17,
            dynamo=False,
        )
    model.tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    prompts = model.prompts or {}
    described = {
        **about,
        "query_prompt": prompts.get("query", ""),
        "document_prompt": prompts.get("document", ""),
        "pad_token": model.tokenizer.pad_token or "[PAD]",
        "pad_id": model.tokenizer.pad_token_id or 0,
    }
    seal(folder, described, (*set_apart(folder / "model.onnx"), "tokenizer.json"))
