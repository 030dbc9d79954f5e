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
from tcmgc_plugins.encoders import open_clip_encoder
from tcmgc_plugins.encoders.open_clip_encoder import OpenClip
from tcmgc_plugins.encoders.open_clip_model import CONFIGS
from tcmgc_plugins.encoders.storyshapes_clip import compact_weights
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


@pytest.fixture
def compacted(encoder: OpenClip, tmp_path: Path) -> Path:
    """A compact file; the cache folder is empty."""
    (tmp_path / "mine").mkdir()
    path = tmp_path / "mine" / "weights.safetensors"
    save_file(compact(encoder.clip.state_dict(), [0, 49407]), path, {"tokens": "49408"})
    return path


def test_unpacked_weights_are_made_once(compacted: Path) -> None:
    full = expanded(compacted)
    before = full.stat()
    assert full.name.endswith("-v1.safetensors")
    assert expanded(compacted).stat().st_ino == before.st_ino


@pytest.mark.parametrize("damage", ["cut off", "empty", "other tensors", "other types"])
def test_damaged_unpacked_weights_are_made_again(damage: str, compacted: Path) -> None:
    full = expanded(compacted)
    whole = full.read_bytes()
    state = load_file(full)
    match damage:
        case "cut off":
            full.write_bytes(whole[:-1000])
        case "empty":
            full.write_bytes(b"")
        case "other tensors":
            save_file({"visual.proj": torch.zeros(3, 3)}, full)
        case _:
            save_file({name: tensor.half() for name, tensor in state.items()}, full)
    assert expanded(compacted) == full
    assert full.read_bytes() == whole


def test_another_expansion_is_another_file(compacted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = expanded(compacted)
    monkeypatch.setattr(compact_weights, "FORMAT", 0)
    assert expanded(compacted) != full


def test_a_cache_that_cannot_be_written(
    compacted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TCMGC_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=f"{tmp_path}/file/weights/mine-") as caught:
        expanded(compacted)
    assert "TCMGC_CACHE=DIR" in str(caught.value)


def test_weights_that_are_not_compact(tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"no weights")
    with pytest.raises(DataError, match=r"compact weights .*weights\.safetensors"):
        expanded(tmp_path / "weights.safetensors")


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
        ("local-dir:absent", None, "open_clip_config.json"),
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


def test_too_many_words() -> None:
    with pytest.raises(ConfigError, match="40 positions"):
        OpenClip(model="StoryShapes-ViT", pretrained=None, words=41)


def test_a_tower_without_words_says_so(encoder: OpenClip) -> None:
    encoder.clip.attn_mask = None
    assert encoder.gives == ALL - {"words"}
    with pytest.raises(ConfigError, match="StoryShapes-ViT"):
        encoder.encode_text(encoder.tokenize(CAPTIONS), ALL)
