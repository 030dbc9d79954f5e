"""Models' folders to official checkpoints and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file, save_file

import tcmgc
from official_checkpoints import Geometry, clip_state, mixed, official_state
from tcmgc import ConfigError, DataError
from tcmgc.app import current_registry
from tcmgc_plugins.encoders.official_hf_names import from_hf, to_hf
from tcmgc_plugins.encoders.open_clip_encoder import OpenClip

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

RECIPES = sorted(set(current_registry().recipe_files) - {"clip-zero-shot"})
MEANP = "clip4clip-meanp"


def read(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        return load_file(path)
    loaded = torch.load(path, map_location="cpu", weights_only=True)
    found: dict[str, Tensor] = loaded["state_dict"] if path.suffix == ".pth" else loaded
    return found


def assert_equal(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype, name
        assert torch.equal(found[name], tensor), name


@pytest.mark.parametrize("recipe", RECIPES)
def test_export_of_an_import_is_the_official_file(recipe: str, tmp_path: Path) -> None:
    state = mixed(official_state(recipe))
    torch.save(state, tmp_path / "theirs.bin")
    tcmgc.import_checkpoint(tmp_path / "theirs.bin", recipe, tmp_path / "ours")
    tcmgc.export_checkpoint(tmp_path / "ours", tmp_path / "back.bin")
    assert_equal(read(tmp_path / "back.bin"), state)


@pytest.mark.parametrize("suffix", [".bin", ".pth", ".safetensors"])
@pytest.mark.parametrize("names", ["clip", "hf"])
def test_import_of_an_export_is_the_same_model(names: str, suffix: str, tmp_path: Path) -> None:
    save_file(official_state("xpool"), tmp_path / "theirs.safetensors")
    tcmgc.import_checkpoint(tmp_path / "theirs.safetensors", "xpool", tmp_path / "ours")
    out = tmp_path / f"back{suffix}"
    written = tcmgc.export_checkpoint(tmp_path / "ours", out, names=names)
    assert_equal(read(out), written)
    again = tcmgc.import_checkpoint(out, "xpool", tmp_path / "again")
    assert again.names == names
    weights = [load_file(tmp_path / folder / "model.safetensors") for folder in ("ours", "again")]
    assert_equal(weights[1], weights[0])
    # A checkpoint goes back under the names that it came with.
    assert tcmgc.export_checkpoint(tmp_path / "again", tmp_path / "last.bin").keys() == written.keys()


def test_hugging_faces_names_as_they_are() -> None:
    """Names, transpositions and the order of queries, keys and values: e2e.md, section 5.2."""
    geometry = Geometry(width=128, layers=1, text_layers=1)
    ours = clip_state(geometry)
    theirs = to_hf(ours)
    vision = "clip.vision_model.encoder.layers.0"
    expected = {
        "clip.vision_model.embeddings.patch_embedding.weight": ours["clip.visual.conv1.weight"],
        "clip.vision_model.pre_layrnorm.weight": ours["clip.visual.ln_pre.weight"],
        "clip.vision_model.post_layernorm.bias": ours["clip.visual.ln_post.bias"],
        "clip.visual_projection.weight": ours["clip.visual.proj"].T,
        "clip.text_projection.weight": ours["clip.text_projection"].T,
        "clip.text_model.final_layer_norm.weight": ours["clip.ln_final.weight"],
        f"{vision}.layer_norm2.bias": ours["clip.visual.transformer.resblocks.0.ln_2.bias"],
        f"{vision}.mlp.fc1.weight": ours["clip.visual.transformer.resblocks.0.mlp.c_fc.weight"],
        f"{vision}.self_attn.k_proj.weight": ours["clip.visual.transformer.resblocks.0.attn.in_proj_weight"][
            128:256
        ],
        "clip.text_model.encoder.layers.0.self_attn.v_proj.bias": ours[
            "clip.transformer.resblocks.0.attn.in_proj_bias"
        ][128:],
    }
    for name, tensor in expected.items():
        assert torch.equal(theirs[name], tensor), name
    assert len(theirs) == len(ours) + 2 * 2 * 2  # three for one, weight and bias, in two layers
    assert_equal(from_hf(theirs)[0], ours)


def test_a_lost_third_of_an_attention_is_missed(tmp_path: Path) -> None:
    state = to_hf(clip_state())
    lost = "clip.text_model.encoder.layers.1.self_attn.k_proj.weight"
    del state[lost]
    torch.save(state, tmp_path / "theirs.bin")
    with pytest.raises(DataError, match=r"resblocks\.1\.attn\.in_proj_weight[\s\S]*self_attn\.q_proj"):
        tcmgc.import_checkpoint(tmp_path / "theirs.bin", MEANP, tmp_path / "ours")


def test_float32_where_it_is_asked_for(tmp_path: Path) -> None:
    torch.save(mixed(clip_state()), tmp_path / "theirs.bin")
    tcmgc.import_checkpoint(tmp_path / "theirs.bin", MEANP, tmp_path / "ours")
    written = tcmgc.export_checkpoint(tmp_path / "ours", tmp_path / "back.bin", types="float32")
    assert {tensor.dtype for tensor in written.values()} == {torch.float32}


def test_an_output_that_is_there_or_of_no_known_form(tmp_path: Path) -> None:
    torch.save(clip_state(), tmp_path / "theirs.bin")
    tcmgc.import_checkpoint(tmp_path / "theirs.bin", MEANP, tmp_path / "ours")
    before = (tmp_path / "theirs.bin").read_bytes()
    with pytest.raises(DataError, match="a file that is there"):
        tcmgc.export_checkpoint(tmp_path / "ours", tmp_path / "theirs.bin")
    assert (tmp_path / "theirs.bin").read_bytes() == before
    for name, says in (("e.zip", "the suffix '.zip'"), ("e", "a name without a suffix")):
        with pytest.raises(DataError, match=says):
            tcmgc.export_checkpoint(tmp_path / "ours", tmp_path / name)
    tcmgc.export_checkpoint(tmp_path / "ours", tmp_path / "pytorch_model.bin.4")


def test_a_weight_without_an_official_name(tmp_path: Path) -> None:
    torch.save(official_state("xclip"), tmp_path / "theirs.bin")
    tcmgc.import_checkpoint(
        tmp_path / "theirs.bin", "xclip", tmp_path / "ours", overrides=["aggregator=lsa"], partial=True
    )
    with pytest.raises(DataError, match=r"1 weights without an official name: scorer\.aggregator\.matrix"):
        tcmgc.export_checkpoint(tmp_path / "ours", tmp_path / "back.bin")
    assert not (tmp_path / "back.bin").exists()


def test_what_the_official_code_would_compute_otherwise() -> None:
    """Its heads have 64 channels, whatever the checkpoint's had."""
    encoder = OpenClip(model="StoryShapes-ViT", pretrained=None)
    with pytest.raises(DataError, match=r"vision_cfg\.head_width 32 in place of 64"):
        encoder.write_official("clip")
    with pytest.raises(ConfigError, match="one of clip, hf"):
        encoder.write_official("ours")


def test_open_clips_own_configuration_is_official() -> None:
    tiny = {
        "embed_dim": 64,
        "quick_gelu": True,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
        "text_cfg": {"context_length": 8, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 1},
    }
    encoder = OpenClip(model=tiny, pretrained=None, words=8)
    assert encoder.write_official("clip").keys() == encoder.state_dict().keys()
    exact = OpenClip(model=tiny | {"quick_gelu": False}, pretrained=None, words=8)
    with pytest.raises(DataError, match="quick_gelu False in place of True"):
        exact.write_official("clip")
