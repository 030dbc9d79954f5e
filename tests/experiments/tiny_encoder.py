"""A plugin for tests: an encoder of the tiny clips, and components that fail."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from tcmgc import TextFeatures, Tokens, VideoFeatures, hookimpl
from tcmgc.slots.encoder import TokenIds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tcmgc import Register, Scores

SIDE, DIM, WORDS = 4, 16, 5
VOCABULARY = {
    f"{place}{value}": 3 + i for i, (place, value) in enumerate((p, v) for p in "abc" for v in range(3))
}


class TinyEncoder(nn.Module):
    """Embeds words and frames on their own."""

    dim, patches, image_size, logit_scale = DIM, 0, SIDE, 20.0
    gives = frozenset({"sentence", "words", "frames"})

    def __init__(
        self, *, words: int = WORDS, freeze: Literal["nothing", "all"] = "nothing", seed: int = 0
    ) -> None:
        super().__init__()
        self.words, self.frozen = words, freeze == "all"
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.embedding = nn.Embedding(3 + len(VOCABULARY), DIM)
            self.projection = nn.Linear(SIDE * SIDE * 3, DIM)
        self.weights_sha256 = f"{seed:064x}"
        self.version = "tiny 1"
        self.requires_grad_(not self.frozen)

    def tokenize(self, texts: Sequence[str]) -> TokenIds:
        ids = torch.zeros(len(texts), self.words, dtype=torch.int64)
        for row, text in zip(ids, texts, strict=True):
            found = [1, *(VOCABULARY[word] for word in text.split()), 2]
            row[: len(found)] = torch.tensor(found)
        return TokenIds(ids, ids > 0)

    def encode_text(self, tokens: TokenIds, inputs: frozenset[str]) -> TextFeatures:
        words_TWD = self.embedding(tokens.ids)
        mask_TW1 = tokens.mask[..., None]
        sentence_TD = (words_TWD * mask_TW1).sum(dim=1) / mask_TW1.sum(dim=1)
        return TextFeatures(sentence_TD, Tokens(words_TWD, tokens.mask))

    def encode_video(self, pixels: Tensor, mask: Tensor, inputs: frozenset[str]) -> VideoFeatures:
        return VideoFeatures(Tokens(self.projection(pixels.flatten(2).float() / 127.5 - 1), mask))


class Failing(nn.Module):
    """A loss that fails where it is told to."""

    def __init__(self, *, how: Literal["raise", "nan"]) -> None:
        super().__init__()
        self.how = how

    def __call__(self, scores: Scores, text: Any, video: Any, pairs: Any, generator: Any) -> Tensor:
        if self.how == "raise":
            raise RuntimeError("no loss today")
        return scores.total.sum() * float("nan")


class Crash(nn.Module):
    """A loss of 0 that kills the process at its n-th call, once."""

    def __init__(self, *, file: str, at: int) -> None:
        super().__init__()
        self.file, self.at, self.calls = Path(file), at, 0

    def __call__(self, scores: Scores, text: Any, video: Any, pairs: Any, generator: Any) -> Tensor:
        self.calls += 1
        if self.calls == self.at and not self.file.exists():
            self.file.touch()
            os.kill(os.getpid(), 9)
        return scores.total.sum() * 0


@hookimpl
def tcmgc_register(register: Register) -> None:
    register.encoder("tiny", TinyEncoder)
    register.loss("failing", Failing)
    register.loss("crash", Crash)
