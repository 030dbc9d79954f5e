"""The stage slot: features of one side to features of the same side."""

from typing import Protocol, TypeVar, runtime_checkable

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
