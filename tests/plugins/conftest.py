"""An encoder with initial weights, and a cache of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc_plugins.encoders.open_clip_encoder import OpenClip


@pytest.fixture
def encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenClip:
    from tcmgc_plugins.encoders.open_clip_encoder import OpenClip  # open_clip takes seconds to import

    monkeypatch.setenv("TCMGC_CACHE", str(tmp_path / "cache"))
    return OpenClip(model="StoryShapes-ViT", pretrained=None, words=20).eval()
