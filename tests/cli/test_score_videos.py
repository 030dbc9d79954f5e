"""``tcmgc score --checkpoint``: official weights, video files and captions to scores.

What it should come to is computed another way: open_clip's own model and image transform make features
of the same frames, and ``tcmgc score --features --weights``, which the golden files check, scores them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import open_clip
import pytest
import torch
from click.testing import CliRunner
from open_clip.model import CLIP
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import tcmgc
from official_checkpoints import FRAMES, WORDS, official_state
from tcmgc.cli.main import cli, main
from tcmgc_plugins.encoders.official_clip import geometry
from tcmgc_plugins.readers.pyav_reader import PyavReader
from video_files import write_video

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

CAPTIONS = ["a man plays the guitar", "bands of black and white, in a café", "seven " * 40]


@dataclass
class Case:
    """A checkpoint's folder, videos and a file of captions; and the checkpoint's tensors."""

    folder: Path
    recipe: str
    state: dict[str, Tensor]
    videos: list[Path]

    @property
    def texts(self) -> Path:
        return self.folder / "texts.txt"

    def arguments(self, *more: object) -> list[str]:
        words = ["score", self.recipe, "--checkpoint", self.folder / "model", "--texts", self.texts]
        return [str(word) for word in (*words, "--videos", *self.videos, "--device", "cpu", *more)]

    def score(self, *more: object) -> dict[str, Tensor]:
        out = self.folder / "out.safetensors"
        main(self.arguments("--out", out, *more))
        return load_file(out)


def make(folder: Path, recipe: str, *, variant: str | None = None) -> Case:
    """Videos of 12 frames and of 5, wide and high; of 2 frames a second, the samplers take every other."""
    state = official_state(recipe, variant=variant)
    torch.save(state, folder / "theirs.bin")
    tcmgc.import_checkpoint(
        folder / "theirs.bin", recipe, folder / "model", variant=variant, overrides=["reader=pyav"]
    )
    videos = [
        write_video(folder / "a.mp4", 30, rate=2, width=96, height=64),
        write_video(folder / "b.mp4", 10, rate=2, width=80, height=144),
    ]
    case = Case(folder, recipe, state, videos)
    case.texts.write_text("".join(f"{caption}\n" for caption in CAPTIONS), encoding="utf-8")
    return case


def reference(case: Case, places: list[list[int]], *, words: int, repeat: bool) -> dict[str, Tensor]:
    """The file of features that open_clip's own model and transform make."""
    state = {n.removeprefix("clip."): t for n, t in case.state.items() if n.startswith("clip.")}
    config = geometry({name: list(tensor.shape) for name, tensor in state.items()}, "test")
    clip: Any = CLIP(
        embed_dim=config["embed_dim"],
        quick_gelu=True,
        vision_cfg=config["vision_cfg"],
        text_cfg=config["text_cfg"],
    ).eval()
    clip.load_state_dict(state)
    transform = open_clip.image_transform(64, is_train=False)
    frames, mask = torch.zeros(len(places), FRAMES, 3, 64, 64), torch.zeros(len(places), FRAMES)
    for row, (path, chosen) in enumerate(zip(case.videos, places, strict=True)):
        with PyavReader().open(path) as video:
            images = [transform(Image.fromarray(frame)) for frame in video.read(chosen)]
        frames[row, : len(images)] = torch.stack(images)
        mask[row, : len(images)] = 1
        if repeat:
            frames[row, len(images) :] = images[-1]
    ids = open_clip.SimpleTokenizer(context_length=77)(CAPTIONS, context_length=words)
    padded = torch.zeros(len(ids), 77, dtype=torch.int64)
    padded[:, :words] = ids
    with torch.no_grad():
        x = clip.token_embedding(padded) + clip.positional_embedding
        x = clip.ln_final(clip.transformer(x, attn_mask=clip.attn_mask)) @ clip.text_projection
        encoded = clip.encode_image(frames.flatten(0, 1)).view(len(places), FRAMES, -1)
    ends = ids.argmax(dim=1)
    return {
        "sentence": x[torch.arange(len(ids)), ends],
        "words": x[:, :words].contiguous(),
        "word_mask": (torch.arange(words) <= ends[:, None]).float(),
        "frames": encoded,
        "frame_mask": mask,
        "logit_scale": case.state["clip.logit_scale"].exp(),
    }


