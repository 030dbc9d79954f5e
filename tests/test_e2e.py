"""From raw frames, captions and official checkpoints to what the official code makes of them: shared/e2e."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import save_file

import tcmgc
from e2e_cases import CASES, E2E, MISSING, E2ECase, captions, frames, load, name_of
from e2e_measure import measure, preprocessing
from tcmgc_plugins.encoders.captions import CaptionTokens
from tcmgc_plugins.encoders.open_clip_model import create_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not E2E.is_dir(), reason=MISSING)
LOST = {".position_ids"}
"""Ends of official names that hold no weights."""


def test_the_files_are_those_that_the_tolerances_are_of() -> None:
    for line in (E2E / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((E2E / name.removeprefix("./")).read_bytes()).hexdigest() == digest, name


def test_preprocessing() -> None:
    for one in preprocessing():
        assert one.largest <= one.tolerance, one


def test_frames_that_are_there() -> None:
    _, mask = frames()
    for row, name in enumerate(("video_0_video7500", "video_3_mmaction2_demo")):
        expected = load(name)["video_mask"].bool()
        assert torch.equal(torch.from_numpy(mask[(0, 3)[row]]), expected)


def test_token_ids() -> None:
    text = load("text")
    cut, whole = (
        CaptionTokens(create_tokenizer("ViT-B-32"), "ViT-B-32", words, "clip", "cut")(captions())
        for words in (32, 77)
    )
    assert torch.equal(cut.ids, text["input_ids"])
    assert torch.equal(cut.mask, text["input_mask"].bool())
    assert torch.equal(whole.ids, text["xpool_input_ids77"])


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_every_quantity_is_within_its_tolerance(case: E2ECase, tmp_path: Path) -> None:
    found = measure(case, tmp_path)
    measured = {one.quantity for one in found}
    assert {"out.sentence", "out.frames", "out.sim"} <= measured
    assert {name for name in case.outputs if name.startswith("mid.")} <= measured
    for one in found:
        assert one.largest <= one.tolerance, one


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_every_name_is_mapped_and_goes_back(case: E2ECase, tmp_path: Path) -> None:
    official = case.official()
    record, _ = case.imported(tmp_path)
    assert record.missing == ()
    lost = {name for name in official if name.endswith(tuple(LOST))}
    assert {one.official for one in record.ignored} == lost
    (folder,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    back = tcmgc.export_checkpoint(folder, tmp_path / "back.bin")
    assert back.keys() == official.keys() - lost
    for name, tensor in back.items():
        assert tensor.dtype == official[name].dtype, name
        assert torch.equal(tensor, official[name]), name


def test_both_names_of_x_pool_are_one_model(tmp_path: Path) -> None:
    clip, hf = CASES[-2], CASES[-1]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    clip.imported(tmp_path / "a")
    _, model = hf.imported(tmp_path / "b")
    (ours,) = [path for path in (tmp_path / "a").iterdir() if path.is_dir()]
    exported = tcmgc.export_checkpoint(ours, tmp_path / "hf.safetensors", names="hf")
    save_file(exported, tmp_path / "again.safetensors")
    tcmgc.import_checkpoint(tmp_path / "again.safetensors", "xpool", tmp_path / "again")
    again = tcmgc.load(tmp_path / "again", device="cpu").model.state_dict()
    for name, tensor in model.model.state_dict().items():
        assert torch.equal(tensor, again[name]), name
