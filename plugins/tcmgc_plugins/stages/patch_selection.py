"""Selection of the patches of every frame that matter (UCoFiA)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Literal, TypeAlias

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from tcmgc import Size
from tcmgc.features import Tokens, VideoFeatures
from tcmgc_plugins.blocks.perturbed_top_k import Noise, perturbed_top_k, top_k_indicator
from tcmgc_plugins.blocks.transformer import initialize_linear

DrawNoise: TypeAlias = Callable[[int, int, Tensor], Tensor]
"""(rows, patches, like) to standard normal noise [rows or 1, samples, patches]."""


class PatchSelection(nn.Module):
    """Keep the class token and k patches of every frame, chosen by a small network.

    Of a frame's N tokens, the class token x_0 first, token l has the score::

        tanh(W4 gelu(W3 [h_l ; g]))    h_l = gelu(W1 LN(x_l)),  g = h_0    (context: frame)

    and the frame leaves as x_0 and ``sum_l I_jl x_l``, j = 1 .. k, over its patches. I is the mean over
    ``samples`` draws of the one-hot places, ascending, of the k largest scores plus noise; so a selected
    patch is a mixture, and gradients reach the network by an estimate (`blocks.perturbed_top_k`).

    In training every frame has draws of its own, from PyTorch's global generator. In evaluation, where the
    release draws as well, all frames share one set that depends on ``seed`` alone: scores are then the same
    every time, in any order and in any tiles. Where a frame has k patches or fewer, as in a file of patches
    that were selected before, there is nothing to choose: all pass as they are, and there are no weights.

    Parameters
    ----------
    k
        Patches kept of a frame.
    context
        What a score sees beside its token. ``frame``: the class token of its frame, as g above; the
        release's training code. ``video``: the class token beside it at the input, LN([x_l ; x_0]), and g
        the sum of h_0 over the frames of the video; the release's evaluation code, whose weights have other
        shapes.
    frame_mask
        Whether padded frames are left out of that sum; the release's are not.
    samples, std
        Number of draws, and the standard deviation of the noise.
    noise_at_evaluation
        Whether evaluation draws too, as the release does; otherwise the k largest are taken as they are.
    seed
        Of the noise at evaluation.
    dim, max_frames, max_patches
        Injected; the patches are all tokens of all frames, frame after frame.
    """

    paper: ClassVar[str] = "UCoFiA, arXiv:2309.10091, patch selection; arXiv:2104.03059, perturbed top-k"

    def __init__(
        self,
        *,
        k: Annotated[int, Field(ge=1)] = 3,
        context: Literal["frame", "video"] = "frame",
        frame_mask: bool = True,
        samples: Annotated[int, Field(ge=1, le=100_000)] = 500,
        std: Annotated[float, Field(gt=0)] = 0.05,
        noise_at_evaluation: bool = False,
        seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0,
        dim: Size,
        max_frames: Size,
        max_patches: Size,
    ) -> None:
        super().__init__()
        patches = max_patches // max_frames - 1
        self.k, self.context, self.frame_mask = k, context, frame_mask
        self.samples, self.std = samples, std
        self.noise_at_evaluation, self.seed = noise_at_evaluation, seed
        self.draw_noise: DrawNoise = self._draw
        """What draws; to be replaced where the noise is known, as a recorded one is."""
        self.score: _PatchScore | None = _PatchScore(dim, context) if patches > k else None

    def lengths(self, lengths: Mapping[str, int]) -> Mapping[str, int]:
        """1 + k patches a frame, or as many as there are."""
        return {**lengths, "patches": min(lengths["patches"], lengths["frames"] * (1 + self.k))}

    def forward(self, features: VideoFeatures) -> VideoFeatures:
        """Replace the ``patches``, [V, F N, D], by [V, F (1 + k), D]."""
        if self.score is None:
            return features
        patches, frames_VF = features.tokens("patches"), features.frames.mask
        V, F = frames_VF.shape
        tokens_VFND = patches.values.reshape(V, F, -1, patches.values.shape[-1])
        scores_VFN = self.scores(tokens_VFND, frames_VF)
        indicator_RKL = self.indicator(scores_VFN[..., 1:].flatten(end_dim=1))
        tokens_RND = tokens_VFND.flatten(end_dim=1)
        selected_RKD = indicator_RKL @ tokens_RND[:, 1:]
        kept = torch.cat([tokens_RND[:, :1], selected_RKD], dim=1).reshape(V, F * (1 + self.k), -1)
        mask = frames_VF.repeat_interleave(1 + self.k, dim=1)
        return replace(features, extra={**features.extra, "patches": Tokens(kept, mask)})

    def scores(self, tokens_VFND: Tensor, mask_VF: Tensor) -> Tensor:
        """Score every token of every frame, the class token too: [V, F, N] in (-1, 1)."""
        assert self.score is not None
        scores: Tensor = self.score(tokens_VFND, mask_VF if self.frame_mask else None)
        return scores

    def indicator(self, scores_RL: Tensor) -> Tensor:
        """Say what of every patch goes into every selected one: [R, k, L] of R frames' L patch scores."""
        if not (self.training or self.noise_at_evaluation):
            return top_k_indicator(scores_RL, self.k)
        return perturbed_top_k(
            scores_RL, self._noise(scores_RL), k=self.k, samples=self.samples, std=self.std
        )

    def _noise(self, scores_RL: Tensor) -> Noise:
        shared: list[Tensor] = []

        def noise(rows: slice) -> Tensor:
            if self.training:
                return self.draw_noise(rows.stop - rows.start, scores_RL.shape[1], scores_RL)
            if not shared:
                shared.append(self.draw_noise(len(scores_RL), scores_RL.shape[1], scores_RL))
            return shared[0] if len(shared[0]) == 1 else shared[0][rows]

        return noise

    def _draw(self, rows: int, patches: int, like: Tensor) -> Tensor:
        if self.training:
            return torch.randn(rows, self.samples, patches, dtype=like.dtype, device=like.device)
        # On the CPU and in float32, so that all devices and precisions see the same.
        generator = torch.Generator().manual_seed(self.seed)
        return torch.randn(1, self.samples, patches, generator=generator).to(like)


class _PatchScore(nn.Module):
    """The network, [V, F, N, D] to [V, F, N]; no linear layer has a bias."""

    def __init__(self, dim: int, context: Literal["frame", "video"]) -> None:
        super().__init__()
        self.video = context == "video"
        inner, width = (2 * dim, dim) if self.video else (dim, dim // 2)
        self.norm = nn.LayerNorm(inner)
        self.token = nn.Linear(inner, width, bias=False)
        self.mix = nn.Linear(2 * width, width, bias=False)
        self.out = nn.Linear(width, 1, bias=False)
        initialize_linear(self)

    def forward(self, tokens_VFND: Tensor, mask_VF: Tensor | None) -> Tensor:
        x = tokens_VFND
        if self.video:
            x = torch.cat([x, x[:, :, :1].expand_as(x)], dim=-1)
        h = functional.gelu(self.token(self.norm(x)))
        context = h[:, :, :1]
        if self.video:
            if mask_VF is not None:
                context = context.masked_fill(~mask_VF[:, :, None, None], 0)
            context = context.sum(dim=1, keepdim=True)
        mixed = functional.gelu(self.mix(torch.cat([h, context.expand_as(h)], dim=-1)))
        scores: Tensor = self.out(mixed).squeeze(-1).tanh()
        return scores
