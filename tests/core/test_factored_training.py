"""Training in the factored form equals training in the dense one, and in tiles the whole batch's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

import tcmgc
from edge_galleries import edge_galleries
from model_cases import ModelCase, built, component_cases, galleries, recipe_cases
from tcmgc import ConfigError, Sizes, TextFeatures, Tokens, VideoFeatures
from tcmgc.granular import GranularScorer
from tcmgc.score_tiles import KEPT, score_batch
from tcmgc_plugins.views import coefficient_dropout
from tcmgc_plugins.views.attention import Attention
from tcmgc_plugins.views.coefficient_dropout import drops_coefficients

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tcmgc import RetrievalModel
    from tcmgc.view_use import Form

pytestmark = pytest.mark.filterwarnings("ignore::tcmgc_plugins.reorganizers.selection.KeepRateWarning")

N, W, F, D = 6, 8, 5, 32
SIZES = Sizes(dim=D, max_words=W, max_frames=F)
ATTENTION = [("tcmgc", ["frames"]), ("xpool", [])]
HOSTS = {
    "attention": {},
    "projected": {"views.video.projections": True, "views.video.frame_mask": True},
    "four heads": {"views.video.heads": 4, "views.video.projections": True},
    "top-k": {"views.video": {"name": "top-k", "query": "sentence"}, "views.frames.share": "video"},
    "similarity-attention": {
        "views.video": {"name": "similarity-attention", "query": "sentence", "temperature": 0.3},
        "views.frames.share": "video",
    },
}
"""What stands in recipe ``tcmgc``."""


def model_of(host: dict[str, Any], **more: Any) -> RetrievalModel:
    """Build ``tcmgc`` with weights that are no start's: biases are 0 there, gains 1."""
    overrides = {
        "stages.video": [],
        "granularities.*.text_mask": True,
        "granularities.*.video_mask": True,
        # Still and opposite frames give equal similarities, of which a selection may keep any one.
        "granularities.*.reorganizer": None,
        **host,
        **more,
    }
    model = tcmgc.build("tcmgc", SIZES, overrides=overrides, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator, dtype=weight.dtype), alpha=0.1)
        model.logit_scale.fill_(2.0)
    return model


def trained(
    model: RetrievalModel, text: TextFeatures, video: VideoFeatures, *, seed: int = 0
) -> dict[str, torch.Tensor]:
    """Return scores, loss and every gradient of one step in training mode, inputs' gradients included."""
    assert text.sentence is not None
    assert text.words is not None
    inputs = {"sentence": text.sentence, "words": text.words.values, "frames": video.frames.values}
    inputs |= {name: tokens.values for name, tokens in video.extra.items()}
    asked = {**inputs, **dict(model.named_parameters())}
    for tensor in asked.values():
        tensor.requires_grad_().grad = None
    model.train()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        result = model.loss(text, video, generator=torch.Generator().manual_seed(seed))
        result.total.backward()  # type: ignore[no-untyped-call]
    model.eval()
    found = {"total": result.scores.total.detach(), "loss": result.total.detach()}
    found |= {name: part.detach() for name, part in result.scores.parts.items()}
    return found | {f"grad {name}": t.grad for name, t in asked.items() if t.grad is not None}


