"""UCoFiA's golden files that are no recipe's scores: patch selection and SK-norm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from golden_cases import SKNORM, official, tensors_of
from tcmgc import Sizes, TextFeatures, Tokens, VideoFeatures
from tcmgc.api import read_recipe
from tcmgc.app import current_registry
from tcmgc.builder import build_model
from tcmgc.files.weights_file import ours_by_official
from tcmgc_plugins.normalizers.sinkhorn import sinkhorn_biases

if TYPE_CHECKING:
    from pathlib import Path

SELECTION = {"ucofia_patchsel_train": "frame", "ucofia_patchsel_eval_t2v": "video"}
"""What a patch's score sees, by file."""

SINKHORN = "ucofia_sinkhorn_fn"
V, F, N, D = 2, 3, 6, 32
PREFIX = "stages.video.1."


def reproduce_selection(file: str, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """What the recipe's stage makes of the tokens, with the noise that the official code drew."""
    tensors = tensors_of(file)
    recipe = read_recipe("ucofia", overrides=[f"stages.video.1.context={SELECTION[file]}"])
    model = build_model(recipe, current_registry(), Sizes(D, 4, F, F * N), dtype=dtype)
    stage = model._stages["video"][1]
    own = {name: p for name, p in model.named_parameters() if name.startswith(PREFIX)}
    theirs = [name.removeprefix("param.") for name in tensors if name.startswith("param.")]
    names = ours_by_official(theirs, recipe.official_names, own)
    assert sorted(names.values()) == sorted(own)
    for name, ours in names.items():
        own[ours].data = tensors[f"param.{name}"].to(dtype)
    stage.draw_noise = lambda *_: tensors["in.noise"]
    x = tensors["in.x"].to(dtype).requires_grad_()
    mask = torch.ones(V, F, dtype=torch.bool)
    frames = Tokens(torch.zeros(V, F, D, dtype=dtype), mask)
    out = stage(VideoFeatures(frames, extra={"patches": Tokens.full(x)})).tokens("patches").values
    scores = stage.scores(x.reshape(V, F, N, D), mask)
    out.backward(tensors["in.grad_output"].to(dtype))
    found = {
        "selected": out,
        "pred_score": scores.flatten(end_dim=1),
        "indicator": stage.indicator(scores[..., 1:].flatten(end_dim=1)),
        "grad.x": x.grad,
    }
    for name, ours in names.items():
        found["grad.param." + name.removeprefix("visual_token_selector.")] = own[ours].grad
    return {name: tensor.detach() for name, tensor in found.items()}


def reproduce_sinkhorn(dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """The biases after some iterations."""
    scores = tensors_of(SINKHORN)["in.log_sim"].to(dtype)
    found = {}
    for iterations in {int(name.rpartition("_")[2]) for name in official(SINKHORN, torch.float64)}:
        rows, columns = sinkhorn_biases(scores, iterations)
        found |= {f"row_bias_{iterations}": rows, f"col_bias_{iterations}": columns}
    return found


def reproduce_sknorm(folder: Path, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Scores of the test texts and of the bank's, the biases of both sides, and the total with them."""
    model, text, video = SKNORM.load(folder, dtype)
    tensors = SKNORM.tensors
    words = Tokens.full(tensors["in.train.words"].to(dtype))
    bank = TextFeatures(tensors["in.train.sentence"].to(dtype), words)
    scores, bank_scores = model.scores(text, video), model.scores(bank, video)
    found = {"sim_plain": scores.total}
    normalized = []
    for part, ours in SKNORM.parts.items():
        number = part.removeprefix("sim_")
        rows, columns = sinkhorn_biases(bank_scores.parts[ours], 4)
        normalized.append(scores.parts[ours] + columns)
        found |= {
            part: scores.parts[ours],
            f"sim_train_{number}": bank_scores.parts[ours],
            f"train_text_bias_{number}": rows,
            f"video_bias_{number}": columns,
        }
    return found | {"sim_skn": torch.stack(normalized).mean(dim=0)}
