"""Splits with frames: which, how large, of which part of a file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

from frame_cases import load
from tcmgc.data.clip import Clip
from tcmgc.data.decode import Decoding
from tcmgc.data.preprocess import square
from tcmgc.errors import DataError
from tcmgc_plugins.readers.pyav_reader import PyavReader
from tcmgc_plugins.samplers.uniform import Uniform
from video_files import VideoFolder, number_of

if TYPE_CHECKING:
    from tcmgc.data.clip import Split, SplitName


def test_frames_are_the_samplers_and_padding_is_zero(videos: VideoFolder) -> None:
    data = load(videos)
    assert data.pixels.shape == (3, 9, 32, 32, 3)
    assert data.pixels.dtype == np.uint8
    assert data.mask.sum(axis=1).tolist() == [9, 9, 8]
    assert [number_of(frame) for frame in data.pixels[2][:8]] == list(range(8))
    assert not data.pixels[2, 8].any()
    assert np.isnan(data.times[2, 8])
    assert data.times[1] == pytest.approx(np.arange(9) / 10)
    assert np.array_equal(data.mask, ~np.isnan(data.times))
    assert [clip.id for clip in data.split.clips] == ["0", "1", "2"]


def test_a_window_of_a_file(videos: VideoFolder) -> None:
    class Windows(VideoFolder):
        def split(self, name: SplitName) -> Split:
            split = super().split(name)
            return replace(split, clips=tuple(replace(clip, start=0.3, end=0.6) for clip in split.clips))

    data = load(Windows(videos.folder))
    assert data.mask.sum(axis=1).tolist() == [3, 3, 3]
    assert [number_of(frame) for frame in data.pixels[0][:3]] == [3, 4, 5]
    assert data.times[0][:3] == pytest.approx([0.0, 0.1, 0.2])  # from the clip's start, as moments are


def test_a_missing_file(videos: VideoFolder) -> None:
    class Missing(VideoFolder):
        def split(self, name: SplitName) -> Split:
            split = super().split(name)
            (self.folder / "1.mp4").unlink()
            return split

    with pytest.raises(DataError, match=r"clip 1: video .*1\.mp4\n.*no such file"):
        load(Missing(videos.folder), workers=1)


@pytest.mark.parametrize("chosen", [[], list(range(10)), [99]])
def test_a_sampler_may_not_choose_so(videos: VideoFolder, chosen: list[int]) -> None:
    class Odd:
        frames = 9

        def __call__(self, *_: object) -> list[int]:
            return chosen

    with pytest.raises(DataError, match=r"clip 0: .*\n.*may choose 1 to 9"):
        load(videos, sampler=Odd())


@pytest.mark.parametrize("shape", [(64, 64), (48, 97), (101, 60), (33, 32), (20, 31), (240, 427)])
def test_preprocessing_is_clips(shape: tuple[int, int]) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    clips = Compose([Resize(32, interpolation=InterpolationMode.BICUBIC), CenterCrop(32)])
    assert np.array_equal(square(frame, 32), np.asarray(clips(Image.fromarray(frame))))


def test_a_clip_outside_its_file(videos: VideoFolder) -> None:
    decoding = Decoding(PyavReader(), Uniform(frames=4), 32)
    clip = Clip("late", videos.folder / "0.mp4", start=100.0, end=101.0)
    pixels, _ = decoding(clip)
    assert [number_of(frame) for frame in pixels] == [9]
