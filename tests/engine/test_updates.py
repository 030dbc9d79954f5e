"""What one step does: groups, rates, clipping, freezing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from engine_cases import build, run, settings
from tcmgc.engine.parameter_groups import parameter_groups, trained_parameters
from tcmgc.engine.updates import Updates

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lightning_fabric import Fabric
    from torch import nn

    from tcmgc.engine.encoded_model import EncodedModel


class Recorder:
    """Plain gradient descent that notes rates and the norm of all gradients."""

    weight_decay = 0.5

    def __init__(self) -> None:
        self.norms: list[float] = []
        self.rates: list[dict[str, float]] = []

    def decays(self, name: str, parameter: nn.Parameter) -> bool:
        return name.endswith("matrix")

    def __call__(self, groups: Sequence[dict[str, Any]]) -> torch.optim.Optimizer:
        recorder = self

        class Descent(torch.optim.SGD):
            def step(self, closure: None = None) -> None:  # type: ignore[override]
                gradients = [p.grad for g in self.param_groups for p in g["params"] if p.grad is not None]
                recorder.norms.append(torch.stack([g.norm() for g in gradients]).norm().item())
                recorder.rates.append({group["part"]: group["lr"] for group in self.param_groups})
                super().step()

        return Descent(list(groups))


def names_of(model: EncodedModel, group: dict[str, Any]) -> set[str]:
    own = {id(parameter): name for name, parameter in model.named_parameters()}
    return {own[id(parameter)] for parameter in group["params"]}


def test_groups() -> None:
    model = build()
    chosen = settings(learning_rate=1e-3, encoder_learning_rate=1e-5, optimizer=Recorder())
    groups = parameter_groups(model, chosen)
    every = [name for group in groups for name in names_of(model, group)]
    assert sorted(every) == sorted(name for name, _ in model.named_parameters()), "each once"
    for group in groups:
        names = names_of(model, group)
        of_encoder = {name for name in names if name.startswith("encoder.") or name == "head.logit_scale"}
        assert of_encoder in (names, set())
        assert group["lr"] == (1e-5 if of_encoder else 1e-3)
        assert group["part"] == ("encoder" if of_encoder else "new")
        decayed = {name for name in names if name.endswith("matrix")}
        assert decayed in (names, set())
        assert group["weight_decay"] == (0.5 if decayed else 0.0)
    assert {group["weight_decay"] for group in groups} == {0.0, 0.5}


def test_decay_of_the_logit_scale_is_the_optimizers_rule() -> None:
    for optimizer, decay in (("adamw", 0.0), ("bert-adam", 0.2)):
        model = build()
        groups = parameter_groups(model, settings(optimizer={"name": optimizer}))
        (group,) = [group for group in groups if "head.logit_scale" in names_of(model, group)]
        assert (group["part"], group["weight_decay"]) == ("encoder", decay)


@pytest.mark.parametrize("clip", [0.1, None])
def test_gradients_are_clipped_together(fabric: Fabric, tmp_path: Path, clip: float | None) -> None:
    recorder = Recorder()
    run(fabric, build(), tmp_path, epochs=1, optimizer=recorder, gradient_clip=clip)
    assert len(recorder.norms) == 5
    if clip is None:
        assert max(recorder.norms) > 0.2
    else:
        assert recorder.norms == pytest.approx([clip] * 5, rel=1e-3)


def test_rates_follow_the_schedule(fabric: Fabric, tmp_path: Path) -> None:
    recorder = Recorder()
    rates = {"learning_rate": 1e-2, "encoder_learning_rate": 1e-4}
    schedule = {"name": "warmup-linear", "warmup": 0.4}
    run(fabric, build(), tmp_path, epochs=2, optimizer=recorder, schedule=schedule, **rates)
    factors = [0, 0.25, 0.5, 0.75, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]
    assert [found["new"] for found in recorder.rates] == pytest.approx([1e-2 * f for f in factors])
    assert [found["encoder"] for found in recorder.rates] == pytest.approx([1e-4 * f for f in factors])


def test_frozen_parameters_stay(fabric: Fabric, tmp_path: Path) -> None:
    model = build("xclip")
    model.encoder.embedding.requires_grad_(False)  # type: ignore[attr-defined]
    assert "encoder.embedding.weight" not in trained_parameters(model)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    run(fabric, model, tmp_path, selection_metric="mnr")
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert "encoder.embedding.weight" not in changed
    assert {"encoder.image_projection.weight", "head.logit_scale"} <= changed


def test_a_frozen_encoder_has_no_rate(fabric: Fabric) -> None:
    """The logit scale is still trained, at the rate of the encoder."""
    rates = [
        Updates(fabric, build("xclip", frozen=frozen), settings(), 1).learning_rates
        for frozen in (False, True)
    ]
    chosen = settings()
    assert rates[0] == {"new": chosen.learning_rate, "encoder": chosen.encoder_learning_rate}
    assert rates[1] == {"new": chosen.learning_rate, "encoder": None}


def test_the_encoders_rate_can_be_zero(fabric: Fabric, tmp_path: Path) -> None:
    """The encoder then stays as it is without being frozen."""
    model = build()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    run(fabric, model, tmp_path, encoder_learning_rate=0.0)
    for name, tensor in model.state_dict().items():
        of_encoder = name.startswith("encoder.") or name == "head.logit_scale"
        assert torch.equal(tensor, before[name]) or not of_encoder
    assert not torch.equal(
        model.state_dict()["head.scorer.aggregator.matrix"], before["head.scorer.aggregator.matrix"]
    )