def hold(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    """Hold every number to the expected one: 1e-9 of the size of its tensor, and none is NaN."""
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.isfinite(tensor).all(), name
        allowed = 1e-9 * max(1.0, tensor.abs().max().item())
        assert (found[name] - tensor).abs().max().item() <= allowed, name


def in_form(model: RetrievalModel, form: Form, *features: Any, **more: Any) -> dict[str, torch.Tensor]:
    model.form = form
    return trained(model, *features, **more)


def factoring() -> Iterator[ModelCase]:
    """Yield every recipe and component that text conditions, its dropout off."""
    for case in [*recipe_cases(), *component_cases()]:
        scorer = built(case).scorer
        if isinstance(scorer, GranularScorer) and scorer.text_conditioned:
            yield case


def dropout_off(model: RetrievalModel) -> RetrievalModel:
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model


@pytest.mark.parametrize("case", list(factoring()), ids=lambda case: case.id)
def test_gradients_of_every_recipe(case: ModelCase) -> None:
    """In training mode, without dropout, ragged."""
    text, video = galleries(texts=4)
    model = dropout_off(case.build())
    found = in_form(model, "factored", text, video)
    prepared = " ".join(model.train().scorer.prepare_video(model.apply_stages(text, video)[1]))
    assert "/factored/" in prepared
    hold(found, in_form(model, "dense", text, video))


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
@pytest.mark.parametrize("seed", range(2))
def test_gradients_at_the_edges(host: dict[str, Any], seed: int) -> None:
    model = dropout_off(model_of(host))
    hold(
        in_form(model, "factored", *edge_galleries(N, seed=seed)),
        in_form(model, "dense", *edge_galleries(N, seed=seed)),
    )


PLACES = {name: host for name, host in HOSTS.items() if "views.video" not in host}
coefficients = {"views.video.dropout_on": "coefficients", "views.video.dropout": 0.4}


def drawn(view: Attention, like_VAt: torch.Tensor) -> torch.Tensor:
    """Draw what a seed gives the sentence and the words of every pair, whichever of them are asked for."""
    V, A, t = like_VAt.shape
    whole = torch.rand(V, A + 1, N, 1 + W, generator=torch.Generator().manual_seed(torch.initial_seed()))
    kept = (whole > view.dropout.p).to(like_VAt.dtype) / (1 - view.dropout.p)
    places = {1: slice(1), W: slice(1, None), 1 + W: slice(None)}[t // N]
    return kept[..., places].reshape(V, A + 1, t)


@pytest.mark.parametrize("host", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("seed", range(2))
def test_dropped_coefficients(host: dict[str, Any], seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same draws both forms make the same; the factored one asks for those of both views at once."""
    monkeypatch.setattr(coefficient_dropout, "draw_scales", drawn)
    model = model_of(host, **coefficients)
    found = in_form(model, "factored", *edge_galleries(N, seed=seed), seed=seed)
    hold(found, in_form(model, "dense", *edge_galleries(N, seed=seed), seed=seed))
    other = in_form(model, "factored", *edge_galleries(N, seed=seed), seed=seed + 1)
    assert not torch.allclose(found["total"], other["total"])


def test_dropped_coefficients_in_evaluation() -> None:
    """Nothing is dropped, and the scores are those of the published dropout's."""
    text, video = edge_galleries(N)
    scores = [model_of({}, **more).scores(text, video).total for more in (coefficients, {})]
    assert torch.equal(*scores)


def test_the_mean_over_draws() -> None:
    """What is dropped is made up for: the linear layer's output has its expectation."""
    view = Attention(heads=2, dropout=0.3, dropout_on="coefficients", dim=D).double().train()
    with torch.no_grad():
        for weight in view.parameters():
            weight.add_(torch.randn(weight.shape, dtype=weight.dtype), alpha=0.2)
    outputs: list[torch.Tensor] = []
    view.layer_norm3.register_forward_pre_hook(lambda _, inputs: outputs.append(inputs[0]))
    text, video = edge_galleries(N)
    assert text.words is not None
    state = {name: tensor[-1:] for name, tensor in view.prepare(video.frames).items()}
    words = Tokens(text.words.values[:1], text.words.mask[:1])
    many = Tokens(words.values.expand(4000, -1, -1), words.mask.expand(4000, -1))
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        view(many, state)
        view.eval()(words, state)
    drawn, whole = outputs
    error = drawn.std(dim=0) / len(drawn) ** 0.5
    assert error.min() > 0
    assert ((drawn.mean(dim=0) - whole[0]).abs() < 5.5 * error).all()


def test_the_variant_is_trained_factored() -> None:
    """And the recipe as released is not."""
    text, video = edge_galleries(N)
    for recipe in ("tcmgc", "xpool"):
        states = {}
        for variant in ("released", "coefficient-dropout"):
            model = tcmgc.build(
                recipe, SIZES, variant=variant, overrides=["stages.video=[]"], dtype=torch.float64
            )
            states[variant] = " ".join(model.train().scorer.prepare_video(video))
            assert torch.isfinite(model.loss(text, video).total)
        assert "/dense/" in states["released"]
        assert "/dense/" not in states["coefficient-dropout"]


def test_one_frame_all_of_it_dropped() -> None:
    """Most draws drop all that a one-frame video adds: the residual keeps a direction, and gradients."""
    model = tcmgc.build(
        "tcmgc",
        Sizes(D, W, 1),
        overrides={"stages.video": [], **coefficients, "views.video.dropout": 0.9},
        dtype=torch.float64,
    )
    text, video = edge_galleries(N)
    found = trained(model, text, VideoFeatures(Tokens.full(video.frames.values.detach()[:, :1])))
    assert all(torch.isfinite(tensor).all() for tensor in found.values())


def test_no_residual_no_dropped_coefficients() -> None:
    with pytest.raises(ConfigError, match="without a residual"):
        model_of({}, **coefficients, **{"views.video.residual": False})
    assert not drops_coefficients(Attention(dropout=0.0, dropout_on="coefficients", dim=D).train())


@pytest.mark.parametrize("form", ["factored", "dense"])
@pytest.mark.parametrize("pairs", [4, 16])
def test_tiles_equal_the_whole_batch(form: Form, pairs: int) -> None:
    """Scores, loss and gradients, where nothing is dropped."""
    model = dropout_off(model_of({}))
    whole = in_form(model, form, *edge_galleries(N))
    model.score_memory = int(KEPT * 8 * model.scorer.floats_per_pair * pairs)
    hold(in_form(model, form, *edge_galleries(N)), whole)


@pytest.mark.parametrize("case", list(recipe_cases()), ids=lambda case: case.id)
def test_every_recipe_in_tiles(case: ModelCase) -> None:
    """The weights that a loss reads besides the scores, too."""
    text, video = galleries(texts=4)
    model = dropout_off(case.build())
    whole = trained(model, text, video)
    model.score_memory = 1
    hold(trained(model, text, video), whole)


def test_tiles_draw_the_same_again() -> None:
    """The second computation of a tile drops what the first dropped: gradients are those of the scores."""
    model = model_of({}, **coefficients)
    model.score_memory = int(KEPT * 8 * model.scorer.floats_per_pair * 4)
    text, video = edge_galleries(N)
    assert text.sentence is not None
    found = trained(model, text, video)["grad sentence"]
    step = 1e-6
    with torch.no_grad():
        for place in ((0, 0), (3, 7)):
            losses = []
            for sign in (1, -1):
                text.sentence[place] += sign * step
                with torch.random.fork_rng(devices=[]):
                    torch.default_generator.manual_seed(0)
                    with torch.enable_grad():
                        losses.append(model.train().loss(text, video).total.item())
                text.sentence[place] -= sign * step
            numeric = (losses[0] - losses[1]) / (2 * step)
            assert abs(numeric - found[place].item()) < 1e-5 * max(1.0, abs(numeric))


class Weighted:
    """A scorer whose items have weights of all three kinds."""

    inputs = frozenset({"sentence", "frames"})
    floats_per_pair = 1

    def __init__(self) -> None:
        self.tiles: list[tuple[int, int]] = []

    def __call__(self, text: Any, video: Any, logit_scale: torch.Tensor) -> tcmgc.Scores:
        text, video = text["x"], video["x"]
        self.tiles.append((len(text), len(video)))
        pairs = text @ video.T * logit_scale
        conditioned = text[:, None] * video[None]
        aux = {"one/text/w": text, "one/video/w": video, "two/video/w": conditioned}
        return tcmgc.Scores(pairs, {"one": pairs}, aux=aux)


@pytest.mark.parametrize("memory", [8, 64, 16 * 9, 1000])
def test_weights_of_items_are_put_together(memory: int) -> None:
    scorer, generator = Weighted(), torch.Generator().manual_seed(0)
    text, video = ({"x": torch.randn(n, 4, generator=generator, requires_grad=True)} for n in (7, 7))
    scale = torch.tensor(2.0)
    whole = scorer(text, video, scale)
    scorer.tiles.clear()
    found = score_batch(scorer, text, video, scale, memory=memory)  # type: ignore[arg-type]
    assert (len(scorer.tiles) > 1) is (memory < KEPT * 4 * 49)
    assert torch.allclose(found.total, whole.total)
    for name, weights in whole.aux.items():
        assert torch.equal(found.aux[name], weights), name
