"""The kernel ``triton-attention`` equals the components it stands in for, and refuses what it does not know.

Its tests need a CUDA device, or Triton's interpreter, which has to be chosen before Triton is imported:
`test_under_the_interpreter` runs this file again with TRITON_INTERPRET=1.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
import torch

import tcmgc
from tcmgc import DataError, Sizes, TextFeatures, Tokens, VideoFeatures
from tcmgc.granular import GranularScorer
from tcmgc_plugins.kernels.triton_attention import TritonAttention

if TYPE_CHECKING:
    from tcmgc import RetrievalModel

pytestmark = pytest.mark.filterwarnings("ignore::tcmgc_plugins.reorganizers.selection.KeepRateWarning")

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRETED else "cuda"
runs = pytest.mark.skipif(
    find_spec("triton") is None or not (INTERPRETED or torch.cuda.is_available()),
    reason="needs Triton, and a CUDA device or TRITON_INTERPRET=1",
)
T, V, D = 2, 3, 32
KEEP = "granularities.*.reorganizer.keep_rate"
MASKED = {"granularities.*.text_mask": True, "granularities.*.video_mask": True}


@pytest.mark.skipif(find_spec("triton") is None, reason="needs Triton")
@pytest.mark.skipif(INTERPRETED, reason="is what runs this")
def test_under_the_interpreter() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", __file__]
    command += ["-W", "ignore::RuntimeWarning"]  # NumPy's, of infinities and NaN
    done = subprocess.run(
        command, env={**os.environ, "TRITON_INTERPRET": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


def build(words: int, frames: int, keep: float, *, variant: str | None = None, **more: Any) -> RetrievalModel:
    """Build ``tcmgc`` in float64, with weights that are no start's: biases are 0 there, gains 1."""
    overrides: dict[str, Any] = {"stages.video": [], KEEP: keep, **more}
    model = tcmgc.build(
        "tcmgc", Sizes(D, words, frames), variant=variant, overrides=overrides, dtype=torch.float64
    )
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator, dtype=weight.dtype), alpha=0.05)
        model.logit_scale.fill_(3.0)
    return model


