"""Texts without words and videos without frames: named errors as released, scores as corrected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import tcmgc
from tcmgc import DataError, Sizes, TextFeatures, Tokens, VideoFeatures
from tcmgc.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

T, V, W, F, P, D = 4, 5, 6, 4, 3, 16
EMPTY_TEXT, EMPTY_VIDEO = 1, 2
REFUSING = (
    "clip4clip-meanp",
    "clip4clip-seqlstm",
    "clip4clip-seqtransf",
    "xclip",
    "xclip-meanp",
    "drl-dp",
    "drl-ti",
    "drl-wti",
    "ucofia",
)
"""The official code gives NaN, or raises."""

SCORING = ("clip4clip-tight", "drl-xti", "xpool", "tcmgc")
"""The official code gives a number."""

NAN_WITHOUT_WORDS = ("drl-ti", "drl-wti")
"""The official code gives NaN for a text without words."""

SCORED_WITHOUT_WORDS = ("clip4clip-meanp", "xclip", "xclip-meanp", "drl-dp", "ucofia", "ucofia released-eval")
"""It gives a number: it does not read the words, or not their mask, or takes the last position."""


def features(*, empty_text: bool = False, empty_video: bool = False) -> tuple[TextFeatures, VideoFeatures]:
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    words = torch.arange(W) < torch.tensor([6, 0 if empty_text else 3, 4, 2])[:, None]
    frames = torch.arange(F) < torch.tensor([4, 1, 0 if empty_video else 2, 3, 2])[:, None]
    patches = Tokens(random(V, F * P, D), frames.repeat_interleave(P, dim=1))
    text = TextFeatures(random(T, D), Tokens(random(T, W, D), words))
    return text, VideoFeatures(Tokens(random(V, F, D), frames), extra={"patches": patches})


def model(recipe: str, variant: str | None = None) -> Any:
    overrides = ["granularities.*.reorganizer.keep_rate=0.4"] if recipe == "tcmgc" else []
    return tcmgc.build(recipe, Sizes(D, W, F, F * P), variant=variant, overrides=overrides)


@pytest.mark.parametrize("recipe", REFUSING)
def test_released_names_the_video(recipe: str) -> None:
    with pytest.raises(DataError, match=f"video {EMPTY_VIDEO}\n.*no real frame"):
        model(recipe).scores(*features(empty_video=True))
    with pytest.raises(DataError, match=f"video {EMPTY_VIDEO}\n"):
        model(recipe)(*features(empty_video=True))


@pytest.mark.parametrize("recipe", NAN_WITHOUT_WORDS)
def test_released_names_the_text(recipe: str) -> None:
    with pytest.raises(DataError, match=f"text {EMPTY_TEXT}\n.*no real word"):
        model(recipe).scores(*features(empty_text=True))


@pytest.mark.parametrize("name", SCORED_WITHOUT_WORDS)
def test_released_scores_such_a_text_where_the_official_code_does(name: str) -> None:
    """As the text whose words are all real: none of these looks at the mask of the words."""
    released = model(*name.split())
    text, video = features(empty_text=True)
    assert text.words is not None
    full = TextFeatures(text.sentence, Tokens.full(text.words.values))
    scores = released.scores(text, video).total
    assert scores.isfinite().all()
    torch.testing.assert_close(scores[EMPTY_TEXT], released.scores(full, video).total[EMPTY_TEXT])
    assert released.loss(text, video[:T]).total.isfinite()


@pytest.mark.parametrize("recipe", SCORING)
def test_released_scores_where_the_official_code_does(recipe: str) -> None:
    assert model(recipe).scores(*features(empty_text=True, empty_video=True)).total.isfinite().all()


@pytest.mark.parametrize("recipe", [*REFUSING, "xpool", "tcmgc"])
def test_corrected_scores_them_and_leaves_the_rest_alone(recipe: str) -> None:
    corrected = model(recipe, "corrected")
    text, video = features(empty_text=True, empty_video=True)
    scores = corrected.scores(text, video)
    parts = [part for name, part in scores.parts.items() if name in corrected.recipe.config["granularities"]]
    assert parts
    for part in parts:
        assert (part[:, EMPTY_VIDEO] == 0).all()
    rows, columns = torch.tensor([0, 2, 3]), torch.tensor([0, 1, 3, 4])
    alone = corrected.scores(text[rows], video[columns]).total
    torch.testing.assert_close(scores.total[rows][:, columns], alone)


@pytest.mark.parametrize("recipe", [*REFUSING, "xpool", "tcmgc"])
def test_corrected_trains_on_them_without_nan(recipe: str) -> None:
    corrected = model(recipe, "corrected")
    text, video = features(empty_text=True, empty_video=True)
    result = corrected.loss(text, video[:T])
    result.total.backward()
    assert result.total.isfinite()
    for name, parameter in corrected.named_parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all(), name


@pytest.mark.parametrize(("variant", "scored"), [(None, False), ("corrected", True)])
def test_the_command_leaves_it_to_the_recipe(variant: str | None, scored: bool, tmp_path: Path) -> None:
    text, video = features(empty_text=True, empty_video=True)
    words = text.tokens("words")
    save_file(
        {
            **{"sentence": text.sentence, "words": words.values, "word_mask": words.mask.int()},
            **{"frames": video.frames.values, "frame_mask": video.frames.mask.int()},
        },
        tmp_path / "features.safetensors",
    )
    command = ["score", "drl-wti", "--features", str(tmp_path / "features.safetensors")]
    command += ["--out", str(tmp_path / "scores.safetensors")]
    if scored:
        main([*command, "--variant", "corrected"])
        similarity = load_file(tmp_path / "scores.safetensors")["similarity"]
        assert similarity.isfinite().all()
        assert (similarity[EMPTY_TEXT] == 0).all()
        assert (similarity[:, EMPTY_VIDEO] == 0).all()
    else:
        with pytest.raises(SystemExit):
            main(command)
        assert not (tmp_path / "scores.safetensors").exists()
