"""Counting the arithmetic of matrix products, from the shapes of what PyTorch runs."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from torch.utils._python_dispatch import TorchDispatchMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor


class MatmulFlops(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts 2 m n k for every product of an m x k and a k x n matrix that runs inside of it.

    Multiplications and additions count one each. Products inside of fused operations (attention, an LSTM,
    convolutions) count as well. What is done element by element, sorting, softmaxes, norms and
    factorisations, does not: as in `torch.utils.flop_counter.FlopCounterMode`.

    Attributes
    ----------
    total : int
        So far.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = func._schema.name.removeprefix("aten::")
        formula = FORMULAS.get(name)
        if formula is None:
            # What PyTorch has not taken apart yet, as `linear` in inference mode.
            with self:
                result = func.decompose(*args, **(kwargs or {}))
            if result is not NotImplemented:
                return result
        result = func(*args, **(kwargs or {}))
        if formula is not None:
            self.total += formula(args, result)
        return result


def _matrices(first: int) -> Callable[[tuple[Any, ...], Any], int]:
    """Make the formula of a product of the argument ``first``, a matrix, and the next one."""

    def flops(args: tuple[Any, ...], result: Any) -> int:
        left, right = _shape(args[first]), _shape(args[first + 1])
        columns = right[-1] if len(right) > 1 else 1
        return 2 * prod(left) * columns

    return flops


def _attention(args: tuple[Any, ...], result: Any) -> int:
    """``softmax(q k^T) v`` with q [..., L, E], k [..., S, E] and v [..., S, E']."""
    query, key, value = map(_shape, args[:3])
    return 2 * prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def _lstm(args: tuple[Any, ...], result: Any) -> int:
    """Multiply each position of [L, N, I], in one direction, by the weights [4 H, I] and [4 H, H]."""
    sequence, of_input, of_hidden = map(_shape, args[:3])
    return 2 * prod(sequence[:-1]) * (prod(of_input) + prod(of_hidden))


def _convolution(args: tuple[Any, ...], result: Tensor) -> int:
    """Multiply each place of the result, or of the source, by a kernel [O, I / groups, ...]."""
    source, weight, transposed = args[0], args[1], args[6]
    return 2 * prod(_shape(source if transposed else result)) * prod(_shape(weight)[1:])


def _shape(tensor: Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)


FORMULAS: Mapping[str, Callable[[tuple[Any, ...], Any], int]] = {
    "mm": _matrices(0),
    "bmm": _matrices(0),
    "mv": _matrices(0),
    "dot": _matrices(0),
    "addmm": _matrices(1),
    "addmv": _matrices(1),
    "baddbmm": _matrices(1),
    "convolution": _convolution,
    "mkldnn_rnn_layer": _lstm,
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "_scaled_dot_product_flash_attention": _attention,
    "_scaled_dot_product_efficient_attention": _attention,
    "_scaled_dot_product_cudnn_attention": _attention,
}
"""By the name of an operation: from its arguments and its result to the count."""
