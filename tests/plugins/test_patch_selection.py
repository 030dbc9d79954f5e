"""Patch selection: its noise, masks and sizes; its golden files are in tests/test_golden.py."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tcmgc import ConfigError, Sizes, Tokens, VideoFeatures
from tcmgc.api import read_recipe
from tcmgc.app import current_registry
from tcmgc.builder import build_model
from tcmgc_plugins.blocks import perturbed_top_k as block
from tcmgc_plugins.stages.patch_selection import PatchSelection

F, N, D, K = 3, 6, 32, 3


def selection(**settings: Any) -> PatchSelection:
    torch.manual_seed(0)
    sizes = {"dim": D, "max_frames": F, "max_patches": F * N}
    return PatchSelection(**{**sizes, **settings}).eval()


def features(patches: torch.Tensor, mask: torch.Tensor | None = None, frames: int = F) -> VideoFeatures:
    mask = torch.ones(len(patches), frames, dtype=torch.bool) if mask is None else mask
    per_frame = patches.shape[1] // frames
    tokens = Tokens(patches, mask.repeat_interleave(per_frame, dim=1))
    return VideoFeatures(Tokens(torch.zeros(len(patches), frames, D), mask), extra={"patches": tokens})


def test_it_is_the_mean_over_one_hot_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the definition, with one-hot vectors; in chunks as at once."""
    scores = torch.rand(5, 7, dtype=torch.float64)
    noise = torch.randn(5, 20, 7, dtype=torch.float64)
    chosen = (scores[:, None] + 0.1 * noise).topk(K).indices.sort(dim=-1).values
    one_hot = torch.nn.functional.one_hot(chosen, 7).double()
    upstream = torch.randn(5, K, 7, dtype=torch.float64)
    estimate = torch.einsum("nkl,nskl,nsl->nl", upstream, one_hot, noise) / (20 * 0.1)
    for chunk in (block.CHUNK, 2 * 20 * 7):
        monkeypatch.setattr(block, "CHUNK", chunk)
        leaf = scores.clone().requires_grad_()
        ours = block.perturbed_top_k(leaf, lambda rows: noise[rows], k=K, samples=20, std=0.1)
        ours.backward(upstream)
        torch.testing.assert_close(ours, one_hot.mean(dim=1))
        torch.testing.assert_close(leaf.grad, estimate)


def test_little_noise_chooses_as_none() -> None:
    quiet, none = selection(noise_at_evaluation=True, std=1e-9), selection()
    scores = torch.linspace(-1, 1, F * (N - 1))[torch.randperm(F * (N - 1))].reshape(F, N - 1)
    torch.testing.assert_close(quiet.indicator(scores), none.indicator(scores))
    places = none.indicator(scores).argmax(dim=-1)
    assert (places.diff(dim=-1) > 0).all()  # the order of the frame, not of the scores


@pytest.mark.parametrize("noise", [True, False])
def test_evaluation_is_the_same_every_time_and_in_any_order(noise: bool) -> None:
    stage, x = selection(noise_at_evaluation=noise), torch.randn(4, F * N, D)
    before = torch.get_rng_state()
    whole = stage(features(x)).tokens("patches").values
    assert torch.equal(before, torch.get_rng_state())
    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(stage(features(x[order])).tokens("patches").values, whole[order])
    torch.testing.assert_close(stage(features(x[1:3])).tokens("patches").values, whole[1:3])


def test_training_draws_of_the_global_generator() -> None:
    stage, x = selection().train(), torch.randn(4, F * N, D)

    def draw(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return stage(features(x)).tokens("patches").values

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))


@pytest.mark.parametrize(("frame_mask", "changes"), [(True, False), (False, True)])
def test_padded_frames_and_the_context_of_the_video(frame_mask: bool, changes: bool) -> None:
    stage = selection(context="video", frame_mask=frame_mask).double()
    stage.score.mix.weight.data *= 100  # type: ignore[union-attr]
    x = torch.randn(2, F * N, D, dtype=torch.float64)
    mask = torch.tensor([[True, True, False], [True, True, True]])
    dirty = x.clone()
    dirty[0, 2 * N :] = torch.randn(N, D) * 30
    one, other = (stage.scores(t.reshape(2, F, N, D), mask)[0, :2] for t in (x, dirty))
    assert torch.allclose(one, other) is not changes
    kept = stage(features(x, mask)).tokens("patches")
    assert kept.values.shape == (2, F * (1 + K), D)
    assert kept.mask[0].tolist() == [True] * 8 + [False] * 4
    torch.testing.assert_close(kept.values[:, :: 1 + K], x[:, ::N])  # class tokens stay


def test_nothing_to_choose_and_nothing_there() -> None:
    stage = selection(max_patches=F * (1 + K))
    assert not list(stage.parameters())
    given = features(torch.randn(2, F * (1 + K), D))
    assert stage(given) is given
    with pytest.raises(ConfigError, match="features with patches"):
        build_model(read_recipe("ucofia"), current_registry(), Sizes(D, 4, F, 0))
