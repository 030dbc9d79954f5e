"""Features of texts and videos: what encoders make and everything after them reads.

Shapes: T texts, V videos, W token positions, F frames, P patch vectors a video, D joint width.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from .errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


@dataclass(frozen=True)
class Tokens:
    """Vectors in order, some of them padding.

    Parameters
    ----------
    values
        [N, L, D], not normalised.
    mask
        [N, L] bool, True where a position is real. Masks are prefixes in every published loader, but
        nothing relies on it.
    """

    values: Tensor
    mask: Tensor

    @classmethod
    def full(cls, values: Tensor) -> Tokens:
        """Make tokens [N, L, D] without padding."""
        return cls(values, torch.ones(values.shape[:2], dtype=torch.bool, device=values.device))

    def __getitem__(self, items: slice | Tensor) -> Tokens:
        return Tokens(self.values[items], self.mask[items])

    def to(self, device: torch.device | None = None, dtype: torch.dtype | None = None) -> Tokens:
        """Move them to a device, or make them of another type; masks stay what they are."""
        return Tokens(self.values.to(device, dtype), self.mask.to(device))


@dataclass(frozen=True)
class TextFeatures:
    """Features of T texts.

    Parameters
    ----------
    sentence
        [T, D], the projected EOT state; None where no component reads it.
    words
        [T, W, D], every projected token state, SOT, EOT and padding positions included; or None.
    extra
        Further token sequences by name (phrases, ...).
    """

    sentence: Tensor | None = None
    words: Tokens | None = None
    extra: Mapping[str, Tokens] = field(default_factory=dict)

    def tokens(self, name: str) -> Tokens:
        """Return a token sequence by name; ``sentence`` is a sequence of one."""
        if name == "sentence":
            if self.sentence is None:
                raise DataError("text features", found="no sentence", expected="sentence [T, D]")
            return Tokens.full(self.sentence.unsqueeze(1))
        found = self.words if name == "words" else self.extra.get(name)
        if found is None:
            raise DataError("text features", found=f"no {name}", expected=f"{name} [T, L, D]")
        return found

    def __len__(self) -> int:
        if self.sentence is not None:
            return len(self.sentence)
        return len(self.tokens("words").values)

    def __getitem__(self, items: slice | Tensor) -> TextFeatures:
        return TextFeatures(
            sentence=None if self.sentence is None else self.sentence[items],
            words=None if self.words is None else self.words[items],
            extra={name: tokens[items] for name, tokens in self.extra.items()},
        )

    def to(self, device: torch.device | None = None, dtype: torch.dtype | None = None) -> TextFeatures:
        """Move them to a device, or make them of another type; masks stay what they are."""
        return TextFeatures(
            sentence=None if self.sentence is None else self.sentence.to(device, dtype),
            words=None if self.words is None else self.words.to(device, dtype),
            extra={name: tokens.to(device, dtype) for name, tokens in self.extra.items()},
        )


@dataclass(frozen=True)
class VideoFeatures:
    """Features of V videos.

    Parameters
    ----------
    frames
        [V, F, D], the projected class embedding of each frame; stages replace it.
    raw_frames
        [V, F, D], the same as the encoder gave it; as ``frames`` when left out.
    extra
        Further token sequences by name: ``patches`` [V, P, D], frame-major.
    """

    frames: Tokens
    raw_frames: Tokens | None = None
    extra: Mapping[str, Tokens] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.raw_frames is None:
            object.__setattr__(self, "raw_frames", self.frames)

    def with_frames(self, values: Tensor) -> VideoFeatures:
        """Replace the values of the frames, and keep their mask and `raw_frames`."""
        return replace(self, frames=Tokens(values, self.frames.mask))

    def tokens(self, name: str) -> Tokens:
        """Return a token sequence by name."""
        if name == "frames":
            return self.frames
        found = self.raw_frames if name == "raw_frames" else self.extra.get(name)
        if found is None:
            raise DataError("video features", found=f"no {name}", expected=f"{name} [V, L, D]")
        return found

    def __len__(self) -> int:
        return len(self.frames.values)

    def __getitem__(self, items: slice | Tensor) -> VideoFeatures:
        return VideoFeatures(
            frames=self.frames[items],
            raw_frames=None if self.raw_frames is None else self.raw_frames[items],
            extra={name: tokens[items] for name, tokens in self.extra.items()},
        )

    def to(self, device: torch.device | None = None, dtype: torch.dtype | None = None) -> VideoFeatures:
        """Move them to a device, or make them of another type; masks stay what they are."""
        frames = self.frames.to(device, dtype)
        raw = self.raw_frames
        return VideoFeatures(
            frames=frames,
            raw_frames=frames if raw is None or raw is self.frames else raw.to(device, dtype),
            extra={name: tokens.to(device, dtype) for name, tokens in self.extra.items()},
        )
