"""How far our numbers are from those of shared/e2e, from raw frames and captions on."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from e2e_cases import (
    FEATURES,
    LOGITS,
    LOSS,
    NATIVE,
    PIXELS,
    SENTENCE,
    VIDEOS,
    WEIGHTS,
    WORDS,
    captions,
    frames,
    load,
)
from tcmgc import Tokens
from tcmgc.data.preprocess import square
from tcmgc.engine.encode import to_tensor
from tcmgc.visual import unit
from tcmgc_plugins.views.mean import Mean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

    from e2e_cases import E2ECase
    from tcmgc import TextFeatures, VideoFeatures
    from tcmgc.experiments.trained import TrainedModel

TRAINED = 4
"""``out.train.*`` are of the first four captions and the four videos."""
XCLIP_LOGITS = {
    "out.video_sentence_logits": "video-sentence",
    "out.video_word_logits": "video-word",
    "out.sentence_frame_logits": "sentence-frame",
    "out.frame_word_logits": "frame-word",
}


@dataclass(frozen=True)
class Difference:
    """A quantity: the largest difference, and the tolerance of e2e.md, section 6."""

    quantity: str
    largest: float
    tolerance: float


def preprocessing() -> list[Difference]:
    """Compare our frames, normalised as the encoder does it, with those of the official transform."""
    from tcmgc_plugins.encoders.open_clip_encoder import OpenClip

    encoder = OpenClip(model="StoryShapes-ViT", pretrained=None)
    pixels, mask = frames()
    found = [
        ("stored frames", pixels[row][mask[row]], load(name)["pixels"][mask[row]])
        for row, name in enumerate(VIDEOS)
    ]
    for native in NATIVE:
        tensors = load(native)
        for side in (64, 224):
            ours = np.stack([square(frame, side) for frame in tensors["raw"].numpy()])
            found.append((f"native frames to {side}", ours, tensors[f"pixels_{side}"]))
    largest: dict[str, float] = {}
    for name, ours, official in found:
        images = torch.from_numpy(ours).permute(0, 3, 1, 2).float()
        difference = ((images - encoder.mean) / encoder.std - official).abs().max().item()
        largest[name] = max(difference, largest.get(name, 0.0))
    return [Difference(name, value, PIXELS) for name, value in largest.items()]


def measure(case: E2ECase, folder: Path) -> list[Difference]:
    """Import a checkpoint, and compare every quantity that e2e.md has a tolerance for."""
    _, model = case.imported(folder)
    expected = case.outputs
    limits = _tolerances(case)
    return [
        Difference(name, (found.double() - expected[name].double()).abs().max().item(), limits[_kind(name)])
        for name, found in _found(model)
        if name in expected
    ]


def _kind(name: str) -> str:
    if name.startswith("mid."):
        return "mid"
    if name in XCLIP_LOGITS:
        return "logits"
    return name.removeprefix("out.").removeprefix("train.")


def _tolerances(case: E2ECase) -> dict[str, float]:
    others = dict.fromkeys(("mid", "frames_temporal", "pooled", "video_emb", "attention_weights"), FEATURES)
    losses = dict.fromkeys(("loss", "loss_eval", "cdcr_loss"), LOSS)
    weights = dict.fromkeys(("text_weight", "video_weight"), WEIGHTS)
    return {
        "sentence": SENTENCE,
        "words": WORDS,
        "frames": case.frames_tolerance,
        "sim": case.tolerance,
        "logits": LOGITS,
        **others,
        **losses,
        **weights,
    }


@torch.no_grad()
def _found(trained: TrainedModel) -> Iterator[tuple[str, Tensor]]:
    model: Any = trained.model
    pixels, mask = frames()
    tokens = model.encoder.tokenize(captions())
    with _middle(model.encoder.clip) as middle:
        text = model.encoder.encode_text(tokens, model.head.inputs | {"words"})
        video = model.encode_video(to_tensor(pixels), to_tensor(mask))
    yield from middle.items()
    yield "out.sentence", text.sentence
    yield "out.frames", video.frames.values
    if text.words is not None:
        yield "out.words", text.words.values
    scores = model.head.scores(text, video)
    yield "out.sim", scores.total
    yield from ((name, scores.parts[part]) for name, part in XCLIP_LOGITS.items() if part in scores.parts)
    yield from _features(model, text, video)
    loss = model.loss(text[torch.arange(TRAINED)], video)
    yield "out.train.loss", loss.total
    yield "out.loss_eval", loss.total
    if "cdcr" in loss.terms:
        yield "out.train.cdcr_loss", loss.terms["cdcr"]


def _features(model: Any, text: TextFeatures, video: VideoFeatures) -> Iterator[tuple[str, Tensor]]:
    """What lies between the features and the scores."""
    aux = model.head(text, video).aux
    text, video = model.head.apply_stages(text, video)
    yield "out.frames_temporal", video.frames.values
    yield "out.video_emb", unit(Mean().prepare(video.frames)["mean"])[:, 0]
    for side in ("text", "video"):
        yield from ((f"out.{side}_weight", value) for name, value in aux.items() if f"/{side}/" in name)
    view = getattr(model.head.scorer, "views", {})
    if "video" in view and getattr(view["video"], "text_conditioned", False):
        assert text.sentence is not None
        queries = Tokens(text.sentence[:, None], torch.ones(len(text), 1, dtype=torch.bool))
        pooled = view["video"](queries, view["video"].prepare(video.frames))
        yield "out.pooled", pooled.values[:, :, 0].transpose(0, 1)


@contextmanager
def _middle(clip: Any) -> Iterator[dict[str, Tensor]]:
    """Collect what leaves CLIP's layers for the first frame and the first caption."""
    found: dict[str, Tensor] = {}
    named = {"visual.ln_pre": clip.visual.ln_pre, "text.ln_final": clip.ln_final}
    for side, tower in (("visual", clip.visual.transformer), ("text", clip.transformer)):
        named |= {f"{side}.resblocks.{k}": block for k, block in enumerate(tower.resblocks)}

    def keep(name: str) -> Any:
        def hook(_: object, __: object, output: Tensor) -> None:
            found.setdefault(f"mid.{name}", output[0].clone())

        return hook

    def keep_input(_: object, inputs: tuple[Tensor, ...]) -> None:
        found.setdefault("mid.text.embed", inputs[0][0].clone())

    handles = [module.register_forward_hook(keep(name)) for name, module in named.items()]
    handles.append(clip.transformer.register_forward_pre_hook(keep_input))
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