EVERY_OTHER = [list(range(0, 30, 2)), list(range(0, 10, 2))]
THINNED = [[EVERY_OTHER[0][k] for k in np.linspace(0, 14, 12, dtype=int)], EVERY_OTHER[1]]
"""One a second; of 15 frames 12, from the first to the last."""
TWELFTHS = [
    [int(a + b - 1) // 2 for a, b in pairwise(x)]
    for x in (np.linspace(0, 30, 13).astype(int), np.linspace(0, 10, 11).astype(int))
]
AS_CLIP4CLIP = (
    "clip4clip-meanp",
    "clip4clip-seqlstm",
    "clip4clip-seqtransf",
    "clip4clip-tight",
    "xclip",
    "drl-dp",
    "drl-wti",
    "drl-xti",
    "tcmgc",
)
CASES = dict.fromkeys(AS_CLIP4CLIP, (THINNED, WORDS, False)) | {"xpool": (TWELFTHS, 77, True)}


@pytest.mark.parametrize("recipe", CASES)
def test_scores_are_those_of_features_made_otherwise(recipe: str, tmp_path: Path) -> None:
    case = make(tmp_path, recipe)
    scores = case.score()
    places, words, repeat = CASES[recipe]
    save_file(reference(case, places, words=words, repeat=repeat), tmp_path / "features.safetensors")
    save_file(case.state, tmp_path / "weights.safetensors")
    arguments = ["score", recipe, "--features", "features.safetensors", "--weights", "weights.safetensors"]
    arguments += ["--names", "official", "--out", "expected.safetensors", "--device", "cpu"]
    main([str(tmp_path / word) if word.endswith(".safetensors") else word for word in arguments])
    expected = load_file(tmp_path / "expected.safetensors")
    assert scores.keys() == expected.keys()
    for name, tensor in expected.items():
        assert tensor.std() > 1e-3, name
        torch.testing.assert_close(scores[name], tensor, atol=3e-4, rtol=1e-5, msg=name)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return make(tmp_path, "clip4clip-meanp")


def test_what_the_file_says_of_itself(case: Case) -> None:
    case.score()
    with safe_open(case.folder / "out.safetensors", "pt") as file:
        metadata = file.metadata()
    assert metadata["recipe"] == "clip4clip-meanp"
    assert metadata["checkpoint"] == "model"
    assert metadata["schema_version"] == "1"


def test_from_python_it_is_the_same(case: Case) -> None:
    scores = case.score()
    seen: list[tuple[int, int]] = []
    found = tcmgc.score_videos(
        "clip4clip-meanp",
        case.folder / "model",
        CAPTIONS,
        case.videos,
        device="cpu",
        progress=lambda done, total: seen.append((done, total)),
    )
    assert torch.equal(found.scores.total, scores["similarity"])
    model = tcmgc.load(case.folder / "model", device="cpu")
    assert torch.equal(model.similarity(CAPTIONS, case.videos), scores["similarity"])
    assert model.record is None
    assert seen[-1] == (7, 7)  # three texts; two videos, decoded and encoded
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_convolutions_are_exact_meanwhile(case: Case) -> None:
    """On a GPU too; they are as they were before afterwards."""
    assert torch.backends.cudnn.allow_tf32
    seen: set[bool] = set()
    tcmgc.score_videos(
        "clip4clip-meanp",
        case.folder / "model",
        CAPTIONS,
        case.videos,
        progress=lambda *_: seen.add(torch.backends.cudnn.allow_tf32),
    )
    assert seen == {False}
    assert torch.backends.cudnn.allow_tf32


def test_a_component_is_exchanged(case: Case) -> None:
    """Two frames a second are others; a stage with weights of its own is not in the checkpoint."""
    assert not torch.allclose(case.score()["similarity"], case.score("--set", "sampler.rate=2")["similarity"])
    said = fails(case, "--set", "stages.video=[lstm]")
    assert "head.stages.video.0.lstm" in said


def test_a_variant_goes_over_the_checkpoints_recipe(tmp_path: Path) -> None:
    case = make(tmp_path, "xclip")
    released, corrected = case.score(), case.score("--variant", "corrected")
    assert not torch.allclose(released["parts.video-word"], corrected["parts.video-word"], atol=1e-3)
    model = tcmgc.load(
        tmp_path / "model",
        device="cpu",
        overrides=["granularities.*.text_mask=true", "granularities.*.video_mask=true"],
    )
    torch.testing.assert_close(model.similarity(CAPTIONS, case.videos), corrected["similarity"])
    assert "did you mean 'corrected'?" in fails(case, "--variant", "corected")


def test_a_normalizer_over_all_queries(case: Case) -> None:
    plain, normalized = case.score(), case.score("--normalizer", "dual-softmax")
    assert not torch.allclose(plain["similarity"], normalized["similarity"])
    assert "no data set" in fails(case, "--normalizer", "sinkhorn")


def fails(case: Case, *more: object) -> str:
    """Run the command, and return the one error that it gives."""
    out = case.folder / "failed.safetensors"
    result = CliRunner().invoke(cli, case.arguments("--out", out, *more))
    assert isinstance(result.exception, tcmgc.TcmgcError), result.output
    assert not out.exists()
    return str(result.exception)


def test_another_recipe_is_refused(case: Case) -> None:
    case.recipe = "xclip"
    said = fails(case)
    assert "a checkpoint of recipe 'clip4clip-meanp'" in said
    assert "tcmgc score clip4clip-meanp --checkpoint" in said


def test_all_unreadable_videos_are_listed(case: Case) -> None:
    whole = case.videos[0].read_bytes()
    (case.folder / "half.mp4").write_bytes(whole[: len(whole) // 2])
    case.videos += [case.folder / "half.mp4", case.folder / "missing.mp4"]
    said = fails(case)
    assert said.startswith("2 of 4 videos")
    lines = said.splitlines()
    assert "half.mp4: cut short" in next(line for line in lines if "half" in line)
    assert "missing.mp4: no such file" in next(line for line in lines if "missing" in line)
    case.videos = case.videos[-1:]
    assert fails(case).startswith(f"video {case.videos[0]}\n  found:    no such file")


@pytest.mark.parametrize("slot", ["encoder", "sampler", "reader"])
def test_a_part_that_is_taken_out(slot: str, case: Case) -> None:
    said = fails(case, "--set", f"{slot}=null")
    assert said.startswith(f"--set {slot}=null: {slot}\n  found:    no {slot}\n  expected: one of ")


def test_captions_with_a_mistake(case: Case) -> None:
    case.texts.write_bytes(b"a cat\n\n")
    assert "line 2" in fails(case)


def test_a_folder_without_a_model(case: Case) -> None:
    (case.folder / "model" / "import.json").unlink()
    assert "record.json" in fails(case)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["--features", "f", "--videos", "a.mp4", "b.mp4"],
            ["--features beside --videos", "--checkpoint DIR"],
        ),
        (["--checkpoint", "model", "--dtype", "float64"], ["--dtype beside --checkpoint"]),
        (["--checkpoint", "model", "--videos", "a.mp4"], ["no --texts", "--checkpoint DIR --videos FILE..."]),
        (["--texts", "t.txt"], ["no --checkpoint and no --videos"]),
        ([], ["no --features", "--features FILE or --checkpoint DIR"]),
    ],
)
def test_one_of_two_forms(arguments: list[str], says: list[str]) -> None:
    result = CliRunner().invoke(cli, ["score", "xclip", *arguments, "--out", "out.safetensors"])
    assert isinstance(result.exception, tcmgc.ConfigError)
    for words in says:
        assert words in str(result.exception)
