"""Official checkpoints to models' folders: what is mapped, what is refused."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import tcmgc
from official_checkpoints import Geometry, clip_state, mixed, official_state
from tcmgc import ConfigError, DataError
from tcmgc.app import current_registry
from tcmgc.runs.model_folder import read_model_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

RECIPES = sorted(set(current_registry().recipe_files) - {"clip-zero-shot"})
"""All that ship, and have official code."""
MEANP = "clip4clip-meanp"


def save(path: Path, state: dict[str, Tensor]) -> Path:
    save_file(state, path) if path.suffix == ".safetensors" else torch.save(state, path)
    return path


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_weight_of_every_recipe_is_found(recipe: str, tmp_path: Path) -> None:
    state = official_state(recipe)
    record = tcmgc.import_checkpoint(save(tmp_path / "theirs.bin", state), recipe, tmp_path / "ours")
    assert record.missing == ()
    assert record.ignored == ()
    assert {name for one in record.mapped for name in one.official} == state.keys()
    weights = load_file(tmp_path / "ours" / "model.safetensors")
    assert {one.ours for one in record.mapped} == weights.keys()
    for one in record.mapped:
        assert torch.equal(weights[one.ours], state[one.official[0]].to(weights[one.ours].dtype)), one.ours
    assert weights["head.logit_scale"] == weights["encoder.clip.logit_scale"] == state["clip.logit_scale"]
    assert json.loads((tmp_path / "ours" / "import.json").read_text()) == record.model_dump(mode="json")
    assert read_model_folder(tmp_path / "ours").imported == record


def pth_of_xpool(state: dict[str, Tensor]) -> dict[str, Any]:
    """What X-Pool saves: NumPy's number is the best metric so far."""
    return {"arch": "CLIPTransformer", "epoch": 3, "state_dict": state, "monitor_best": np.float64(46.9)}


@pytest.mark.parametrize(
    "content",
    [
        lambda state: state,
        lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
        lambda state: {"state_dict": state, "epoch": 3, "optimizer": {"state": {0: {"step": 5}}}},
        pytest.param(
            pth_of_xpool, marks=pytest.mark.skipif(torch.__version__ < "2.6", reason="needs PyTorch 2.6")
        ),
    ],
)
def test_where_weights_stand_in_a_pickle(content: Callable[[Any], Any], tmp_path: Path) -> None:
    state = clip_state()
    torch.save(content(state), tmp_path / "theirs.pth")
    tcmgc.import_checkpoint(tmp_path / "theirs.pth", MEANP, tmp_path / "ours")
    weights = load_file(tmp_path / "ours" / "model.safetensors")
    assert all(torch.equal(weights[f"encoder.{name}"], tensor) for name, tensor in state.items())


