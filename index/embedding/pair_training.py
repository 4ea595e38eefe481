"""Trains an adapter of the packaged encoder on groups: a question and sentences that answer it, or do not.

In each group the sentences compete with one another and with "none of these", whose logit is 0: so the scores rank, and
say when nothing answers. In some groups those that answer are held back, and "none" is right.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from index.embedding.pair_network import new_network
from index.embedding.pairs import MOST_TOKENS
from index.progress import Progress, silent
from index.types import Span

if TYPE_CHECKING:
    import torch

__all__ = ["Candidate", "Group", "Recipe", "scores_of", "train_adapter"]

HARDEST = 4  # of a group's wrong sentences these, which come first, are always there; the rest are drawn
NEVER = -1e4  # a logit of what is not there


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence as it is read; whether it answers, and where in it the short answer stands."""

    text: str
    answers: bool
    short: Span | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A question and its candidates, the hardest of the wrong ones first; `type` only tells groups apart in reports."""

    question: str
    type: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a training is made of. On one H200 the default takes four minutes, on two processor cores some hours."""

    rank: int = 8
    epochs: int = 5
    rate: float = 1e-3  # learning rate at its highest, after 6 % of the steps; it falls to 0 at the end
    groups: int = 32  # in one step
    sentences: int = 12  # of a group in one step, at most
    held_back: float = 0.3  # share of the groups whose answers are left out
    single: float = 0.5  # weight of each sentence's own loss, yes or no, beside the group's
    yes: float = 3.0  # weight of a sentence that answers, in that loss
    spans: float = 0.5  # weight of the loss of where short answers start and end
    decay: float = 0.01
    seed: int = 0


