"""Features of a frozen encoder, computed once and kept on disk."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tcmgc.data.cache_folder import cache_folder, warn_unkept
from tcmgc.errors import DataError
from tcmgc.files.disk import UnwritableError
from tcmgc.files.tensors import open_tensors, write_tensors
from tcmgc.source_hash import APART, source_sha256

from .encode import encode, refuse_other_frames
from .fabric import precision_of
from .feature_tensors import text_of, text_tensors, video_of, video_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lightning_fabric import Fabric
    from torch import Tensor

    from tcmgc.data.frames import SplitFrames
    from tcmgc.features import TextFeatures, VideoFeatures

    from .encoded_model import EncodedModel
    from .progress import ShowItems

FORMAT = 1
ENCODING = tuple(f"tcmgc.engine.{name}" for name in ("encode", "encoded_model", "feature_tensors"))
"""What encodes; of the head, which only says what it reads, nothing is part of what names features."""
TEXT, VIDEO = "text/", "video/"


def cached_features(
    fabric: Fabric, model: EncodedModel, data: SplitFrames, progress: ShowItems | None = None
) -> tuple[TextFeatures, VideoFeatures]:
    """Read the features of a split from the cache, or encode it and keep them.

    A file is named by a digest of all that features depend on: the captions and frames themselves, the
    encoder's weights, version, config and source, `ENCODING`'s source, what the recipe reads, precision, kind
    of device and PyTorch.
    Its content is checked against its own digest; a damaged file is made again. Where nothing can be
    kept, the features are used from memory.

    Parameters
    ----------
    fabric, model, data, progress
        As in `tcmgc.engine.encode.encode`; nothing is reported where the features are there.

    Returns
    -------
    tuple of TextFeatures and VideoFeatures
        In the order of the split, float32, on the CPU, mapped from the file.

    Warns
    -----
    CacheWarning
        When the cache cannot be written, or does not keep what is.
    """
    refuse_other_frames(model, data)
    path = cache_folder() / "features" / f"{_key(fabric, model, data)}.safetensors"
    tensors = _read(path)
    if tensors is None:
        text, video = encode(fabric, model, data, progress)
        made = {TEXT + name: tensor.cpu() for name, tensor in text_tensors(text).items()}
        made |= {VIDEO + name: tensor.cpu() for name, tensor in video_tensors(video).items()}
        tensors = _keep(path, made)
    return (
        text_of({n.removeprefix(TEXT): tensor for n, tensor in tensors.items() if n.startswith(TEXT)}),
        video_of({n.removeprefix(VIDEO): tensor for n, tensor in tensors.items() if n.startswith(VIDEO)}),
    )


def _keep(path: Path, made: dict[str, Tensor]) -> dict[str, Tensor]:
    """Write a file and read it; where that fails, warn and return what should be in it."""
    try:
        write_tensors(path, made, {"sha256": _digest(made)})
    except UnwritableError as error:
        warn_unkept("features", error.found or "cannot be written")
        return made
    tensors = _read(path)
    if tensors is None:
        warn_unkept("features", "gives other bytes than were written")
        return made
    return tensors


def _read(path: Path) -> dict[str, Tensor] | None:
    """Read a file whose content is what was written; None where there is none."""
    try:
        with open_tensors(path, "features") as file:
            expected = (file.metadata() or {}).get("sha256")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except DataError:
        return None
    return tensors if _digest(tensors) == expected else None


def _digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _key(fabric: Fabric, model: EncodedModel, data: SplitFrames) -> str:
    """SHA-256 of all that the features depend on."""
    encoder = model.encoder
    about: dict[str, Any] = {
        "format": FORMAT,
        "encoder": f"{type(encoder).__module__}:{type(encoder).__qualname__}",
        "source": source_sha256(type(encoder).__module__),
        "encoding": source_sha256(*ENCODING, apart=APART | {"tcmgc.builder"}),
        "config": model.head.recipe.config.get("encoder"),
        "weights": encoder.weights_sha256,
        "version": encoder.version,
        "sizes": [encoder.dim, encoder.words, encoder.patches, encoder.image_size],
        "inputs": sorted(model.head.inputs),
        "precision": precision_of(fabric),
        "device": fabric.device.type,
        "torch": torch.__version__,
        "data": _data_digest(data),
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def _data_digest(data: SplitFrames) -> str:
    """SHA-256 of the captions and frames, in their order."""
    digest = hashlib.sha256()
    for caption in data.split.captions:
        digest.update(json.dumps(caption.text).encode())
    digest.update(np.packbits(data.mask).tobytes())
    for frames in data.pixels:  # clip by clip: a mapped file is not read into memory as a whole
        digest.update(np.ascontiguousarray(frames).data)
    return digest.hexdigest()
