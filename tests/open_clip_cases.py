"""What the tests of the open_clip encoder share."""

from __future__ import annotations

from tcmgc_plugins.encoders.open_clip_model import CONFIGS

CONFIG = CONFIGS / "StoryShapes-ViT.json"
ALL = frozenset({"sentence", "words", "frames", "patches"})
CAPTIONS = ["a red circle moves to the left", "first a star appears, then a ring vanishes", ""]
