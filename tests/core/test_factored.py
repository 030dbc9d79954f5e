"""The factored form equals the dense one, its oracle: of every recipe and component, and at the edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

import tcmgc
from edge_galleries import edge_galleries
from model_cases import ModelCase, built, component_cases, galleries, recipe_cases
from tcmgc import Sizes, TextFeatures, Tokens, VideoFeatures
from tcmgc.app import current_plugins
from tcmgc.factored import Factored, combination_norm, gram_root
from tcmgc.granular import GranularScorer
from tcmgc.similarity import Similarity
from tcmgc.slots.view import FactoredView, is_factored
from tcmgc.visual import Dense
from tcmgc_plugins.views.attention import Attention
from tcmgc_plugins.views.similarity_attention import SimilarityAttention
from tcmgc_plugins.views.top_k import TopK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tcmgc import RetrievalModel
    from tcmgc.slots.view import VideoView
    from tcmgc.state import State

pytestmark = pytest.mark.filterwarnings("ignore::tcmgc_plugins.reorganizers.selection.KeepRateWarning")

T, V, W, F, D = 3, 6, 8, 5, 32
SIZES = Sizes(dim=D, max_words=W, max_frames=F)


def conditioned() -> Iterator[ModelCase]:
    for case in [*recipe_cases(), *component_cases()]:
        scorer = built(case).scorer
        if isinstance(scorer, GranularScorer) and scorer.text_conditioned:
            yield case


CASES = list(conditioned())
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
exactness = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])


def hold(model: RetrievalModel, text: TextFeatures, video: VideoFeatures) -> None:
    """Hold every part and the total to the dense form: 1e-10, in float32 1e-4 + 1e-5 of the size."""
    found = {}
    for form in ("factored", "dense"):
        model.form = form  # type: ignore[assignment]
        scores = model.scores(text, video)
        found[form] = {"total": scores.total, **scores.parts}
    model.form = "factored"
    for name, dense in found["dense"].items():
        allowed = 1e-10 if dense.dtype == torch.float64 else 1e-4 + 1e-5 * dense.abs()
        assert ((found["factored"][name] - dense).abs() <= allowed).all(), name


@every_case
@exactness
def test_equals_the_dense_form(case: ModelCase, dtype: torch.dtype) -> None:
    text, video = galleries()
    model = case.build().to(dtype)
    words, frames, patches = text.words, video.frames, video.extra["patches"]
    assert text.sentence is not None
    assert words is not None
    hold(
        model,
        TextFeatures(text.sentence.to(dtype), Tokens(words.values.to(dtype), words.mask)),
        VideoFeatures(
            Tokens(frames.values.to(dtype), frames.mask),
            extra={"patches": Tokens(patches.values.to(dtype), patches.mask)},
        ),
    )


@pytest.mark.parametrize("variant", ["released", "paper", "corrected"])
@pytest.mark.parametrize("heads", [1, 4])
@exactness
def test_equals_the_dense_form_at_the_edges(variant: str, heads: int, dtype: torch.dtype) -> None:
    overrides = {"views.video.heads": heads, "stages.video": [], "granularities.*.reorganizer.keep_rate": 0.3}
    for seed in range(3):
        model = tcmgc.build("tcmgc", SIZES, variant=variant, overrides=overrides, seed=seed, dtype=dtype)
        disturb(model, seed)
        hold(model, *edge_galleries(T, dtype, seed))


@exactness
def test_where_frames_all_but_cancel(dtype: torch.dtype) -> None:
    """Queries that see both of two opposite frames alike: what is left is near LN2's epsilon."""
    model = tcmgc.build("xpool", Sizes(D, W, 2), overrides={"views.video.projections": False}, dtype=dtype)
    generator = torch.Generator().manual_seed(1)
    frame_D, other_D = torch.randn(2, D, generator=generator, dtype=torch.float64)
    frame_D, other_D = frame_D - frame_D.mean(), other_D - other_D.mean()
    sentence_D = other_D - (other_D @ frame_D) / (frame_D @ frame_D) * frame_D
    video = VideoFeatures(Tokens.full(torch.stack([frame_D, 1e-3 * other_D - frame_D])[None].to(dtype)))
    text = TextFeatures(sentence_D[None].to(dtype))
    scorer = model.scorer
    assert isinstance(scorer, GranularScorer)
    visual = scorer._visual(scorer._uses["video"], scorer.prepare_text(text), scorer.prepare_video(video), {})
    weights = visual.attention()
    assert weights is not None
    assert (weights - 0.5).abs().max() < 1e-2
    hold(model, text, video)


