"""Scores on a GPU equal those on the CPU. Skipped where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file

from golden_cases import EXTREMES, Case
from tcmgc.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.mark.parametrize("case", EXTREMES, ids=lambda case: case.file)
def test_scores_on_the_gpu(case: Case, tmp_path: Path) -> None:
    features, weights = case.write(tmp_path)
    out = tmp_path / "scores.safetensors"
    overrides = [word for override in case.overrides for word in ("--set", override)]
    variant = [] if case.variant is None else ["--variant", case.variant]
    main(
        [
            *("score", case.recipe, "--features", str(features), "--weights", str(weights)),
            *("--out", str(out), "--device", "cuda", "--dtype", "float64", *variant, *overrides),
        ]
    )
    assert (load_file(out)["similarity"] - case.similarity).abs().max().item() < 1e-9


@pytest.mark.parametrize("case", EXTREMES[:6], ids=lambda case: case.file)
def test_training_on_the_gpu(case: Case, tmp_path: Path) -> None:
    model, text, video = case.load(tmp_path)
    losses = []
    for device in ("cpu", "cuda"):
        moved_text = type(text)(
            None if text.sentence is None else text.sentence.to(device),
            None if text.words is None else _to(text.words, device),
        )
        extra = {name: _to(tokens, device) for name, tokens in video.extra.items()}
        moved_video = type(video)(_to(video.frames, device), extra=extra)
        texts = min(len(moved_text), len(moved_video))
        losses.append(model.to(device).loss(moved_text[:texts], moved_video[:texts]).total.cpu())
    assert torch.allclose(losses[0], losses[1], atol=1e-9)


def _to(tokens: object, device: str) -> object:
    return type(tokens)(tokens.values.to(device), tokens.mask.to(device))  # type: ignore[attr-defined,call-arg]
