"""The sections that a protocol has, and protocols over recipes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from tcmgc import ConfigError, PluginError
from tcmgc.api import read_recipe
from tcmgc.app import current_registry
from tcmgc.cli.main import cli
from tcmgc.plugins import Plugins
from tcmgc.recipes.json_schema import recipe_schema
from tcmgc.recipes.protocol import load_protocol
from tcmgc.recipes.show import as_yaml

if TYPE_CHECKING:
    from pathlib import Path

TRAINING = {
    "epochs": 5,
    "batch_size": 32,
    "hard_negatives": False,
    "learning_rate": 1e-4,
    "encoder_learning_rate": 1e-7,
    "optimizer": None,
    "schedule": None,
    "gradient_clip": 1.0,
    "selection": {"metric": "r1", "direction": "t2v"},
}


@pytest.fixture
def protocol(tmp_path: Path) -> Path:
    path = tmp_path / "held-fixed.yaml"
    path.write_text(
        "schema_version: 1\nsummary: fixed\ndataset: {name: storyshapes, size: mini}\nreader: pyav\n"
        "sampler: {name: uniform, frames: 6}\nencoder: {name: open-clip, words: 20}\n"
        "training:\n  epochs: 3\n  optimizer: {name: adamw, weight_decay: 0.1}\n  schedule: constant\n"
    )
    return path


@pytest.mark.parametrize("name", sorted(current_registry().protocol_files))
def test_every_protocol_goes_over_every_recipe(name: str, tmp_path: Path) -> None:
    for recipe in current_registry().recipe_files:
        read = read_recipe(recipe, protocol=name)
        assert read.protocol == name
        assert read.config["encoder"] is not None
        assert read.config["sampler"] is not None
        shown = tmp_path / f"{recipe}.yaml"
        shown.write_text(as_yaml(read))
        assert read_recipe(shown).digest == read.digest


def test_a_recipe_without_a_protocol_has_none_of_its_sections() -> None:
    config = read_recipe("xpool").config
    assert [config[section] for section in ("dataset", "reader", "sampler", "encoder", "training")] == [
        None
    ] * 5
    assert config["trained"] is True
    assert config["protocol"] in current_registry().protocol_files


def test_training_has_defaults() -> None:
    assert read_recipe("xpool", overrides=["training.epochs=5"]).config["training"] == TRAINING


def test_a_protocol_goes_over_the_recipe_and_overrides_over_both(protocol: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "base: xpool\nencoder: {name: open-clip, words: 12, freeze: all}\ntraining: {epochs: 9}\n"
    )
    read = read_recipe(
        mine, protocol=protocol, overrides=["encoder.words=16", "training.optimizer=bert-adam"]
    )
    assert read.protocol == "held-fixed"
    assert read.config["protocol"] is None
    assert read.config["encoder"]["words"] == 16
    assert read.config["encoder"]["freeze"] == "all"
    assert read.config["training"]["epochs"] == 3
    # A changed name drops the old optimizer's parameters.
    assert read.config["training"]["optimizer"]["name"] == "bert-adam"
    assert read.config["training"]["optimizer"]["weight_decay"] == 0.2
    assert read.resolved.origins["dataset", "size"] == f"{protocol}:3"
    assert read.resolved.origins["training", "epochs"] == f"{protocol}:8"
    assert read.resolved.origins["training", "batch_size"] == "default of training"


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("training.epochs=2", ("training", "epochs"), 2),
        ("training.gradient_clip=null", ("training", "gradient_clip"), None),
        ("training.selection.metric=sumr", ("training", "selection", "metric"), "sumr"),
        ("training.optimizer.weight_decay=0.3", ("training", "optimizer", "weight_decay"), 0.3),
        ("training.schedule={name: warmup-cosine, warmup: 0.2}", ("training", "schedule", "warmup"), 0.2),
        ("encoder.freeze=all", ("encoder", "freeze"), "all"),
        ("dataset.size=full", ("dataset", "size"), "full"),
        ("reader=decord", ("reader", "name"), "decord"),
        ("sampler.frames=8", ("sampler", "frames"), 8),
        ("trained=false", ("trained",), False),
    ],
)
def test_overrides(protocol: Path, override: str, path: tuple[str, ...], value: object) -> None:
    found: Any = read_recipe("xclip", protocol=protocol, overrides=[override]).config
    for key in path:
        found = found[key]
    assert found == value


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("training.epoch=2", "did you mean 'epochs'"),
        ("training.epochs=0", "int >= 1"),
        ("training.batch_size=1", "int >= 2"),
        ("training.selection.direction=t2i", "'t2v' | 'v2t'"),
        ("training.selection.metrics=r1", "did you mean 'metric'"),
        ("training.optimizer=adam", "unknown optimizer 'adam'"),
        ("training.optimizer.decay=1", "unknown parameter of optimizer 'adamw'"),
        ("dataset.size=huge", "'mini' | 'quick' | 'full'"),
        ("dataset=storyshape", "did you mean 'storyshapes'"),
        ("encoder.freeze=some", "'nothing' | 'embeddings' | 'all'"),
        ("sampler.frames=0", "int >= 1"),
        ("trained=maybe", "bool"),
    ],
)
def test_mistakes(protocol: Path, override: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_recipe("xclip", protocol=protocol, overrides=[override])
    assert said in str(caught.value)
    assert f"--set {override}" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("views: {}\n", "'views' in a protocol"),
        ("summary: x\nseeds: [1]\n", "one of schema_version, summary, dataset"),
        ("trainig: {}\n", "did you mean 'training'"),
        ("schema_version: 2\n", "expected: 1"),
        ("training: [1]\n", "a list of 1"),
        ("training: {epochs: many}\n", "'many'"),
    ],
)
def test_a_wrong_protocol(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_recipe("xpool", protocol=path)
    assert said in str(caught.value)
    assert f"{path}:" in str(caught.value)


def test_an_unknown_protocol_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'storyshapes'"):
        load_protocol(current_registry(), "storyshape")


def test_json_schema_knows_the_sections(protocol: Path) -> None:
    validator = jsonschema.Draft202012Validator(recipe_schema(current_registry()))
    tree = YAML(typ="safe").load(protocol)
    for recipe in ({"base": "xpool", **tree}, {"base": "xpool", "trained": False, "protocol": "storyshapes"}):
        validator.validate(recipe)
    for wrong in (
        {"training": {"epochs": 0}},
        {"training": {"selection": {"metrics": "r1"}}},
        {"encoder": {"words": 20}},
        {"dataset": "storyshape"},
    ):
        assert not validator.is_valid({"base": "xpool", **wrong}), wrong


def test_show_with_a_protocol(protocol: Path) -> None:
    arguments = ["recipe", "show", "xpool", "--protocol", str(protocol), "training.epochs=2"]
    shown = CliRunner().invoke(cli, arguments, catch_exceptions=False).stdout
    assert "  epochs: 2" in shown
    assert "size: mini" in shown
    said = json.loads(CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False).stdout)
    assert said["protocol"] == "held-fixed"
    assert said["config"]["training"]["optimizer"]["weight_decay"] == 0.1


def test_a_name_may_not_be_a_recipe_and_a_suite(tmp_path: Path) -> None:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "xpool.yaml").write_text("rows: [xclip]\n")
    (tmp_path / "plugin.py").write_text(
        "from tcmgc import hookimpl\n\n\n@hookimpl\ndef tcmgc_register(register):\n"
        f"    register.suites({str(tmp_path / 'suites')!r})\n"
    )
    plugins = Plugins()
    plugins.load_installed()
    with pytest.raises(PluginError, match="suite 'xpool' is registered twice"):
        plugins.load(str(tmp_path / "plugin.py"))
    assert "xpool" not in plugins.registry.suite_files
