"""Weights that a user names: which tag or file is meant, and what is wrong with a file that is no use."""

from __future__ import annotations

import os
import re
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import open_clip
import torch

from tcmgc.errors import ConfigError, DataError, nearest
from tcmgc.files.file_start import PICKLES, ZIP
from tcmgc.files.tensors import open_tensors

from .storyshapes_clip.compact_weights import expanded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import nn

SHIPPED = {"storyshapes": Path(__file__).parent / "storyshapes_clip" / "weights.safetensors"}
SHIPPED_FOR = "StoryShapes-ViT"
CHECKPOINTS = (".safetensors", ".pt", ".pth", ".bin", ".npz", ".npy")
NUMPY = (b"PK\x03\x04", b"\x93NUMPY")


def find_weights(name: str, pretrained: str) -> str | Path:
    """Find what a user names.

    Parameters
    ----------
    name
        The model's.
    pretrained
        A tag of open_clip, a name of `SHIPPED`, or a local file.

    Returns
    -------
    str or Path
        A tag, or the absolute path of a file.

    Raises
    ------
    ConfigError
        When there is neither a tag nor a file of that name.
    DataError
        When a file is meant, and there is none.
    """
    if pretrained in SHIPPED:
        return expanded(SHIPPED[pretrained])
    tags = open_clip.list_pretrained_tags_by_model(name)
    if pretrained in tags:  # whatever lies beside the user under that name
        return pretrained
    path = Path(pretrained)
    known = [*tags, *(SHIPPED if name == SHIPPED_FOR else ())]
    a_tag = f"one of its tags ({', '.join(known)}), " if known else ""
    expected = f"{a_tag}a file ({', '.join(CHECKPOINTS)}), or null for initial weights"
    if os.path.isfile(path):  # noqa: PTH113 (a name that no file can have is an error of pathlib)
        return path.resolve()
    if pretrained and (path.suffix in CHECKPOINTS or os.path.exists(path)):  # noqa: PTH110
        raise DataError(f"encoder.pretrained {pretrained}", found=missing(path), expected=expected)
    raise ConfigError(
        "encoder.pretrained",
        found=f"{pretrained!r}, no tag of {name}" + (f", and {missing(path)}" if pretrained else ""),
        expected=expected,
        hint=nearest(pretrained, [*tags, *SHIPPED]),
    )


def missing(path: Path) -> str:
    """Say that there is no file, and the folder where it was looked for."""
    folder = path.absolute().parent
    if os.path.isdir(path):  # noqa: PTH112
        return f"a directory, {path.absolute()}"
    return f"no such file in {folder}" if os.path.isdir(folder) else f"no such folder, {folder}"  # noqa: PTH112


def said(error: Exception) -> str:
    """Say what an exception of a library says, in a line."""
    first, _, rest = str(error).strip().partition("\n")
    if first.endswith(":"):  # of a list, the first of its lines
        first = f"{first} {rest.strip().partition(chr(10))[0]}"
    return f"{type(error).__name__}: {first or 'no message'}"


@contextmanager
def quiet() -> Iterator[None]:
    """Leave unsaid what torch warns of before it refuses a file: the error says it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'torch.load' received a zip file that looks like a TorchScript")
        yield


def wrong_weights(
    name: str, model: nn.Module, pretrained: str | None, path: Path, error: Exception
) -> DataError:
    """Make the error of a file that cannot be put into a model, by looking at it once more.

    Parameters
    ----------
    name, model
        The model, with any weights.
    pretrained, path
        What the user named, and the file that it is.
    error
        What open_clip says of it.
    """
    where = f"encoder.pretrained {pretrained if pretrained in SHIPPED else path}"
    expected = f"weights of {name}: safetensors, or a PyTorch checkpoint of nothing but tensors"
    hint = None
    try:
        if path.suffix in (".npz", ".npy"):
            _check_start(path, NUMPY, "no NumPy file")
            found = said(error)
        else:
            own = {key: list(tensor.shape) for key, tensor in model.state_dict().items()}
            different = _difference(_shapes(path), own)
            found = f"tensors of another model: {different}" if different else said(error)
            hint = "encoder.model=NAME must be the model that was trained" if different else None
    except _Unreadable as unreadable:
        found, hint = unreadable.args
    return DataError(where, found=found, expected=expected, hint=hint)


class _Unreadable(Exception):  # noqa: N818  # never leaves this module
    """A file is no checkpoint: what it is, and a hint."""


def _shapes(path: Path) -> dict[str, list[int]]:
    """Return names and shapes of a checkpoint's tensors."""
    if path.suffix == ".safetensors":
        try:
            with open_tensors(path, "weights") as file:
                return {key: file.get_slice(key).get_shape() for key in file.keys()}  # noqa: SIM118 (no mapping)
        except DataError as error:
            raise _Unreadable(error.found, error.hint) from None
    _check_start(path, (ZIP, *PICKLES), "neither a PyTorch checkpoint nor safetensors")
    loaded = _unpickled(path)
    state = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else loaded
    are_tensors = isinstance(state, dict) and all(isinstance(one, torch.Tensor) for one in state.values())
    if not are_tensors or not state:
        of = f" of {', '.join(map(repr, list(state)[:4])) or 'nothing'}" if isinstance(state, dict) else ""
        raise _Unreadable(
            f"no tensors by name, but a {type(state).__name__}{of}",
            "they are looked for at the top, or under 'state_dict'",
        )
    return {str(key).removeprefix("module."): list(tensor.shape) for key, tensor in state.items()}


def _check_start(path: Path, starts: tuple[bytes, ...], otherwise: str) -> None:
    """Refuse a file that does not begin as its kind does."""
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise _Unreadable((error.strerror or str(error)).lower(), None) from None
    if not start:
        raise _Unreadable("an empty file", None)
    if not start.startswith(starts):
        is_safe = start[8:9] == b"{"
        raise _Unreadable(
            "safetensors, under another suffix" if is_safe else otherwise,
            f"name it {path.with_suffix('.safetensors').name}" if is_safe else None,
        )


def _unpickled(path: Path) -> Any:
    try:
        with quiet():
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle raises many kinds
        if "TorchScript" in str(error):
            raise _Unreadable(
                "a TorchScript archive, which is a program and not only tensors",
                "of OpenAI's archives, the tag openai has the tensors",
            ) from None
        if named := re.search(r"GLOBAL (\S+)", str(error)):
            raise _Unreadable(
                f"a pickle that needs {named[1]}, and so may run code when it is loaded",
                "load it where you trust it, and save its state_dict with safetensors.torch.save_file",
            ) from None
        raise _Unreadable(said(error), None) from None


def _difference(found: Mapping[str, list[int]], own: Mapping[str, list[int]]) -> str:
    """Count the tensors that differ, each kind with its first; empty where none does."""
    kinds = {
        "of other shapes": [
            f"{name} {shape} in place of {own[name]}"
            for name, shape in found.items()
            if own.get(name, shape) != shape
        ],
        "missing": [name for name in own if name not in found],
        "unknown": [name for name in found if name not in own],
    }
    return ", ".join(f"{len(names)} {kind} ({names[0]})" for kind, names in kinds.items() if names)
