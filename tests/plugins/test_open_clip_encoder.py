"""The open_clip encoder against open_clip's own forward passes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import open_clip
import pytest
import torch

from open_clip_cases import ALL, CAPTIONS, CONFIG
from tcmgc.errors import ConfigError
from tcmgc.slots.encoder import Encoder
from tcmgc_plugins.encoders.open_clip_encoder import OpenClip

if TYPE_CHECKING:
    from pathlib import Path


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


@torch.no_grad()
@pytest.mark.parametrize("custom", [False, True])
@pytest.mark.parametrize("pool", ["eos", "first", "last"])
def test_other_poolings_of_the_text(pool: str, custom: bool, tmp_path: Path) -> None:
    config = json.loads(CONFIG.read_text()) | {"custom_text": custom}
    config["text_cfg"] |= {"pool_type": pool, "eos_id": 320}  # "a"
    (tmp_path / "Pooled.json").write_text(json.dumps(config))
    encoder = OpenClip(model=str(tmp_path / "Pooled.json"), pretrained=None, words=20).eval()
    captions = CAPTIONS[:2]
    found = encoder.encode_text(encoder.tokenize(captions), encoder.gives)
    expected = encoder.clip.encode_text(open_clip.get_tokenizer("Pooled")(captions))
    torch.testing.assert_close(found.sentence, expected, atol=1e-6, rtol=1e-5)
    assert ("words" in encoder.gives) is (pool != "last")


class FromTheRight:
    """A tokenizer that pads with its own id, as SigLIP's do; a letter is a token."""

    pad_token_id = 1

    def __init__(self, context_length: int) -> None:
        self.context_length = context_length
        self.tokenizer = self

    def __call__(self, texts: list[str], context_length: int | None = None) -> torch.Tensor:
        length = context_length or self.context_length
        ids = torch.full((len(texts), length), self.pad_token_id)
        for row, text in zip(ids, texts, strict=True):
            codes = [ord(letter) for letter in text[:length]]
            row[: len(codes)] = torch.tensor(codes, dtype=torch.int64)
        return ids


@torch.no_grad()
def test_a_tower_without_words_reads_its_whole_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As SigLIP's: without a causal mask, pooled at the last position, which is padding."""
    monkeypatch.setattr(open_clip, "get_tokenizer", lambda _: FromTheRight(40))
    config = json.loads(CONFIG.read_text()) | {"custom_text": True}
    config["text_cfg"] |= {"no_causal_mask": True, "pool_type": "last"}
    (tmp_path / "Sig.json").write_text(json.dumps(config))
    encoder = OpenClip(model=str(tmp_path / "Sig.json"), pretrained=None, words=32).eval()
    tokens = encoder.tokenize(CAPTIONS)
    assert encoder.gives == ALL - {"words"}
    assert encoder.words == tokens.ids.shape[1] == tokens.mask.shape[1] == 40
    expected = encoder.clip.encode_text(FromTheRight(40)(CAPTIONS))
    found = encoder.encode_text(tokens, encoder.gives).sentence
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


def test_too_many_words() -> None:
    with pytest.raises(ConfigError, match="40 positions"):
        OpenClip(model="StoryShapes-ViT", pretrained=None, words=41)


def test_a_tower_without_words_says_so(encoder: OpenClip) -> None:
    encoder.clip.attn_mask = None
    assert encoder.gives == ALL - {"words"}
    with pytest.raises(ConfigError, match="StoryShapes-ViT"):
        encoder.encode_text(encoder.tokenize(CAPTIONS), ALL)
