"""The model: tiles, padding, recombination, training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import save_file

import tcmgc
from tcmgc import ConfigError, DataError, Sizes, TextFeatures, Tokens, VideoFeatures
from tcmgc.api import read_recipe
from tcmgc.tiles import Tiling

if TYPE_CHECKING:
    from pathlib import Path

T, V, W, F, D = 5, 7, 6, 4, 16
SIZES = Sizes(dim=D, max_words=W, max_frames=F, max_patches=2 * F)
RECIPES = ["tcmgc", "xclip", "xpool", "clip4clip-tight", "drl-wti", "ucofia"]
pytestmark = pytest.mark.filterwarnings("ignore::tcmgc_plugins.reorganizers.selection.KeepRateWarning")


def galleries(*, ragged: bool = True, seed: int = 0) -> tuple[TextFeatures, VideoFeatures]:
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    words = torch.randint(2, W + 1, (T, 1), generator=generator) if ragged else torch.full((T, 1), W)
    frames = torch.randint(1, F + 1, (V, 1), generator=generator) if ragged else torch.full((V, 1), F)
    frame_mask = torch.arange(F) < frames
    return (
        TextFeatures(random(T, D), Tokens(random(T, W, D), torch.arange(W) < words)),
        VideoFeatures(
            Tokens(random(V, F, D), frame_mask),
            extra={"patches": Tokens(random(V, 2 * F, D), frame_mask.repeat_interleave(2, dim=1))},
        ),
    )


def build(recipe: str | Path, **more: object) -> tcmgc.RetrievalModel:
    return tcmgc.build(recipe, SIZES, seed=1, dtype=torch.float64, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("tiling", [Tiling(1, 1), Tiling(2, 3), Tiling(100, 1)], ids=str)
def test_tiles_equal_the_whole(recipe: str, tiling: Tiling) -> None:
    model, (text, video) = build(recipe), galleries()
    whole = model(text, video)
    calls: list[tuple[int, int]] = []
    tiled = model.scores(text, video, tiling=tiling, progress=lambda done, total: calls.append((done, total)))
    assert torch.allclose(tiled.total, whole.total, atol=1e-12)
    assert tiled.parts.keys() == whole.parts.keys()
    for name, part in whole.parts.items():
        assert torch.allclose(tiled.parts[name], part, atol=1e-12)
    assert calls[-1] == (T * V, T * V)
    assert calls == sorted(calls)
    assert not tiled.total.requires_grad


@pytest.mark.parametrize("recipe", RECIPES)
def test_estimate_of_memory_grows_with_every_size(recipe: str) -> None:
    """A pair holds at least its similarities, whichever side is the long one."""
    for sizes in (Sizes(D, 40, F, 2 * F), Sizes(D, W, 40, 80)):
        scorer = tcmgc.build(recipe, sizes).scorer
        pairs = [g.entries for g in getattr(scorer, "granularities", {}).values()]
        assert scorer.floats_per_pair >= max([*pairs, D])


def test_evaluation_has_no_dropout_and_leaves_the_mode() -> None:
    text, video = galleries()
    model = build("tcmgc").train()
    model.scorer.views["video"].layer_norm1.eval()  # type: ignore[index,union-attr,operator]
    assert torch.equal(model.similarity(text, video), model.similarity(text, video))
    assert model.training
    assert not model.scorer.views["video"].layer_norm1.training  # type: ignore[index,union-attr]


def test_float64_starts_exact() -> None:
    assert tcmgc.build("xclip", SIZES, dtype=torch.float64).logit_scale.exp().item() == pytest.approx(
        100, abs=1e-12
    )


def test_what_build_refuses(tmp_path: Path) -> None:
    read = read_recipe("xclip")
    assert tcmgc.build(read, SIZES).recipe is read
    with pytest.raises(ConfigError, match="read already"):
        tcmgc.build(read, SIZES, overrides=["aggregator=lsa"])
    with pytest.raises(ConfigError, match="behind a reorganizer"):
        build("tcmgc", overrides=["granularities.frame-word.interaction=wti"])
    reserved = {"granularities.items": {"text": "sentence", "video": "video"}}
    with pytest.raises(ConfigError, match="the name 'items'"):
        build("xclip", overrides=reserved)


def test_tiling_fits_a_budget() -> None:
    tiling = Tiling.fit(floats_per_pair=1000, element_size=4, budget=4_000_000)
    assert tiling == Tiling(32, 28)
    assert Tiling.fit(floats_per_pair=1000, element_size=4, budget=40_000) == Tiling(3, 3)
    assert Tiling.fit(10**12, 8) == Tiling(1, 1)
    with pytest.raises(DataError):
        Tiling(0, 1)


@pytest.mark.parametrize("recipe", RECIPES)
def test_scores_of_a_pair_do_not_depend_on_the_others(recipe: str) -> None:
    model, (text, video) = build(recipe), galleries()
    order_T, order_V = torch.tensor([3, 0, 4]), torch.tensor([6, 2, 1, 5])
    whole = model.similarity(text, video)
    some = model.similarity(text[order_T], video[order_V])
    assert torch.allclose(some, whole[order_T][:, order_V], atol=1e-12)


def refill(tokens: Tokens, value: float) -> Tokens:
    return Tokens(tokens.values.masked_fill(~tokens.mask.unsqueeze(-1), value), tokens.mask)


def padded_with(words: float, frames: float) -> tuple[TextFeatures, VideoFeatures]:
    text, video = galleries()
    assert text.words is not None
    extra = {"patches": refill(video.extra["patches"], frames)}
    return TextFeatures(text.sentence, refill(text.words, words)), VideoFeatures(
        refill(video.frames, frames), extra=extra
    )


GRANULAR = [recipe for recipe in RECIPES if recipe != "clip4clip-tight"]


@pytest.mark.parametrize("recipe", GRANULAR)
@pytest.mark.parametrize("padding", [(3.0, -2.0), (0.0, 0.0)], ids=["numbers", "zeros"])
def test_corrected_variants_do_not_see_padding(recipe: str, padding: tuple[float, float]) -> None:
    """Neither in scores nor in losses and gradients: a zero vector has no direction, and NaN spreads."""
    text, video = galleries()
    other_text, other_video = padded_with(*padding)
    corrected = build(recipe, variant="corrected")
    scores = corrected.similarity(text, video)
    assert torch.allclose(scores, corrected.similarity(other_text, other_video), atol=1e-10)
    gradients = []
    for words, frames in ((text, video), (other_text, other_video)):
        corrected.zero_grad()
        corrected.loss(words, frames[:T]).total.backward()
        gradients.append({n: p.grad.clone() for n, p in corrected.named_parameters() if p.grad is not None})
    assert all(torch.isfinite(gradient).all() for gradient in gradients[1].values())
    stage_positions = "stages.video.0.position_embeddings.weight"
    for name in gradients[0].keys() - {stage_positions}:
        assert torch.allclose(gradients[0][name], gradients[1][name], atol=1e-8), name


@pytest.mark.parametrize("recipe", GRANULAR)
def test_released_variants_see_padding(recipe: str) -> None:
    released = build(recipe)
    seen = not torch.allclose(released.similarity(*galleries()), released.similarity(*padded_with(3.0, -2.0)))
    # Of the releases only DRL's masks both sides; X-Pool reads no words but its frames' padding.
    assert seen is (recipe != "drl-wti")


@pytest.mark.parametrize("recipe", RECIPES)
def test_gradients_reach_every_weight(recipe: str) -> None:
    # One kept entry has no choice, and its matrix no gradient.
    model = build(
        recipe, overrides=["granularities.*.reorganizer.keep_rate=0.5"] if recipe == "tcmgc" else []
    )
    generator = torch.Generator().manual_seed(2)
    for parameter in model.parameters():  # identity starts have zero gradients in places
        parameter.data += 0.02 * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
    model.logit_scale.data.fill_(1.0)
    text, video = galleries()
    model.loss(text, video[:T], generator=generator).total.backward()
    without = {n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    # The last bias in front of a softmax is the same for all its entries: its gradient is 0 but for rounding,
    # and whether rounding leaves something depends on the machine.
    shifts = {
        f"scorer.granularities.frame-word.interaction.{side}_weights.2.bias" for side in ("text", "video")
    }
    gradients = {name: p.grad for name, p in model.named_parameters() if name in shifts}
    assert len(gradients) == (2 if recipe == "drl-wti" else 0)
    assert all(grad is not None and grad.abs().max() < 1e-6 for grad in gradients.values())
    without -= shifts
    assert without == ({"logit_scale"} if recipe == "clip4clip-tight" else set())
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_shared_views_are_one_module() -> None:
    model = build("tcmgc")
    assert list(model.scorer.views) == ["video"]  # type: ignore[arg-type,union-attr]
    assert [name for name, _ in model.named_parameters() if "views" in name and "linear_proj" in name] == [
        "scorer.views.video.linear_proj.weight",
        "scorer.views.video.linear_proj.bias",
    ]


def test_recombinations_without_python(tmp_path: Path) -> None:
    lsa = tmp_path / "xclip-lsa.yaml"
    lsa.write_text("base: xclip\naggregator: lsa\n")
    mean = tmp_path / "tcmgc-mean.yaml"
    mean.write_text("base: tcmgc\nviews:\n  video: mean\n  frames: {name: identity, of: frames}\n")
    text, video = galleries()
    parts = build(lsa).scores(text, video)
    expected = build("xclip").scores(text, video)
    assert all(torch.equal(parts.parts[name], expected.parts[name]) for name in parts.parts)
    stacked = torch.stack(list(expected.parts.values()), dim=-1)
    assert torch.allclose(parts.total, (stacked.softmax(-1) * stacked).sum(-1))
    model = build(mean, overrides={"granularities.*.reorganizer.keep_rate": 0.5})
    granularities = model.scorer.granularities  # type: ignore[union-attr]
    assert granularities["sentence-frame"].interaction.matrix.shape == (F // 2 + 1, F // 2 + 1)  # type: ignore[index,union-attr]
    assert granularities["frame-word"].interaction.orders.frame_first.shape == (F // 2, F // 2)  # type: ignore[index,union-attr]
    assert torch.isfinite(model.similarity(text, video)).all()


def test_granularities_can_be_left_out() -> None:
    text, video = galleries()
    model = build("tcmgc", overrides=["granularities.frame-word=null", "granularities.video-word=null"])
    assert list(model.scores(text, video).parts) == ["video-sentence", "sentence-frame"]
    alone = {f"granularities.{name}": None for name in ("video-word", "sentence-frame", "frame-word")}
    one = build("tcmgc", overrides={**alone, "aggregator": None, "losses.sdr": None})
    scores = one.scores(text, video)
    assert torch.equal(scores.total, scores.parts["video-sentence"])


def test_sdr_needs_two_granularities() -> None:
    text, video = galleries()
    model = build("xpool", overrides={"losses.sdr": 0.5})
    with pytest.raises(ValueError, match="at least two"):
        model.loss(text, video[:T])


def test_wti_on_a_text_conditioned_view() -> None:
    """Item weights of vectors that exist for every pair: an interaction of one paper on a view of another."""
    text, video = galleries()
    model = build(
        "tcmgc", overrides={"granularities.frame-word": {"interaction": "wti", "reorganizer": None}}
    )
    whole = model(text, video)
    assert whole.aux["frame-word/video/weights"].shape == (T, V, W)
    assert torch.allclose(model.similarity(text, video, tiling=Tiling(2, 2)), whole.total)


def test_logit_scale_places() -> None:
    text, video = galleries()
    for recipe, factor in (("xclip", 10.0), ("xpool", 1.0), ("clip4clip-tight", 1.0)):
        model = build(recipe)
        model.logit_scale.data.zero_()
        before = model(text, video)
        model.logit_scale.data.fill_(10.0).log_()
        after = model(text, video)
        assert torch.allclose(after.total, before.total * factor)
        scaled = 1.0 if recipe == "clip4clip-tight" else 10.0
        assert torch.allclose(after.logits, before.logits * scaled)
    model.logit_scale.data.fill_(9.0)
    model.clamp_logit_scale()
    assert model.logit_scale.exp().item() == pytest.approx(100.0)
    model.logit_scale.data.fill_(-3.0)
    model.clamp_logit_scale()
    assert model.logit_scale.item() == -3.0, "from above only"


def test_seed_decides_the_start_and_leaves_the_global_state() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, again, other = (tcmgc.build("tcmgc", SIZES, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    weights = [model.state_dict()["scorer.views.video.linear_proj.weight"] for model in (one, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize(("side", "stage"), [("text", "lstm"), ("video", "last-word")])
def test_a_stage_on_the_wrong_side(side: str, stage: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build("xclip", overrides=[f"stages={{{side}: [{stage}]}}"])
    assert caught.value.where.endswith(f"stages.{side}.0")
    other = "video" if side == "text" else "text"
    assert (caught.value.found, caught.value.expected) == (
        f"{stage}, a stage of {other} features",
        f"a stage of {side} features",
    )


def test_weights_that_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    official = {f"pool_frames.{mid}q_proj.weight": torch.eye(D) for mid in ("", "cross_attn.")}
    save_file(official, path)
    with pytest.raises(DataError, match=r"both for scorer\.views\.video\.q_proj\.weight"):
        tcmgc.load_weights(build("xpool"), path, partial=True)
    save_file({"module.logit_weight": torch.eye(4)}, path)
    with pytest.raises(DataError, match="none of the model's weights"):
        tcmgc.load_weights(build("tcmgc"), path, partial=True)


def test_our_names_round_trip(tmp_path: Path) -> None:
    trained = build("tcmgc")
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.add_(0.1)
    path = tmp_path / "weights.safetensors"
    save_file(trained.state_dict(), path)
    model = build("tcmgc")
    loaded = tcmgc.load_weights(model, path)
    assert loaded.names == "ours"
    assert (loaded.missing, loaded.ignored) == ((), ())
    assert all(torch.equal(a, b) for a, b in zip(trained.parameters(), model.parameters(), strict=True))
    fewer = {name: t for name, t in trained.state_dict().items() if "aggregator" not in name}
    save_file(fewer, path)
    with pytest.raises(DataError, match="1 of the model's"):
        tcmgc.load_weights(build("tcmgc"), path)
    partial = tcmgc.load_weights(build("tcmgc"), path, partial=True)
    assert partial.missing == ("scorer.aggregator.matrix",)
    with pytest.raises(DataError, match="under official names"):
        tcmgc.load_weights(build("tcmgc"), path, names="official")


def test_metrics_of_a_model() -> None:
    text, video = galleries()
    similarity = build("xclip").similarity(text, video[:T])
    report = tcmgc.metrics(similarity)
    rank = (similarity > similarity.diagonal()[:, None]).sum(dim=1) + 1
    assert report["t2v"]["values"]["mnr"] == pytest.approx(rank.double().mean().item())
    assert report["t2v"]["values"]["r1"] == pytest.approx(100 * (rank == 1).double().mean().item())


def test_kernels_are_for_evaluation_alone() -> None:
    class Refusing:
        def refusal(self, *_: object) -> None: ...

        def floats_per_pair(self, _: object) -> int:
            return 1

        def __call__(self, *_: object) -> dict[str, torch.Tensor]:
            raise AssertionError("a kernel knows of no dropout")

    model, (text, video) = build("tcmgc"), galleries()
    scorer: Any = model.scorer
    scorer.kernels = [("never", Refusing())]
    with torch.no_grad():
        model.train()(text, video)
        with pytest.raises(AssertionError, match="dropout"):
            model.eval()(text, video)
