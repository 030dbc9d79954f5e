"""The cases of the property tests, what does not hold of some of them, and what is compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st

from model_cases import A, D, ModelCase, built, component_cases, galleries, recipe_cases
from tcmgc import Sizes

if TYPE_CHECKING:
    from collections.abc import Callable

    from tcmgc import RetrievalModel, TextFeatures, VideoFeatures

NO_MASK = "released without masks: padding takes part in softmaxes, selections or means"
ZERO_WINS = "a masked 0 wins where all real similarities are negative"
ZERO_MATCHES = f"released: {ZERO_WINS}, and the loss then matches a word with what a padded frame holds"
SEES_PADDING = {
    **dict.fromkeys(["tcmgc", "tcmgc paper", "tcmgc text-free", "xclip", "xclip-meanp"], NO_MASK),
    **dict.fromkeys(["tcmgc coefficient-dropout", "xpool coefficient-dropout"], NO_MASK),
    **dict.fromkeys(["xpool", "xpool avg", "xpool top-k", "xpool attention"], NO_MASK),
    **dict.fromkeys(["ucofia", "ucofia released-eval"], NO_MASK),
    **dict.fromkeys(["drl-wti", "drl-ti", "loss cdcr masked=zero"], ZERO_MATCHES),
    **dict.fromkeys(["view attention frame_mask=False", "view mean masked=False"], NO_MASK),
    **dict.fromkeys(["view top-k frame_mask=False", "view similarity-attention frame_mask=False"], NO_MASK),
}
"""Whose scores or loss depend on what padding holds."""
GROWS_WITH_PADDING = {"interaction wti masked=zero": ZERO_WINS}
"""Whose scores do not depend on what padding holds, but on whether there is any."""
ESTIMATED = "a score-function estimate, of draws: it is right on average alone"
NO_EXACT_GRADIENT = dict.fromkeys(
    ["ucofia", "ucofia released-eval", "stage patch-selection noise_at_evaluation=True"], ESTIMATED
)

CASES = [*recipe_cases(), *component_cases()]
few = settings(max_examples=4)


@dataclass(frozen=True)
class Drawn:
    """Galleries of some size."""

    seed: int
    texts: int
    videos: int
    words: int
    frames: int
    holes: bool

    def of(self, case: ModelCase) -> tuple[RetrievalModel, TextFeatures, VideoFeatures]:
        """The case's model for them, and they."""
        sizes = Sizes(dim=D, max_words=self.words, max_frames=self.frames, max_patches=self.frames * A)
        given = galleries(self.seed, sizes, texts=self.texts, videos=self.videos, holes=self.holes)
        return (built(case, sizes), *given)


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    """Two texts at least, as a correlation needs, and a video for each."""
    texts = draw(st.integers(2, 4))
    return Drawn(
        seed=draw(st.integers(0, 10_000)),
        texts=texts,
        videos=draw(st.integers(texts, 5)),
        words=draw(st.integers(2, 7)),
        frames=draw(st.integers(1, 5)),
        holes=draw(st.booleans()),
    )


def cases(chosen: Callable[[ModelCase], bool] = lambda case: True) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [*filter(chosen, CASES)], ids=lambda case: case.id)


every_case = cases()
masked_case = cases(lambda case: case.id not in SEES_PADDING)
seen_case = cases(lambda case: case.id in SEES_PADDING)


def scored(model: RetrievalModel, text: TextFeatures, video: VideoFeatures) -> dict[str, torch.Tensor]:
    """Total, parts, and the loss of the first texts and videos as pairs."""
    scores = model.scores(text, video)
    found = {"total": scores.total, **scores.parts}
    with torch.no_grad():
        loss = model.loss(text, video[: len(text)], generator=torch.Generator().manual_seed(0))
    return found | {"loss": loss.total}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor], atol: float = 1e-9) -> bool:
    assert one.keys() == other.keys()
    return all(torch.allclose(one[name], other[name], rtol=0, atol=atol) for name in one)