class Encoded:
    """All pairs of all groups as tokens, one row each."""

    def __init__(self, groups: Sequence[Group], encoder: Path, device: str) -> None:
        import tokenizers
        import torch

        tokenizer = tokenizers.Tokenizer.from_file(str(encoder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(MOST_TOKENS, strategy="longest_first")
        flat = [(group.question, each) for group in groups for each in group.candidates]
        encoded = tokenizer.encode_batch([(question, each.text) for question, each in flat])
        ids = np.zeros((len(flat), MOST_TOKENS), dtype=np.int64)
        self.lengths = np.array([len(each.ids) for each in encoded])
        for row, each in zip(ids, encoded, strict=True):
            row[: len(each.ids)] = each.ids
        spans = [token_span(e, c.short) if c.short else (-1, -1) for e, (_, c) in zip(encoded, flat, strict=True)]
        self.device = device
        self.ids = torch.tensor(ids, device=device)
        self.ends = torch.tensor(self.lengths, device=device)
        self.seconds = torch.tensor([each.type_ids.index(1) for each in encoded], device=device)
        self.answers = torch.tensor([float(each.answers) for _, each in flat], device=device)
        self.spans = torch.tensor(spans, device=device)
        self.first = np.concatenate([[0], np.cumsum([len(group.candidates) for group in groups])])

    def rows(self, at: Sequence[int]) -> "tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]":
        """Ids, segments and mask of the rows `at`, padded to the longest, and `at` itself."""
        import torch

        where = torch.as_tensor(np.asarray(at), device=self.device)
        place = torch.arange(int(self.lengths[list(at)].max()), device=self.device)[None]
        mask = (place < self.ends[where, None]).long()
        segments = (place >= self.seconds[where, None]).long() * mask
        return self.ids[where, : place.shape[1]], segments, mask, where


def token_span(encoded: Any, short: Span) -> tuple[int, int]:
    """First and last token of a short answer in the second text; (-1, -1) where it was cut off."""
    inside = [
        place
        for place, (start, end) in enumerate(encoded.offsets)
        if encoded.type_ids[place] and end > start and start < short.end and end > short.start
    ]
    return (inside[0], inside[-1]) if inside else (-1, -1)


def train_adapter(
    groups: Sequence[Group], encoder: Path, recipe: Recipe, progress: Progress = silent
) -> "torch.nn.Module":
    """The network of `pair_network` trained on the groups, on a graphics processor where there is one."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(recipe.seed)
    lots = random.Random(recipe.seed)
    network = new_network(encoder, recipe.rank).to(device)
    encoded = Encoded(groups, encoder, device)
    weights = [each for each in network.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=recipe.rate, weight_decay=recipe.decay)
    steps = recipe.epochs * math.ceil(len(groups) / recipe.groups)
    rising = 0.06 * steps + 1
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda at: min(1.0, at / rising) * (1 - at / steps))
    with progress("steps", steps) as advance:
        for _ in range(recipe.epochs):
            network.train()
            order = lots.sample(range(len(groups)), len(groups))
            for start in range(0, len(order), recipe.groups):
                picked = [list(drawn(groups[at], recipe, lots)) for at in order[start : start + recipe.groups]]
                firsts = encoded.first[order[start : start + recipe.groups]]
                at = [int(first) + each for first, some in zip(firsts, picked, strict=True) for each in some]
                group = torch.tensor([place for place, some in enumerate(picked) for _ in some], device=device)
                optimizer.zero_grad()
                loss_of(network, encoded, at, group, recipe).backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(weights, 1.0)
                optimizer.step()
                schedule.step()
                advance()
    return network.eval()


def drawn(group: Group, recipe: Recipe, lots: random.Random) -> Iterator[int]:
    """Which of a group's candidates take part in a step."""
    right = [place for place, each in enumerate(group.candidates) if each.answers]
    wrong = [place for place, each in enumerate(group.candidates) if not each.answers]
    if right and lots.random() < recipe.held_back:
        right = []
    room = recipe.sentences - len(right)
    if len(wrong) > room:
        wrong = wrong[:HARDEST] + lots.sample(wrong[HARDEST:], max(0, room - HARDEST))
    yield from right + wrong


def loss_of(network: Any, encoded: Encoded, at: Sequence[int], group: "torch.Tensor", recipe: Recipe) -> "torch.Tensor":
    """The groups' loss, each sentence's own, and that of the short answers."""
    import torch
    from torch.nn import functional as f

    ids, segments, mask, where = encoded.rows(at)
    cuda = encoded.device == "cuda"
    with torch.autocast(encoded.device, dtype=torch.bfloat16, enabled=cuda):
        scores, ends = network(ids, segments, mask)
    scores, ends = scores.float(), ends.float()
    answers = encoded.answers[where]
    count = int(group.max()) + 1
    inside = group[None] == torch.arange(count, device=group.device)[:, None]
    none = torch.zeros(count, 1, device=scores.device)
    everything = torch.logsumexp(torch.cat([none, scores[None].masked_fill(~inside, NEVER)], 1), 1)
    right = inside & (answers[None] > 0)
    best = torch.logsumexp(scores[None].masked_fill(~right, NEVER), 1)
    loss = (everything - torch.where(right.any(1), best, none[:, 0])).mean()
    loss = loss + recipe.single * f.binary_cross_entropy_with_logits(
        scores, answers, pos_weight=torch.tensor(recipe.yes, device=scores.device)
    )
    spans = encoded.spans[where]
    marked = spans[:, 0] >= 0
    if marked.any():
        ends = ends.masked_fill((segments == 0).unsqueeze(-1), NEVER)[marked]
        of_ends = [f.cross_entropy(ends[:, :, side], spans[marked, side]) for side in (0, 1)]
        loss = loss + recipe.spans * sum(of_ends) / 2
    return loss


def scores_of(network: Any, groups: Sequence[Group], encoder: Path, batch: int = 128) -> list[list[float]]:
    """The logits of each group's candidates."""
    import torch

    device = next(network.parameters()).device.type
    encoded = Encoded(groups, encoder, device)
    found = np.zeros(len(encoded.lengths))
    order = np.argsort(encoded.lengths)
    with torch.no_grad():
        for start in range(0, len(order), batch):
            some = order[start : start + batch]
            ids, segments, mask, _ = encoded.rows(some.tolist())
            found[some] = network(ids, segments, mask)[0].float().cpu().numpy()
    return [found[a:b].tolist() for a, b in zip(encoded.first, encoded.first[1:], strict=False)]
