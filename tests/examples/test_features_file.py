"""The example features are what their script makes, and every shipped recipe scores them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import tcmgc
from tcmgc.app import current_registry

EXAMPLES = Path(__file__).parents[2] / "examples"
FILE = EXAMPLES / "features.safetensors"


def test_the_file_is_what_the_script_makes(tmp_path: Path) -> None:
    made = tmp_path / "made.safetensors"
    subprocess.run([sys.executable, EXAMPLES / "make_features.py", made], check=True, capture_output=True)
    committed, again = load_file(FILE), load_file(made)
    assert committed.keys() == again.keys()
    for name, tensor in committed.items():
        assert tensor.dtype == again[name].dtype, name
        # The generator is the same everywhere; the last bit of a float32 product may not be.
        np.testing.assert_allclose(tensor, again[name], rtol=1e-6, atol=1e-6, err_msg=name)


def test_size_and_sides() -> None:
    assert FILE.stat().st_size <= 400_000
    features = tcmgc.load_features(FILE)
    assert features.text is not None
    assert features.text.words is not None
    assert features.video is not None
    assert len(features.text) == len(features.video) == 50
    for mask in (features.text.words.mask, features.video.frames.mask):
        assert 0 < (~mask).sum() < mask.numel()
    assert features.unused == ()


def shipped() -> list[str]:
    recipes = current_registry().recipe_files
    return [name for name, (_, origin) in recipes.items() if origin.plugin == "benchmarks"]


@pytest.mark.parametrize("recipe", shipped())
def test_every_shipped_recipe_scores_it(recipe: str) -> None:
    features = tcmgc.load_features(FILE)
    model = tcmgc.build(recipe, features.sizes)
    scores = model.scores(*features.require(model.inputs, FILE))
    assert scores.total.shape == (50, 50)
    r1 = tcmgc.metrics(scores.total)["t2v"]["values"]["r1"]
    # An untrained cross-encoder knows nothing; where cosines enter, the planted pairs show: chance is 2,
    # and drl-dp, that reads one noisy word of a text, has 12.
    assert r1 > 20 or (recipe == "drl-dp" and r1 > 10) or recipe in {"clip4clip-tight", "drl-xti"}
