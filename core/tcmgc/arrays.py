"""Names for numpy arrays in signatures."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

Float1D: TypeAlias = np.ndarray[tuple[int], np.dtype[np.float64]]
Int1D: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]
Matrix: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.floating[Any]]]
