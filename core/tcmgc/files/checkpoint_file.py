"""Checkpoints of other people's code: pickles that may hold tensors only, and safetensors."""

from __future__ import annotations

import re
import warnings
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from tcmgc.errors import DataError

from .disk import replacing, writing
from .file_start import BYTES, ZIP, starts_pickle
from .tensors import open_tensors, write_tensors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SAFETENSORS = ".safetensors"
UNDER = ("state_dict", "model_state_dict", "model")
"""Where training scripts put the weights, if not at the top."""
PARALLEL = "module."
"""What ``DistributedDataParallel`` puts before every name."""
EXPECTED = "a checkpoint: .bin, .pt or .pth, as torch.save writes them, or .safetensors"
FORMS = re.compile(r"\.(safetensors|pth|pt|bin(\.\d+)?)$")
"""Ends of names that `write_checkpoint` knows; CLIP4Clip counts epochs behind ``.bin``."""
NEEDS = re.compile(r"GLOBAL (\S+)")


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Read the weights of a checkpoint, on the CPU.

    A pickle is read with ``weights_only``: what it would run is refused. NumPy's numbers, that X-Pool keeps
    beside its weights, are allowed where PyTorch can be told so, which is since 2.6.

    Parameters
    ----------
    path
        ``torch.save``'s, of any suffix, or safetensors. Weights may stand under ``state_dict`` and bear the
        prefix ``module.``.

    Raises
    ------
    DataError
        When it cannot be read safely, is damaged, or there are no tensors by name in it.
    """
    if _is_pickle(path):
        _refuse_damage(path)
        found = _weights(_unpickled(path), path)
    else:
        with open_tensors(path, "checkpoint", EXPECTED) as file:
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    if found and all(name.startswith(PARALLEL) for name in found):
        found = {name.removeprefix(PARALLEL): tensor for name, tensor in found.items()}
    if not found:
        raise DataError(f"checkpoint {path}", found="no tensors", expected="weights by name")
    return found


def write_checkpoint(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write weights as official code reads them, at once or not at all.

    Parameters
    ----------
    path
        ``.safetensors``, ``.pth`` for a dictionary with ``state_dict``, as X-Pool has it, and ``torch.save``
        of the weights themselves under any other suffix; `refuse_form` knows the usual ones.
    tensors
        By name.
    """
    if path.suffix == SAFETENSORS:
        write_tensors(path, tensors, {"format": "pt"})
        return
    plain = {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}
    content = {UNDER[0]: plain} if path.suffix == ".pth" else plain
    with writing("checkpoint", path), replacing(path) as temporary, temporary.open("wb") as file:
        torch.save(content, file)  # by name, torch refuses files that begin with a dot


def refuse_form(path: Path) -> None:
    """Refuse an output whose name does not say in which form a checkpoint is to be written.

    Raises
    ------
    DataError
        When its suffix is none that official code, or safetensors, has.
    """
    if FORMS.search(path.name) is None:
        raise DataError(
            f"output {path}",
            found=f"the suffix {path.suffix!r}" if path.suffix else "a name without a suffix",
            expected="one of .bin, .pt, .pth, .safetensors",
        )


def _refuse_damage(path: Path) -> None:
    """Compare a zip's checksums, which PyTorch does not; its older form has none.

    Raises
    ------
    DataError
        When what the file says of itself is not so.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError):  # for torch.load to say
        return
    with archive:
        try:
            damaged = archive.testzip()
        except Exception as error:  # zipfile lets through what its decoders raise
            damaged = str(error)
    if damaged is not None:
        raise DataError(
            f"checkpoint {path}",
            found=f"damaged bytes: {damaged} is not what the file's checksum says",
            expected="a whole file",
            hint="copy or download it again",
        )


def _is_pickle(path: Path) -> bool:
    """Whether a file begins as ``torch.save``'s do; what cannot be opened is `open_tensors`' to refuse."""
    if not path.is_file():  # a pipe would be waited for
        return False
    try:
        with path.open("rb") as file:
            start = file.read(BYTES)
    except OSError:
        return False
    return starts_pickle(start) or start.startswith(ZIP)


def _unpickled(path: Path) -> Any:
    where = f"checkpoint {path}"
    try:
        with _numbers_of_numpy(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the error says it
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle raises many kinds
        said = str(error)
        if "TorchScript" in said:
            raise DataError(
                where, found="a TorchScript archive, which is a program", expected="a checkpoint of tensors"
            ) from None
        if "Unsupported" in said or "Weights only load failed" in said:
            needs = NEEDS.search(said)
            raise DataError(
                where,
                found="a pickle that may run code when it is loaded"
                + (f": it needs {needs[1].rstrip('.,')}" if needs else ""),
                expected="a checkpoint of nothing but tensors and plain values",
                hint="where you trust it: torch.load(PATH, weights_only=False), then save its state_dict",
            ) from None
        first = said.strip().partition("\n")[0]
        raise DataError(where, found=f"no readable checkpoint: {first}", expected=EXPECTED) from None


@contextmanager
def _numbers_of_numpy() -> Iterator[None]:
    """Let a pickle hold NumPy's plain numbers: making one runs no code of the pickle's."""
    if torch.__version__ < "2.6":  # a TorchVersion, which compares as versions do
        yield
        return
    import numpy as np

    kinds = [type(np.dtype(code)) for code in ("f2", "f4", "f8", "i4", "i8", "?")]
    scalar: Any = np.float64(0).__reduce__()[0]  # the function that a pickle names
    named: list[Any] = [(scalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")]
    with torch.serialization.safe_globals([*named, np.dtype, *kinds]):
        yield


def _weights(loaded: Any, path: Path) -> dict[str, Tensor]:
    """Find the tensors by name, at the top or one level below."""
    places = [loaded]
    if isinstance(loaded, dict):
        places = [loaded[key] for key in UNDER if isinstance(loaded.get(key), dict)] or places
    found = places[0]
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        keys = ", ".join(map(repr, list(found)[:4])) if isinstance(found, dict) else ""
        raise DataError(
            f"checkpoint {path}",
            found=f"no tensors by name, but a {type(found).__name__}" + (f" of {keys}" if keys else ""),
            expected=f"tensors by name, at the top or under {UNDER[0]!r}",
        )
    return {str(name): value for name, value in found.items()}
