"""Where a training stands after an epoch, on disk: it goes on from there after an interruption."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from tcmgc.errors import DataError
from tcmgc.files.tensors import open_tensors, write_tensors

from .parameter_groups import trained_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from .encoded_model import EncodedModel
    from .history import History, Selection

FILE = "checkpoint.safetensors"
MODEL = "model."
OPTIMIZER = "optimizer."


@dataclass
class Standing:
    """All of a training that is no tensor.

    Parameters
    ----------
    about
        What the training is of; another one does not go on from here.
    epoch
        The last finished one; 0 before the first.
    history, selection
        So far.
    peak_memory_bytes
        So far; None where it is not known.
    """

    about: dict[str, Any]
    epoch: int
    history: History
    selection: Selection | None
    peak_memory_bytes: int | None = None


class Checkpoint:
    """The files of a training in a folder.

    ``checkpoint.safetensors`` has the weights that training changes, the optimizer's state, and
    everything else as JSON in the metadata: one file, renamed into place, cannot be half of one epoch
    and half of another. ``best-<epoch>.safetensors`` has the weights of the best epoch.

    Parameters
    ----------
    folder
        Made when it is needed.
    model, optimizer
        What is saved and restored.
    """

    def __init__(self, folder: Path, model: EncodedModel, optimizer: torch.optim.Optimizer) -> None:
        self._folder = folder
        self._model = model
        self._optimizer = optimizer

    def save(self, standing: Standing) -> None:
        """Write the state after an epoch; with the best weights first, where this epoch is the best."""
        weights = changing(self._model)
        selection = standing.selection
        if selection is not None and selection["epoch"] == standing.epoch:
            write_tensors(self._best(selection), weights, {})
        tensors, numbers = _split(self._optimizer.state_dict()["state"])
        told = {"standing": vars(standing), "optimizer": numbers}
        write_tensors(
            self._folder / FILE,
            {MODEL + name: tensor for name, tensor in weights.items()} | tensors,
            {"tcmgc": json.dumps(told)},
        )
        for other in self._folder.glob("best-*.safetensors"):
            if selection is None or other != self._best(selection):
                other.unlink()

    def restore(self, about: Mapping[str, Any]) -> Standing | None:
        """Put model and optimizer into the state after the last finished epoch.

        Returns
        -------
        Standing or None
            None where no epoch is finished.

        Raises
        ------
        DataError
            When the checkpoint is of another training, or damaged.
        """
        for torn in self._folder.glob(".tcmgc-*"):  # of a process that was killed while it wrote
            torn.unlink()
        path = self._folder / FILE
        if not path.exists():
            return None
        with open_tensors(path, "checkpoint") as file:
            try:
                told = json.loads(file.metadata()["tcmgc"])
                standing = Standing(**told["standing"])
            except (KeyError, TypeError, ValueError):
                raise DataError(f"checkpoint {path}", found="no state of a training") from None
            _refuse_another(path, standing.about, about)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        weights = {n.removeprefix(MODEL): tensor for n, tensor in tensors.items() if n.startswith(MODEL)}
        _copy(self._model, weights, path)
        state = _join(tensors, told["optimizer"])
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": state, "param_groups": groups})
        return standing

    def restore_best(self, selection: Selection) -> None:
        """Give the model the weights of the best epoch."""
        path = self._best(selection)
        with open_tensors(path, "weights") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        _copy(self._model, weights, path)

    def _best(self, selection: Selection) -> Path:
        return self._folder / f"best-{selection['epoch']}.safetensors"


def changing(model: EncodedModel) -> dict[str, Tensor]:
    """Name what training changes: trained parameters and buffers, as in the state dict."""
    fixed = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    fixed -= trained_parameters(model).keys()
    return {name: tensor for name, tensor in model.state_dict().items() if name not in fixed}


def _split(state: Mapping[int, Mapping[str, Any]]) -> tuple[dict[str, Tensor], dict[str, dict[str, Any]]]:
    """Separate an optimizer's state into tensors and what JSON can hold."""
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, dict[str, Any]] = {}
    for index, values in state.items():
        for key, value in values.items():
            if isinstance(value, torch.Tensor):
                tensors[f"{OPTIMIZER}{index}.{key}"] = value
            else:
                numbers.setdefault(str(index), {})[key] = value
    return tensors, numbers


def _join(
    tensors: Mapping[str, Tensor], numbers: Mapping[str, Mapping[str, Any]]
) -> dict[int, dict[str, Any]]:
    """Undo `_split`."""
    state: dict[int, dict[str, Any]] = {int(index): dict(values) for index, values in numbers.items()}
    for name, tensor in tensors.items():
        if name.startswith(OPTIMIZER):
            index, _, key = name.removeprefix(OPTIMIZER).partition(".")
            state.setdefault(int(index), {})[key] = tensor
    return state


@torch.no_grad()
def _copy(model: EncodedModel, weights: Mapping[str, Tensor], path: Path) -> None:
    own = changing(model)
    for name in own.keys() | weights.keys():
        shapes = [list(found[name].shape) if name in found else None for found in (weights, own)]
        if shapes[0] != shapes[1]:
            raise DataError(f"checkpoint {path}: {name}", found=f"{shapes[0]}", expected=f"{shapes[1]}")
    for name, tensor in weights.items():
        own[name].copy_(tensor)


def _refuse_another(path: Path, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    differing = [key for key in expected if found.get(key) != expected[key]]
    if differing:
        raise DataError(
            f"checkpoint {path}",
            found=", ".join(f"{key} {found.get(key)}" for key in differing),
            expected=", ".join(f"{key} {expected[key]}" for key in differing),
            hint="it is of another training: give this one another folder, or remove that one",
        )
