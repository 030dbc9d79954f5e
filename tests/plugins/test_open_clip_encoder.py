"""The open_clip encoder against open_clip's own forward passes, and its mistakes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file

from tcmgc.errors import ConfigError, DataError
from tcmgc.slots.encoder import Encoder
from tcmgc_plugins.encoders.open_clip_encoder import OpenClip
from tcmgc_plugins.encoders.open_clip_model import CONFIGS
from tcmgc_plugins.encoders.storyshapes_clip.compact_weights import IDS, ROWS, TABLE, compact, expanded

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = CONFIGS / "StoryShapes-ViT.json"
ALL = frozenset({"sentence", "words", "frames", "patches"})
CAPTIONS = ["a red circle moves to the left", "first a star appears, then a ring vanishes", ""]


@pytest.fixture
def encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenClip:
    monkeypatch.setenv("TCMGC_CACHE", str(tmp_path / "cache"))
    return OpenClip(model="StoryShapes-ViT", pretrained=None, words=20).eval()


def test_it_is_an_encoder(encoder: OpenClip) -> None:
    assert isinstance(encoder, Encoder)
    assert (encoder.dim, encoder.words, encoder.image_size, encoder.patches) == (64, 20, 64, 17)
    assert encoder.gives == ALL
    assert encoder.logit_scale == pytest.approx(1 / 0.07)


@torch.no_grad()
def test_text_equals_open_clips_on_its_whole_context(encoder: OpenClip) -> None:
    tokens = encoder.tokenize(CAPTIONS)
    assert tokens.ids.shape == tokens.mask.shape == (3, 20)
    assert tokens.mask.sum(dim=1).tolist() == [9, 12, 2]
    features = encoder.encode_text(tokens, ALL)
    whole = open_clip.get_tokenizer("StoryShapes-ViT")(CAPTIONS)
    expected = encoder.clip.encode_text(whole)
    torch.testing.assert_close(features.sentence, expected, atol=1e-6, rtol=1e-5)
    alone = encoder.encode_text(tokens, frozenset({"sentence", "frames"}))
    assert alone.words is None
    torch.testing.assert_close(alone.sentence, features.sentence, atol=1e-6, rtol=1e-5)
    assert features.words is not None
    ends = tokens.mask.sum(dim=1) - 1
    assert torch.equal(features.words.values[torch.arange(3), ends], features.sentence)


def test_long_captions_are_cut_and_keep_their_end(encoder: OpenClip) -> None:
    tokens = encoder.tokenize(["star " * 50])
    assert tokens.mask.all()
    assert tokens.ids[0, -1] == tokens.ids.max() == 49407


@torch.no_grad()
def test_frames_equal_open_clips_on_normalised_images(encoder: OpenClip) -> None:
    pixels = torch.randint(0, 256, (2, 3, 64, 64, 3), dtype=torch.uint8)
    mask = torch.tensor([[True, True, True], [True, False, False]])
    features = encoder.encode_video(pixels, mask, ALL)
    mean, std = (
        torch.tensor(value).view(3, 1, 1)
        for value in (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)
    )
    images = (pixels.flatten(0, 1).permute(0, 3, 1, 2) / 255 - mean) / std
    images[4:] = 0  # padding: zero after normalisation
    expected = encoder.clip.encode_image(images).view(2, 3, 64)
    torch.testing.assert_close(features.frames.values, expected, atol=1e-5, rtol=1e-4)
    assert torch.equal(features.frames.mask, mask)
    patches = features.tokens("patches")
    assert patches.values.shape == (2, 3 * 17, 64)
    torch.testing.assert_close(patches.values[:, ::17], features.frames.values, atol=1e-6, rtol=1e-5)
    assert torch.equal(patches.mask.view(2, 3, 17).all(dim=-1), mask)


def test_without_padding_nothing_is_encoded_besides(encoder: OpenClip) -> None:
    pixels = torch.randint(0, 256, (2, 2, 64, 64, 3), dtype=torch.uint8)
    seen: list[int] = []
    encoder.clip.visual.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    encoder.encode_video(pixels, torch.ones(2, 2, dtype=torch.bool), frozenset({"frames"}))
    assert seen == [4]


@pytest.mark.parametrize("freeze", ["nothing", "embeddings", "all"])
def test_freezing(freeze: str) -> None:
    encoder = OpenClip(model="StoryShapes-ViT", pretrained=None, words=20, freeze=freeze)  # type: ignore[arg-type]
    trained = {name for name, parameter in encoder.named_parameters() if parameter.requires_grad}
    assert encoder.frozen is (freeze == "all")
    assert "clip.logit_scale" not in trained
    assert ("clip.visual.conv1.weight" in trained) is (freeze == "nothing")
    assert ("clip.token_embedding.weight" in trained) is (freeze == "nothing")
    assert ("clip.visual.proj" in trained) is (freeze != "all")
    assert ("clip.ln_final.weight" in trained) is (freeze != "all")


def test_gradients_reach_both_towers(encoder: OpenClip) -> None:
    text = encoder.encode_text(encoder.tokenize(CAPTIONS), ALL)
    pixels = torch.randint(0, 256, (1, 2, 64, 64, 3), dtype=torch.uint8)
    video = encoder.encode_video(pixels, torch.ones(1, 2, dtype=torch.bool), ALL)
    assert text.words is not None
    (text.words.values.sum() + video.tokens("patches").values.sum()).backward()
    lacking = [n for n, p in encoder.named_parameters() if p.requires_grad and p.grad is None]
    assert lacking == []


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


def test_a_model_from_a_json_file(tmp_path: Path) -> None:
    config = json.loads(CONFIG.read_text())
    config["embed_dim"] = 48
    (tmp_path / "Mine-48.json").write_text(json.dumps(config))
    encoder = OpenClip(model=str(tmp_path / "Mine-48.json"), pretrained=None, words=8)
    assert encoder.dim == 48
    assert encoder.model_name == "Mine-48"


def test_compact_weights_come_back_whole(
    encoder: OpenClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TCMGC_CACHE", str(tmp_path / "cache"))
    state = encoder.clip.state_dict()
    kept = [0, 320, 49406, 49407]
    small = compact(state, kept)
    assert small[ROWS].shape == (4, 64)
    assert small[IDS].tolist() == kept
    (tmp_path / "mine").mkdir()
    path = tmp_path / "mine" / "weights.safetensors"
    save_file(small, path, {"tokens": "49408"})
    full = load_file(expanded(path))
    assert full.keys() == state.keys()
    for name, tensor in state.items():
        if name == TABLE:
            torch.testing.assert_close(full[name][kept], tensor[kept], atol=1e-4, rtol=1e-3)
            assert full[name].abs().sum() == full[name][kept].abs().sum()
        else:
            torch.testing.assert_close(full[name], tensor, atol=1e-3, rtol=1e-3)


def broken_checkpoint(folder: Path) -> str:
    (folder / "broken.safetensors").write_bytes(b"no weights")
    return str(folder / "broken.safetensors")


def other_model(folder: Path) -> str:
    save_file({"visual.proj": torch.zeros(3, 3)}, folder / "other.safetensors")
    return str(folder / "other.safetensors")


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('ran')",)


def evil_pickle(folder: Path) -> str:
    torch.save({"state_dict": Evil()}, folder / "evil.pt")
    return str(folder / "evil.pt")


@pytest.mark.parametrize(
    ("model", "pretrained", "says"),
    [
        ("ViT-B-23", "openai", "did you mean 'ViT-B-32'?"),
        ("ViT-B-32", "opnai", "did you mean 'openai'?"),
        ("ViT-B-32", "absent.pt", "no such file"),
        ("absent.json", None, "a configuration of open_clip"),
        ("StoryShapes-ViT", broken_checkpoint, "encoder.pretrained=FILE"),
        ("StoryShapes-ViT", other_model, "encoder.pretrained=FILE"),
        ("StoryShapes-ViT", evil_pickle, "encoder.pretrained=FILE"),
        ("StoryShapes-ViT", "/", "a directory"),
    ],
)
def test_mistakes(model: str, pretrained: object, says: str, tmp_path: Path) -> None:
    given = pretrained(tmp_path) if callable(pretrained) else pretrained
    with pytest.raises((ConfigError, DataError)) as caught:
        OpenClip(model=model, pretrained=given)  # type: ignore[arg-type]
    assert says in str(caught.value)


def test_too_many_words() -> None:
    with pytest.raises(ConfigError, match="40 positions"):
        OpenClip(model="StoryShapes-ViT", pretrained=None, words=41)


def test_a_tower_without_words_says_so(encoder: OpenClip) -> None:
    encoder.clip.attn_mask = None
    assert encoder.gives == ALL - {"words"}
    with pytest.raises(ConfigError, match="StoryShapes-ViT"):
        encoder.encode_text(encoder.tokenize(CAPTIONS), ALL)
