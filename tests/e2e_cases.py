"""The official checkpoints of shared/e2e, and what the official code made of them: see shared/e2e.md.

The captions and one of the videos are MSR-VTT's, so nothing of it is in this repository. It is looked for in
``../shared``, or where the environment variable TCMGC_SHARED says.
"""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import tcmgc
from tcmgc.data.preprocess import square

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from tcmgc.experiments.trained import TrainedModel
    from tcmgc.runs.import_record import ImportRecord

SHARED = Path(os.environ.get("TCMGC_SHARED", Path(__file__).parents[2] / "shared"))
E2E = SHARED / "e2e"
MISSING = f"no {E2E}: MSR-VTT's captions are not in this repository; TCMGC_SHARED=DIR names another place"
FRAMES, SIDE = 12, 64
VIDEOS = (
    "video_0_video7500",
    "video_1_torchcodec_nasa_13013",
    "video_2_phpffmpeg_portrait",
    "video_3_mmaction2_demo",
)
NATIVE = ("preproc_native_0", "preproc_native_1")


@dataclass(frozen=True)
class E2ECase:
    """One checkpoint and the recipe that it is of; ``suffix`` is that of its file."""

    file: str
    recipe: str
    overrides: tuple[str, ...] = ()
    suffix: str = ".state.safetensors"
    tolerance: float = 1e-4
    frames_tolerance: float = 2e-6

    @property
    def outputs(self) -> dict[str, Tensor]:
        """What the official code made of it."""
        return load(f"{self.file}.out")

    def official(self) -> dict[str, Tensor]:
        """The checkpoint's tensors by official name."""
        if self.suffix.endswith(".gz"):
            with gzip.open(E2E / f"{self.file}{self.suffix}") as file:
                loaded: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
                return loaded
        path = E2E / f"{self.file}{self.suffix}"
        tensors = load_file(path)
        with safe_open(path, "pt") as opened:
            vocabulary = int(opened.metadata()["vocab_size"])
        for name in [name for name in tensors if name.endswith(".rows")]:
            rows, values = tensors.pop(name), tensors.pop(f"{name.removesuffix('rows')}values")
            dense = torch.zeros(vocabulary, values.shape[1])
            dense[rows] = values
            tensors[name.removesuffix(".rows")] = dense
        return tensors

    def write(self, folder: Path) -> Path:
        """Write the checkpoint as the official code saves it; the .bin files as they are, unpacked."""
        if self.suffix.endswith(".gz"):
            path = folder / f"{self.file}.bin"
            path.write_bytes(gzip.decompress((E2E / f"{self.file}{self.suffix}").read_bytes()))
            return path
        if self.recipe == "xpool":  # a dictionary with more in it
            path = folder / f"{self.file}.pth"
            torch.save({"epoch": 3, "state_dict": self.official(), "optimizer": {"step": 1}}, path)
            return path
        path = folder / f"{self.file}.safetensors"
        save_file(self.official(), path)
        return path

    def imported(self, folder: Path) -> tuple[ImportRecord, TrainedModel]:
        """Import it, and load it from its folder."""
        out = folder / f"{self.file}{len(self.suffix)}"
        overrides = list(self.overrides)
        record = tcmgc.import_checkpoint(self.write(folder), self.recipe, out, overrides=overrides)
        return record, tcmgc.load(out, device="cpu")


CASES = (
    E2ECase("clip4clip_meanP", "clip4clip-meanp", frames_tolerance=5e-5),
    E2ECase("clip4clip_seqTransf", "clip4clip-seqtransf"),
    E2ECase("clip4clip_seqTransf", "clip4clip-seqtransf", suffix=".pytorch_model.bin.gz"),
    E2ECase("clip4clip_seqTransf_mixed_fp16", "clip4clip-seqtransf", suffix=".pytorch_model.bin.gz"),
    E2ECase("xclip_seqTransf", "xclip"),
    E2ECase("xclip_seqTransf_h2", "xclip"),
    E2ECase("drl_wti2_seqTransf_cdcr3", "drl-wti", ("losses.cdcr.alpha2=0.06",), tolerance=3e-6),
    E2ECase("xpool", "xpool", tolerance=3e-6, frames_tolerance=5e-6),
    E2ECase("xpool_hf", "xpool", tolerance=3e-6, frames_tolerance=5e-6),
)
PIXELS = 1e-6
SENTENCE, WORDS, FEATURES, LOGITS, WEIGHTS, LOSS = 5e-6, 5e-6, 5e-5, 3e-4, 2e-5, 5e-5


def name_of(case: E2ECase) -> str:
    return f"{case.file}-{case.suffix.removeprefix('.').partition('.')[0]}"


def load(name: str) -> dict[str, Tensor]:
    """Read a file of shared/e2e."""
    return load_file(E2E / f"{name}.safetensors")


def captions() -> list[str]:
    """The five captions."""
    found = json.loads((E2E / "index.json").read_text(encoding="utf-8"))["captions"]
    return [caption["sentence"] for caption in found]


def frames() -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The videos' frames after our preprocessing, uint8 [4, F, S, S, 3], and their mask [4, F]."""
    pixels = np.zeros((len(VIDEOS), FRAMES, SIDE, SIDE, 3), np.uint8)
    mask = np.zeros((len(VIDEOS), FRAMES), np.bool_)
    for row, name in enumerate(VIDEOS):
        raw = load(name)["raw"].numpy()
        mask[row, : len(raw)] = True
        for place, frame in enumerate(raw):
            pixels[row, place] = square(frame, SIDE)
    return pixels, mask
