"""Making a CLIP with open_clip, and the errors it may end in."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import open_clip
import torch
from torch import nn

from tcmgc.errors import ConfigError, DataError, nearest

from .open_clip_weights import CHECKPOINTS, find_weights, missing, quiet, said, wrong_weights

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIGS = Path(__file__).parent / "storyshapes_clip" / "configs"
HUB, FOLDER = "hf-hub:", "local-dir:"
BRINGS_WEIGHTS = (HUB, FOLDER)
"""How a name begins of a place that has a configuration and its weights."""
MODELS = (
    "a model of open_clip (open_clip.list_models()), a JSON file, hf-hub:ORGANISATION/NAME, local-dir:FOLDER"
)
"""What a user may name."""


def create_clip(model: str | Mapping[str, Any], pretrained: str | None) -> tuple[nn.Module, str]:
    """Make a model of open_clip, in float32 on the CPU.

    Parameters
    ----------
    model
        A name, a JSON file with a configuration, ``hf-hub:ORGANISATION/NAME`` or ``local-dir:FOLDER``; or
        a configuration itself.
    pretrained
        As in `find_weights`; None for initial weights, always the same ones, and for a model that brings its
        own.

    Returns
    -------
    tuple
        The model and its name.

    Raises
    ------
    ConfigError
        When the model or tag is unknown, or a file has the name of a model that open_clip has.
    DataError
        When the configuration makes no model, or the weights cannot be had, read or put in.
    """
    name = _known_name(model) if isinstance(model, str) else _added(model)
    own = name.startswith(BRINGS_WEIGHTS)
    if own and pretrained is not None:
        raise ConfigError(
            "encoder.pretrained",
            found=f"{pretrained!r} beside {name}, which brings its own weights",
            expected="null",
            hint="encoder.pretrained=null",
        )
    source = None if pretrained is None else find_weights(name, pretrained)
    needed = own or source is not None
    given = None if source is None else str(source)
    try:
        return _create(name, pretrained=given, require_pretrained=needed, weights_only=True), name
    except Exception as error:
        file = source if isinstance(source, Path) else None
        # Made without weights, it tells whether they are at fault. Of a tag of open_clip's, they are.
        tried = needed and (file is not None or name != model or name.startswith(FOLDER))
        bare = _without_weights(name) if tried else None
        if not needed or (tried and bare is None):
            raise DataError(
                f"encoder.model {model if isinstance(model, str) else name}",
                found=said(error),
                expected="a configuration of which open_clip makes a model with the packages installed",
                hint="open_clip.get_model_config('ViT-B-32') is one",
            ) from error
        if file is not None and bare is not None:
            raise wrong_weights(name, bare, pretrained, file, error) from error
        expected = (
            "a model that is on this machine or can be downloaded"
            if name.startswith(HUB)
            else "weights of this model in its folder"
            if own
            else "weights of this model: a tag that can be downloaded, or a local file"
        )
        raise DataError(
            f"encoder {name}, pretrained {pretrained}",
            found=said(error),
            expected=expected,
            hint=None if own else "encoder.pretrained=FILE takes a checkpoint on disk",
        ) from error


def image_size_in_config(model: str) -> int | None:
    """Say the side of the images that a model takes, from its configuration alone.

    Parameters
    ----------
    model
        As `create_clip` takes it.

    Returns
    -------
    int or None
        None where the configuration lies elsewhere, or tells of no square images.
    """
    name = _known_name(model)
    if name.startswith(BRINGS_WEIGHTS):
        return None
    size = (open_clip.get_model_config(name) or {}).get("vision_cfg", {}).get("image_size")
    return size if isinstance(size, int) else None


def create_tokenizer(name: str) -> Any:
    """Make the tokenizer of a model that `create_clip` made.

    Parameters
    ----------
    name
        The model's.

    Raises
    ------
    DataError
        When it cannot be had: many models have one of Hugging Face, which ``transformers`` reads.
    """
    try:
        return open_clip.get_tokenizer(name)
    except Exception as error:
        raise DataError(
            f"tokenizer of encoder {name}",
            found=said(error),
            expected="a tokenizer that is on this machine or can be downloaded",
            hint="pip install transformers" if isinstance(error, ImportError) else None,
        ) from error


@cache
def _names() -> frozenset[str]:
    """Return the names of open_clip's models and of those that ship, without those of users' files."""
    open_clip.add_model_config(CONFIGS)
    return frozenset(open_clip.list_models())


def _known_name(model: str) -> str:
    known = _names()
    path = Path(model)
    if model.startswith(FOLDER):
        _check_json(Path(model.removeprefix(FOLDER)) / "open_clip_config.json", "model_cfg")
        return model
    if model.startswith(HUB):
        return model
    if path.suffix == ".json":
        _check_json(path)
        if path.stem in known:
            # A configuration that is added stands for its name as long as the process lives.
            raise ConfigError(
                f"encoder.model {path}",
                found=f"the name of another model, {path.stem}",
                expected="a file with a name that open_clip does not have",
            )
        open_clip.add_model_config(path)
        return path.stem
    if model not in known and model not in open_clip.list_models():
        raise ConfigError(
            "encoder.model",
            found=f"unknown model {model!r}" + (f", and {missing(path)}" if os.sep in model else ""),
            expected=MODELS,
            hint=_meant(model) or nearest(model, known),
        )
    return model


def _added(config: Mapping[str, Any]) -> str:
    """Give a configuration to open_clip, under a name made of its content."""
    names = "embed_dim, vision_cfg, text_cfg"
    if not {*names.split(", ")} <= config.keys():
        raise ConfigError(
            "encoder.model", found=", ".join(config) or "nothing", expected=f"a configuration: {names}"
        )
    _names()
    text = json.dumps(config, sort_keys=True)
    name = f"configuration-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    if name not in open_clip.list_models():
        with tempfile.TemporaryDirectory() as folder:  # open_clip keeps what it has read
            (Path(folder) / f"{name}.json").write_text(text, encoding="utf-8")
            open_clip.add_model_config(Path(folder) / f"{name}.json")
    return name


def _meant(model: str) -> str | None:
    """Say, of what is no name of a model, where it belongs or how it is written."""
    if model.endswith(CHECKPOINTS):
        return f"weights go to encoder.pretrained={model}"
    if model and os.path.isdir(model):  # noqa: PTH112 (a name that no file can have is an error of pathlib)
        return f"encoder.model={FOLDER}{model} is a folder's"
    if os.path.isfile(f"{model}.json"):  # noqa: PTH113
        return f"encoder.model={model}.json is a file"
    return None


def _create(name: str, **how: Any) -> nn.Module:
    root = logging.getLogger()
    if how.get("pretrained") is None:  # where no weights are asked for, it is no news that they are random
        root.addFilter(_nothing)
    try:
        with torch.random.fork_rng(devices=[]), quiet():
            torch.default_generator.manual_seed(0)  # not torch.manual_seed, which reseeds GPUs too
            clip: nn.Module = open_clip.create_model(name, **how)
            return clip
    finally:
        root.removeFilter(_nothing)


def _without_weights(name: str) -> nn.Module | None:
    """Make a model with neither its folder's weights nor those of single towers; None where that fails."""
    in_folder = name.startswith(FOLDER)
    try:
        return _create(name, pretrained_hf=False, **({"load_weights": False} if in_folder else {}))
    except Exception:  # of any library
        return None


def _nothing(_: logging.LogRecord) -> bool:
    return False


def _check_json(path: Path, key: str | None = None) -> None:
    """Refuse a file that has no configuration, at the top or under a key."""
    names = "embed_dim, vision_cfg, text_cfg"
    expected = f"a configuration of open_clip: {names}" + ("" if key is None else f" under {key}")
    try:
        config: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        absent = isinstance(error, (FileNotFoundError, IsADirectoryError))
        found = missing(path) if absent else (error.strerror or str(error)).lower()
        raise DataError(f"encoder.model {path}", found=found, expected=MODELS) from None
    except ValueError as error:
        raise DataError(f"encoder.model {path}", found=f"no JSON: {error}", expected=expected) from None
    if key is not None and isinstance(config, dict):
        config = config.get(key)
    if not isinstance(config, dict) or not {*names.split(", ")} <= config.keys():
        raise DataError(f"encoder.model {path}", found="other keys", expected=expected)
