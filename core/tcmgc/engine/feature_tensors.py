"""Features as bags of tensors: converting, joining, and naming them for a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tcmgc.features import TextFeatures, Tokens, VideoFeatures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

EXTRA = "extra/"
MASK = "/mask"


def text_tensors(text: TextFeatures) -> dict[str, Tensor]:
    """Name the tensors of text features: ``sentence``, ``words``, ``words/mask``, ``extra/...``."""
    found: dict[str, Tensor] = {}
    if text.sentence is not None:
        found["sentence"] = text.sentence
    if text.words is not None:
        found |= _named("words", text.words)
    for name, tokens in text.extra.items():
        found |= _named(EXTRA + name, tokens)
    return found


def text_of(tensors: Mapping[str, Tensor]) -> TextFeatures:
    """Undo `text_tensors`."""
    words = _tokens(tensors, "words") if "words" in tensors else None
    return TextFeatures(tensors.get("sentence"), words, _extra(tensors))


def video_tensors(video: VideoFeatures) -> dict[str, Tensor]:
    """Name the tensors of video features: ``frames``, ``frames/mask``, ``extra/...``.

    ``raw_frames`` is named where it is not the same as ``frames``, which it is until a stage has run.
    """
    found = _named("frames", video.frames)
    if video.raw_frames is not None and video.raw_frames is not video.frames:
        found |= _named("raw_frames", video.raw_frames)
    for name, tokens in video.extra.items():
        found |= _named(EXTRA + name, tokens)
    return found


def video_of(tensors: Mapping[str, Tensor]) -> VideoFeatures:
    """Undo `video_tensors`."""
    raw = _tokens(tensors, "raw_frames") if "raw_frames" in tensors else None
    return VideoFeatures(_tokens(tensors, "frames"), raw, _extra(tensors))


def convert_text(text: TextFeatures, change: Callable[[Tensor], Tensor]) -> TextFeatures:
    """Apply a function to every tensor."""
    return text_of({name: change(tensor) for name, tensor in text_tensors(text).items()})


def convert_video(video: VideoFeatures, change: Callable[[Tensor], Tensor]) -> VideoFeatures:
    """Apply a function to every tensor."""
    return video_of({name: change(tensor) for name, tensor in video_tensors(video).items()})


def in_float32(tensor: Tensor) -> Tensor:
    """Widen what mixed precision narrowed; masks and float64 stay as they are."""
    return tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor


def join(chunks: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Concatenate the named tensors of consecutive items."""
    return {name: torch.cat([chunk[name] for chunk in chunks]) for name in chunks[0]}


def _named(name: str, tokens: Tokens) -> dict[str, Tensor]:
    return {name: tokens.values, name + MASK: tokens.mask}


def _tokens(tensors: Mapping[str, Tensor], name: str) -> Tokens:
    return Tokens(tensors[name], tensors[name + MASK])


def _extra(tensors: Mapping[str, Tensor]) -> dict[str, Tokens]:
    names = [n for n in tensors if n.startswith(EXTRA) and not n.endswith(MASK)]
    return {name.removeprefix(EXTRA): _tokens(tensors, name) for name in names}
