"""What our recipes make of a golden file's inputs, under the names that the official results have there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from tcmgc.files.weights_file import ours_by_official
from tcmgc.visual import unit
from tcmgc_plugins.losses.cdcr import ChannelDecorrelation
from tcmgc_plugins.views.mean import Mean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from golden_cases import Case
    from tcmgc import Similarity, TextFeatures, VideoFeatures

BATCH = 4
"""``train.*`` is of the first four texts and the four videos."""

ORDERS = ("word_level_logit", "frame_level_logit", "sent2frame_logits", "video2word_logits")
"""The four reductions of a matrix: over words, over frames, then the other of both."""


def reproduce(case: Case, folder: Path, dtype: torch.dtype) -> dict[str, Tensor]:
    """Compute every tensor of a file, in evaluation mode: forward, and losses with their gradients."""
    found = dict(_forward(case, *case.load(folder, dtype)))
    if case.training:
        found |= dict(_training(case, *case.load(folder, dtype)))
    return found


@torch.no_grad()
def _forward(
    case: Case, model: Any, text: TextFeatures, video: VideoFeatures
) -> Iterator[tuple[str, Tensor]]:
    scores = model.scores(text, video)
    yield case.total, scores.total
    yield from ((name, scores.parts[part]) for name, part in case.parts.items())
    text, video = model.apply_stages(text, video)
    frames, raw = (unit(video.tokens(name).values) for name in ("frames", "raw_frames"))
    mean = Mean().prepare(video.frames)["mean"]
    video_vector = unit(mean)[:, 0]
    match case.family:
        case "clip4clip":
            yield from (("frames_normed", frames), ("video_emb", video_vector))
            yield "text_emb", unit(text.sentence)
        case "tight":
            yield from _cross(model, text, video)
        case "xpool":
            yield from _attention(case, model, text, video, scores.total)
        case "baseline":
            yield from _pooled(case, model, text, video)
        case "dp":
            yield from (("mid.text_feat", unit(text.sentence)), ("mid.video_feat", video_vector))
        case "ti" | "wti":
            yield "mid.video_feat_agg", video.frames.values
            yield from _token_interaction(model, text, video)
        case "xti":
            yield from (("mid.retrieve_logits_tV", scores.total), ("mid.retrieve_logits_vT", scores.total.T))
        case "aosm" | "isa":
            yield from (("mid.frame_features", raw), ("mid.video_output", video_vector))
            yield from (
                ("mid.word_features", unit(text.words.values)),
                ("mid.sentence_output", unit(text.sentence)),
            )
            prefix = "mid.aosm" if case.family == "aosm" else "mid"
            yield from (
                (f"{prefix}.{name}", value) for name, value in _both_orders(model, text, video).items()
            )


def _cross(model: Any, text: TextFeatures, video: VideoFeatures) -> Iterator[tuple[str, Tensor]]:
    pooled: list[Tensor] = []
    handle = model.scorer.activation.register_forward_hook(lambda *args: pooled.append(args[-1]))
    model._score(text, video)
    handle.remove()
    yield "pooled", pooled[-1]


def _attention(
    case: Case, model: Any, text: TextFeatures, video: VideoFeatures, total: Tensor
) -> Iterator[tuple[str, Tensor]]:
    view = model.scorer.views["video"]
    state = view.prepare(video.frames)
    queries = text.tokens("sentence")
    q = view._split(view.q_proj(view.layer_norm1(queries.values)))[:, 0]
    logits_VhFT = torch.einsum("thd,vfhd->vhft", q, view._split(state["keys"])) / q.shape[-1] ** 0.5
    visual = view(queries, state)
    yield "mid.attention_logits", logits_VhFT
    yield "mid.attention_weights", logits_VhFT.softmax(dim=2)
    assert torch.allclose(
        logits_VhFT.softmax(dim=2).mean(dim=1).permute(2, 0, 1), visual.attention()[:, :, 0]
    )
    yield "mid.pooled", visual.vectors()[:, :, 0].transpose(0, 1)
    rows = case.tensors["in.text_video_row"].tolist()
    places = [(row, rows[:t].count(row)) for t, row in enumerate(rows)]
    sims = total.new_full((len(video), 1 + max(j for _, j in places), len(video)), torch.nan)
    for t, (row, j) in enumerate(places):
        sims[row, j] = total[t]
    yield "infer.sims_3d", sims


def _pooled(case: Case, model: Any, text: TextFeatures, video: VideoFeatures) -> Iterator[tuple[str, Tensor]]:
    """The pooled frames: [V, T, D], or [V, D] where no text asks."""
    view = model.scorer._weightless["video"]
    queries = text.tokens("sentence") if view.text_conditioned else None
    vectors = view(queries, view.prepare(video.frames)).vectors()[..., 0, :]
    name = case.total.replace("sim", "pooled")
    yield name, vectors if queries is None else vectors.transpose(0, 1)


def _token_interaction(model: Any, text: TextFeatures, video: VideoFeatures) -> Iterator[tuple[str, Tensor]]:
    """Each side alone: the other's weights are 0, and the score is half of it."""
    scorer = model.scorer
    texts, videos = scorer.prepare_text(text), scorer.prepare_video(video)
    of_text, of_video = "granularity/frame-word/item/weights", "granularity/frame-word/weights"
    one = texts[of_text].new_ones(())
    yield from (("mid.text_weight", texts[of_text]), ("mid.video_weight", videos[of_video]))
    without_video = scorer(texts, {**videos, of_video: 0 * videos[of_video]}, one)
    without_text = scorer({**texts, of_text: 0 * texts[of_text]}, videos, one)
    yield from (("mid.t2v_logits", 2 * without_video.total), ("mid.v2t_logits", 2 * without_text.total))


