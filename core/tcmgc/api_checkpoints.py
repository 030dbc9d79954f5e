"""The Python face of official checkpoints: `import_checkpoint`, `export_checkpoint`, `score_videos`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .api import plugins_beside
from .app import current_registry
from .recipes.load import Overrides, parse_overrides

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from .checkpoints.export_checkpoint import Types
    from .engine.progress import ShowItems
    from .experiments.score_videos import VideoResult
    from .ranking import Direction
    from .runs.import_record import ImportRecord


def import_checkpoint(
    source: str | Path,
    recipe: str | Path,
    out: str | Path,
    *,
    variant: str | None = None,
    protocol: str | Path | None = None,
    overrides: Overrides = (),
    partial: bool = False,
) -> ImportRecord:
    """Make a model's folder of a checkpoint that an official repository wrote.

    Parameters
    ----------
    source
        ``.bin``, ``.pth`` or another pickle, read with ``weights_only``; or safetensors.
    recipe
        Whose official names it bears: a registered name, or a path to a YAML file.
    out
        The folder, which must not be there yet, or be empty: `tcmgc.load`, `tcmgc.evaluate` and
        `score_videos` take it.
    variant
        One of the recipe's variants.
    protocol
        Encoder, sampler and reader, in place of the recipe's ``official_protocol``. What the shapes say of
        the encoder goes over it.
    overrides
        As in `tcmgc.api.read_recipe`, applied last: ``encoder.words`` and ``sampler.frames`` of a
        checkpoint with matrices over words and frames.
    partial
        Allow weights to be absent, which then keep their initial values, and names to be unknown.

    Returns
    -------
    ImportRecord
        Every name: mapped, ignored or missing. It is in ``import.json`` too.

    Raises
    ------
    DataError
        When it is no checkpoint that can be read safely, is not whole, or has what cannot be reproduced.
    """
    from .checkpoints.import_checkpoint import ImportJob, import_checkpoint

    registry = plugins_beside(recipe)
    job = ImportJob(Path(source), recipe, variant, protocol, parse_overrides(overrides), partial)
    return import_checkpoint(registry, job, Path(out))


def export_checkpoint(
    folder: str | Path, out: str | Path, *, names: str | None = None, types: Types = "imported"
) -> dict[str, torch.Tensor]:
    """Write a model as the official repository of its recipe does.

    Parameters
    ----------
    folder
        Of a run, or what `import_checkpoint` wrote.
    out
        ``.safetensors``; ``.pth``, which has the weights under ``state_dict``; ``.bin`` or ``.pt``, which is
        ``torch.save`` of the weights. A file that is there is not replaced.
    names
        Of the encoder: ``clip`` or ``hf``; those it was imported under when left out, else ``clip``.
    types
        ``imported``: each weight in the type that it was imported in, where that loses nothing; ``float32``.

    Returns
    -------
    dict
        What was written, by official name.

    Raises
    ------
    DataError
        When a weight has no official name, the official code would compute something else with them, or
        ``out`` is there already.
    """
    from .checkpoints.export_checkpoint import export_checkpoint

    return export_checkpoint(current_registry(), Path(folder), Path(out), names=names, types=types)


def score_videos(
    recipe: str | Path,
    checkpoint: str | Path,
    texts: Sequence[str],
    videos: Sequence[str | Path],
    *,
    variant: str | None = None,
    overrides: Overrides = (),
    direction: Direction = "t2v",
    device: str = "auto",
    progress: ShowItems | None = None,
) -> VideoResult:
    """Score video files against captions, in float32: what ``tcmgc score --checkpoint`` does.

    Parameters
    ----------
    recipe
        The checkpoint's own; another one is an error.
    checkpoint
        A folder of a run, or what `import_checkpoint` wrote.
    texts, videos
        T captions and V paths.
    variant, overrides
        As in `tcmgc.api.read_recipe`; they go over the checkpoint's recipe, and the weights still have to
        fit.
    direction
        Which side asks, for a normalizer.
    device
        As in `tcmgc.run`.
    progress
        Called with what is done, and with T + 2 V: texts encoded, videos decoded and encoded.

    Raises
    ------
    ConfigError
        When the checkpoint is of another recipe.
    DataError
        When videos cannot be read: with each and its reason.
    """
    from .experiments.score_videos import VideoJob, score_videos

    changes = parse_overrides(overrides)
    job = VideoJob(recipe, Path(checkpoint), texts, videos, variant, changes, direction, device)
    return score_videos(plugins_beside(recipe), job, progress)