def disturb(model: RetrievalModel, seed: int) -> None:
    """Move weights off their start: biases are 0 there, gains 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator).to(weight.dtype), alpha=0.1)
        model.logit_scale.fill_(3.0)


@every_case
def test_gradients_equal_those_of_the_dense_form(case: ModelCase) -> None:
    text, video = galleries()
    gradients = {}
    for form in ("factored", "dense"):
        model = case.build()
        model.form = form  # type: ignore[assignment]
        video.frames.values.requires_grad_().grad = None
        model.loss(text, video[: len(text)], generator=torch.Generator().manual_seed(0)).total.backward()
        found = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
        gradients[form] = {"frames": video.frames.values.grad, **found}
    assert gradients["dense"].keys() == gradients["factored"].keys()
    for name, dense in gradients["dense"].items():
        assert dense is not None
        assert torch.allclose(gradients["factored"][name], dense, rtol=1e-7, atol=1e-8), name  # type: ignore[arg-type]


def test_gradients_of_videos_without_rank() -> None:
    """Still and repeated frames: the Gram matrix has no inverse, and the gradient needs none."""
    model = tcmgc.build(
        "tcmgc",
        SIZES,
        overrides={"stages.video": [], "granularities.*.reorganizer.keep_rate": 0.3},
        dtype=torch.float64,
    )
    disturb(model, 0)
    text, video = edge_galleries(T, torch.float64)
    gradients = []
    for form in ("factored", "dense"):
        model.form = form  # type: ignore[assignment]
        model.zero_grad()
        model.loss(text, video[:T]).total.backward()
        gradients.append(model.scorer.views["video"].linear_proj.weight.grad.clone())  # type: ignore[index,union-attr,operator]
    assert torch.isfinite(gradients[0]).all()
    assert torch.allclose(gradients[0], gradients[1], rtol=1e-6, atol=1e-8)


def random_factored(A: int = 4, Q: int = 3) -> Factored:
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    basis_VAD, coefficients = random(V, A, D), random(T, V, Q, A)
    return Factored(coefficients, basis_VAD, combination_norm(gram_root(basis_VAD), coefficients))


@pytest.mark.parametrize("probes", [1, 40], ids=["few probes", "many probes"])
@pytest.mark.parametrize("vectors", [1, 40], ids=["few vectors", "many vectors"])
def test_the_contract_of_vectors(probes: int, vectors: int) -> None:
    """Both ways of a dot product, and the norm, against the vectors themselves."""
    factored = random_factored(Q=vectors)
    probes_TPD = torch.randn(T, probes, D, dtype=torch.float64)
    dense = factored.dense()
    assert torch.allclose(dense.values, torch.einsum("tvqa,vad->tvqd", factored.coefficients, factored.basis))
    assert torch.allclose(factored.dot(probes_TPD), dense.dot(probes_TPD))
    norms = factored.normalized(skip_padding=False).vectors().norm(dim=-1)
    assert torch.allclose(norms, torch.ones_like(norms))
    assert factored.attention() is None


def test_norms_where_rows_cancel() -> None:
    """Two float32 rows that differ in their last digits: the norm of the difference, not of rounding."""
    row_D = torch.randn(D, generator=torch.Generator().manual_seed(0))
    rows_VAD = torch.stack([row_D, row_D * (1 + 2e-6)])[None]
    difference = torch.tensor([1.0, -1.0]).view(1, 1, 1, 2)
    exact = (rows_VAD[0, 0].double() - rows_VAD[0, 1].double()).norm()
    found = combination_norm(gram_root(rows_VAD), difference).item()
    assert abs(found - exact) < 0.2 * exact
    gram = rows_VAD @ rows_VAD.transpose(-1, -2)
    quadratic = gram[0, 0, 0] - 2 * gram[0, 0, 1] + gram[0, 1, 1]
    assert abs(quadratic.clamp(min=0).sqrt() - exact) > 0.5 * exact, "a Gram matrix is not enough"


@pytest.mark.parametrize(
    "view", [Attention(heads=4, dim=D), TopK(), SimilarityAttention()], ids=lambda view: type(view).__name__
)
def test_attention_is_that_of_the_dense_form(view: VideoView) -> None:
    assert isinstance(view, FactoredView)
    text, video = edge_galleries(T, torch.float32)
    words = text.words
    assert words is not None
    dense = view(words, view.prepare(video.frames)).attention()
    state = view.prepare_factored(video.frames)
    factored = view.factored(view.prepare_queries(words), words.mask, state).attention()
    assert dense is not None
    assert factored is not None
    shares = dense / dense.sum(dim=-1, keepdim=True)
    assert torch.allclose(factored, shares, atol=1e-5)


def test_dropout_is_trained_in_the_dense_form() -> None:
    """Dropping single channels does not factor; without dropout, and in evaluation, everything does."""
    text, video = edge_galleries(T, torch.float64)
    states = {}
    for dropout in (0.3, 0.0):
        overrides = {"stages.video": [], "views.video.dropout": dropout}
        model = tcmgc.build("tcmgc", SIZES, overrides=overrides, dtype=torch.float64)
        for training in (True, False):
            model.train(training)
            states[dropout, training] = list(model.scorer.prepare_video(video))
        model.train()
        assert torch.isfinite(model.loss(text, video[:T]).total)
    dense = [key for key, names in states.items() if any("dense" in name for name in names)]
    assert dense == [(0.3, True)]


PLUGIN = '''
from typing import ClassVar

from tcmgc import hookimpl
from tcmgc.visual import Dense


class Moved:
    """Every frame as the first query moves it: of no factors, as a third party writes it."""

    text_conditioned: ClassVar[bool] = True

    def vectors(self, queries, tokens):
        return tokens

    def prepare(self, tokens):
        return {"frames": tokens.values}

    def __call__(self, queries, state):
        return Dense(queries.values[:, None, :1] + state["frames"][None])


class Several(Moved):
    """Has as many vectors as tokens, whoever asks, so that it cannot be asked together with others."""

    factors = True

    def basis_size(self, tokens):
        return tokens

    def never(self, *_):
        raise AssertionError("it has more vectors than queries")

    prepare_factored = prepare_queries = prepare_probes = factored = never


@hookimpl
def tcmgc_register(register):
    register.view("moved", Moved)
    register.view("several", Several)
'''


@pytest.mark.parametrize("name", ["moved", "several"])
def test_a_view_that_does_not_factor(name: str, tmp_path: Path) -> None:
    """It works beside one that does, in either form, and its tiles are as large as its vectors allow."""
    plugin = tmp_path / "moved.py"
    plugin.write_text(PLUGIN, encoding="utf-8")
    try:
        current_plugins().load(str(plugin))
        overrides = {"views.frames": {"name": name, "query": "words"}, "stages.video": []}
        model = tcmgc.build("tcmgc", SIZES, overrides=overrides, dtype=torch.float64)
    finally:
        current_plugins.cache_clear()
    text, video = edge_galleries(T, torch.float64)
    hold(model, text, video)
    assert model.scorer.floats_per_pair == 4 * F * D + 4 * F + 8 * W * F
    frames = video.frames.values
    words = text.words
    assert words is not None
    moved = words.values[:, None, :1] + frames[None]
    cosines = torch.nn.functional.cosine_similarity(text.sentence[:, None, None], moved, dim=-1)  # type: ignore[index]
    granularity = model.scorer.granularities["sentence-frame"]  # type: ignore[index,union-attr]
    values = Similarity(cosines[:, :, None])
    expected = granularity.interaction(granularity.reorganizer(values), {}, {}) * model.logit_scale.exp()
    assert torch.allclose(model.scores(text, video).parts["sentence-frame"], expected)


def test_text_free_views_stay_as_they_are() -> None:
    text, video = edge_galleries(T, torch.float64)
    model = tcmgc.build("xclip", SIZES, overrides={"stages.video": []}, dtype=torch.float64)
    state = model.scorer.prepare_video(video)
    assert not any("factored" in name or "root" in name for name in state)
    hold(model, text, video)


class Doubled(Attention):
    """Inherits the factored form, which is no longer its own."""

    def forward(self, queries: Tokens | None, state: State) -> Dense:
        dense = super().forward(queries, state)
        return Dense(2 * dense.values + 1, dense.mask, dense.weights)


class Renamed(Attention):
    """Changes nothing that makes vectors."""

    heads = 1


def test_a_view_that_overrides_the_call_is_not_factored() -> None:
    assert is_factored(Attention)
    assert is_factored(Renamed)
    assert is_factored(TopK)
    assert not is_factored(Doubled)
    assert not is_factored(object)


@pytest.mark.parametrize("recipe", ["tcmgc", "xpool", "xpool top-k", "xpool attention"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_scores(recipe: str, dtype: torch.dtype) -> None:
    name, _, variant = recipe.partition(" ")
    model = tcmgc.build(name, SIZES, variant=variant or None, seed=1, overrides=["stages.video=[]"])
    generator = torch.Generator().manual_seed(0)
    sentence_TD, words_TWD, frames_VFD = (
        torch.randn(*shape, D, generator=generator) for shape in ((T,), (T, W), (V, F))
    )
    text, video = TextFeatures(sentence_TD, Tokens.full(words_TWD)), VideoFeatures(Tokens.full(frames_VFD))
    exact = model.similarity(text, video)
    rough = model.to(dtype).similarity(text.to(dtype=dtype), video.to(dtype=dtype))
    assert rough.dtype == dtype
    assert (rough.float() - exact).abs().max() < 0.1 * exact.abs().max()


@pytest.mark.parametrize("view", [TopK(k=2), SimilarityAttention()], ids=["top-k", "attention"])
def test_weights_over_frames_are_those_of_the_dense_form(view: TopK | SimilarityAttention) -> None:
    text, video = galleries(0, SIZES)
    queries = text.tokens("words")
    dense = view(queries, view.prepare(video.frames))
    factored = view.factored(view.prepare_queries(queries), queries.mask, view.prepare_factored(video.frames))
    weights = factored.attention()
    assert weights is not None
    assert torch.allclose(weights, dense.attention())  # type: ignore[arg-type]
    assert torch.allclose(weights.sum(dim=-1), torch.ones((), dtype=weights.dtype))