def _both_orders(model: Any, text: TextFeatures, video: VideoFeatures) -> dict[str, Tensor]:
    """Listen to the reductions of the matrix interaction."""
    (interaction,) = (
        g.interaction for g in model.scorer.granularities.values() if hasattr(g.interaction, "orders")
    )
    heard: list[Tensor] = []

    def listen(_: object, args: tuple[Similarity, Any]) -> tuple[Similarity, Any]:
        similarity, reduce = args
        heard.append(similarity.values.transpose(1, 2))

        def told(*given: Any) -> Tensor:
            heard.append(reduce(*given))
            return heard[-1]

        return similarity, told

    handle = interaction.orders.register_forward_pre_hook(listen)
    model._score(text, video)
    handle.remove()
    grained, *reduced = heard
    found = dict(zip(ORDERS, reduced, strict=True))
    # The official codes keep the text's axes together.
    found["frame_level_logit"] = found["frame_level_logit"].transpose(1, 2)
    return {"fine_grained_sim_scores": grained, **found}


def _training(
    case: Case, model: Any, text: TextFeatures, video: VideoFeatures
) -> Iterator[tuple[str, Tensor]]:
    text = text[:BATCH] if case.recipe != "tcmgc" else text
    leaves = {
        "sentence": text.sentence,
        "words": None if text.words is None else text.words.values,
        "frames": video.frames.values,
        "pixels": video.extra["patches"].values if "patches" in video.extra else None,
    }
    leaves = {side: leaf for side, leaf in leaves.items() if leaf is not None}
    for leaf in leaves.values():
        leaf.requires_grad_()
    _inject(case, model)
    result = model.loss(text, video)
    logits = result.scores.logits
    same = torch.arange(len(logits))
    # X-Pool's files store the cosines of a batch, the others what the softmax takes.
    yield "train.sim", result.scores.total if case.recipe == "xpool" else logits
    yield "train.sim_v2t", logits.T
    yield "train.loss_t2v", functional.cross_entropy(logits, same)
    yield "train.loss_v2t", functional.cross_entropy(logits.T, same)
    yield "train.sim_loss", result.terms["infonce"]
    yield "train.loss", result.total
    if "cdcr" in result.terms:
        yield "train.cdcr_loss", result.terms["cdcr"]
        yield "train.cdcr_terms", _cdcr_terms(case, model, text, video, result)
        yield from _cdcr_gradients(case, model, leaves, result.terms["cdcr"])
    if "sdr" in result.terms:
        yield from (("loss_infonce", result.terms["infonce"]), ("loss_sdr", result.terms["sdr"]))
        yield "loss_total", result.total
    result.total.backward()
    yield from ((case.gradient + side, leaf.grad) for side, leaf in leaves.items() if leaf.grad is not None)
    for theirs, parameter in _parameters(case, model).items():
        if parameter.grad is not None:
            yield case.parameter_gradient + theirs, parameter.grad


def _parameters(case: Case, model: Any) -> dict[str, Tensor]:
    """The model's parameters under their official names."""
    own = dict(model.named_parameters())
    official = [name.removeprefix("param.") for name in case.tensors if name.startswith("param.")]
    ours = ours_by_official(official, model.recipe.official_names, own)
    return {theirs: own[name] for theirs, name in ours.items()}


def _cdcr_gradients(
    case: Case, model: Any, leaves: dict[str, Tensor], term: Tensor
) -> Iterator[tuple[str, Tensor]]:
    """Of CDCR alone."""
    asked = leaves | {f"param.{theirs}": parameter for theirs, parameter in _parameters(case, model).items()}
    gradients = torch.autograd.grad(term, list(asked.values()), retain_graph=True, allow_unused=True)
    for name, gradient in zip(asked, gradients, strict=True):
        if gradient is not None:
            yield f"train.grad_cdcr.{name}", gradient


def _inject(case: Case, model: Any) -> None:
    """Give CDCR the random numbers that the official code drew."""
    if "in.rand_text" in case.tensors:
        drawn = iter([case.tensors["in.rand_text"], case.tensors["in.rand_video"]])
        model.losses["cdcr"][1].draw = lambda *_: next(drawn)


def _cdcr_terms(case: Case, model: Any, text: TextFeatures, video: VideoFeatures, result: Any) -> Tensor:
    """(c_ii - 1)^2 and c_ij^2."""
    _inject(case, model)
    loss = model.losses["cdcr"][1]
    assert isinstance(loss, ChannelDecorrelation)
    staged = model.apply_stages(text, video)
    c = loss.correlation(result.scores, *staged, torch.arange(BATCH), None).detach()
    return (c - torch.eye(len(c), dtype=c.dtype)).square()
