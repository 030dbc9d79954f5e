"""Training: it learns, and the same seed gives the same weights, interrupted or not."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from engine_cases import build, run, settings, tiny_split
from tcmgc import ConfigError, DataError, PluginError
from tcmgc.engine.checkpoint import FILE
from tcmgc.engine.divergence import TrainingDiverged
from tcmgc.engine.fabric import make_fabric
from tcmgc.engine.score import score
from tcmgc.engine.train import train

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lightning_fabric import Fabric

    from tcmgc.engine.encoded_model import EncodedModel
    from tcmgc.engine.progress import TrainingProgress
    from tcmgc.engine.train import Training


def weights(model: EncodedModel) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def without_seconds(training: Training) -> dict[str, Any]:
    epochs = [{k: v for k, v in epoch.items() if k != "seconds"} for epoch in training.history["epochs"]]
    return {**training.history, "epochs": epochs, "selection": training.selection}


def stop_at(epoch: int, step: int) -> Callable[[TrainingProgress], None]:
    def show(message: TrainingProgress) -> None:
        if (message.epoch, message.step) == (epoch, step) and message.val is None:
            raise KeyboardInterrupt

    return show


def test_learns_above_chance(fabric: Fabric, tmp_path: Path) -> None:
    model = build("xclip")
    training = run(
        fabric, model, tmp_path, epochs=8, batch_size=16, learning_rate=3e-3, encoder_learning_rate=1e-2
    )
    losses = [epoch["loss"] for epoch in training.history["epochs"]]
    assert losses[-1] < losses[0] / 2
    chance = 100 / 16
    assert training.selection["value"] > 4 * chance
    # The best epoch's weights are in the model.
    val = tiny_split("val", 16)
    hits = score(fabric, model, val).total.argmax(dim=1) == torch.arange(16)
    assert 100 * hits.float().mean().item() == training.selection["value"]
    assert not model.training


def test_history(fabric: Fabric, tmp_path: Path) -> None:
    messages: list[TrainingProgress] = []
    training = run(fabric, build(), tmp_path, progress=messages.append)
    history = training.history
    assert history["schema_version"] == 1
    assert [epoch["epoch"] for epoch in history["epochs"]] == [1, 2, 3]
    assert [step["step"] for step in history["steps"]] == list(range(1, 16))
    last = history["epochs"][-1]
    assert last["terms"].keys() == {"infonce", "sdr"}
    assert last["loss"] == pytest.approx(last["terms"]["infonce"] + 0.5 * last["terms"]["sdr"], rel=1e-5)
    assert last["loss"] == pytest.approx(np.mean([s["loss"] for s in history["steps"][-5:]]))
    assert last["val"].keys() == {"t2v", "v2t"}
    assert {"r1", "r5", "r10", "mdr", "mnr", "sumr"} <= last["val"]["t2v"].keys()
    factor = 0.5 * (1 + np.cos(np.pi * 14 / 15))
    assert last["learning_rates"] == {
        "new": pytest.approx(1e-3 * factor),
        "encoder": pytest.approx(1e-3 * factor),
    }
    assert last["logit_scale"] == pytest.approx(20, abs=1)
    assert training.seconds == pytest.approx(sum(epoch["seconds"] for epoch in history["epochs"]))
    assert [m.step for m in messages if m.val is None] == list(range(1, 16))
    assert [m.val for m in messages if m.val is not None] == [
        epoch["val"]["t2v"]["r1"] for epoch in history["epochs"]
    ]
    assert {m.steps for m in messages} == {15}


@pytest.mark.parametrize(("threads", "recipe"), [(1, "tcmgc"), (2, "tcmgc"), (1, "clip4clip-tight")])
def test_same_seed_same_weights(fabric: Fabric, tmp_path: Path, threads: int, recipe: str) -> None:
    """Whatever was drawn from the global generators before, which are left as they were."""
    torch.set_num_threads(threads)
    found = []
    for attempt in range(2):
        model = build(recipe)
        torch.manual_seed(attempt)
        random.seed(attempt)
        np.random.seed(attempt)
        before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[union-attr]
        training = run(fabric, model, tmp_path / str(attempt), epochs=1)
        after = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[union-attr]
        assert torch.equal(before[0], after[0])
        assert before[1:] == after[1:]
        found.append((weights(model), without_seconds(training)))
    assert same(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]


def test_another_seed_another_order(fabric: Fabric, tmp_path: Path) -> None:
    losses = [
        run(fabric, build(), tmp_path / str(seed), epochs=1, seed=seed).history["epochs"][0]["loss"]
        for seed in (0, 1)
    ]
    assert losses[0] != losses[1]


@pytest.mark.parametrize("optimizer", ["adamw", "bert-adam"])
@pytest.mark.parametrize("frozen", [False, True], ids=["trained encoder", "frozen encoder"])
def test_resumed_equals_uninterrupted(fabric: Fabric, tmp_path: Path, optimizer: str, frozen: bool) -> None:
    """To the last bit, after an interruption within every epoch, and between two epochs."""
    config = {"name": optimizer}
    whole = build(frozen=frozen)
    expected = run(fabric, whole, tmp_path / "whole", optimizer=config)
    for epoch, step in ((1, 2), (2, 7), (3, 12), (3, 15)):
        with pytest.raises(KeyboardInterrupt):
            run(
                fabric,
                build(frozen=frozen),
                tmp_path / "parts",
                optimizer=config,
                progress=stop_at(epoch, step),
            )
    model = build(frozen=frozen)
    messages: list[TrainingProgress] = []
    training = run(fabric, model, tmp_path / "parts", optimizer=config, progress=messages.append)
    assert min(m.step for m in messages if m.activity == "training") == 11, "two epochs were there"
    assert same(weights(model), weights(whole))
    assert same(load_file(tmp_path / "parts" / FILE), load_file(tmp_path / "whole" / FILE)), (
        "the last epoch's"
    )
    assert without_seconds(training) == without_seconds(expected)
    assert training.seconds > 0


def test_a_finished_training_is_not_repeated(fabric: Fabric, tmp_path: Path) -> None:
    first, second = build(), build()
    expected = run(fabric, first, tmp_path)
    messages: list[TrainingProgress] = []
    training = run(fabric, second, tmp_path, progress=messages.append)
    assert messages == []
    assert training == expected
    assert same(weights(first), weights(second))
    best = f"best-{expected.selection['epoch']}.safetensors"
    assert sorted(path.name for path in tmp_path.glob("*.safetensors")) == [best, "checkpoint.safetensors"]


def test_of_equal_epochs_the_earliest(fabric: Fabric, tmp_path: Path) -> None:
    training = run(fabric, build(), tmp_path, learning_rate=0.0, encoder_learning_rate=0.0)
    assert training.selection["epoch"] == 1


def test_logit_scale_is_held(fabric: Fabric, tmp_path: Path) -> None:
    model = build("xclip", overrides=["logit_scale.max=20"])
    assert model.head.logit_scale.exp().item() == pytest.approx(20)
    # A loss that wants more and more: the scale would grow by a fifth a step.
    training = run(fabric, model, tmp_path, epochs=8, learning_rate=1e-2, encoder_learning_rate=0.2)
    scales = [epoch["logit_scale"] for epoch in training.history["epochs"]]
    assert max(scales) <= 20 * (1 + 1e-6)


def test_logit_scale_starts_at_the_checkpoints(fabric: Fabric) -> None:
    assert build("xclip").head.logit_scale.exp().item() == pytest.approx(20)
    assert build("xclip", overrides=["logit_scale.max=10"]).head.logit_scale.exp().item() == pytest.approx(10)


def test_mixed_precision(tmp_path: Path) -> None:
    """The encoder computes in bfloat16; weights, features and scores are float32."""
    fabric = make_fabric("cpu", "bf16-mixed")
    model = build("xclip", dropout=0.0)
    narrow = score(fabric, model, tiny_split("val", 16)).total
    wide = score(make_fabric("cpu"), model, tiny_split("val", 16)).total
    assert narrow.dtype == torch.float32
    assert 0 < (narrow - wide).abs().max() < 1
    training = run(fabric, model, tmp_path, epochs=2)
    assert training.history["epochs"][1]["loss"] < training.history["epochs"][0]["loss"]
    assert {tensor.dtype for tensor in weights(model).values()} == {torch.float32}


def test_divergence_is_one_error(fabric: Fabric, tmp_path: Path) -> None:
    model = build()
    with torch.no_grad():
        model.encoder.image_projection.weight[0, 0] = torch.nan  # type: ignore[attr-defined]
    with pytest.raises(TrainingDiverged) as caught:
        run(fabric, model, tmp_path)
    assert caught.value.where == "step 1, in epoch 1"
    assert caught.value.found == "a loss of nan (losses: infonce nan, sdr nan)"
    assert "learning_rate" in str(caught.value.hint)
    assert not (tmp_path / "checkpoint.safetensors").exists()


def test_gradients_that_are_not_finite(fabric: Fabric, tmp_path: Path) -> None:
    model = build("xclip")
    before = weights(model)
    model.head.logit_scale.register_hook(lambda gradient: gradient * torch.inf)
    with pytest.raises(TrainingDiverged, match=r"a gradient norm of (inf|nan)"):
        run(fabric, model, tmp_path)
    assert same(before, weights(model)), "no update was made"


def test_another_trainings_folder_is_refused(fabric: Fabric, tmp_path: Path) -> None:
    run(fabric, build(), tmp_path, epochs=1)
    with pytest.raises(DataError) as caught:
        run(fabric, build(), tmp_path, epochs=2, seed=1)
    assert caught.value.found == "epochs 1, seed 0"
    assert caught.value.expected == "epochs 2, seed 1"


def test_a_recipe_without_losses(fabric: Fabric, tmp_path: Path) -> None:
    model = build("xclip")
    model.head.losses.clear()
    with pytest.raises(ConfigError, match=r"losses\n  found:    none"):
        run(fabric, model, tmp_path)


def test_nothing_to_train(fabric: Fabric, tmp_path: Path) -> None:
    model = build("xclip")
    model.requires_grad_(False)
    with pytest.raises(ConfigError, match="no parameter to train"):
        run(fabric, model, tmp_path)


def test_a_loss_that_raises(fabric: Fabric, tmp_path: Path) -> None:
    model = build("xclip", overrides=["losses.cdcr=1.0"])
    with pytest.raises(PluginError, match="cdcr with matches = weighted needs"):
        run(fabric, model, tmp_path)


def test_several_processes_are_refused(
    fabric: Fabric, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(fabric), "world_size", 2)
    with pytest.raises(ConfigError, match="2 processes"):
        run(fabric, build(), tmp_path)


def test_frames_of_another_size(fabric: Fabric, tmp_path: Path) -> None:
    model = build()
    small = tiny_split("val", 16)
    small = type(small)(small.split, small.pixels[:, :, :2, :2], small.mask, small.times)
    with pytest.raises(DataError, match=r"shape \[16, 3, 2, 2, 3\]"):
        train(fabric, model, tiny_split("train", 40), small, settings(), seed=0, folder=tmp_path)
