"""FLOPs of scoring: derived by hand for two methods, as torch counts them for all."""

from __future__ import annotations

import pytest
import torch

import tcmgc
from model_cases import ModelCase, built, recipe_cases
from tcmgc import Sizes
from tcmgc.cost import scoring_flops as module
from tcmgc.cost.scoring_flops import ScoringFlops, scoring_flops, torch_flops

pytestmark = pytest.mark.filterwarnings("ignore::tcmgc_plugins.reorganizers.selection.KeepRateWarning")
PLAIN = {"stages.video": []}


def isa(length: int, rows: int = 1) -> int:
    """Multiply rows by a learned matrix."""
    return rows * length * length


def both_orders(words: int, frames: int) -> int:
    """ISA or AOSM over words and then frames, and the other way round."""
    return isa(words, frames) + isa(frames) + isa(frames, words) + isa(words)


def tcmgc_pair(W: int, F: int, D: int, k: int, *, factored: bool) -> int:
    """One sentence and W words pool F frames; k words and frames are left behind the reorganizers."""
    Q = P = W + 1
    logits = Q * D * F
    if factored:
        norms = Q * (3 * F + 3) * F
        of_sentence = F * D + P * D  # its one vector is made, which all probes ask
        of_words = P * D * F + P * W * (F + 2)  # the basis is asked, and then its combinations
        vectors = norms + of_sentence + of_words
    else:
        vectors = Q * F * D + Q * D * D + (D + W * D + W * D + W * W * D)
    learned = isa(k) + isa(k + 1) + both_orders(k, k) + isa(4)
    return 2 * (logits + vectors + learned)


def xclip_pair(W: int, F: int, D: int) -> int:
    """One sentence and W words contrasted with a mean and F frames."""
    contrasts = (W + 1) * (F + 1) * D
    return 2 * (contrasts + isa(W) + isa(F) + both_orders(W, F))


@pytest.mark.parametrize(("W", "F", "D", "k"), [(32, 12, 512, 3), (20, 6, 64, 2)])
def test_tcmgc_by_hand(W: int, F: int, D: int, k: int) -> None:
    overrides = PLAIN | {"granularities.*.reorganizer.keep_rate": 0.1}
    model = tcmgc.build("tcmgc", Sizes(D, W, F), overrides=overrides)
    kept = model.recipe.config["granularities"]["frame-word"]["reorganizer"]["keep_rate"]
    assert max(1, int(kept * W)) == k
    assert scoring_flops(model).pair == tcmgc_pair(W, F, D, k, factored=True)
    model.form = "dense"
    assert scoring_flops(model).pair == tcmgc_pair(W, F, D, k, factored=False)


def test_tcmgc_at_the_released_shapes() -> None:
    """About 0.92 MFLOP a pair instead of 19.2."""
    assert tcmgc_pair(32, 12, 512, 3, factored=True) == pytest.approx(0.92e6, rel=0.01)
    assert tcmgc_pair(32, 12, 512, 3, factored=False) == pytest.approx(19.2e6, rel=0.01)


@pytest.mark.parametrize(("W", "F", "D"), [(32, 12, 512), (5, 3, 16)])
def test_xclip_by_hand(W: int, F: int, D: int) -> None:
    model = tcmgc.build("xclip", Sizes(D, W, F), overrides=PLAIN)
    learned = 2 * D * D * (W + 1)  # the matrices of video-sentence and frame-word
    assert scoring_flops(model) == ScoringFlops(text=learned, video=0, pair=xclip_pair(W, F, D))


def test_stages_are_once_a_video() -> None:
    F, D = 3, 16
    model = tcmgc.build("clip4clip-seqlstm", Sizes(D, 5, F))
    assert scoring_flops(model) == ScoringFlops(text=0, video=2 * F * 4 * (D * D + D * D), pair=2 * D)


every_recipe = pytest.mark.parametrize("case", list(recipe_cases()), ids=lambda case: case.id)


@every_recipe
def test_as_torchs_counter(case: ModelCase) -> None:
    model = built(case)
    found = scoring_flops(model)
    assert found.pair > 0
    assert found == torch_flops(model)


@every_recipe
def test_a_pair_is_the_same_in_every_tile(case: ModelCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """No recipe has work that is done once a tile, which its pairs would share."""
    model = built(case)
    found = scoring_flops(model)
    monkeypatch.setattr(module, "TEXTS", 7)
    monkeypatch.setattr(module, "VIDEOS", 3)
    other = scoring_flops(model)
    assert (other.pair, other.text) == (found.pair, found.text)


def test_nothing_is_left_changed() -> None:
    model = tcmgc.build("clip4clip-tight", Sizes(16, 5, 3), overrides={"scorer.heads": 4}).train()
    before, state = torch.get_rng_state(), {k: v.clone() for k, v in model.state_dict().items()}
    scoring_flops(model)
    torch_flops(model)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())
    assert model.training
    assert torch.backends.mkldnn.enabled
