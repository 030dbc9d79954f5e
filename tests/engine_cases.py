"""A tiny encoder and a tiny data set for the engine's tests."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from tcmgc import TextFeatures, Tokens, VideoFeatures
from tcmgc.api import read_recipe
from tcmgc.app import current_registry
from tcmgc.data.clip import Caption, Clip, Split
from tcmgc.data.frames import SplitFrames
from tcmgc.engine.encoded_model import EncodedModel, build_encoded
from tcmgc.engine.settings import TrainingSettings
from tcmgc.engine.train import Training, train
from tcmgc.slots.encoder import TokenIds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightning_fabric import Fabric

    from tcmgc.data.clip import SplitName

F, S, D, W = 3, 4, 16, 5
VALUES = 4
"""Colours that a frame can have; a clip's caption names those of its three frames, as ``a0 b3 c1``."""
WORDS = {f"{place}{value}": 3 + i for i, (place, value) in enumerate(itertools.product("abc", range(VALUES)))}


class TinyEncoder(nn.Module):
    """Embeds words and frames on their own; counts its calls."""

    dim, words, patches, image_size, logit_scale = D, W, 0, S, 20.0

    def __init__(self, *, seed: int = 0, frozen: bool = False, dropout: float = 0.1) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.embedding = nn.Embedding(3 + len(WORDS), D)
            self.text_projection = nn.Linear(D, D)
            self.image_projection = nn.Linear(S * S * 3, D)
            self.norm = nn.LayerNorm(D)
            self.dropout = nn.Dropout(dropout)
        self.weights_sha256 = f"tiny {seed}"
        self.version = "tiny 1"
        self.frozen = frozen
        self.requires_grad_(not frozen)
        self.calls = 0
        self.largest_chunk = 0

    def tokenize(self, texts: Sequence[str]) -> TokenIds:
        ids = torch.zeros(len(texts), W, dtype=torch.int64)
        for row, text in zip(ids, texts, strict=True):
            found = [1, *(WORDS[word] for word in text.split()), 2]
            row[: len(found)] = torch.tensor(found)
        return TokenIds(ids, ids > 0)

    def encode_text(self, tokens: TokenIds, inputs: frozenset[str]) -> TextFeatures:
        self.calls += 1
        words_TWD = self.text_projection(self.dropout(self.embedding(tokens.ids)))
        count_T1 = tokens.mask.sum(dim=1, keepdim=True)
        sentence_TD = (words_TWD * tokens.mask[..., None]).sum(dim=1) / count_T1
        return TextFeatures(sentence_TD, Tokens(words_TWD, tokens.mask) if "words" in inputs else None)

    def encode_video(self, pixels: torch.Tensor, mask: torch.Tensor, inputs: frozenset[str]) -> VideoFeatures:
        assert pixels.dtype == torch.uint8
        self.calls += 1
        self.largest_chunk = max(self.largest_chunk, len(pixels))
        frames_VFD = self.norm(self.image_projection(pixels.flatten(2).float() / 127.5 - 1))
        return VideoFeatures(Tokens(frames_VFD, mask))


def tiny_split(name: SplitName, clips: int, *, captions: int = 1, seed: int = 0) -> SplitFrames:
    """Clips of three coloured frames, all different; some have two and an unspoken third."""
    generator = np.random.default_rng([seed, clips])
    # The same colours in all splits.
    colours = np.random.default_rng(0).integers(0, 256, (3, VALUES, S, S, 3))
    codes = list(itertools.product(range(VALUES), repeat=3))
    chosen = [codes[i] for i in generator.permutation(len(codes))[:clips]]
    pixels = np.zeros((clips, F, S, S, 3), dtype=np.uint8)
    mask = np.ones((clips, F), dtype=bool)
    for v, code in enumerate(chosen):
        for f, value in enumerate(code):
            noise = generator.integers(-10, 11, (S, S, 3))
            pixels[v, f] = np.clip(colours[f, value] + noise, 0, 255)
    mask[::7, 2] = False
    pixels[~mask] = 0
    listed = tuple(Clip(f"{name}-{v}", Path(f"{name}-{v}.mp4")) for v in range(clips))
    texts = [" ".join(f"{place}{value}" for place, value in zip("abc", code, strict=True)) for code in chosen]
    said = tuple(
        Caption(f"{clip.id}-{n}", clip.id, text if n == 0 else text.rsplit(" ", 1)[0])
        for clip, text in zip(listed, texts, strict=True)
        for n in range(captions)
    )
    times = np.where(mask, np.arange(F, dtype=np.float64), np.nan)
    return SplitFrames(Split(name, listed, said, "all", clips), pixels, mask, times)


def build(
    recipe: str = "tcmgc", *, overrides: Sequence[str] = (), seed: int = 0, **encoder: Any
) -> EncodedModel:
    if recipe == "tcmgc":  # of five words, a tenth is none
        overrides = ["granularities.*.reorganizer.keep_rate=0.5", *overrides]
    read = read_recipe(recipe, overrides=overrides)
    return build_encoded(read, TinyEncoder(**encoder), F, current_registry(), seed)


def settings(**changes: Any) -> TrainingSettings:
    """Three epochs of eight clips a step."""
    registry = current_registry()
    given: dict[str, Any] = {
        "epochs": 3,
        "batch_size": 8,
        "learning_rate": 1e-3,
        "encoder_learning_rate": 1e-3,
        "optimizer": {"name": "adamw"},
        "schedule": {"name": "warmup-cosine"},
    } | changes
    for slot in ("optimizer", "schedule"):
        if isinstance(given[slot], dict):
            given[slot] = registry.create(slot, given[slot], {})
    return TrainingSettings(**given)


def run(
    fabric: Fabric,
    model: EncodedModel,
    folder: Path,
    *,
    seed: int = 0,
    progress: Any = None,
    workers: int | None = None,
    **changes: Any,
) -> Training:
    """Train on 40 clips, validate on 16."""
    splits = tiny_split("train", 40, captions=2), tiny_split("val", 16)
    return train(
        fabric,
        model,
        *splits,
        settings(**changes),
        seed=seed,
        folder=folder,
        progress=progress,
        workers=workers,
    )
