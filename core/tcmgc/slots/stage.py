"""The stage slot: features of one side to features of the same side."""

import typing
from collections.abc import Mapping
from typing import Literal, Protocol, TypeVar, runtime_checkable

from torch import nn

from tcmgc.features import TextFeatures, VideoFeatures

Features = TypeVar("Features", TextFeatures, VideoFeatures)


@runtime_checkable
class FeatureStage(Protocol[Features]):
    """Change the features of one side, item by item, before any text meets any video.

    A temporal encoder is a stage of the video side. A stage returns features with the same number of
    items; `VideoFeatures.raw_frames` is what the encoder gave and is not to be changed.
    """

    def __call__(self, features: Features) -> Features:
        """Map the features of N items to features of the same N items."""
        ...


@runtime_checkable
class Rereading(Protocol):
    """What a stage has besides, when it makes one feature of another."""

    def reads(self, wanted: frozenset[str]) -> frozenset[str]:
        """Name the features that it needs to give the wanted ones, as ``sentence`` and ``frames``."""
        ...


@runtime_checkable
class Resizing(Protocol):
    """What a stage has besides, when token sequences leave it with another length."""

    def lengths(self, lengths: Mapping[str, int]) -> Mapping[str, int]:
        """Say the lengths of ``words``, ``frames`` and ``patches`` behind it, given those before it.

        Views and interactions are sized by them. 0 stands for tokens that are not there.
        """
        ...


def side_of(stage: object) -> Literal["text", "video"] | None:
    """Tell the side that a stage is made for by the type of what it takes; None where it does not say."""
    called = type(stage).forward if isinstance(stage, nn.Module) else type(stage).__call__
    try:
        hints = typing.get_type_hints(called)
    except (NameError, TypeError, AttributeError):  # names that only a type checker knows
        return None
    taken = next((hint for name, hint in hints.items() if name != "return"), None)
    return {TextFeatures: "text", VideoFeatures: "video"}.get(taken)  # type: ignore[return-value, arg-type]
