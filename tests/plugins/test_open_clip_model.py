"""Where open_clip's models come from, what tells them apart, and mistakes in naming them."""

from __future__ import annotations

import errno
import json
import os
from typing import TYPE_CHECKING

import open_clip
import pytest
import torch
from safetensors.torch import save_file

from open_clip_cases import CAPTIONS, CONFIG
from tcmgc.errors import ConfigError, DataError
from tcmgc_plugins.encoders import open_clip_encoder
from tcmgc_plugins.encoders.open_clip_encoder import OpenClip

if TYPE_CHECKING:
    from pathlib import Path


def test_a_model_from_a_json_file(tmp_path: Path) -> None:
    config = json.loads(CONFIG.read_text())
    config["embed_dim"] = 48
    (tmp_path / "Mine-48.json").write_text(json.dumps(config))
    encoder = OpenClip(model=str(tmp_path / "Mine-48.json"), pretrained=None, words=8)
    assert encoder.dim == 48
    assert encoder.model_name == "Mine-48"


def test_another_configuration_of_the_same_weights_is_another_model(tmp_path: Path) -> None:
    """A run under a JSON file that was edited since is not found again by its identity."""
    config = json.loads(CONFIG.read_text())
    path = tmp_path / "Mine.json"
    heads = config["vision_cfg"] | {"head_width": 16}
    versions, weights = [], set()
    for change in ({}, {"quick_gelu": False}, {"vision_cfg": heads}, {}):
        path.write_text(json.dumps(config | change))
        encoder = OpenClip(model=str(path), pretrained=None, words=8)
        versions.append(encoder.version)
        weights.add(encoder.weights_sha256)
    assert len(set(versions[:3])) == 3
    assert versions[0] == versions[3]
    assert len(weights) == 1


def test_another_preprocessing_or_library_is_another_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def version() -> str:
        return OpenClip(model="StoryShapes-ViT", pretrained=None, words=8).version

    before = version()
    assert before == version()
    with monkeypatch.context() as patch:
        patch.setattr(open_clip, "__version__", "0")
        assert version() != before
    read = open_clip_encoder.get_model_preprocess_cfg
    monkeypatch.setattr(
        open_clip_encoder, "get_model_preprocess_cfg", lambda model: read(model) | {"mean": (0.5, 0.5, 0.5)}
    )
    assert version() != before


