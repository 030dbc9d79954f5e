"""Sizes that a component receives rather than chooses.

A constructor parameter annotated `Size` is filled by name when the model is built and is no key of a
recipe:

=============  =========================================================================
``dim``        D, the joint width of the encoder
``max_words``  W, token positions a text
``max_frames`` F, frames a video
``max_patches`` P, patch vectors a video (0 where there are none)
``text_length`` rows of the similarity that an interaction receives (after the reorganizer)
``video_length`` columns of it
``parts``      K, how many granularities an aggregator receives
=============  =========================================================================

The first four are known everywhere, ``text_length`` and ``video_length`` to reorganizers and
interactions, ``parts`` to aggregators.
"""

from typing import Annotated, TypeAlias


class Injected:
    """Marks a constructor parameter that the framework fills."""

    def __repr__(self) -> str:
        return "Injected()"


Size: TypeAlias = Annotated[int, Injected()]
"""A whole number injected by the parameter's name."""
