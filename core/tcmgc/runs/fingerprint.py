"""The fingerprint of a protocol: two numbers may stand in one table where it is the same."""

from __future__ import annotations

import hashlib
import json
import typing
from typing import TYPE_CHECKING, Any

from tcmgc.unnamed import Unnamed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tcmgc.data.clip import Split
    from tcmgc.registry import Registry
    from tcmgc.slots.dataset import Dataset
    from tcmgc.slots.encoder import Encoder
    from tcmgc.slots.reader import Reader
    from tcmgc.slots.sampler import Sampler

SCORING = "every pair, in tiles"


def fingerprint_fields(
    config: Mapping[str, Any],
    registry: Registry,
    *,
    dataset: Dataset,
    split: Split,
    reader: Reader,
    sampler: Sampler,
    encoder: Encoder,
    precision: str,
) -> dict[str, Any]:
    """Collect what a number depends on beside the method.

    No path of the machine is in it, so that two machines may have the same one.

    Parameters
    ----------
    config
        The resolved recipe, its protocol included.
    registry
        Where the components' parameters are looked up.
    dataset, split, reader, sampler, encoder
        What the config names; the split that is evaluated.
    precision
        As Fabric calls it.
    """
    training, normalizer = config["training"], config["normalizer"]
    version = f"weights {encoder.weights_sha256[:12]}, {encoder.version}"
    fields = {
        "dataset": display(registry, "dataset", config["dataset"]),
        "dataset_version": dataset.version,
        "split": split.name,
        "split_sha256": split_sha256(split),
        "clips_found": len(split.clips),
        "clips_expected": split.expected_clips,
        "captions": len(split.captions),
        "captions_expected": split.expected_captions,
        "caption_rule": split.caption_rule,
        "reader": f"{_told(config['reader'])}, {reader.version}",
        "sampler": _told(config["sampler"]),
        "frames": sampler.frames,
        "words": encoder.words,
        "image_size": encoder.image_size,
        "encoder": f"{_encoder(registry, config['encoder'])}, {version}",
        "precision": precision,
        "batch_size": None if training is None else training["batch_size"],
        "training": None if training is None else {k: v for k, v in training.items() if k != "batch_size"},
        "normalizer": None if normalizer is None else _told(normalizer),
        "scoring": SCORING,
    }
    as_read_back: dict[str, Any] = json.loads(json.dumps(fields))
    return as_read_back


def restricted_fields(fields: Mapping[str, Any], digests: Sequence[str], captions: int) -> dict[str, Any]:
    """Return the fields of an evaluation on some of the clips.

    The data set's version is left out: it tells which clips of all splits are there, and what is left of
    the split that is evaluated is told by its content.

    Parameters
    ----------
    fields
        Of the whole split.
    digests
        Of the clips that are left, by `clip_digests`.
    captions
        How many captions they have.
    """
    return {name: value for name, value in fields.items() if name != "dataset_version"} | {
        "split_sha256": content_sha256(fields["caption_rule"], digests),
        "clips_found": len(digests),
        "captions": captions,
        "restricted": True,
    }


def fingerprint(fields: Mapping[str, Any]) -> str:
    """SHA-256 of the fields."""
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def split_sha256(split: Split) -> str:
    """SHA-256 of a split's clips and captions, by id, group and text, and of the rule; of no path."""
    return content_sha256(split.caption_rule, clip_digests(split))


def clip_digests(split: Split) -> list[str]:
    """SHA-256 of each clip with its captions, by id, group and text, in the order of the clips."""
    captions: dict[str, list[tuple[str, str]]] = {clip.id: [] for clip in split.clips}
    for caption in split.captions:
        captions[caption.clip].append((caption.id, caption.text))
    content = ([clip.id, clip.start, clip.end, clip.group, captions[clip.id]] for clip in split.clips)
    return [hashlib.sha256(json.dumps(one).encode()).hexdigest() for one in content]


def content_sha256(caption_rule: str, digests: Sequence[str]) -> str:
    """SHA-256 of a rule and of some clips by `clip_digests`: a part of a split has one without its texts."""
    return hashlib.sha256(json.dumps([caption_rule, *digests]).encode()).hexdigest()


def display(registry: Registry, slot: str, config: Mapping[str, Any]) -> str:
    """Name a component for people: its name and what was chosen of several words, as a size."""
    return " ".join([config["name"], *map(str, _choices(registry, slot, config).values())])


def _told(config: Mapping[str, Any]) -> str:
    """Name a component with all its parameters."""
    return " ".join(
        str(value) if key == "name" else f"{key}={json.dumps(value)}" for key, value in config.items()
    )


def _encoder(registry: Registry, config: Mapping[str, Any]) -> str:
    # Numbers and choices; free text may be a path, and the hash of the weights stands for it.
    told = _choices(registry, "encoder", config)
    told |= {key: value for key, value in config.items() if isinstance(value, (bool, int, float))}
    return " ".join([config["name"], *(f"{key}={value}" for key, value in sorted(told.items()))])


def _choices(registry: Registry, slot: str, config: Mapping[str, Any]) -> dict[str, Any]:
    fields = registry.find(slot, config["name"]).schema.model.model_fields
    return {
        key: config[key]
        for key, info in fields.items()
        if typing.get_origin(info.annotation) is typing.Literal
        and config.get(key) is not None
        and not any(isinstance(mark, Unnamed) for mark in info.metadata)
    }
