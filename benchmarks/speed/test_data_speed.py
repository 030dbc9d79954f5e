"""How long decoding a clip takes, against decord's plain loop, and reading cached frames.

    pytest benchmarks/speed/test_data_speed.py --benchmark-enable --benchmark-only

``tcmgc bench data --videos DIR`` measures the same on files of your own. Without ``--benchmark-enable`` every
case runs once, as a test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from tcmgc.app import current_registry
from tcmgc.data.clip import Clip
from tcmgc.data.decode import Decoding
from tcmgc_benchmarks.bench.data import forms, memory, readable, speed
from tcmgc_benchmarks.bench.tasks import DecodeOnly, PlainDecord

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

FRAMES, WIDTH, HEIGHT, SIDE = 150, 320, 240, 224


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """Six seconds of a picture that moves, as x264 encodes by default."""
    path: Path = tmp_path_factory.mktemp("videos") / "a.mp4"
    picture = np.random.default_rng(0).integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), dtype=np.uint8)
    picture = picture.repeat(8, axis=0).repeat(8, axis=1)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(FRAMES):
            frame = np.roll(picture, 2 * number, axis=1)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        file.mux(stream.encode(None))
    return Clip("a", path)


def decoding(reader: str) -> Decoding:
    registry = current_registry()
    sampler = registry.create("sampler", {"name": "fps-then-uniform", "frames": 12}, {})
    return Decoding(registry.create("reader", {"name": reader}, {}), sampler, SIDE)


@pytest.mark.parametrize("reader", ["pyav", "decord"])
def test_decoding(reader: str, clip: Clip, benchmark: BenchmarkFixture) -> None:
    if reader == "decord":
        pytest.importorskip("decord")
    pixels, _ = benchmark.pedantic(decoding(reader), args=(clip,), warmup_rounds=1, rounds=10)
    assert pixels.shape == (6, SIDE, SIDE, 3)


def test_plain_decord(clip: Clip, benchmark: BenchmarkFixture) -> None:
    pytest.importorskip("decord")
    plain = PlainDecord(decoding("pyav").sampler, SIDE)
    pixels = benchmark.pedantic(plain.frames, args=(clip.path,), warmup_rounds=1, rounds=10)
    difference = np.abs(pixels.astype(int) - decoding("pyav")(clip)[0]).mean()
    assert difference < 1


def test_cached_frames(clip: Clip, tmp_path: Path, benchmark: BenchmarkFixture) -> None:
    pixels, _ = decoding("pyav")(clip)
    np.save(tmp_path / "frames.npy", np.stack([pixels] * 32))
    mapped = np.load(tmp_path / "frames.npy", mmap_mode="c")
    rows = np.random.default_rng(0).permutation(32)[:16]
    batch = benchmark.pedantic(lambda: mapped[rows], warmup_rounds=1, rounds=10)
    assert np.array_equal(batch[0], pixels)


def test_what_the_command_measures(clip: Clip) -> None:
    pytest.importorskip("decord")
    how = decoding("pyav")
    assert readable(DecodeOnly(how), [clip, Clip("b", clip.path.with_name("b.mp4"))]) == [clip]
    found = speed(how, [clip] * 3, processes=0, repeats=2)
    assert (found.videos, found.frames, found.processes) == (3, 18, 0)
    assert found.ratio > 0
    assert 0 < found.write < found.decode
    shapes = forms(list(how(clip)[0]), repeats=1)
    raw, *others = shapes
    assert raw.frame_bytes == SIDE * SIDE * 3
    assert raw.error == 0
    assert all(form.frame_bytes < raw.frame_bytes for form in others)
    errors = {form.name: form.error for form in others}
    assert errors["JPEG, quality 95, 4:4:4"] < errors["JPEG, quality 90"]
    assert [form.name for form in others if form.error == 0] == ["WebP, lossless", "PNG, level 1"]
    sizes = memory(how, [clip], 12)
    assert len(sizes) == 12
    assert min(sizes) > 10e6
