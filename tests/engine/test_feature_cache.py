"""A frozen encoder's features are computed once."""

from __future__ import annotations

import errno
import os
import warnings
from typing import TYPE_CHECKING, NoReturn

import pytest
import torch

from engine_cases import TinyEncoder, build, run, tiny_split
from source_edits import edit
from tcmgc.data.cache_folder import CacheWarning
from tcmgc.engine import feature_cache
from tcmgc.engine.encode import encode
from tcmgc.engine.fabric import make_fabric
from tcmgc.engine.feature_cache import cached_features
from tcmgc.engine.feature_tensors import text_tensors, video_tensors
from tcmgc.files import tensors

if TYPE_CHECKING:
    from pathlib import Path

    from lightning_fabric import Fabric

    from tcmgc.engine.encoded_model import EncodedModel
    from tcmgc.engine.progress import TrainingProgress
    from tcmgc.features import TextFeatures, VideoFeatures

    Features = tuple[TextFeatures, VideoFeatures]

TOWER = "tcmgc_plugins.encoders.text_tower"


def calls(model: EncodedModel) -> int:
    return model.encoder.calls  # type: ignore[attr-defined,no-any-return]


def check(found: Features, expected: Features) -> None:
    for ours, theirs in (
        (text_tensors(found[0]), text_tensors(expected[0])),
        (video_tensors(found[1]), video_tensors(expected[1])),
    ):
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_the_second_training_does_not_encode(fabric: Fabric, tmp_path: Path) -> None:
    first, second = build(frozen=True), build(frozen=True)
    before = {name: tensor.clone() for name, tensor in first.encoder.state_dict().items()}  # type: ignore[attr-defined]
    messages: list[TrainingProgress] = []
    training = run(fabric, first, tmp_path / "1", progress=messages.append)
    assert calls(first) > 0
    encoding = [(m.step, m.steps) for m in messages if m.activity == "encoding"]
    assert encoding == sorted(encoding)
    assert encoding[-1] == (80 + 40 + 16 + 16, 80 + 40 + 16 + 16)
    again = run(fabric, second, tmp_path / "2")
    assert calls(second) == 0
    assert again.selection == training.selection
    assert all(torch.equal(t, before[n]) for n, t in first.encoder.state_dict().items())  # type: ignore[attr-defined]
    assert training.history["epochs"][-1]["loss"] < training.history["epochs"][0]["loss"]


def test_the_features_are_the_encoders(fabric: Fabric) -> None:
    model, data = build(frozen=True), tiny_split("val", 16, captions=2)
    features = encode(fabric, model, data)
    for _ in range(2):
        check(cached_features(fabric, model, data), features)


def test_what_features_depend_on(fabric: Fabric, cache: Path) -> None:
    model, data = build(frozen=True), tiny_split("val", 16)
    cached_features(fabric, model, data)
    variants = [
        (fabric, build(frozen=True, seed=0, dropout=0.2), data, 0),
        (fabric, build("xpool", frozen=True), data, 1),  # reads no words
        (fabric, build(frozen=True), tiny_split("val", 15), 1),
        (make_fabric("cpu", "bf16-mixed"), build(frozen=True), data, 1),
    ]
    other = build(frozen=True)
    other.encoder.weights_sha256 = "others"
    variants.append((fabric, other, data, 1))
    configured = build(frozen=True)
    configured.encoder.version = "tiny 2"
    variants.append((fabric, configured, data, 1))
    pixels = data.pixels.copy()
    pixels[3, 1, 0, 0, 0] ^= 1
    variants.append((fabric, build(frozen=True), type(data)(data.split, pixels, data.mask, data.times), 1))
    files = len(list(cache.rglob("*.safetensors")))
    for variant_fabric, variant, variant_data, more in variants:
        cached_features(variant_fabric, variant, variant_data)
        files += more
        assert len(list(cache.rglob("*.safetensors"))) == files


