"""Every recipe equals the official code on its golden vectors: scores, parts, losses, gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file, save_file

from golden_cases import EVAL_ONLY, EXTREMES, MORE, SKNORM, Case
from tcmgc.cli.main import main
from tcmgc.files.weights_file import ours_by_official
from tcmgc_plugins.normalizers.sinkhorn import sinkhorn_biases

if TYPE_CHECKING:
    from pathlib import Path

FLOAT64, FLOAT32 = 1e-9, 2e-4


def name(case: Case) -> str:
    return case.file


def tolerance(tensor: torch.Tensor) -> float:
    """Intermediates and parameter gradients are float64 results stored as float32."""
    return FLOAT64 if tensor.dtype == torch.float64 else 1e-5


def difference(ours: torch.Tensor, golden: torch.Tensor) -> float:
    assert ours.shape == golden.shape
    return (ours.double() - golden.double()).abs().max().item()


@pytest.mark.parametrize("case", [*EXTREMES, *MORE], ids=name)
def test_scores_through_the_api(case: Case, tmp_path: Path) -> None:
    model, text, video = case.load(tmp_path)
    scores = model.scores(text, video)
    expected = case.similarity
    assert difference(scores.total, expected) < tolerance(expected)
    parts = case.expected_parts()
    for part, golden in parts.items():
        assert difference(scores.parts[part], golden) < tolerance(golden), part
    if parts:
        assert list(scores.parts) == list(parts)


@pytest.mark.parametrize("case", EVAL_ONLY, ids=name)
def test_parts_of_the_evaluation_code(case: Case, tmp_path: Path) -> None:
    model, text, video = case.load(tmp_path)
    scores = model.scores(text, video)
    for part, golden in case.expected_parts().items():
        assert difference(scores.parts[part], golden) < FLOAT64, part


@pytest.mark.parametrize("case", [*EXTREMES, *MORE], ids=name)
def test_float32(case: Case, tmp_path: Path) -> None:
    model, text, video = case.load(tmp_path, torch.float32)
    assert difference(model.similarity(text, video), case.similarity) < FLOAT32


@pytest.mark.parametrize("case", EXTREMES, ids=name)
@pytest.mark.parametrize(("dtype", "limit"), [("float64", FLOAT64), ("float32", FLOAT32)])
def test_scores_through_the_command(case: Case, dtype: str, limit: float, tmp_path: Path) -> None:
    features, weights = case.write(tmp_path)
    out = tmp_path / "scores.safetensors"
    variant = [] if case.variant is None else ["--variant", case.variant]
    overrides = [word for override in case.overrides for word in ("--set", override)]
    main(
        [
            *("score", case.recipe, "--features", str(features), "--weights", str(weights)),
            *("--out", str(out), "--dtype", dtype, *variant, *overrides),
        ]
    )
    scores = load_file(out)
    assert scores["similarity"].dtype == getattr(torch, dtype)
    assert difference(scores["similarity"], case.similarity) < limit
    for part, golden in case.expected_parts().items():
        assert difference(scores[f"parts.{part}"], golden) < max(limit, tolerance(golden)), part


def test_sinkhorn_normalization_with_a_bank(tmp_path: Path) -> None:
    features, weights = SKNORM.write(tmp_path)
    tensors = SKNORM.tensors
    bank, out = tmp_path / "bank.safetensors", tmp_path / "scores.safetensors"
    save_file({side: tensors[f"in.train.{side}"] for side in ("sentence", "words")}, bank)
    main(
        [
            *(
                "score",
                "ucofia",
                "--variant",
                "released-eval",
                "--set",
                "stages.video=[]",
                "--dtype",
                "float64",
            ),
            *("--features", str(features), "--weights", str(weights), "--out", str(out)),
            *("--normalizer", "sinkhorn", "--bank", str(bank)),
        ]
    )
    scores = load_file(out)
    assert difference(scores["similarity"], tensors["out64.sim_skn"]) < FLOAT64
    assert difference(scores["similarity"], tensors["out64.sim_plain"]) > 1e-3
    bias = scores["parts.patch-word"] - tensors["out64.sim_3"]
    assert difference(bias, tensors["out64.video_bias_3"].expand_as(bias)) < FLOAT64


def test_sinkhorn_normalization_of_the_other_direction(tmp_path: Path) -> None:
    """Videos ask: the bias is the texts', from the scores of a bank of videos."""
    case = EXTREMES[1]
    features, weights = case.write(tmp_path)
    tensors = load_file(features)
    bank, plain, out = (tmp_path / f"{name}.safetensors" for name in ("bank", "plain", "out"))
    order = torch.tensor([2, 0, 3])
    save_file({"frames": tensors["frames"][order], "frame_mask": tensors["frame_mask"][order]}, bank)
    common = [
        "score",
        "xclip",
        "--features",
        str(features),
        "--weights",
        str(weights),
        "--set",
        case.overrides[0],
    ]
    normalized = ["--normalizer", "sinkhorn", "--bank", str(bank), "--direction", "v2t"]
    main([*common, "--dtype", "float64", "--out", str(plain)])
    main([*common, *normalized, "--set", "normalizer.iterations=2", "--dtype", "float64", "--out", str(out)])
    before, after = load_file(plain), load_file(out)
    for part in case.parts.values():
        scores = before[f"parts.{part}"]
        _, bias = sinkhorn_biases(scores[:, order].T, iterations=2)
        assert difference(after[f"parts.{part}"], scores + bias[:, None]) < FLOAT64
    mean = torch.stack([after[f"parts.{part}"] for part in case.parts.values()]).mean(0)
    assert difference(after["similarity"], mean) < FLOAT64


