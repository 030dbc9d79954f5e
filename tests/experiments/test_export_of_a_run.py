"""A run whose encoder is a CLIP of official geometry goes to an official checkpoint and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import load_file

import tcmgc
from tcmgc import ConfigError, app

PLUGINS = [Path(__file__).parent / name for name in ("tiny_data.py", "tiny_encoder.py")]
CLIP = {
    "name": "open-clip",
    "model": {
        "embed_dim": 64,
        "quick_gelu": True,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
        "text_cfg": {"context_length": 40, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 1},
    },
    "pretrained": None,
    "words": 32,
}
UNREAD = "encoder.clip.logit_scale"
"""The scale that the encoder started with; the one that is trained is the head's."""

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def current(plugins: Any) -> Iterator[None]:
    app.current_plugins.cache_clear()
    for file in PLUGINS:
        app.current_plugins().load_file(file)
    yield
    app.current_plugins.cache_clear()


def test_there_and_back(current: None, folder: Path) -> None:
    protocol = folder / "tiny.yaml"
    outcome = tcmgc.run(
        "clip4clip-meanp", folder / "out", protocol=protocol, overrides={"encoder": CLIP}, device="cpu"
    )
    run = outcome.finished[0].folder
    written = tcmgc.export_checkpoint(run, folder / "theirs.bin")
    record = tcmgc.import_checkpoint(folder / "theirs.bin", "clip4clip-meanp", folder / "ours")
    assert record.ignored == ()
    before, after = (load_file(path / "model.safetensors") for path in (run, folder / "ours"))
    assert before.keys() == after.keys()
    assert {name for name in before if not torch.equal(before[name], after[name])} == {UNREAD}
    assert torch.equal(written["clip.logit_scale"], before["head.logit_scale"])


def test_an_encoder_that_no_official_code_has(current: None, folder: Path) -> None:
    outcome = tcmgc.run("clip4clip-meanp", folder / "out", protocol=folder / "tiny.yaml", device="cpu")
    with pytest.raises(ConfigError, match="encoder 'tiny'"):
        tcmgc.export_checkpoint(outcome.finished[0].folder, folder / "theirs.bin")
    torch.save({"clip.logit_scale": torch.ones(())}, folder / "any.bin")
    with pytest.raises(ConfigError, match=r"encoder 'tiny'[\s\S]*one of open-clip"):
        tcmgc.import_checkpoint(
            folder / "any.bin", "clip4clip-meanp", folder / "ours", protocol=folder / "tiny.yaml"
        )