@pytest.mark.parametrize(
    "name",
    [
        TOWER,
        "tcmgc.features",
        "tcmgc.engine.encode",
        "tcmgc.engine.encoded_model",
        "tcmgc.engine.feature_tensors",
    ],
)
def test_features_depend_on_the_source_of_what_encodes(
    fabric: Fabric, cache: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tests' own encoder stands in a module that imports all of the engine.
    monkeypatch.setattr(TinyEncoder, "__module__", TOWER)
    data = tiny_split("val", 16)
    cached_features(fabric, build(frozen=True), data)
    edit(name, monkeypatch)
    cached_features(fabric, build(frozen=True), data)
    assert len(list(cache.rglob("*.safetensors"))) == 2
    edit("tcmgc.builder", monkeypatch)  # the head, of which only the inputs count
    cached_features(fabric, build(frozen=True), data)
    assert len(list(cache.rglob("*.safetensors"))) == 2


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_a_damaged_file_is_made_again(fabric: Fabric, cache: Path, damage: str) -> None:
    model, data = build(frozen=True), tiny_split("val", 16)
    text, _ = cached_features(fabric, model, data)
    assert text.sentence is not None
    expected = text.sentence.clone()
    (path,) = cache.rglob("*.safetensors")
    content = bytearray(path.read_bytes())
    content[-1] ^= 255
    path.unlink()  # the tensors above are mapped from it
    path.write_bytes({"flip": content, "cut": content[:-9], "empty": b""}[damage])
    encoded = calls(model)
    text, _ = cached_features(fabric, model, data)
    assert calls(model) > encoded
    assert text.sentence is not None
    assert torch.equal(text.sentence, expected)
    encoded = calls(model)
    cached_features(fabric, model, data)
    assert calls(model) == encoded


@pytest.mark.parametrize(
    ("place", "reason"), [("file", os.strerror(errno.ENOTDIR)), ("x" * 300, os.strerror(errno.ENAMETOOLONG))]
)
def test_a_training_goes_on_where_the_cache_cannot_be_made(
    fabric: Fabric, tmp_path: Path, place: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even by root, as whom tests may run."""
    expected = run(fabric, build(frozen=True), tmp_path / "1")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TCMGC_CACHE", str(tmp_path / place))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        training = run(fabric, build(frozen=True), tmp_path / "2")
    assert training.selection == expected.selection
    losses = [[epoch["loss"] for epoch in done.history["epochs"]] for done in (training, expected)]
    assert losses[0] == losses[1]
    (warning,) = (str(one.message) for one in caught)
    assert warning == (
        f"cache {tmp_path / place / 'features'} cannot be written: {reason}; features are kept in memory, "
        "and made again next time; TCMGC_CACHE=DIR names another cache"
    )


def test_a_full_disk(fabric: Fabric, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    model, data = build(frozen=True), tiny_split("val", 16)
    expected = encode(fabric, model, data)
    with monkeypatch.context() as patch:
        patch.setattr(tensors, "save_file", refuse)
        with pytest.warns(CacheWarning, match="features cannot .*: No space left"):
            check(cached_features(fabric, model, data), expected)
    assert not any((cache / "features").iterdir())
    cached_features(fabric, model, data)  # there is space again
    encoded = calls(model)
    check(cached_features(fabric, model, data), expected)
    assert calls(model) == encoded


def test_a_disk_that_gives_other_bytes(fabric: Fabric, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(path: Path, *content: object) -> None:
        tensors.write_tensors(path, *content)  # type: ignore[arg-type]
        os.truncate(path, path.stat().st_size - 1)

    model, data = build(frozen=True), tiny_split("val", 16)
    monkeypatch.setattr(feature_cache, "write_tensors", write)
    with pytest.warns(CacheWarning, match=f"{cache}/features gives other bytes than were written"):
        check(cached_features(fabric, model, data), encode(fabric, model, data))


def test_a_folder_in_place_of_a_file(fabric: Fabric, cache: Path) -> None:
    model, data = build(frozen=True), tiny_split("val", 16)
    cached_features(fabric, model, data)
    (path,) = cache.rglob("*.safetensors")
    path.unlink()
    path.mkdir()
    with pytest.warns(CacheWarning, match=os.strerror(errno.EISDIR)):
        check(cached_features(fabric, model, data), encode(fabric, model, data))
