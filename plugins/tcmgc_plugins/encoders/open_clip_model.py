"""Making a CLIP with open_clip, and the errors it may end in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import open_clip
import torch
from torch import nn

from tcmgc.errors import ConfigError, DataError, nearest

from .storyshapes_clip.compact_weights import expanded

CONFIGS = Path(__file__).parent / "storyshapes_clip" / "configs"
SHIPPED = {"storyshapes": Path(__file__).parent / "storyshapes_clip" / "weights.safetensors"}
CHECKPOINTS = (".safetensors", ".pt", ".pth", ".bin", ".npz", ".npy")


def create_clip(model: str, pretrained: str | None) -> tuple[nn.Module, str]:
    """Make a model of open_clip, in float32 on the CPU.

    Parameters
    ----------
    model
        A name, or a JSON file with a configuration.
    pretrained
        A tag, a local file, a name of `SHIPPED`, or None for initial weights, always the same ones.

    Returns
    -------
    tuple
        The model and its name.

    Raises
    ------
    ConfigError
        When the model or tag is unknown.
    DataError
        When the weights cannot be had, read or put in.
    """
    name = _known_name(model)
    source = _source(name, pretrained)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)  # not torch.manual_seed, which reseeds GPUs too
            clip: nn.Module = open_clip.create_model(
                name, pretrained=source, require_pretrained=source is not None, weights_only=True
            )
    except Exception as error:
        said = str(error).strip().partition("\n")[0] or "no message"
        raise DataError(
            f"encoder {name}, pretrained {pretrained}",
            found=f"{type(error).__name__}: {said}",
            expected="weights of this model: a tag that can be downloaded, or a local file",
            hint="encoder.pretrained=FILE takes a checkpoint on disk",
        ) from error
    return clip, name


def _known_name(model: str) -> str:
    open_clip.add_model_config(CONFIGS)
    path = Path(model)
    if path.suffix == ".json":
        _check_json(path)
        open_clip.add_model_config(path)
        return path.stem
    known = open_clip.list_models()
    if model not in known:
        raise ConfigError(
            "encoder.model",
            found=f"unknown model {model!r}",
            expected="a model of open_clip (open_clip.list_models()), or a JSON file",
            hint=nearest(model, known),
        )
    return model


def _check_json(path: Path) -> None:
    expected = "a configuration of open_clip: embed_dim, vision_cfg, text_cfg"
    try:
        config: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"encoder.model {path}", found=str(error), expected=expected) from None
    keys = {"embed_dim", "vision_cfg", "text_cfg"}
    if not isinstance(config, dict) or not keys <= config.keys():
        raise DataError(f"encoder.model {path}", found="other keys", expected=expected)


def _source(name: str, pretrained: str | None) -> str | None:
    if pretrained is None:
        return None
    if pretrained in SHIPPED:
        return str(expanded(SHIPPED[pretrained]))
    path = Path(pretrained)
    if path.suffix in CHECKPOINTS or path.exists():
        if not path.is_file():
            found = "a directory" if path.is_dir() else "no such file"
            raise DataError(f"encoder.pretrained {pretrained}", found=found, expected="a checkpoint")
        return str(path.resolve())
    tags = open_clip.list_pretrained_tags_by_model(name)
    if pretrained not in tags:
        known = [*tags, *SHIPPED]
        raise ConfigError(
            "encoder.pretrained",
            found=f"unknown tag {pretrained!r} of {name}",
            expected=f"one of {', '.join(tags)}, or a file" if tags else "a file: this model has no tags",
            hint=nearest(pretrained, known),
        )
    return pretrained
