"""Tiles whose element-wise work is fused by `torch.compile`, where there are pairs enough to repay it."""

from __future__ import annotations

import os
import shlex
import shutil
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import torch

from .data.cache_folder import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from .scores import Scores
    from .slots.scorer import Scorer
    from .state import State

Policy: TypeAlias = Literal["auto", "always", "never"]
"""``auto`` compiles where the number of pairs repays it; it does not depend on what time anything took."""

Tile: TypeAlias = "Callable[[State, State, Tensor], Scores]"

REPAID = 60e9
"""Numbers, by the scorer's estimate, that a thread has to compute for a compilation to be worth its wait.

It takes about 20 s, and saves every thread about 1 ns a number (docs/performance.md): this is three times
what repays it.
"""
WITHIN = ((1e-4, 1e-5), (1e-10, 1e-10))
"""Absolute and relative difference of a compiled tile's scores, at the most; the second pair in float64."""
COMPILER = "CXX"
"""The environment variable that names a C++ compiler."""
CACHE = "TORCHINDUCTOR_CACHE_DIR"
"""The environment variable that says where PyTorch keeps what it compiled."""


class CompilationWarning(UserWarning):
    """A tile was to be compiled and cannot be; it is scored all the same."""


@dataclass
class Compilation:
    """Whether a model's tiles are compiled, and what that took.

    Parameters
    ----------
    policy
        When.
    notify
        Called with a sentence before a compilation begins.

    Attributes
    ----------
    seconds : float
        Spent in compiling by the last walk over a gallery.
    """

    policy: Policy = "auto"
    notify: Callable[[str], None] | None = None
    seconds: float = field(default=0.0, init=False)
    _known: tuple[Scorer, Tile] | None = field(default=None, init=False, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is compiled, as a copy of a model has other weights, and whom to tell."""
        return {**vars(self), "_known": None, "notify": None}

    def begins(self, device: torch.device, numbers: int) -> bool:
        """Say whether to compile for a walk that computes so many numbers, and start counting its seconds.

        On other devices than CPUs, and under autocast, it is by ``always`` alone.
        """
        self.seconds = 0.0
        if self.policy != "auto":
            return self.policy == "always"
        if device.type != "cpu" or torch.is_autocast_enabled("cpu"):
            return False
        return numbers >= REPAID * torch.get_num_threads() and has_compiler()

    def compiled(self, scorer: Scorer, first: tuple[State, State, Tensor]) -> Tile:
        """Compile a scorer for tiles of the first one's size, in the thread that will score such tiles.

        It takes as many cores as the thread has, and is compared with the scorer before it is trusted.

        Parameters
        ----------
        scorer
            Anything that scores tiles.
        first
            The first tile: states of its texts and videos, and the logit scale.

        Returns
        -------
        Callable
            What scores such tiles; the scorer itself where compiling fails.

        Warns
        -----
        CompilationWarning
            When it fails, or other scores come out.
        """
        tile = None if self._known is None or self._known[0] is not scorer else self._known[1]
        if tile is None:
            if self.notify is not None:
                self.notify("compiling the scoring of a tile, which takes about half a minute")
            _keep_what_is_compiled()
            # On CPUs called from C++, without Python's lock: from Python, the threads wait for each other.
            options: dict[str, Any] = {
                "cpp.threads": torch.get_num_threads(),
                "cpp_wrapper": first[2].device.type == "cpu",
            }
            tile = torch.compile(scorer.__call__, dynamic=False, options=options)
        started = time.perf_counter()
        try:
            found = tile(*first)
        except Exception as error:
            said = next(iter(str(error).splitlines()), "")
            _warn(f"{type(error).__name__}: {said}"[:300])
            return scorer
        finally:
            self.seconds += time.perf_counter() - started
        if (difference := _difference(found, scorer(*first))) is not None:
            _warn(f"its scores differ by {difference:.1e}")
            return scorer
        self._known = scorer, tile
        return tile


def has_compiler() -> bool:
    """Whether there is a C++ compiler, without which PyTorch compiles nothing for a CPU."""
    named = os.environ.get(COMPILER)
    commands = [shlex.split(named)[0]] if named and named.strip() else ["g++", "clang++", "c++"]
    return any(shutil.which(command) for command in commands)


def _difference(found: Scores, expected: Scores) -> float | None:
    """Return the largest difference where it is too large or no number; None where the scores agree."""
    absolute, relative = WITHIN[expected.total.dtype == torch.float64]
    for one, other in [
        (found.total, expected.total),
        *((found.parts[n], p) for n, p in expected.parts.items()),
    ]:
        if not torch.allclose(one, other, rtol=relative, atol=absolute):
            return (one - other).abs().max().item()
    return None


def _warn(found: str) -> None:
    warnings.warn(f"tiles are scored without being compiled: {found}", CompilationWarning, stacklevel=3)


def _keep_what_is_compiled() -> None:
    """Keep it with everything else that is cached, unless PyTorch was told where to, or it cannot be kept."""
    folder = cache_folder() / "compiled"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault(CACHE, str(folder))
