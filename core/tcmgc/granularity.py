"""One contrast: text vectors against visual vectors, down to one score a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, cast

import torch
from torch import nn

from .slots.interaction import Interaction, ItemWeighting
from .visual import Visual, unit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from .features import TextFeatures
    from .similarity import Similarity
    from .slots.reorganizer import Reorganizer
    from .state import State


Normalization: TypeAlias = Literal["none", "all", "real"]
"""Which visual vectors are brought to unit norm: none, all, or those alone that are not padding."""


class Granularity(nn.Module):
    """Score text vectors against a view's vectors.

    The similarity of text vector x and visual vector z is ``(x G) . (z H)``, with learned D x D
    matrices G and H that start as identity. Both may be absent. It is computed as ``(x G H^T) . z``,
    so that nothing is ever done to the visual vectors, of which there may be one for every pair.

    Parameters
    ----------
    text
        Which text tokens: ``sentence`` or ``words``.
    video
        The view's name.
    dim
        D.
    entries
        P Q, the similarities of a pair.
    text_matrix, video_matrix
        Whether there is a G, an H.
    normalize_text, normalize_video
        Whether the vectors are brought to unit norm, before G and H.
    text_mask, video_mask
        Whether padding is masked; without, it takes part like everything else.
    reorganizer, interaction
        Components; without an interaction the similarity is 1 x 1.
    """

    def __init__(
        self,
        *,
        text: str,
        video: str,
        dim: int,
        entries: int,
        text_matrix: bool,
        video_matrix: bool,
        normalize_text: bool,
        normalize_video: bool,
        text_mask: bool,
        video_mask: bool,
        reorganizer: Reorganizer | None,
        interaction: Interaction | None,
    ) -> None:
        super().__init__()
        self.entries = entries
        self.text = text
        self.video = video
        self.normalize_text = normalize_text
        self.normalize_video = normalize_video
        self.use_text_mask = text_mask
        self.use_video_mask = video_mask
        self.text_matrix = nn.Parameter(torch.eye(dim)) if text_matrix else None
        self.video_matrix = nn.Parameter(torch.eye(dim)) if video_matrix else None
        self.reorganizer = reorganizer
        self.interaction = interaction
        # Asked once: looking a protocol's methods up takes as long as scoring a few pairs.
        self._weighs = isinstance(interaction, ItemWeighting)

    def prepare_text(self, text: TextFeatures) -> State:
        """Compute the probes [T, P, D], their mask [T, P] and the interaction's weights of the text."""
        tokens = text.tokens(self.text)
        padding = tokens.mask if self.use_text_mask else None
        probes = unit(tokens.values, padding) if self.normalize_text else tokens.values
        if self.text_matrix is not None:
            probes = probes @ self.text_matrix
        if self.video_matrix is not None:
            probes = probes @ self.video_matrix.T
        state = {"probes": probes, "mask": tokens.mask}
        if (weighting := self._weighting) is not None:
            state |= {f"item/{name}": value for name, value in weighting.prepare_text(tokens).items()}
        return state

    def weigh_video(self, visual: Visual) -> State:
        """Compute the interaction's weights of the visual side, from vectors that are not normalised."""
        return {} if self._weighting is None else self._weighting.prepare_video(visual)

    @property
    def normalization(self) -> Normalization:
        """What has to be done to the visual vectors before they come here."""
        if not self.normalize_video:
            return "none"
        return "real" if self.use_video_mask else "all"

    @property
    def _weighting(self) -> ItemWeighting | None:
        return cast("ItemWeighting", self.interaction) if self._weighs else None

    def forward(self, similarity: Similarity, text_items: State, video_items: State) -> Tensor:
        """Score a tile.

        Parameters
        ----------
        similarity
            Of the probes and the view's vectors, normalised where this granularity says so.
        text_items, video_items
            The interaction's weights.

        Returns
        -------
        Tensor
            [T, V].
        """
        if self.reorganizer is not None:
            similarity = self.reorganizer(similarity)
        if self.interaction is None:
            return only(similarity)
        return self.interaction(similarity, text_items, video_items)

    def mask(self, text_TP: Tensor, video_TVQ: Tensor | None) -> Tensor | None:
        """Say which similarities count, broadcastable to [T, V, P, Q], by both sides' masks; None for all."""
        text = text_TP[:, None, :, None] if self.use_text_mask else None
        video = video_TVQ[:, :, None, :] if self.use_video_mask and video_TVQ is not None else None
        if text is None or video is None:
            return video if text is None else text
        return text & video


def only(similarity: Similarity) -> Tensor:
    """Return the one entry of 1 x 1 similarities, [T, V]; 0 where the mask leaves none."""
    values = similarity.values[..., 0, 0]
    if similarity.mask is None:
        return values
    return values.masked_fill(~similarity.mask.expand(similarity.values.shape)[..., 0, 0], 0)


def by_normalization(
    granularities: Iterable[tuple[str, Granularity]],
) -> dict[Normalization, dict[str, Granularity]]:
    """Put together those that want a view's vectors alike, whose probes can ask them at once."""
    found: dict[Normalization, dict[str, Granularity]] = {}
    for name, granularity in granularities:
        found.setdefault(granularity.normalization, {})[name] = granularity
    return found
