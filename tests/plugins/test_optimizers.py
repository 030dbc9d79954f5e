"""Optimizers and schedules: the golden traces of the released BertAdam, and what is decayed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tcmgc import ConfigError
from tcmgc.app import current_registry

if TYPE_CHECKING:
    from tcmgc.slots.optimizer import Optimizer
    from tcmgc.slots.schedule import Schedule

GOLDEN = Path(__file__).parents[1] / "golden" / "bertadam.safetensors"
LR = 0.05


def create(slot: str, **config: Any) -> Any:
    return current_registry().create(slot, config, {})


def trace(
    optimizer: Optimizer, schedule: Schedule, golden: dict[str, torch.Tensor], total: int
) -> dict[str, torch.Tensor]:
    """Ten updates with the gradients of the golden file: the state after each."""
    w = nn.Parameter(golden["in.w0"].double())
    b = nn.Parameter(golden["in.b0"].double())
    groups: list[dict[str, Any]] = [
        {"params": [w], "lr": LR * 0.1, "weight_decay": 0.2},
        {"params": [b], "lr": LR, "weight_decay": 0.0},
    ]
    update = optimizer(groups)
    rates = [group["lr"] for group in update.param_groups]
    steps: list[dict[str, torch.Tensor]] = []
    for step in range(10):
        for group, rate in zip(update.param_groups, rates, strict=True):
            group["lr"] = rate * schedule(step / total)
        w.grad = golden["in.grad_w"][step].double()
        b.grad = golden["in.grad_b"][step].double()
        update.step()
        rates_used = torch.tensor([group["lr"] for group in update.param_groups], dtype=torch.float64)
        found = {"w": w, "b": b, "lr_used": rates_used}
        for name, parameter in (("w", w), ("b", b)):
            found |= {f"{name}_{key}": value for key, value in update.state[parameter].items()}
        steps.append({name: tensor.detach().clone().double() for name, tensor in found.items()})
    return {name: torch.stack([step[name] for step in steps]) for name in steps[0]}


@pytest.mark.parametrize(
    ("case", "total", "schedule", "warmup", "names"),
    [
        ("A", 10, "warmup-cosine", 0.1, ["w", "b", "w_m", "w_v", "b_m", "b_v", "lr_used"]),
        ("B", 8, "warmup-cosine", 0.375, ["w", "b", "w_m", "w_v", "b_m", "b_v", "lr_used"]),
        ("Linear", 10, "warmup-linear", 0.1, ["w", "lr_used"]),
    ],
)
def test_bert_adam_is_the_released_one(
    case: str, total: int, schedule: str, warmup: float, names: list[str]
) -> None:
    golden = load_file(GOLDEN)
    optimizer = create("optimizer", name="bert-adam")
    ours = trace(optimizer, create("schedule", name=schedule, warmup=warmup), golden, total)
    for name in names:
        assert torch.allclose(ours[name], golden[f"out64.{case}.{name}"], rtol=0, atol=1e-12), name
    assert torch.equal(ours["w"][0], golden["in.w0"].double()), "the first update has rate 0"


def test_transformers_adamw_is_x_pools() -> None:
    golden = load_file(GOLDEN)
    w, b = (nn.Parameter(golden[f"in.{name}0"].double()) for name in ("w", "b"))
    optimizer = create("optimizer", name="transformers-adamw")
    schedule = create("schedule", name="warmup-cosine", warmup=0.2, rebased=True)
    assert optimizer.decays("head.logit_scale", b)
    decay = optimizer.weight_decay
    update = optimizer(
        [{"params": [p], "lr": rate, "weight_decay": decay} for p, rate in ((w, LR * 0.1), (b, LR))]
    )
    for step in range(10):
        for group, rate in zip(update.param_groups, (LR * 0.1, LR), strict=True):
            group["lr"] = rate * schedule(step / 10)
        rates = torch.tensor([group["lr"] for group in update.param_groups], dtype=torch.float64)
        assert torch.allclose(rates, golden["out64.xpool_adamw.lr_used"][step], rtol=0, atol=1e-12)
        w.grad, b.grad = golden["in.grad_w"][step].double(), golden["in.grad_b"][step].double()
        update.step()
        for name, parameter in (("w", w), ("b", b)):
            expected = golden[f"out64.xpool_adamw.{name}"][step]
            assert torch.allclose(parameter, expected, rtol=0, atol=1e-12), name


def test_bert_adam_in_float32() -> None:
    golden = load_file(GOLDEN)
    w = nn.Parameter(golden["in.w0"].clone())
    update = create("optimizer", name="bert-adam")([{"params": [w], "lr": LR * 0.1, "weight_decay": 0.2}])
    schedule = create("schedule", name="warmup-cosine", warmup=0.1)
    for step in range(10):
        update.param_groups[0]["lr"] = LR * 0.1 * schedule(step / 10)
        w.grad = golden["in.grad_w"][step].clone()
        update.step()
        assert torch.allclose(w, golden["out.A.w"][step], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["adamw", "bert-adam", "transformers-adamw"])
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_weights_in_half_precision_are_refused(name: str, kind: torch.dtype) -> None:
    groups = [{"params": [nn.Parameter(torch.ones(2, dtype=kind))], "lr": 0.1, "weight_decay": 0.0}]
    with pytest.raises(ConfigError, match=rf"optimizer {name}\n.*{str(kind)[6:]}\n.*float32"):
        create("optimizer", name=name)(groups)


def test_why_weights_in_half_precision_are_refused() -> None:
    """What the released optimizer does with them: no squares are left, and other weights move further."""
    golden = load_file(GOLDEN)
    gradients = golden["in.fp16.grad"].float()
    assert gradients.abs().max() < 1.2e-3
    assert not golden["out16.fp16.v"].any()
    assert (golden["out.fp16.v"] > 0).all()
    start = golden["in.fp16.w0"].float()
    moved = {kind: (golden[f"{kind}.fp16.w"][-1].float() - start).abs() for kind in ("out", "out16")}
    assert (moved["out"] > 0).all()
    assert (moved["out16"] > 0).float().mean() < 0.5
    assert moved["out16"].mean() > 5 * moved["out"].mean()


@pytest.mark.parametrize("kind", ["cosine", "linear"])
@pytest.mark.parametrize("warmup", [0.1, 0.002])
def test_schedules_are_the_released_ones(kind: str, warmup: float) -> None:
    golden = load_file(GOLDEN)[f"out64.sched_{kind}_{warmup}"]
    schedule = create("schedule", name=f"warmup-{kind}", warmup=warmup)
    ours = torch.tensor([schedule(step / 100) for step in range(131)], dtype=torch.float64)
    assert torch.allclose(ours, golden, rtol=0, atol=1e-12)


def test_a_rebased_cosine_has_no_fall() -> None:
    schedule = create("schedule", name="warmup-cosine", warmup=0.2, rebased=True)
    assert schedule(0.2) == 1.0
    assert schedule(0.6) == pytest.approx(0.5)
    assert schedule(1.0) == pytest.approx(0.0)
    with pytest.raises(ConfigError, match="rebased cosine"):
        create("schedule", name="warmup-cosine", warmup=1.0, rebased=True)


def test_constant_schedule() -> None:
    assert [create("schedule", name="constant")(x) for x in (0.0, 0.5, 1.0)] == [1.0, 1.0, 1.0]
    assert [create("schedule", name="constant", warmup=0.5)(x) for x in (0.0, 0.25, 0.5)] == [0.0, 0.5, 1.0]


def test_bert_adam_leaves_parameters_without_gradients() -> None:
    used, unused = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    update = create("optimizer", name="bert-adam")(
        [{"params": [used, unused], "lr": 0.1, "weight_decay": 0.2}]
    )
    used.grad = torch.ones(3)
    update.step()
    assert torch.equal(unused, torch.ones(3))
    assert not update.state[unused]
    assert (used < 1).all()


def test_what_is_decayed() -> None:
    vector, matrix, scalar = (nn.Parameter(torch.zeros(shape)) for shape in ((3,), (3, 3), ()))
    adamw, bert_adam = create("optimizer", name="adamw"), create("optimizer", name="bert-adam")
    assert adamw.decays("head.scorer.matrix", matrix)
    assert not adamw.decays("encoder.ln.weight", vector)
    assert not adamw.decays("head.logit_scale", scalar)
    assert bert_adam.decays("encoder.ln.weight", vector)
    assert bert_adam.decays("head.logit_scale", scalar)
    assert not bert_adam.decays("encoder.attn.in_proj_bias", vector)


def test_adamw_is_pytorchs() -> None:
    """Groups keep their own rates and decays, and the defaults are CLIP's."""
    ours, theirs = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2, 2))
    update = create("optimizer", name="adamw")([{"params": [ours], "lr": 0.1, "weight_decay": 0.3}])
    reference = torch.optim.AdamW([theirs], lr=0.1, weight_decay=0.3, betas=(0.9, 0.98), eps=1e-6)
    for step in range(3):
        ours.grad = torch.full((2, 2), 1.0 + step)
        theirs.grad = ours.grad.clone()
        update.step()
        reference.step()
    assert torch.allclose(ours, theirs, atol=1e-7)


@pytest.mark.parametrize(
    ("slot", "config"),
    [
        ("optimizer", {"name": "adamw", "betas": [0.9]}),
        ("optimizer", {"name": "adamw", "betas": [0.9, 1.0]}),
        ("optimizer", {"name": "bert-adam", "weight_decay": -1.0}),
        ("optimizer", {"name": "bert-adam", "eps": 0.0}),
        ("schedule", {"name": "warmup-linear", "warmup": 1.0}),
        ("schedule", {"name": "warmup-cosine", "warmup": -0.1}),
    ],
)
def test_ranges(slot: str, config: dict[str, Any]) -> None:
    entry = current_registry().find(slot, config.pop("name"))
    with pytest.raises(ValueError, match="validation error"):
        entry.schema.model(**config)


def test_unknown_optimizer() -> None:
    with pytest.raises(ConfigError, match="did you mean 'adamw'"):
        current_registry().find("optimizer", "adam-w")
