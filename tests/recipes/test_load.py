"""Recipes: bases, variants, overrides, defaults and origins."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tcmgc import ConfigError
from tcmgc.api import read_recipe
from tcmgc.app import current_registry
from tcmgc.cli.main import cli
from tcmgc.recipes.json_schema import recipe_schema
from tcmgc.recipes.merge import merge
from tcmgc.recipes.show import as_yaml
from tcmgc.recipes.tree import from_plain, parse_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.recipes.tree import Node

RECIPES = sorted(current_registry().recipe_files)


AT = ("granularities", "video-word", "interaction")


def over(base: object, change: object, path: tuple[str, ...] = AT) -> object:
    return merge(from_plain(base, "base"), from_plain(change, "change"), path).plain()


@pytest.mark.parametrize(
    ("base", "change", "expected"),
    [
        ({"a": 1, "b": {"c": 2}}, {"b": {"d": 3}}, {"a": 1, "b": {"c": 2, "d": 3}}),
        ({"name": "isa", "temperature": 1}, {"temperature": 2}, {"name": "isa", "temperature": 2}),
        ({"name": "isa", "temperature": 1}, {"name": "isa"}, {"name": "isa", "temperature": 1}),
        ({"name": "isa", "temperature": 1}, {"name": "wti"}, {"name": "wti"}),
        ({"name": "isa", "temperature": 1}, "wti", "wti"),
        ("isa", {"temperature": 2}, {"name": "isa", "temperature": 2}),
        ("isa", {"name": "wti", "layers": 1}, {"name": "wti", "layers": 1}),
        ({"share": "video", "query": "words"}, {"name": "identity"}, {"name": "identity"}),
        ([1, 2], [3], [3]),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        (None, {"a": 1}, {"a": 1}),
    ],
)
def test_merge_rules(base: object, change: object, expected: object) -> None:
    assert over(base, change) == expected


@pytest.mark.parametrize(
    ("base", "change", "path", "expected"),
    [
        # a loss may be named by its key, and a number is its weight
        (0.5, {"granularity": "x"}, ("losses", "cdcr"), {"weight": 0.5, "granularity": "x"}),
        ({"weight": 0.5}, {"name": "sdr"}, ("losses", "sdr"), {"weight": 0.5, "name": "sdr"}),
        ({"weight": 0.5}, {"name": "cdcr"}, ("losses", "sdr"), {"name": "cdcr"}),
        # an entry of a section may be called `name`
        ({"a": {"text": "words"}}, {"name": {"text": "sentence"}}, ("granularities",), None),
        (
            {"share": "video", "query": "words"},
            {"name": "identity"},
            ("views", "frames"),
            {"name": "identity"},
        ),
    ],
)
def test_merge_knows_the_place(base: object, change: object, path: tuple[str, ...], expected: object) -> None:
    together = {**base, **change} if isinstance(base, dict) and isinstance(change, dict) else None
    assert over(base, change, path) == (together if expected is None else expected)


TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["isa", "mean"]),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=8,
)


@given(TREES, TREES)
def test_merging_twice_changes_nothing_more(base: object, change: object) -> None:
    once = over(base, change)
    assert over(once, change) == once


def test_yaml_is_1_2() -> None:
    tree: Node = parse_yaml("{a: 1e-4, b: on, c: 0o17, d: 1_0}", "here")
    assert tree.plain() == {"a": 1e-4, "b": "on", "c": 15, "d": "1_0"} or tree.plain()["b"] == "on"
    assert isinstance(tree.plain()["a"], float)


def test_overrides_in_order_and_typed() -> None:
    config = read_recipe(
        "tcmgc",
        overrides=[
            "aggregator=mean",
            "losses.sdr=null",
            "losses.infonce=2",
            "views.video.heads=4",
            "stages.video=[]",
        ],
    ).config
    assert config["aggregator"] == {"name": "mean"}
    assert list(config["losses"]) == ["infonce"]
    assert config["losses"]["infonce"]["weight"] == 2
    assert config["views"]["video"]["heads"] == 4
    assert config["stages"]["video"] == []
    assert (
        read_recipe("tcmgc", overrides=["losses.sdr=1", "losses.sdr=3"]).config["losses"]["sdr"]["weight"]
        == 3
    )


def test_wildcard_reaches_parameters_that_no_file_wrote() -> None:
    config = read_recipe("tcmgc", overrides={"granularities.*.interaction.temperature": 0.5}).config
    reached = {
        name: (g["interaction"] or {}).get("temperature") for name, g in config["granularities"].items()
    }
    assert reached == {"video-sentence": None, "video-word": 0.5, "sentence-frame": 0.5, "frame-word": 0.5}


def test_wildcard_keep_rate() -> None:
    config = read_recipe("tcmgc", overrides=["granularities.*.reorganizer.keep_rate=0.3"]).config
    rates = [g["reorganizer"]["keep_rate"] for g in config["granularities"].values() if g["reorganizer"]]
    assert rates == [0.3, 0.3, 0.3]


def test_name_of_a_loss_keeps_its_weight() -> None:
    assert read_recipe("tcmgc", overrides=["losses.sdr.name=sdr"]).config["losses"]["sdr"]["weight"] == 0.5


def test_digest_follows_the_order_of_granularities(tmp_path: Path) -> None:
    shown = as_yaml(read_recipe("xclip"))
    start, middle, end = (
        shown.index("  video-sentence:"),
        shown.index("  video-word:"),
        shown.index("  sentence-frame:"),
    )
    other = tmp_path / "other.yaml"
    other.write_text(shown[:start] + shown[middle:end] + shown[start:middle] + shown[end:])
    assert list(read_recipe(other).config["granularities"])[:2] == ["video-word", "video-sentence"]
    assert read_recipe(other).digest != read_recipe("xclip").digest


def test_changed_name_drops_the_old_parameters() -> None:
    path = "granularities.sentence-frame.reorganizer"
    config = read_recipe("tcmgc", overrides=[f"{path}.keep_rate=0.4", f"{path}.name=prune"]).config
    assert config["granularities"]["sentence-frame"]["reorganizer"] == {"name": "prune", "keep_rate": 0.1}
    with pytest.raises(ConfigError, match="unknown parameter of aggregator 'mean'"):
        read_recipe("tcmgc", overrides={"aggregator": {"name": "mean", "matrix": 1}})


def test_variants_are_overrides() -> None:
    released = read_recipe("tcmgc").config
    corrected = read_recipe("tcmgc", variant="corrected").config
    assert not released["views"]["video"]["projections"]
    assert corrected["views"]["video"]["projections"]
    assert corrected["views"]["video"]["frame_mask"]
    assert all(g["text_mask"] and g["video_mask"] for g in corrected["granularities"].values())


def test_base_and_origins(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("base: xclip\nsummary: X-CLIP with LSA\naggregator: lsa\n")
    recipe = read_recipe(mine, overrides=["losses.infonce=0.5"])
    origins = recipe.resolved.origins
    assert origins["aggregator", "name"] == f"{mine}:3"
    assert origins["views", "video", "name"].endswith("xclip.yaml:11")
    assert origins["losses", "infonce", "weight"] == "--set losses.infonce=0.5"
    assert (
        origins["granularities", "video-word", "interaction", "temperature"]
        == "default of interaction 'aosm'"
    )


def test_a_base_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("base: xclip\naggregator: lsa\n")
    (tmp_path / "b.yaml").write_text("base: a.yaml\nstages: {video: []}\n")
    config = read_recipe(tmp_path / "b.yaml").config
    assert config["aggregator"]["name"] == "lsa"
    assert config["stages"]["video"] == []


@pytest.mark.parametrize("name", RECIPES)
def test_shown_recipe_is_the_same_recipe(name: str, tmp_path: Path) -> None:
    recipe = read_recipe(name)
    shown = tmp_path / "shown.yaml"
    shown.write_text(as_yaml(recipe))
    assert read_recipe(shown).digest == recipe.digest
    assert read_recipe(shown).config["official_names"] == recipe.config["official_names"]
    assert read_recipe(name, overrides={"logit_scale.init": 7}).digest != recipe.digest


@pytest.mark.parametrize("name", RECIPES)
def test_every_variant_resolves(name: str) -> None:
    for variant in read_recipe(name).config["variants"]:
        read_recipe(name, variant=variant)


def test_json_schema_accepts_recipes_and_refuses_mistakes() -> None:
    schema = recipe_schema(current_registry())
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    for path, _ in current_registry().recipe_files.values():
        tree = YAML(typ="safe").load(path)
        validator.validate(tree)
        assert not validator.is_valid({**tree, "agregator": "mean"})
    wrong = (
        {"aggregator": "meen"},
        {"views": {"v": {"name": "attention", "heads": 0}}},
        {"views": {"v": {"heads": 1}}},
    )
    assert not any(validator.is_valid(recipe) for recipe in wrong)
    assert validator.is_valid({"base": "tcmgc", "views": {"frames": {"share": "video", "query": "words"}}})


def test_show_and_schema_commands(tmp_path: Path) -> None:
    runner = CliRunner()
    shown = runner.invoke(
        cli, ["recipe", "show", "tcmgc", "aggregator=mean", "--json"], catch_exceptions=False
    )
    said = json.loads(shown.stdout)
    assert said["config"]["aggregator"] == {"name": "mean"}
    assert said["origins"]["aggregator.name"] == "--set aggregator=mean"
    listed = runner.invoke(cli, ["recipe", "list"], catch_exceptions=False).stdout
    assert all(name in listed for name in RECIPES)
    out = tmp_path / "schema.json"
    runner.invoke(cli, ["recipe", "schema", "--out", str(out)], catch_exceptions=False)
    assert json.loads(out.read_text()) == json.loads(json.dumps(recipe_schema(current_registry())))
