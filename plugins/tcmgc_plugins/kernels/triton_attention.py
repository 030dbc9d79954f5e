"""Attention's contrasts on a GPU, coefficients in registers: the kernel ``triton-attention``."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, ClassVar, Literal

import torch

from tcmgc_plugins.interactions.isa import BiIsa, Isa
from tcmgc_plugins.reorganizers.bi_prune import BiPrune
from tcmgc_plugins.reorganizers.fuse import Fuse
from tcmgc_plugins.reorganizers.prune import Prune
from tcmgc_plugins.views.attention import Attention

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from tcmgc.contrast import Contrast
    from tcmgc.granularity import Granularity
    from tcmgc.state import State

LARGEST = 128
"""Of words, queries and atoms: more does not fit the registers."""
MOST_KEPT = 16
"""Of entries behind a reorganizer: ISA's matrix is looked at whole."""
_INTERPRETER = Lock()
"""Triton's interpreter has one grid and one patched language a process; tiles come in several threads."""


class TritonAttention:
    """TC-MGC's contrasts over `attention`: prune, fuse and Bi-prune, each with ISA.

    Two products of the tile by cuBLAS, attention logits and the basis as probes see it, then a program
    a pair: softmax, both layer norms, norm, similarities, selections and ISA. Scores alone are written. A
    view that the sentence asks has one vector a pair; its similarities are PyTorch's, and what follows them
    one program for many pairs. float32 alone; sums and norms always in float32.

    Parameters
    ----------
    inputs
        Of the products: ``float32``, in which they are TF32 if ``torch.backends.cuda.matmul.allow_tf32`` is
        set; ``bfloat16``, rounded to 8 bits.
    """

    paper: ClassVar[str] = "TC-MGC, arXiv:2504.04707"

    def __init__(self, *, inputs: Literal["float32", "bfloat16"] = "float32") -> None:
        self.inputs: Literal["float32", "bfloat16"] = inputs

    def refusal(self, contrast: Contrast, device: torch.device, dtype: torch.dtype) -> str | None:
        """Say what it does not know."""
        if type(contrast.view) is not Attention:
            return f"a view of type {type(contrast.view).__name__}, not attention"
        if (missing := _missing(device.type)) is not None:
            return missing
        if dtype != torch.float32:
            return f"{dtype}, not float32"
        return _other_shape(contrast, contrast.view) or _other_components(contrast)

    def floats_per_pair(self, contrast: Contrast) -> int:
        """Logits and what the probes see; of one vector a pair coefficients, vector and similarities."""
        basis, queries = contrast.use.basis or 0, contrast.use.vectors
        entries = sum(granularity.entries for granularity in contrast.granularities.values())
        if queries == 1:
            dim = contrast.view.linear_proj.in_features if isinstance(contrast.view, Attention) else 0
            return 8 * basis + 2 * dim + 2 * entries
        return (queries + entries // queries) * basis

    def __call__(self, contrast: Contrast, text: State, video: State) -> Mapping[str, Tensor]:
        """Score a tile: each granularity's [T, V]."""
        queries = contrast.queries(text)
        # Triton starts kernels on the current device, wherever the tensors are.
        current = torch.cuda.device_of(queries)  # type: ignore[no-untyped-call]
        turn = nullcontext() if queries.device.type == "cuda" else _INTERPRETER
        with turn, current, torch.autocast(queries.device.type, enabled=False):
            if contrast.use.vectors == 1:
                from .vector_scores import vector_scores

                return vector_scores(contrast, text, video)
            from .tile_scores import tile_scores

            return tile_scores(contrast, text, video, self.inputs)


@cache
def _missing(device: str) -> str | None:
    """Say what is not there: Triton, or a device that it compiles for. Its interpreter runs on the CPU."""
    if find_spec("triton") is None:
        return "Triton is not installed"
    if device == "cuda":
        return None
    import triton

    return None if triton.knobs.runtime.interpret else f"the device is {device}, not CUDA"


def _other_shape(contrast: Contrast, view: Attention) -> str | None:
    basis = contrast.use.basis or 0
    atoms = _padded(view.heads) * _padded(basis // view.heads)
    lengths = [contrast.use.vectors, atoms]
    lengths += [g.entries // contrast.use.vectors for g in contrast.granularities.values()]
    return f"{max(lengths)} words, frames or heads times frames" if max(lengths) > LARGEST else None


def _other_components(contrast: Contrast) -> str | None:
    """Find a granularity of another kind; of each kind, a view of many vectors has one at most."""
    kinds = {name: kind(g, contrast.use.vectors) for name, g in contrast.granularities.items()}
    for name, found in kinds.items():
        if found is None:
            return f"granularity {name} is not prune, fuse or bi-prune with ISA, or keeps over {MOST_KEPT}"
    several = [found for found in kinds.values() if found != "plain"]
    if contrast.use.vectors > 1 and len(set(several)) < len(several):
        return "several granularities of one kind"
    return None


def kind(granularity: Granularity, queries: int) -> Literal["plain", "vector", "matrix"] | None:
    """Say what a granularity does with the similarities of a pair.

    Parameters
    ----------
    granularity
        The granularity.
    queries
        Q, the view's vectors a pair.

    Returns
    -------
    str or None
        ``plain``: there is one and it is the score; ``vector``: P or Q of them are pruned or fused, then ISA;
        ``matrix``: P x Q are bi-pruned, then ISA in both orders; None for anything else.
    """
    reorganizer, interaction = granularity.reorganizer, granularity.interaction
    probes = granularity.entries // queries
    if not granularity.normalize_video:
        return None
    if reorganizer is None and interaction is None and granularity.entries == 1:
        return "plain" if queries == 1 else None
    one_side = 1 in (probes, queries) and granularity.entries > 1
    if one_side and type(reorganizer) in (Prune, Fuse) and type(interaction) is Isa:
        return "vector" if len(interaction.matrix) <= MOST_KEPT else None
    if not one_side and type(reorganizer) is BiPrune and type(interaction) is BiIsa:
        return "matrix" if max(reorganizer.words, reorganizer.frames) <= MOST_KEPT else None
    return None


def _padded(length: int) -> int:
    """Return the next power of two."""
    return 1 << (length - 1).bit_length()