@pytest.mark.parametrize(
    "geometry",
    [
        Geometry(),
        Geometry(embed=128, width=128, layers=1, patch=8, side=32, text_width=192, text_layers=3, context=40),
    ],
)
def test_the_geometry_is_read_off_the_shapes(geometry: Geometry, tmp_path: Path) -> None:
    path = save(tmp_path / "theirs.safetensors", clip_state(geometry))
    tcmgc.import_checkpoint(path, MEANP, tmp_path / "ours")
    model = tcmgc.load(tmp_path / "ours", device="cpu")
    encoder: Any = model.model.encoder
    assert (encoder.dim, encoder.image_size, encoder.words) == (geometry.embed, geometry.side, 32)
    visual, text = encoder.clip.visual, encoder.clip.transformer
    assert visual.grid_size == (geometry.side // geometry.patch,) * 2
    assert len(visual.transformer.resblocks) == geometry.layers
    assert len(text.resblocks) == geometry.text_layers
    assert visual.transformer.resblocks[0].attn.num_heads == geometry.width // 64
    assert text.resblocks[0].attn.num_heads == geometry.text_width // 64
    assert type(text.resblocks[0].mlp.gelu).__name__ == "QuickGELU"
    assert encoder.text_tower.positions == geometry.context


@pytest.mark.parametrize(
    ("recipe", "place"),
    [
        ("clip4clip-seqtransf", "stages.video.0.layers"),
        ("xclip", "stages.video.0.layers"),
        ("drl-wti", "stages.video.0.layers"),
        ("clip4clip-tight", "scorer.layers"),
    ],
)
@pytest.mark.parametrize("layers", [1, 4, 6])
def test_the_depth_behind_the_encoder_is_read_off_the_names(
    recipe: str, place: str, layers: int, tmp_path: Path
) -> None:
    path = save(tmp_path / "theirs.bin", official_state(recipe, overrides=[f"{place}={layers}"]))
    record = tcmgc.import_checkpoint(path, recipe, tmp_path / "ours")
    assert (record.missing, record.ignored) == ((), ())
    assert record.read == ({} if layers == 4 else {place: layers})
    assert read_model_folder(tmp_path / "ours").imported == record
    head: Any = tcmgc.load(tmp_path / "ours", device="cpu").model.head
    module = head.scorer if place.startswith("scorer") else head.stages["video"]["0"]
    assert len(module.resblocks) == layers


def test_a_depth_that_is_set_is_not_read(tmp_path: Path) -> None:
    path = save(tmp_path / "theirs.bin", official_state("xclip", overrides=["stages.video.0.layers=1"]))
    with pytest.raises(DataError, match="12 weights of the model are absent"):
        tcmgc.import_checkpoint(path, "xclip", tmp_path / "ours", overrides=["stages.video.0.layers=2"])
    one = tcmgc.import_checkpoint(path, "xclip", tmp_path / "one", overrides=["stages.video.*.layers=1"])
    assert one.read == {}


def test_a_stage_is_found_wherever_it_stands(tmp_path: Path) -> None:
    """UCoFiA's meanP: its selector is the first stage, not the second."""
    selection = "{name: patch-selection, frame_mask: false, noise_at_evaluation: true}"
    state = official_state("ucofia", overrides=[f"stages.video=[{selection}]"])
    assert "visual_token_selector.score_predictor.in_conv.1.weight" in state
    path = save(tmp_path / "theirs.bin", state)
    record = tcmgc.import_checkpoint(
        path, "ucofia", tmp_path / "ours", overrides=[f"stages.video=[{selection}]"]
    )
    assert (record.missing, record.ignored) == ((), ())
    back = tcmgc.export_checkpoint(tmp_path / "ours", tmp_path / "back.bin")
    assert back.keys() == state.keys()


@pytest.mark.parametrize(
    ("recipe", "override"),
    [
        ("xclip", "stages.video=[lstm]"),
        ("drl-dp", "stages.video=[lstm]"),
        ("drl-wti", "stages.video=[lstm]"),
        ("drl-xti", "stages.video=[lstm]"),
        ("tcmgc", "stages.video=[lstm]"),
        ("ucofia", "stages.video.0=lstm"),
    ],
)
def test_the_lstm_of_every_method(recipe: str, override: str, tmp_path: Path) -> None:
    state = official_state(recipe, overrides=[override])
    assert state["lstm_visual.weight_ih_l0"].shape == (256, 64)
    state["frame_position_embeddings.weight"] = torch.ones(77, 64)  # made, and not used
    path = save(tmp_path / "theirs.bin", state)
    record = tcmgc.import_checkpoint(path, recipe, tmp_path / "ours", overrides=[override])
    assert record.missing == ()
    assert [one.official for one in record.ignored] == ["frame_position_embeddings.weight"]


def test_a_mixed_checkpoint_is_its_values_in_float32(tmp_path: Path) -> None:
    state = mixed(official_state("clip4clip-seqtransf"))
    record = tcmgc.import_checkpoint(save(tmp_path / "a.bin", state), "clip4clip-seqtransf", tmp_path / "a")
    weights = load_file(tmp_path / "a" / "model.safetensors")
    conv = weights["encoder.clip.visual.conv1.weight"]
    assert conv.dtype == torch.float32
    assert torch.equal(conv, state["clip.visual.conv1.weight"].float())
    types = {one.official[0]: one.dtype for one in record.mapped}
    assert types["clip.visual.conv1.weight"] == "float16"
    assert types["clip.visual.ln_pre.weight"] == "float32"


def test_matrices_over_words_and_frames_of_another_protocol(tmp_path: Path) -> None:
    path = save(tmp_path / "theirs.bin", official_state("xclip", words=20, frames=7))
    with pytest.raises(DataError, match=r"shape \[20, 20\][\s\S]*encoder\.words=W"):
        tcmgc.import_checkpoint(path, "xclip", tmp_path / "ours")
    changes = {"encoder.words": 20, "sampler.frames": 7}
    record = tcmgc.import_checkpoint(path, "xclip", tmp_path / "ours", overrides=changes)
    assert record.overrides == ("encoder.words=20", "sampler.frames=7")
    model = tcmgc.load(tmp_path / "ours", device="cpu")
    assert model.model.head.sizes == tcmgc.Sizes(64, 20, 7, 7 * 17)


def test_a_partial_match_is_refused_and_allowed(tmp_path: Path) -> None:
    state = official_state("xclip")
    del state["local_mat_weight"]
    state["extra.weight"] = torch.ones(3)
    path = save(tmp_path / "theirs.bin", state)
    with pytest.raises(DataError) as caught:
        tcmgc.import_checkpoint(path, "xclip", tmp_path / "ours")
    for words in ("1 weights of the model are absent", "text_matrix", "1 names", "extra.weight", "--partial"):
        assert words in str(caught.value)
    assert not (tmp_path / "ours").exists()
    assert not list(tmp_path.glob(".tcmgc*"))
    record = tcmgc.import_checkpoint(path, "xclip", tmp_path / "ours", partial=True)
    missing = "head.scorer.granularities.frame-word.text_matrix"
    assert record.missing == (missing,)
    assert [(one.official, one.reason) for one in record.ignored] == [
        ("extra.weight", "not known to the recipe")
    ]
    assert torch.equal(load_file(tmp_path / "ours" / "model.safetensors")[missing], torch.eye(64))


def test_another_methods_checkpoint_is_no_match(tmp_path: Path) -> None:
    """Everything of meanP is in it; that it is another method shows in the names that are left."""
    path = save(tmp_path / "theirs.bin", official_state("clip4clip-seqtransf"))
    with pytest.raises(DataError, match=r"does not know: .*transformerClip|frame_position_embeddings"):
        tcmgc.import_checkpoint(path, MEANP, tmp_path / "ours")


def test_what_the_official_code_saves_and_does_not_use(tmp_path: Path) -> None:
    state = official_state("clip4clip-seqlstm")
    state["frame_position_embeddings.weight"] = torch.ones(77, 64)
    record = tcmgc.import_checkpoint(save(tmp_path / "a.bin", state), "clip4clip-seqlstm", tmp_path / "a")
    assert [one.reason for one in record.ignored] == ["saved, and never read by the official code"]
    # TC-MGC's projections exist, and the released code bypasses them.
    state = official_state("tcmgc", variant="paper")
    path = save(tmp_path / "b.bin", state)
    released = tcmgc.import_checkpoint(path, "tcmgc", tmp_path / "released")
    assert {one.reason for one in released.ignored} == {"no weight of the recipe as it is set"}
    assert len(released.ignored) == 8
    paper = tcmgc.import_checkpoint(path, "tcmgc", tmp_path / "paper", variant="paper")
    assert paper.ignored == ()
    assert (paper.recipe, paper.variant) == ("tcmgc", "paper")


class Bomb:
    """Runs code when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": clip_state(), "config": Bomb(tmp_path / "mark")}, tmp_path / "theirs.pth")
    with pytest.raises(
        DataError, match=r"a pickle that may run code when it is loaded: it needs (posix|nt)\.mkdir"
    ):
        tcmgc.import_checkpoint(tmp_path / "theirs.pth", MEANP, tmp_path / "ours")
    assert not (tmp_path / "mark").exists()


def renamed(state: dict[str, Tensor], old: str, new: str) -> dict[str, Tensor]:
    return {name.replace(old, new): tensor for name, tensor in state.items()}


def shape_of_ones(state: dict[str, Tensor], name: str, *shape: int) -> dict[str, Tensor]:
    return state | {name: torch.ones(*shape)}


REFUSED = {
    "UCoFiA's renamed layers": (
        lambda state: renamed(
            state, "visual.transformer.resblocks.1.attn", "visual.transformer.resblocks.1.attn.net"
        ),
        ["attn.net", "UCoFiA's shift of patch tokens"],
    ),
    "a ResNet": (
        lambda state: state | {"clip.visual.layer1.0.conv1.weight": torch.ones(1)},
        ["a ResNet"],
    ),
    "no CLIP": (lambda state: renamed(state, "clip.", "model."), ["no names clip.visual.*", "model.visual"]),
    "no square": (
        lambda state: shape_of_ones(state, "clip.visual.positional_embedding", 19, 64),
        ["19 positions", "a square of square patches"],
    ),
    "a width of no heads": (
        lambda state: shape_of_ones(state, "clip.token_embedding.weight", 49408, 80),
        ["a width of 80", "a multiple of 64"],
    ),
    "another vocabulary": (
        lambda state: shape_of_ones(state, "clip.token_embedding.weight", 100, 64),
        ["100 rows", "49408"],
    ),
    "no geometry": (
        lambda state: {name: t for name, t in state.items() if name != "clip.text_projection"},
        ["no clip.text_projection with 2 dimensions"],
    ),
    "another shape": (
        lambda state: shape_of_ones(state, "clip.ln_final.weight", 3),
        ["clip.ln_final.weight", "shape [3]", "[64]"],
    ),
    "whole numbers": (
        lambda state: state | {"clip.ln_final.weight": torch.ones(64, dtype=torch.int64)},
        ["int64", "a floating-point type"],
    ),
    "no number": (
        lambda state: state | {"clip.ln_final.weight": torch.full((64,), float("nan"))},
        ["clip.ln_final.weight", "not finite"],
    ),
}


@pytest.mark.parametrize(("change", "says"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_imported_is_refused_by_name(
    change: Callable[[dict[str, Tensor]], dict[str, Tensor]], says: list[str], tmp_path: Path
) -> None:
    torch.save(change(clip_state()), tmp_path / "theirs.bin")
    with pytest.raises(DataError) as caught:
        tcmgc.import_checkpoint(tmp_path / "theirs.bin", MEANP, tmp_path / "ours")
    for words in says:
        assert words in str(caught.value)
    assert not (tmp_path / "ours").exists()


def test_ucofias_shifted_layers_are_refused_whatever_their_names(tmp_path: Path) -> None:
    state = official_state("ucofia", geometry=Geometry(layers=11))
    with pytest.raises(DataError, match=r"resblocks\.10\..*UCoFiA shifts patch tokens"):
        tcmgc.import_checkpoint(save(tmp_path / "theirs.bin", state), "ucofia", tmp_path / "ours")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "an empty file"),
        (b"PK\x03\x04 cut short", "no readable checkpoint"),
        (b"some text", "no readable safetensors"),
        (bytes(range(7, 256)), "no readable safetensors"),
        (None, "no such file"),
        ("folder", "a directory"),
    ],
)
def test_what_is_no_checkpoint(content: bytes | str | None, says: str, tmp_path: Path) -> None:
    if isinstance(content, bytes):
        (tmp_path / "theirs.bin").write_bytes(content)
    elif content == "folder":
        (tmp_path / "theirs.bin").mkdir()
    with pytest.raises(DataError, match=says) as caught:
        tcmgc.import_checkpoint(tmp_path / "theirs.bin", MEANP, tmp_path / "ours")
    assert "expected: a checkpoint: .bin, .pt or .pth" in str(caught.value)


def test_damaged_bytes_are_refused(tmp_path: Path) -> None:
    """PyTorch looks at no checksum: it would read them as weights."""
    path = save(tmp_path / "theirs.bin", clip_state())
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 50] = b"\x3e" * 50
    path.write_bytes(content)
    torch.load(path, weights_only=True)
    with pytest.raises(DataError, match=r"damaged bytes: .*/data/\d+ is not what the file's checksum says"):
        tcmgc.import_checkpoint(path, MEANP, tmp_path / "ours")
    assert not (tmp_path / "ours").exists()


def test_the_older_form_of_pytorch_has_no_checksum(tmp_path: Path) -> None:
    torch.save(clip_state(), tmp_path / "theirs.bin", _use_new_zipfile_serialization=False)
    assert tcmgc.import_checkpoint(tmp_path / "theirs.bin", MEANP, tmp_path / "ours").missing == ()


def test_one_logit_scale(tmp_path: Path) -> None:
    state = clip_state() | {"logit_scale": torch.tensor(3.0)}
    path = save(tmp_path / "theirs.bin", state)
    with pytest.raises(DataError, match=r"'logit_scale' and 'clip\.logit_scale', both for head\."):
        tcmgc.import_checkpoint(path, MEANP, tmp_path / "ours")
    path = save(tmp_path / "shape.bin", clip_state() | {"clip.logit_scale": torch.ones(1)})
    with pytest.raises(DataError, match=r"shape \[1\]") as caught:
        tcmgc.import_checkpoint(path, MEANP, tmp_path / "ours")
    assert caught.value.hint is None


def test_what_is_no_models_folder(tmp_path: Path) -> None:
    path = save(tmp_path / "theirs.bin", clip_state())
    with pytest.raises(DataError, match=r"found:    a file[\s\S]*tcmgc import .*theirs\.bin --recipe"):
        tcmgc.load(path, device="cpu")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"neither record\.json nor import\.json"):
        tcmgc.load(tmp_path / "empty", device="cpu")


@pytest.mark.parametrize(
    ("content", "says"), [([1, 2], "a list"), ({"a": 1}, "a dict of 'a'"), ({}, "no tensors")]
)
def test_a_pickle_without_weights(content: object, says: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "theirs.bin")
    with pytest.raises(DataError, match=says):
        tcmgc.import_checkpoint(tmp_path / "theirs.bin", MEANP, tmp_path / "ours")


def test_a_folder_with_files_in_it_is_not_written_to(tmp_path: Path) -> None:
    path = save(tmp_path / "theirs.bin", clip_state())
    out = tmp_path / "ours"
    out.mkdir()
    tcmgc.import_checkpoint(path, MEANP, out)
    before = (out / "import.json").read_bytes()
    with pytest.raises(DataError, match="a folder with files in it"):
        tcmgc.import_checkpoint(path, MEANP, out)
    assert (out / "import.json").read_bytes() == before


def test_a_recipe_whose_encoder_is_not_said(tmp_path: Path) -> None:
    path = save(tmp_path / "theirs.bin", clip_state())
    (tmp_path / "mine.yaml").write_text(f"base: {MEANP}\nofficial_protocol: null\n")
    with pytest.raises(ConfigError, match="no official_protocol"):
        tcmgc.import_checkpoint(path, tmp_path / "mine.yaml", tmp_path / "ours")
    record = tcmgc.import_checkpoint(
        path, tmp_path / "mine.yaml", tmp_path / "ours", protocol="official-xpool"
    )
    assert (record.recipe, record.protocol) == ("mine", "official-xpool")


def test_the_method_decides_how_videos_and_captions_are_read(tmp_path: Path) -> None:
    found = {}
    for recipe in ("xclip", "xpool", "drl-wti"):
        path = save(tmp_path / f"{recipe}.bin", official_state(recipe))
        tcmgc.import_checkpoint(path, recipe, tmp_path / recipe)
        config = tcmgc.load(tmp_path / recipe, device="cpu").recipe.config
        encoder = config["encoder"]
        found[recipe] = (
            config["sampler"]["name"],
            encoder["words"],
            encoder["padding"],
            encoder["tokenizer"],
        )
    assert found == {
        "xclip": ("fps-then-uniform", 32, "zero", "clip"),
        "xpool": ("intervals", 77, "last", "clip"),
        "drl-wti": ("stride-then-uniform", 32, "zero", "clip"),
    }