def ragged(words: int, frames: int, seed: int = 0) -> tuple[TextFeatures, VideoFeatures]:
    """Make texts and videos of any length, one of a single frame, one of a still picture."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    frames_VFD = random(V, frames, D)
    frames_VFD[1] = frames_VFD[1, :1]
    frames_VFD[2, 1::2] = -frames_VFD[2, :1]
    frame_mask = torch.arange(frames) < torch.tensor([[max(1, frames - 2)], [frames], [1]])
    word_mask = torch.arange(words) < torch.tensor([[max(2, words // 2)], [words]])
    text = TextFeatures(random(T, D), Tokens(random(T, words, D), word_mask))
    return text, VideoFeatures(Tokens(frames_VFD, frame_mask))


def moved(
    text: TextFeatures, video: VideoFeatures, dtype: torch.dtype, device: str
) -> tuple[TextFeatures, VideoFeatures]:
    def of(tokens: Tokens) -> Tokens:
        return Tokens(tokens.values.to(device, dtype), tokens.mask.to(device))

    assert text.sentence is not None
    assert text.words is not None
    return TextFeatures(text.sentence.to(device, dtype), of(text.words)), VideoFeatures(of(video.frames))


class Counting(TritonAttention):
    """Counts the tiles that it scored."""

    calls = 0

    def __call__(self, *args: Any) -> Any:
        self.calls += 1
        return super().__call__(*args)


def by_kernel(model: RetrievalModel, kernel: TritonAttention) -> RetrievalModel:
    scorer = model.scorer
    assert isinstance(scorer, GranularScorer)
    scorer.kernels = [("triton-attention", kernel)]
    return model


def hold(model: RetrievalModel, text: TextFeatures, video: VideoFeatures, *, views: int = 2) -> None:
    """Hold every part and the total in float32 to all vectors made in float64: 1e-4 + 1e-5 of the size."""
    model.form = "dense"
    oracle = model.scores(text, video)
    model.form = "factored"
    kernel = Counting()
    found = by_kernel(model.float().to(DEVICE), kernel).scores(*moved(text, video, torch.float32, DEVICE))
    assert kernel.calls == views
    for name, part in {"total": oracle.total, **oracle.parts}.items():
        own = found.total if name == "total" else found.parts[name]
        difference = (own.cpu().double() - part).abs()
        assert (difference <= 1e-4 + 1e-5 * part.abs()).all(), (name, difference.max())


SHAPES = {
    "released": (32, 12, 0.1),
    "DiDeMo": (64, 64, 0.1),
    "odd": (7, 5, 0.3),
    "all kept": (6, 4, 1.0),
    "one kept": (20, 1, 0.05),
}


@runs
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_shapes(shape: tuple[int, int, float]) -> None:
    words, frames, keep = shape
    hold(build(words, frames, keep), *ragged(words, frames))


@runs
@pytest.mark.parametrize(
    ("variant", "heads"), [("released", 4), ("paper", 1), ("corrected", 1), ("corrected", 4)]
)
def test_variants(variant: str, heads: int) -> None:
    """Masks, projections and heads."""
    hold(build(7, 5, 0.3, variant=variant, **{"views.video.heads": heads}), *ragged(7, 5, seed=1))


@runs
@pytest.mark.parametrize(
    ("text_mask", "video_mask", "frame_mask"),
    [(True, True, True), (False, True, False), (True, False, True), (False, True, True)],
)
def test_masks(text_mask: bool, video_mask: bool, frame_mask: bool) -> None:
    """With fewer real words than are kept, and an item of nothing on either side."""
    switches = {
        "granularities.*.text_mask": text_mask,
        "granularities.*.video_mask": video_mask,
        "views.video.frame_mask": frame_mask,
        "empty_items": "score",
    }
    text, video = ragged(8, 4, seed=2)
    assert text.words is not None
    text.words.mask[0] = False
    text.words.mask[1, 2:] = False
    video.frames.mask[0] = False
    hold(build(8, 4, 0.5, **switches), text, video)


@runs
def test_equal_entries_are_all_kept() -> None:
    """A still video, and texts of one word said over and over: every similarity is that of all others."""
    text, video = ragged(8, 4)
    assert text.words is not None
    text.words.values[:] = text.words.values[:, :1]
    hold(build(8, 4, 0.5), text, video)


PRUNED = {"granularities.sentence-frame.reorganizer": {"name": "prune", "keep_rate": 0.5}}
FUSED = {"granularities.video-word.reorganizer": {"name": "fuse", "keep_rate": 0.5}}


@runs
@pytest.mark.parametrize(
    ("more", "views"),
    [
        ({"granularities.sentence-frame": None}, 2),
        ({"granularities.frame-word": None}, 2),
        ({"granularities.video-sentence": None, "granularities.video-word": None}, 1),
        (PRUNED, 2),
        (FUSED, 2),
        ({**FUSED, **MASKED}, 2),
        ({"views.video.residual": False, "granularities.*.interaction.temperature": 0.2}, 2),
    ],
)
def test_compositions(more: dict[str, Any], views: int) -> None:
    hold(build(8, 5, 0.4, **more), *ragged(8, 5, seed=3), views=views)


@runs
@pytest.mark.parametrize("place", ["words", "frames"])
def test_what_is_no_number_is_no_score(place: str) -> None:
    """Selections pass over NaN; the scores do not."""
    text, video = ragged(8, 5)
    assert text.words is not None
    (text.words.values if place == "words" else video.frames.values)[1, 0, 0] = torch.nan
    model = by_kernel(build(8, 5, 0.3).float().to(DEVICE), Counting())
    with pytest.raises(DataError, match="text 1" if place == "words" else "video 1"):
        model.scores(*moved(text, video, torch.float32, DEVICE))


@runs
def test_bfloat16_inputs() -> None:
    """Products lose digits, and only they: within a tenth of logits of 20, and not equal."""
    text, video = moved(*ragged(16, 6), torch.float32, DEVICE)
    model = build(16, 6, 0.2).float().to(DEVICE)
    exact = by_kernel(model, TritonAttention()).scores(text, video)
    rounded = by_kernel(model, TritonAttention(inputs="bfloat16")).scores(text, video)
    for name in ("sentence-frame", "frame-word"):
        difference = (exact.parts[name] - rounded.parts[name]).abs().max().item()
        assert 1e-4 < difference < 0.1
    assert torch.equal(exact.parts["video-sentence"], rounded.parts["video-sentence"])


@runs
def test_gradients_are_the_components() -> None:
    kernel = Counting()
    model = by_kernel(build(8, 5, 0.3).float().to(DEVICE), kernel)
    text, video = moved(*ragged(8, 5), torch.float32, DEVICE)
    model.loss(text, video[:T]).total.backward()
    assert kernel.calls == 0
    with torch.no_grad():
        model(text, video)
    assert kernel.calls == 2


@runs
def test_a_tile_equals_the_whole() -> None:
    model = by_kernel(build(8, 5, 0.3).float().to(DEVICE), Counting())
    text, video = moved(*ragged(8, 5), torch.float32, DEVICE)
    whole = model.scores(text, video).total
    tiles = model.scores(text, video, tiling=tcmgc.tiles.Tiling(1, 2)).total
    assert torch.allclose(whole, tiles, atol=1e-5)


def reasons(model: RetrievalModel, dtype: torch.dtype = torch.float32) -> dict[str, str | None]:
    scorer = by_kernel(model, TritonAttention()).scorer
    assert isinstance(scorer, GranularScorer)
    found = scorer.refusals(torch.device(DEVICE), dtype)
    return {view: of["triton-attention"] for view, of in found.items()}


@runs
def test_what_it_refuses() -> None:
    """Each time with the reason, and the components score."""
    nothing = {"video": None, "frames": None}
    assert reasons(build(8, 5, 0.3)) == nothing
    assert reasons(build(8, 5, 0.3), torch.float64) == dict.fromkeys(nothing, "torch.float64, not float32")
    found = reasons(build(130, 2, 0.1))
    assert found["video"] == found["frames"] == "130 words, frames or heads times frames"
    found = reasons(build(60, 2, 0.9))
    assert str(found["video"]).endswith("or keeps over 16")
    aosm = build(8, 5, 0.3, **{"granularities.video-word.interaction": "aosm"})
    assert reasons(aosm)["frames"] is None
    assert str(reasons(aosm)["video"]).startswith("granularity video-word is not")
    plain = {"granularities.sentence-frame.video": "frames", "granularities.video-word.video": "frames"}
    several = build(8, 5, 0.3, **plain, **{"granularities.video-word.reorganizer": "bi-prune"},
                    **{"granularities.video-word.interaction": "bi-isa"})  # fmt: skip
    assert reasons(several)["frames"] == "several granularities of one kind"
    top_k = build(8, 5, 0.3, **{"views.video": {"name": "top-k", "query": "sentence"}})
    assert reasons(top_k)["video"] == "a view of type TopK, not attention"
    dense = build(8, 5, 0.3)
    dense.form = "dense"
    assert reasons(dense)["video"] == "the view's vectors are made, not factored"
    text, video = moved(*ragged(8, 5), torch.float32, DEVICE)
    assert torch.isfinite(aosm.float().to(DEVICE).scores(text, video).total).all()


def test_without_a_device_it_says_so() -> None:
    """On the CPU, outside of the interpreter."""
    found = TritonAttention().refusal(
        build(8, 5, 0.3).scorer._kernel_contrast("video"),  # type: ignore[operator,union-attr]
        torch.device("cpu"),
        torch.float32,
    )
    assert found == (
        None
        if INTERPRETED
        else "the device is cpu, not CUDA"
        if find_spec("triton")
        else "Triton is not installed"
    )
