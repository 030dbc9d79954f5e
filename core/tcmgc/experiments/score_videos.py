"""Scoring video files against captions with a model's folder: what `tcmgc score --checkpoint` does."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from tcmgc.errors import ConfigError
from tcmgc.recipes.draft import Draft
from tcmgc.recipes.named_file import is_path
from tcmgc.runs.model_folder import read_model_folder
from tcmgc.scoring import write_scores

from .trained import load_trained

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tcmgc.engine.progress import ShowItems
    from tcmgc.ranking import Direction
    from tcmgc.recipes.load import Recipe
    from tcmgc.recipes.overrides import Override
    from tcmgc.registry import Registry
    from tcmgc.scores import Scores
    from tcmgc.slots.normalizer import Needs


@dataclass(frozen=True)
class VideoJob:
    """What to score, and how.

    Parameters
    ----------
    recipe
        The checkpoint's, by name or file: another one is refused.
    checkpoint
        A folder with a model.
    texts, videos
        T captions and V paths.
    variant
        Of the recipe: what it changes goes over the checkpoint's own.
    overrides
        Applied last.
    direction
        Which side asks, for a normalizer.
    device
        As `tcmgc.engine.fabric.make_fabric` takes it.
    """

    recipe: str | Path
    checkpoint: Path
    texts: Sequence[str]
    videos: Sequence[str | Path]
    variant: str | None = None
    overrides: Sequence[Override] = ()
    direction: Direction = "t2v"
    device: str = "auto"


@dataclass(frozen=True)
class VideoResult:
    """What a job gave.

    Parameters
    ----------
    job
        The job.
    scores
        Of all pairs; after the normalizer where there is one.
    name, variant
        Of the recipe.
    recipe
        The checkpoint's own, with all overrides.
    needs
        What the normalizer looks at; None where there is none.
    """

    job: VideoJob
    scores: Scores
    name: str
    variant: str | None
    recipe: Recipe
    needs: Needs | None

    def write(self, path: Path) -> None:
        """Write ``similarity`` and ``parts.<granularity>``, [T, V] each, at once or not at all."""
        about = {"recipe": self.name, "variant": self.variant or "", "checkpoint": self.job.checkpoint.name}
        write_scores(path, self.scores, self.recipe, self.needs, self.job.direction, about)


def score_videos(registry: Registry, job: VideoJob, progress: ShowItems | None = None) -> VideoResult:
    """Score video files against captions, in float32 whatever the device.

    Parameters
    ----------
    registry
        Where components are found.
    job
        What and how.
    progress
        As in `tcmgc.experiments.trained.TrainedModel.ranked`.

    Raises
    ------
    ConfigError
        When the checkpoint is of another recipe.
    DataError
        When the folder holds no model, its weights do not fit the overrides, or files cannot be read.
    """
    folder = read_model_folder(job.checkpoint)
    asked = Path(job.recipe).stem if is_path(job.recipe) else str(job.recipe)
    if asked != folder.recipe:
        raise ConfigError(
            f"recipe {str(job.recipe)!r}",
            found=f"a checkpoint of recipe {folder.recipe!r}, {job.checkpoint}",
            expected=f"tcmgc score {folder.recipe} --checkpoint {job.checkpoint}",
            hint="--set exchanges components of it",
        )
    changes: list[Override] = []
    if job.variant is not None:
        changes += Draft.overrides_of(registry, job.recipe, job.variant)
    changes += job.overrides
    model = load_trained(registry, job.checkpoint, device=job.device, precision="32-true", overrides=changes)
    with _exact_convolutions():
        scores = model.ranked(job.texts, job.videos, job.direction, progress)
    variant = job.variant or folder.variant
    return VideoResult(job, scores, folder.recipe, variant, model.recipe, model.needs)


@contextmanager
def _exact_convolutions() -> Iterator[None]:
    """Forbid TF32, with ten of a float32's 23 bits: cuDNN convolves in it unless it is told."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