@pytest.mark.parametrize("case", EXTREMES[2:5], ids=name)
def test_normalization_of_recipes_with_one_part(case: Case, tmp_path: Path) -> None:
    features, weights = case.write(tmp_path)
    out = tmp_path / "out.safetensors"
    overrides = [word for override in case.overrides for word in ("--set", override)]
    main(
        [
            *(
                "score",
                case.recipe,
                "--features",
                str(features),
                "--weights",
                str(weights),
                "--out",
                str(out),
            ),
            *("--normalizer", "sinkhorn", "--bank", str(features), *overrides),
        ]
    )
    scores = load_file(out)
    (part,) = (tensor for key, tensor in scores.items() if key.startswith("parts."))
    assert torch.equal(scores["similarity"], part)
    assert difference(part, case.similarity) > 1e-3


@pytest.mark.parametrize("iterations", [1, 4, 20])
def test_sinkhorn_biases(iterations: int) -> None:
    tensors = Case("ucofia", "ucofia_sinkhorn_fn").tensors
    rows, columns = sinkhorn_biases(tensors["in.log_sim"].double(), iterations)
    assert difference(rows, tensors[f"out64.row_bias_{iterations}"]) < FLOAT64
    assert difference(columns, tensors[f"out64.col_bias_{iterations}"]) < FLOAT64


def close_gradient(ours: torch.Tensor | None, golden: torch.Tensor, what: str) -> None:
    assert ours is not None, what
    allowed = torch.maximum(torch.tensor(1e-4), 1e-5 * golden.double().abs())
    tight = 1e-6 * (1 + golden.double().abs())  # float64 against float64 or its float32 rounding
    assert ((ours - golden).abs() <= torch.minimum(allowed, tight)).all(), what


TRAINED = [case for case in [*EXTREMES, *MORE] if "train" in str(list(case.tensors))]


@pytest.mark.parametrize("case", [c for c in TRAINED if c is not SKNORM], ids=name)
def test_training_loss_and_gradients(case: Case, tmp_path: Path) -> None:
    model, text, video = case.load(tmp_path)
    tensors = case.tensors
    text = text[:4]
    leaves = {
        "sentence": text.sentence,
        "words": None if text.words is None else text.words.values,
        "frames": video.frames.values,
        "pixels": video.extra["patches"].values if "patches" in video.extra else None,
    }
    for leaf in leaves.values():
        if leaf is not None:
            leaf.requires_grad_()
    result = model.loss(text, video)
    # X-Pool's files store the cosines of a batch, the others what the softmax takes.
    similarity = result.scores.total if case.recipe == "xpool" else result.scores.logits
    assert difference(similarity, tensors["out64.train.sim"]) < FLOAT64
    assert difference(result.total, tensors["out64.train.loss"]) < 1e-7
    if "out64.train.cdcr_loss" in tensors:
        assert difference(result.terms["cdcr"], tensors["out64.train.cdcr_loss"]) < FLOAT64
    result.total.backward()
    for side, leaf in leaves.items():
        if (golden := tensors.get(f"out64.train.grad.{side}")) is not None:
            close_gradient(None if leaf is None else leaf.grad, golden, side)
    own = dict(model.named_parameters())
    prefix = "out64.train.grad.param."
    official = [key.removeprefix(prefix) for key in tensors if key.startswith(prefix)]
    ours = ours_by_official(official, model.recipe.config["official_names"], own)
    assert set(ours) == set(official)
    for theirs, parameter in ours.items():
        close_gradient(own[parameter].grad, tensors[prefix + theirs], theirs)


@pytest.mark.parametrize("case", [EXTREMES[0], MORE[0]], ids=name)
def test_tcmgc_losses_and_gradients(case: Case, tmp_path: Path) -> None:
    model, text, video = case.load(tmp_path)
    tensors = case.tensors
    stored_in_64 = tensors["loss_total"].dtype == torch.float64
    leaves = {"sentence": text.sentence, "words": text.words.values, "frames": video.frames.values}
    for leaf in leaves.values():
        leaf.requires_grad_()
    result = model.loss(text, video)
    limit = FLOAT64 if stored_in_64 else 2e-5
    assert difference(result.terms["infonce"], tensors["loss_infonce"]) < limit
    assert difference(result.terms["sdr"], tensors["loss_sdr"]) < limit
    assert difference(result.total, tensors["loss_total"]) < limit
    result.total.backward()
    own = dict(model.named_parameters())
    official = [key.removeprefix("grad.") for key in tensors if key.startswith("grad.")]
    ours = ours_by_official(official, model.recipe.config["official_names"], own)
    assert set(ours) == set(official)
    pairs = [(own[parameter].grad, tensors[f"grad.{theirs}"]) for theirs, parameter in ours.items()]
    pairs += [(leaf.grad, tensors[f"grad_{side}"]) for side, leaf in leaves.items()]
    for gradient, golden in pairs:
        assert gradient is not None
        if stored_in_64:
            assert difference(gradient, golden) < FLOAT64
        else:  # a float32 pass of the official code: rounding of its own
            assert difference(gradient, golden) < 1e-4 * max(1.0, golden.abs().max().item())
