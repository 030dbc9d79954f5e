"""The golden files of the methods, and the recipe and overrides that each is an instance of."""

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


def tensors_of(file: str) -> dict[str, torch.Tensor]:
    """Everything in a file."""
    return load_file(FOLDER / f"{file}.safetensors")


def official(file: str, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """The official results of a pass in float64 or float32, by name."""
    prefix = "out64." if dtype == torch.float64 else "out."
    return {n.removeprefix(prefix): t for n, t in tensors_of(file).items() if n.startswith(prefix)}


@dataclass(frozen=True)
class Case:
    """One golden file."""

    recipe: str
    file: str
    overrides: tuple[str, ...] = ()
    variant: str | None = None
    parts: dict[str, str] = field(default_factory=dict)
    """Our granularity by the name of its golden tensor."""
    family: str = ""
    """Whose intermediate results the file has; see `golden_reproduce`."""
    total: str = "sim"
    """The golden name of the score that ranks."""
    training: bool = True
    """Whether the file has losses and gradients."""

    @property
    def tensors(self) -> dict[str, torch.Tensor]:
        return tensors_of(self.file)

    @property
    def inputs(self) -> dict[str, torch.Tensor]:
        inputs = {name.removeprefix("in."): tensor for name, tensor in self.tensors.items()}
        return {name: inputs[name] for name in INPUTS if name in inputs}

    @property
    def _plain(self) -> bool:
        """TC-MGC's files have results without a prefix, of one pass."""
        return self.recipe == "tcmgc"

    @property
    def gradient(self) -> str:
        """Under which name the gradient of an input stands, without its side."""
        return "grad_" if self._plain else "train.grad."

    @property
    def parameter_gradient(self) -> str:
        """Under which name the gradient of a parameter stands, without its own."""
        return "grad." if self._plain else "train.grad.param."

    def expected(self, dtype: torch.dtype = torch.float64) -> dict[str, torch.Tensor]:
        """The official results of a pass in float64 or float32, by name."""
        if self._plain:
            return {n: t for n, t in self.tensors.items() if n not in INPUTS and not n.startswith("param.")}
        results = official(self.file, dtype)
        if self.family == "baseline":  # one file, three cases
            return {n: t for n, t in results.items() if n.startswith(self.total.removesuffix("sim"))}
        return results

    @property
    def similarity(self) -> torch.Tensor:
        return self.expected()[self.total]

    def expected_parts(self) -> dict[str, torch.Tensor]:
        expected = self.expected()
        return {part: expected[name] for name, part in self.parts.items()}

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
XCLIP_PARTS = {f"mid.{name}_logits": part for name, part in TCMGC_PARTS.items()}
UCOFIA_PARTS = {
    "video_sentence_logits": "video-sentence",
    "sentence_frame_logits": "sentence-frame",
    "pixel_word_score": "patch-word",
}
BOTH = ("full", "ragged")


def keep(rate: float) -> str:
    return f"granularities.*.reorganizer.keep_rate={rate}"


def tcmgc_case(kind: str, *overrides: str, training: bool = True) -> Case:
    return Case(
        "tcmgc",
        f"tcmgc_released_{kind}",
        (NO_STAGE, *overrides),
        parts=TCMGC_PARTS,
        total="similarity",
        training=training,
    )


def xclip(recipe: str, kind: str, *overrides: str) -> Case:
    return Case(recipe, f"xclip_{kind}", overrides, parts=XCLIP_PARTS, family="aosm")


def ucofia(kind: str, *overrides: str) -> Case:
    return Case("ucofia", f"ucofia_train_{kind}", overrides, parts=UCOFIA_PARTS, family="isa")


def drl(kind: str, family: str, *overrides: str, recipe: str = "drl-wti") -> Case:
    return Case(recipe, f"drl_{kind}", overrides, family=family)


def xpool_baseline(variant: str) -> Case:
    total = f"{variant.replace('-', '')}.sim"
    return Case("xpool", "xpool_baselines", (), variant, family="baseline", total=total, training=False)


NO_CDCR = "losses.cdcr=null"
CROSS = ("scorer.heads=4", "scorer.dropout=0")
"""The files were made with a dropout of 0."""
ALPHA1 = "losses.cdcr.alpha1=0.11"

SKNORM = Case(
    "ucofia",
    "ucofia_sknorm_t2v",
    (NO_STAGE,),
    "released-eval",
    {"sim_1": "video-sentence", "sim_2": "sentence-frame", "sim_3": "patch-word"},
    total="sim_plain",
    training=False,
)
EXTREMES = [
    tcmgc_case("square", keep(0.3)),
    xclip("xclip", "seqTransf_full", HEADS),
    Case("xpool", "xpool_h4_full", ("views.video.heads=4",), family="xpool"),
    Case("clip4clip-tight", "clip4clip_tightTransf_full", CROSS, family="tight"),
    drl("wti2_seqTransf_cdcr3_full", "wti", HEADS, ALPHA),
    ucofia("meanP_full", NO_STAGE),
    SKNORM,
]
"""One of every structure."""

MORE = [
    tcmgc_case("f32"),
    tcmgc_case("heads4", keep(0.2), "views.video.heads=4", training=False),
    *(xclip("xclip-meanp", f"meanP_{kind}") for kind in BOTH),
    *(Case("xpool", f"xpool_h1_{kind}", family="xpool") for kind in ("full", "repeat")),
    *(Case("clip4clip-meanp", f"clip4clip_meanP_{kind}", family="clip4clip") for kind in BOTH),
    Case("clip4clip-seqtransf", "clip4clip_seqTransf_ragged", (HEADS,), family="clip4clip"),
    Case("clip4clip-seqlstm", "clip4clip_seqLSTM_full", family="clip4clip"),
    Case("clip4clip-tight", "clip4clip_tightTransf_ragged", CROSS, family="tight"),
    *(drl(f"dp_{kind}", "dp", NO_STAGE, NO_CDCR, recipe="drl-dp") for kind in BOTH),
    *(drl(f"dp_cdcr1_{kind}", "dp", NO_STAGE, ALPHA1, ALPHA, recipe="drl-dp") for kind in BOTH),
    *(drl(f"ti_{kind}", "ti", NO_STAGE, NO_CDCR, recipe="drl-ti") for kind in BOTH),
    drl("ti_cdcr2_ragged", "ti", NO_STAGE, ALPHA1, ALPHA, recipe="drl-ti"),
    *(drl(f"wti1_{kind}", "wti", NO_STAGE, NO_CDCR, "granularities.*.interaction.layers=1") for kind in BOTH),
    *(drl(f"wti2_cdcr1_{kind}", "wti", NO_STAGE, ALPHA, "losses.cdcr.matches=random") for kind in BOTH),
    *(drl(f"wti2_cdcr3_{kind}", "wti", NO_STAGE, ALPHA) for kind in BOTH),
    *(
        drl(
            f"wti3_cdcr2_{kind}",
            "wti",
            *(NO_STAGE, ALPHA, "losses.cdcr.matches=best", "granularities.*.interaction.layers=3"),
        )
        for kind in BOTH
    ),
    *(drl(f"xti_{kind}", "xti", NO_STAGE, *CROSS, recipe="drl-xti") for kind in BOTH),
    ucofia("meanP_ragged", NO_STAGE),
    ucofia("seqTransf_ragged", HEADS),
]
BASELINES = [xpool_baseline(name) for name in ("avg", "top-k", "attention")]
EVAL_ONLY = [
    Case(
        "ucofia",
        f"ucofia_eval_t2v_meanP_{kind}",
        (NO_STAGE,),
        "released-eval",
        UCOFIA_PARTS,
        family="isa",
        total="",
        training=False,
    )
    for kind in BOTH
]
REPRODUCED = [case for case in [*EXTREMES, *MORE, *BASELINES, *EVAL_ONLY] if case is not SKNORM]
"""The files of recipes' scores."""

ELSEWHERE = {
    "bertadam": "tests/plugins/test_optimizers.py",
    "metrics": "tests/plugins/test_metrics.py",
    "frame_sampling": "tests/plugins/test_samplers.py",
    "tokens": "tests/plugins/test_captions.py",
}
"""Which test holds us to the files that are not of models."""
