"""Models of several kinds as they start, StoryShapes' smallest size, and an index of it."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import torch

import tcmgc
from tcmgc import app
from tcmgc.search.index_folder import IndexFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tcmgc.search.searcher import Searcher

UNTRAINED = ("trained=false", "dataset.size=mini")


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """One thread, as what is computed is tiny; a module long, as others run after it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@contextmanager
def without_reports() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TCMGC_BLOCK_PLUGINS", "reports")
        app.current_plugins.cache_clear()
        yield
    app.current_plugins.cache_clear()


@pytest.fixture(scope="session")
def model_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes the folder of a recipe's model, once for each."""
    made: dict[tuple[str, ...], Path] = {}

    def make(recipe: str, variant: str | None = None, *overrides: str) -> Path:
        key = (recipe, str(variant), *overrides)
        if key not in made:
            out = tmp_path_factory.mktemp(recipe)
            with without_reports():
                outcome = tcmgc.run(
                    recipe, out, variant=variant, overrides=[*UNTRAINED, *overrides], device="cpu"
                )
            made[key] = outcome.finished[0].folder
        return made[key]

    return make


@pytest.fixture(scope="session")
def model(model_of: Callable[..., Path]) -> Path:
    """The folder of TC-MGC."""
    return model_of("tcmgc")


@pytest.fixture(scope="session")
def kept_index(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the test split, 32 videos; not to be changed."""
    out = tmp_path_factory.mktemp("index") / "kept"
    assert tcmgc.index_videos(out, model=model, device="cpu").added == 32
    return out


@pytest.fixture(scope="session")
def searcher(kept_index: Path) -> Searcher:
    """The index, opened."""
    return tcmgc.open_index(kept_index, device="cpu", lists="matrix")


@pytest.fixture
def index(kept_index: Path, tmp_path: Path) -> Path:
    """A copy of the index that a test may change."""
    return shutil.copytree(kept_index, tmp_path / "index")


@pytest.fixture
def videos(kept_index: Path, tmp_path: Path) -> Path:
    """A folder of ten video files, two of them in a folder below."""
    folder = tmp_path / "videos"
    (folder / "more").mkdir(parents=True)
    for number, video in enumerate(IndexFolder.open(kept_index).contents.videos[:10]):
        shutil.copy(video.path, folder / ("more" if number > 7 else ".") / f"{number}.mp4")
    return folder
