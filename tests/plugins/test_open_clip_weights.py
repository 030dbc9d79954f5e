"""Weights that a user names: tags and files, and mistakes in them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import open_clip
import pytest
import torch
from safetensors.torch import save, save_file

from open_clip_cases import CONFIG
from tcmgc.errors import ConfigError, DataError
from tcmgc_plugins.encoders.open_clip_encoder import OpenClip

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_weights_from_a_local_file(encoder: OpenClip, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"mine{suffix}"
    with torch.no_grad():
        encoder.clip.visual.proj.mul_(2)
    state = encoder.clip.state_dict()
    (save_file if suffix == ".safetensors" else torch.save)(state, path)
    again = OpenClip(model="StoryShapes-ViT", pretrained=str(path), words=20)
    initial = OpenClip(model="StoryShapes-ViT", pretrained=None, words=20)
    assert initial.weights_sha256 == encoder.weights_sha256
    assert again.weights_sha256 != initial.weights_sha256
    assert torch.equal(again.clip.visual.proj, encoder.clip.visual.proj)


def test_a_folder_with_the_name_of_a_tag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "openai").mkdir()
    monkeypatch.chdir(tmp_path)
    made: list[str] = []

    def create(name: str, *, pretrained: str, **_: object) -> torch.nn.Module:
        made.append(pretrained)
        raise OSError("no network")

    monkeypatch.setattr(open_clip, "create_model", create)
    with pytest.raises(DataError, match="no network"):
        OpenClip(model="ViT-B-32", pretrained="openai")
    assert made == ["openai"]


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('ran')",)


def write(path: Path, content: object) -> Path:
    """Write bytes as they are, and anything else as PyTorch does."""
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    return path


STATE = {"visual.proj": torch.zeros(3, 3), "mine": torch.zeros(1)}
DIFFERENT = (
    "tensors of another model: 1 of other shapes (visual.proj [3, 3] in place of [64, 64]), "
    "85 missing (positional_embedding), 1 unknown (mine)"
)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.safetensors", b"no weights", "no readable safetensors"),
        ("a.safetensors", b"", "an empty file"),
        ("a.safetensors", STATE, "a PyTorch checkpoint or another pickle"),
        ("a.safetensors", save(STATE), DIFFERENT),
        ("a.pt", b"no weights", "neither a PyTorch checkpoint nor safetensors"),
        ("a", b"no weights", "neither a PyTorch checkpoint nor safetensors"),
        ("a.pt", b"", "an empty file"),
        ("a.bin", save(STATE), "name it a.safetensors"),
        ("a.pt", b"PK\x03\x04 cut off", "PytorchStreamReader failed"),
        ("a.pt", STATE, DIFFERENT),
        ("a.pt", {"state_dict": STATE}, DIFFERENT),
        ("a.pt", {f"module.{name}": tensor for name, tensor in STATE.items()}, DIFFERENT),
        ("a.pt", {"epoch": 3, "model": STATE}, "no tensors by name, but a dict of 'epoch', 'model'\n"),
        ("a.pt", {}, "no tensors by name, but a dict of nothing\n"),
        ("a.pt", [1, 2], "no tensors by name, but a list\n"),
        ("a.pt", {"state_dict": Evil()}, "a pickle that needs exec, and so may run code"),
        ("a.npz", b"no weights", "no NumPy file"),
    ],
)
def test_files_that_are_no_weights_of_the_model(
    name: str, content: object, says: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / name, content)
    with pytest.raises(DataError) as caught:
        OpenClip(model="StoryShapes-ViT", pretrained=str(path))
    assert says in str(caught.value)
    assert caught.value.where == f"encoder.pretrained {path}"
    assert str(caught.value.expected).startswith("weights of StoryShapes-ViT: safetensors")
    assert not caplog.text  # open_clip's, that a model without weights is random


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")  # newer ones ask for other programs
def test_a_torchscript_archive(tmp_path: Path) -> None:
    """As OpenAI's own files are."""
    torch.jit.script(torch.nn.Linear(2, 2)).save(tmp_path / "ViT-B-32.pt")  # type: ignore[no-untyped-call]
    with pytest.raises(DataError, match="a TorchScript archive") as caught:
        OpenClip(model="StoryShapes-ViT", pretrained=str(tmp_path / "ViT-B-32.pt"))
    assert "the tag openai" in str(caught.value)


