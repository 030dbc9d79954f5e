"""Files of features: what `tcmgc score` reads.

===============  =============  =======================================================
tensor           shape          meaning
===============  =============  =======================================================
``sentence``     [T, D]         sentence embeddings, not normalised
``words``        [T, W, D]      every token position's state, not normalised
``word_mask``    [T, W]         1 for real tokens; all ones when absent
``frames``       [V, F, D]      frame embeddings, not normalised
``frame_mask``   [V, F]         1 for real frames; all ones when absent
``pixels``       [V, P, D]      patch embeddings, frame-major, P a multiple of F
``logit_scale``  scalar         the scale itself, not its logarithm
===============  =============  =======================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from tcmgc.builder import Sizes
from tcmgc.errors import DataError, nearest
from tcmgc.features import TextFeatures, Tokens, VideoFeatures

from .tensors import open_tensors

if TYPE_CHECKING:
    from torch import Tensor

AXES: dict[str, tuple[str, ...]] = {
    "sentence": ("T", "D"),
    "words": ("T", "W", "D"),
    "word_mask": ("T", "W"),
    "frames": ("V", "F", "D"),
    "frame_mask": ("V", "F"),
    "pixels": ("V", "P", "D"),
    "logit_scale": (),
}
TENSOR_OF = {"patches": "pixels"}
FLOATS = {"F64", "F32", "F16", "BF16"}
MASKS = {"BOOL", "U8", "I8", "I16", "I32", "I64", *FLOATS}


@dataclass(frozen=True)
class Features:
    """The content of a file of features.

    Parameters
    ----------
    text, video
        Features of the two sides; None where the file has none of that side.
    logit_scale
        The scale, or None.
    sizes
        D, W, F, P; a size that no tensor of the file fixes is 1 (P: 0).
    unused
        Names of tensors that mean nothing here.
    """

    text: TextFeatures | None
    video: VideoFeatures | None
    logit_scale: float | None
    sizes: Sizes
    unused: tuple[str, ...]

    def require(self, inputs: frozenset[str], path: Path) -> tuple[TextFeatures, VideoFeatures]:
        """Return both sides.

        Raises
        ------
        DataError
            When a tensor among ``inputs`` is absent.
        """
        present = {
            "sentence": self.text is not None and self.text.sentence is not None,
            "words": self.text is not None and self.text.words is not None,
            "frames": self.video is not None,
            "patches": self.video is not None and "patches" in self.video.extra,
        }
        for name in sorted(inputs):
            if not present[name]:
                tensor = TENSOR_OF.get(name, name)
                raise DataError(
                    f"features {path}",
                    found=f"no tensor {tensor!r}, which the recipe reads",
                    expected=f"{tensor} [{', '.join(AXES[tensor])}]",
                    hint=nearest(tensor, self.unused),
                )
        if self.text is None or self.video is None:
            raise DataError(f"features {path}", found="one side only", expected="texts and videos")
        return self.text, self.video


def load_features(path: str | Path, *, dtype: torch.dtype = torch.float32, device: str = "cpu") -> Features:
    """Read and check a file of features.

    Parameters
    ----------
    path
        A safetensors file with tensors of the table above; each may be absent.
    dtype
        What floating-point tensors are converted to.
    device
        Where they go.

    Raises
    ------
    DataError
        When the file cannot be read, a tensor has a wrong rank, type or size, or an entry is not
        finite. Items without a real position are the recipe's to refuse or to score.
    """
    path = Path(path)
    tensors: dict[str, Tensor] = {}
    with open_tensors(path, "features") as file:
        sizes = _check_headers(file, path)
        names = list(file.keys())
        for name in names:
            if name in AXES:
                tensors[name] = file.get_tensor(name)
    for name, tensor in tensors.items():
        if name.endswith("_mask"):
            tensors[name] = _mask(tensor, f"features {path}: {name}")
        else:
            tensors[name] = tensor.to(dtype)
            _refuse_non_finite(tensors[name], f"features {path}: {name}", AXES[name])
    scale = tensors.pop("logit_scale", None)
    if scale is not None and scale.item() <= 0:
        raise DataError(
            f"features {path}: logit_scale",
            found=str(scale.item()),
            expected="a number > 0: the scale itself, not its logarithm",
        )
    tensors = {name: tensor.to(device) for name, tensor in tensors.items()}
    return Features(
        text=_text(tensors),
        video=_video(tensors, path),
        logit_scale=None if scale is None else scale.item(),
        sizes=Sizes(sizes.get("D", 1), sizes.get("W", 1), sizes.get("F", 1), sizes.get("P", 0)),
        unused=tuple(name for name in names if name not in AXES),
    )


def _check_headers(file: Any, path: Path) -> dict[str, int]:
    """Check ranks, types and sizes before anything is read; return the sizes by axis."""
    sizes: dict[str, int] = {}
    from_tensor: dict[str, str] = {}
    for name in sorted(file.keys()):
        if name not in AXES:
            continue
        axes, header = AXES[name], file.get_slice(name)
        shape, kind = list(header.get_shape()), header.get_dtype()
        where = f"features {path}: {name}"
        allowed = MASKS if name.endswith("_mask") else FLOATS
        if kind not in allowed:
            raise DataError(where, found=f"type {kind}", expected=f"one of {', '.join(sorted(allowed))}")
        if len(shape) != len(axes) and not (not axes and shape == [1]):
            raise DataError(where, found=f"shape {shape}", expected=f"[{', '.join(axes)}]")
        for axis, size in zip(axes, shape, strict=False):
            if size == 0:
                raise DataError(where, found=f"shape {shape}", expected=f"{axis} at least 1")
            if sizes.setdefault(axis, size) != size:
                raise DataError(
                    where,
                    found=f"{axis} = {size} in shape {shape}",
                    expected=f"{axis} = {sizes[axis]}, as in {from_tensor[axis]}",
                )
            from_tensor.setdefault(axis, name)
    return sizes


def _refuse_non_finite(tensor: Tensor, where: str, axes: tuple[str, ...]) -> None:
    if torch.isfinite(tensor).all():
        return
    index = torch.nonzero(~torch.isfinite(tensor))[0].tolist()
    place = ", ".join(f"{axis} {i}" for axis, i in zip(axes, index, strict=True))
    raise DataError(
        where, found=f"{tensor[tuple(index)].item()} at {place or 'the scalar'}", expected="finite numbers"
    )


def _mask(tensor: Tensor, where: str) -> Tensor:
    odd = torch.nonzero((tensor != 0) & (tensor != 1))
    if len(odd):
        row, column = odd[0].tolist()
        raise DataError(where, found=f"{tensor[row, column].item()} at [{row}, {column}]", expected="0 or 1")
    return tensor.bool()


def _text(tensors: dict[str, Tensor]) -> TextFeatures | None:
    words = tensors.get("words")
    if words is None and "sentence" not in tensors:
        return None
    if words is None:
        return TextFeatures(sentence=tensors["sentence"])
    tokens = Tokens(words, tensors["word_mask"]) if "word_mask" in tensors else Tokens.full(words)
    return TextFeatures(sentence=tensors.get("sentence"), words=tokens)


def _video(tensors: dict[str, Tensor], path: Path) -> VideoFeatures | None:
    if "frames" not in tensors:
        return None
    frames = tensors["frames"]
    tokens = Tokens(frames, tensors["frame_mask"]) if "frame_mask" in tensors else Tokens.full(frames)
    if "pixels" not in tensors:
        return VideoFeatures(tokens)
    patches = tensors["pixels"]
    a_frame, left = divmod(patches.shape[1], frames.shape[1])
    if left:
        raise DataError(
            f"features {path}: pixels",
            found=f"P = {patches.shape[1]} patches of F = {frames.shape[1]} frames",
            expected="as many patches of every frame",
        )
    mask = tokens.mask.repeat_interleave(a_frame, dim=1)
    return VideoFeatures(tokens, extra={"patches": Tokens(patches, mask)})
