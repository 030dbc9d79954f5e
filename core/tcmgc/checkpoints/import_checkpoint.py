"""``tcmgc import``: an official checkpoint becomes a model's folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tcmgc import __version__
from tcmgc.engine.encoded_model import build_with_encoder
from tcmgc.errors import ConfigError, DataError
from tcmgc.files.checkpoint_file import read_checkpoint
from tcmgc.files.disk import write_text, writing
from tcmgc.recipes.draft import Draft
from tcmgc.recipes.load import finish
from tcmgc.recipes.overrides import Override, make_override
from tcmgc.recipes.resolve import resolve
from tcmgc.recipes.show import as_yaml
from tcmgc.recipes.tree import from_plain
from tcmgc.runs.import_record import Ignored, ImportRecord, Mapped
from tcmgc.runs.json_file import write_json
from tcmgc.runs.model_file import write_model
from tcmgc.runs.model_folder import IMPORT
from tcmgc.runs.run_folder import CONFIG, WEIGHTS

from .depths import read_depths
from .match import Match, fill, match, refuse_by_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch import Tensor

    from tcmgc.engine.encoded_model import EncodedModel
    from tcmgc.recipes.load import Recipe
    from tcmgc.registry import Registry
    from tcmgc.slots.encoder import OfficialEncoder, OfficialWeights

SHIPPED = "--protocol NAME, whose encoder, sampler and reader are the checkpoint's"


@dataclass(frozen=True)
class ImportJob:
    """What to import.

    Parameters
    ----------
    source
        The checkpoint: see `tcmgc.files.checkpoint_file.read_checkpoint`.
    recipe, variant
        Whose official names it bears, and what it becomes.
    protocol
        In place of the recipe's ``official_protocol``.
    overrides
        Applied last, as ``encoder.words=64``.
    partial
        Allow weights to be absent, and names to be unknown.
    """

    source: Path
    recipe: str | Path
    variant: str | None = None
    protocol: str | Path | None = None
    overrides: Sequence[Override] = ()
    partial: bool = False


def import_checkpoint(registry: Registry, job: ImportJob, out: Path) -> ImportRecord:
    """Import a checkpoint; see `tcmgc.import_checkpoint`.

    Parameters
    ----------
    registry
        Where components, recipes and protocols are found.
    job
        What.
    out
        The model's folder, which must not be there yet, or be empty.
    """
    refuse_taken(out)
    draft = _draft(registry, job)
    tensors = read_checkpoint(job.source)
    where = f"checkpoint {job.source}"
    config = draft.config()
    refuse_by_name(tensors, config["official_refused"], where)
    found = _encoder_class(registry, config).read_official(tensors, where)
    # Cleared first: a mapping over a name would be merged with it.
    for encoder in (dict.fromkeys(found.config), found.config):
        draft = draft.override(make_override("encoder", {**config["encoder"], **encoder}))
    draft, depths = _with_depths(draft, job, tensors)
    recipe = finish(draft)
    model = build_with_encoder(recipe, registry)
    matched = match(tensors, found, model, recipe)
    if not job.partial:
        matched.refuse_partial(where, recipe.name)
    fill(model, matched, where)
    record = _record(job, recipe, matched, found, tensors, depths)
    _write(out, recipe, model, record)
    return record


def refuse_taken(out: Path) -> None:
    """Refuse a folder that has something in it."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(
            f"output {out}",
            found="a folder with files in it" if out.is_dir() else "a file",
            expected="a folder that is not there yet, or empty",
        )


def _draft(registry: Registry, job: ImportJob) -> Draft:
    draft = Draft.read(registry, job.recipe, job.variant)
    protocol = job.protocol or draft.official_protocol
    if protocol is not None:
        draft = draft.with_protocol(protocol)
    for override in job.overrides:
        draft = draft.override(override)
    config = draft.config()
    for section in ("encoder", "sampler", "reader"):
        if config[section] is None:
            raise ConfigError(
                f"{section} of recipe {draft.name!r}",
                found="none, and no official_protocol" if protocol is None else "none",
                expected=SHIPPED,
            )
    return draft


def _with_depths(draft: Draft, job: ImportJob, names: Iterable[str]) -> tuple[Draft, dict[str, int]]:
    """Set the layers that the checkpoint has, but for those that the job sets, and say which were others."""
    resolved = resolve(draft.tree, draft.registry)
    said = {override.origin for override in job.overrides}
    changed: dict[str, int] = {}
    for path, layers in read_depths(names, resolved.config).items():
        keys = tuple(path.split("."))
        place = tuple(int(key) if key.isdigit() else key for key in keys)
        if resolved.origin(*place) in said:
            continue
        before = draft.config()
        value = from_plain(layers, f"checkpoint {job.source.name}")
        draft = draft.override(Override(keys, value, f"{path}={layers}"))
        if draft.config() != before:
            changed[path] = layers
    return draft, changed


def _encoder_class(registry: Registry, config: Mapping[str, object]) -> type[OfficialEncoder]:
    name = config["encoder"]["name"]  # type: ignore[index]
    component = registry.find("encoder", name).component
    if not (isinstance(component, type) and hasattr(component, "read_official")):
        able = [
            known
            for known in registry.names("encoder")
            if hasattr(registry.find("encoder", known).component, "read_official")
        ]
        raise ConfigError(
            f"encoder {name!r}",
            found="one that official checkpoints do not hold",
            expected=f"one of {', '.join(able)}" if able else "one with read_official",
        )
    return component


def _record(
    job: ImportJob,
    recipe: Recipe,
    matched: Match,
    found: OfficialWeights,
    tensors: Mapping[str, Tensor],
    depths: Mapping[str, int],
) -> ImportRecord:
    with job.source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ImportRecord(
        tcmgc=__version__,
        source=job.source.name,
        source_sha256=digest,
        recipe=recipe.name,
        variant=recipe.variant,
        protocol=recipe.protocol,
        overrides=tuple(override.text for override in job.overrides),
        read=dict(depths),
        names=found.names,
        mapped=tuple(
            Mapped(
                official=official,
                ours=ours,
                dtype=str(tensors[official[0]].dtype).removeprefix("torch."),
                shape=tuple(tensors[official[0]].shape),
            )
            for ours, official in matched.sources.items()
        ),
        ignored=tuple(
            Ignored(official=name, reason=reason) for name, reason in sorted(matched.ignored.items())
        ),
        missing=matched.missing,
    )


def _write(out: Path, recipe: Recipe, model: EncodedModel, record: ImportRecord) -> None:
    """Write the folder beside its place and rename it: it is there whole or not at all."""
    with writing("output", out):
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=out.parent, prefix=".tcmgc-import-"))
        try:
            write_model(work / WEIGHTS, model)
            write_text(work / CONFIG, as_yaml(recipe) + "\n")
            write_json(work / IMPORT, record.model_dump(mode="json"))
            work.chmod(0o777 & ~_umask())
            if out.exists():
                out.rmdir()
            work.rename(out)
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