@pytest.mark.parametrize("name", ["ViT-B-32", "StoryShapes-ViT"])
def test_a_file_takes_no_models_name(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.json").write_text(json.dumps(json.loads(CONFIG.read_text()) | {"embed_dim": 48}))
    with pytest.raises(ConfigError, match=f"the name of another model, {name}"):
        OpenClip(model=str(tmp_path / f"{name}.json"), pretrained=None)
    assert open_clip.get_model_config(name)["embed_dim"] != 48


def test_a_model_from_a_folder(encoder: OpenClip, tmp_path: Path) -> None:
    with torch.no_grad():
        encoder.clip.visual.proj.mul_(2)
    config = {"model_cfg": json.loads(CONFIG.read_text()), "preprocess_cfg": {"mean": [0.5, 0.25, 0.0]}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    model = f"local-dir:{tmp_path}"
    with pytest.raises(DataError, match="weights of this model in its folder"):
        OpenClip(model=model, pretrained=None)
    save_file(encoder.clip.state_dict(), tmp_path / "open_clip_model.safetensors")
    found = OpenClip(model=model, pretrained=None, words=20)
    assert found.model_name == model
    assert torch.equal(found.clip.visual.proj, encoder.clip.visual.proj)
    assert found.mean.flatten().tolist() == [127.5, 63.75, 0.0]
    assert torch.equal(found.tokenize(CAPTIONS).ids, encoder.tokenize(CAPTIONS).ids)
    with pytest.raises(ConfigError, match="brings its own weights"):
        OpenClip(model=model, pretrained="openai")


def test_a_model_of_the_hub(encoder: OpenClip, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, object]] = []

    def create(name: str, **how: object) -> torch.nn.Module:
        asked.append((name, how["require_pretrained"]))
        return encoder.clip

    monkeypatch.setattr(open_clip, "create_model", create)
    monkeypatch.setattr(open_clip, "get_tokenizer", lambda name: asked.append((name, None)))
    monkeypatch.setattr(open_clip, "get_model_config", lambda _: {})
    assert OpenClip(model="hf-hub:some/clip", pretrained=None).model_name == "hf-hub:some/clip"
    assert asked == [("hf-hub:some/clip", True), ("hf-hub:some/clip", None)]


def test_a_model_of_the_hub_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def create(_: str, **__: object) -> torch.nn.Module:
        raise RuntimeError("no network")

    monkeypatch.setattr(open_clip, "create_model", create)
    with pytest.raises(DataError, match="on this machine or can be downloaded"):
        OpenClip(model="hf-hub:some/clip", pretrained=None)


@pytest.mark.parametrize("pretrained", [None, "file"])
@pytest.mark.parametrize(
    ("tower", "changes", "says"),
    [("text_cfg", {"widht": 64}, "'widht'"), ("text_cfg", {"heads": 3}, "divisible by num_heads")],
)
def test_a_wrong_configuration_is_not_said_to_be_wrong_weights(
    tower: str, changes: dict[str, int], says: str, pretrained: str | None, encoder: OpenClip, tmp_path: Path
) -> None:
    config = json.loads(CONFIG.read_text())
    config[tower] |= changes
    (tmp_path / "Wrong.json").write_text(json.dumps(config))
    if pretrained is not None:
        pretrained = str(tmp_path / "weights.safetensors")
        save_file(encoder.clip.state_dict(), pretrained)
    with pytest.raises(DataError, match="expected: a configuration") as caught:
        OpenClip(model=str(tmp_path / "Wrong.json"), pretrained=pretrained)
    assert says in str(caught.value)
    assert "pretrained" not in str(caught.value)


def test_images_that_are_no_squares(tmp_path: Path) -> None:
    config = json.loads(CONFIG.read_text())
    config["vision_cfg"]["image_size"] = [64, 32]
    (tmp_path / "Wide.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match="64 x 32 pixels"):
        OpenClip(model=str(tmp_path / "Wide.json"), pretrained=None, words=8)
    config["vision_cfg"]["image_size"] = [64, 64]
    (tmp_path / "Square.json").write_text(json.dumps(config))
    assert OpenClip(model=str(tmp_path / "Square.json"), pretrained=None, words=8).image_size == 64


def test_a_tokenizer_that_cannot_be_had(tmp_path: Path) -> None:
    config = json.loads(CONFIG.read_text())
    config["text_cfg"]["hf_tokenizer_name"] = str(tmp_path / "absent")
    (tmp_path / "Theirs.json").write_text(json.dumps(config))
    with pytest.raises(DataError, match="tokenizer of encoder Theirs") as caught:
        OpenClip(model=str(tmp_path / "Theirs.json"), pretrained=None)
    assert "transformers" in str(caught.value) or "absent" in str(caught.value)


MODELS = (
    "a model of open_clip (open_clip.list_models()), a JSON file, hf-hub:ORGANISATION/NAME, local-dir:FOLDER"
)


@pytest.mark.parametrize(
    ("model", "found", "hint"),
    [
        ("ViT-B-23", "unknown model 'ViT-B-23'", "did you mean 'ViT-B-32'?"),
        ("sub/ViT", "unknown model 'sub/ViT', and no such file in {}/sub", None),
        ("none/ViT", "unknown model 'none/ViT', and no such folder, {}/none", None),
        ("absent.json", "no such file in {}", None),
        ("none/absent.json", "no such folder, {}/none", None),
        ("local-dir:sub", "no such file in {}/sub", None),
        ("local-dir:none", "no such folder, {}/none", None),
        ("sub.json", "a directory, {}/sub.json", None),
        ("sub", "unknown model 'sub'", "encoder.model=local-dir:sub is a folder's"),
        ("mine", "unknown model 'mine'", "encoder.model=mine.json is a file"),
        ("mine.pt", "unknown model 'mine.pt'", "weights go to encoder.pretrained=mine.pt"),
        ("x" * 300 + ".json", os.strerror(errno.ENAMETOOLONG).lower(), None),
        ("", "unknown model ''", None),
    ],
)
def test_models_that_are_not_there(
    model: str, found: str, hint: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sub", "sub.json"):
        (tmp_path / name).mkdir()
    (tmp_path / "mine.json").write_text(CONFIG.read_text())
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ConfigError, DataError)) as caught:
        OpenClip(model=model, pretrained=None)
    assert caught.value.found == found.format(tmp_path)
    assert caught.value.expected == MODELS
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("content", "says"), [("{", "no JSON: "), ("[]", "other keys"), ("{}", "other keys")]
)
def test_json_files_that_are_no_configurations(content: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "Mine.json").write_text(content)
    with pytest.raises(DataError, match="expected: a configuration of open_clip: embed_dim") as caught:
        OpenClip(model=str(tmp_path / "Mine.json"), pretrained=None)
    assert str(caught.value.found).startswith(says)
