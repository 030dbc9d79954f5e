"""A tiny experiment: two plugins, a protocol and a suite that run in a second."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from tcmgc.plugins import Plugins

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
PLUGINS = (HERE / "tiny_data.py", HERE / "tiny_encoder.py")

PROTOCOL = """\
schema_version: 1
summary: tiny clips, two epochs
dataset: tiny
reader: arrays
sampler: every
encoder: tiny
training:
  epochs: 2
  batch_size: 6
  learning_rate: 0.01
  encoder_learning_rate: 0.01
  optimizer: adamw
  schedule: constant
"""
SUITE = """\
schema_version: 1
title: Tiny
protocol: tiny.yaml
seeds: [0, 1]
rows:
  - clip4clip-meanp
  - {recipe: xpool, label: pooled}
  - recipe: clip4clip-meanp
    label: untrained
    set: [trained=false]
comparisons:
  - {title: Training, question: What is it worth?, row: clip4clip-meanp, against: untrained}
"""


@pytest.fixture(scope="session")
def tiny_cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tiny clips are decoded to, once for all tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module", autouse=True)
def tiny_cache(tiny_cache_folder: Path) -> Iterator[None]:
    """Write no reports, use one thread, as the sums are tiny; a module long, as others run after it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TCMGC_CACHE", str(tiny_cache_folder))
        patch.setenv("TCMGC_BLOCK_PLUGINS", "reports")
        patch.setenv("OMP_NUM_THREADS", "1")
        yield
    torch.set_num_threads(threads)


@pytest.fixture
def plugins(tiny_cache: None) -> Plugins:
    """The installed plugins but reports, and the tiny ones."""
    loaded = Plugins()
    loaded.load_installed()
    for file in PLUGINS:
        loaded.load_file(file)
    return loaded


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the protocol and the suite."""
    (tmp_path / "tiny.yaml").write_text(PROTOCOL)
    (tmp_path / "suite.yaml").write_text(SUITE)
    return tmp_path
