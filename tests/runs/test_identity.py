"""What an identity and a fingerprint depend on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tcmgc.app import current_registry
from tcmgc.data.clip import Caption, Clip, Split
from tcmgc.recipes.load import load_recipe
from tcmgc.runs.components import used_components
from tcmgc.runs.dataset_title import dataset_title
from tcmgc.runs.fingerprint import display, fingerprint, fingerprint_fields, split_sha256
from tcmgc.runs.identity import identity, identity_parts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tcmgc.data.clip import SplitName

REGISTRY = current_registry()
PROGRAM = """
from tcmgc.app import current_registry
from tcmgc.recipes.load import load_recipe
from tcmgc.runs.identity import identity, identity_parts
class Encoder:
    weights_sha256, version = "w", "e"
registry = current_registry()
recipe = load_recipe(registry, "tcmgc", protocol="storyshapes")
print(identity(identity_parts(recipe, registry, seed=0, fingerprint="f" * 64, encoder=Encoder())))
"""


def identified(
    *overrides: str,
    recipe: str = "tcmgc",
    seed: int = 0,
    mark: str = "f",
    weights: str = "w",
    version: str = "e",
    splits: Iterable[Split] = (),
) -> str:
    read = load_recipe(REGISTRY, recipe, protocol="storyshapes", overrides=overrides)
    encoder: Any = SimpleNamespace(weights_sha256=weights, version=version)
    parts = identity_parts(read, REGISTRY, seed=seed, fingerprint=mark * 64, encoder=encoder, splits=splits)
    return identity(parts)


def test_it_is_the_same_in_another_process() -> None:
    other = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == identified()


def test_what_changes_it() -> None:
    same = identified()
    assert same == identified()
    changed = {
        identified("aggregator=mean"),
        identified("training.epochs=77"),
        identified("granularities.video-word.reorganizer.keep_rate=0.2"),
        identified("losses.infonce=2"),
        identified("trained=false"),
        identified(recipe="xclip"),
        identified(seed=1),
        identified(mark="e"),
        identified(weights="v"),
        identified(version="f"),
        identified(splits=[split()]),
        identified(splits=[split("a bird")]),
        identified(splits=[split(rule="all")]),
        identified(splits=[split(name="val")]),
    }
    assert len(changed) == 14
    assert same not in changed


def test_texts_do_not_change_it(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("base: tcmgc\nsummary: other words\npaper: none\nvariants: {}\nprotocol: null\n")
    assert identified(recipe=str(mine)) == identified()


def test_components_are_found_wherever_they_stand() -> None:
    config = load_recipe(REGISTRY, "tcmgc", protocol="storyshapes").config
    used = used_components(config, REGISTRY)
    assert {
        "aggregator lsa",
        "interaction bi-isa",
        "loss sdr",
        "metric recall",
        "optimizer adamw",
        "reorganizer fuse",
        "schedule warmup-cosine",
        "stage transformer",
        "view attention",
    } < set(used)
    assert not any(label.startswith("normalizer") for label in used)
    untrained = used_components({**config, "trained": False}, REGISTRY)
    gone = {label.partition(" ")[0] for label in set(used) - set(untrained)}
    assert gone == {"loss", "metric", "optimizer", "schedule"}


class Stub:
    version, frames, words, image_size, weights_sha256 = "1", 12, 24, 64, "a" * 64


def split(
    text: str = "a cat", folder: str = "/one", rule: str = "one a clip", name: SplitName = "test"
) -> Split:
    clips = (Clip("a", Path(folder) / "a.mp4"), Clip("b", Path(folder) / "b.mp4", 0.0, 2.0))
    captions = (Caption("1", "a", text), Caption("2", "b", "a dog"))
    return Split(name, clips, captions, rule, 3)


def fields(
    *overrides: str, part: Split | None = None, precision: str = "32-true", encoder: str = "1"
) -> dict[str, Any]:
    config = load_recipe(REGISTRY, "tcmgc", protocol="storyshapes", overrides=overrides).config
    stub: Any = Stub()
    encoding: Any = Stub()
    encoding.version = encoder
    return fingerprint_fields(
        config,
        REGISTRY,
        dataset=stub,
        split=part or split(),
        reader=stub,
        sampler=stub,
        encoder=encoding,
        precision=precision,
    )


def test_a_fingerprint_is_of_the_protocol_and_of_no_method() -> None:
    same = fingerprint(fields())
    for method in ("aggregator=mean", "views.video.heads=2", "losses.sdr=null", "stages.video=[]"):
        assert fingerprint(fields(method)) == same, method
    for protocol in (
        "dataset.size=mini",
        "sampler=fps-then-uniform",
        "encoder.freeze=all",
        "training.batch_size=8",
        "training.epochs=77",
        "training.optimizer=bert-adam",
        "normalizer=sinkhorn",
    ):
        swapped = (
            "sampler={name: fps-then-uniform, frames: 12}" if protocol.startswith("sampler") else protocol
        )
        assert fingerprint(fields(swapped)) != same, protocol
    assert fingerprint(fields(part=split("a bird"))) != same
    assert fingerprint(fields(part=split(rule="all"))) != same
    assert fingerprint(fields(precision="bf16-mixed")) != same
    assert fingerprint(fields(encoder="2")) != same
    more = fields("normalizer={name: sinkhorn, iterations: 9}")
    assert more["normalizer"] == "sinkhorn iterations=9"
    assert fingerprint(more) != fingerprint(fields("normalizer=sinkhorn"))


def test_no_path_of_the_machine_is_in_it(tmp_path: Path) -> None:
    found = fields(f"dataset.root={tmp_path}", f"encoder.pretrained={tmp_path / 'weights.safetensors'}")
    assert str(tmp_path) not in json.dumps(found)
    assert fingerprint(found) == fingerprint(fields())
    assert split_sha256(split(folder="/elsewhere")) == split_sha256(split())
    assert found["clips_found"] == 2
    assert found["clips_expected"] == 3
    assert found == json.loads(json.dumps(found))


@pytest.mark.parametrize(
    ("config", "shown"),
    [
        (
            {"name": "storyshapes", "size": "quick", "captions": 1, "seed": 0, "root": "/x"},
            "storyshapes quick",
        ),
        ({"name": "storyshapes", "size": "full", "captions": 3, "seed": 0, "root": None}, "storyshapes full"),
        # What was found is in the fingerprint itself; how missing files are treated is not in the name.
        (
            {"name": "msr-vtt", "split": "1k-b", "validation": "own", "missing": "drop", "root": "/x"},
            "msr-vtt 1k-b own",
        ),
    ],
)
def test_a_data_set_is_shown_by_name_and_choice(config: dict[str, Any], shown: str) -> None:
    assert display(REGISTRY, "dataset", config) == shown


@pytest.mark.parametrize(
    ("config", "title"),
    [
        ({"name": "storyshapes", "size": "quick"}, "storyshapes quick"),
        ({"name": "msr-vtt", "split": "1k-a-9k", "validation": "own"}, "MSR-VTT 1k-A, 9k train"),
        (
            {"name": "msr-vtt", "split": "1k-b", "validation": "test"},
            "MSR-VTT 1k-B, validated on test",
        ),
        ({"name": "activitynet", "validation": "test"}, "ActivityNet Captions, validated on test"),
        ({"name": "vatex"}, "VATEX"),
        ({"name": "folder"}, "folder"),
    ],
)
def test_what_tables_call_a_data_set(config: dict[str, Any], title: str) -> None:
    assert dataset_title(REGISTRY, config) == title
