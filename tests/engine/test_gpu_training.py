"""Training on a GPU. Skipped where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from engine_cases import build, run, tiny_split
from tcmgc.engine.fabric import make_fabric
from tcmgc.engine.score import score

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.engine.progress import TrainingProgress

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("optimizer", ["adamw", "bert-adam"])
def test_the_first_losses_are_the_cpus(tmp_path: Path, precision: str, optimizer: str) -> None:
    """Without dropout, which draws other numbers on a GPU."""
    losses = []
    for device in ("cpu", "cuda"):
        model = build("xclip", dropout=0.0)
        fabric = make_fabric(device, precision)
        training = run(fabric, model, tmp_path / device, epochs=1, optimizer={"name": optimizer})
        losses.append([step["loss"] for step in training.history["steps"]])
    assert losses[1] == pytest.approx(losses[0], rel=1e-3 if precision == "32-true" else 5e-2)
    assert training.peak_memory_bytes


@pytest.mark.parametrize("frozen", [False, True])
def test_goes_on_after_an_interruption(tmp_path: Path, *, frozen: bool) -> None:
    fabric = make_fabric("cuda")

    def stop(message: TrainingProgress) -> None:
        if message.activity == "training" and message.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(fabric, build("xclip", frozen=frozen), tmp_path, progress=stop)
    model = build("xclip", frozen=frozen)
    training = run(fabric, model, tmp_path)
    assert [epoch["epoch"] for epoch in training.history["epochs"]] == [1, 2, 3]
    hits = score(fabric, model, tiny_split("val", 16)).total.argmax(dim=1) == torch.arange(16)
    assert 100 * hits.float().mean().item() == pytest.approx(training.selection["value"], abs=6.3)


def test_the_global_random_state_is_left(tmp_path: Path) -> None:
    fabric = make_fabric("cuda")
    before = torch.cuda.get_rng_state(fabric.device)
    run(fabric, build(), tmp_path, epochs=1)
    assert torch.equal(torch.cuda.get_rng_state(fabric.device), before)
