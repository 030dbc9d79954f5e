"""DRL's parts beside the golden files: token interaction, the last word, CDCR's matches."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tcmgc import Similarity, TextFeatures, Tokens, VideoFeatures
from tcmgc.scores import Scores
from tcmgc_plugins.interactions.wti import WeightedTokenInteraction
from tcmgc_plugins.losses.cdcr import DRAWN, ChannelDecorrelation
from tcmgc_plugins.stages.last_word import LastWord

T, W, F, D = 6, 5, 4, 3
PAIRS = torch.arange(T)


@pytest.fixture
def text() -> TextFeatures:
    generator = torch.Generator().manual_seed(5)
    mask = torch.arange(W) < torch.tensor([5, 2, 3, 1, 4, 5])[:, None]
    return TextFeatures(
        torch.zeros(T, D, dtype=torch.float64),
        Tokens(torch.randn(T, W, D, generator=generator, dtype=torch.float64), mask),
    )


@pytest.fixture
def video() -> VideoFeatures:
    generator = torch.Generator().manual_seed(6)
    mask = torch.arange(F) < torch.tensor([4, 1, 2, 3, 4, 2])[:, None]
    return VideoFeatures(Tokens(torch.randn(T, F, D, generator=generator, dtype=torch.float64), mask))


def correlation(text: TextFeatures, video: VideoFeatures, loss: ChannelDecorrelation) -> torch.Tensor:
    zeros = torch.zeros(T, T)
    return loss.correlation(Scores(zeros, {}), text, video, PAIRS, None)


def of_rows(x: list[torch.Tensor], y: list[torch.Tensor]) -> torch.Tensor:
    def standard(rows: list[torch.Tensor]) -> torch.Tensor:
        stacked = torch.stack([row / row.norm() for row in rows])
        return (stacked - stacked.mean(dim=0)) / stacked.std(dim=0)

    return standard(x).T @ standard(y) / len(x)


def test_without_networks_every_real_token_weighs_the_same(text: TextFeatures) -> None:
    component = WeightedTokenInteraction(layers=0, dim=D)
    assert not list(component.parameters())
    words = text.tokens("words")
    weights = component.prepare_text(words)["weights"]
    torch.testing.assert_close(weights, words.mask / words.mask.sum(dim=1, keepdim=True).double())
    values = torch.tensor([[[[0.1, 0.9], [0.5, 0.3]]]])
    half = {"weights": torch.tensor([[0.5, 0.5]])}
    score = component(Similarity(values), half, half)
    assert score.item() == pytest.approx(((0.9 + 0.5) / 2 + (0.5 + 0.9) / 2) / 2)


def test_the_last_word_is_the_sentence(text: TextFeatures) -> None:
    stage = LastWord()
    words = text.tokens("words")
    staged = stage(text)
    assert staged.sentence is not None
    for t, count in enumerate(words.mask.sum(dim=1).tolist()):
        assert torch.equal(staged.sentence[t], words.values[t, count - 1])
    assert staged.words is words
    assert stage.reads(frozenset({"sentence", "frames"})) == {"words", "frames"}
    assert stage.reads(frozenset({"frames"})) == {"frames"}


def test_the_last_word_is_the_last_real_one() -> None:
    """Also where the mask has holes; a text without words has the last position."""
    places = [[5, 6], [0, 2, 3], [4], [], [0, 1, 2]]
    mask = torch.zeros(len(places), 8, dtype=torch.bool)
    for t, real in enumerate(places):
        mask[t, real] = True
    words = Tokens(torch.arange(8.0).expand(len(places), 8).unsqueeze(-1), mask)
    staged = LastWord()(TextFeatures(words=words))
    assert staged.sentence is not None
    assert staged.sentence.flatten().tolist() == [6, 3, 4, 7, 2]


def test_random_matches_are_the_drawn_ones(text: TextFeatures, video: VideoFeatures) -> None:
    loss = ChannelDecorrelation(matches="random")
    drawn = [torch.tensor([0, 7, 2, 9999, 5, 13]), torch.tensor([3, 8, 1, 4, 6, 7])]
    asked = iter(drawn)
    loss.draw = lambda *_: next(asked)
    chosen: list[list[Any]] = []
    for side, numbers in zip((text.tokens("words"), video.frames), drawn, strict=True):
        counts = side.mask.sum(dim=1)
        chosen.append([side.values[i, int(numbers[i] % counts[i])] for i in range(T)])
    torch.testing.assert_close(correlation(text, video, loss), of_rows(*chosen))


def test_random_matches_are_real_and_of_the_generator(text: TextFeatures, video: VideoFeatures) -> None:
    dirty = video.with_frames(video.frames.values.masked_fill(~video.frames.mask[..., None], torch.nan))
    loss = ChannelDecorrelation(matches="random")

    def total(seed: int) -> float:
        generator = torch.Generator().manual_seed(seed)
        return loss(Scores(torch.zeros(T, T), {}), text, dirty, PAIRS, generator).item()

    assert total(1) == total(1)
    assert total(1) != total(2)
    assert total(1) == total(1)
    numbers = loss.draw(1000, torch.Generator().manual_seed(0), torch.device("cpu"))
    assert 0 <= numbers.min() < numbers.max() < DRAWN


def test_random_matches_where_masks_are_no_prefixes(text: TextFeatures, video: VideoFeatures) -> None:
    """Number 1 is the second real word, wherever it stands."""
    mask = torch.tensor([[False, True, False, True, False]]).expand(T, W)
    values = text.tokens("words").values
    loss = ChannelDecorrelation(matches="random")
    loss.draw = lambda count, *_: torch.ones(count, dtype=torch.int64)
    frames = [video.frames.values[i, int(1 % video.frames.mask[i].sum())] for i in range(T)]
    ours = correlation(TextFeatures(words=Tokens(values, mask)), video, loss)
    torch.testing.assert_close(ours, of_rows(list(values[:, 3]), frames))


def test_pooled_matches(text: TextFeatures, video: VideoFeatures) -> None:
    sentence = torch.randn(T, D, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    means = []
    for frames, mask in zip(video.frames.values, video.frames.mask, strict=True):
        real = frames[mask]
        means.append((real / real.norm(dim=-1, keepdim=True)).mean(dim=0))
    ours = correlation(TextFeatures(sentence), video, ChannelDecorrelation(matches="pooled"))
    torch.testing.assert_close(ours, of_rows(list(sentence), means))


@pytest.mark.parametrize("pairs", [(3, 0, 5, 1, 2, 4), (1, 1, 0, 2, 5, 0)], ids=str)
def test_best_matches_are_of_the_paired_video(
    text: TextFeatures, video: VideoFeatures, pairs: tuple[int, ...]
) -> None:
    """Written out one word and one frame at a time; also where texts share a video."""
    words = text.tokens("words")
    of_word: list[tuple[torch.Tensor, torch.Tensor]] = []
    of_frame: list[tuple[torch.Tensor, torch.Tensor]] = []
    for t, v in enumerate(pairs):
        real_words = [w / w.norm() for w in words.values[t][words.mask[t]]]
        real_frames = [f / f.norm() for f in video.frames.values[v][video.frames.mask[v]]]
        of_word += [(w, max(real_frames, key=lambda f: float(f @ w))) for w in real_words]
        of_frame += [(f, max(real_words, key=lambda w: float(f @ w))) for f in real_frames]
    expected = [of_rows(*map(list, zip(*found, strict=True))) for found in (of_word, of_frame)]
    loss = ChannelDecorrelation(matches="best", masked="exclude", alpha1=0.3, alpha2=0.2)
    given = Scores(torch.zeros(T, T), {}), text, video, torch.tensor(pairs), None
    c = (expected[0] + expected[1]) / 2
    torch.testing.assert_close(loss.correlation(*given), c)
    off = c - torch.diag(c.diagonal())
    assert loss(*given).item() == pytest.approx(
        (0.3 * (c.diagonal() - 1).square().sum() + 0.2 * off.square().sum()).item()
    )


def test_weights_are_needed_where_matches_are_weighed(text: TextFeatures, video: VideoFeatures) -> None:
    with pytest.raises(ValueError, match="matches = weighted needs an interaction with weights"):
        correlation(text, video, ChannelDecorrelation(matches="weighted"))
