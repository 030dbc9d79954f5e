"""Frames to the square that an encoder takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, __version__

if TYPE_CHECKING:
    from numpy.typing import NDArray

PREPROCESS = f"bicubic short side, centre crop; pillow {__version__}"
"""What `square` does and by which version: part of what names cached frames."""


def square(frame: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize the short side to ``size`` by Pillow's bicubic filter and crop the centre.

    As CLIP's own preprocessing does before it normalises, rounding included (torchvision's ``Resize``
    and ``CenterCrop``). Encoders normalise themselves.

    Parameters
    ----------
    frame
        uint8 RGB [H, W, 3].
    size
        S, pixels a side.

    Returns
    -------
    array
        uint8 RGB [S, S, 3].
    """
    height, width = frame.shape[:2]
    short = min(height, width)
    if short != size:
        # The long side is truncated, as in torchvision.
        shape = (int(size * width / short), int(size * height / short))
        frame = np.asarray(Image.fromarray(frame).resize(shape, Image.Resampling.BICUBIC))
        height, width = frame.shape[:2]
    top, left = round((height - size) / 2), round((width - size) / 2)
    return frame[top : top + size, left : left + size]
