"""Peak memory of a piece of work, not of the process so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from tcmgc.engine import peak_memory
from tcmgc.engine.peak_memory import PROCESS, PeakMemory

if TYPE_CHECKING:
    from pathlib import Path

LARGE = 400 * 2**20


@pytest.mark.skipif(not (PROCESS / "clear_refs").exists(), reason="needs Linux")
def test_begins_anew() -> None:
    first = PeakMemory(torch.device("cpu"))
    np.ones(LARGE, dtype=np.uint8)  # given back at once
    found = first.bytes()
    second = PeakMemory(torch.device("cpu")).bytes()
    assert found is not None
    assert second is not None
    assert found > second + LARGE // 2


def test_unknown_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peak_memory, "PROCESS", tmp_path / "nowhere")
    assert PeakMemory(torch.device("cpu")).bytes() is None
