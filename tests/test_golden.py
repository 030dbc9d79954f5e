"""Every recipe equals the official code on its golden vectors: scores, parts, losses, gradients."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from golden_cases import ELSEWHERE, EXTREMES, FOLDER, REPRODUCED, SKNORM, Case, official
from golden_reproduce import reproduce
from golden_ucofia import SELECTION, SINKHORN, reproduce_selection, reproduce_sinkhorn, reproduce_sknorm
from tcmgc.cli.main import main
from tcmgc_plugins.normalizers.sinkhorn import sinkhorn_biases

FLOAT64, FLOAT32 = 1e-9, 2e-4
STORED32 = 1e-5
"""For results of float64 that are stored in float32."""


DTYPES = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])


def name(case: Case) -> str:
    return f"{case.file}-{case.variant}" if case.variant else case.file


def tolerance(tensor: torch.Tensor) -> float:
    return FLOAT64 if tensor.dtype == torch.float64 else STORED32


def allowed(what: str, golden: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """How far an entry may be from the official one."""
    size = golden.double().abs()
    if dtype == torch.float64:  # a gradient is as exact, for its size
        return tolerance(golden) * (1 + size if "grad" in what else torch.ones_like(size))
    return torch.clamp(1e-5 * size, min=1e-4) if "grad" in what else torch.full_like(size, FLOAT32)


def difference(ours: torch.Tensor, golden: torch.Tensor) -> float:
    assert ours.shape == golden.shape
    return (ours.double() - golden.double()).abs().max().item()


def hold(expected: dict[str, torch.Tensor], ours: dict[str, torch.Tensor], dtype: torch.dtype) -> None:
    """Compare every official result with ours."""
    assert expected
    assert expected.keys() <= ours.keys()
    for what, golden in expected.items():
        found = ours[what]
        assert found.dtype == dtype, what
        assert found.shape == golden.shape, what
        assert torch.equal(found.isnan(), golden.isnan()), what
        apart = (found.double() - golden.double()).abs().nan_to_num()
        assert (apart <= allowed(what, golden, dtype).nan_to_num()).all(), (what, apart.max().item())


@pytest.mark.parametrize("case", REPRODUCED, ids=name)
@DTYPES
def test_every_official_result(case: Case, dtype: torch.dtype, tmp_path: Path) -> None:
    """Forward, intermediate results, losses and gradients, none left out."""
    hold(case.expected(dtype), reproduce(case, tmp_path, dtype), dtype)


@pytest.mark.parametrize("file", SELECTION)
@DTYPES
def test_patch_selection(file: str, dtype: torch.dtype) -> None:
    hold(official(file, dtype), reproduce_selection(file, dtype), dtype)


def test_sinkhorn_biases() -> None:
    hold(official(SINKHORN, torch.float64), reproduce_sinkhorn(torch.float64), torch.float64)


@DTYPES
def test_what_sinkhorn_normalization_goes_through(dtype: torch.dtype, tmp_path: Path) -> None:
    hold(SKNORM.expected(dtype), reproduce_sknorm(tmp_path, dtype), dtype)


def test_every_file_is_held_to() -> None:
    files = {path.stem for path in FOLDER.iterdir() if path.suffix != ".md"}
    of_models = {case.file for case in REPRODUCED} | SELECTION.keys() | {SINKHORN, SKNORM.file}
    assert files == of_models | ELSEWHERE.keys()
    root = Path(__file__).parents[1]
    for file, test in ELSEWHERE.items():
        assert file in (root / test).read_text(encoding="utf-8"), test


@pytest.mark.parametrize("case", [case for case in REPRODUCED if case.total], ids=name)
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
    assert difference(scores["similarity"], case.similarity) < max(limit, tolerance(case.similarity))
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
