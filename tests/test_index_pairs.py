"""The model that reads two texts at once: our shipped adapter, its export against the network, and training one."""

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant.reading import ADAPTER, RANK
from index.embedding import PACKAGED
from index.embedding.models import model_folder, sha256
from index.embedding.pair_network import merge, new_network, read_adapter, write_adapter
from index.embedding.pair_training import Candidate, Group, Recipe, drawn, scores_of, train_adapter
from index.embedding.pairs import PairModel, whole
from index.types import Span

MET = "Talks at the mill: Two envoys met in secret at a mill near Oslo on 3 May 1991."
PAID = "Talks at the mill: The ministry paid for the food, and a bank for the rooms."
WEATHER = "Talks at the mill: Rain fell in the valley for most of that long spring."
WHEN = "When did the two envoys meet?"


@pytest.fixture(scope="module")
def reader(models: Path) -> PairModel:
    return PairModel.open(ADAPTER, RANK, models)


@pytest.fixture(scope="module")
def encoder() -> Path:
    folder = model_folder(PACKAGED)
    assert folder
    return folder


def test_what_answers_is_above_what_does_not(reader: PairModel) -> None:
    met, paid, weather = reader.read(WHEN, [MET, PAID, WEATHER])
    assert met > 0 > max(paid, weather)
    met, paid, weather = reader.read("Who paid for the rooms of the envoys?", [MET, PAID, WEATHER])
    assert paid > 0 > max(met, weather)
    assert reader.read(WHEN, []) == []


def test_a_near_miss_is_below_nothing(reader: PairModel) -> None:
    (logit,) = reader.read("What did the two envoys eat at the mill?", [MET])
    assert logit < 0


@pytest.mark.parametrize("text", ["", "word " * 5000, "\x00", "💥" * 300, "Ω" * 600])
def test_any_text_can_be_read(reader: PairModel, text: str) -> None:
    for first, second in ((WHEN, text), (text[:2000] or "?", MET)):
        (logit,) = reader.read(first, [second])
        assert np.isfinite(logit)


def test_the_shipped_adapter_is_small_and_described() -> None:
    assert ADAPTER.stat().st_size < 1_000_000
    about = json.loads(ADAPTER.with_suffix(".json").read_text(encoding="utf-8"))
    assert about["recipe"]["rank"] == RANK
    assert {"on", "held", "when", "encoder"} <= about.keys()


def test_which_candidates_take_part() -> None:
    group = Group("q", "direct", tuple(Candidate(str(k), k in (0, 3)) for k in range(20)))
    lots = random.Random(1)
    recipe = Recipe(held_back=0.0, sentences=8)
    for _ in range(20):
        chosen = list(drawn(group, recipe, lots))
        assert chosen[:2] == [0, 3]
        assert chosen[2:6] == [1, 2, 4, 5], "the hardest wrong ones come first"
        assert len(set(chosen)) == 8
    assert not {0, 3} & set(drawn(group, replace(recipe, held_back=1.0), lots))
    assert list(drawn(Group("q", "d", group.candidates[:4]), recipe, lots)) == [0, 3, 1, 2]


@pytest.mark.slow
def test_the_export_scores_as_the_network_does(reader: PairModel, encoder: Path, tmp_path: Path) -> None:
    """Weights of 8 bits move a logit by about 0.35 (sd over 2,160 pairs of gold dev); its order hardly at all."""
    network = new_network(encoder, RANK)
    read_adapter(network, ADAPTER)
    group = Group(WHEN, "", tuple(Candidate(text, False) for text in (MET, PAID, WEATHER)))
    (theirs,) = scores_of(network.eval(), [group], encoder)
    (merged,) = scores_of(merge(network), [group], encoder)
    assert merged == pytest.approx(theirs, abs=1e-3)
    ours = reader.read(WHEN, [MET, PAID, WEATHER])
    assert ours == pytest.approx(theirs, abs=1.2)

    folder = tmp_path / f"pairs-{sha256(ADAPTER)[:32]}"
    PairModel.open(ADAPTER, RANK, tmp_path)
    assert whole(folder, sha256(ADAPTER))
    (folder / "model.onnx").write_bytes(b"half")
    assert not whole(folder, sha256(ADAPTER))
    again = PairModel.open(ADAPTER, RANK, tmp_path)  # made anew
    assert again.read(WHEN, [MET, PAID, WEATHER]) == pytest.approx(ours, abs=1e-3)
    assert [each.name for each in tmp_path.iterdir()] == [folder.name], "nothing is left beside it"


@pytest.mark.slow
def test_training_learns_and_an_adapter_keeps_it(encoder: Path, tmp_path: Path) -> None:
    """Four questions, seen over and over: those that answer end above 0, the others below; the same seed, the same."""
    subjects = ("river", "bridge", "border", "market")
    groups = [
        Group(
            f"When was the {one} opened?",
            "direct",
            (
                Candidate(f"Notes: The {one} was opened in 19{k}4.", True, Span(27 + len(one), 31 + len(one))),
                *(Candidate(f"Notes: The {one} was {what}.", False) for what in ("closed at night", "loved by all")),
            ),
        )
        for k, one in enumerate(subjects, 1)
    ]
    recipe = Recipe(rank=2, epochs=25, groups=4, held_back=0.0, rate=5e-3)
    network = train_adapter(groups, encoder, recipe)
    for scores in scores_of(network, groups, encoder):
        assert scores[0] > 0 > max(scores[1:])
    write_adapter(network, tmp_path / "adapter.safetensors")
    other = new_network(encoder, 2).eval()
    read_adapter(other, tmp_path / "adapter.safetensors")
    before, after = (np.concatenate(scores_of(each, groups, encoder)) for each in (network, other))
    assert after == pytest.approx(before, abs=0.05)  # half precision
    with pytest.raises(ValueError, match="does not fit"):
        read_adapter(new_network(encoder, 0), tmp_path / "adapter.safetensors")
