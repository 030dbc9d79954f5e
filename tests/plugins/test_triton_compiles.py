"""The kernels compile for a GPU, which needs none: what the interpreter runs may still be no Triton."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(
    find_spec("triton") is None or os.environ.get("TRITON_INTERPRET") == "1",
    reason="needs Triton, and not its interpreter",
)

BYTES = {"frames_real", "queries_real", "words_real", "real"}
WHOLE, REAL = {"T", "N"}, {"inverse_dim", "eps2", "eps3"}


def compiled(kernel: Any, constants: dict[str, Any], warps: int) -> Any:
    """Compile for sm_80 (A100)."""
    from triton import compile as triton_compile
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    def kind(name: str) -> str:
        if name in constants:
            return "constexpr"
        if name in WHOLE:
            return "i32"
        if name in REAL or name.endswith("temperature"):
            return "fp32"
        return "*u8" if name in BYTES else "*fp32"

    names = kernel.arg_names
    source = ASTSource(
        kernel,
        {name: kind(name) for name in names},
        constexprs={(names.index(name),): value for name, value in constants.items()},
    )
    return triton_compile(source, target=GPUTarget("cuda", 80, 32), options={"num_warps": warps})


@pytest.mark.parametrize(("heads", "masked"), [(1, False), (2, True)])
def test_a_tile(heads: int, masked: bool, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tcmgc_plugins.kernels.jit_tile import score_tile

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    constants = {
        **{"Q": 7, "P": 7, "HEADS": heads, "F": 5, "QP": 16, "PP": 16, "HP": heads, "FP": 16 // heads},
        **{"RANK": heads * 5, "CHUNK": 16, "PRECISION": "ieee"},
        **{"ONE": True, "ONE_K": 2, "ONE_FUSES": True, "ONE_P": 4, "ALL": True},
        **{"WORDS_K": 2, "FRAMES_K": 2, "WORDS_P": 2, "FRAMES_P": 2},
        **dict.fromkeys(("FRAMES_MASKED", "ONE_MASKED", "ALL_WORDS_MASKED", "ALL_FRAMES_MASKED"), masked),
    }
    found = compiled(score_tile, constants, 1)
    assert found.asm["cubin"]
    assert found.metadata.shared < 48 * 1024


def test_vectors(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tcmgc_plugins.kernels.jit_vector import score_vectors

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    constants = {"LENGTH": 7, "K": 2, "FUSES": True, "MASKED": True, "B": 64, "L": 8, "KP": 4}
    assert compiled(score_vectors, constants, 4).asm["cubin"]
