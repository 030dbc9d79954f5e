"""The loss slot: scores and features of a batch to a scalar."""

from typing import Protocol, runtime_checkable

from torch import Generator, Tensor

from tcmgc.features import TextFeatures, VideoFeatures
from tcmgc.scores import Scores


@runtime_checkable
class Loss(Protocol):
    """A term of the training objective; the recipe weighs it."""

    def __call__(
        self,
        scores: Scores,
        text: TextFeatures,
        video: VideoFeatures,
        pairs: Tensor,
        generator: Generator | None,
    ) -> Tensor:
        """Compute the loss of a batch, a scalar.

        Parameters
        ----------
        scores
            Of all T texts and V videos of the batch.
        text, video
            The features after the stages.
        pairs
            [T], the row of each text's video.
        generator
            The source of randomness for losses that draw; None for the global one.
        """
        ...
