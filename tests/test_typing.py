"""A file outside the tree type-checks against the installed package, and mistakes in it are found."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = '''
from typing import Annotated

import tcmgc
from pydantic import Field
from tcmgc import Register, Size, Sizes, hookimpl
from torch import Tensor


class Weighted:
    """A component."""

    def __init__(self, *, rate: Annotated[float, Field(gt=0)] = 0.5, parts: Size) -> None:
        self.rate = rate / parts

    def __call__(self, parts: Tensor) -> Tensor:
        return self.rate * parts.sum(dim=-1)


@hookimpl
def tcmgc_register(register: Register) -> None:
    register.aggregator("weighted", Weighted)


model = tcmgc.build("xclip", Sizes(dim=8, max_words=4, max_frames=4))
reveal_type(model)
reveal_type(tcmgc.load_features("f").sizes.dim)
'''


def check(folder: Path, source: str) -> str:
    (folder / "mine.py").write_text(source)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder / "cache"), "mine.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


@pytest.mark.slow
def test_external_plugin_type_checks(tmp_path: Path) -> None:
    good = check(tmp_path, PLUGIN)
    assert "Success" in good, good
    assert 'Revealed type is "tcmgc.model.RetrievalModel"' in good
    assert 'mine.py:27: note: Revealed type is "' in good
    assert 'int"' in good.splitlines()[1]
    wrong = check(tmp_path, PLUGIN.replace("parts: Tensor) -> Tensor", "parts: Tensor, more: int) -> Tensor"))
    assert 'Argument 2 to "aggregator" of "Register" has incompatible type' in wrong, wrong
