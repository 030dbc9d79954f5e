"""``tcmgc score --normalizer NAME --bank FILE`` against the formulas in numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tcmgc.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

T, V, B, W, F, D = 5, 4, 6, 7, 3, 8


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Features of a test, and of training texts and videos."""
    generator = torch.Generator().manual_seed(4)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    save_file(
        {"sentence": random(T, D), "words": random(T, W, D), "frames": random(V, F, D)}, tmp_path / "test"
    )
    save_file({"sentence": random(B, D), "words": random(B, W, D)}, tmp_path / "texts")
    save_file({"frames": random(B, F, D)}, tmp_path / "videos")
    return tmp_path


def score(folder: Path, features: str, *more: str) -> dict[str, np.ndarray]:
    out = folder / "out.safetensors"
    main(
        [
            "score",
            "xclip",
            "--dtype",
            "float64",
            "--features",
            str(folder / features),
            "--out",
            str(out),
            *more,
        ]
    )
    return {name: tensor.numpy() for name, tensor in load_file(out).items()}


def raw(folder: Path, direction: str) -> tuple[np.ndarray, np.ndarray]:
    """Similarity of the test, and of the bank with the candidates; queries in rows."""
    test, bank = load_file(folder / "test"), load_file(folder / ("texts" if direction == "t2v" else "videos"))
    save_file({**test, **bank}, folder / "mixed")
    found = [score(folder, name)["similarity"] for name in ("test", "mixed")]
    scores, of_bank = found if direction == "t2v" else [matrix.T for matrix in found]
    return scores, of_bank


@pytest.mark.parametrize("direction", ["t2v", "v2t"])
def test_qb_norm(folder: Path, direction: str) -> None:
    scores, bank = raw(folder, direction)
    named = ("--normalizer", "qb-norm", "--bank", str(folder / ("texts" if direction == "t2v" else "videos")))
    found = score(folder, "test", *named, "--set", "normalizer.beta=0.2", "--direction", direction)
    after = found["similarity"] if direction == "t2v" else found["similarity"].T
    activated = np.isin(scores.argmax(axis=1), bank.argmax(axis=1))
    divided = np.exp(0.2 * scores) / np.exp(0.2 * bank).sum(axis=0)
    assert activated.any()
    np.testing.assert_allclose(np.exp(0.2 * after[activated]), divided[activated], rtol=1e-9)
    np.testing.assert_allclose(after[~activated], scores[~activated], atol=1e-12)
    plain = score(folder, "test")
    assert all(np.array_equal(found[name], plain[name]) for name in plain if name.startswith("parts."))


@pytest.mark.parametrize("direction", ["t2v", "v2t"])
def test_dual_softmax(folder: Path, direction: str) -> None:
    scores, _ = raw(folder, direction)
    found = score(folder, "test", "--normalizer", "dual-softmax", "--direction", direction)["similarity"]
    prior = np.exp(scores / 1000) / np.exp(scores / 1000).sum(axis=0)
    after = found if direction == "t2v" else found.T
    np.testing.assert_allclose(after, scores * prior * len(scores), atol=1e-9)


@pytest.mark.parametrize(("name", "needs"), [("dual-softmax", "test-queries"), ("qb-norm", "bank")])
def test_the_file_says_what_was_looked_at(folder: Path, name: str, needs: str) -> None:
    bank = ("--bank", str(folder / "texts")) if needs == "bank" else ()
    score(folder, "test", "--normalizer", name, *bank)
    with safe_open(folder / "out.safetensors", "pt") as file:
        said = file.metadata()
    assert (said["normalizer"], said["normalizer_needs"], said["direction"]) == (name, needs, "t2v")
    score(folder, "test")
    with safe_open(folder / "out.safetensors", "pt") as file:
        said = file.metadata()
    assert (said["normalizer"], said["normalizer_needs"]) == ("", "")


def test_a_bank_where_none_is_looked_at(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        score(folder, "test", "--normalizer", "dual-softmax", "--bank", str(folder / "texts"))
    assert "it needs no bank" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        score(folder, "test", "--normalizer", "qb-norm")
    assert "no --bank" in capsys.readouterr().err