def test_weights_that_ship_are_of_one_model(encoder: OpenClip, tmp_path: Path) -> None:
    assert OpenClip(model="StoryShapes-ViT", pretrained="storyshapes").dim == encoder.dim
    (tmp_path / "Narrow.json").write_text(json.dumps(json.loads(CONFIG.read_text()) | {"embed_dim": 48}))
    with pytest.raises(DataError, match="tensors of another model: 2 of other shapes") as caught:
        OpenClip(model=str(tmp_path / "Narrow.json"), pretrained="storyshapes")
    assert caught.value.where == "encoder.pretrained storyshapes"


FILE = "a file (.safetensors, .pt, .pth, .bin, .npz, .npy), or null for initial weights"


@pytest.mark.parametrize(
    ("pretrained", "found"),
    [
        ("absent.pt", "no such file in {}"),
        ("sub/absent.pt", "no such file in {}/sub"),
        ("none/absent.pt", "no such folder, {}/none"),
        ("sub", "a directory, {}/sub"),
        ("absent", "'absent', no tag of StoryShapes-ViT, and no such file in {}"),
        ("none/absent", "'none/absent', no tag of StoryShapes-ViT, and no such folder, {}/none"),
        ("x" * 300, f"'{'x' * 300}', no tag of StoryShapes-ViT, and no such file in {{}}"),
        ("", "'', no tag of StoryShapes-ViT"),
    ],
)
def test_files_that_are_not_there(
    pretrained: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ConfigError, DataError)) as caught:
        OpenClip(model="StoryShapes-ViT", pretrained=pretrained)
    assert caught.value.found == found.format(tmp_path)
    assert caught.value.expected == f"one of its tags (storyshapes), {FILE}"


def test_tags_that_are_unknown() -> None:
    with pytest.raises(ConfigError, match=r"found: +'opnai', no tag of ViT-B-32, and no such") as caught:
        OpenClip(model="ViT-B-32", pretrained="opnai")
    assert caught.value.hint == "did you mean 'openai'?"
    assert str(caught.value.expected).startswith("one of its tags (openai, laion400m_e31, ")
    with pytest.raises(ConfigError, match="'openai', no tag of StoryShapes-ViT"):
        OpenClip(model="StoryShapes-ViT", pretrained="openai")


def test_a_model_without_tags(tmp_path: Path) -> None:
    (tmp_path / "Mine.json").write_text(CONFIG.read_text())
    with pytest.raises(ConfigError) as caught:
        OpenClip(model=str(tmp_path / "Mine.json"), pretrained="openai")
    assert caught.value.expected == FILE


def test_weights_of_another_model_in_a_folder(encoder: OpenClip, tmp_path: Path) -> None:
    config = json.loads(CONFIG.read_text()) | {"embed_dim": 48}
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    save_file(encoder.clip.state_dict(), tmp_path / "open_clip_model.safetensors")
    with pytest.raises(DataError, match="for CLIP: size mismatch for text_projection"):
        OpenClip(model=f"local-dir:{tmp_path}", pretrained=None)


def test_a_model_that_lacks_a_package_is_not_said_to_have_wrong_weights(
    encoder: OpenClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def create(_: str, **__: object) -> torch.nn.Module:
        raise RuntimeError("Please `pip install transformers`")

    save_file(encoder.clip.state_dict(), tmp_path / "mine.safetensors")
    monkeypatch.setattr(open_clip, "create_model", create)
    with pytest.raises(DataError, match=r"encoder\.model ViT-B-32\n.*pip install") as caught:
        OpenClip(model="ViT-B-32", pretrained=str(tmp_path / "mine.safetensors"))
    assert "with the packages installed" in str(caught.value.expected)
