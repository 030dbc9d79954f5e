"""The golden files, and the recipe and overrides that each is an instance of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

import tcmgc

FOLDER = Path(__file__).parent / "golden"
INPUTS = ("sentence", "words", "word_mask", "frames", "frame_mask", "pixels", "logit_scale")
NO_STAGE = "stages.video=[]"
HEADS = "stages.video.0.heads=4"
ALPHA = "losses.cdcr.alpha2=0.06"


@dataclass(frozen=True)
class Case:
    """One golden file."""

    recipe: str
    file: str
    overrides: tuple[str, ...] = ()
    variant: str | None = None
    parts: dict[str, str] = field(default_factory=dict)
    """Our granularity by the name of its golden tensor."""

    @property
    def tensors(self) -> dict[str, torch.Tensor]:
        return load_file(FOLDER / f"{self.file}.safetensors")

    @property
    def inputs(self) -> dict[str, torch.Tensor]:
        inputs = {name.removeprefix("in."): tensor for name, tensor in self.tensors.items()}
        return {name: inputs[name] for name in INPUTS if name in inputs}

    @property
    def similarity(self) -> torch.Tensor:
        tensors = self.tensors
        for name in ("out64.sim", "out64.sim_plain", "similarity"):
            if name in tensors:
                return tensors[name]
        raise KeyError(self.file)

    def expected_parts(self) -> dict[str, torch.Tensor]:
        tensors = self.tensors
        return {part: tensors[name] for name, part in self.parts.items()}

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write the files that `tcmgc score` takes: features and weights."""
        weights = {n.removeprefix("param."): t for n, t in self.tensors.items() if n.startswith("param.")}
        save_file(self.inputs, folder / "features.safetensors")
        save_file(weights, folder / "weights.safetensors")
        return folder / "features.safetensors", folder / "weights.safetensors"

    def load(self, folder: Path, dtype: torch.dtype = torch.float64) -> Any:
        """Return (model, text, video) through the Python API."""
        features_file, weights_file = self.write(folder)
        features = tcmgc.load_features(features_file, dtype=dtype)
        model = tcmgc.build(
            self.recipe, features.sizes, variant=self.variant, overrides=self.overrides, dtype=dtype
        )
        tcmgc.load_weights(model, weights_file)
        if features.logit_scale is not None:
            model.logit_scale.data.fill_(features.logit_scale).log_()
        return (model, *features.require(model.inputs, features_file))


TCMGC_PARTS = {
    n.replace("-", "_"): n for n in ("video-sentence", "video-word", "sentence-frame", "frame-word")
}
XCLIP_PARTS = {f"out64.mid.{name}_logits": part for name, part in TCMGC_PARTS.items()}
UCOFIA_PARTS = {
    "out64.video_sentence_logits": "video-sentence",
    "out64.sentence_frame_logits": "sentence-frame",
    "out64.pixel_word_score": "patch-word",
}


def keep(rate: float) -> str:
    return f"granularities.*.reorganizer.keep_rate={rate}"


SKNORM = Case(
    "ucofia",
    "ucofia_sknorm_t2v",
    (NO_STAGE,),
    "released-eval",
    {"out64.sim_1": "video-sentence", "out64.sim_2": "sentence-frame", "out64.sim_3": "patch-word"},
)
EXTREMES = [
    Case("tcmgc", "tcmgc_released_square", (NO_STAGE, keep(0.3)), parts=TCMGC_PARTS),
    Case("xclip", "xclip_seqTransf_full", (HEADS,), parts=XCLIP_PARTS),
    Case("xpool", "xpool_h4_full", ("views.video.heads=4",)),
    Case("clip4clip-tight", "clip4clip_tightTransf_full", ("scorer.heads=4",)),
    Case("drl-wti", "drl_wti2_seqTransf_cdcr3_full", (HEADS, ALPHA)),
    Case("ucofia", "ucofia_train_meanP_full", (NO_STAGE,), parts=UCOFIA_PARTS),
    SKNORM,
]
MORE = [
    Case("tcmgc", "tcmgc_released_f32", (NO_STAGE,), parts=TCMGC_PARTS),
    Case("tcmgc", "tcmgc_released_heads4", (NO_STAGE, keep(0.2), "views.video.heads=4"), parts=TCMGC_PARTS),
    Case("xclip", "xclip_meanP_full", (NO_STAGE,), parts=XCLIP_PARTS),
    Case("xclip", "xclip_meanP_ragged", (NO_STAGE,), parts=XCLIP_PARTS),
    Case("xpool", "xpool_h1_full"),
    Case("xpool", "xpool_h1_repeat"),
    Case("clip4clip-tight", "clip4clip_tightTransf_ragged", ("scorer.heads=4",)),
    *(
        Case(
            "drl-wti",
            f"drl_wti1_{kind}",
            (NO_STAGE, "losses.cdcr=null", "granularities.*.interaction.layers=1"),
        )
        for kind in ("full", "ragged")
    ),
    *(Case("drl-wti", f"drl_wti2_cdcr3_{kind}", (NO_STAGE, ALPHA)) for kind in ("full", "ragged")),
    *(
        Case(
            "drl-wti",
            f"drl_wti3_cdcr2_{kind}",
            (NO_STAGE, ALPHA, "losses.cdcr.weighted=false", "granularities.*.interaction.layers=3"),
        )
        for kind in ("full", "ragged")
    ),
    Case("ucofia", "ucofia_train_meanP_ragged", (NO_STAGE,), parts=UCOFIA_PARTS),
    Case("ucofia", "ucofia_train_seqTransf_ragged", (HEADS,), parts=UCOFIA_PARTS),
    *(Case("clip4clip-meanp", f"clip4clip_meanP_{kind}") for kind in ("full", "ragged")),
    Case("clip4clip-seqtransf", "clip4clip_seqTransf_ragged", (HEADS,)),
    Case("clip4clip-seqlstm", "clip4clip_seqLSTM_full"),
]
EVAL_ONLY = [
    Case("ucofia", f"ucofia_eval_t2v_meanP_{kind}", (NO_STAGE,), "released-eval", UCOFIA_PARTS)
    for kind in ("full", "ragged")
]
