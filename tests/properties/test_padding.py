"""Padding changes nothing, whatever it holds and however much there is: of every recipe and component.

Where it does, that stands in `property_cases` by name with its reason, and is tested to be so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import given

from model_cases import A, D, F, T, W, built, galleries
from property_cases import (
    GROWS_WITH_PADDING,
    SEES_PADDING,
    Drawn,
    drawn,
    every_case,
    few,
    masked_case,
    same,
    scored,
    seen_case,
)
from tcmgc import RetrievalModel, Sizes, TextFeatures, Tokens, VideoFeatures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_cases import ModelCase

pytestmark = pytest.mark.filterwarnings("ignore::tcmgc_plugins.reorganizers.selection.KeepRateWarning")


def refilled(tokens: Tokens, seed: int) -> Tokens:
    other = torch.randn(
        tokens.values.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    return replace(tokens, values=torch.where(tokens.mask.unsqueeze(-1), tokens.values, 3 * other))


def zeroed(tokens: Tokens) -> Tokens:
    return replace(tokens, values=tokens.values.masked_fill(~tokens.mask.unsqueeze(-1), 0))


def with_other_padding(
    text: TextFeatures, video: VideoFeatures, seed: int
) -> Iterator[tuple[TextFeatures, VideoFeatures]]:
    assert text.words is not None
    for change in (lambda tokens: refilled(tokens, seed), zeroed):
        yield (
            replace(text, words=change(text.words)),
            VideoFeatures(change(video.frames), extra={n: change(t) for n, t in video.extra.items()}),
        )


@masked_case
@few
@given(some=drawn())
def test_what_padding_holds_changes_nothing(case: ModelCase, some: Drawn) -> None:
    model, text, video = some.of(case)
    before = scored(model, text, video)
    for other in with_other_padding(text, video, some.seed):
        assert same(scored(model, *other), before)


@seen_case
def test_exceptions_do_see_padding(case: ModelCase) -> None:
    model, (text, video) = built(case), galleries()
    other = next(with_other_padding(text, video, 1))
    assert not same(scored(model, *other), scored(model, text, video), atol=1e-6)


def more_padding(text: TextFeatures, video: VideoFeatures) -> tuple[TextFeatures, VideoFeatures]:
    def longer(tokens: Tokens, by: int) -> Tokens:
        shape = (len(tokens.values), by, D)
        values = torch.randn(shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
        mask = tokens.mask.new_zeros(shape[:2])
        return Tokens(torch.cat([tokens.values, values], dim=1), torch.cat([tokens.mask, mask], dim=1))

    assert text.words is not None
    return (
        replace(text, words=longer(text.words, 2)),
        VideoFeatures(longer(video.frames, 2), extra={"patches": longer(video.extra["patches"], 2 * A)}),
    )


def grown(case: ModelCase) -> RetrievalModel:
    """Build the model for longer items, with the weights of the shorter where those reach."""
    sizes = Sizes(dim=D, max_words=W + 2, max_frames=F + 2, max_patches=(F + 2) * A)
    # As many are kept of the longer as of the shorter: a rate counts places, padding among them.
    model = case.build(sizes, keep=3 / 8)
    weights = built(case).state_dict()
    with torch.no_grad():
        for name, parameter in model.state_dict().items():
            parameter[tuple(slice(0, length) for length in weights[name].shape)] = weights[name]
    return model


@every_case
def test_more_padding_changes_nothing(case: ModelCase) -> None:
    text, video = galleries()
    before, after = scored(built(case), text, video), scored(grown(case), *more_padding(text, video))
    excepted = case.id in SEES_PADDING or case.id in GROWS_WITH_PADDING
    assert same(before, after, atol=1e-6 if excepted else 1e-9) is not excepted


@masked_case
@pytest.mark.parametrize("holes", [False, True], ids=["at the end", "holes"])
def test_padding_gets_no_gradient(case: ModelCase, holes: bool) -> None:
    """Exactly none: a NaN there would survive every later mask."""
    model, (text, video) = built(case), next(with_other_padding(*galleries(holes=holes), 1))
    assert text.words is not None
    tokens = [text.words, video.frames, *video.extra.values()]
    for each in tokens:
        each.values.requires_grad_()
    loss = model.loss(text, video[:T], generator=torch.Generator().manual_seed(0)).total
    gradients = torch.autograd.grad(loss, [each.values for each in tokens], allow_unused=True)
    for each, gradient in zip(tokens, gradients, strict=True):
        if gradient is not None:
            assert torch.isfinite(gradient).all()
            assert not gradient[~each.mask].any()
