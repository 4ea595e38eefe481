"""The network of a model that reads two texts at once: the packaged encoder, changed at a low rank, with two heads.

An adapter file holds what differs from the encoder: for each linear layer two thin matrices whose product is added to
its weights (LoRA: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022), the biases, norms and
segment vectors as they became, and the heads. Needs torch: only training and the one export do.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

__all__ = ["merge", "new_network", "read_adapter", "trained", "write_adapter"]

SCALE = 2.0  # what the product of the thin matrices is multiplied with
DROPOUT = 0.1  # before the score, in training; the encoder has its own
LAYERS = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
ALSO = ("LayerNorm", "token_type", ".inner.bias")  # parameters of the encoder that are trained whole


def new_network(encoder: Path, rank: int) -> "torch.nn.Module":
    """The encoder in the folder `encoder` with heads, and `rank` more columns a linear layer (0: all of it is trained).

    Called with ids, segments and mask, each (pairs, tokens), it gives scores (pairs,) and, for each token, how likely
    a short answer starts and ends there (pairs, tokens, 2).
    """
    import torch
    from safetensors.torch import load_file
    from transformers import BertConfig, BertModel

    class Thin(torch.nn.Module):
        """A linear layer plus the product of two thin matrices."""

        def __init__(self, inner: torch.nn.Linear) -> None:
            super().__init__()
            self.inner = inner
            self.down = torch.nn.Parameter(torch.randn(rank, inner.in_features) / math.sqrt(inner.in_features))
            self.up = torch.nn.Parameter(torch.zeros(inner.out_features, rank))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            thin = torch.nn.functional.linear(torch.nn.functional.linear(x, self.down), self.up)
            return torch.add(self.inner(x), thin, alpha=SCALE)

    class Pairs(torch.nn.Module):
        """Encoder and heads."""

        def __init__(self) -> None:
            super().__init__()
            described = json.loads((encoder / "config.json").read_text(encoding="utf-8"))
            self.encoder = BertModel(BertConfig(**described), add_pooling_layer=False)
            self.encoder.load_state_dict(load_file(str(encoder / "model.safetensors")), strict=False)  # but the pooler
            width = int(self.encoder.config.hidden_size)
            self.dropout = torch.nn.Dropout(DROPOUT)
            self.score = torch.nn.Linear(2 * width, 1)
            self.span = torch.nn.Linear(width, 2)

        def forward(
            self, ids: torch.Tensor, segments: torch.Tensor, mask: torch.Tensor
        ) -> tuple[torch.Tensor, torch.Tensor]:
            encoded = self.encoder(input_ids=ids, token_type_ids=segments, attention_mask=mask).last_hidden_state
            there = mask.unsqueeze(-1).to(encoded.dtype)
            mean = (encoded * there).sum(1) / there.sum(1)
            whole = self.dropout(torch.cat([encoded[:, 0], mean], -1))
            return self.score(whole).squeeze(-1), self.span(encoded)

    network = Pairs()
    if rank:
        network.encoder.requires_grad_(False)
        for owner, name in linears(network):
            setattr(owner, name, Thin(getattr(owner, name)))
        for name, parameter in network.encoder.named_parameters():
            parameter.requires_grad_(any(part in name for part in (*ALSO, ".down", ".up")))
    return network


def linears(network: Any) -> Iterator[tuple[Any, str]]:
    """Each linear layer of the encoder as its owner and its name there."""
    for layer in network.encoder.encoder.layer:
        for path in LAYERS:
            owner, _, name = path.rpartition(".")
            yield layer.get_submodule(owner), name


def trained(network: Any) -> "dict[str, torch.Tensor]":
    """What an adapter file holds."""
    return {name: each.detach() for name, each in network.named_parameters() if each.requires_grad}


def write_adapter(network: Any, path: Path) -> None:
    """The trained parameters in half precision."""
    from safetensors.torch import save_file

    save_file({name: each.half().cpu().contiguous() for name, each in trained(network).items()}, str(path))


def read_adapter(network: Any, path: Path) -> None:
    """Puts an adapter's parameters into a network of its rank; `ValueError` where they do not fit."""
    from safetensors.torch import load_file

    found = load_file(str(path))
    wanted = trained(network)
    if found.keys() != wanted.keys():
        raise ValueError(f"{path.name} does not fit: {sorted(found.keys() ^ wanted.keys())[:3]}")
    for name, each in wanted.items():
        each.copy_(found[name])


def merge(network: Any) -> Any:
    """The same network with the thin matrices added to the weights."""
    for owner, name in linears(network):
        thin = getattr(owner, name)
        if hasattr(thin, "down"):
            thin.inner.weight.data += SCALE * thin.up.data @ thin.down.data
            setattr(owner, name, thin.inner)
    return network.eval()
