"""The encoder slot: captions and frames to features."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from tcmgc.features import TextFeatures, VideoFeatures


@dataclass(frozen=True)
class TokenIds:
    """Tokenised captions.

    Parameters
    ----------
    ids
        int64 [T, W], padded with 0.
    mask
        bool [T, W], True from the start token to the end token.
    """

    ids: Tensor
    mask: Tensor

    def __getitem__(self, items: slice | Tensor) -> "TokenIds":
        return TokenIds(self.ids[items], self.mask[items])

    def to(self, device: str) -> "TokenIds":
        """Move both."""
        return TokenIds(self.ids.to(device), self.mask.to(device))


@runtime_checkable
class Encoder(Protocol):
    """Two towers with a joint space; a `torch.nn.Module`."""

    dim: int
    """D, the joint width."""
    words: int
    """W, token positions a caption."""
    patches: int
    """Patch vectors a frame; 0 where the tower gives none."""
    image_size: int
    """S, pixels a side of the square frames it takes."""
    logit_scale: float
    """The checkpoint's scale itself, not its logarithm."""
    weights_sha256: str
    """Of the weights it started from."""
    version: str
    """What it computes with these weights, short: its library and version, and a digest of the model's
    configuration and of the preprocessing. Another one is another encoder."""
    frozen: bool
    """Whether training leaves all of it as it is: its features can then be computed once."""

    def tokenize(self, texts: Sequence[str]) -> "TokenIds":
        """Tokenise captions: [T, W]."""
        ...

    def encode_text(self, tokens: TokenIds, inputs: frozenset[str]) -> TextFeatures:
        """Encode captions.

        Parameters
        ----------
        tokens
            From `tokenize`, on the encoder's device.
        inputs
            What the model reads (`tcmgc.model.RetrievalModel.inputs`); the rest may be left out.
        """
        ...

    def encode_video(self, pixels: Tensor, mask: Tensor, inputs: frozenset[str]) -> VideoFeatures:
        """Encode frames.

        Parameters
        ----------
        pixels
            uint8 RGB [V, F, S, S, 3].
        mask
            bool [V, F], False for padding.
        inputs
            As in `encode_text`; ``patches`` are asked for only by models that read them.
        """
        ...


@runtime_checkable
class ImageSized(Protocol):
    """An encoder whose class knows the size of its images: clips can be decoded without its weights."""

    @staticmethod
    def image_size_of(config: Mapping[str, Any]) -> int | None:
        """Say S of an encoder with a resolved config; None where only the encoder itself can tell."""
        ...


@dataclass(frozen=True)
class OfficialWeights:
    """What an encoder finds of itself in a checkpoint of an official repository.

    Parameters
    ----------
    names
        Whose names they are, where there are several, as ``clip`` and ``hf``.
    config
        Parameters of the component that the checkpoint fixes, as its geometry.
    weights
        By the names of the encoder's own ``state_dict``.
    sources
        The official names that each of those was made of.
    ignored
        Official names of the encoder's that hold no weights, as counters of positions.
    """

    names: str
    config: Mapping[str, Any]
    weights: Mapping[str, Tensor]
    sources: Mapping[str, tuple[str, ...]]
    ignored: tuple[str, ...]


@runtime_checkable
class OfficialEncoder(Protocol):
    """An encoder that official checkpoints hold: what ``tcmgc import`` and ``tcmgc export`` need of it."""

    @classmethod
    def read_official(cls, tensors: Mapping[str, Tensor], where: str) -> OfficialWeights:
        """Find the encoder in a checkpoint.

        Parameters
        ----------
        tensors
            All of the checkpoint, by official name.
        where
            What errors call it.

        Raises
        ------
        DataError
            When there is none, or one that this class cannot be.
        """
        ...

    def write_official(self, names: str) -> dict[str, Tensor]:
        """Return the weights under official names.

        Parameters
        ----------
        names
            As in `OfficialWeights`.

        Raises
        ------
        ConfigError
            When there are no such names.
        DataError
            When the official code would compute something else with the weights.
        """
        ...
